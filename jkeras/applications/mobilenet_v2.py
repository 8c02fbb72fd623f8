"""MobileNetV2 (Sandler et al., 2018, https://arxiv.org/abs/1801.04381)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Unpack

from jkeras import backend as K
from jkeras.applications import imagenet_utils
from jkeras.applications._network import File, KerasModules, Request, channel_axis, padding_before_stride
from jkeras.applications.imagenet_utils import check_shape
from jkeras.applications.imagenet_utils import decode_predictions as decode_predictions
from jkeras.engine.tensors.symbolic import Tensor
from jkeras.layers import Add, BatchNormalization, Conv2D, DepthwiseConv2D, ReLU, ZeroPadding2D
from jkeras.models.model import Model

BASE_WEIGHT_PATH = "https://github.com/JonathanCMitchell/mobilenet_v2_keras/releases/download/v1.1/"

# Filters, strides of the first block, and how many blocks; all but the very first expand by 6.
_STAGES = [(16, 1, 1), (24, 2, 2), (32, 2, 3), (64, 2, 4), (96, 1, 3), (160, 2, 3), (320, 1, 1)]
_SIZES = (96, 128, 160, 192, 224)
_ALPHAS = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)


def preprocess_input(x: Any, **kwargs: Any) -> Any:
    """Images with values from 0 to 255, scaled to -1 to 1; see `imagenet_utils.preprocess_input`.

    Keras 2.2.4: keras_applications/mobilenet_v2.py preprocess_input
    """
    return imagenet_utils.preprocess_input(x, mode="tf", **kwargs)


def _make_divisible(v: float, divisor: int, min_value: int | None = None) -> int:
    """The multiple of `divisor` next to `v`, at least `min_value`, and at most a tenth below `v`."""
    rounded = max(divisor if min_value is None else min_value, int(v + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * v else rounded


def _normalized(x: Tensor, name: str) -> Tensor:
    return BatchNormalization(axis=channel_axis(-1), epsilon=1e-3, momentum=0.999, name=name)(x)


def _padded(x: Tensor, name: str) -> Tensor:
    return ZeroPadding2D(padding_before_stride(x, 3), name=name)(x)


def _inverted_res_block(
    inputs: Tensor, expansion: float, stride: int, alpha: float, filters: int, block_id: int
) -> Tensor:
    """A convolution to many channels, one for each of these, and one to few; added to what goes in."""
    channels = K.int_shape(inputs)[channel_axis(-1)]
    x, name = inputs, f"block_{block_id}_" if block_id else "expanded_conv_"
    if block_id:
        x = Conv2D(expansion * channels, 1, padding="same", use_bias=False, name=f"{name}expand")(x)
        x = ReLU(6.0, name=f"{name}expand_relu")(_normalized(x, f"{name}expand_BN"))
    x = _padded(x, f"{name}pad") if stride == 2 else x
    same = "same" if stride == 1 else "valid"
    x = DepthwiseConv2D(3, strides=stride, use_bias=False, padding=same, name=f"{name}depthwise")(x)
    x = ReLU(6.0, name=f"{name}depthwise_relu")(_normalized(x, f"{name}depthwise_BN"))
    fewer = _make_divisible(int(filters * alpha), 8)
    x = Conv2D(fewer, 1, padding="same", use_bias=False, name=f"{name}project")(x)
    x = _normalized(x, f"{name}project_BN")
    return Add(name=f"{name}add")([inputs, x]) if channels == fewer and stride == 1 else x


def _body(image: Tensor, alpha: float) -> Tensor:
    x = _padded(image, "Conv1_pad")
    filters = _make_divisible(32 * alpha, 8)
    x = Conv2D(filters, 3, strides=(2, 2), use_bias=False, name="Conv1")(x)
    x = ReLU(6.0, name="Conv1_relu")(_normalized(x, "bn_Conv1"))
    block = 0
    for filters, stride, count in _STAGES:
        for i in range(count):
            x = _inverted_res_block(x, 6 if block else 1, 1 if i else stride, alpha, filters, block)
            block += 1
    x = Conv2D(_make_divisible(1280 * max(alpha, 1.0), 8), 1, use_bias=False, name="Conv_1")(x)
    return ReLU(6.0, name="out_relu")(_normalized(x, "Conv_1_bn"))


def _check_agreement(input_tensor: Any, input_shape: Sequence[int | None]) -> None:
    """Refuse a tensor whose shape is not the one given."""
    if not K.is_keras_tensor(input_tensor):
        raise ValueError(
            f"With `input_shape` {input_shape}, `input_tensor` must come from a layer; got {input_tensor!r}."
        )
    if K.int_shape(input_tensor)[2] != input_shape[1]:
        raise ValueError(
            f"`input_shape` {input_shape} and the shape of `input_tensor`, "
            f"{K.int_shape(input_tensor)[1:]}, must be the same."
        )


def _sides(input_shape: Sequence[int | None] | None, input_tensor: Any, first: bool) -> Sequence[int | None]:
    """Height and width, of the shape or else of the tensor."""
    if input_shape is None and input_tensor is not None and K.is_keras_tensor(input_tensor):
        input_shape = K.int_shape(input_tensor)[1:]
    if input_shape is None:
        return 224, 224
    return input_shape[1:3] if first else input_shape[:2]


def _published_size(sides: Sequence[int | None], alpha: float) -> int:
    """Of the sizes that there are weights for, the one of the images, or the usual one."""
    if alpha not in _ALPHAS:
        raise ValueError(f"With weights='imagenet' `alpha` must be one of {_ALPHAS}; got {alpha}.")
    rows, cols = sides
    if rows == cols and rows in _SIZES:
        return rows
    warnings.warn(
        f"There are weights for images of {_SIZES} pixels squared, not for {sides}: taking those for 224.",
        stacklevel=3,
    )
    return 224


def MobileNetV2(
    input_shape: Sequence[int | None] | None = None,
    alpha: float = 1.0,
    include_top: bool = True,
    weights: str | None = "imagenet",
    input_tensor: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    **kwargs: Unpack[KerasModules],
) -> Model:
    """MobileNetV2, for images of 224x224 (or 192, 160, 128, 96), at least 32x32.

    Args:
        alpha: the number of filters of each layer is multiplied with it.
        input_shape, include_top, weights, input_tensor, pooling, classes: see `jkeras.applications`; of
            `input_shape` and `input_tensor` one is enough.
        **kwargs: `backend`, `layers`, `models`, `utils` have no effect.

    Returns:
        A `Model`.

    Raises:
        ValueError, TypeError, OSError: see `jkeras.applications`; also for an `alpha` that there are no
            weights for, and for `input_shape` and `input_tensor` that do not agree.

    Keras 2.2.4: keras_applications/mobilenet_v2.py
    """
    check_shape(input_shape)
    first = channel_axis() == 1
    if input_shape is not None and input_tensor is not None:
        _check_agreement(input_tensor, input_shape)
    rows, cols = _sides(input_shape, input_tensor, first)
    size = rows if rows == cols and rows in _SIZES else 224
    request = Request(include_top, weights, input_tensor, input_shape, pooling, classes, kwargs, size)
    sides = _sides(request.input_shape, None, first)
    rows = _published_size(sides, alpha) if weights == "imagenet" else sides[0]
    image = request.image()
    x = request.head(_body(image, alpha), dense="Logits")
    stem = f"mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{alpha}_{rows}"
    top, no_top = (File(n, BASE_WEIGHT_PATH + n) for n in (f"{stem}.h5", f"{stem}_no_top.h5"))
    return request.model(image, x, f"mobilenetv2_{alpha:0.2f}_{rows}", top, no_top)
