"""Activations against the recordings of Keras 2.2.4, and their identifiers."""

from __future__ import annotations

import json

import h5py
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jkeras import activations
from tests import golden

NAMES = "elu exponential hard_sigmoid linear relu selu sigmoid softmax softplus softsign tanh".split()


def recorded():
    with h5py.File(golden.path("functions.h5")) as file:
        group = file["activations"]
        inputs = {name: value[()] for name, value in group["inputs"].items()}
        cases = {}
        for case in group:
            if case != "inputs":
                attrs = next(iter(group[case].values())).attrs
                values = {name: value[()] for name, value in group[case].items()}
                cases[case] = (attrs["function"], json.loads(attrs["args"]), values)
    return inputs, cases


INPUTS, CASES = recorded()


@pytest.mark.parametrize("case", sorted(CASES))
def test_values_and_gradients_are_those_of_keras(case):
    name, args, expected = CASES[case]
    fn = activations.get(name)

    def weighted(x):
        y = fn(x, **args)
        return jnp.sum(y * jnp.cos(jnp.arange(y.size, dtype="float32")).reshape(y.shape)), y

    @jax.jit
    def both(inputs):
        return {key: jax.grad(weighted, has_aux=True)(x) for key, x in inputs.items()}

    for key, (grad, y) in both(INPUTS).items():
        np.testing.assert_allclose(y, expected[key], rtol=1e-5, atol=1e-6, err_msg=key)
        np.testing.assert_allclose(grad, expected[f"{key}__grad"], rtol=1e-4, atol=1e-6, err_msg=key)


@pytest.mark.parametrize("case", sorted(CASES))
def test_every_recorded_output_is_compared(case):
    assert {key.removesuffix("__grad") for key in CASES[case][2]} <= set(INPUTS)


@pytest.mark.parametrize("name", NAMES)
def test_names(name):
    fn = activations.get(name)
    assert fn.__name__ == name and activations.serialize(fn) == name
    assert activations.deserialize(name) is fn is getattr(activations, name)
    assert activations.get(fn) is fn


@pytest.mark.parametrize("shape", [(), (3,)])
def test_softmax_needs_rank_2(shape):
    with pytest.raises(ValueError, match="Cannot apply softmax to a tensor that is"):
        activations.softmax(jnp.zeros(shape))


def test_softmax_of_rank_2_ignores_the_axis_as_in_keras():
    x = jnp.arange(6.0).reshape(2, 3)
    np.testing.assert_allclose(activations.softmax(x, axis=0).sum(-1), 1, rtol=1e-6)


def test_nan_and_infinity_pass_as_in_tensorflow():
    x = jnp.asarray([[np.nan, np.inf, -np.inf]])
    np.testing.assert_array_equal(activations.relu(x), [[np.nan, np.inf, 0]])
    np.testing.assert_array_equal(activations.elu(x), [[np.nan, np.inf, -1]])
    np.testing.assert_array_equal(activations.hard_sigmoid(x), [[np.nan, 1, 0]])


def test_float16_stays_float16():
    for name in NAMES:
        assert activations.get(name)(jnp.ones((2, 2), "float16")).dtype == "float16", name


def test_none_is_linear_and_own_functions_pass():
    assert activations.get(None) is activations.linear
    assert activations.get(jnp.sin) is jnp.sin
    assert activations.deserialize("wave", {"wave": jnp.sin}) is jnp.sin


def test_a_layer_is_accepted_with_kerass_warning():
    class Layer:
        def pure(self):
            return self

        def __call__(self, x):
            return x

    layer = Layer()
    with pytest.warns(UserWarning, match="Do not pass a layer instance .such as Layer. as the activation"):
        assert activations.get(layer) is layer
    with pytest.raises(ValueError, match="has no name to be saved by"):
        activations.serialize(layer)


def test_unknown_names_are_errors_that_help():
    with pytest.raises(ValueError, match="Unknown activation function: sigmod.*'sigmoid'.*custom_objects"):
        activations.get("sigmod")
    with pytest.raises(ValueError, match="Here it is 'relu'"):
        activations.get("ReLU")
    with pytest.raises(ValueError, match="Could not interpret activation function identifier: 3"):
        activations.get(3)
    with pytest.raises(AttributeError, match="no attribute 'SoftMax'. Here it is 'softmax'"):
        _ = activations.SoftMax


def test_those_of_keras_3_have_its_values_and_gradients():
    recorded = golden.json("keras3/activations")
    x, cases = np.array(recorded["x"], "float32"), recorded["cases"]

    def weighted(x, case):
        y = getattr(activations, case["name"])(x, **case["args"])
        return jnp.sum(y * jnp.cos(jnp.arange(y.size, dtype="float32")).reshape(y.shape)), y

    @jax.jit
    def every(x):
        return [jax.grad(lambda x, case=case: weighted(x, case), has_aux=True)(x) for case in cases]

    for case, (slope, y) in zip(cases, every(x), strict=True):
        told = f"{case['name']} {case['args']}"
        np.testing.assert_allclose(y, case["y"], rtol=1e-5, atol=1e-6, err_msg=told)
        np.testing.assert_allclose(slope, case["slope"], rtol=1e-4, atol=1e-6, err_msg=told)


def test_names_of_keras_3():
    assert activations.get("swish") is activations.silu is activations.swish
    assert activations.get("hard_swish") is activations.hard_silu
    for name in {case["name"] for case in golden.json("keras3/activations")["cases"]} - {"relu"}:
        assert activations.get(activations.serialize(activations.get(name))) is getattr(activations, name)
