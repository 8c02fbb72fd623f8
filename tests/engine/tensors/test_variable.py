"""A variable is an array to numpy and jax; to graphs it stays a symbol that follows its value."""

from __future__ import annotations

import operator

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jkeras import backend as K
from jkeras.engine.tensors.symbolic import Tensor
from jkeras.engine.tensors.variable import Variable
from jkeras.layers import Dense, Input, Lambda, Layer
from jkeras.models import Model, Sequential

VALUES = np.arange(12, dtype="float32").reshape(3, 4) / 10


@pytest.fixture
def w():
    return Sequential([Dense(4, input_shape=(3,), weights=[VALUES, np.zeros(4)])]).weights[0]


def test_numpy(w):
    a = np.asarray(w)
    assert a.dtype == np.float32 and np.array_equal(a, VALUES)
    assert np.array(w, "float64").dtype == np.float64
    a[:] = 7  # a copy: the weight does not follow
    np.testing.assert_allclose(w, VALUES)
    np.testing.assert_array_equal(np.stack([w, w]), [VALUES, VALUES])
    assert np.sum(w) == np.sum(VALUES) and np.array_equal(np.exp(w), np.exp(VALUES))
    np.testing.assert_array_equal(np.dot(np.ones((2, 3)), w), np.ones((2, 3)) @ VALUES)
    assert np.shape(w) == (3, 4) and np.ndim(w) == 2 and np.size(w) == 12
    assert np.all(VALUES == w) and np.maximum(w, 1).min() == 1
    total = np.zeros((3, 4), "float32")
    total += w
    np.testing.assert_array_equal(total, VALUES)


JNP = {
    "asarray": jnp.asarray,
    "sum": jnp.sum,
    "mean": jnp.mean,
    "add": lambda v: jnp.add(v, 1),
    "maximum": lambda v: jnp.maximum(0.5, v),
    "where": lambda v: jnp.where(VALUES > 0.5, v, 0),
    "dot": lambda v: jnp.dot(jnp.ones((2, 3)), v),
    "matmul": lambda v: jnp.matmul(v, jnp.ones((4, 2))),
    "einsum": lambda v: jnp.einsum("ij->j", v),
    "stack": lambda v: jnp.stack([v, v]),
    "concatenate": lambda v: jnp.concatenate([v, v]),
    "reshape": lambda v: jnp.reshape(v, (4, 3)),
    "transpose": jnp.transpose,
    "exp": jnp.exp,
    "norm": jnp.linalg.norm,
    "relu": jax.nn.relu,
    "allclose": lambda v: jnp.allclose(v, VALUES),
    "jit": jax.jit(lambda v: v * 2),
    "grad": jax.grad(lambda v: jnp.sum(v**2)),
    "vmap": jax.vmap(jnp.sum),
    "tree": lambda v: jax.tree.map(jnp.sin, {"a": v})["a"],
    "device_put": jax.device_put,
}


@pytest.mark.parametrize("name", JNP)
def test_jax(w, name):
    got, wanted = JNP[name](w), JNP[name](VALUES)
    assert isinstance(got, jax.Array)
    np.testing.assert_array_equal(got, wanted)


def test_under_jit(w):
    @jax.jit
    def closes_over(x):
        return jnp.sum(x * w) + jnp.dot(jnp.ones(3), w)[0]

    np.testing.assert_allclose(closes_over(2.0), VALUES.sum() * 2 + VALUES[:, 0].sum(), rtol=1e-6)


def test_what_depends_on_inputs_is_no_array():
    x = Input((3,))
    for use in (np.asarray, jnp.asarray, lambda v: jnp.stack([v])):
        with pytest.raises((TypeError, ValueError), match="Tensor 'input_.* is symbolic"):
            use(x)
    np.testing.assert_array_equal(jnp.asarray(K.variable(VALUES) * 2), VALUES * 2)


def test_functions_of_jax_numpy_take_tensors_of_around():
    x = Input((3,))
    doubled = x * 2
    model = Model(x, Lambda(lambda v: jnp.concatenate([v, doubled], 1))(x))
    assert model.predict(np.ones((1, 3))).tolist() == [[1, 1, 1, 2, 2, 2]]


