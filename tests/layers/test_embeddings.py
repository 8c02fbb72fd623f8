"""Embedding beyond the recordings."""

import numpy as np
import pytest

from jkeras import layers


def test_weights_and_mask():
    table = np.arange(8.0).reshape(4, 2)
    layer = layers.Embedding(4, 2, weights=[table], trainable=False, mask_zero=True)
    x = np.array([[3, 0, 1]])
    assert np.array_equal(layer(x)[0], table[[3, 0, 1]]) and not layer.trainable_weights
    out = layer.pure().apply({"embeddings": table.astype("float32")}, {}, x)
    assert out.mask.tolist() == [[True, False, True]]


@pytest.mark.parametrize("dtype", ["float32", "uint8", "int64", "bool"])
def test_indices_of_any_type(dtype):
    layer = layers.Embedding(4, 2)
    x = np.array([[1, 0]])
    assert np.array_equal(layer(x.astype(dtype)), layer(x))


def test_shapes():
    assert layers.Embedding(4, 2).compute_output_shape((None, None)) == (None, None, 2)
    assert layers.Embedding(4, 2, input_length=3).batch_input_shape == (None, 3)
    assert layers.Embedding(4, 2, input_length=(3, 5)).batch_input_shape == (None, 3, 5)
    assert layers.Embedding(4, 2).batch_input_shape == (None, None)


def test_another_length_than_declared():
    with pytest.raises(ValueError, match=r"`input_length` is \(3,\)"):
        layers.Embedding(4, 2, input_length=3)(np.zeros((1, 2)))


def test_a_mask_does_not_pass_without_mask_zero():
    with pytest.raises(TypeError, match="does not support masking"):
        layers.Embedding(4, 2)(layers.Masking()(layers.Input((5, 2))))
