"""Constants, variables and random tensors outside of layers: what Keras 2.2.4 lets scripts do with them."""

from __future__ import annotations

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jkeras import backend as K
from jkeras.core.random import set_random_seed
from jkeras.layers import Dense, Input, Lambda
from jkeras.models import Model, Sequential

ONES = np.ones((2, 3), "float32")


@pytest.mark.parametrize("draw", [K.random_normal, K.random_uniform, K.truncated_normal, K.random_binomial])
@pytest.mark.parametrize("seed", [3, None])
def test_a_random_tensor_is_drawn_at_each_evaluation(draw, seed):
    more = {"p": 0.5} if draw is K.random_binomial else {}
    r = draw((50,), seed=seed, **more)
    assert r.shape == (50,) and r.dtype == "float32"
    first, second = K.eval(r), K.eval(r)
    assert not np.array_equal(first, second)
    a, b = K.function([], [r, r * 1])([])
    np.testing.assert_array_equal(a, b)  # one draw in one run
    assert not np.array_equal(a, first) and not np.array_equal(a, second)


def test_dropout_with_a_seed_is_drawn_at_each_evaluation():
    x = K.placeholder((100,))
    f = K.function([x], [K.dropout(x, 0.5, seed=3)])
    assert not np.array_equal(f([np.ones(100)])[0], f([np.ones(100)])[0])
    r = K.dropout(K.variable(np.ones(100)), 0.5, seed=3)
    assert not np.array_equal(K.eval(r), K.eval(r))


def test_a_seed_gives_the_same_sequence_in_every_process():
    script = (
        "from jkeras import backend as K\n"
        "r = K.random_normal((2,), seed=3); f = K.function([], [r])\n"
        "d = K.dropout(K.variable([1.] * 9), 0.5, seed=4)\n"
        "print([v.tolist() for v in (K.eval(r), f([])[0], K.eval(d), K.eval(d))])"
    )
    one, two = (
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    )
    assert one == two and "[" in one


def test_without_a_seed_numpys_generator_decides():
    def draws():
        set_random_seed(5)
        r = K.random_normal((3,))
        return [K.eval(r).tolist(), K.eval(r).tolist(), float(np.random.rand())]

    assert draws()[0] == draws()[0]


@pytest.mark.broadcasts
def test_random_tensors_in_graphs_are_new_at_each_step():
    x = Input((3,))
    noise = K.random_normal((3,), seed=1)
    model = Model(x, Lambda(lambda v: v[0] + v[1])([x, x + noise]))
    assert not np.array_equal(model.predict(ONES), model.predict(ONES))
    model = Model(x, Lambda(lambda v: v + K.random_normal((3,), seed=1))(x))
    assert not np.array_equal(model.predict(ONES), model.predict(ONES))


def test_random_tensors_as_values():
    assert K.get_value(K.variable(K.random_normal((2,), 5.0, 0.0))).tolist() == [5, 5]
    layer = Dense(2, kernel_initializer=lambda shape, dtype=None: K.random_normal(shape, 5.0, 0.0) * 2)
    assert (Sequential([layer, Dense(1)]).layers[0] is layer) and layer(ONES).shape == (2, 2)
    assert layer.get_weights()[0].tolist() == [[10, 10]] * 3
    assert np.asarray(K.random_uniform((2,), 3.0, 3.0)).tolist() == [3, 3]
    (slope,) = K.gradients(K.sum(K.square(c := K.constant([1.0, 2.0]))), [c])
    assert K.eval(slope).tolist() == [2, 4]


def test_constants_variables_and_tensors_evaluate():
    c, v, x = K.constant([1.0, 2.0]), K.variable([1.0, 2.0]), K.placeholder((2,))
    for symbol in (c, v, c * 1, v + 0):
        assert symbol.eval(session=K.get_session()).tolist() == symbol.eval().tolist() == [1, 2]
    assert (x * c).eval(feed_dict={x: [3.0, 4.0]}).tolist() == [3, 8]
    assert K.eval(c).tolist() == K.get_value(c).tolist() == [1, 2]
    with pytest.raises(TypeError, match="does not change"):
        K.set_value(c, [1.0, 1.0])


