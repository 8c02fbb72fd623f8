"""Operations on images under Keras 3's names.

Keras 3: keras/ops/image
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jkeras.core.dispatch import op
from jkeras.core.settings import normalize_data_format
from jkeras.core.types import Array, Operand
from jkeras.primitives import images as formulas


def _in_last(function: Callable[[Array], Array], images: Operand, data_format: str | None) -> Array:
    """A function of a batch of images with channels last, on one image or many, in either format."""
    x = jnp.asarray(images)
    single, first = x.ndim == 3, normalize_data_format(data_format) == "channels_first"
    x = x[None] if single else x
    x = jnp.moveaxis(x, 1, -1) if first else x
    y = function(x)
    y = jnp.moveaxis(y, -1, 1) if first and y.ndim == 4 else y
    return y[0] if single else y


@op
def resize(
    images: Operand,
    size: Sequence[int],
    interpolation: str = "bilinear",
    antialias: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    fill_mode: str = "constant",
    fill_value: float = 0.0,
    data_format: str | None = None,
) -> Array:
    """Images of another size.

    Args:
        images: `(batch, rows, columns, channels)` or one image.
        size: (height, width).
        interpolation: "bilinear", "nearest", "bicubic", "lanczos3" or "lanczos5".
        antialias: whether to smooth before making smaller.
        crop_to_aspect_ratio, pad_to_aspect_ratio: whether to cut or add margins, to keep proportions.
        fill_mode: only "constant".
        fill_value: of the margins.
        data_format: "channels_last" or "channels_first"; None: the configured one.

    Example:
        >>> resize(jnp.ones((4, 4, 3)), (2, 6)).shape
        (2, 6, 3)
    """
    if fill_mode != "constant":
        raise ValueError(f"`fill_mode` should be 'constant'; got {fill_mode!r}.")
    height, width = size

    def resized(x: Array) -> Array:
        x = formulas.cropped(x, height, width) if crop_to_aspect_ratio else x
        x = formulas.padded(x, height, width, fill_value) if pad_to_aspect_ratio else x
        return formulas.resize(x, height, width, interpolation, antialias)

    return _in_last(resized, images, data_format)


@op
def rgb_to_grayscale(images: Operand, data_format: str | None = None) -> Array:
    """The brightness of colors, as one channel.

    Example:
        >>> rgb_to_grayscale(jnp.ones((1, 1, 3))).shape
        (1, 1, 1)
    """
    return _in_last(formulas.brightness, images, data_format)


@op
def rgb_to_hsv(images: Operand, data_format: str | None = None) -> Array:
    """Red, green and blue from 0 to 1 as hue, saturation and value."""

    def turned(x: Array) -> Array:
        red, green, blue = jnp.moveaxis(x, -1, 0)
        value, least = jnp.max(x, -1), jnp.min(x, -1)
        span = value - least
        safe = jnp.where(span > 0, span, 1)
        hue = jnp.where(
            value == red,
            (green - blue) / safe,
            jnp.where(value == green, 2 + (blue - red) / safe, 4 + (red - green) / safe),
        )
        hue = jnp.where(span > 0, hue / 6 % 1, 0)
        saturation = jnp.where(value > 0, span / jnp.where(value > 0, value, 1), 0)
        return jnp.stack([hue, saturation, value], -1)

    return _in_last(turned, images, data_format)


@op
def hsv_to_rgb(images: Operand, data_format: str | None = None) -> Array:
    """Hue, saturation and value as red, green and blue: the way back of `rgb_to_hsv`."""

    def turned(x: Array) -> Array:
        hue, saturation, value = (part[..., None] for part in jnp.moveaxis(x, -1, 0))
        shift = hue * 6 + jnp.asarray([0.0, 4.0, 2.0], x.dtype).reshape((1,) * (x.ndim - 1) + (3,))
        share = jnp.clip(jnp.abs(shift % 6 - 3) - 1, 0, 1)
        return value * (1 - saturation * (1 - share))

    return _in_last(turned, images, data_format)


def _margins(before: int | None, after: int | None, length: int, target: int | None, sign: int):
    """The margins cut (`sign` -1) or added (1) on both sides: two of three numbers tell the third."""
    if [before, after, target].count(None) != 1:
        raise ValueError(
            f"Two of the margin before, the margin after and the size should be given; got {before!r}, "
            f"{after!r} and {target!r}."
        )
    rest = 0 if target is None else sign * (target - length)
    if before is None:
        return rest - (after or 0), after or 0
    return before, rest - before if after is None else after


@op
def crop_images(
    images: Operand,
    top_cropping: int | None = None,
    left_cropping: int | None = None,
    bottom_cropping: int | None = None,
    right_cropping: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Array:
    """Images without margins, said as what goes or what stays."""

    def cut(x: Array) -> Array:
        rows, columns = x.shape[1:3]
        top, bottom = _margins(top_cropping, bottom_cropping, rows, target_height, -1)
        left, right = _margins(left_cropping, right_cropping, columns, target_width, -1)
        return x[:, top : rows - bottom, left : columns - right]

    return _in_last(cut, images, data_format)


@op
def pad_images(
    images: Operand,
    top_padding: int | None = None,
    left_padding: int | None = None,
    bottom_padding: int | None = None,
    right_padding: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Array:
    """Images with margins of zeros, said as what comes or what there is in the end."""

    def widened(x: Array) -> Array:
        rows, columns = x.shape[1:3]
        high = _margins(top_padding, bottom_padding, rows, target_height, 1)
        wide = _margins(left_padding, right_padding, columns, target_width, 1)
        return jnp.pad(x, ((0, 0), high, wide, (0, 0)))

    return _in_last(widened, images, data_format)


@op
def extract_patches(
    images: Operand,
    size: int | Sequence[int],
    strides: int | Sequence[int] | None = None,
    dilation_rate: int | Sequence[int] = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Array:
    """The patches of images, each as one vector: `(batch, rows, columns, height * width * channels)`.

    Example:
        >>> extract_patches(jnp.ones((2, 6, 6, 3)), 3).shape
        (2, 2, 2, 27)
    """
    window, step, spread = (
        (n, n) if isinstance(n, int) else tuple(n) for n in (size, strides or size, dilation_rate)
    )

    def patches(x: Array) -> Array:
        channels = x.shape[-1]
        found = lax.conv_general_dilated_patches(
            x, window, step, padding.upper(), rhs_dilation=spread, dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        by_channel = found.reshape(*found.shape[:3], channels, window[0] * window[1])
        return jnp.swapaxes(by_channel, -1, -2).reshape(found.shape)

    return _in_last(patches, images, data_format)


@op
def map_coordinates(
    inputs: Operand, coordinates: Operand, order: int, fill_mode: str = "constant", fill_value: float = 0
) -> Array:
    """The values of an array at places between its elements.

    Args:
        inputs: array.
        coordinates: one row for each axis.
        order: 0 for the nearest element, 1 for linear interpolation.
        fill_mode: what is outside: "constant", "nearest", "wrap", "mirror" or "reflect".
        fill_value: with "constant".
    """
    mode = {"constant": "constant", "nearest": "nearest", "wrap": "wrap"}.get(fill_mode, fill_mode)
    places: Any = list(jnp.asarray(coordinates))
    return jax.scipy.ndimage.map_coordinates(jnp.asarray(inputs), places, order, mode, fill_value)


@op
def scale_and_translate(
    images: Operand,
    output_shape: Sequence[int],
    scale: Operand,
    translation: Operand,
    spatial_dims: Sequence[int],
    method: str,
    antialias: bool = True,
) -> Array:
    """An array stretched and moved along some of its axes."""
    return jax.image.scale_and_translate(
        jnp.asarray(images),
        tuple(output_shape),
        tuple(spatial_dims),
        jnp.asarray(scale),
        jnp.asarray(translation),
        method,
        antialias,
    )


@op
def gaussian_blur(
    images: Operand,
    kernel_size: Sequence[int] = (3, 3),
    sigma: Sequence[float] = (1.0, 1.0),
    data_format: str | None = None,
) -> Array:
    """Images blurred by a Gaussian window; sizes are of columns and rows, as Keras 3 takes them.

    Example:
        >>> gaussian_blur(jnp.ones((5, 5, 1)))[2, 2].round(4).tolist()
        [1.0]
    """

    def blurred(x: Array) -> Array:
        for axis, length, width in zip((2, 1), kernel_size, sigma, strict=True):
            places = jnp.arange(length, dtype=x.dtype) - (length - 1) / 2
            weights = jnp.exp(-jnp.square(places) / (2 * width**2))
            weights = weights / jnp.sum(weights)
            margins = [(length // 2, (length - 1) // 2) if i == axis else (0, 0) for i in range(4)]
            wide, size = jnp.pad(x, margins), x.shape[axis]
            parts = [w * lax.slice_in_dim(wide, i, i + size, axis=axis) for i, w in enumerate(weights)]
            x = functools.reduce(jnp.add, parts)
        return x

    return _in_last(blurred, images, data_format)
