"""Batches of images that are in files; DirectoryIterator, where the folders are the classes."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from os import PathLike
from typing import Any

import numpy as np
from jax.typing import DTypeLike
from numpy.typing import NDArray

from jkeras.core import settings
from jkeras.preprocessing.draws import Draws
from jkeras.preprocessing.image.files import (
    below,
    broken,
    checked_format,
    checked_size,
    img_to_array,
    load_img,
)
from jkeras.preprocessing.image.iterators import Iterator, augmented, save_batch, skip_batch

_CHANNELS = {"rgb": 3, "rgba": 4, "grayscale": 1}
_NAMES = 10_000_000  # random numbers in names of saved images are below it


class BatchFromFilesMixin:
    """Mixin: batches of image files from an `Iterator` that has `filepaths`, `labels`, `sample_weight`.

    Keras 2.2.4: keras_preprocessing/image/iterator.py BatchFromFilesMixin
    """

    # What the iterator brings.
    dtype: Any
    class_mode: Any
    class_indices: dict[str, int]

    def set_processing_attrs(
        self,
        image_data_generator: Any,
        target_size: Sequence[int],
        color_mode: str,
        data_format: str | None,
        save_to_dir: str | PathLike[str] | None,
        save_prefix: str,
        save_format: str,
        subset: str | None,
        interpolation: str,
    ) -> None:
        """Keep how files become batches.

        Args: those of `DirectoryIterator`.

        Raises:
            ValueError: for an unknown colour mode or subset, or a size that is none.
        """
        self.image_data_generator = image_data_generator
        self.target_size = checked_size(target_size)
        if color_mode not in _CHANNELS:
            raise ValueError(f'Invalid color mode: {color_mode}; expected "rgb", "rgba", or "grayscale".')
        self.color_mode = color_mode
        self.data_format = checked_format(data_format, "Unknown data_format")
        channels = (_CHANNELS[color_mode],)
        last = self.data_format == "channels_last"
        self.image_shape = self.target_size + channels if last else channels + self.target_size
        self.save_to_dir = save_to_dir
        self.save_prefix = save_prefix
        self.save_format = save_format
        self.interpolation = interpolation
        if subset not in (None, "training", "validation"):
            raise ValueError(f'Invalid subset name: {subset};expected "training" or "validation"')
        self.subset = subset
        self.split = None
        if subset is not None:
            at = image_data_generator._validation_split
            self.split = (0, at) if subset == "validation" else (at, 1)

    @property
    def filepaths(self) -> list[str]:
        """Paths of the images."""
        raise NotImplementedError(f"{type(self).__name__} must have `filepaths`.")

    @property
    def labels(self) -> Any:
        """Classes or values of the images."""
        raise NotImplementedError(f"{type(self).__name__} must have `labels`.")

    @property
    def sample_weight(self) -> Any:
        """Weights of the images, or None."""
        raise NotImplementedError(f"{type(self).__name__} must have `sample_weight`.")

    def _get_batches_of_transformed_samples(self, index_array: NDArray[Any]) -> Any:
        return BatchFromFilesMixin._batch(self, index_array, np.random)

    def _batch(self, index_array: NDArray[Any], draws: Draws) -> Any:
        batch, paths = np.zeros((len(index_array), *self.image_shape), self.dtype), self.filepaths
        for place, i in enumerate(index_array):
            how: dict[str, Any] = dict(color_mode=self.color_mode, interpolation=self.interpolation)
            with load_img(paths[i], target_size=self.target_size, **how) as img:
                x = img_to_array(img, self.data_format, "float32")
            if self.image_data_generator:
                x = augmented(self.image_data_generator, x, draws)
            batch[place] = x
        if self.save_to_dir:
            save_batch(self, batch, index_array, draws, _NAMES)
        if self.class_mode is None:
            return batch
        targets = self._targets_of(batch, index_array)
        if self.sample_weight is None:
            return batch, targets
        return batch, targets, self.sample_weight[index_array]

    def _targets_of(self, batch: NDArray[Any], index_array: NDArray[Any]) -> Any:
        if self.class_mode == "input":
            return batch.copy()
        if self.class_mode == "multi_output":
            return [output[index_array] for output in self.labels]
        if self.class_mode == "raw":
            return self.labels[index_array]
        if self.class_mode != "categorical":
            return np.array([self.labels[i] for i in index_array], self.dtype)
        one_hot = np.zeros((len(batch), len(self.class_indices)), self.dtype)
        for row, i in zip(one_hot, index_array, strict=True):
            row[self.labels[i]] = 1.0  # of several classes, all
        return one_hot

    def _skip(self, draws: Draws, count: int) -> None:
        skip_batch(self, self.image_shape, draws, count, _NAMES)


class DirectoryIterator(BatchFromFilesMixin, Iterator):
    """Batches of the images in a folder that has a folder for each class; `flow_from_directory` makes one.

    Args:
        directory: the folder.
        image_data_generator: the ImageDataGenerator that transforms and standardizes the images.
        target_size: `(height, width)` that all images are resized to.
        color_mode: "rgb", "rgba" or "grayscale".
        classes: names of the folders, in the order of their numbers; None: all there are, sorted.
        class_mode: what targets are: "categorical" (rows of 0 and 1), "binary" or "sparse" (numbers of
            classes), "input" (the images), None: there are none.
        batch_size, shuffle, seed: see `Iterator`.
        data_format: "channels_last" or "channels_first"; None: that of the settings.
        save_to_dir: a folder for the images of all batches, to look at; None: they are not saved.
        save_prefix, save_format: beginning and extension of their names.
        follow_links: go into folders that are links.
        subset: "training" or "validation": what `validation_split` of the generator leaves or sets apart of
            each class.
        interpolation: how images are resized, see `load_img`.
        dtype: of the arrays; None: `floatx`.
        skip_broken: read every image now, and leave out those that cannot be read, with a warning that names
            them; otherwise the batch with such an image is an error that names it.

    Attributes:
        filenames: paths below `directory`.
        classes: number of the class of each.
        class_indices: name → number.

    Raises:
        ValueError: for an unknown class mode, colour mode or subset.
        FileNotFoundError: there is no such folder.

    Keras 2.2.4: keras/preprocessing/image.py DirectoryIterator
    """

    allowed_class_modes: set[str | None] = {"categorical", "binary", "sparse", "input", None}

    def __init__(
        self,
        directory: str | PathLike[str],
        image_data_generator: Any,
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
        follow_links: bool = False,
        subset: str | None = None,
        interpolation: str = "nearest",
        dtype: DTypeLike | None = None,
        skip_broken: bool = False,
    ):
        how = (target_size, color_mode, data_format, save_to_dir, save_prefix, save_format)
        self.set_processing_attrs(image_data_generator, *how, subset, interpolation)
        check_class_mode(class_mode, self.allowed_class_modes)
        self.directory = directory
        self.class_mode = class_mode
        self.dtype = settings.floatx() if dtype is None else dtype
        folders = [entry for entry in sorted(os.listdir(directory)) if self._is_folder(entry)]
        names = list(classes) if classes else folders
        for name in names:
            if not self._is_folder(name):
                warnings.warn(f"{directory} has no folder {name!r} for this class.", stacklevel=2)
        self.num_classes = len(names)
        self.class_indices = {name: i for i, name in enumerate(names)}
        self._list_files(follow_links, skip_broken)
        self.samples = len(self.filenames)
        print(f"Found {self.samples} images belonging to {self.num_classes} classes.")
        super().__init__(self.samples, batch_size, shuffle, seed)

    def _is_folder(self, name: str) -> bool:
        return os.path.isdir(os.path.join(self.directory, name))

    def _list_files(self, follow_links: bool, skip_broken: bool) -> None:
        self._filepaths: list[str] = []
        numbers: list[int] = []
        for name, number in self.class_indices.items():
            files = list(below(os.path.join(self.directory, name), follow_links))
            if skip_broken:
                files = readable(files)
            if self.split:
                files = files[int(self.split[0] * len(files)) : int(self.split[1] * len(files))]
            self._filepaths += files
            numbers += [number] * len(files)
        self.filenames = [os.path.relpath(path, self.directory) for path in self._filepaths]
        self.classes = np.array(numbers, "int32")

    def _what(self) -> str:
        return f"{self.directory} (folders {', '.join(self.class_indices) or '-'})"

    @property
    def filepaths(self) -> list[str]:
        """Paths of the images."""
        return self._filepaths

    @property
    def labels(self) -> Any:
        """Numbers of the classes of the images."""
        return self.classes

    @property
    def sample_weight(self) -> None:
        """There are no weights."""
        return None


def check_class_mode(class_mode: str | None, allowed: set[str | None]) -> None:
    """Refuse a class mode that is none.

    Raises:
        ValueError: naming those that are.
    """
    if class_mode not in allowed:
        names = ", ".join(sorted(map(repr, allowed)))
        raise ValueError(f"Invalid class_mode: {class_mode}; expected one of: {names}")


def readable(paths: list[str]) -> list[str]:
    """The files that can be read as images; a warning names the others."""
    problems = broken(paths)
    for problem in problems.values():
        warnings.warn(f"Left out: {problem}", stacklevel=4)
    return [path for path in paths if path not in problems]
