"""Samples on the host: arrays of the user, whatever made them, read at once or by rows; batches of them."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from jkeras.core.types import AnyList, AnyNumpy, AnyTuple, Batch
from jkeras.training.types import HostArray, Numpy


class Samples(NamedTuple):
    """Samples on the host: lists of arrays with one row per sample; a weight may be None (all ones)."""

    x: list[HostArray]
    y: list[HostArray]
    weight: list[HostArray | None]

    @property
    def rows(self) -> int:
        """How many samples; a model that is fed nothing has steps of 1, as Keras counts them."""
        return next((a.shape[0] for a in (*self.x, *self.y, *self.weight) if a is not None), 1)


def on_host(a: Any, name: str) -> HostArray:
    """An array on the host; what can only be read by rows (HDF5, scipy.sparse) stays as it is."""
    if isinstance(a, AnyNumpy):
        array = np.asarray(a)  # without the mask of a masked array, which would hide values from checks
    elif hasattr(a, "detach"):  # torch
        a = a.detach().cpu()
        array = (a.float() if str(a.dtype) == "torch.bfloat16" else a).numpy()
    elif hasattr(a, "to_numpy"):  # pandas: by position, whatever the index
        array = a.to_numpy()
    elif hasattr(a, "dense_shape") or hasattr(a, "row_splits"):  # TensorFlow
        raise ValueError(
            f"The data for {name!r} are a {type(a).__name__}, but should be a dense array: make one with "
            "tf.sparse.to_dense(x) of a SparseTensor, with x.to_tensor() of a RaggedTensor."
        )
    elif hasattr(a, "tocsr"):  # scipy.sparse
        return _numeric(a.tocsr(), name)
    elif is_lazy(a):
        return _numeric(a, name)
    else:
        try:
            array = np.asarray(a)
        except ValueError as error:
            raise _ragged(name, a) from error
    if array.dtype == object:
        strange = [v for v in array.flat if not isinstance(v, (numbers.Number, np.bool_)) and not np.ndim(v)]
        if strange:
            raise ValueError(
                f"The data for {name!r} should hold numbers, but contain {strange[0]!r}: replace what is "
                "missing, and make numbers of texts and categories."
            )
        try:
            array = np.array(array.tolist(), dtype="float32")
        except (ValueError, TypeError) as error:
            raise _ragged(name, a) from error
    return _numeric(array, name)


def _numeric(array: HostArray, name: str) -> HostArray:
    if array.dtype.kind not in "biuf" and array.dtype.name != "bfloat16":
        number = " Number texts with `names, y = np.unique(y, return_inverse=True)`." * (
            array.dtype.kind in "US"
        )
        raise ValueError(
            f"The data for {name!r} should hold numbers, but its dtype is {array.dtype}.{number}"
        )
    return array


def _ragged(name: str, a: object) -> ValueError:
    if not isinstance(a, (AnyList, AnyTuple, AnyNumpy)) and not hasattr(a, "to_numpy"):
        return ValueError(
            f"The data for {name!r} are a {type(a).__name__}, which cannot be made into an array of numbers. "
            "What gives single samples by number must go through a loader that makes batches, as "
            "torch.utils.data.DataLoader(..., batch_size=32) does, or be a jkeras.utils.Sequence."
        )
    return ValueError(
        f"The data for {name!r} cannot be made into one array: its samples differ in length or hold objects. "
        "Make them equally long, for sequences with jkeras.preprocessing.sequence.pad_sequences(...)."
    )


def is_lazy(a: object) -> bool:
    """Whether an array can only be read by rows: HDF5 datasets, `HDF5Matrix`, scipy.sparse."""
    by_rows = hasattr(a, "shape") and hasattr(a, "__getitem__") and hasattr(a, "__len__")
    return hasattr(a, "tocsr") or (by_rows and not hasattr(a, "__array_priority__"))


class Rows:
    """Some rows of what can only be read by rows; a vector becomes a column.

    Args:
        base: HDF5 data set or the like.
        start, stop: which rows.
        check: called with all rows that are read, for what cannot be checked before.
    """

    def __init__(
        self, base: HostArray, start: int, stop: int, check: Callable[[Numpy], object] = lambda rows: None
    ):
        self.base, self.start, self.dtype, self.check = base, start, base.dtype, check
        self.shape: tuple[int, ...] = (stop - start, *(base.shape[1:] or (1,)))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | Numpy) -> Numpy:
        if isinstance(rows, slice):
            start, stop, _ = rows.indices(len(self))
            block = self.base[slice(start + self.start, stop + self.start)]
        else:
            block = self.base[rows + self.start]
        block = np.asarray(block).reshape(-1, *self.shape[1:])
        self.check(block)
        return block


def part(a: HostArray | None, start: int, stop: int) -> HostArray | None:
    """The rows from `start` up to `stop`, not yet read if they can only be read by rows."""
    if a is None:
        return None
    return Rows(a, start, stop) if is_lazy(a) and not hasattr(a, "tocsr") else a[start:stop]


def rows_of(a: HostArray, rows: slice | Numpy) -> Numpy:
    """Some rows (a slice or an array of indices) as a plain array."""
    if hasattr(a, "tocsr"):
        return a[rows].toarray()
    if isinstance(rows, slice) or not is_lazy(a):
        return np.asarray(a[rows])
    order = np.argsort(rows)  # HDF5 wants increasing indices
    sorted_rows = np.asarray(a[rows[order]])
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return sorted_rows[back]


def owned(samples: Samples, dtypes: Batch) -> Samples:
    """A copy, in the dtypes in which the arrays travel; whoever made the batch may change it afterwards."""
    parts: list[list[Any]] = []
    for column, names in zip(samples, dtypes, strict=True):
        copies: list[Numpy | None] = []
        for a, name in zip(column, names, strict=True):
            rows = None if a is None else rows_of(a, slice(None))
            copies.append(None if rows is None else np.array(rows, travel_dtype(rows.dtype, name)))
        parts.append(copies)
    return Samples(*parts)


def stack(batches: list[Samples], dtypes: Batch, rows: int, copy: bool = True) -> Batch:
    """Batches one under the other, in room for `rows` rows.

    Args:
        batches: one batch or more; all of the same shape.
        dtypes: what the arrays become on the device, as `Batch` of lists of names.
        rows: at least as many as the batches have; the others are 0.
        copy: False hands arrays on that are already as they are to be.
    """
    parts: list[list[Numpy | None]] = []
    for columns, names in zip(zip(*batches, strict=True), dtypes, strict=True):
        parts.append(
            [
                None if column[0] is None else _stack(column, name, rows, copy)
                for column, name in zip(zip(*columns, strict=True), names, strict=True)
            ]
        )
    return Batch(*parts)


def _stack(arrays: Sequence[HostArray], dtype: str, rows: int, copy: bool) -> Numpy:
    """A copy of arrays under one another, in the dtype in which they travel; only this process ever writes
    to it.

    jax may alias an aligned numpy buffer or copy it later, so data of the user, who may change them, go to a
    device themselves (`copy=False`) only where somebody waits until they are there.
    """
    only = arrays[0]
    if not copy and len(arrays) == 1 and isinstance(only, AnyNumpy) and len(only) == rows:
        if only.dtype == travel_dtype(only.dtype, dtype):
            return only
    room = aligned((rows, *arrays[0].shape[1:]), travel_dtype(arrays[0].dtype, dtype))
    at = 0
    for a in arrays:
        np.copyto(room[at : at + a.shape[0]], rows_of(a, slice(None)), casting="unsafe")
        at += a.shape[0]
    return room


def aligned(shape: tuple[int, ...], dtype: DTypeLike) -> Numpy:
    """An array of zeros whose memory a CPU device can take over without a copy; what stays zero costs
    nothing."""
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    buffer = np.zeros(size + 64, np.uint8)
    offset = -buffer.__array_interface__["data"][0] % 64
    return buffer[offset : offset + size].view(dtype).reshape(shape)


def travel_dtype(dtype: DTypeLike, declared: str) -> np.dtype[Any]:
    """The dtype that travels: what is smaller than declared (bytes, half precision) as it is; the device
    converts it.

    Example:
        >>> travel_dtype(np.dtype("uint8"), "float32").name, travel_dtype(np.dtype("float64"), "float32").name
        ('uint8', 'float32')
    """
    dtype, wanted = np.dtype(dtype), np.dtype(declared)
    return dtype if dtype.itemsize < wanted.itemsize else wanted
