"""Subclasses of the base classes inside Keras's layer modules; numbers from a run of Keras 2.2.4."""

from __future__ import annotations

import numpy as np
import pytest

from jkeras import backend as K
from jkeras.layers import (
    Add,
    AveragePooling1D,
    AveragePooling3D,
    Conv2D,
    Conv2DTranspose,
    Cropping1D,
    CuDNNLSTM,
    Dense,
    DepthwiseConv2D,
    GlobalMaxPooling1D,
    Input,
    MaxPooling2D,
    SeparableConv1D,
    UpSampling2D,
    ZeroPadding3D,
    convolutional,
    cudnn_recurrent,
    merge,
    pooling,
    recurrent,
)
from jkeras.models import Model

IMAGE = np.arange(2 * 6 * 5 * 2, dtype="float32").reshape(2, 6, 5, 2)
SEQUENCE = IMAGE[:, :, 0]


class Twice1D(pooling._Pooling1D):
    def _pooling_function(self, inputs, pool_size, strides, padding, data_format):
        return K.pool2d(inputs, pool_size, strides, padding, data_format, pool_mode="max") * 2


class More2D(pooling._Pooling2D):
    def _pooling_function(self, inputs, pool_size, strides, padding, data_format):
        return K.pool2d(inputs, pool_size, strides, padding, data_format, pool_mode="avg") + 1


class Total2D(pooling._GlobalPooling2D):
    def call(self, inputs):
        return K.sum(inputs, axis=[1, 2])


class Conv(convolutional._Conv):
    def __init__(self, filters, kernel_size, **kwargs):
        super().__init__(rank=2, filters=filters, kernel_size=kernel_size, **kwargs)


class ThriceConv(convolutional._Conv):
    def __init__(self, filters, kernel_size, **kwargs):
        super().__init__(2, filters, kernel_size, **kwargs)

    def call(self, inputs):
        return 3 * super().call(inputs)


class Separable(convolutional._SeparableConv):
    def __init__(self, filters, kernel_size, **kwargs):
        super().__init__(rank=1, filters=filters, kernel_size=kernel_size, **kwargs)


ONES = {"kernel_initializer": "ones"}
ALL_ONES = {"depthwise_initializer": "ones", "pointwise_initializer": "ones"}


@pytest.mark.parametrize(
    "layer, x, shape, total, first",
    [
        (Twice1D(2), SEQUENCE, (None, 3, 2), 1452.0, [20.0, 22.0, 60.0, 62.0]),
        (Twice1D(3, strides=1, padding="same"), SEQUENCE, (None, 6, 2), 3064.0, [20.0, 22.0, 40.0, 42.0]),
        (More2D((2, 1)), IMAGE, (None, 3, 5, 2), 3630.0, [6.0, 7.0, 8.0, 9.0]),
        (Total2D(), IMAGE, (None, 2), 7140.0, [870.0, 900.0, 2670.0, 2700.0]),
        (Conv(2, 3, **ONES), IMAGE, (None, 4, 3, 2), 51408.0, [225.0, 225.0, 261.0, 261.0]),
        (
            ThriceConv(2, (2, 2), bias_initializer="ones", activation="relu", **ONES),
            IMAGE,
            (None, 5, 4, 2),
            114480.0,
            [159.0, 159.0, 207.0, 207.0],
        ),
        (Separable(2, 2, **ALL_ONES), SEQUENCE, (None, 5, 2), 4440.0, [22.0, 22.0, 62.0, 62.0]),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "get_config") else "",
)
def test_subclasses(layer, x, shape, total, first):
    inputs = Input(x.shape[1:])
    outputs = layer(inputs)
    y = Model(inputs, outputs).predict(x)
    assert K.int_shape(outputs) == layer.compute_output_shape((None, *x.shape[1:])) == shape
    assert y.sum() == total and y.ravel()[:4].tolist() == first


def test_configs():
    assert Conv(2, 3).get_config()["rank"] == 2 and "rank" not in Separable(2, 3).get_config()
    config = Twice1D(3, strides=1).get_config()
    assert sorted(config) == ["data_format", "name", "padding", "pool_size", "strides", "trainable"]
    assert Twice1D.from_config(config).get_config() == config


@pytest.mark.parametrize(
    "layer, base, is_one",
    [
        (MaxPooling2D(), pooling._Pooling2D, True),
        (MaxPooling2D(), pooling._Pooling1D, False),
        (AveragePooling1D(), pooling._Pooling1D, True),
        (AveragePooling3D(), pooling._Pooling3D, True),
        (GlobalMaxPooling1D(), pooling._GlobalPooling1D, True),
        (GlobalMaxPooling1D(), pooling._GlobalPooling2D, False),
        (Conv2D(1, 1), convolutional._Conv, True),
        (Conv2DTranspose(1, 1), convolutional._Conv, True),
        (DepthwiseConv2D(1), convolutional._Conv, True),
        (SeparableConv1D(1, 1), convolutional._SeparableConv, True),
        (SeparableConv1D(1, 1), convolutional._Conv, True),
        (Dense(1), convolutional._Conv, False),
        (Add(), merge._Merge, True),
        (UpSampling2D(), convolutional._UpSampling, True),
        (Cropping1D(), convolutional._Cropping, True),
        (ZeroPadding3D(), convolutional._ZeroPadding, True),
        (More2D(), pooling._Pooling2D, True),
        (More2D(), MaxPooling2D, False),
        (CuDNNLSTM(1), cudnn_recurrent._CuDNNRNN, True),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_the_layers_of_keras_count(layer, base, is_one):
    assert isinstance(layer, base) is is_one and issubclass(type(layer), base) is is_one


@pytest.mark.parametrize(
    "make, shape",
    [
        (lambda: convolutional._UpSampling((2, 3)), (None, 12, 15, 2)),
        (lambda: convolutional._ZeroPadding(((1, 0), (0, 2)), "channels_last"), (None, 7, 7, 2)),
        (lambda: convolutional._Cropping(((1, 0), (0, 2))), (None, 5, 3, 2)),
    ],
    ids=["size", "padding", "cropping"],
)
def test_shapes_of_what_repeats_pads_and_cuts(make, shape):
    assert make().compute_output_shape((None, 6, 5, 2)) == shape


def test_the_helpers_of_cells():
    ones = K.ones((2000,))
    mask, again = recurrent._generate_dropout_mask(ones, 0.5, training=1, count=2)
    assert 1700 < K.eval(K.sum(mask)) < 2300 and 1700 < K.eval(K.sum(again)) < 2300
    assert np.array_equal(K.eval(recurrent._generate_dropout_mask(ones, 0.5, training=0)), np.ones(2000))
    assert recurrent._standardize_args(["x", "h", "c"], None, None, 1) == ("x", ["h"], ["c"])
    assert recurrent._standardize_args("x", ("h",), None, None) == ("x", ["h"], None)
    assert recurrent._standardize_args(["x"], None, None, None) == ("x", None, None)
