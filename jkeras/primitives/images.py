"""Images as pure functions: resized, cut, and seen through affine maps. All take channels last."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

import functools
from typing import Any, cast

import jax
import jax.numpy as jnp

from jkeras.core.types import Array

INTERPOLATIONS = ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5")
FILLS = ("reflect", "wrap", "constant", "nearest")
_ORDERS = {"nearest": 0, "bilinear": 1}


def resize(images: Array, height: int, width: int, interpolation: str, antialias: bool = False) -> Array:
    """Images of another size, interpolated between the centres of the pixels.

    Args:
        images: `(batch, rows, columns, channels)`.
        height, width: of the result.
        interpolation: one of `INTERPOLATIONS`.
        antialias: whether to smooth before making smaller.

    Example:
        >>> resize(jnp.ones((1, 4, 4, 3)), 2, 6, "bilinear").shape
        (1, 2, 6, 3)
    """
    shape = (images.shape[0], height, width, images.shape[3])
    return cast(Array, jax.image.resize(images, shape, interpolation, antialias=antialias))


def brightness(images: Array) -> Array:
    """The brightness of red, green and blue as one channel, for any axes before.

    Example:
        >>> brightness(jnp.ones((1, 1, 3))).shape
        (1, 1, 1)
    """
    wide = images if jnp.issubdtype(images.dtype, jnp.floating) else images.astype(jnp.float32)
    shares = jnp.asarray([0.2989, 0.5870, 0.1140], wide.dtype)
    return jnp.tensordot(wide, shares, 1)[..., None].astype(images.dtype)


def cropped(images: Array, height: int, width: int) -> Array:
    """The middle of images, as large as it can be with the proportions `height : width`."""
    rows, columns = images.shape[1:3]
    high = max(min(rows, int(columns * height / width)), 1)
    wide = max(min(columns, int(rows * width / height)), 1)
    top, left = int((rows - high) / 2), int((columns - wide) / 2)
    return images[:, top : top + high, left : left + wide]


def padded(images: Array, height: int, width: int, value: float) -> Array:
    """Images with margins of `value` that give them the proportions `height : width`, but for rounding."""
    rows, columns = images.shape[1:3]
    top = int((max(rows, int(columns * height / width)) - rows) / 2)
    left = int((max(columns, int(rows * width / height)) - columns) / 2) if top == 0 else 0
    margins = [(0, 0), (top, top), (left, left), (0, 0)]
    return jnp.pad(images, margins, constant_values=jnp.asarray(value, images.dtype))


def transformed(images: Array, maps: Array, interpolation: str, fill: str, value: float) -> Array:
    """Each image seen through its affine map: (row, column) of the result reads `map · (row, column, 1)`.

    Args:
        images: `(batch, rows, columns, channels)`.
        maps: `(batch, 2, 3)`.
        interpolation: "bilinear" or "nearest".
        fill: what is outside of the image, one of `FILLS`.
        value: for "constant".

    Example:
        >>> left = jnp.array([[[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]]])
        >>> transformed(jnp.array([[[[1.0], [2.0]]]]), left, "nearest", "nearest", 0.0).ravel().tolist()
        [2.0, 2.0]
    """
    rows, columns = images.shape[1:3]
    grid = jnp.stack(jnp.meshgrid(jnp.arange(rows), jnp.arange(columns), indexing="ij"), -1)
    places = jnp.einsum("bij,rcj->birc", maps[:, :, :2], grid.astype(maps.dtype)) + maps[:, :, 2, None, None]
    read: Any = functools.partial(
        jax.scipy.ndimage.map_coordinates, order=_ORDERS[interpolation], mode=fill, cval=value
    )
    over_channels = jax.vmap(read, in_axes=(-1, None), out_axes=-1)
    return jax.vmap(over_channels)(images, places)
