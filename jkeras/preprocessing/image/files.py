"""Images between files, Pillow and arrays."""

from __future__ import annotations

import io
import operator
import os
import struct
import warnings
from collections.abc import Iterator, Sequence
from os import PathLike
from typing import Any, cast

import numpy as np
from jax.typing import DTypeLike
from numpy.typing import NDArray

from jkeras.core import extras, settings

FORMATS = ("png", "jpg", "jpeg", "bmp", "ppm", "tif", "tiff")
INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")
_MODES = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}
_GREY = ("L", "I;16", "I")  # what Keras leaves as it is where grey is asked for
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, struct.error)


def pillow(what: str):
    """`PIL.Image`, for the function `what`."""
    return extras.module("PIL.Image", "images", what)


def load_img(
    path: Any,
    grayscale: bool = False,
    color_mode: str = "rgb",
    target_size: Sequence[int] | None = None,
    interpolation: str = "nearest",
) -> Any:
    """An image file as a Pillow image.

    Args:
        path: of the file.
        grayscale: old form of `color_mode="grayscale"`.
        color_mode: "grayscale" (grey images of 16 and 32 bits stay that), "rgb" or "rgba".
        target_size: `(height, width)` to resize it to; None: it keeps its size.
        interpolation: how it is resized: "nearest", "bilinear", "bicubic", "hamming", "box" or "lanczos".

    Returns:
        A `PIL.Image.Image`.

    Raises:
        ImportError: without Pillow (`pip install "jkeras[images]"`).
        ValueError: for an unknown colour mode or interpolation, or a size that is none.
        OSError: if there is no such file, or it is no image or a broken one; the message names it.

    Keras 2.2.4: keras_preprocessing/image/utils.py load_img
    """
    image = pillow("load_img")
    if grayscale is True:
        warnings.warn('grayscale is deprecated. Please use color_mode = "grayscale"', stacklevel=2)
        color_mode = "grayscale"
    if color_mode not in _MODES:
        raise ValueError(f'color_mode must be "grayscale", "rgb", or "rgba"; got {color_mode!r}.')
    size = None if target_size is None else checked_size(target_size)
    if size is not None and interpolation not in INTERPOLATIONS:
        raise ValueError(
            f"Invalid interpolation method {interpolation} specified. Supported methods are "
            f"{', '.join(INTERPOLATIONS)}"
        )
    with open(path, "rb") as file:
        content = io.BytesIO(file.read())
    try:
        img = image.open(content)
        img.load()
    except (*_BROKEN, image.DecompressionBombError) as error:
        kind = type(error) if isinstance(error, OSError) else OSError
        detail = "it is in no format that Pillow knows" if "BytesIO" in str(error) else str(error).rstrip(".")
        raise kind(f"{os.fspath(path)} cannot be read as an image: {detail}.") from error
    if img.mode != _MODES[color_mode] and not (color_mode == "grayscale" and img.mode in _GREY):
        img = img.convert(_MODES[color_mode])
    if size is not None and img.size != (size[1], size[0]):
        img = _resized(img, (size[1], size[0]), image.Resampling[interpolation.upper()])
    return img


def checked_size(target_size: Any) -> tuple[int, int]:
    """`(height, width)`; more numbers, as of a whole shape, are passed over.

    Raises:
        ValueError: for anything else.

    Example:
        >>> checked_size((4, 5, 3))
        (4, 5)
    """
    try:
        height, width = (operator.index(side) for side in tuple(target_size)[:2])
    except (TypeError, ValueError):
        height = width = 0
    if min(height, width) < 1:
        raise ValueError(
            f"`target_size` should be (height, width), two integers above 0; got {target_size!r}."
        )
    return height, width


def _resized(img: Any, size: tuple[int, int], how: int):
    """The image in another size: its rows first, then its columns.

    Pillow after version 11 begins with what is shrunk more, so that it rounds elsewhere.
    """
    if img.mode.startswith("I;") or how == 0:  # nearest
        return img.resize(size, how)
    mode = img.mode
    img = img.convert("RGBa") if mode == "RGBA" else img  # colours weigh as much as they are seen
    img = img.resize((size[0], img.height), how).resize(size, how)
    return img.convert("RGBA") if mode == "RGBA" else img


def img_to_array(img: Any, data_format: str | None = None, dtype: DTypeLike | None = None) -> NDArray[Any]:
    """A Pillow image (or an array) as an array of rank 3.

    Args:
        img: the image.
        data_format: "channels_last" or "channels_first"; None: that of the settings.
        dtype: of the array; None: `floatx`.

    Returns:
        An array `(height, width, channels)` or `(channels, height, width)`.

    Raises:
        ValueError: for an unknown data format, or an array that is neither of rank 2 nor 3.

    Keras 2.2.4: keras/preprocessing/image.py img_to_array

    Example:
        >>> img_to_array(np.ones((2, 3)), "channels_first").shape
        (1, 2, 3)
    """
    data_format = checked_format(data_format, "Unknown data_format")
    x = np.asarray(img, dtype or settings.floatx())
    if x.ndim == 2:
        return x[None] if data_format == "channels_first" else x[..., None]
    if x.ndim != 3:
        raise ValueError(f"Unsupported image shape: {x.shape}")
    return x.transpose(2, 0, 1) if data_format == "channels_first" else x


