"""Indices out of range: an error where they are known, else NaN, never a neighbour's row."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jkeras import backend as K
from jkeras import losses
from jkeras.layers import Concatenate, Dense, Embedding, Flatten, Input, Lambda, Layer, TimeDistributed
from jkeras.models import Model, Sequential
from jkeras.primitives.lookup import as_index, rows

TABLE = np.arange(10, dtype="float32").reshape(5, 2) + 1
BAD = [5, 7, -1, -5, 2**31 - 1, np.nan, np.inf, -np.inf]


@pytest.mark.parametrize("index", BAD)
def test_rows_of_computed_indices(index):
    given = jnp.asarray([2, index] if isinstance(index, int) else [2.0, index])
    found = jax.jit(rows)(jnp.asarray(TABLE), given)
    assert found[0].tolist() == [5, 6] and np.isnan(found[1]).all()
    slope = jax.jit(jax.grad(lambda table, i: jnp.nansum(rows(table, i))))(jnp.asarray(TABLE), given)
    assert slope.tolist() == [[0, 0], [0, 0], [1, 1], [0, 0], [0, 0]]


@pytest.mark.parametrize("index", BAD)
@pytest.mark.parametrize("make", [np.asarray, jnp.asarray, list])
def test_known_indices_are_refused(index, make):
    with pytest.raises(ValueError, match="out of range.* 5 rows.*0 to 4"):
        K.gather(TABLE, make([[2, index]]))
    with pytest.raises(ValueError, match="embedding.*out of range.* 5 rows.*0 to 4"):
        Embedding(5, 2)(np.asarray(make([[2, index]])))
    x, known = Input((2,)), make([index])
    with pytest.raises(ValueError, match="out of range"):
        Lambda(lambda v: v + K.gather(K.variable(TABLE), known))(x)


def test_tables_of_whole_numbers():
    for dtype, nothing in (("int32", -(2**31)), ("uint8", 255), ("bool", True)):
        table = jnp.asarray([1, 0, 1], dtype)
        found = jax.jit(rows)(table, jnp.asarray([1, 3, -1]))
        assert found.dtype == dtype and found.tolist() == [0, nothing, nothing]


def test_indices_of_every_type():
    whole = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "bool")
    for dtype in (*whole, "float16", "bfloat16", "float32"):
        assert as_index(jnp.asarray([0, 1], dtype)).tolist() == [0, 1]
    assert as_index(jnp.asarray([2**32 - 1, 2**31], "uint32")).tolist() == [-1, -1]
    assert as_index(jnp.asarray([-0.5, 1.9, -1.0, 3e9])).tolist() == [0, 1, -1, -1]


def _nested(layer):
    return Sequential([Lambda(lambda v: v, input_shape=(2,)), layer])


class _Own(Layer):
    def __init__(self, layer):
        super().__init__()
        self.inner = layer

    def call(self, x):
        return self.inner(x)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda e, i: e(Lambda(lambda v: v + 3)(i)),
        lambda e, i: e(Lambda(lambda v: v - 4)(i)),
        lambda e, i: e(Lambda(lambda v: v * np.nan)(i)),
        lambda e, i: _nested(e)(i),
        lambda e, i: _nested(e)(Lambda(lambda v: v + 3)(i)),
        lambda e, i: _Own(e)(i),
        lambda e, i: e(Concatenate()([i, i])),
        lambda e, i: TimeDistributed(_nested(e))(Lambda(lambda v: K.expand_dims(v, 1) + 0)(i)),
        lambda e, i: Lambda(lambda v: K.gather(K.variable(TABLE), K.cast(v, "int32")))(i),
    ],
)
def test_computed_indices_in_models(wrap):
    i = Input((2,))
    model = Model(i, wrap(Embedding(5, 2, weights=[TABLE]), i))
    found = model.predict(np.array([[1.0, 3.0], [1.0, 9.0]]))
    assert np.isnan(found[1]).any()
    assert np.isfinite(found[0]).all() or np.isnan(found[0]).any()
    f = K.function([i], model.outputs)
    np.testing.assert_array_equal(f([[[1.0, 3.0], [1.0, 9.0]]])[0], found)


def test_in_functions():
    k = K.variable(TABLE)
    assert np.isnan(K.eval(K.gather(k, K.variable([7], dtype="int32")))).all()
    with pytest.raises(ValueError, match="out of range"):
        K.gather(k, K.constant([7], dtype="int32"))
    model = Sequential([Embedding(5, 2, input_length=2, weights=[TABLE]), Flatten(), Dense(1)])
    f = K.function([model.input], [model.layers[0].output])
    assert np.isnan(f([np.array([[1, 9.0]])])[0]).tolist() == [[[False, False], [True, True]]]


def test_computed_classes():
    guess = jnp.full((3, 2), 0.5)
    loss = jax.jit(losses.sparse_categorical_crossentropy)(jnp.asarray([[1.0], [jnp.nan], [2.0]]), guess)
    assert np.isnan(loss).tolist() == [False, True, True]
    one_hot = jax.jit(lambda i: K.one_hot(i, 2))(jnp.asarray([1.0, jnp.nan, 2.0]))
    assert one_hot.tolist() == [[0, 1], [0, 0], [0, 0]]
