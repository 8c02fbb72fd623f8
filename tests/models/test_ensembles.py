"""average_weights and average_outputs."""

from __future__ import annotations

import numpy as np
import pytest

from jkeras import backend as K
from jkeras.layers import LSTM, Add, BatchNormalization, Dense, Dropout, Embedding, Input, concatenate
from jkeras.models import Model, Sequential, average_outputs, average_weights, load_model

X = np.linspace(-1, 1, 24, dtype="float32").reshape(6, 4)


def chain(units=3, activation="tanh", rate=0.5, **kwargs):
    return Sequential(
        [
            Dense(units, activation=activation, input_shape=(4,), **kwargs),
            BatchNormalization(),
            Dropout(rate),
            Dense(2, activation="softmax"),
        ]
    )


def graph(hidden="hidden", skip="a", **names):
    a, b = Input((4,), name=names.get("a", "a")), Input((4,), name=names.get("b", "b"))
    h = Dense(4, name=hidden)(concatenate([a, b]))
    first = Dense(2, name="first")(Add(name="add")([h, a if skip == "a" else b]))
    return Model([a, b], [first, Dense(1, name="second")(h)])


class Subclass(Model):
    def __init__(self):
        super().__init__()
        self.dense = Dense(2)

    def call(self, x):
        return self.dense(x)


def test_weights_are_the_mean():
    """Moving statistics as well; what is for training only may differ."""
    models = [chain(), chain(rate=0.1, kernel_regularizer="l2"), chain(kernel_initializer="ones")]
    for i, model in enumerate(models):
        model.layers[1].set_weights([np.full(3, i + k, "float32") for k in range(4)])
    mean = average_weights(models)
    for value, *theirs in zip(mean.get_weights(), *(m.get_weights() for m in models), strict=True):
        np.testing.assert_allclose(value, np.mean(theirs, axis=0), rtol=1e-5, atol=1e-7)
    weighted = average_weights(models, weights=[1, 0, 3])
    assert weighted.layers[1].get_weights()[3].tolist() == [4.5, 4.5, 4.5]
    assert mean.optimizer is None and models[0].layers[1].get_weights()[3].tolist() == [3, 3, 3]


def test_weights_keep_their_dtype_and_nested_models():
    def nested():
        x = Input((3,), dtype="int32")
        inner = Sequential([Embedding(5, 2, input_length=3), LSTM(2)])
        return Model(x, Dense(1)(inner(x)))

    models = [nested(), nested()]
    mean = average_weights(models)
    assert [w.dtype for w in mean.get_weights()] == [np.dtype("float32")] * 6
    np.testing.assert_allclose(
        mean.get_weights()[2], (models[0].get_weights()[2] + models[1].get_weights()[2]) / 2, rtol=1e-6
    )


def test_weights_of_a_subclass():
    models = [Subclass(), Subclass()]
    outputs = [m.predict(X) for m in models]
    np.testing.assert_allclose(average_weights(models).predict(X), np.mean(outputs, axis=0), rtol=1e-5)


MISFITS = {
    "shape": (
        lambda: chain(units=5),
        r"'dense_\d+' of .*: the shape of 'kernel' is \(4, 5\) instead of \(4, 3\)",
    ),
    "activation": (
        lambda: chain(activation="relu"),
        r"'dense_\d+' of .*: `activation` is \"relu\" instead of \"tanh\"",
    ),
    "fewer": (lambda: Sequential(chain().layers[:3]), r"'dense_\d+' of model 0 .* no counterpart in model 1"),
    "class": (lambda: Sequential([BatchNormalization(input_shape=(4,))]), "the class is BatchNormalization"),
    "unbuilt": (lambda: Sequential([Dense(3)]), "model 1 .* has no weights yet"),
}


@pytest.mark.parametrize("kind", MISFITS)
def test_weights_that_do_not_fit(kind):
    other, message = MISFITS[kind]
    with pytest.raises(ValueError, match=message):
        average_weights([chain(), other()])


def test_weights_of_another_graph():
    assert (
        average_weights([graph(), graph(hidden="h2", a="c", b="d")]).count_params() == graph().count_params()
    )
    with pytest.raises(ValueError, match=r"what the calls of layer 4 get is .*instead of"):
        average_weights([graph(), graph(skip="b")])


