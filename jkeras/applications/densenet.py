"""DenseNet121, DenseNet169, DenseNet201 (Huang et al., 2016, https://arxiv.org/abs/1608.06993)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from jkeras import backend as K
from jkeras.applications import imagenet_utils
from jkeras.applications._network import File, KerasModules, Request, channel_axis
from jkeras.applications.imagenet_utils import decode_predictions as decode_predictions
from jkeras.engine.tensors.symbolic import Tensor
from jkeras.layers import (
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Concatenate,
    Conv2D,
    MaxPooling2D,
    ZeroPadding2D,
)
from jkeras.models.model import Model

BASE_WEIGTHS_PATH = "https://github.com/keras-team/keras-applications/releases/download/densenet/"
_FILE = "{}_weights_tf_dim_ordering_tf_kernels{}.h5"
DENSENET121_WEIGHT_PATH = BASE_WEIGTHS_PATH + _FILE.format("densenet121", "")
DENSENET121_WEIGHT_PATH_NO_TOP = BASE_WEIGTHS_PATH + _FILE.format("densenet121", "_notop")
DENSENET169_WEIGHT_PATH = BASE_WEIGTHS_PATH + _FILE.format("densenet169", "")
DENSENET169_WEIGHT_PATH_NO_TOP = BASE_WEIGTHS_PATH + _FILE.format("densenet169", "_notop")
DENSENET201_WEIGHT_PATH = BASE_WEIGTHS_PATH + _FILE.format("densenet201", "")
DENSENET201_WEIGHT_PATH_NO_TOP = BASE_WEIGTHS_PATH + _FILE.format("densenet201", "_notop")

_GROWTH, _EPSILON = 32, 1.001e-5

# The published networks by how many blocks there are at each size, and the hashes of their weights.
_PUBLISHED: dict[tuple[int, ...], tuple[str, ...]] = {
    (6, 12, 24, 16): (
        "densenet121",
        "9d60b8095a5708f2dcce2bca79d332c7",
        "30ee3e1110167f948a6b9946edeeb738",
    ),
    (6, 12, 32, 32): (
        "densenet169",
        "d699b8f76981ab1b30698df4c175e90b",
        "b8c4d4c20dd625c148057b9ff1c1176b",
    ),
    (6, 12, 48, 32): (
        "densenet201",
        "1ceb130c1ea1b78c3bf6114dbdfd8807",
        "c13680b51ded0fb44dff2d8f86ac8bb1",
    ),
}


def preprocess_input(x: Any, data_format: str | None = None, **kwargs: Any) -> Any:
    """Images with values from 0 to 255, normalized channel by channel; see `imagenet_utils.preprocess_input`.

    Keras 2.2.4: keras_applications/densenet.py preprocess_input
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="torch", **kwargs)


def _activated(x: Tensor, bn: str, relu: str) -> Tensor:
    x = BatchNormalization(axis=channel_axis(), epsilon=_EPSILON, name=bn)(x)
    return Activation("relu", name=relu)(x)


def dense_block(x: Tensor, blocks: int, name: str) -> Tensor:
    """Some blocks, each of which adds 32 channels to all that came before.

    Args:
        x: a tensor.
        blocks: how many.
        name: how the names of its layers begin.

    Returns:
        A tensor.

    Keras 2.2.4: keras_applications/densenet.py dense_block
    """
    for i in range(1, blocks + 1):
        x = conv_block(x, _GROWTH, f"{name}_block{i}")
    return x


def transition_block(x: Tensor, reduction: float, name: str) -> Tensor:
    """A convolution to fewer channels and a pooling that halves the size.

    Args:
        x: a tensor.
        reduction: the share of the channels that is left.
        name: how the names of its layers begin.

    Returns:
        A tensor.

    Keras 2.2.4: keras_applications/densenet.py transition_block
    """
    x = _activated(x, f"{name}_bn", f"{name}_relu")
    channels = int(K.int_shape(x)[channel_axis()] * reduction)
    x = Conv2D(channels, 1, use_bias=False, name=f"{name}_conv")(x)
    return AveragePooling2D(2, strides=2, name=f"{name}_pool")(x)


