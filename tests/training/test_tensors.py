"""Models whose data are variables and tensors: `Input(tensor=...)` and `target_tensors`."""

import numpy as np
import pytest

from jkeras import backend as K
from jkeras import layers
from jkeras.core.random import set_random_seed
from jkeras.models import Model

X = np.random.RandomState(0).rand(8, 3).astype("float32")
Y = np.random.RandomState(1).rand(8, 2).astype("float32")


def _model(tensor=None, devices=1, **more):
    set_random_seed(1)
    x = layers.Input((3,)) if tensor is None else layers.Input(tensor=tensor)
    model = Model(x, layers.Dense(2, name="out")(x))
    model.compile("sgd", "mse", metrics=["mae"], devices=devices, **more)
    return model


def _all(model, x, y, **steps):
    """Every way to use a model, as numbers."""
    found = list(model.fit(x, y, epochs=2, verbose=0, **steps).history.values())
    n = steps.get("steps_per_epoch", None)
    found += [model.evaluate(x, y, steps=n, verbose=0), model.train_on_batch(x, y), model.test_on_batch(x, y)]
    return [*found, model.predict_on_batch(x), *model.get_weights()]


@pytest.mark.parametrize("devices", [1, 8])
def test_the_same_as_fed(devices):
    expected = _all(_model(), X, Y, steps_per_epoch=3)
    inner = K.constant(Y) * 0.5
    for tensor, targets, x, y in (
        (None, K.variable(Y), X, None),
        (None, [Y], X, None),
        (K.variable(X), None, None, Y),
        (K.variable(X), {"out": K.variable(Y)}, None, None),
        (K.variable(X), [inner + inner], None, None),
        (K.variable(X / 2) * 2, layers.Input((2,)), None, Y),
    ):
        found = _all(_model(tensor, devices, target_tensors=targets), x, y, steps_per_epoch=3)
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("devices", [1, 8])
def test_steps(devices):
    model = _model(K.variable(X), devices, target_tensors=[K.variable(Y)])
    assert model.predict(None, steps=2).shape == (16, 2)
    history = model.fit(steps_per_epoch=4, epochs=2, validation_steps=2, verbose=0).history
    assert set(history) == {"loss", "val_loss", "mean_absolute_error", "val_mean_absolute_error"}
    assert history["val_loss"][-1] < history["loss"][0]
    for call in (model.fit, model.evaluate, lambda: model.predict(None)):
        with pytest.raises(ValueError, match="steps_per_epoch"):
            call()
    with pytest.raises(ValueError, match="size the model expected|expected"):
        model.fit(X, steps_per_epoch=1)


def test_a_target_may_change_and_may_depend_on_the_model():
    target = K.variable(np.zeros((8, 2)))
    model = _model(target_tensors=target)
    before = model.evaluate(X, steps=1, verbose=0)[0]
    K.set_value(target, Y)
    assert model.evaluate(X, steps=1, verbose=0)[0] != before
    x = layers.Input((3,))
    auto = Model(x, layers.Dense(3)(x))
    auto.compile("sgd", "mse", target_tensors=x)
    assert auto.fit(X, epochs=3, verbose=0, batch_size=4).history["loss"][-1] >= 0
    np.testing.assert_allclose(auto.evaluate(X, verbose=0), ((auto.predict(X) - X) ** 2).mean(), rtol=1e-5)


def test_what_does_not_fit_is_refused_at_compile():
    model = _model()
    for given, error, text in (
        ([K.variable(Y), K.variable(Y)], ValueError, "one entry per model output"),
        ({"oops": K.variable(Y)}, ValueError, 'Unknown entry in `target_tensors` dictionary: "oops"'),
        (K.variable(X), ValueError, r"'out' should have the shape \(None, 2\)"),
    ):
        with pytest.raises(error, match=text):
            model.compile("sgd", "mse", target_tensors=given)
    with pytest.raises(ValueError, match="[Dd]isconnected|not among"):
        model.compile("sgd", "mse", target_tensors=layers.Dense(2)(layers.Input((2,))))
    x = layers.Input((3,))
    two = Model(x, [layers.Dense(2)(x), layers.Dense(2)(x)])
    with pytest.raises(ValueError, match="list or a dict"):
        two.compile("sgd", "mse", target_tensors=K.variable(Y))


@pytest.mark.parametrize("devices", [1, 8])
def test_sample_weights_reach_targets_that_are_tensors(devices):
    weight = np.arange(8.0) % 3
    expected = _model(devices=devices, weighted_metrics=["mae"])
    model = _model(devices=devices, weighted_metrics=["mae"], target_tensors=[K.variable(Y)])
    unfed = _model(K.variable(X), devices, weighted_metrics=["mae"], target_tensors=[K.variable(Y)])
    for given in (weight, [weight], {"out": weight}):
        values = expected.train_on_batch(X, Y, given)
        np.testing.assert_allclose(model.train_on_batch(X, None, given), values, rtol=1e-5)
        np.testing.assert_allclose(unfed.train_on_batch(None, None, given), values, rtol=1e-5)
    with pytest.raises(ValueError, match="class_weight.*target_tensors"):
        model.train_on_batch(X, None, class_weight={0: 1.0})
    with pytest.raises(ValueError, match=r"Sample_weight arrays.* 8 .* 5 weights|cannot be broadcast"):
        model.train_on_batch(X, None, weight[:5])


def test_sample_weights_of_some_targets():
    x, weight = layers.Input((3,)), np.arange(8.0) % 3
    two = Model(x, [layers.Dense(2, name="a")(x), layers.Dense(2, name="b")(x)])
    two.compile("sgd", "mse")
    expected = two.test_on_batch(X, [Y, X[:, :2]], sample_weight={"a": weight})
    two.compile("sgd", "mse", target_tensors={"a": K.variable(Y)})
    found = two.test_on_batch(X, X[:, :2], sample_weight={"a": weight})
    np.testing.assert_allclose(found, expected, rtol=1e-5)