def test_scalars_are_numbers():
    values = [K.get_value(K.variable(1.0)), K.eval(K.sum(K.variable([1.0]))), K.get_value(np.float32(1))]
    values += K.function([], [K.constant(1.0)])([])
    assert {hash(value) for value in values} == {hash(1)}
    assert all(type(value) is np.float32 for value in values)


def test_shapes_know_the_words_of_tensorflow():
    x, v = Input((3,)), K.variable(ONES)
    for shape in (x.shape, x.get_shape(), x._keras_shape, K.int_shape(x)):
        assert shape == (None, 3)
    assert x.get_shape().as_list() == x.shape.as_list() == [None, 3] and x.get_shape().ndims == 2
    assert v.get_shape().as_list() == [2, 3] and K.constant(ONES).get_shape().as_list() == [2, 3]


def test_a_variable_is_true():
    assert bool(K.variable(np.zeros(3)))
    for symbol in (K.placeholder((3,)), K.constant(1.0)):
        with pytest.raises(TypeError, match="truth value"):
            bool(symbol)


def test_inputs_that_the_outputs_do_not_need():
    x, y = K.placeholder((2,)), K.placeholder((2,))
    f = K.function([x, y, K.learning_phase()], [x * 2])
    assert f([[1.0, 2.0]])[0].tolist() == f([[1.0, 2.0], None])[0].tolist() == [2, 4]
    assert f([[1.0, 2.0], [0.0, 0.0], 1])[0].tolist() == [2, 4]
    with pytest.raises(ValueError, match=r"takes 3 inputs; got 1\. Graph disconnected"):
        K.function([x, y, K.learning_phase()], [x * y])([[1.0, 2.0]])


def test_a_list_of_indices_has_one_for_each_axis():
    """As TensorFlow has it: no list of rows."""
    x, value = K.placeholder((3, 4)), np.arange(12.0).reshape(3, 4)
    for index in ([slice(None), 0], [1, 2], [slice(1), slice(None)]):
        assert K.function([x], [x[index]])([value])[0].tolist() == value[tuple(index)].tolist()


def test_constants_beside_inputs_of_unknown_batch():
    x = Input((4,))
    rows = np.arange(12, dtype="float32").reshape(3, 4)
    for product in (x * K.constant(rows), K.constant(rows) + x, x * rows, x * K.variable(rows)):
        assert len(K.int_shape(product)) == 2 and K.int_shape(product)[1] == 4
        assert K.function([x], [product])([np.ones((3, 4))])[0].shape == (3, 4)
    model = Model(x, Lambda(lambda v: v * K.constant(rows))(x))
    np.testing.assert_array_equal(model.predict(np.ones((3, 4))), rows)
    assert K.function([x], [x * K.constant(rows)])([np.ones((1, 4))])[0].shape == (3, 4)


def test_parameters_of_relu_may_be_tensors():
    a, top = K.constant([[0.1, 0.2, 0.3]]), K.constant([[1.0, 2.0, 3.0]])
    x = K.constant([[-1.0, 1.5, 9.0]])
    close = dict(rtol=1e-6)
    np.testing.assert_allclose(K.eval(K.relu(x, alpha=a, max_value=top)), [[-0.1, 1.5, 3]], **close)
    np.testing.assert_allclose(K.eval(K.relu(x, alpha=a)), [[-0.1, 1.5, 9]], **close)
    np.testing.assert_allclose(K.eval(K.relu(x, threshold=top)), [[0, 0, 9]], **close)
    np.testing.assert_allclose(K.eval(K.relu(x, alpha=K.variable(0.5), max_value=6.0)), [[-0.5, 1.5, 6]])


def test_constants_inside_transformations_of_jax():
    v, c = K.variable([1.0, 2.0]), K.constant([3.0, 4.0])
    slope = jax.jit(jax.grad(lambda x: K.sum(x * v * c)))(jnp.ones(2))
    assert slope.tolist() == [3, 8]
