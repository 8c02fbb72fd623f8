"""Batches of samples on the host, and how they go on to the devices."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from jkeras.core.types import Batch
from jkeras.training.data.host_arrays import rows_of


class Samples(NamedTuple):
    """Samples on the host: lists of arrays with one row per sample; a weight may be None (all ones)."""

    x: list
    y: list
    weight: list

    @property
    def rows(self) -> int:
        """How many samples; a model that is fed nothing has steps of 1, as Keras counts them."""
        return next((a.shape[0] for a in (*self.x, *self.y, *self.weight) if a is not None), 1)


def owned(samples: Samples, dtypes: Batch) -> Samples:
    """A copy, in the dtypes in which the arrays travel; whoever made the batch may change it afterwards."""
    parts = []
    for column, names in zip(samples, dtypes, strict=True):
        copies = []
        for a, name in zip(column, names, strict=True):
            rows = None if a is None else rows_of(a, slice(None))
            copies.append(None if rows is None else np.array(rows, travel_dtype(rows.dtype, name)))
        parts.append(copies)
    return Samples(*parts)


def stack(batches: list[Samples], dtypes: Batch, rows: int) -> Batch:
    """Batches one under the other, in room for `rows` rows.

    Args:
        batches: one batch or more; all of the same shape.
        dtypes: what the arrays become on the device, as `Batch` of lists of names.
        rows: at least as many as the batches have; the others are 0.
    """
    parts = []
    for columns, names in zip(zip(*batches, strict=True), dtypes, strict=True):
        parts.append(
            [
                _stack(column, name, rows)
                for column, name in zip(zip(*columns, strict=True), names, strict=True)
            ]
        )
    return Batch(*parts)


def _stack(arrays, dtype: str, rows: int) -> np.ndarray | None:
    """A copy of arrays under one another, in the dtype in which they travel; only this process ever writes
    to it.

    jax may alias an aligned numpy buffer or copy it later, so data of the user, who may change them, never
    go to a device themselves.
    """
    if arrays[0] is None:
        return None
    room = aligned((rows, *arrays[0].shape[1:]), travel_dtype(arrays[0].dtype, dtype))
    at = 0
    for a in arrays:
        np.copyto(room[at : at + a.shape[0]], rows_of(a, slice(None)), casting="unsafe")
        at += a.shape[0]
    return room


def aligned(shape: tuple[int, ...], dtype) -> np.ndarray:
    """An array of zeros whose memory a CPU device can take over without a copy; what stays zero costs
    nothing."""
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    buffer = np.zeros(size + 64, np.uint8)
    offset = -buffer.ctypes.data % 64
    return buffer[offset : offset + size].view(dtype).reshape(shape)


def travel_dtype(dtype, declared: str):
    """The dtype that travels: what is smaller than declared (bytes, half precision) as it is; the device
    converts it.

    Example:
        >>> travel_dtype(np.dtype("uint8"), "float32").name, travel_dtype(np.dtype("float64"), "float32").name
        ('uint8', 'float32')
    """
    dtype, wanted = np.dtype(dtype), np.dtype(declared)
    return dtype if dtype.itemsize < wanted.itemsize else wanted
