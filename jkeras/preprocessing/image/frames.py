"""DataFrameIterator: batches of image files that a pandas frame lists."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from os import PathLike
from typing import Any

import numpy as np
from jax.typing import DTypeLike

from jkeras.core import settings
from jkeras.core.types import AnyList, AnyTuple
from jkeras.preprocessing.image.files import FORMATS, validate_filename
from jkeras.preprocessing.image.folders import BatchFromFilesMixin, check_class_mode, readable
from jkeras.preprocessing.image.iterators import Iterator

_WITHOUT_CLASSES = ("input", "multi_output", "raw", None)


class DataFrameIterator(BatchFromFilesMixin, Iterator):
    """Batches of the image files that a pandas frame lists; `flow_from_dataframe` makes one.

    Args:
        dataframe: the frame.
        directory: the folder of the files; None: the frame has their paths.
        image_data_generator: the ImageDataGenerator that transforms and standardizes the images, or None.
        x_col: the column of file names.
        y_col: the column (or list of columns) of targets.
        weight_col: the column of sample weights, or None.
        target_size, color_mode, data_format, interpolation, dtype: see `DirectoryIterator`.
        classes: names of the classes to take; None: all there are.
        class_mode: what targets are: "categorical" (rows of 0 and 1; a cell may hold a list of classes),
            "binary" or "sparse" (numbers of classes), "raw" (the values of `y_col`), "multi_output" (a list
            of the values of each column), "input" (the images), None: there are none.
        batch_size, shuffle, seed: see `Iterator`.
        save_to_dir, save_prefix, save_format, skip_broken: see `DirectoryIterator`.
        subset: "training" or "validation": what `validation_split` of the generator leaves or sets apart, at
            the beginning of the frame.
        validate_filenames: leave out, with a warning, what are no files or not of a known format.

    Attributes:
        filenames: as they are in the frame.
        classes: number of the class (or list of numbers) of each.
        class_indices: name → number.

    Raises:
        ValueError: for an unknown class mode, colour mode or subset, a size that is none, weights that are
            NaN, and "binary" without two classes.
        TypeError: for what is no frame, and columns of other things than the class mode needs.
        KeyError: for a column that there is not.

    Keras 2.2.4: keras_preprocessing/image/dataframe_iterator.py DataFrameIterator
    """

    allowed_class_modes: set[str | None] = {
        "binary",
        "categorical",
        "input",
        "multi_output",
        "raw",
        "sparse",
        None,
    }

    def __init__(
        self,
        dataframe: Any,
        directory: str | PathLike[str] | None = None,
        image_data_generator: Any = None,
        x_col: str = "filename",
        y_col: str | Sequence[str] = "class",
        weight_col: str | None = None,
        target_size: Sequence[int] = (256, 256),
        color_mode: str = "rgb",
        classes: Sequence[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        data_format: str | None = None,
        save_to_dir: str | PathLike[str] | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        interpolation: str = "nearest",
        dtype: DTypeLike | None = None,
        validate_filenames: bool = True,
        skip_broken: bool = False,
    ):
        how = (target_size, color_mode, data_format, save_to_dir, save_prefix, save_format)
        self.set_processing_attrs(image_data_generator, *how, subset, interpolation)
        if not hasattr(dataframe, "columns"):
            raise TypeError(f"`dataframe` should be a pandas DataFrame; got a {type(dataframe).__name__}.")
        df = dataframe.copy()
        self.directory = directory or ""
        self.class_mode = class_mode
        self.dtype = settings.floatx() if dtype is None else dtype
        self._check_params(df, x_col, y_col, weight_col, classes)
        if validate_filenames:
            df = self._filter_valid_filepaths(df, x_col)
        if skip_broken:
            good = set(readable([self._path(name) for name in df[x_col]]))
            df = df[np.array([self._path(name) in good for name in df[x_col]], bool)]
        has_classes = class_mode not in _WITHOUT_CLASSES
        if has_classes:
            df, names = self._filter_classes(df, y_col, classes)
            self.class_indices = {name: i for i, name in enumerate(names)}
        if self.split:
            df = df.iloc[int(self.split[0] * len(df)) : int(self.split[1] * len(df)), :]
        if has_classes:
            self.classes = self.get_classes(df, y_col)
        self._take(df, x_col, y_col, weight_col)
        belonging = f" belonging to {len(self.class_indices)} classes" if has_classes else ""
        validated = "validated" if validate_filenames else "non-validated"
        print(f"Found {self.samples} {validated} image filenames{belonging}.")
        super().__init__(self.samples, batch_size, shuffle, seed)

    def _take(self, df: Any, x_col: str, y_col: str | Sequence[str], weight_col: str | None) -> None:
        self.filenames = df[x_col].tolist()
        self._filepaths = [self._path(name) for name in self.filenames]
        self.samples = len(self.filenames)
        self._sample_weight = df[weight_col].to_numpy() if weight_col else None
        if self.class_mode == "multi_output":
            self._targets = [np.array(df[column].tolist()) for column in y_col]
        if self.class_mode == "raw":
            self._targets = df[y_col].to_numpy()

    def _path(self, name: str) -> str:
        return os.path.join(self.directory, name)

    def _check_params(
        self,
        df: Any,
        x_col: str,
        y_col: str | Sequence[str],
        weight_col: str | None,
        classes: Sequence[str] | None,
    ) -> None:
        mode = self.class_mode
        check_class_mode(mode, self.allowed_class_modes)
        if mode == "multi_output" and not isinstance(y_col, AnyList):
            raise TypeError(f'If class_mode="{mode}", y_col must be a list. Received {type(y_col).__name__}.')
        targets = [] if mode in ("input", None) else y_col if isinstance(y_col, AnyList) else [y_col]
        for column in [x_col, *targets, *([weight_col] if weight_col else [])]:
            if column not in df.columns:
                raise KeyError(
                    f"The frame has no column {column!r}; it has {', '.join(map(repr, df.columns))}."
                )
        if not all(isinstance(x, str) for x in df[x_col]):
            raise TypeError(f"All values in column x_col={x_col} must be strings.")
        if mode in ("binary", "sparse") and not all(isinstance(y, str) for y in df[y_col]):
            raise TypeError(f'If class_mode="{mode}", y_col="{y_col}" column values must be strings.')
        if mode == "binary":
            self._check_two(df, y_col, classes)
        if mode == "categorical":
            self._check_names(df[y_col])
        if classes and mode in _WITHOUT_CLASSES:
            warnings.warn(f'`classes` will be ignored given the class_mode="{mode}"', stacklevel=3)
        if weight_col and not issubclass(df[weight_col].dtype.type, np.number):
            raise TypeError(f"Column weight_col={weight_col} must be numeric.")
        if weight_col and df[weight_col].isna().any():
            raise ValueError(f"Column weight_col={weight_col} has rows without a weight (NaN).")

    @staticmethod
    def _check_names(column: Any) -> None:
        """Classes are strings, or lists of strings."""
        if not all(isinstance(y, (str, AnyList, AnyTuple)) for y in column):
            raise TypeError(
                f'If class_mode="categorical", y_col="{column.name}" column values must be type string, list '
                "or tuple."
            )
        others = {type(c).__name__ for y in column if not isinstance(y, str) for c in y} - {"str"}
        if others:
            raise TypeError(f'The lists in y_col="{column.name}" should hold strings, not {sorted(others)}.')

    @staticmethod
    def _check_two(df: Any, y_col: str | Sequence[str], classes: Sequence[str] | None) -> None:
        rule = 'If class_mode="binary" there must be 2 classes.'
        if classes:
            if len(set(classes)) != 2:
                raise ValueError(f"{rule} {len(set(classes))} class/es were given.")
        elif df[y_col].nunique() != 2:
            raise ValueError(f"{rule} Found {df[y_col].nunique()} classes.")

    def get_classes(self, df: Any, y_col: str | Sequence[str]) -> list[Any]:
        """The number of the class, or the list of numbers, in each row."""
        number: dict[Any, int] = self.class_indices
        return [
            [number[c] for c in y] if isinstance(y, (AnyList, AnyTuple)) else number[y] for y in df[y_col]
        ]

    @staticmethod
    def _filter_classes(
        df: Any, y_col: str | Sequence[str], classes: Sequence[str] | None
    ) -> tuple[Any, list[Any]]:
        """The rows that have any of the classes, and the sorted classes; None: all."""
        df = df.copy()
        if classes:
            chosen: set[Any] = set(classes)

            def kept(y: Any) -> Any:
                if isinstance(y, (AnyList, AnyTuple)):
                    return [c for c in y if c in chosen] or None
                return y if y in chosen else None

            df[y_col] = [kept(y) for y in df[y_col]]
        else:
            chosen = {c for y in df[y_col] for c in (y if isinstance(y, (AnyList, AnyTuple)) else [y])}
        return df.dropna(subset=[y_col]), sorted(chosen)

    def _filter_valid_filepaths(self, df: Any, x_col: str):
        """The rows whose files exist, with a known extension."""
        paths = [self._path(name) for name in df[x_col]]
        valid = [validate_filename(path, FORMATS) for path in paths]
        if not all(valid):
            examples = ", ".join([path for path, good in zip(paths, valid, strict=True) if not good][:3])
            warnings.warn(
                f'Found {len(valid) - sum(valid)} invalid image filename(s) in x_col="{x_col}". These '
                f"filename(s) will be ignored. ({examples})",
                stacklevel=3,
            )
        return df[np.array(valid, bool)]  # an empty list would choose columns

    def _what(self) -> str:
        return f"The frame (folder {self.directory or '-'})"

    @property
    def filepaths(self) -> list[str]:
        """Paths of the images."""
        return self._filepaths

    @property
    def labels(self):
        """Classes or values of the images."""
        return self._targets if self.class_mode in ("multi_output", "raw") else self.classes

    @property
    def sample_weight(self):
        """Weights of the images, or None."""
        return self._sample_weight
