"""Metrics that keep state, return several values, or are no metrics at all."""

import numpy as np
import pytest

from jkeras import backend as K
from jkeras import layers
from jkeras.core.random import set_random_seed
from jkeras.models import Model, Sequential

X = np.random.RandomState(0).rand(12, 3).astype("float32")
Y = np.random.RandomState(1).randint(0, 2, (12, 1))


class TruePositives(layers.Layer):
    """The running count of hits, in the manner of Keras 2.2.4."""

    def __init__(self, name="true_positives", **kwargs):
        super().__init__(name=name, **kwargs)
        self.stateful = True
        self.count = K.variable(value=0, dtype="int32")

    def reset_states(self):
        K.set_value(self.count, 0)

    def __call__(self, y_true, y_pred):
        hits = K.cast(K.sum(K.round(y_pred) * K.cast(y_true, "float32")), "int32")
        before = self.count * 1
        self.add_update(K.update_add(self.count, hits), inputs=[y_true, y_pred])
        return before + hits


def _model(metrics, devices=1):
    set_random_seed(3)
    model = Sequential([layers.Dense(1, activation="sigmoid", input_shape=(3,))])
    model.compile("sgd", "binary_crossentropy", metrics=metrics, devices=devices)
    return model


@pytest.mark.parametrize("devices", [1, 4])
def test_stateful(devices, capsys):
    metric = TruePositives()
    model = _model(["acc", metric], devices)
    assert model.metrics_names == ["loss", "acc", "true_positives"]
    assert model.stateful_metric_names == ["true_positives"]
    hits = int(np.sum(np.round(model.predict(X)) * Y))
    assert hits > 0
    for _ in range(2):
        assert model.evaluate(X, Y, batch_size=4, verbose=0)[2] == hits
    assert K.get_value(metric.count) == hits
    assert model.test_on_batch(X, Y)[2] == 2 * hits, "nobody has reset it"
    K.set_value(model.optimizer.lr, 0.0)
    history = model.fit(X, Y, batch_size=4, epochs=2, verbose=1, validation_data=(X, Y)).history
    assert history["true_positives"] == [hits] * 2 == history["val_true_positives"]
    assert f"true_positives: {hits}" in capsys.readouterr().out.replace(".0000", "")


def test_several_values():
    def rates(y_true, y_pred):
        return {"low": K.min(y_pred), "high": K.max(y_pred)}

    model = _model([rates])
    assert model.metrics_names == ["loss", "low", "high"]
    _, low, high = model.evaluate(X, Y, verbose=0)
    prediction = model.predict(X)
    np.testing.assert_allclose([low, high], [prediction.min(), prediction.max()], rtol=1e-5)
    assert set(model.fit(X, Y, verbose=0, validation_data=(X, Y)).history) >= {"low", "val_high"}


@pytest.mark.parametrize("value", [None, (1.0, 2.0), [1.0]])
def test_a_loss_or_metric_that_returns_no_value(value):
    model = _model([lambda y_true, y_pred: value])
    with pytest.raises(TypeError, match=f"should return one value per sample.*{type(value).__name__}"):
        model.train_on_batch(X, Y)
    model.compile("sgd", lambda y_true, y_pred: {"a": y_pred})
    with pytest.raises(TypeError, match="it returned dict"):
        model.evaluate(X, Y, verbose=0)


def test_a_metric_that_writes_to_a_weight_is_refused():
    model = _model([])

    def bad(y_true, y_pred):
        model.layers[0].add_update((model.layers[0].kernel, model.layers[0].kernel * 0))
        return K.mean(y_pred)

    with pytest.raises(ValueError, match="trained weight"):
        model.compile("sgd", "mse", metrics=[bad])
        model.train_on_batch(X, Y)


def test_class_weights_in_the_wrong_place():
    for model, y in ((_model([]), Y), (_two(), [Y, Y])):
        with pytest.raises(ValueError, match="is the argument `class_weight`"):
            model.train_on_batch(X, y, sample_weight={0: 1.0, 1: 2.0})


def _two():
    x = layers.Input((3,))
    model = Model(x, [layers.Dense(1)(x), layers.Dense(1)(x)])
    model.compile("sgd", "mse")
    return model


def test_class_weights_in_a_list():
    model = _model([])
    weights = {0: 1.0, 1: 3.0}
    values = []
    for given in (weights, [weights], {model.output_names[0]: weights}):
        model.set_weights([np.ones((3, 1)), np.zeros(1)])
        values.append(model.train_on_batch(X, Y, class_weight=given))
    model.set_weights([np.ones((3, 1)), np.zeros(1)])
    assert values[0] == values[1] == values[2] != model.train_on_batch(X, Y)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"sample_weight_mode": "hourly"}, "sample_weight_mode.*'hourly'"),
        ({"sample_weight_mode": {"oops": None}}, "sample_weight_mode.*oops"),
        ({"metrics": {"oops": "acc"}}, "metrics.*oops"),
        ({"metrics": ["oops"]}, "Unknown metric.*oops"),
        ({"weighted_metrics": {"oops": "acc"}}, "weighted_metrics.*oops"),
        ({"loss": {"oops": "mse"}}, "loss.*oops"),
        ({"loss": "oops"}, "Unknown loss.*oops"),
        ({"loss": ["mse", "mse", "mse"]}, "one entry per model output"),
        ({"loss_weights": {"oops": 1.0}}, "loss_weights.*oops"),
    ],
)
def test_bad_arguments_of_compile(arguments, text):
    with pytest.raises(ValueError, match=text):
        _two().compile("sgd", **({"loss": "mse"} | arguments))


class Noted(layers.Layer):
    """Reports how large its output is, from within."""

    def call(self, x):
        y = K.relu(x)
        self.add_metric(K.mean(y), name="noted", aggregation="mean")
        return y


