"""NASNet-A (Zoph et al., 2017, https://arxiv.org/abs/1707.07012)."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any, Unpack

from jkeras import backend as K
from jkeras.applications import imagenet_utils
from jkeras.applications._network import File, KerasModules, Request, padding_before_stride
from jkeras.applications.imagenet_utils import decode_predictions as decode_predictions
from jkeras.engine.tensors.symbolic import Tensor
from jkeras.layers import (
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Cropping2D,
    MaxPooling2D,
    SeparableConv2D,
    ZeroPadding2D,
    add,
    concatenate,
)
from jkeras.models.model import Model

BASE_WEIGHTS_PATH = "https://github.com/titu1994/Keras-NASNet/releases/download/v1.2/"
NASNET_MOBILE_WEIGHT_PATH = BASE_WEIGHTS_PATH + "NASNet-mobile.h5"
NASNET_MOBILE_WEIGHT_PATH_NO_TOP = BASE_WEIGHTS_PATH + "NASNet-mobile-no-top.h5"
NASNET_LARGE_WEIGHT_PATH = BASE_WEIGHTS_PATH + "NASNet-large.h5"
NASNET_LARGE_WEIGHT_PATH_NO_TOP = BASE_WEIGHTS_PATH + "NASNet-large-no-top.h5"

# The published weights by the size of the images.
_PUBLISHED = {
    224: (
        File("nasnet_mobile.h5", NASNET_MOBILE_WEIGHT_PATH, "020fb642bf7360b370c678b08e0adf61"),
        File("nasnet_mobile_no_top.h5", NASNET_MOBILE_WEIGHT_PATH_NO_TOP, "1ed92395b5b598bdda52abe5c0dbfd63"),
    ),
    331: (
        File("nasnet_large.h5", NASNET_LARGE_WEIGHT_PATH, "11577c9a518f0070763c2b964a382f17"),
        File("nasnet_large_no_top.h5", NASNET_LARGE_WEIGHT_PATH_NO_TOP, "d81d89dc07e6e56530c4e77faddd61b5"),
    ),
}


def preprocess_input(x: Any, **kwargs: Any) -> Any:
    """Images with values from 0 to 255, scaled to -1 to 1; see `imagenet_utils.preprocess_input`.

    Keras 2.2.4: keras_applications/nasnet.py preprocess_input
    """
    return imagenet_utils.preprocess_input(x, mode="tf", **kwargs)


def _normalized(x: Tensor, name: str) -> Tensor:
    return BatchNormalization(axis=-1, momentum=0.9997, epsilon=1e-3, name=name)(x)


def _convolution(x: Tensor, filters: int, name: str) -> Tensor:
    return Conv2D(filters, (1, 1), padding="same", name=name, use_bias=False, kernel_initializer="he_normal")(
        x
    )


def _averaged(x: Tensor, name: str) -> Tensor:
    return AveragePooling2D((3, 3), strides=(1, 1), padding="same", name=name)(x)


def _separable_conv_block(
    ip: Tensor,
    filters: int,
    kernel_size: tuple[int, int] = (3, 3),
    strides: tuple[int, int] = (1, 1),
    block_id: str = "",
) -> Tensor:
    """ReLU, separable convolution and batch normalization, twice."""
    halving = strides == (2, 2)
    options: dict[str, Any] = {"use_bias": False, "kernel_initializer": "he_normal"}
    with K.name_scope(f"separable_conv_block_{block_id}"):
        x = Activation("relu")(ip)
        if halving:
            padding = padding_before_stride(x, kernel_size)
            x = ZeroPadding2D(padding, name=f"separable_conv_1_pad_{block_id}")(x)
        x = SeparableConv2D(
            filters,
            kernel_size,
            strides=strides,
            name=f"separable_conv_1_{block_id}",
            padding="valid" if halving else "same",
            **options,
        )(x)
        x = Activation("relu")(_normalized(x, f"separable_conv_1_bn_{block_id}"))
        x = SeparableConv2D(
            filters, kernel_size, name=f"separable_conv_2_{block_id}", padding="same", **options
        )(x)
        return _normalized(x, f"separable_conv_2_bn_{block_id}")


def _adjust_block(p: Tensor | None, ip: Tensor, filters: int, block_id: str) -> Tensor:
    """The output of the cell before the last, in the size of the last one's and with `filters` channels."""
    if p is None:
        return ip
    with K.name_scope("adjust_block"):
        if K.int_shape(p)[-2] != K.int_shape(ip)[-2]:
            with K.name_scope(f"adjust_reduction_block_{block_id}"):
                active = Activation("relu", name=f"adjust_relu_1_{block_id}")(p)
                halves = [_half_of(active, filters, 1, block_id)]
                shifted = ZeroPadding2D(((0, 1), (0, 1)))(active)
                shifted = Cropping2D(((1, 0), (1, 0)))(shifted)
                halves.append(_half_of(shifted, filters, 2, block_id))
                return _normalized(concatenate(halves, axis=-1), f"adjust_bn_{block_id}")
        if K.int_shape(p)[-1] != filters:
            with K.name_scope(f"adjust_projection_block_{block_id}"):
                p = _convolution(Activation("relu")(p), filters, f"adjust_conv_projection_{block_id}")
                return _normalized(p, f"adjust_bn_{block_id}")
    return p


