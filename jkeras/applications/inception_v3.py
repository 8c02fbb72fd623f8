"""InceptionV3 (Szegedy et al., 2015, https://arxiv.org/abs/1512.00567)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Unpack

from jkeras.applications import imagenet_utils
from jkeras.applications._network import File, KerasModules, Request, channel_axis, towers
from jkeras.applications.imagenet_utils import decode_predictions as decode_predictions
from jkeras.core.arguments import Window
from jkeras.engine.tensors.symbolic import Tensor
from jkeras.layers import (
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    MaxPooling2D,
    concatenate,
)
from jkeras.models.model import Model

_NAME = "inception_v3_weights_tf_dim_ordering_tf_kernels"
_RELEASE = "https://github.com/fchollet/deep-learning-models/releases/download/v0.5"
WEIGHTS_PATH = f"{_RELEASE}/{_NAME}.h5"
WEIGHTS_PATH_NO_TOP = f"{_RELEASE}/{_NAME}_notop.h5"
_TOP = File(f"{_NAME}.h5", WEIGHTS_PATH, "9a0d58056eeedaa3f26cb7ebd46da564")
_NO_TOP = File(f"{_NAME}_notop.h5", WEIGHTS_PATH_NO_TOP, "bcbd6486424b2319ff4ef7d526e38f63")

_HALF = ("valid", (2, 2))  # padding and strides of a convolution that halves the size


def preprocess_input(x: Any, **kwargs: Any) -> Any:
    """Images with values from 0 to 255, scaled to -1 to 1; see `imagenet_utils.preprocess_input`.

    Keras 2.2.4: keras_applications/inception_v3.py preprocess_input
    """
    return imagenet_utils.preprocess_input(x, mode="tf", **kwargs)


def conv2d_bn(
    x: Tensor,
    filters: int,
    num_row: int,
    num_col: int,
    padding: str = "same",
    strides: Window = (1, 1),
    name: str | None = None,
) -> Tensor:
    """A convolution without bias, batch normalization without scale, and ReLU.

    Args:
        x: a tensor.
        filters, padding, strides: of the convolution.
        num_row, num_col: height and width of its kernel.
        name: of the activation; with `_conv` and `_bn` of the others. Default: numbered.

    Returns:
        A tensor.

    Keras 2.2.4: keras_applications/inception_v3.py conv2d_bn
    """
    conv = name and f"{name}_conv"
    x = Conv2D(filters, (num_row, num_col), strides=strides, padding=padding, use_bias=False, name=conv)(x)
    x = BatchNormalization(axis=channel_axis(), scale=False, name=name and f"{name}_bn")(x)
    return Activation("relu", name=name)(x)


def _averaged(x: Tensor) -> Tensor:
    return AveragePooling2D((3, 3), strides=(1, 1), padding="same")(x)


def _halved(x: Tensor) -> Tensor:
    return MaxPooling2D((3, 3), strides=(2, 2))(x)


def _mixed(x: Tensor, name: str | None, *branches: Sequence[Any]) -> Tensor:
    return concatenate(towers(x, conv2d_bn, *branches), axis=channel_axis(), name=name)


def _forked(filters: int, name: str | None = None) -> Callable[[Tensor], Tensor]:
    """A link of a tower: a row and a column side by side."""

    def link(x: Tensor) -> Tensor:
        return _mixed(x, name, [(filters, 1, 3)], [(filters, 3, 1)])

    return link


def _stem(x: Tensor) -> Tensor:
    x = conv2d_bn(x, 32, 3, 3, *_HALF)
    x = conv2d_bn(x, 32, 3, 3, "valid")
    x = _halved(conv2d_bn(x, 64, 3, 3))
    x = conv2d_bn(x, 80, 1, 1, "valid")
    return _halved(conv2d_bn(x, 192, 3, 3, "valid"))


def _body(x: Tensor) -> Tensor:
    for i, pooled in enumerate((32, 64, 64)):
        x = _mixed(
            x,
            f"mixed{i}",
            [(64, 1, 1)],
            [(48, 1, 1), (64, 5, 5)],
            [(64, 1, 1), (96, 3, 3), (96, 3, 3)],
            [_averaged, (pooled, 1, 1)],
        )
    x = _mixed(x, "mixed3", [(384, 3, 3, *_HALF)], [(64, 1, 1), (96, 3, 3), (96, 3, 3, *_HALF)], [_halved])
    for i, n in enumerate((128, 160, 160, 192), 4):
        x = _mixed(
            x,
            f"mixed{i}",
            [(192, 1, 1)],
            [(n, 1, 1), (n, 1, 7), (192, 7, 1)],
            [(n, 1, 1), (n, 7, 1), (n, 1, 7), (n, 7, 1), (192, 1, 7)],
            [_averaged, (192, 1, 1)],
        )
    x = _mixed(
        x,
        "mixed8",
        [(192, 1, 1), (320, 3, 3, *_HALF)],
        [(192, 1, 1), (192, 1, 7), (192, 7, 1), (192, 3, 3, *_HALF)],
        [_halved],
    )
    for i in range(2):
        x = _mixed(
            x,
            f"mixed{9 + i}",
            [(320, 1, 1)],
            [(384, 1, 1), _forked(384, f"mixed9_{i}")],
            [(448, 1, 1), (384, 3, 3), _forked(384)],
            [_averaged, (192, 1, 1)],
        )
    return x


def InceptionV3(
    include_top: bool = True,
    weights: str | None = "imagenet",
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    **kwargs: Unpack[KerasModules],
) -> Model:
    """InceptionV3, for images of 299x299, at least 75x75.

    Args:
        include_top, weights, input_tensor, input_shape, pooling, classes: see `jkeras.applications`.
        **kwargs: `backend`, `layers`, `models`, `utils` have no effect.

    Returns:
        A `Model`.

    Raises:
        ValueError, TypeError, OSError: see `jkeras.applications`.

    Keras 2.2.4: keras_applications/inception_v3.py
    """
    request = Request(include_top, weights, input_tensor, input_shape, pooling, classes, kwargs, 299, 75)
    image = request.image()
    x = request.head(_body(_stem(image)), pool="avg_pool")
    return request.model(image, x, "inception_v3", _TOP, _NO_TOP)