def array_to_img(x: Any, data_format: str | None = None, scale: bool = True, dtype: DTypeLike | None = None):
    """An array as a Pillow image.

    Args:
        x: array of rank 3 with 1, 3 or 4 channels.
        data_format: "channels_last" or "channels_first"; None: that of the settings.
        scale: bring the smallest value to 0 and the largest to 255; otherwise values are taken as they are.
        dtype: what `x` is computed in; None: `floatx`.

    Returns:
        A `PIL.Image.Image` of mode "L" ("I" for grey values above 255), "RGB" or "RGBA".

    Raises:
        ImportError: without Pillow (`pip install "jkeras[images]"`).
        ValueError: for another rank, number of channels or data format.

    Keras 2.2.4: keras/preprocessing/image.py array_to_img
    """
    image = pillow("array_to_img")
    data_format = checked_format(data_format, "Invalid data_format")
    x = np.asarray(x, dtype or settings.floatx())
    if x.ndim != 3:
        raise ValueError(
            f"Expected image array to have rank 3 (single image). Got array with shape: {x.shape}"
        )
    x = x.transpose(1, 2, 0) if data_format == "channels_first" else x
    if x.shape[2] not in (1, 3, 4):
        raise ValueError(f"Unsupported channel number: {x.shape[2]}")
    if scale:
        x = x - np.min(x)
        largest = np.max(x)
        x = (x / largest if largest != 0 else x) * 255
    if x.shape[2] > 1:
        return image.fromarray(np.ascontiguousarray(x.astype("uint8")))
    return image.fromarray(x[:, :, 0].astype("int32" if np.max(x) > 255 else "uint8"))


def save_img(
    path: Any,
    x: Any,
    data_format: str | None = None,
    file_format: str | None = None,
    scale: bool = True,
    **kwargs: Any,
) -> None:
    """Write an array as an image file.

    Args:
        path: of the file, or a file object.
        x: array of rank 3.
        data_format: "channels_last" or "channels_first"; None: that of the settings.
        file_format: what Pillow calls the format; None: by the name's extension.
        scale: see `array_to_img`.
        **kwargs: go to `PIL.Image.Image.save`.

    Keras 2.2.4: keras/preprocessing/image.py save_img
    """
    img = array_to_img(x, data_format, scale)
    extension = os.path.splitext(cast(str, path))[1][1:] if isinstance(path, str | os.PathLike) else ""
    kind = str(file_format or extension).lower()
    if img.mode == "RGBA" and kind in ("jpg", "jpeg"):
        warnings.warn("The JPG format does not support RGBA images, converting to RGB.", stacklevel=2)
        img = img.convert("RGB")
    if img.mode == "I" and kind == "png":
        img = img.convert("I;16")  # what a PNG can hold
    file_format = "jpeg" if kind == "jpg" else file_format  # Pillow does not know "jpg"
    img.save(path, format=file_format, **kwargs)


def list_pictures(
    directory: str | PathLike[str], ext: Sequence[str] = ("jpg", "jpeg", "bmp", "png", "ppm", "tif", "tiff")
) -> list[str]:
    """The image files in a folder and the folders below.

    Args:
        directory: the folder.
        ext: one extension or several, without the dot.

    Returns:
        List of paths.

    Keras 2.2.4: keras_preprocessing/image/utils.py list_pictures
    """
    endings = tuple(f".{e}" for e in ([ext] if isinstance(ext, str) else ext))
    return [
        os.path.join(root, name)
        for root, _, names in os.walk(directory)
        for name in names
        if name.lower().endswith(endings)
    ]


def validate_filename(filename: str, white_list_formats: tuple[str, ...]) -> bool:
    """Whether there is such a file, with one of these extensions.

    Args:
        filename: its path.
        white_list_formats: tuple of extensions.

    Keras 2.2.4: keras_preprocessing/image/utils.py validate_filename

    Example:
        >>> validate_filename("no/such.png", ("png",))
        False
    """
    return filename.lower().endswith(white_list_formats) and os.path.isfile(filename)


def checked_format(data_format: str | None, error: str) -> str:
    """The data format, or that of the settings for None.

    Raises:
        ValueError: with the text `error`, for another word.
    """
    data_format = settings.image_data_format() if data_format is None else data_format
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(f"{error}: {data_format}")
    return data_format


def below(folder: str, follow_links: bool) -> Iterator[str]:
    """Paths of the image files in a folder and those below it, in the order of Keras.

    Args:
        folder: its path.
        follow_links: go into folders that are links.
    """
    for root, _, names in sorted(os.walk(folder, followlinks=follow_links), key=lambda entry: entry[0]):
        for name in sorted(names):
            if name.lower().endswith(".tiff"):
                warnings.warn(
                    'Using ".tiff" files with multiple bands will cause distortion. '
                    "Please verify your output.",
                    stacklevel=2,
                )
            if name.lower().endswith(FORMATS):
                yield os.path.join(root, name)


def broken(paths: list[str]) -> dict[str, str]:
    """{path: what is wrong with it} of the files that cannot be read as images."""
    errors: dict[str, str] = {}
    for path in paths:
        try:
            load_img(path)
        except OSError as error:
            errors[path] = str(error)
    return errors