def test_numbers():
    one, count = K.variable(2.5), K.variable(3, dtype="int32")
    assert float(one) == 2.5 and int(one) == 2 and int(count) == 3 and operator.index(count) == 3
    assert list(range(count)) == [0, 1, 2] and "abcd"[count] == "d"
    with pytest.raises(TypeError):
        operator.index(one)
    with pytest.raises(TypeError):
        iter(one)
    with pytest.raises(TypeError):
        float(K.variable([1.0, 2.0]))


LEFT = {
    "numpy": lambda: np.full(3, 2.0, "float32"),
    "scalar": lambda: np.float32(2),
    "float": lambda: 2.0,
    "jax": lambda: jnp.full(3, 2.0),
}


@pytest.mark.broadcasts
@pytest.mark.parametrize("kind", LEFT)
@pytest.mark.parametrize(
    "name", ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "lt", "le", "gt", "ge"]
)
def test_operators_outside_of_code_are_the_graphs(kind, name):
    left = LEFT[kind]()
    fn, values = getattr(operator, name), np.array([1.0, 2.0, 3.0], "float32")
    v, x = K.variable(values), Input((3,))
    for a, b in ((left, v), (v, left)):
        result = fn(a, b)
        assert isinstance(result, Tensor)
        wanted = fn(*(values if i is v else i for i in (a, b)))
        np.testing.assert_allclose(result, wanted)
    assert isinstance(fn(left, x), Tensor) and isinstance(fn(x, left), Tensor)
    assert fn(left, x).shape == (None, 3)


def test_matmul_and_indices_are_the_graphs(w):
    assert np.array_equal(K.eval(np.ones((2, 3), "float32") @ w), np.ones((2, 3), "float32") @ VALUES)
    first, row = w[0], next(iter(w))
    K.set_value(w, VALUES + 1)
    assert np.array_equal(K.eval(first), VALUES[0] + 1) and np.array_equal(K.eval(row), VALUES[0] + 1)
    assert len(list(w)) == 3


@pytest.mark.broadcasts
def test_graphs_follow_the_variable():
    v, x = K.variable([1.0, 2.0]), Input((2,))
    model = Model(x, Lambda(lambda t: t)(np.ones(2, "float32") * v * x))
    assert model.predict(np.ones((1, 2))).tolist() == [[1, 2]]
    K.set_value(v, [3.0, 4.0])
    assert model.predict(np.ones((1, 2))).tolist() == [[3, 4]]


class Everything(Layer):
    """Uses its weight and a variable of the module in all the ways of arrays."""

    def __init__(self, free):
        super().__init__()
        self._free_one = [free]

    def build(self, input_shape):
        self.w = self.add_weight(name="w", shape=(2,), initializer="ones")
        self.double = jnp.full(2, 2.0) * self.w  # follows the weight
        super().build(input_shape)

    def call(self, x):
        free = FREE
        rows = jnp.stack([row for row in free])
        total = jnp.sum(self.w) + jnp.sum(free) + jnp.add(free, 0.0)[0] + jnp.sum(rows) + jnp.ones(2) * free
        return x * total + self.double + np.ones(2, "float32") * free


FREE = Variable([1.0, 1.0])


@pytest.mark.broadcasts
def test_in_the_code_of_a_layer_the_values_are_traced():
    layer = Everything(FREE)
    model = Sequential([layer])
    model.compile("sgd", "mse")
    x = np.ones((1, 2), "float32")

    def wanted(w, free):
        return w.sum() + free.sum() + free[0] + free.sum() + free + 2 * w + free

    np.testing.assert_allclose(model.predict(x)[0], wanted(np.ones(2), np.ones(2)))
    layer.set_weights([np.array([2.0, 3.0])])
    K.set_value(FREE, [5.0, 6.0])
    np.testing.assert_allclose(model.predict(x)[0], wanted(np.array([2.0, 3.0]), np.array([5.0, 6.0])))
    params, state = model.pure().init(jax.random.key(0))
    slope = jax.grad(lambda p: model.pure().apply(p, state, x).y.sum())(params)
    np.testing.assert_allclose(slope[layer.name]["w"], [4.0, 4.0])
