"""K's arithmetic: against numpy and against the recordings, on arrays and on symbolic tensors."""

from __future__ import annotations

import functools

import h5py
import numpy as np
import pytest

from jkeras import backend as K
from jkeras.layers import Input, Lambda, Layer
from jkeras.models import Model
from tests import golden

X = np.random.RandomState(0).uniform(-2, 2, (3, 4)).astype("float32")
Y = np.random.RandomState(1).uniform(-2, 2, (3, 4)).astype("float32")

ONE = {
    "abs": np.abs,
    "exp": np.exp,
    "log": lambda x: np.log(np.abs(x)),
    "sqrt": lambda x: np.sqrt(np.maximum(x, 0)),
    "square": np.square,
    "round": np.round,
    "sign": np.sign,
    "sin": np.sin,
    "cos": np.cos,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "hard_sigmoid": lambda x: np.clip(0.2 * x + 0.5, 0, 1),
    "relu": lambda x: np.maximum(x, 0),
    "elu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "softplus": lambda x: np.log1p(np.exp(x)),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "softmax": lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True),
    "l2_normalize": lambda x: x / np.sqrt((x**2).sum()),
    "sum": np.sum,
    "mean": np.mean,
    "max": np.max,
    "min": np.min,
    "prod": np.prod,
    "std": np.std,
    "var": np.var,
    "logsumexp": lambda x: np.log(np.exp(x).sum()),
    "argmax": lambda x: np.argmax(x, -1),
    "argmin": lambda x: np.argmin(x, -1),
    "cumsum": lambda x: np.cumsum(x, 0),
    "cumprod": lambda x: np.cumprod(x, 0),
    "flatten": np.ravel,
    "batch_flatten": lambda x: x.reshape(3, -1),
    "transpose": np.transpose,
    "expand_dims": lambda x: x[..., None],
    "zeros_like": np.zeros_like,
    "ones_like": np.ones_like,
    "identity": lambda x: x,
    "stop_gradient": lambda x: x,
}
TWO = {
    "maximum": np.maximum,
    "minimum": np.minimum,
    "equal": np.equal,
    "not_equal": np.not_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "less": np.less,
    "less_equal": np.less_equal,
}
MORE = {
    "sum of rows": (lambda x: K.sum(x, axis=1, keepdims=True), lambda x: x.sum(1, keepdims=True)),
    "mean of booleans": (lambda x: K.mean(K.greater(x, 0)), lambda x: (x > 0).mean()),
    "pow": (lambda x: K.pow(x, 3), lambda x: x**3),
    "clip": (lambda x: K.clip(x, -1, 0.5), lambda x: np.clip(x, -1, 0.5)),
    "clip without a range": (lambda x: K.clip(x, 1, -1), np.ones_like),
    "leaky relu": (
        lambda x: K.relu(x, alpha=0.1, max_value=1),
        lambda x: np.where(x > 0, np.minimum(x, 1), 0.1 * x),
    ),
    "cast": (lambda x: K.cast(x, "int32"), lambda x: x.astype("int32")),
    "dot": (lambda x: K.dot(x, K.transpose(x)), lambda x: x @ x.T),
    "batch_dot": (lambda x: K.batch_dot(x, x, axes=1), lambda x: (x * x).sum(1, keepdims=True)),
    "reshape": (lambda x: K.reshape(x, (-1, 2)), lambda x: x.reshape(-1, 2)),
    "permute": (lambda x: K.permute_dimensions(x, (1, 0)), lambda x: x.T),
    "squeeze": (lambda x: K.squeeze(K.expand_dims(x, 0), 0), lambda x: x),
    "concatenate": (lambda x: K.concatenate([x, x], axis=0), lambda x: np.concatenate([x, x])),
    "stack": (lambda x: K.stack([x, x], axis=1), lambda x: np.stack([x, x], 1)),
    "tile": (lambda x: K.tile(x, (2, 1)), lambda x: np.tile(x, (2, 1))),
    "repeat": (lambda x: K.repeat(x, 2), lambda x: np.stack([x, x], 1)),
    "repeat_elements": (lambda x: K.repeat_elements(x, 2, axis=1), lambda x: np.repeat(x, 2, 1)),
    "reverse": (lambda x: K.reverse(x, 1), lambda x: x[:, ::-1]),
    "slice": (lambda x: K.slice(x, (1, 0), (2, -1)), lambda x: x[1:3]),
    "gather": (lambda x: K.gather(x, np.array([2, 0])), lambda x: x[[2, 0]]),
    "one_hot": (lambda x: K.one_hot(K.argmax(x), 4), lambda x: np.eye(4)[x.argmax(-1)]),
    "operators": (
        lambda x: (2 - x) / 3 + x**2 * x[:, :1] - (-x),
        lambda x: (2 - x) / 3 + x**2 * x[:, :1] + x,
    ),
    "any": (lambda x: K.any(K.greater(x, 1), axis=1), lambda x: (x > 1).any(1)),
    "all": (lambda x: K.all(K.greater(x, -1), axis=1), lambda x: (x > -1).all(1)),
}
RECORDED = {
    "any": lambda x: K.any(K.greater(x, 2.0), axis=-1),
    "argmax": lambda x: K.argmax(x, axis=-1),
    "clip": lambda x: K.clip(x, -1, 1),
    "cumprod": lambda x: K.cumprod(x, axis=1),
    "cumsum": lambda x: K.cumsum(x, axis=1),
    "elu": lambda x: K.elu(x, 0.7),
    "hard_sigmoid": K.hard_sigmoid,
    "l2_normalize": lambda x: K.l2_normalize(x, axis=-1),
    "logsumexp": lambda x: K.logsumexp(x, axis=-1),
    "round": K.round,
    "sign": K.sign,
    "softplus": K.softplus,
    "softsign": K.softsign,
    "sqrt_of_negative_is_zero": K.sqrt,
    "std": lambda x: K.std(x, axis=0),
    "var": lambda x: K.var(x, axis=0),
}


