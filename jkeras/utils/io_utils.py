"""Data in HDF5 files as if they were arrays."""

from __future__ import annotations

import threading
from typing import Any

import h5py
import numpy as np

_opening = threading.Lock()


class HDF5Matrix:
    """A data set of an HDF5 file, read batch by batch, in the place of an array.

    `fit` reads the rows of a batch when it is their turn, so the file may be larger than the memory; reading
    is fastest with `shuffle="batch"`, which leaves neighbouring rows together.

    Args:
        datapath: the file; opened once, for all data sets in it.
        dataset: name of the data set.
        start, end: which of its rows; all by default.
        normalizer: function of the rows read, `normalizer(rows) -> rows`.

    Raises:
        KeyError: the file has no such data set.
        ValueError: `start` and `end` are no rows of it.

    Keras 2.2.4: keras/utils/io_utils.py HDF5Matrix

    Example:
        >>> import os, tempfile
        >>> path = os.path.join(tempfile.mkdtemp(), "data.h5")
        >>> with h5py.File(path, "w") as file:
        ...     file["x"] = np.arange(10.0).reshape(5, 2)
        >>> x = HDF5Matrix(path, "x", start=1, normalizer=lambda rows: rows / 10)
        >>> x.shape, x[1:2].tolist()
        ((4, 2), [[0.4, 0.5]])
        >>> HDF5Matrix.refs.pop(path).close()
    """

    refs: dict[str, h5py.File] = {}

    def __init__(self, datapath, dataset, start=0, end=None, normalizer=None):
        self._origin = (datapath, dataset)
        self.data = self._open()
        rows = self.data.shape[0]
        self.start, self.end = start, rows if end is None else end
        if not 0 <= self.start <= self.end <= rows:
            raise ValueError(f"{dataset!r} of {datapath} has {rows} rows; got start={start}, end={end}.")
        self.normalizer = normalizer
        first = self._normalized(self.data[0:1])
        self._base_shape, self._base_dtype = first.shape[1:], first.dtype

    def _open(self) -> Any:
        path, name = self._origin
        with _opening:
            if not self.refs.get(path):  # a closed file is falsy
                self.refs[path] = h5py.File(path, "r")
        if name not in self.refs[path]:
            raise KeyError(f"{path} has no data set {name!r}; it has {list(self.refs[path])}.")
        return self.refs[path][name]

    def _normalized(self, rows):
        return rows if self.normalizer is None else self.normalizer(rows)

    def __len__(self) -> int:
        return self.end - self.start

    def __getitem__(self, key):
        """Rows by a slice, a number, or increasing numbers."""
        if isinstance(key, slice):
            first = key.start or 0
            stop = len(self) if key.stop is None else key.stop
            if first < 0 or stop > len(self) or key.step not in (None, 1):
                raise IndexError(
                    f"Rows {key} of a matrix with {len(self)} rows (no negative ones, no steps)."
                )
            return self._normalized(self.data[first + self.start : stop + self.start])
        numbers = np.asarray(key)
        if numbers.size and not 0 <= numbers.min() <= numbers.max() < len(self):
            raise IndexError(f"Row {key} of a matrix with {len(self)} rows.")
        rows = numbers + self.start
        return self._normalized(self.data[int(rows) if numbers.ndim == 0 else rows.tolist()])

    @property
    def shape(self) -> tuple[int, ...]:
        """With the number of rows first."""
        return (len(self), *self._base_shape)

    @property
    def dtype(self) -> np.dtype:
        """Of the rows as the normalizer leaves them."""
        return self._base_dtype

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return self.data.ndim

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape))

    def __getstate__(self) -> dict:
        return self.__dict__ | {"data": None}

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)
        self.data = self._open()