def conv_block(x: Tensor, growth_rate: int, name: str) -> Tensor:
    """Two convolutions, whose output is put beside what went into them.

    Args:
        x: a tensor.
        growth_rate: how many channels they add.
        name: how the names of its layers begin.

    Returns:
        A tensor.

    Keras 2.2.4: keras_applications/densenet.py conv_block
    """
    y = _activated(x, f"{name}_0_bn", f"{name}_0_relu")
    y = Conv2D(4 * growth_rate, 1, use_bias=False, name=f"{name}_1_conv")(y)
    y = _activated(y, f"{name}_1_bn", f"{name}_1_relu")
    y = Conv2D(growth_rate, 3, padding="same", use_bias=False, name=f"{name}_2_conv")(y)
    return Concatenate(axis=channel_axis(), name=f"{name}_concat")([x, y])


def DenseNet(
    blocks: Sequence[int],
    include_top: bool = True,
    weights: str | None = "imagenet",
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    **kwargs: Unpack[KerasModules],
) -> Model:
    """A DenseNet, for images of 224x224, at least 32x32.

    Args:
        blocks: list of four: how many blocks there are at each size.
        include_top, weights, input_tensor, input_shape, pooling, classes: see `jkeras.applications`;
            `weights="imagenet"` only for the blocks of the three networks below.
        **kwargs: `backend`, `layers`, `models`, `utils` have no effect.

    Returns:
        A `Model`.

    Raises:
        ValueError, TypeError, OSError: see `jkeras.applications`.

    Keras 2.2.4: keras_applications/densenet.py
    """
    request = Request(include_top, weights, input_tensor, input_shape, pooling, classes, kwargs)
    name, *hashes = _PUBLISHED.get(tuple(blocks), ("densenet",))
    if weights == "imagenet" and not hashes:
        raise ValueError(
            f"There are weights of ImageNet for `blocks` {[list(b) for b in _PUBLISHED]} only; got {blocks}."
        )
    image = request.image()
    x = ZeroPadding2D(((3, 3), (3, 3)))(image)
    x = Conv2D(64, 7, strides=2, use_bias=False, name="conv1/conv")(x)
    x = _activated(x, "conv1/bn", "conv1/relu")
    x = ZeroPadding2D(((1, 1), (1, 1)))(x)
    x = MaxPooling2D(3, strides=2, name="pool1")(x)
    for stage, count in enumerate(blocks, 2):
        x = transition_block(x, 0.5, f"pool{stage - 1}") if stage > 2 else x
        x = dense_block(x, count, f"conv{stage}")
    x = request.head(_activated(x, "bn", "relu"), pool="avg_pool", dense="fc1000", pooled="pool")
    names = (_FILE.format(name, ""), _FILE.format(name, "_notop"))
    top, no_top = (
        File(n, BASE_WEIGTHS_PATH + n, h) for n, h in zip(names, hashes or [None, None], strict=True)
    )
    return request.model(image, x, name, top, no_top)


def DenseNet121(
    include_top: bool = True,
    weights: str | None = "imagenet",
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    **kwargs: Unpack[KerasModules],
) -> Model:
    """DenseNet121, for images of 224x224, at least 32x32; see `DenseNet`.

    Keras 2.2.4: keras_applications/densenet.py
    """
    blocks = [6, 12, 24, 16]
    return DenseNet(blocks, include_top, weights, input_tensor, input_shape, pooling, classes, **kwargs)


def DenseNet169(
    include_top: bool = True,
    weights: str | None = "imagenet",
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    **kwargs: Unpack[KerasModules],
) -> Model:
    """DenseNet169, for images of 224x224, at least 32x32; see `DenseNet`.

    Keras 2.2.4: keras_applications/densenet.py
    """
    blocks = [6, 12, 32, 32]
    return DenseNet(blocks, include_top, weights, input_tensor, input_shape, pooling, classes, **kwargs)


def DenseNet201(
    include_top: bool = True,
    weights: str | None = "imagenet",
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    **kwargs: Unpack[KerasModules],
) -> Model:
    """DenseNet201, for images of 224x224, at least 32x32; see `DenseNet`.

    Keras 2.2.4: keras_applications/densenet.py
    """
    blocks = [6, 12, 48, 32]
    return DenseNet(blocks, include_top, weights, input_tensor, input_shape, pooling, classes, **kwargs)
