"""Data in files: arrays, tables with named columns, folders of images by class."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import lzma
import zipfile
import zlib
from pathlib import Path
from typing import TypeAlias

import numpy as np

from jkeras.cli.errors import UserError, close_to
from jkeras.core.extras import module
from jkeras.preprocessing.image import load_img
from jkeras.saving.limits import MALFORMED, line

Labelled: TypeAlias = tuple[np.ndarray, np.ndarray, list[str]]  # arrays, numbers of classes, names of these

TABLES = (".csv", ".parquet")
PARTS = ("train", "test")  # the folders of one that holds its parts


def arrays(source: str) -> dict[str, np.ndarray]:
    """The arrays of a .npz file by name (the one of a .npy file is called x).

    Raises:
        UserError: the file holds something else.
    """
    try:
        with open(source, "rb") as file:
            contents = np.load(file, allow_pickle=False)
            if isinstance(contents, np.ndarray):
                return {"x": contents}
            with contents:
                return {name: contents[name] for name in contents.files}
    except (*MALFORMED, OSError, zipfile.BadZipFile, zlib.error, lzma.LZMAError) as error:
        raise UserError(f"{source} is not a .npz file of plain arrays: {line(error)}") from error


def table(source: str, target: str | list[str] | None, columns: list[str] | None, classes: list[str] | None):
    """Inputs and targets of a table.

    Args:
        source: a .csv or .parquet file; the first row of a .csv names the columns.
        target: name of the column of the targets, or several; None: all columns are inputs.
        columns: names of those of the inputs; None: all others.
        classes: what the words of the target mean, in the order of their numbers; None: the words, sorted.

    Returns:
        x: float32, a row for each sample; y: numbers, float32 for several columns, or None; the classes if
        the target is of words, else None.

    Raises:
        UserError: the file is no such table, a column is unknown, holds words (inputs) or is empty somewhere.
    """
    pandas = module("pandas", "data", f"Reading {source}")
    try:
        frame = pandas.read_csv(source) if source.endswith(".csv") else pandas.read_parquet(source)
    except ImportError as error:
        raise ImportError(f'Reading {source} needs pyarrow: pip install "jkeras[data]"') from error
    except (ValueError, OSError) as error:
        raise UserError(f"{source} is no table that can be read: {error}") from error
    wanted = [target] if isinstance(target, str) else list(target or ())
    inputs = list(columns) if columns is not None else [name for name in frame.columns if name not in wanted]
    for name in (*wanted, *inputs):
        if name not in frame.columns:
            raise UserError(
                f"{source} has no column {name!r}. {close_to(str(name), map(str, frame.columns))}"
            )
        if missing := int(frame[name].isna().sum()):
            raise UserError(f"{source}: {missing} of {len(frame)} rows have no value in the column {name!r}.")
    for name in inputs:
        if frame[name].dtype.kind not in "fiub":
            raise UserError(
                f"{source}: the column {name!r} holds {frame[name].iloc[0]!r}, which is no number. "
                "Encode it, or name the columns of the inputs in data.columns (--columns)."
            )
    x = frame[inputs].to_numpy(np.float32)
    if len(wanted) == 1 and frame[wanted[0]].dtype.kind not in "fiub":
        return x, *_numbers(frame[wanted[0]].astype(str).tolist(), classes, source)
    if not wanted:
        return x, None, None
    y = frame[wanted].to_numpy()
    return x, y[:, 0] if len(wanted) == 1 else y.astype(np.float32), None


def _numbers(words: list[str], classes: list[str] | None, source: str) -> tuple[np.ndarray, list[str]]:
    known = [str(c) for c in classes] if classes is not None else sorted(set(words))
    numbers = {word: i for i, word in enumerate(known)}
    for word in words:
        if word not in numbers:
            raise UserError(f"{source}: unknown class {word!r}. {close_to(word, known)}")
    return np.array([numbers[word] for word in words], np.int32), known


def images(source: str, size: list[int] | None, color: str, classes: list[str] | None) -> Labelled:
    """Images of a folder that has a folder for each class, all in memory.

    Args:
        source: the folder.
        size: height and width that every image gets; None: they have one size.
        color: "rgb", "rgba" or "grayscale".
        classes: names of the folders in the order of their numbers; None: all, sorted.

    Returns:
        x: uint8 (images, height, width, channels); y: int32 numbers of classes; their names.

    Raises:
        UserError: there are no such folders or no images in them, an image is broken or of another size.
    """
    folder = Path(source)
    names = (
        [str(c) for c in classes]
        if classes is not None
        else sorted(p.name for p in folder.iterdir() if p.is_dir())
    )
    pictures: list[np.ndarray] = []
    labels: list[int] = []
    for number, name in enumerate(names):
        if not (folder / name).is_dir():
            raise UserError(f"{source} has no folder of the class {name!r}.")
        for path in sorted((folder / name).rglob("*")):
            if path.suffix.lower() in (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".tif", ".tiff"):
                pictures.append(_picture(path, size, color))
                labels.append(number)
                if pictures[-1].shape != pictures[0].shape:
                    raise UserError(
                        f"{path} is of {pictures[-1].shape[:2]} pixels, "
                        f"the first image of {pictures[0].shape[:2]}: "
                        "say the size that all get, data.size: [64, 64] (--size 64,64)."
                    )
    if not pictures:
        raise UserError(f"{source} holds no images in folders by class: expected {source}/CLASS/IMAGE.png.")
    return np.stack(pictures), np.array(labels, np.int32), names


def _picture(path: Path, size: list[int] | None, color: str) -> np.ndarray:
    try:
        picture = load_img(str(path), color_mode=color, target_size=None if size is None else tuple(size))
    except (ValueError, OSError) as error:
        raise UserError(f"{path} is no image that can be read: {error}") from error
    values = np.asarray(picture, np.uint8)
    return values if values.ndim == 3 else values[..., None]
