"""ResNet50 (He et al., 2015, https://arxiv.org/abs/1512.03385)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Unpack

from jkeras.applications._network import File, KerasModules, Request, channel_axis
from jkeras.applications.imagenet_utils import decode_predictions as decode_predictions
from jkeras.applications.imagenet_utils import preprocess_input as preprocess_input
from jkeras.core.arguments import Window
from jkeras.engine.tensors.symbolic import Tensor
from jkeras.layers import Activation, BatchNormalization, Conv2D, MaxPooling2D, ZeroPadding2D, add
from jkeras.models.model import Model

_NAME = "resnet50_weights_tf_dim_ordering_tf_kernels"
_RELEASE = "https://github.com/fchollet/deep-learning-models/releases/download/v0.2"
WEIGHTS_PATH = f"{_RELEASE}/{_NAME}.h5"
WEIGHTS_PATH_NO_TOP = f"{_RELEASE}/{_NAME}_notop.h5"
_TOP = File(f"{_NAME}.h5", WEIGHTS_PATH, "a7b3fe01876f51b976af0dea6bc144eb")
_NO_TOP = File(f"{_NAME}_notop.h5", WEIGHTS_PATH_NO_TOP, "a268eb855778b3df3c7506639542a6af")

# Filters of the first convolutions of a block, and how many blocks, for the stages 2 to 5.
_STAGES = {2: (64, 3), 3: (128, 4), 4: (256, 6), 5: (512, 3)}


def _convolution(x: Tensor, filters: int, size: Window, label: str, **options: Any) -> Tensor:
    x = Conv2D(filters, size, kernel_initializer="he_normal", name=f"res{label}", **options)(x)
    return BatchNormalization(axis=channel_axis(), name=f"bn{label}")(x)


def _main_path(
    x: Tensor, kernel_size: Window, filters: Sequence[int], label: str, strides: Window = (1, 1)
) -> Tensor:
    x = _convolution(x, filters[0], (1, 1), f"{label}2a", strides=strides)
    x = Activation("relu")(x)
    x = _convolution(x, filters[1], kernel_size, f"{label}2b", padding="same")
    x = Activation("relu")(x)
    return _convolution(x, filters[2], (1, 1), f"{label}2c")


def identity_block(
    input_tensor: Tensor, kernel_size: Window, filters: Sequence[int], stage: int, block: str
) -> Tensor:
    """A block of three convolutions, added to what goes into it.

    Args:
        input_tensor: a tensor.
        kernel_size: of the middle convolution.
        filters: list of three.
        stage, block: number and letter that the names of its layers hold.

    Returns:
        A tensor of the same shape.

    Keras 2.2.4: keras_applications/resnet50.py identity_block
    """
    x = _main_path(input_tensor, kernel_size, filters, f"{stage}{block}_branch")
    return Activation("relu")(add([x, input_tensor]))


def conv_block(
    input_tensor: Tensor,
    kernel_size: Window,
    filters: Sequence[int],
    stage: int,
    block: str,
    strides: Window = (2, 2),
) -> Tensor:
    """A block of three convolutions, added to one convolution of what goes into it.

    Args:
        input_tensor, kernel_size, filters, stage, block: as for `identity_block`.
        strides: of the first convolution on either side.

    Returns:
        A tensor.

    Keras 2.2.4: keras_applications/resnet50.py conv_block
    """
    label = f"{stage}{block}_branch"
    x = _main_path(input_tensor, kernel_size, filters, label, strides)
    shortcut = _convolution(input_tensor, filters[2], (1, 1), f"{label}1", strides=strides)
    return Activation("relu")(add([x, shortcut]))


def ResNet50(
    include_top: bool = True,
    weights: str | None = "imagenet",
    input_tensor: Any = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    **kwargs: Unpack[KerasModules],
) -> Model:
    """ResNet50, for images of 224x224, at least 32x32.

    Args:
        include_top, weights, input_tensor, input_shape, pooling, classes: see `jkeras.applications`.
        **kwargs: `backend`, `layers`, `models`, `utils` have no effect.

    Returns:
        A `Model`.

    Raises:
        ValueError, TypeError, OSError: see `jkeras.applications`.

    Keras 2.2.4: keras_applications/resnet50.py
    """
    request = Request(include_top, weights, input_tensor, input_shape, pooling, classes, kwargs)
    image = request.image()
    x = ZeroPadding2D((3, 3), name="conv1_pad")(image)
    x = Conv2D(64, (7, 7), strides=(2, 2), kernel_initializer="he_normal", name="conv1")(x)
    x = BatchNormalization(axis=channel_axis(), name="bn_conv1")(x)
    x = Activation("relu")(x)
    x = ZeroPadding2D((1, 1), name="pool1_pad")(x)
    x = MaxPooling2D((3, 3), strides=(2, 2))(x)
    for stage, (width, blocks) in _STAGES.items():
        filters = [width, width, 4 * width]
        x = conv_block(x, 3, filters, stage, "a", strides=(1, 1) if stage == 2 else (2, 2))
        for block in "bcdef"[: blocks - 1]:
            x = identity_block(x, 3, filters, stage, block)
    if not include_top and pooling not in ("avg", "max"):
        warnings.warn(
            "Since Keras 2.2.0 ResNet50(include_top=False) ends without the pooling of 7x7.", stacklevel=2
        )
    x = request.head(x, pool="avg_pool", dense="fc1000")
    return request.model(image, x, "resnet50", _TOP, _NO_TOP)
