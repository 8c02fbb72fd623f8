"""Older forms of the arguments of `flow_from_dataframe`."""

from __future__ import annotations

import os
import warnings
from os import PathLike
from typing import Any

from jkeras.preprocessing.image.files import FORMATS

_OLD = {
    "has_ext": "has_ext is deprecated, filenames in the dataframe have to match the exact filenames in disk.",
    "sort": "sort is deprecated, batches will be created in the same order than the filenames provided if "
    "shuffle is set to False.",
    "drop_duplicates": "drop_duplicates is deprecated, you can drop duplicates by using the "
    "pandas.DataFrame.drop_duplicates method.",
}


def renewed(
    dataframe: Any,
    directory: str | PathLike[str] | None,
    x_col: str,
    class_mode: str | None,
    old: dict[str, Any],
) -> tuple[Any, ...]:
    """The frame and the class mode that older arguments stand for; each is warned of.

    Args:
        dataframe, directory, x_col, class_mode: see `DataFrameIterator`.
        old: the further arguments.

    Returns:
        `(dataframe, class_mode)`.

    Raises:
        TypeError: for an argument that never was one.
    """
    unknown = old.keys() - _OLD.keys()
    if unknown:
        raise TypeError(f"flow_from_dataframe has no argument {', '.join(sorted(unknown))}.")
    for name in old:
        warnings.warn(_OLD[name], DeprecationWarning, stacklevel=3)
    if class_mode == "other":
        warnings.warn(
            '`class_mode` "other" is deprecated, please use `class_mode` "raw".',
            DeprecationWarning,
            stacklevel=3,
        )
        class_mode = "raw"
    if not old.get("has_ext", True):
        dataframe = dataframe.assign(
            **{x_col: [_with_extension(directory, name) for name in dataframe[x_col]]}
        )
    if old.get("drop_duplicates", False):
        dataframe = dataframe.drop_duplicates(x_col)
    return dataframe, class_mode


def _with_extension(directory: str | PathLike[str] | None, name: str) -> str:
    """The name of the image file of this name; itself if there is none."""
    there = os.path.join(directory or "", name)
    names = (name + "." + e for extension in FORMATS for e in (extension, extension.upper()))
    if os.path.isfile(there):
        return name
    return next((n for n in names if os.path.isfile(os.path.join(directory or "", n))), name)