def _positive(name, x):
    return K.abs(x) if name == "log" else x


@functools.cache
def symbolic() -> dict:
    """Every function of symbolic tensors, in one compiled program."""
    x, y = K.placeholder((None, 4)), K.placeholder((None, 4))
    tensors = {name: getattr(K, name)(_positive(name, x)) for name in ONE}
    tensors |= {name: getattr(K, name)(x, y) for name in TWO}
    tensors |= {name: ours(x) for name, (ours, _) in MORE.items()}
    values = K.function([x, y], list(tensors.values()))([X, Y])
    return dict(zip(tensors, values, strict=True))


@pytest.mark.parametrize("name", ONE)
def test_function_of_one(name):
    wanted = ONE[name](X)
    np.testing.assert_allclose(getattr(K, name)(_positive(name, X)), wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(symbolic()[name], wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", TWO)
def test_function_of_two(name):
    np.testing.assert_array_equal(getattr(K, name)(X, Y), TWO[name](X, Y))
    np.testing.assert_array_equal(symbolic()[name], TWO[name](X, Y))


@pytest.mark.parametrize("name", MORE)
def test_function_with_arguments(name):
    ours, wanted = MORE[name]
    np.testing.assert_allclose(ours(X), wanted(X), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(symbolic()[name], wanted(X), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", RECORDED)
def test_recorded(name):
    with h5py.File(golden.path("functions.h5")) as file:
        x, wanted = file["backend/x"][()], file[f"backend/{name}"][()]
    np.testing.assert_allclose(RECORDED[name](x), wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "float32", "int8"])
def test_a_number_takes_the_dtype_of_the_other_operand(dtype):
    x = K.variable(np.ones(3), dtype=dtype)
    for function in (K.maximum, K.minimum):
        for y in (function(x, 0), function(0, x)):
            assert K.dtype(y) == K.eval(y).dtype.name == dtype


def test_a_list_of_tensors_is_their_stack():
    """As TensorFlow packs a list where it wants a tensor: layers that reduce get `model.outputs`."""

    class Largest(Layer):
        def call(self, x):
            return K.max(x, axis=-1)

    x = Input((3,))
    data = np.arange(6.0).reshape(2, 3)
    assert Model(x, Largest()([x])).predict(data).tolist() == [[2.0, 5.0]]
    total = Model(x, Lambda(lambda v: K.sum([v, v], axis=0) + K.sum([v[0, 0], 1.0]))(x))
    assert total.predict(data).tolist() == (2 * data + 1).tolist()
    assert K.eval(K.sum([K.variable([1.0, 2.0]), K.constant([3.0, 4.0])], axis=0)).tolist() == [4.0, 6.0]


def test_slice_up_to_the_end_beside_a_start_that_is_computed():
    """The time step of a mask in a loop: `K.slice(mask, [0, t], [-1, 2])`."""
    x, t = Input((4,)), Input((1,), dtype="int32")
    part = Lambda(lambda v: K.slice(v[0], [0, v[1][0, 0]], [-1, 2]))([x, t])
    data = np.arange(8.0).reshape(2, 4)
    assert Model([x, t], part).predict([data, np.full((2, 1), 1)]).tolist() == [[1.0, 2.0], [5.0, 6.0]]
    assert K.eval(K.slice(K.variable(data), [1, 0], [-1, 3])).tolist() == [[4.0, 5.0, 6.0]]
    row = K.function([x], [K.slice(x, [0, K.cast(K.sum(x[:1, 1]), "int32")], [-1, 1])])
    assert row([data])[0].tolist() == [[1.0], [5.0]]
