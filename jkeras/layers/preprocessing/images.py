"""Resizing and CenterCrop."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, Unpack

import jax.numpy as jnp

from jkeras.core import settings
from jkeras.core.arguments import LayerArguments
from jkeras.core.types import INFERENCE, Array, Ctx, Out, Pair, Params, State
from jkeras.engine.base_layer import Layer
from jkeras.layers._common import floating, no_weights
from jkeras.primitives import images
from jkeras.primitives.conv_args import positive_int

Picture: TypeAlias = Callable[[Array, Ctx], Array]  # a pure function of images and the context


class ImageLayer(Layer):
    """A layer of images, batches of them or single ones; a subclass gives `picture`."""

    data_format = "channels_last"
    rowwise = True

    def picture(self) -> Picture:
        """A pure function of images `(batch, rows, columns, channels)` and the context."""
        raise NotImplementedError(f"{type(self).__name__} must define picture().")

    def formula(self) -> Pair:
        """The pictures of a batch, one by one."""
        picture, first = self.picture(), self.data_format == "channels_first"

        def apply(params: Params, state: State, x: Array, ctx: Ctx = INFERENCE) -> Out:
            if x.ndim not in (3, 4):
                raise ValueError(
                    f"expected images (batch, rows, columns, channels) or one image, got {x.shape}"
                )
            y = floating(x)
            y = y[None] if x.ndim == 3 else y
            y = picture(jnp.moveaxis(y, 1, -1) if first else y, ctx)
            y = jnp.moveaxis(y, -1, 1) if first else y
            return Out(y[0] if x.ndim == 3 else y)

        return Pair(no_weights, apply)


class Resizing(ImageLayer):
    """Images of another size.

    Args:
        height, width: of the output.
        interpolation: "bilinear", "nearest", "bicubic", "lanczos3" or "lanczos5".
        crop_to_aspect_ratio: whether to cut margins off instead of changing the proportions.
        pad_to_aspect_ratio: whether to add margins instead.
        fill_mode: of the margins: only "constant".
        fill_value: of the margins.
        antialias: whether to smooth images that become smaller.
        data_format: "channels_last" or "channels_first"; None: the configured one.

    Input shape:
        `(batch, rows, columns, channels)` or one image, or channels before the rows.

    Output shape:
        The same, with `height` and `width`.

    Raises:
        ValueError: an unknown interpolation; both ways to keep the proportions.

    Keras 3: Resizing

    Example:
        >>> Resizing(2, 3)(jnp.ones((1, 4, 4, 3))).shape
        (1, 2, 3, 3)
    """

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        antialias: bool = False,
        data_format: str | None = None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        self.height, self.width = positive_int(height, "height"), positive_int(width, "width")
        self.interpolation = one_of(interpolation, images.INTERPOLATIONS, "interpolation")
        if crop_to_aspect_ratio and pad_to_aspect_ratio:
            raise ValueError("Only one of `crop_to_aspect_ratio` and `pad_to_aspect_ratio` can be True.")
        self.crop_to_aspect_ratio, self.pad_to_aspect_ratio = crop_to_aspect_ratio, pad_to_aspect_ratio
        self.fill_mode, self.fill_value = one_of(fill_mode, ("constant",), "fill_mode"), fill_value
        self.antialias = bool(antialias)
        self.data_format = settings.normalize_data_format(data_format)

    def picture(self) -> Picture:
        """One picture, changed."""
        size, way, antialias = (self.height, self.width), self.interpolation, self.antialias
        crop, pad, value = self.crop_to_aspect_ratio, self.pad_to_aspect_ratio, self.fill_value

        def resized(x: Array, ctx: Ctx) -> Array:
            x = images.cropped(x, *size) if crop else images.padded(x, *size, value) if pad else x
            return images.resize(x, *size, way, antialias)

        return resized


class CenterCrop(ImageLayer):
    """The middle of images; of those that are smaller, the largest middle of these proportions, made larger.

    Args:
        height, width: of the output.
        data_format: "channels_last" or "channels_first"; None: the configured one.

    Input shape:
        `(batch, rows, columns, channels)` or one image, or channels before the rows.

    Output shape:
        The same, with `height` and `width`.

    Raises:
        ValueError: sizes that are not positive.

    Keras 3: CenterCrop

    Example:
        >>> CenterCrop(2, 2)(jnp.ones((1, 4, 4, 3))).shape
        (1, 2, 2, 3)
    """

    def __init__(
        self, height: int, width: int, data_format: str | None = None, **kwargs: Unpack[LayerArguments]
    ):
        super().__init__(**kwargs)
        self.height, self.width = positive_int(height, "height"), positive_int(width, "width")
        self.data_format = settings.normalize_data_format(data_format)

    def picture(self) -> Picture:
        """One picture, changed."""
        height, width = self.height, self.width

        def middle(x: Array, ctx: Ctx) -> Array:
            return centre(x, height, width)

        return middle


def centre(x: Array, height: int, width: int) -> Array:
    """The middle of images, enlarged where they are smaller than it."""
    top, left = x.shape[1] - height, x.shape[2] - width
    if top < 0 or left < 0:
        return images.resize(images.cropped(x, height, width), height, width, "bilinear")
    top, left = top // 2, left // 2
    return x[:, top : top + height, left : left + width]


def one_of(value: str, allowed: tuple[str, ...], name: str) -> str:
    """The value, if it is allowed.

    Raises:
        ValueError: another one.
    """
    if value not in allowed:
        raise ValueError(f"`{name}` must be one of {allowed}. Received: {value!r}")
    return value
