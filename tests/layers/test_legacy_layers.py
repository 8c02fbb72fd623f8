"""The layers of Keras 1 that still work: their formulas and their warnings."""

from __future__ import annotations

import numpy as np
import pytest

from jkeras import layers as L

X = np.random.RandomState(0).randn(3, 4).astype("float32")


def test_maxout_dense_is_the_largest_of_its_maps():
    with pytest.warns(UserWarning, match="`MaxoutDense` layer is deprecated"):
        layer = L.MaxoutDense(2, nb_feature=3, input_dim=4)
    y = layer(X)
    kernel, bias = layer.get_weights()
    assert kernel.shape == (3, 4, 2) and bias.shape == (3, 2)
    bias = np.random.RandomState(1).randn(3, 2).astype("float32")
    layer.set_weights([kernel, bias])
    expected = np.stack([X @ k + b for k, b in zip(kernel, bias, strict=True)]).max(0)
    assert y.shape == (3, 2)
    np.testing.assert_allclose(layer(X), expected, rtol=1e-5, atol=1e-6)


def test_highway_mixes_a_layer_and_its_input():
    with pytest.warns(UserWarning, match="`Highway` layer is deprecated"):
        layer = L.Highway(activation="relu")
    layer(X)
    kernel, carry, bias, carry_bias = layer.get_weights()
    assert not bias.any() and (carry_bias == 1).all()
    gate = 1 / (1 + np.exp(-(X @ carry + carry_bias)))
    expected = gate * np.maximum(X @ kernel + bias, 0) + (1 - gate) * X
    np.testing.assert_allclose(layer(X), expected, rtol=1e-5, atol=1e-6)


def test_atrous_convolutions_are_dilated_ones():
    with pytest.warns(UserWarning, match="`dilation_rate` argument"):
        layer = L.AtrousConvolution2D(2, 3, atrous_rate=2)
    assert isinstance(layer, L.Conv2D) and layer.dilation_rate == (2, 2)
    with pytest.warns(UserWarning, match="`AtrousConvolution1D` layer"):
        assert L.AtrousConv1D(2, 3, atrous_rate=3).dilation_rate == (3,)
