"""Arrays that lie in a file, or on the host, on their way to the device."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import io
import math
import os
import threading
from collections.abc import Callable
from typing import Any, BinaryIO

import jax
import numpy as np

_turn = threading.Lock()  # whose it is to move in a file that has one place only
_ALIGNMENT = 64  # bytes: at such an address XLA's CPU takes an array over as it is


class Stored:
    """An array in a file: shape and type are known, the numbers are read when somebody asks for them.

    Args:
        shape: of the array.
        dtype: of its numbers.
        read: fills an array of this shape and type.

    Example:
        >>> def read(room):
        ...     room[:] = 7
        >>> value = Stored((2,), np.dtype("int32"), read)
        >>> value.shape, np.asarray(value).tolist()
        ((2,), [7, 7])
    """

    __slots__ = ("_read", "dtype", "shape")

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any], read: Callable[[np.ndarray], None]):
        self.shape, self.dtype, self._read = tuple(shape), dtype, read

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("an array in a file is read into a new one")
        room = _room(self.shape, self.dtype)
        self._read(room)
        return room if dtype is None else room.astype(dtype, copy=False)


def on_device(value: Any, dtype: Any) -> jax.Array:
    """An array on the device, of its own; one that is read from a file is not copied on the way.

    Args:
        value: `Stored`, or anything that numpy takes.
        dtype: of the result.

    Example:
        >>> on_device([1, 2], "float32").tolist()
        [1.0, 2.0]
    """
    # A copy unless nobody else holds it: the device's array may be the host's.
    return jax.device_put(np.asarray(value, dtype) if isinstance(value, Stored) else np.array(value, dtype))


def read_at(file: BinaryIO, start: int, room: memoryview) -> int:
    """The number of bytes that were read into a room: fewer than it has place for only where the file ends.

    Several threads may read one file.

    Args:
        file: open, with nothing left to be written.
        start: where its bytes begin.
        room: where they go.

    Example:
        >>> room = bytearray(5)
        >>> read_at(io.BytesIO(b"abc"), 1, memoryview(room)), bytes(room)
        (2, b'bc\\x00\\x00\\x00')
    """
    try:
        handle = file.fileno() if hasattr(os, "preadv") else None
    except io.UnsupportedOperation:  # in memory
        handle = None
    done: int = 0
    while done < len(room):
        count: int
        if handle is not None:
            count = os.preadv(handle, [room[done:]], start + done)
        else:
            with _turn:
                file.seek(start + done)
                count = int(file.readinto(room[done:]))  # type: ignore[attr-defined]
        if not count:
            break
        done += count
    return done


def _room(shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
    """An array that has no numbers yet, at an address that the device can use."""
    size = math.prod(shape) * dtype.itemsize
    space = np.empty(size + _ALIGNMENT, np.uint8)
    start = -space.ctypes.data % _ALIGNMENT
    return space[start : start + size].view(dtype).reshape(shape)
