"""Losses against the recordings of Keras 2.2.4: values, gradients, NaN and infinities, identifiers."""

from __future__ import annotations

import h5py
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jkeras import layers, losses, models, optimizers
from jkeras.core import settings
from jkeras.core.random import set_random_seed
from jkeras.primitives import numeric
from tests import golden

ALIASES = {
    "mse": "mean_squared_error",
    "MSE": "mean_squared_error",
    "mae": "mean_absolute_error",
    "MAE": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "MAPE": "mean_absolute_percentage_error",
    "msle": "mean_squared_logarithmic_error",
    "MSLE": "mean_squared_logarithmic_error",
    "kld": "kullback_leibler_divergence",
    "KLD": "kullback_leibler_divergence",
    "cosine": "cosine_proximity",
}


def recorded():
    with h5py.File(golden.path("functions.h5")) as file:
        pairs = {name: (p["y_true"][()], p["y_pred"][()]) for name, p in file["pairs"].items()}
        cases = {fn: {name: v[()] for name, v in group.items()} for fn, group in file["losses"].items()}
    return pairs, cases


PAIRS, CASES = recorded()


def compare(actual, expected, rtol, name):
    """Gradients can be 1e7 beside zeros: the absolute tolerance follows the largest finite one."""
    largest = np.abs(expected[np.isfinite(expected)]).max(initial=1.0)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=1e-6 * largest, err_msg=name)


@pytest.mark.parametrize("name", sorted(CASES))
def test_values_and_gradients_are_those_of_keras(name):
    fn, expected = losses.get(name), CASES[name]
    inputs = {pair: PAIRS[pair] for pair in expected if not pair.endswith("__grad_y_pred")}

    def total(y_pred, y_true):
        loss = fn(y_true, y_pred)
        return jnp.sum(loss), loss

    @jax.jit
    def both(inputs):
        return {pair: jax.grad(total, has_aux=True)(p, t) for pair, (t, p) in inputs.items()}

    results = both(inputs)
    assert len(results) * 2 == len(expected)
    for pair, (grad, loss) in results.items():
        compare(loss, expected[pair], 1e-5, pair)
        compare(grad, expected[f"{pair}__grad_y_pred"], 1e-4, f"gradient, {pair}")


@pytest.mark.parametrize("name", sorted(CASES))
def test_names(name):
    fn = getattr(losses, name)
    assert losses.get(name) is fn is losses.deserialize(name)
    assert losses.serialize(fn) == name
    assert name in CASES and fn.__name__ == name


@pytest.mark.parametrize("alias", sorted(ALIASES))
def test_aliases(alias):
    assert losses.get(alias) is getattr(losses, alias) is getattr(losses, ALIASES[alias])


def test_numpy_arrays_and_integer_targets():
    y_true, y_pred = np.asarray([[0, 1]]), np.asarray([[0.25, 0.75]], "float32")
    for name in CASES:
        target = np.asarray([1]) if name.startswith("sparse") else y_true
        assert losses.get(name)(target, y_pred).shape == (1,), name


def test_epsilon_is_read_when_the_loss_is_computed():
    y_true, y_pred = jnp.asarray([[1.0, 0.0]]), jnp.asarray([[0.0, 1.0]])
    settings.set_epsilon(1e-3)
    try:
        np.testing.assert_allclose(losses.categorical_crossentropy(y_true, y_pred), -np.log(1e-3), rtol=1e-5)
    finally:
        settings.set_epsilon(1e-7)


def test_sparse_targets_that_do_not_fit():
    with pytest.raises(ValueError, match="Sparse targets of shape .2, 3. do not fit outputs of shape .2, 3."):
        losses.sparse_categorical_crossentropy(jnp.zeros((2, 3)), jnp.ones((2, 3)))


def test_a_class_that_does_not_exist_is_nan():
    loss = losses.sparse_categorical_crossentropy(jnp.asarray([0, 3, -1]), jnp.full((3, 3), 1 / 3))
    np.testing.assert_array_equal(np.isnan(loss), [False, True, True])


def test_own_functions_and_none():
    def own(y_true, y_pred):
        return y_pred

    assert losses.get(None) is None and losses.get(own) is own
    assert losses.deserialize("own", {"own": own}) is own
    assert losses.serialize(own) == "own"


def test_an_object_of_a_class_with_a_config():
    class Weighted:
        def __init__(self, weight):
            self.weight = weight

        def __call__(self, y_true, y_pred):
            return self.weight * losses.mse(y_true, y_pred)

        def get_config(self):
            return {"weight": self.weight}

    written = losses.serialize(Weighted(2))
    assert written == {"class_name": "Weighted", "config": {"weight": 2}}
    assert losses.deserialize(written, {"Weighted": Weighted}).weight == 2


def test_errors_name_the_keras_spelling():
    with pytest.raises(ValueError, match="Unknown loss function: mean_square_error.*'mean_squared_error'"):
        losses.get("mean_square_error")
    with pytest.raises(ValueError, match="Could not interpret loss function identifier: 1"):
        losses.get(1)


