"""MobileNet (Howard et al., 2017, https://arxiv.org/abs/1704.04861)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Unpack

from jkeras import backend as K
from jkeras.applications import imagenet_utils
from jkeras.applications._network import File, KerasModules, Request, channel_axis
from jkeras.applications.imagenet_utils import check_shape
from jkeras.applications.imagenet_utils import decode_predictions as decode_predictions
from jkeras.core.arguments import Window
from jkeras.engine.tensors.symbolic import Tensor
from jkeras.layers import (
    Activation,
    BatchNormalization,
    Conv2D,
    DepthwiseConv2D,
    Dropout,
    GlobalAveragePooling2D,
    ReLU,
    Reshape,
    ZeroPadding2D,
)
from jkeras.models.model import Model

BASE_WEIGHT_PATH = "https://github.com/fchollet/deep-learning-models/releases/download/v0.6/"

# Filters and strides of the 13 blocks.
_BLOCKS = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]
_SIZES = (128, 160, 192, 224)
_ALPHAS = {1.0: "1_0", 0.75: "7_5", 0.5: "5_0", 0.25: "2_5"}  # and how the files are called


def preprocess_input(x: Any, **kwargs: Any) -> Any:
    """Images with values from 0 to 255, scaled to -1 to 1; see `imagenet_utils.preprocess_input`.

    Keras 2.2.4: keras_applications/mobilenet.py preprocess_input
    """
    return imagenet_utils.preprocess_input(x, mode="tf", **kwargs)


def relu6(x: Tensor) -> Tensor:
    """`min(max(x, 0), 6)`, for files of Keras before 2.2, whose networks name it as their activation.

    Keras 2.1: keras/applications/mobilenet.py relu6
    """
    return K.relu(x, max_value=6)


def _activated(x: Tensor, name: str) -> Tensor:
    x = BatchNormalization(axis=channel_axis(-1), name=f"{name}_bn")(x)
    return ReLU(6.0, name=f"{name}_relu")(x)


def _conv_block(
    inputs: Tensor, filters: int, alpha: float, kernel: Window = (3, 3), strides: Window = (1, 1)
) -> Tensor:
    """The first convolution, with batch normalization and ReLU up to 6."""
    x = ZeroPadding2D(((0, 1), (0, 1)), name="conv1_pad")(inputs)
    x = Conv2D(int(filters * alpha), kernel, strides=strides, use_bias=False, name="conv1")(x)
    return _activated(x, "conv1")


def _depthwise_conv_block(
    inputs: Tensor,
    pointwise_conv_filters: int,
    alpha: float,
    depth_multiplier: int = 1,
    strides: Window = (1, 1),
    block_id: int = 1,
) -> Tensor:
    """A convolution for each channel, then one across the channels."""
    name, same = f"conv_dw_{block_id}", strides == (1, 1)
    x = inputs if same else ZeroPadding2D(((0, 1), (0, 1)), name=f"conv_pad_{block_id}")(inputs)
    x = DepthwiseConv2D(
        (3, 3),
        padding="same" if same else "valid",
        depth_multiplier=depth_multiplier,
        strides=strides,
        use_bias=False,
        name=name,
    )(x)
    x, name = _activated(x, name), f"conv_pw_{block_id}"
    filters = int(pointwise_conv_filters * alpha)
    x = Conv2D(filters, (1, 1), padding="same", use_bias=False, strides=(1, 1), name=name)(x)
    return _activated(x, name)


def _classifier(x: Tensor, channels: int, classes: int, dropout: float) -> Tensor:
    x = GlobalAveragePooling2D()(x)
    x = Reshape((channels, 1, 1) if channel_axis() == 1 else (1, 1, channels), name="reshape_1")(x)
    x = Dropout(dropout, name="dropout")(x)
    x = Conv2D(classes, (1, 1), padding="same", name="conv_preds")(x)
    x = Reshape((classes,), name="reshape_2")(x)
    return Activation("softmax", name="act_softmax")(x)


def _published_size(shape: Sequence[int | None], alpha: float, depth_multiplier: int) -> int:
    """Of the sizes that there are weights for, the one of the images, or the usual one."""
    if depth_multiplier != 1:
        raise ValueError("With weights='imagenet' `depth_multiplier` must be 1.")
    if alpha not in _ALPHAS:
        raise ValueError(f"With weights='imagenet' `alpha` must be one of {sorted(_ALPHAS)}; got {alpha}.")
    rows, cols = shape
    if rows == cols and rows in _SIZES:
        return rows
    warnings.warn(
        f"There are weights for images of {_SIZES} pixels squared, not for {shape}: taking those for 224.",
        stacklevel=3,
    )
    return 224


def MobileNet(
    input_shape: Sequence[int | None] | None = None,
    alpha: float = 1.0,
    depth_multiplier: int = 1,
    dropout: float = 1e-3,
    include_top: bool = True,
    weights: str | None = "imagenet",
    input_tensor: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    **kwargs: Unpack[KerasModules],
) -> Model:
    """MobileNet, for images of 224x224 (or 192, 160, 128), at least 32x32.

    Args:
        alpha: the number of filters of each layer is multiplied with it.
        depth_multiplier: how many filters there are for each channel in the depthwise convolutions.
        dropout: rate, before the classifier.
        input_shape, include_top, weights, input_tensor, pooling, classes: see `jkeras.applications`.
        **kwargs: `backend`, `layers`, `models`, `utils` have no effect.

    Returns:
        A `Model`.

    Raises:
        ValueError, TypeError, OSError: see `jkeras.applications`; also for `alpha` and `depth_multiplier`
            that there are no weights for.

    Keras 2.2.4: keras_applications/mobilenet.py
    """
    check_shape(input_shape)
    if int(32 * alpha) < 1:
        raise ValueError(f"`alpha` must leave each layer a filter; got {alpha!r}.")
    rows_and_cols = slice(1, 3) if channel_axis() == 1 else slice(0, 2)
    rows, cols = input_shape[rows_and_cols] if input_shape is not None else (224, 224)
    size = rows if rows == cols and rows in _SIZES else 224
    request = Request(include_top, weights, input_tensor, input_shape, pooling, classes, kwargs, size)
    size = rows = request.input_shape[rows_and_cols][0]
    if weights == "imagenet":
        size = rows = _published_size(request.input_shape[rows_and_cols], alpha, depth_multiplier)
    image = request.image()
    x = _conv_block(image, 32, alpha, strides=(2, 2))
    for i, (filters, stride) in enumerate(_BLOCKS, 1):
        x = _depthwise_conv_block(x, filters, alpha, depth_multiplier, (stride, stride), i)
    x = _classifier(x, int(1024 * alpha), classes, dropout) if include_top else request.pool(x)
    stem = f"mobilenet_{_ALPHAS.get(alpha)}_{rows}_tf"
    top, no_top = (File(n, BASE_WEIGHT_PATH + n) for n in (f"{stem}.h5", f"{stem}_no_top.h5"))
    return request.model(image, x, f"mobilenet_{alpha:0.2f}_{rows}", top, no_top)
