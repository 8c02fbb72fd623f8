"""Variables, placeholders and what is known about them."""

from __future__ import annotations

import numpy as np
import pytest

from jkeras import backend as K
from jkeras.layers import Dense, Input, Lambda
from jkeras.models import Model


def test_variables():
    v = K.variable([[1, 2], [3, 4]], dtype="float32", name="v")
    assert K.dtype(v) == "float32" and K.int_shape(v) == (2, 2) and K.ndim(v) == 2 and K.count_params(v) == 4
    K.set_value(v, np.zeros((2, 2)))
    assert K.get_value(v).sum() == 0
    K.batch_set_value([(v, np.ones((2, 2)))])
    assert K.batch_get_value([v])[0].sum() == 4
    with pytest.raises(ValueError, match="shape"):
        K.set_value(v, np.zeros(3))
    with pytest.raises(TypeError, match="changes a variable"):
        K.set_value(np.ones(2), 1)


def test_makers():
    assert K.get_value(K.zeros((2,))).tolist() == [0, 0]
    assert K.get_value(K.ones((2,))).tolist() == [1, 1]
    assert K.get_value(K.eye(2)).tolist() == [[1, 0], [0, 1]]
    assert K.get_value(K.constant(3.0, shape=(2,))).tolist() == [3, 3]
    assert K.arange(1, 4).tolist() == [1, 2, 3]
    assert K.cast_to_floatx([1, 2]).dtype == "float32"


def test_placeholder():
    x = K.placeholder(ndim=2)
    assert K.int_shape(x) == (None, None) and K.is_placeholder(x)
    with pytest.raises(ValueError, match="shape or a number of axes"):
        K.placeholder()


@pytest.mark.broadcasts
def test_new_tensors_inside_of_a_layer():
    """There they are arrays; a variable that was made anew in each run could not be kept."""

    def padded(x):
        fresh = [K.zeros((K.shape(x)[0], 2)), K.ones((K.shape(x)[0], 1)), K.dot(x, K.eye(3))]
        return K.concatenate([*fresh, x * K.variable([1.0, 2.0, 3.0])])

    x = Input((3,))
    model = Model(x, Lambda(padded)(x))
    assert model.output_shape == (None, 9)
    assert model.predict(np.ones((2, 3)))[1].tolist() == [0, 0, 1, 1, 1, 1, 1, 2, 3]
    assert model.predict(np.ones((5, 3))).shape == (5, 9)


@pytest.mark.parametrize("make", [K.zeros, K.ones, K.random_normal, K.random_uniform])
def test_new_tensors_need_a_known_shape(make):
    for shape in ((None, 2), (K.sum(K.placeholder((None, 2))), 2)):
        with pytest.raises(ValueError, match="needs a known shape.*K.shape"):
            make(shape)


def test_values_of_tensors_that_need_no_input():
    v = K.variable([1.0, 2.0])
    assert K.get_value(K.sum(v * 2)) == 6
    assert K.get_value(K.variable(v)).tolist() == [1, 2]
    with pytest.raises(ValueError, match="not among the inputs"):
        K.get_value(K.placeholder((None, 2)))


def test_reshape_takes_a_static_shape():
    x = K.placeholder((None, 4))
    assert K.function([x], [K.reshape(x, (K.shape(x)[0], 2, 2))])([np.ones((3, 4))])[0].shape == (3, 2, 2)


def test_sparse_matrices_are_densified():
    sparse = pytest.importorskip("scipy.sparse")
    matrix = sparse.csr_matrix(np.diag([1.0, 2.0]))
    assert K.is_sparse(matrix) and not K.is_sparse(K.variable(matrix))
    assert K.dot(matrix, np.ones((2, 1))).tolist() == [[1], [2]]
    assert K.to_dense(matrix).tolist() == K.get_value(K.variable(matrix)).tolist() == [[1, 0], [0, 2]]


def test_kinds_of_tensors():
    x = Input((3,))
    assert K.is_keras_tensor(x) and K.is_keras_tensor(Dense(2)(x))
    assert not K.is_keras_tensor(x + 1) and not K.is_keras_tensor(K.variable(1.0))
    assert K.is_tensor(x) and not K.is_tensor(np.ones(2))
    with pytest.raises(ValueError, match="Unexpectedly found an instance"):
        K.is_keras_tensor(np.ones(2))


def test_names_start_again():
    K.clear_session()
    assert [Dense(1).name, Dense(1).name] == ["dense_1", "dense_2"]
    K.clear_session()
    assert Dense(1).name == "dense_1"


def test_arithmetic_on_a_whole_shape_uses_the_sizes_of_the_run():
    x = Input((None, 3))
    count = K.prod(K.cast(x=K.shape(x), dtype="float32"))
    found = K.function([x], [count, K.prod(K.shape(x))])([np.ones((2, 5, 3))])
    assert [float(v) for v in found] == [30, 30]


def test_slices_from_where_a_tensor_says():
    x, start = K.placeholder((3, 4)), K.placeholder((), dtype="int32")
    part = K.function([x, start], [K.slice(x, [0, start], [-1, 2])])
    values = np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(part([values, 2])[0], values[:, 2:])
    with pytest.raises(ValueError, match="K.slice: size .* is -1 where the start is a tensor"):
        K.slice(x, [0, start], [1, -1])


def test_means_of_whole_numbers_are_whole():
    """Cut towards 0, as TensorFlow has them (Keras 2.2.4)."""
    for values, mean, var in (([1, 2], 1, 0), ([-1, -2, -2], -1, 0), ([1, 9], 5, 16)):
        x = K.constant(values, dtype="int32")
        for function, expected in ((K.mean, mean), (K.var, var)):
            found = K.eval(function(x))
            assert (int(found), found.dtype) == (expected, "int32")
    rows = K.eval(K.mean(K.constant([[1, 2], [5, 8]], dtype="int32"), axis=1, keepdims=True))
    assert rows.tolist() == [[1], [6]]
    assert K.eval(K.mean(K.constant([True, False], dtype="bool"))) == 0.5