def _half_of(p: Tensor, filters: int, number: int, block_id: str) -> Tensor:
    """Every other pixel, with half of the channels."""
    x = AveragePooling2D((1, 1), strides=(2, 2), name=f"adjust_avg_pool_{number}_{block_id}")(p)
    return _convolution(x, filters // 2, f"adjust_conv_{number}_{block_id}")


def _squeezed(ip: Tensor, filters: int, kind: str, block_id: str) -> Tensor:
    h = _convolution(Activation("relu")(ip), filters, f"{kind}_conv_1_{block_id}")
    return _normalized(h, f"{kind}_bn_1_{block_id}")


def _normal_a_cell(ip: Tensor, p: Tensor | None, filters: int, block_id: str) -> tuple[Tensor, Tensor]:
    """A cell that keeps the size; returns its output, and its input for the cell after the next."""

    def separable(x: Tensor, size: int, side: str) -> Tensor:
        return _separable_conv_block(x, filters, (size, size), block_id=f"normal_{side}_{block_id}")

    def added(number: int | str, *terms: Tensor) -> Tensor:
        return add(list(terms), name=f"normal_add_{number}_{block_id}")

    with K.name_scope(f"normal_A_block_{block_id}"):
        p = _adjust_block(p, ip, filters, block_id)
        h = _squeezed(ip, filters, "normal", block_id)
        with K.name_scope("block_1"):
            x1 = added(1, separable(h, 5, "left1"), separable(p, 3, "right1"))
        with K.name_scope("block_2"):
            x2 = added(2, separable(p, 5, "left2"), separable(p, 3, "right2"))
        with K.name_scope("block_3"):
            x3 = added(3, _averaged(h, f"normal_left3_{block_id}"), p)
        with K.name_scope("block_4"):
            x4 = added(4, _averaged(p, f"normal_left4_{block_id}"), _averaged(p, f"normal_right4_{block_id}"))
        with K.name_scope("block_5"):
            x5 = added(5, separable(h, 3, "left5"), h)
        return concatenate([p, x1, x2, x3, x4, x5], axis=-1, name=f"normal_concat_{block_id}"), ip


def _reduction_a_cell(ip: Tensor, p: Tensor | None, filters: int, block_id: str) -> tuple[Tensor, Tensor]:
    """A cell that halves the size; returns its output, and its input for the cell after the next."""

    def separable(x: Tensor, size: int, side: str, strides: tuple[int, int] = (2, 2)) -> Tensor:
        return _separable_conv_block(x, filters, (size, size), strides, f"reduction_{side}_{block_id}")

    def pooled(layer: Callable[..., Any], x: Tensor, side: str) -> Tensor:
        return layer((3, 3), strides=(2, 2), name=f"reduction_{side}_{block_id}")(x)

    def added(number: int | str, *terms: Tensor) -> Tensor:
        return add(list(terms), name=f"reduction_add{number}_{block_id}")

    with K.name_scope(f"reduction_A_block_{block_id}"):
        p = _adjust_block(p, ip, filters, block_id)
        h = _squeezed(ip, filters, "reduction", block_id)
        padded = ZeroPadding2D(padding_before_stride(h, 3), name=f"reduction_pad_1_{block_id}")(h)
        with K.name_scope("block_1"):
            x1 = added("_1", separable(h, 5, "left1"), separable(p, 7, "right1"))
        with K.name_scope("block_2"):
            x2 = added("_2", pooled(MaxPooling2D, padded, "left2"), separable(p, 7, "right2"))
        with K.name_scope("block_3"):
            x3 = added("3", pooled(AveragePooling2D, padded, "left3"), separable(p, 5, "right3"))
        with K.name_scope("block_4"):
            x4 = add([x2, _averaged(x1, f"reduction_left4_{block_id}")])
        with K.name_scope("block_5"):
            x5 = added("4", separable(x1, 3, "left4", (1, 1)), pooled(MaxPooling2D, padded, "right5"))
        return concatenate([x2, x3, x4, x5], axis=-1, name=f"reduction_concat_{block_id}"), ip


@contextmanager
def _channels_last() -> Generator[None]:
    """The only data format that the networks are known for, until the end of the block."""
    before = K.image_data_format()
    if before != "channels_last":
        warnings.warn(
            "NASNet networks exist for the data format 'channels_last' only: this one takes images so, "
            f"although `image_data_format` is {before!r}.",
            stacklevel=4,
        )
    K.set_image_data_format("channels_last")
    try:
        yield
    finally:
        K.set_image_data_format(before)


def _body(
    x: Tensor, filters: int, num_blocks: int, stem_block_filters: int, skip_reduction: bool, multiplier: int
) -> Tensor:
    options: dict[str, Any] = {"use_bias": False, "name": "stem_conv1", "kernel_initializer": "he_normal"}
    x = Conv2D(stem_block_filters, (3, 3), strides=(2, 2), **options)(x)
    x = _normalized(x, "stem_bn1")
    x, p = _reduction_a_cell(x, None, filters // multiplier**2, "stem_1")
    x, p = _reduction_a_cell(x, p, filters // multiplier, "stem_2")
    for stage in range(3):
        width, start = filters * multiplier**stage, stage * num_blocks
        if stage:
            x, before = _reduction_a_cell(x, p, width, f"reduce_{start}")
            p = p if skip_reduction else before
        for i in range(num_blocks):
            x, p = _normal_a_cell(x, p, width, f"{start + i + bool(stage)}")
    return Activation("relu")(x)


def NASNet(
    input_shape: Sequence[int | None] | None = None,
    penultimate_filters: int = 4032,
    num_blocks: int = 6,
    stem_block_filters: int = 96,
    skip_reduction: bool = True,
    filter_multiplier: int = 2,
    include_top: bool = True,
    weights: str | None = None,
    input_tensor: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    default_size: int | None = None,
    **kwargs: Unpack[KerasModules],
) -> Model:
    """A NASNet-A, for images of at least 32x32, always `channels_last`.

    Args:
        penultimate_filters: how many channels the last feature maps have, divided by 24 those of a branch; a
            multiple of `24 * filter_multiplier ** 2`.
        num_blocks: how many cells there are at each size.
        stem_block_filters: of the first convolution.
        skip_reduction: whether the first cell at a size skips the one that halved it.
        filter_multiplier: how many times more filters there are at each further size.
        default_size: height and width of usual images, 331 if None; 224 and 331 have weights of ImageNet.
        input_shape, include_top, weights, input_tensor, pooling, classes: see `jkeras.applications`.
        **kwargs: `backend`, `layers`, `models`, `utils` have no effect.

    Returns:
        A `Model`.

    Raises:
        ValueError, TypeError, OSError: see `jkeras.applications`; also for `penultimate_filters` that do not
            divide, and for a `default_size` that there are no weights for.

    Keras 2.2.4: keras_applications/nasnet.py
    """
    size = 331 if default_size is None else default_size
    if weights == "imagenet" and size not in _PUBLISHED:
        raise ValueError(
            "There are weights of ImageNet for NASNetMobile (`default_size` 224) and NASNetLarge (331) "
            f"only; got {size}."
        )
    if penultimate_filters < 48 or filter_multiplier < 1:
        raise ValueError(
            "`penultimate_filters` must be at least 48, `filter_multiplier` positive; got "
            f"{penultimate_filters} and {filter_multiplier}."
        )
    if penultimate_filters % (24 * filter_multiplier**2):
        raise ValueError(
            "`penultimate_filters` must be a multiple of 24 * filter_multiplier ** 2, here "
            f"{24 * filter_multiplier**2}; got {penultimate_filters}."
        )
    with _channels_last():
        request = Request(
            include_top, weights, input_tensor, input_shape, pooling, classes, kwargs, size, fixed=True
        )
        image = request.image()
        filters = penultimate_filters // 24
        x = _body(image, filters, num_blocks, stem_block_filters, skip_reduction, filter_multiplier)
        return request.model(image, request.head(x), "NASNet", *_PUBLISHED.get(size, _PUBLISHED[331]))


def NASNetLarge(
    input_shape: Sequence[int | None] | None = None,
    include_top: bool = True,
    weights: str | None = "imagenet",
    input_tensor: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    **kwargs: Unpack[KerasModules],
) -> Model:
    """NASNet-A (6 @ 4032), for images of 331x331; see `NASNet`.

    Keras 2.2.4: keras_applications/nasnet.py
    """
    asked: dict[str, Any] = {
        "input_tensor": input_tensor,
        "pooling": pooling,
        "classes": classes,
        "default_size": 331,
    }
    return NASNet(input_shape, 4032, 6, 96, True, 2, include_top, weights, **asked, **kwargs)


def NASNetMobile(
    input_shape: Sequence[int | None] | None = None,
    include_top: bool = True,
    weights: str | None = "imagenet",
    input_tensor: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    **kwargs: Unpack[KerasModules],
) -> Model:
    """NASNet-A (4 @ 1056), for images of 224x224; see `NASNet`.

    Keras 2.2.4: keras_applications/nasnet.py
    """
    asked: dict[str, Any] = {
        "input_tensor": input_tensor,
        "pooling": pooling,
        "classes": classes,
        "default_size": 224,
    }
    return NASNet(input_shape, 1056, 4, 32, False, 2, include_top, weights, **asked, **kwargs)