@pytest.mark.parametrize("function", [average_weights, average_outputs])
@pytest.mark.parametrize(
    "models, weights, message",
    [
        ([], None, "takes a list of models"),
        ([chain, chain], None, "takes a list of models"),
        (2, [1], "2 models need as many weights"),
        (2, [1, -1], "a sum that is not 0"),
        (2, [1, float("nan")], "a sum that is not 0"),
    ],
    ids=["none", "other", "number", "zero", "nan"],
)
def test_arguments(function, models, weights, message):
    models = [chain() for _ in range(models)] if isinstance(models, int) else models
    with pytest.raises(ValueError, match=f"{function.__name__}.*{message}"):
        function(models, weights)


def test_outputs_are_the_mean(tmp_path):
    """Of models of several architectures, some with one name; the file gives the same model."""
    models = [chain(), chain(units=7), Sequential([Dense(2, input_shape=(4,))], name="plain")]
    models[1].name = models[0].name
    x = [m.predict(X) for m in models]
    np.testing.assert_allclose(average_outputs(models).predict(X), np.mean(x, axis=0), rtol=1e-5)
    both = average_outputs(models, weights=[2, 1, 1], name="both")
    np.testing.assert_allclose(both.predict(X), (2 * x[0] + x[1] + x[2]) / 4, rtol=1e-5)
    assert both.name == "both" and both.output_names == models[0].output_names
    both.compile("sgd", "mse")
    both.save(tmp_path / "both.h5")
    again = load_model(tmp_path / "both.h5")
    np.testing.assert_allclose(again.predict(X), both.predict(X), rtol=1e-6)
    twice = average_outputs([models[0], models[0]])
    np.testing.assert_allclose(twice.predict(X), x[0], rtol=1e-6)
    np.testing.assert_allclose(average_outputs(models[:1]).predict(X), x[0], rtol=1e-6)


def test_outputs_by_name_and_training():
    """Several inputs and outputs have the names of the first model; the members' weights are trained."""
    models = [graph(), graph(hidden="h2", a="c", b="d")]
    both = average_outputs(models)
    assert both.input_names == ["a", "b"] and both.output_names == ["first", "second"]
    data = {"a": X, "b": X[::-1].copy()}
    x = [m.predict(list(data.values())) for m in models]
    for j, y in enumerate(both.predict(data)):
        np.testing.assert_allclose(y, (x[0][j] + x[1][j]) / 2, rtol=1e-5, atol=1e-6)
    both.compile("sgd", {"first": "mse", "second": "mae"})
    before = models[1].get_weights()
    losses = both.fit(
        data, {"first": np.ones((6, 2)), "second": np.ones((6, 1))}, epochs=3, verbose=0
    ).history["loss"]
    assert losses[-1] < losses[0]
    assert any(np.any(a != b) for a, b in zip(before, models[1].get_weights(), strict=True))


OTHERS = {
    "inputs": (
        lambda: Sequential([Dense(2, input_shape=(3,))]),
        r"the same inputs .*\(None, 4\).*\(None, 3\)",
    ),
    "outputs": (
        lambda: Sequential([Dense(5, input_shape=(4,))]),
        r"the same outputs .*\(None, 2\).*\(None, 5\)",
    ),
    "number": (graph, "the same inputs"),
    "unbuilt": (Subclass, "has no weights yet"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_outputs_that_do_not_fit(kind):
    other, message = OTHERS[kind]
    with pytest.raises(ValueError, match=message):
        average_outputs([chain(), other()])


def test_outputs_of_other_kinds():
    with pytest.raises(ValueError, match="in the same order"):
        average_outputs([graph(), graph(a="b", b="a")])
    model = Subclass()
    y = model.predict(X)
    with pytest.raises(ValueError, match=r"Model\(x, model\(x\)\)"):
        average_outputs([model, model])
    x = Input((4,))
    wrapped = average_outputs([Model(x, model(x)), chain()])
    assert K.int_shape(wrapped.output) == (None, 2)
    np.testing.assert_allclose(average_outputs([Model(x, model(x))]).predict(X), y, rtol=1e-5)