@pytest.mark.parametrize("devices", [1, 4])
def test_added_metrics(devices):
    x = layers.Input((3,))
    hidden, noted = layers.Dense(4)(x), Noted()
    inner_input = layers.Input((4,))
    inner = Model(inner_input, layers.Dense(2, activation="tanh")(inner_input))
    inner.add_metric(inner.output, name="inside", aggregation="mean")
    model = Model(x, layers.Dense(1)(inner(noted(hidden))))
    model.add_metric(K.max(hidden), name="highest")
    model.add_metric(hidden, name="loss")
    model.compile("sgd", "mse", metrics=["mae"], devices=devices)
    assert model.metrics_names == [
        "loss",
        "mean_absolute_error",
        "highest",
        "loss_1",
        "noted",
        "inside",
    ]
    seen = Model(x, [hidden, noted.output, inner(noted.output)])
    found = [a.max() if i == 0 else a.mean() for i, a in enumerate(seen.predict(X))]
    expected = [found[0], seen.predict(X)[0].mean(), *found[1:]]
    for values in (model.evaluate(X, Y, verbose=0), model.test_on_batch(X, Y), model.train_on_batch(X, Y)):
        np.testing.assert_allclose(values[2:], expected, rtol=1e-5)
    history = model.fit(X, Y, batch_size=4, epochs=2, verbose=0, validation_data=(X, Y)).history
    assert set(history) == {p + n for p in ("", "val_") for n in model.metrics_names}
    highest = model.evaluate(X, Y, batch_size=4, verbose=0)[2]
    np.testing.assert_allclose(history["val_highest"][-1], highest, rtol=1e-5)


def test_a_subclassed_model_adds_metrics():
    class Mine(Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)

        def call(self, x):
            y = self.dense(x)
            self.add_metric(y, name="height")
            return y

    model = Mine()
    model.compile("sgd", "mse")
    history = model.fit(X, Y, verbose=0).history
    assert set(history) == {"loss", "height"} and model.metrics_names == ["loss", "height"]
    value = model.evaluate(X, Y, verbose=0)[1]
    np.testing.assert_allclose(value, model.predict(X).mean(), rtol=1e-5)


def test_what_add_metric_refuses():
    x = layers.Input((3,))
    model = Model(x, layers.Dense(1)(x))
    for arguments, text in (
        ({"value": x}, "Please provide a name"),
        ({"value": x, "name": "a", "aggregation": "sum"}, "only be 'mean'; got 'sum'"),
        ({"value": 3.0, "name": "a"}, "takes a tensor of the model"),
    ):
        with pytest.raises(ValueError, match=text):
            model.add_metric(**arguments)


class Late(TruePositives):
    """Makes its variable in its first call, as packages of metrics do."""

    def __init__(self, **kwargs):
        layers.Layer.__init__(self, name="late")
        self.stateful, self.begun = True, False

    def __call__(self, y_true, y_pred):
        if not self.begun:
            self.begun, self.count = True, K.variable(0, dtype="int32")
        return super().__call__(y_true, y_pred)


class Share(layers.Layer):
    """A metric made of two others, whose updates it repeats."""

    def __init__(self):
        super().__init__(name="share")
        self.stateful, self.one, self.other = True, Late(), Late()

    def reset_states(self):
        self.one.reset_states()
        self.other.reset_states()

    def __call__(self, y_true, y_pred):
        hits, all_hits = self.one(y_true, y_pred), self.other(y_true, K.ones_like(y_pred))
        self.add_update(self.one.updates)
        self.add_update(self.other.updates)
        return K.cast(hits, "float32") / K.cast(all_hits, "float32")


def test_stateful_that_makes_its_variables_when_called():
    metric = Share()
    model = _model([metric])
    hits = np.sum(np.round(model.predict(X)) * Y)
    for _ in range(2):
        found = model.evaluate(X, Y, batch_size=4, verbose=0)[1]
        np.testing.assert_allclose(found, hits / Y.sum(), rtol=1e-6)
    assert (K.get_value(metric.one.count), K.get_value(metric.other.count)) == (hits, Y.sum())
    K.set_value(model.optimizer.lr, 0.0)
    history = model.fit(X, Y, batch_size=4, epochs=2, verbose=0).history
    np.testing.assert_allclose(history["share"], [hits / Y.sum()] * 2, rtol=1e-6)


def test_equality_compares_tensors_as_objects():
    """As in Keras, where `K.sum(y_true) == 0` is False whatever the value: in each second F score."""

    def score(y_true, y_pred):
        if K.sum(K.round(y_true)) == 0:
            return 0
        return K.sum(y_pred) / K.sum(y_true + 1)

    def loss(y_true, y_pred):
        return K.mean(K.square(y_true - y_pred), -1) if K.sum(y_true) != 1 else 0.0

    model = Sequential([layers.Dense(1, input_shape=(3,))])
    model.compile("sgd", loss, metrics=[score])
    p = model.predict(X)
    np.testing.assert_allclose(model.test_on_batch(X, 0 * Y), [(p**2).mean(), p.sum() / 12], rtol=1e-5)
    found = model.train_on_batch(X, Y)
    np.testing.assert_allclose(found, [((p - Y) ** 2).mean(), p.sum() / (Y.sum() + 12)], rtol=1e-5)


def test_a_choice_by_value_is_refused():
    def chosen(y_true, y_pred):
        return K.mean(y_pred) if K.sum(y_true) > 0 else K.sum(y_pred)

    model = Sequential([layers.Dense(1, input_shape=(3,))])
    model.compile("sgd", "mse", metrics=[chosen])
    with pytest.raises(TypeError, match="has no truth value; use K.switch"):
        model.test_on_batch(X, Y)
