"""Images turned, shifted, sheared, zoomed, flipped; lighter and darker. One image at a time, as an array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jkeras.core import extras
from jkeras.core.arguments import refuse_text
from jkeras.preprocessing.image.files import array_to_img, img_to_array


def flip_axis(x: NDArray[Any], axis: int) -> NDArray[Any]:
    """The array turned around along an axis (a view).

    Keras 2.2.4: keras_preprocessing/image/affine_transformations.py flip_axis

    Example:
        >>> flip_axis([[1, 2], [3, 4]], 1).tolist()
        [[2, 1], [4, 3]]
    """
    return np.flip(np.asarray(x), axis)


def random_rotation(
    x: NDArray[Any],
    rg: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
):
    """The image turned by a random angle.

    Args:
        x: array of rank 3.
        rg: largest angle in degrees, to both sides.
        row_axis, col_axis, channel_axis: what the axes are. (As in Keras the centre is that of axes 0 and 1.)
        fill_mode, cval, interpolation_order: see `apply_affine_transform`.

    Returns:
        The image.

    Keras 2.2.4: keras_preprocessing/image/affine_transformations.py random_rotation
    """
    refuse_text(rg=rg)
    theta = np.random.uniform(-rg, rg)
    return apply_affine_transform(
        x, theta=theta, channel_axis=channel_axis, fill_mode=fill_mode, cval=cval, order=interpolation_order
    )


def random_shift(
    x: NDArray[Any],
    wrg: float,
    hrg: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
):
    """The image shifted at random.

    Args:
        x: array of rank 3.
        wrg: largest shift as a fraction of the width, to both sides.
        hrg: largest shift as a fraction of the height, to both sides.
        row_axis, col_axis, channel_axis: what the axes are.
        fill_mode, cval, interpolation_order: see `apply_affine_transform`.

    Returns:
        The image.

    Keras 2.2.4: keras_preprocessing/image/affine_transformations.py random_shift
    """
    refuse_text(wrg=wrg, hrg=hrg)
    tx = np.random.uniform(-hrg, hrg) * x.shape[row_axis]
    ty = np.random.uniform(-wrg, wrg) * x.shape[col_axis]
    return apply_affine_transform(
        x, tx=tx, ty=ty, channel_axis=channel_axis, fill_mode=fill_mode, cval=cval, order=interpolation_order
    )


def random_shear(
    x: NDArray[Any],
    intensity: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
):
    """The image sheared at random.

    Args:
        x: array of rank 3.
        intensity: largest angle in degrees, to both sides.
        row_axis, col_axis, channel_axis: what the axes are. (As in Keras the centre is that of axes 0 and 1.)
        fill_mode, cval, interpolation_order: see `apply_affine_transform`.

    Returns:
        The image.

    Keras 2.2.4: keras_preprocessing/image/affine_transformations.py random_shear
    """
    refuse_text(intensity=intensity)
    shear = np.random.uniform(-intensity, intensity)
    return apply_affine_transform(
        x, shear=shear, channel_axis=channel_axis, fill_mode=fill_mode, cval=cval, order=interpolation_order
    )


def random_zoom(
    x: NDArray[Any],
    zoom_range: Sequence[float],
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
):
    """The image zoomed at random, height and width each by its own factor.

    Args:
        x: array of rank 3.
        zoom_range: smallest and largest factor; above 1 the image gets smaller.
        row_axis, col_axis, channel_axis: what the axes are. (As in Keras the centre is that of axes 0 and 1.)
        fill_mode, cval, interpolation_order: see `apply_affine_transform`.

    Returns:
        The image.

    Raises:
        ValueError: if `zoom_range` does not hold two numbers.

    Keras 2.2.4: keras_preprocessing/image/affine_transformations.py random_zoom
    """
    if len(zoom_range) != 2:
        raise ValueError(f"`zoom_range` should be a tuple or list of two floats. Received: {zoom_range}")
    zx, zy = (1, 1) if tuple(zoom_range) == (1, 1) else np.random.uniform(zoom_range[0], zoom_range[1], 2)
    return apply_affine_transform(
        x, zx=zx, zy=zy, channel_axis=channel_axis, fill_mode=fill_mode, cval=cval, order=interpolation_order
    )


def apply_channel_shift(x: NDArray[Any], intensity: float, channel_axis: int = 0) -> NDArray[Any]:
    """The image with `intensity` added to all channels, within the range that its values had.

    Args:
        x: array of rank 3.
        intensity: what is added.
        channel_axis: which axis is the channels'.

    Returns:
        The image.

    Keras 2.2.4: keras_preprocessing/image/affine_transformations.py apply_channel_shift

    Example:
        >>> apply_channel_shift(np.array([[[0.0, 2.0, 5.0]]]), 1).tolist()
        [[[1.0, 3.0, 5.0]]]
    """
    return np.clip(x + float(intensity), np.min(x), np.max(x))


def random_channel_shift(x: NDArray[Any], intensity_range: float, channel_axis: int = 0) -> NDArray[Any]:
    """The image with a random number added to all channels, see `apply_channel_shift`.

    Args:
        x: array of rank 3.
        intensity_range: the largest number, to both sides.
        channel_axis: which axis is the channels'.

    Returns:
        The image.

    Keras 2.2.4: keras_preprocessing/image/affine_transformations.py random_channel_shift
    """
    refuse_text(intensity_range=intensity_range)
    return apply_channel_shift(x, np.random.uniform(-intensity_range, intensity_range), channel_axis)


def apply_brightness_shift(x: NDArray[Any], brightness: float) -> NDArray[Any]:
    """The image lighter or darker. (As in Keras its values are brought to 0 ... 255 first.)

    Args:
        x: array `(height, width, channels)`.
        brightness: 1 changes nothing, 0 makes it black.

    Returns:
        The image.

    Raises:
        ImportError: without Pillow (`pip install "jkeras[images]"`).

    Keras 2.2.4: keras_preprocessing/image/affine_transformations.py apply_brightness_shift
    """
    enhance = extras.module("PIL.ImageEnhance", "images", "apply_brightness_shift")
    img = enhance.Brightness(array_to_img(x, "channels_last", dtype="float32")).enhance(brightness)
    return img_to_array(img, "channels_last", "float32")


def random_brightness(x: NDArray[Any], brightness_range: Sequence[float]) -> NDArray[Any]:
    """The image lighter or darker by chance, see `apply_brightness_shift`.

    Args:
        x: array `(height, width, channels)`.
        brightness_range: smallest and largest brightness.

    Returns:
        The image.

    Raises:
        ValueError: if `brightness_range` does not hold two numbers.

    Keras 2.2.4: keras_preprocessing/image/affine_transformations.py random_brightness
    """
    if len(brightness_range) != 2:
        raise ValueError(
            f"`brightness_range should be tuple or list of two floats. Received: {brightness_range}"
        )
    return apply_brightness_shift(x, np.random.uniform(brightness_range[0], brightness_range[1]))


def transform_matrix_offset_center(matrix: NDArray[Any], x: NDArray[Any], y: Any) -> NDArray[Any]:
    """The affine transformation around the centre of an image instead of around its corner.

    Args:
        matrix: 3x3.
        x: number of rows.
        y: number of columns.

    Returns:
        A 3x3 matrix.

    Keras 2.2.4: keras_preprocessing/image/affine_transformations.py transform_matrix_offset_center

    Example:
        >>> transform_matrix_offset_center(np.diag([2.0, 2.0, 1.0]), 3, 3).tolist()
        [[2.0, 0.0, -2.0], [0.0, 2.0, -2.0], [0.0, 0.0, 1.0]]
    """
    to_row, to_column = float(x) / 2 + 0.5, float(y) / 2 + 0.5
    there = np.array([[1, 0, to_row], [0, 1, to_column], [0, 0, 1]])
    back = np.array([[1, 0, -to_row], [0, 1, -to_column], [0, 0, 1]])
    return there @ matrix @ back


def apply_transform(
    x: NDArray[Any],
    transform_matrix: NDArray[Any],
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    order: int = 1,
):
    """The image after an affine transformation: each point shows what was at `transform_matrix @ point`.

    Args:
        x: array of rank 3.
        transform_matrix: 3x3.
        channel_axis: which axis is the channels'.
        fill_mode, cval, order: see `apply_affine_transform`.

    Returns:
        The image.

    Raises:
        ImportError: without scipy (`pip install "jkeras[images]"`).

    Keras 2.1: keras/preprocessing/image.py apply_transform

    Example:
        >>> to_the_left = np.array([[1, 0, 0], [0, 1, 1], [0, 0, 1]])
        >>> apply_transform(np.arange(4.0).reshape(1, 1, 4), to_the_left).tolist()
        [[[1.0, 2.0, 3.0, 3.0]]]
    """
    ndimage = extras.module("scipy.ndimage", "images", "Transforming images")
    channels = np.moveaxis(np.asarray(x), channel_axis, 0)
    result = np.empty(channels.shape, channels.dtype)
    matrix, offset = transform_matrix[:2, :2], transform_matrix[:2, 2]
    for channel, out in zip(channels, result, strict=True):
        ndimage.affine_transform(channel, matrix, offset, None, out, order, fill_mode, cval)
    return np.moveaxis(result, 0, channel_axis)


def apply_affine_transform(
    x: NDArray[Any],
    theta: float = 0,
    tx: float = 0,
    ty: float = 0,
    shear: float = 0,
    zx: float = 1,
    zy: float = 1,
    row_axis: int = 0,
    col_axis: int = 1,
    channel_axis: int = 2,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    order: int = 1,
):
    """The image turned, then shifted, sheared and zoomed, around its centre.

    Args:
        x: array of rank 3.
        theta: angle in degrees.
        tx, ty: shift in pixels, along rows and columns.
        shear: angle in degrees.
        zx, zy: zoom of height and width; above 1 the image gets smaller.
        row_axis, col_axis, channel_axis: what the axes are.
        fill_mode: what is shown beyond the edges: "constant" (`cval`), "nearest", "reflect" or "wrap".
        cval: see there.
        order: of the interpolating spline, from 0 to 5.

    Returns:
        The image; `x` itself if there is nothing to do.

    Raises:
        ImportError: without scipy (`pip install "jkeras[images]"`).
        ValueError: for an array of another rank.

    Keras 2.2.4: keras_preprocessing/image/affine_transformations.py apply_affine_transform

    Example:
        >>> apply_affine_transform(np.arange(4.0).reshape(2, 2, 1), ty=1)[..., 0].tolist()
        [[1.0, 1.0], [3.0, 3.0]]
    """
    if theta == 0 and tx == 0 and ty == 0 and shear == 0 and zx == 1 and zy == 1:
        return x
    if np.ndim(x) != 3:
        raise ValueError(f"An image to be transformed should have rank 3; got the shape {np.shape(x)}.")
    a, b = np.deg2rad(theta), np.deg2rad(shear)
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    shift = np.array([[1, 0, tx], [0, 1, ty], [0, 0, 1]])
    slant = np.array([[1, -np.sin(b), 0], [0, np.cos(b), 0], [0, 0, 1]])
    zoom = np.diag([zx, zy, 1])
    matrix = transform_matrix_offset_center(turn @ shift @ slant @ zoom, x.shape[row_axis], x.shape[col_axis])
    return apply_transform(x, matrix, channel_axis, fill_mode, cval, order)
