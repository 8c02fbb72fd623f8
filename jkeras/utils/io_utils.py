"""Data in HDF5 files as if they were arrays, and HDF5 groups as if they were dicts."""

# pyright: reportMissingTypeStubs=false
from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import h5py
import numpy as np

from jkeras.core.types import AnyDict, AnyList, AnyNumpy, AnyScalar, AnySlice
from jkeras.saving.model_io import ask_to_proceed_with_overwrite as ask_to_proceed_with_overwrite

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

    def __init__(
        self,
        datapath: str,
        dataset: str,
        start: int = 0,
        end: int | None = None,
        normalizer: Callable[..., Any] | None = None,
    ):
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

    def _normalized(self, rows: Any) -> Any:
        return rows if self.normalizer is None else self.normalizer(rows)

    def __len__(self) -> int:
        return self.end - self.start

    def __getitem__(self, key: Any) -> Any:
        """Rows by a slice, a number, or increasing numbers."""
        if isinstance(key, AnySlice):
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
    def dtype(self) -> np.dtype[Any]:
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

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"data": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.data = self._open()


HDF5_OBJECT_HEADER_LIMIT = 64512  # bytes of an attribute
_GROUP = "_is_group"  # marks a dict that is a group, rather than a value


class H5Dict:
    """An HDF5 group, or a dict, under one form: `group[name] = value`, `group[name]`.

    Arrays become data sets; numbers, texts and lists of texts become attributes, long lists in several parts
    (`name0`, `name1`, …), which read as one. A name that is not there becomes a new group when it is read.

    Args:
        path: path of an HDF5 file, an open h5py group or file, or a dict.
        mode: of the file; "r": nothing can be written. "w" empties a dict.

    Raises:
        TypeError: `path` is none of these.

    Keras 2.2.4: keras/utils/io_utils.py H5Dict (which pickles arrays in a dict; here they are kept as they
    are, and `update` works.)

    Example:
        >>> store = H5Dict({})
        >>> store["layer"]["kernel"] = np.ones(2)
        >>> store["names"] = ["a", "b"]
        >>> list(store), store["layer"]["kernel"], store.get("other", 0)
        (['layer', 'names'], array([1., 1.]), 0)
    """

    def __init__(self, path: Any, mode: str = "a"):
        self._is_file = isinstance(path, str)
        self.read_only = mode == "r"
        if isinstance(path, AnyDict):
            if mode == "w":
                path.clear()
            path[_GROUP] = True
        elif not isinstance(path, (str, h5py.Group)):
            raise TypeError(f"Required Group, str or dict. Received: {type(path)}.")
        self.data: Any = h5py.File(path, mode) if isinstance(path, str) else path

    def __setitem__(self, attr: str, val: Any) -> None:
        if self.read_only:
            raise ValueError(f"Cannot set item {attr!r} in read only mode.")
        if isinstance(self.data, AnyDict):
            self.data[_text(attr)] = val
        elif attr in self.data:
            raise KeyError(f'Cannot set attribute. Group with name "{attr}" exists.')
        elif isinstance(val, (AnyNumpy, AnyScalar)):
            self.data.create_dataset(attr, data=val)
        elif isinstance(val, AnyList):
            self._set_list(attr, val)
        else:
            self.data.attrs[attr] = val

    def _set_list(self, attr: str, val: list[Any]) -> None:
        """As few parts as an object's header has room for."""
        if any(isinstance(item, (str, bytes)) for item in val):
            val = [item.encode() if isinstance(item, str) else item for item in val]
            long = [item[:80] for item in val if len(item) > HDF5_OBJECT_HEADER_LIMIT]
            if long:
                raise RuntimeError(
                    f"These entries of {attr!r} are larger than the {HDF5_OBJECT_HEADER_LIMIT} bytes that an "
                    f"attribute of an HDF5 file can have: {long}"
                )
        whole = np.asarray(val)
        rows = max(1, HDF5_OBJECT_HEADER_LIMIT // max(1, whole.itemsize * whole[:1].size))
        if len(whole) <= rows:
            self.data.attrs[attr] = whole
            return
        for number, part in enumerate(np.array_split(whole, -(-len(whole) // rows))):
            self.data.attrs[f"{attr}{number}"] = part

    def __getitem__(self, attr: str) -> Any:
        """The value; a new group if there is none of this name."""
        try:
            return self._found(attr)
        except KeyError:
            if self.read_only:
                raise ValueError(f"Cannot create group {attr!r} in read only mode.") from None
        if isinstance(self.data, AnyDict):
            return H5Dict(self.data.setdefault(_text(attr), {}))
        return H5Dict(self.data.create_group(attr))

    def _found(self, attr: str) -> Any:
        mode = "r" if self.read_only else "a"
        if isinstance(self.data, AnyDict):
            value = self.data[_text(attr)]
            return H5Dict(value, mode) if isinstance(value, AnyDict) and _GROUP in value else value
        if attr in self.data.attrs:
            value = self.data.attrs[attr]
            return value.tolist() if isinstance(value, AnyNumpy) and value.dtype.kind == "S" else value
        if attr not in self.data and f"{attr}0" in self.data.attrs:
            return self._joined(attr)
        value = self.data[attr]
        return np.asarray(value) if isinstance(value, h5py.Dataset) else H5Dict(value, mode)

    def _joined(self, attr: str) -> list[Any]:
        """The list that was written in parts."""
        numbered = (f"{attr}{number}" for number in itertools.count())
        parts = itertools.takewhile(lambda name: name in self.data.attrs, numbered)
        items = [item for name in parts for item in self.data.attrs[name].tolist()]
        return [item.decode() if isinstance(item, bytes) else item for item in items]

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[str]:
        return (name for name in self.data if name != _GROUP)

    def iter(self) -> Iterator[str]:
        """The names of groups and data sets."""
        return iter(self)

    def __contains__(self, key: Any) -> bool:
        if isinstance(self.data, AnyDict):
            return _text(key) in self.data
        return key in self.data or key in self.data.attrs

    def __getattr__(self, attr: str) -> Any:
        if attr == "data":  # not there while a copy is made
            raise AttributeError(attr)
        return getattr(self.data, attr)

    def get(self, key: Any, default: Any = None) -> Any:
        """The value, or `default` if there is none; no group is made."""
        return self[key] if key in self else default

    def update(self, *args: Any) -> None:
        """Set the items of a dict, or of pairs."""
        items: dict[Any, Any] = dict(*args)
        for name, value in items.items():
            self[name] = value

    def close(self) -> None:
        """Write what is buffered; close the file if it was opened here."""
        if isinstance(self.data, h5py.Group):
            if not self.read_only:
                self.data.file.flush()
            if self._is_file:
                self.data.file.close()


h5dict = H5Dict


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name
