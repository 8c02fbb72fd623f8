"""Data sets made by one call: batches of arrays that are mapped and read while `fit` runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jkeras.core import sequence
from jkeras.core.random import next_seed
from jkeras.core.types import AnyTuple


class Batches(sequence.Sequence):
    """Batches of items that a function reads, in a new order each epoch if asked to.

    It has what scripts for `tf.data` call most: `map`, `prefetch`, `cache`; `fit(workers=...)` reads ahead.

    Args:
        items: of which each stands for one row.
        read: function of a list of items: a batch of `x`.
        labels: array of the targets, one for each item, or None.
        batch_size: items in a batch; None: single rows without a batch axis.
        seed: of the orders; None: the order of `items`.

    Example:
        >>> batches = Batches([1, 2, 3], np.array, np.array([0, 1, 0]), batch_size=2)
        >>> for x, y in batches.map(lambda x, y: (-x, y)):
        ...     print(x, y)
        [-1 -2] [0 1]
        [-3] [0]
    """

    def __init__(
        self,
        items: Sequence[Any] | np.ndarray,
        read: Callable[[list[Any]], Any],
        labels: NDArray[Any] | None = None,
        batch_size: int | None = 32,
        seed: int | None = None,
    ):
        if batch_size is not None and batch_size < 1:
            raise ValueError(f"`batch_size` should be a number of at least 1, or None; got {batch_size!r}.")
        self.items, self.read, self.labels = items, read, labels
        self.batch_size, self.seed, self.epoch = batch_size, seed, 0
        self.functions: list[Callable[..., Any]] = []
        self.class_names: list[str] = []
        self.file_paths: list[str] = []

    def __len__(self) -> int:
        return -(-len(self.items) // (self.batch_size or 1))

    def __getitem__(self, index: int) -> Any:
        if not -len(self) <= index < len(self):
            raise IndexError(f"There are {len(self)} batches; number {index} is none of them.")
        size = self.batch_size or 1
        chosen = self._order()[index % len(self) * size :][:size]
        x = self.read([self.items[i] for i in chosen])
        batch = x if self.labels is None else (x, self.labels[chosen])
        if self.batch_size is None:
            batch = tuple(part[0] for part in batch) if isinstance(batch, AnyTuple) else batch[0]
        for function in self.functions:
            batch = function(*batch) if isinstance(batch, AnyTuple) else function(batch)
        return batch

    def _order(self) -> NDArray[Any]:
        if self.seed is None:
            return np.arange(len(self.items))
        return np.random.default_rng((self.seed, self.epoch)).permutation(len(self.items))

    def on_epoch_end(self) -> None:
        """The next epoch has another order."""
        self.epoch += 1

    def map(self, function: Callable[..., Any], num_parallel_calls: Any = None) -> Batches:
        """The same data set with `function(x)` or `function(x, y)` in the place of each batch.

        Args:
            function: of one batch.
            num_parallel_calls: not needed: `fit(workers=...)` says how many.
        """
        mapped = self.__class__.__new__(self.__class__)
        mapped.__dict__.update(self.__dict__, functions=[*self.functions, function])
        return mapped

    def prefetch(self, buffer_size: Any = None) -> Batches:
        """Itself: `fit(max_queue_size=...)` says how many batches are read ahead."""
        return self

    def cache(self, filename: Any = None) -> Batches:
        """A data set that keeps the batches in memory, in the order of now."""
        kept = [self[i] for i in range(len(self))]
        cached = Batches(range(len(kept)), lambda numbers: [kept[i] for i in numbers], None, None)
        cached.class_names, cached.file_paths = self.class_names, self.file_paths
        return cached


def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
) -> Batches:
    """Windows of a time series: `x[i] = data[s + i * stride + (0, rate, ..., (length - 1) * rate)]`.

    Args:
        data: array whose first axis is time.
        targets: the target of the window that begins at step `i` is `targets[i]`; None: no targets.
        sequence_length: steps in a window.
        sequence_stride: steps between the beginnings of two windows.
        sampling_rate: steps between two steps of a window.
        batch_size: windows in a batch; None: single windows.
        shuffle: whether each epoch has an order of its own.
        seed: of the orders.
        start_index, end_index: only steps from the first to before the last one are used.

    Returns:
        A `Sequence` of `(x, y)`, or of `x` alone.

    Raises:
        ValueError: a number that cannot be.

    Keras 3: keras/utils/timeseries_dataset_utils.py

    Example:
        >>> batches = timeseries_dataset_from_array(np.arange(10), np.arange(10), 3, sampling_rate=2)
        >>> x, y = batches[0]
        >>> x[0].tolist(), int(y[0]), x[-1].tolist(), len(x)
        ([0, 2, 4], 0, [5, 7, 9], 6)
    """
    data = np.asarray(data)
    start, end = start_index or 0, len(data) if end_index is None else end_index
    if not 0 <= start < end <= len(data):
        raise ValueError(
            f"`start_index` and `end_index` should be within the {len(data)} steps of `data`, the first "
            f"below the last; got {start_index!r} and {end_index!r}."
        )
    for name, value in (("length", sequence_length), ("stride", sequence_stride)):
        if not 0 < value < len(data):
            raise ValueError(f"`sequence_{name}` should be from 1 to {len(data) - 1}; got {value!r}.")
    if not 0 < sampling_rate < len(data):
        raise ValueError(f"`sampling_rate` should be from 1 to {len(data) - 1}; got {sampling_rate!r}.")
    count = end - start - (sequence_length - 1) * sampling_rate
    if targets is not None:
        targets = np.asarray(targets)
        count = min(count, len(targets[start:end]))
    beginnings = start + np.arange(0, max(count, 0), sequence_stride)
    steps = np.arange(sequence_length) * sampling_rate

    def windows(chosen: list[int]) -> NDArray[Any]:
        return data[np.asarray(chosen)[:, None] + steps]

    orders = (next_seed() if seed is None else seed) if shuffle else None
    labels = None if targets is None else targets[beginnings]
    return Batches(beginnings, windows, labels, batch_size, orders)