@pytest.mark.parametrize("axis", [1, -1])
def test_the_axis_of_the_crossentropies(axis):
    p = jax.nn.softmax(jnp.arange(24.0).reshape(2, 3, 4) % 5, axis)
    last = jnp.moveaxis(p, axis, -1)
    classes = jnp.zeros(last.shape[:-1], "int32")
    expected = numeric.sparse_categorical_crossentropy(classes, last)
    np.testing.assert_allclose(numeric.sparse_categorical_crossentropy(classes, p, axis=axis), expected)
    one_hot = jnp.moveaxis(jax.nn.one_hot(classes, last.shape[-1]), -1, axis)
    np.testing.assert_allclose(numeric.categorical_crossentropy(one_hot, p, axis=axis), expected, rtol=1e-5)
    with pytest.raises(ValueError, match="Unexpected channels axis 5"):
        numeric.categorical_crossentropy(one_hot, p, axis=5)


def test_logits_give_what_their_probabilities_give():
    z = jnp.asarray([[0.3, -1.0, 2.0]])
    one_hot, classes = jnp.asarray([[0.0, 1.0, 0.0]]), jnp.asarray([1])
    expected = losses.categorical_crossentropy(one_hot, jax.nn.softmax(z))
    np.testing.assert_allclose(numeric.categorical_crossentropy(one_hot, z, True), expected, rtol=1e-5)
    np.testing.assert_allclose(numeric.sparse_categorical_crossentropy(classes, z, True), expected, rtol=1e-5)
    binary = numeric.binary_crossentropy(one_hot, jax.nn.sigmoid(z))
    np.testing.assert_allclose(numeric.binary_crossentropy(one_hot, z, True), binary, rtol=1e-5)


RECORDED = golden.json("keras3/losses")
DATA = {name: np.array(value, "float32") for name, value in RECORDED["data"].items()}
OBJECTS = RECORDED["cases"]


def made(case):
    return getattr(losses, case["name"])(**case["args"])


def test_objects_give_what_keras_3_gives():
    def total(p, case):
        y, weight = DATA[case["y_true"]], DATA["weight"] if case["weighted"] else None
        value = made(case)(y, p, sample_weight=weight)
        values = type(made(case))(**{**case["args"], "reduction": "none"})(y, p)
        return jnp.sum(value), (value, values)

    @jax.jit
    def every(data):
        return [jax.grad(total, has_aux=True)(data[case["y_pred"]], case) for case in OBJECTS]

    for case, (slope, (value, values)) in zip(OBJECTS, every(DATA), strict=True):
        told = f"{case['name']} {case['args']}"
        np.testing.assert_allclose(values, case["values"], rtol=2e-5, atol=1e-6, err_msg=told)
        np.testing.assert_allclose(value, case["loss"], rtol=2e-5, atol=1e-6, err_msg=told)
        compare(np.asarray(slope), np.array(case["slope"]), 2e-4, told)


def test_objects_are_written_down_as_keras_3_does():
    for case in OBJECTS:
        loss = made(case)
        config = loss.get_config()
        assert {**config, **case["config"]} == config
        assert case["args"].keys() - case["config"].keys() == config.keys() - case["config"].keys()
        again = losses.deserialize(losses.serialize(loss))
        assert type(again) is type(loss) and again.get_config() == config


def test_objects_by_name_and_by_class():
    assert losses.get("Huber").delta == losses.get(losses.Huber).delta == 1.0
    assert losses.get("bce") is losses.get("BCE") is losses.binary_crossentropy
    assert losses.get("kl_divergence") is losses.kullback_leibler_divergence
    loss = losses.LossFunctionWrapper(lambda y, p, power: jnp.abs(y - p) ** power, power=2, name="own")
    assert (loss.name, float(loss(jnp.zeros((2, 1)), jnp.ones(2)))) == ("own", 1.0)
    with pytest.raises(ValueError, match="`reduction` should be one of 'sum_over_batch_size'.*got 'avg'"):
        losses.Huber(reduction="avg")
    with pytest.raises(TypeError, match="Loss does not define `call"):
        losses.Loss()(jnp.zeros(2), jnp.zeros(2))


def test_objects_train_on_one_device_and_on_several():
    x = np.random.RandomState(0).rand(12, 3).astype("float32")
    y, weight = np.arange(12) % 4 - 1, np.arange(12.0)  # of class -1 are the samples that do not count

    def fitted(devices, loss):
        set_random_seed(1)
        model = models.Sequential([layers.Dense(3, input_shape=(3,))])
        model.compile(optimizers.SGD(1.0), loss, metrics=["accuracy"], devices=devices)
        labels = y if isinstance(loss, losses.SparseCategoricalCrossentropy) else y % 3
        history = model.fit(x, labels, 8, epochs=2, sample_weight=weight, shuffle=False, verbose=0).history
        return model, [*history["loss"], *np.ravel(model.get_weights()[0])]

    sparse = losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
    for loss in (sparse, losses.Circle(gamma=2.0)):
        model, one = fitted(1, loss)
        np.testing.assert_allclose(fitted(4, loss)[1], one, rtol=1e-5)
    assert model.metrics_names == ["loss", "acc"]
    model, _ = fitted(1, sparse)
    z = model.predict(x)
    expected = sparse(y[:8], z[:8], weight[:8])
    np.testing.assert_allclose(model.test_on_batch(x[:8], y[:8], weight[:8])[0], expected, rtol=1e-5)
