"""64-bit numbers in jax's 32-bit mode: kept, or refused in words that say what to set; never cut."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jkeras import backend as K
from jkeras.core import bits
from jkeras.layers import Dense, Embedding, Input, Lambda, Layer
from jkeras.models import Model, Sequential

BIG = 2**40 + 7


def refused(what):
    return pytest.raises(ValueError, match=rf"(?s){what}.*K\.set_floatx\('float64'\).*jax_enable_x64")


def wide(dtype="int64"):
    x = Input((1,), dtype=dtype, name="numbers")
    model = Model(x, Lambda(lambda v: K.cast(v % 1000, "float32"))(x))
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize("dtype", ["int64", "uint64"])
def test_small_values_of_wide_integers_go_on(dtype):
    model, x = wide(dtype), np.array([[3], [2**31 - 1]], dtype)
    assert model.inputs[0].dtype == dtype
    np.testing.assert_array_equal(model.predict(x), [[3], [647]])
    assert model.evaluate(x, np.array([[3.0], [647.0]]), verbose=0) == 0
    np.testing.assert_array_equal(K.function(model.inputs, model.outputs)([x])[0], [[3], [647]])
    y, labels = Input((2,), dtype=dtype), np.array([[1, 4]])
    assert Model(y, Embedding(5, 2)(y)).predict(labels).shape == (1, 2, 2)


WAYS_IN = {
    "predict": lambda model, x: model.predict(x),
    "evaluate": lambda model, x: model.evaluate(x, np.zeros((1, 1)), verbose=0),
    "fit": lambda model, x: model.fit(x, np.zeros((1, 1)), verbose=0),
    "train_on_batch": lambda model, x: model.train_on_batch(x, np.zeros((1, 1))),
    "generator": lambda model, x: model.predict_generator(iter([x]), steps=1),
    "call": lambda model, x: model(x),
    "pure": lambda model, x: model.pure().apply({}, {}, x),
    "function": lambda model, x: K.function(model.inputs, model.outputs)([x]),
}


@pytest.mark.parametrize("way, dtype", [*((way, "int64") for way in WAYS_IN), ("predict", "float64")])
def test_data_beyond_32_bits_are_refused(way, dtype):
    with refused(f"(numbers|input of layer).*{BIG}.*int32"):
        WAYS_IN[way](wide(), np.array([[BIG]], dtype))


def test_data_for_float_inputs_are_rounded_as_in_keras():
    model = Sequential([Lambda(lambda v: v * 1, input_shape=(1,))])
    assert model.predict(np.array([[BIG]]))[0, 0] == np.float32(BIG)
    assert model.pure().apply({}, {}, np.array([[BIG]])).y[0, 0] == np.float32(BIG)


VALUES = {
    "variable": lambda: K.variable(BIG, dtype="int64"),
    "variable of an array": lambda: K.variable(np.array([-BIG]), dtype="int64"),
    "variable of a float": lambda: K.variable(3e9, dtype="int32"),
    "set_value": lambda: K.set_value(K.variable(1, dtype="int64"), BIG),
    "constant": lambda: K.constant(BIG, dtype="int64"),
    "cast": lambda: K.cast(np.array([3e9]), "int64"),
    "cast of an array": lambda: K.cast(jnp.asarray([3e9]), "int64"),
    "operand": lambda: K.variable([1], dtype="int32") + np.array([BIG]),
    "operand, a number": lambda: K.variable([1], dtype="int32") + BIG,
    "argument": lambda: K.equal(np.array([1]), np.array([BIG])),
    "layer": lambda: Lambda(lambda v: v)(np.array([[BIG]])),
}


@pytest.mark.parametrize("case", VALUES)
def test_values_beyond_32_bits_are_refused(case):
    with refused("which does not fit into int32"):
        VALUES[case]()


def test_values_that_fit_are_kept_without_a_word():
    assert K.get_value(K.variable(2**31 - 1, dtype="int64")) == 2**31 - 1
    assert K.get_value(K.variable(2**32 - 1, dtype="uint64")) == 2**32 - 1
    assert K.eval(K.constant(-(2**31), dtype="int64")) == -(2**31)
    labels = K.cast(K.variable([1.0]), "int64")
    assert K.eval(K.equal(K.argmax(K.variable([[1.0, 2.0]])), labels)).tolist() == [True]
    for make in (K.zeros, K.ones, K.random_uniform, K.random_binomial):
        assert np.shape(make((2,), dtype="int64")) == (2,)
    assert K.arange(3, dtype="int64").tolist() == [0, 1, 2]
    assert K.eval(K.ones_like(K.variable([2.0]), dtype="int64")).tolist() == [1]


def test_a_wide_number_beside_floats_is_a_float():
    x = Input((2,))
    np.testing.assert_array_equal(
        Model(x, Lambda(lambda v: v)(x * (-(2**32) + 1))).predict(np.ones((1, 2))), [[-(2.0**32)] * 2]
    )


FLOATS = {
    "variable": lambda: K.variable(np.array([1 / 3]), dtype="float64"),
    "constant": lambda: K.constant(0.1, dtype="float64"),
    "zeros": lambda: K.zeros((2,), dtype="float64"),
    "zeros_like": lambda: K.zeros_like(K.variable([1.0]), dtype="float64"),
    "ones_like": lambda: K.ones_like(np.ones(2), dtype="float64"),
    "arange": lambda: K.arange(3, dtype="float64"),
    "random": lambda: K.random_normal((2,), dtype="float64"),
    "cast": lambda: K.cast(np.array([1.0]), "float64"),
    "cast of a tensor": lambda: K.cast(Input((2,)), "float64"),
    "placeholder": lambda: K.placeholder((2,), dtype="float64") + 1,
    "input": lambda: Dense(2)(Input((2,), dtype="float64")),
    "input of a Lambda": lambda: Lambda(lambda v: v + 1)(Input((2,), dtype="float64")),
    "layer": lambda: Dense(2, dtype="float64")(np.ones((1, 2))),
    "weight": lambda: Layer().add_weight(name="w", shape=(2,), dtype="float64", initializer="ones"),
}


@pytest.mark.parametrize("case", FLOATS)
def test_64_bit_floats_are_refused(case):
    with refused("should be float64"):
        FLOATS[case]()


def test_default_floats_are_numpys_too():
    assert K.variable(np.array([1 / 3])).dtype == "float32"
    assert bits.array(np.array([1 / 3])).dtype == jnp.float32


def test_lists_of_arrays_of_a_trace():
    stacked = jax.jit(lambda x: bits.array([x, (x + 1)]))(jnp.ones(2))
    assert stacked.tolist() == [[1, 1], [2, 2]]
    assert bits.array([jnp.ones(2)], "int32").dtype == "int32"


def test_an_array_from_numpy_compiles_nothing_and_is_a_copy():
    compiled = []
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, *_, **about: compiled.append(about) if "backend_compile" in event else None
    )
    given = np.ones((3, 457), "float32")
    found = [bits.array(given, dtype) for dtype in (None, "float32", "int32", "float16")]
    assert not compiled
    given[:] = 2
    assert all(np.asarray(array).max() == 1 for array in found)
