"""Xception (Chollet, 2016, https://arxiv.org/abs/1610.02357)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from jkeras.applications import imagenet_utils
from jkeras.applications._network import File, KerasModules, Request, channel_axis
from jkeras.applications.imagenet_utils import decode_predictions as decode_predictions
from jkeras.engine.tensors.symbolic import Tensor
from jkeras.layers import Activation, BatchNormalization, Conv2D, MaxPooling2D, SeparableConv2D, add
from jkeras.models.model import Model

_NAME = "xception_weights_tf_dim_ordering_tf_kernels"
_RELEASE = "https://github.com/fchollet/deep-learning-models/releases/download/v0.4"
TF_WEIGHTS_PATH = f"{_RELEASE}/{_NAME}.h5"
TF_WEIGHTS_PATH_NO_TOP = f"{_RELEASE}/{_NAME}_notop.h5"
_TOP = File(f"{_NAME}.h5", TF_WEIGHTS_PATH, "0a58e3b7378bc2990ea3b43d5981f1f6")
_NO_TOP = File(f"{_NAME}_notop.h5", TF_WEIGHTS_PATH_NO_TOP, "b0042744bf5b25fce3cb969f33bebb97")


def preprocess_input(x: Any, **kwargs: Any) -> Any:
    """Images with values from 0 to 255, scaled to -1 to 1; see `imagenet_utils.preprocess_input`.

    Keras 2.2.4: keras_applications/xception.py preprocess_input
    """
    return imagenet_utils.preprocess_input(x, mode="tf", **kwargs)


def _normalized(x: Tensor, name: str | None = None) -> Tensor:
    return BatchNormalization(axis=channel_axis(-1), name=name)(x)


def _relu(x: Tensor, name: str) -> Tensor:
    return Activation("relu", name=f"{name}_act")(x)


def _convolution(x: Tensor, filters: int, name: str, **options: Any) -> Tensor:
    x = Conv2D(filters, (3, 3), use_bias=False, name=name, **options)(x)
    return _relu(_normalized(x, f"{name}_bn"), name)


def _separable(x: Tensor, filters: int, name: str) -> Tensor:
    x = SeparableConv2D(filters, (3, 3), padding="same", use_bias=False, name=name)(x)
    return _normalized(x, f"{name}_bn")


def _shrinking(x: Tensor, name: str, filters: tuple[int, int], relu: bool = True) -> Tensor:
    """Two separable convolutions and a pooling, beside one convolution; both halve the size."""
    shortcut = Conv2D(filters[1], (1, 1), strides=(2, 2), padding="same", use_bias=False)(x)
    shortcut = _normalized(shortcut)
    for i, width in enumerate(filters, 1):
        x = _relu(x, f"{name}_sepconv{i}") if relu or i > 1 else x
        x = _separable(x, width, f"{name}_sepconv{i}")
    x = MaxPooling2D((3, 3), strides=(2, 2), padding="same", name=f"{name}_pool")(x)
    return add([x, shortcut])


def _body(x: Tensor) -> Tensor:
    x = _convolution(x, 32, "block1_conv1", strides=(2, 2))
    x = _convolution(x, 64, "block1_conv2")
    x = _shrinking(x, "block2", (128, 128), relu=False)  # the convolution before it ends with one
    x = _shrinking(x, "block3", (256, 256))
    x = _shrinking(x, "block4", (728, 728))
    for block in range(5, 13):
        shortcut = x
        for i in (1, 2, 3):
            name = f"block{block}_sepconv{i}"
            x = _separable(_relu(x, name), 728, name)
        x = add([x, shortcut])
    x = _shrinking(x, "block13", (728, 1024))
    for i, filters in enumerate((1536, 2048), 1):
        name = f"block14_sepconv{i}"
        x = _relu(_separable(x, filters, name), name)
    return x


def Xception(
    include_top: bool = True,
    weights: str | None = "imagenet",
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    **kwargs: Unpack[KerasModules],
) -> Model:
    """Xception, for images of 299x299, at least 71x71.

    Args:
        include_top, weights, input_tensor, input_shape, pooling, classes: see `jkeras.applications`.
        **kwargs: `backend`, `layers`, `models`, `utils` have no effect.

    Returns:
        A `Model`.

    Raises:
        ValueError, TypeError, OSError: see `jkeras.applications`.

    Keras 2.2.4: keras_applications/xception.py
    """
    request = Request(include_top, weights, input_tensor, input_shape, pooling, classes, kwargs, 299, 71)
    image = request.image()
    x = request.head(_body(image), pool="avg_pool")
    return request.model(image, x, "xception", _TOP, _NO_TOP)
