"""Images and volumes: enlarging, and zeros around them."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp

from jkeras.core.dispatch import op
from jkeras.core.settings import normalize_data_format as format_of
from jkeras.core.types import Operand
from jkeras.primitives.conv_args import spatial_axes
from jkeras.primitives.resize import bilinear
from jkeras.primitives.resize import repeat as enlarge


@op
def resize_images(
    x: Operand, height_factor: int, width_factor: int, data_format: str | None, interpolation: str = "nearest"
):
    """Images enlarged by whole factors, by repetition or bilinearly.

    Args:
        x: images `(batch, rows, cols, channels)`, or with channels first.
        height_factor: how many rows come of one.
        width_factor: how many columns come of one.
        data_format: "channels_last" or "channels_first".
        interpolation: "nearest" or "bilinear".

    Returns:
        Images `(batch, rows * height_factor, cols * width_factor, channels)`.

    Raises:
        ValueError: another interpolation or data format.

    Example:
        >>> from jkeras import backend as K
        >>> K.resize_images(K.placeholder((1, 2, 2, 1)), 2, 3, "channels_last").shape
        (1, 4, 6, 1)

    Keras 2.2.4: keras/backend/tensorflow_backend.py resize_images
    """
    if interpolation not in ("nearest", "bilinear"):
        raise ValueError(f"interpolation is 'nearest' or 'bilinear'; got {interpolation!r}.")
    stretch = bilinear if interpolation == "bilinear" else enlarge
    first = spatial_axes(format_of(data_format), 4)[0]
    return stretch(stretch(x, width_factor, first + 1), height_factor, first)


@op
def resize_volumes(
    x: Operand, depth_factor: int, height_factor: int, width_factor: int, data_format: str | None
):
    """Volumes enlarged by whole factors, by repetition.

    Args:
        x: volumes `(batch, depth, rows, cols, channels)`, or with channels first.
        depth_factor: how many slices come of one.
        height_factor: how many rows come of one.
        width_factor: how many columns come of one.
        data_format: "channels_last" or "channels_first".

    Returns:
        Volumes of which the three spatial axes are longer by these factors.

    Raises:
        ValueError: another data format.

    Example:
        >>> from jkeras import backend as K
        >>> K.resize_volumes(K.placeholder((1, 1, 2, 2, 1)), 1, 2, 3, "channels_last").shape
        (1, 1, 4, 6, 1)

    Keras 2.2.4: keras/backend/tensorflow_backend.py resize_volumes
    """
    first = spatial_axes(format_of(data_format), 5)[0]
    for i, factor in enumerate((depth_factor, height_factor, width_factor)):
        x = enlarge(x, factor, first + i)
    return x


@op
def temporal_padding(x: Operand, padding: Sequence[int] = (1, 1)):
    """Zeros before the first and after the last time step.

    Args:
        x: sequences `(batch, time, features)`.
        padding: how many steps (before, after).

    Returns:
        Sequences `(batch, before + time + after, features)`.

    Example:
        >>> temporal_padding(jnp.ones((1, 2, 1)), (0, 1)).ravel().tolist()
        [1.0, 1.0, 0.0]

    Keras 2.2.4: keras/backend/tensorflow_backend.py temporal_padding
    """
    return jnp.pad(x, ((0, 0), tuple(padding), (0, 0)))


@op
def spatial_2d_padding(
    x: Operand, padding: Sequence[Sequence[int]] = ((1, 1), (1, 1)), data_format: str | None = None
):
    """Zeros around images.

    Args:
        x: images `(batch, rows, cols, channels)`, or with channels first.
        padding: ((above, below), (left, right)).
        data_format: "channels_last" or "channels_first"; None is `K.image_data_format()`.

    Returns:
        Images whose two spatial axes are longer by this.

    Raises:
        ValueError: another data format.

    Example:
        >>> from jkeras import backend as K
        >>> K.spatial_2d_padding(K.placeholder((1, 2, 2, 1)), ((1, 1), (0, 3))).shape
        (1, 4, 5, 1)

    Keras 2.2.4: keras/backend/tensorflow_backend.py spatial_2d_padding
    """
    return _pad_spatial(x, padding, data_format)


@op
def spatial_3d_padding(
    x: Operand, padding: Sequence[Sequence[int]] = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None
):
    """Zeros around volumes.

    Args:
        x: volumes `(batch, depth, rows, cols, channels)`, or with channels first.
        padding: (before, after) for each of the three spatial axes.
        data_format: "channels_last" or "channels_first"; None is `K.image_data_format()`.

    Returns:
        Volumes whose three spatial axes are longer by this.

    Raises:
        ValueError: another data format.

    Example:
        >>> from jkeras import backend as K
        >>> K.spatial_3d_padding(K.placeholder((1, 2, 2, 2, 1)), ((1, 1), (0, 1), (0, 0))).shape
        (1, 4, 3, 2, 1)

    Keras 2.2.4: keras/backend/tensorflow_backend.py spatial_3d_padding
    """
    return _pad_spatial(x, padding, data_format)


def _pad_spatial(x: Operand, padding: Sequence[Sequence[int]], data_format: str | None):
    inner = [tuple(p) for p in padding]
    last = format_of(data_format) == "channels_last"
    return jnp.pad(x, [(0, 0), *inner, (0, 0)] if last else [(0, 0), (0, 0), *inner])
