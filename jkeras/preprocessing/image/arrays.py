"""NumpyArrayIterator: batches of images that are in memory."""

from __future__ import annotations

import warnings
from os import PathLike
from typing import Any

import numpy as np
from jax.typing import DTypeLike
from numpy.typing import NDArray

from jkeras.core import settings
from jkeras.core.types import AnyList, AnyTuple
from jkeras.preprocessing.draws import Draws
from jkeras.preprocessing.image.files import checked_format
from jkeras.preprocessing.image.iterators import Iterator, augmented, save_batch, skip_batch

_NAMES = 10_000  # random numbers in names of saved images are below it


class NumpyArrayIterator(Iterator):
    """Batches of images in an array; `ImageDataGenerator.flow` makes one.

    Args:
        x: array of rank 4; or a pair of it and another array or a list of arrays, which are passed on.
        y: targets, or None.
        image_data_generator: the ImageDataGenerator that transforms and standardizes the images.
        batch_size, shuffle, seed: see `Iterator`.
        sample_weight: an array of weights, or None.
        data_format: "channels_last" or "channels_first"; None: that of the settings.
        save_to_dir: a folder for the images of all batches, to look at; None: they are not saved.
        save_prefix, save_format: beginning and extension of their names.
        subset: "training" or "validation": what `validation_split` of the generator leaves or sets apart, at
            the beginning of the data; weights are split, too (Keras forgets them).
        dtype: of the images; None: `floatx`.

    Raises:
        ValueError: arrays of different length, another rank, an unknown subset; if a class is in one part of
            the split only.

    Keras 2.2.4: keras/preprocessing/image.py NumpyArrayIterator
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        image_data_generator: Any,
        batch_size: int = 32,
        shuffle: bool = False,
        sample_weight: Any = None,
        seed: int | None = None,
        data_format: str | None = None,
        save_to_dir: str | PathLike[str] | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        dtype: DTypeLike | None = None,
    ):
        self.dtype = settings.floatx() if dtype is None else dtype
        self.data_format = checked_format(data_format, "Unknown data_format")
        x, misc = _parted(x)
        _check_lengths(x, y, sample_weight)
        if subset is not None:
            part = _part(subset, image_data_generator, x, y)
            x, misc = x[part], [a[part] for a in misc]
            y = None if y is None else y[part]
            sample_weight = None if sample_weight is None else sample_weight[part]
        self.x = np.asarray(x, self.dtype)
        self.x_misc = misc
        self.y = None if y is None else np.asarray(y)
        self.sample_weight = None if sample_weight is None else np.asarray(sample_weight)
        if self.x.ndim != 4:
            raise ValueError(
                "Input data in `NumpyArrayIterator` should have rank 4. You passed an array with shape "
                f"{self.x.shape}"
            )
        _warn_of_channels(self.x.shape, self.data_format)
        self.image_data_generator = image_data_generator
        self.save_to_dir = save_to_dir
        self.save_prefix = save_prefix
        self.save_format = save_format
        super().__init__(len(self.x), batch_size, shuffle, seed)

    def _get_batches_of_transformed_samples(self, index_array: NDArray[Any]):
        return NumpyArrayIterator._batch(self, index_array, np.random)

    def _batch(self, index_array: NDArray[Any], draws: Draws):
        batch = np.zeros((len(index_array), *self.x.shape[1:]), self.dtype)
        for place, i in enumerate(index_array):
            batch[place] = augmented(self.image_data_generator, self.x[i].astype(self.dtype), draws)
        if self.save_to_dir:
            save_batch(self, batch, index_array, draws, _NAMES)
        x = [batch, *(a[index_array] for a in self.x_misc)] if self.x_misc else batch
        if self.y is None:
            return x
        if self.sample_weight is None:
            return x, self.y[index_array]
        return x, self.y[index_array], self.sample_weight[index_array]

    def _skip(self, draws: Draws, count: int) -> None:
        skip_batch(self, self.x.shape[1:], draws, count, _NAMES)


def _parted(x: Any) -> tuple[Any, list[NDArray[Any]]]:
    """The images, and what is passed on beside them."""
    if not isinstance(x, (AnyList, AnyTuple)):
        return x, []
    if len(x) != 2:
        raise ValueError(
            "`x` should be an array of images, or a pair of it and what is passed on beside it (an array or "
            f"a list of arrays); got a {type(x).__name__} of {len(x)}."
        )
    images, beside = x
    others: list[NDArray[Any]] = [
        np.asarray(a) for a in (beside if isinstance(beside, AnyList) else [beside])
    ]
    for a in others:
        if len(a) != len(images):
            raise ValueError(
                "All of the arrays in `x` should have the same length. "
                f"Found a pair with: len(x[0]) = {len(images)}, len(x[?]) = {len(a)}"
            )
    return images, others


def _check_lengths(x: Any, y: Any, sample_weight: Any) -> None:
    for other, name, what in ((y, "y", " (labels)"), (sample_weight, "sample_weight", "")):
        if other is not None and len(other) != len(x):
            raise ValueError(
                f"`x` (images tensor) and `{name}`{what} should have the same length. "
                f"Found: x.shape = {np.shape(x)}, {name}.shape = {np.shape(other)}"
            )


def _part(subset: str | None, generator: Any, x: Any, y: Any) -> slice:
    """The samples of a subset."""
    if subset not in ("training", "validation"):
        raise ValueError(f'Invalid subset name: {subset}; expected "training" or "validation".')
    at = int(len(x) * generator._validation_split)
    if y is not None and not np.array_equal(np.unique(y[:at]), np.unique(y[at:])):
        raise ValueError(
            "Training and validation subsets have different number of classes after the split. If your numpy "
            "arrays are sorted by the label, you might want to shuffle them."
        )
    return slice(None, at) if subset == "validation" else slice(at, None)


def _warn_of_channels(shape: tuple[Any, ...], data_format: str) -> None:
    axis = 3 if data_format == "channels_last" else 1
    if shape[axis] not in (1, 3, 4):
        warnings.warn(
            f'NumpyArrayIterator is set to use the data format convention "{data_format}" (channels on axis '
            f"{axis}), i.e. expected either 1, 3, or 4 channels on axis {axis}. However, it was passed an "
            f"array with shape {shape} ({shape[axis]} channels).",
            stacklevel=3,
        )
