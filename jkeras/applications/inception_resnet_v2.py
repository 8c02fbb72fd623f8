"""InceptionResNetV2 (Szegedy et al., 2016, https://arxiv.org/abs/1602.07261)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from jkeras import backend as K
from jkeras.applications import imagenet_utils
from jkeras.applications._network import File, KerasModules, Request, channel_axis, towers
from jkeras.applications.imagenet_utils import decode_predictions as decode_predictions
from jkeras.core.arguments import Window
from jkeras.engine.tensors.symbolic import Tensor
from jkeras.layers import (
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Lambda,
    MaxPooling2D,
)
from jkeras.models.model import Model

BASE_WEIGHT_URL = "https://github.com/fchollet/deep-learning-models/releases/download/v0.7/"
_NAME = "inception_resnet_v2_weights_tf_dim_ordering_tf_kernels"
_TOP = File(f"{_NAME}.h5", f"{BASE_WEIGHT_URL}{_NAME}.h5", "e693bd0210a403b3192acc6073ad2e96")
_NO_TOP = File(f"{_NAME}_notop.h5", f"{BASE_WEIGHT_URL}{_NAME}_notop.h5", "d19885ff4a710c122648d3b5c3b684e4")

_HALF = (2, "valid")  # strides and padding of a convolution that halves the size

# The chains of convolutions of each kind of block.
_BRANCHES = {
    "block35": ([(32, 1)], [(32, 1), (32, 3)], [(32, 1), (48, 3), (64, 3)]),
    "block17": ([(192, 1)], [(128, 1), (160, [1, 7]), (192, [7, 1])]),
    "block8": ([(192, 1)], [(192, 1), (224, [1, 3]), (256, [3, 1])]),
}


def preprocess_input(x: Any, **kwargs: Any) -> Any:
    """Images with values from 0 to 255, scaled to -1 to 1; see `imagenet_utils.preprocess_input`.

    Keras 2.2.4: keras_applications/inception_resnet_v2.py preprocess_input
    """
    return imagenet_utils.preprocess_input(x, mode="tf", **kwargs)


def conv2d_bn(
    x: Tensor,
    filters: int,
    kernel_size: Window,
    strides: Window = 1,
    padding: str = "same",
    activation: str | None = "relu",
    use_bias: bool = False,
    name: str | None = None,
) -> Tensor:
    """A convolution, batch normalization without scale unless there is a bias, and an activation.

    Args:
        x: a tensor.
        filters, kernel_size, strides, padding, use_bias, name: of the convolution.
        activation: None for none.

    Returns:
        A tensor.

    Keras 2.2.4: keras_applications/inception_resnet_v2.py conv2d_bn
    """
    x = Conv2D(filters, kernel_size, strides=strides, padding=padding, use_bias=use_bias, name=name)(x)
    if not use_bias:
        x = BatchNormalization(axis=channel_axis(), scale=False, name=name and f"{name}_bn")(x)
    if activation is not None:
        x = Activation(activation, name=name and f"{name}_ac")(x)
    return x


def inception_resnet_block(
    x: Tensor, scale: float, block_type: str, block_idx: int, activation: str | None = "relu"
) -> Tensor:
    """Chains of convolutions side by side, joined, scaled and added to what goes into them.

    Args:
        x: a tensor.
        scale: what the joined chains are multiplied with.
        block_type: "block35", "block17" or "block8".
        block_idx: number in the names of its layers.
        activation: at its end; None for none.

    Returns:
        A tensor of the same shape.

    Raises:
        ValueError: for an unknown kind of block.

    Keras 2.2.4: keras_applications/inception_resnet_v2.py inception_resnet_block
    """
    if block_type not in _BRANCHES:
        raise ValueError(f"`block_type` must be one of {list(_BRANCHES)}; got {block_type!r}.")
    name, axis, shape = f"{block_type}_{block_idx}", channel_axis(), K.int_shape(x)
    mixed = Concatenate(axis=axis, name=f"{name}_mixed")(towers(x, conv2d_bn, *_BRANCHES[block_type]))
    up = conv2d_bn(mixed, shape[axis], 1, activation=None, use_bias=True, name=f"{name}_conv")
    x = Lambda(
        lambda inputs, scale: inputs[0] + inputs[1] * scale,  # pyright: ignore
        output_shape=shape[1:],
        arguments={"scale": scale},
        name=name,
    )([x, up])
    return x if activation is None else Activation(activation, name=f"{name}_ac")(x)


def _halved(x: Tensor) -> Tensor:
    return MaxPooling2D(3, strides=2)(x)


def _mixed(x: Tensor, name: str, *branches: Sequence[Any]) -> Tensor:
    return Concatenate(axis=channel_axis(), name=name)(towers(x, conv2d_bn, *branches))


def _body(x: Tensor) -> Tensor:
    x = conv2d_bn(x, 32, 3, *_HALF)
    x = conv2d_bn(x, 32, 3, padding="valid")
    x = _halved(conv2d_bn(x, 64, 3))
    x = conv2d_bn(x, 80, 1, padding="valid")
    x = _halved(conv2d_bn(x, 192, 3, padding="valid"))
    x = _mixed(
        x,
        "mixed_5b",
        [(96, 1)],
        [(48, 1), (64, 5)],
        [(64, 1), (96, 3), (96, 3)],
        [AveragePooling2D(3, strides=1, padding="same"), (64, 1)],
    )
    for i in range(1, 11):
        x = inception_resnet_block(x, 0.17, "block35", i)
    x = _mixed(x, "mixed_6a", [(384, 3, *_HALF)], [(256, 1), (256, 3), (384, 3, *_HALF)], [_halved])
    for i in range(1, 21):
        x = inception_resnet_block(x, 0.1, "block17", i)
    x = _mixed(
        x,
        "mixed_7a",
        [(256, 1), (384, 3, *_HALF)],
        [(256, 1), (288, 3, *_HALF)],
        [(256, 1), (288, 3), (320, 3, *_HALF)],
        [_halved],
    )
    for i in range(1, 10):
        x = inception_resnet_block(x, 0.2, "block8", i)
    x = inception_resnet_block(x, 1.0, "block8", 10, activation=None)
    return conv2d_bn(x, 1536, 1, name="conv_7b")


def InceptionResNetV2(
    include_top: bool = True,
    weights: str | None = "imagenet",
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    **kwargs: Unpack[KerasModules],
) -> Model:
    """InceptionResNetV2, for images of 299x299, at least 75x75.

    Args:
        include_top, weights, input_tensor, input_shape, pooling, classes: see `jkeras.applications`.
        **kwargs: `backend`, `layers`, `models`, `utils` have no effect.

    Returns:
        A `Model`.

    Raises:
        ValueError, TypeError, OSError: see `jkeras.applications`.

    Keras 2.2.4: keras_applications/inception_resnet_v2.py
    """
    request = Request(include_top, weights, input_tensor, input_shape, pooling, classes, kwargs, 299, 75)
    image = request.image()
    x = request.head(_body(image), pool="avg_pool")
    return request.model(image, x, "inception_resnet_v2", _TOP, _NO_TOP)
