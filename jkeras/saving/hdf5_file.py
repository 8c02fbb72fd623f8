"""Files as HDF5 writes and reads them.

Writing may fail: HDF5 itself keeps damaged files open then, or ends the process. What is read may be made by
anybody: HDF5 itself never returns from some files.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
from __future__ import annotations

import contextlib
import io
import struct
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, BinaryIO

import h5py

from jkeras.core.stored import read_at


@contextlib.contextmanager
def created(place: str | Path | BinaryIO, user_block: int = 0) -> Generator[h5py.File]:
    """A new, open HDF5 file; what the disk does not take is told when it is closed.

    Args:
        place: where it is made, or an open file without a buffer.
        user_block: bytes at its beginning that are not HDF5's.

    Raises:
        OSError: the disk is full or does not work, or the file may not be that large.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.h5"
        >>> with created(path) as file:
        ...     file["x"] = 3
        >>> with h5py.File(path, "r") as file:
        ...     int(file["x"][()])
        3
    """
    opened = (
        open(place, "w+b", buffering=0) if isinstance(place, (str, Path)) else contextlib.nullcontext(place)
    )
    with opened as raw:
        disk = _Disk(raw)
        try:
            with h5py.File(disk, "w", userblock_size=user_block or None) as file:
                yield file
        except Exception:
            if disk.error is None:
                raise
        if disk.error is not None:  # what came after it in HDF5 is of no interest
            raise disk.error


class _Disk:
    """A file as h5py writes to one, which keeps the first error for itself and does nothing after it."""

    def __init__(self, raw: BinaryIO):
        self._raw, self.error = raw, None

    def _done(self, do: Callable[..., Any], *args: Any, otherwise: Any = 0) -> Any:
        if self.error is None:
            try:
                return do(*args)
            except OSError as error:
                self.error = error
        return otherwise

    def seek(self, *args: int) -> int:
        return self._done(self._raw.seek, *args)

    def tell(self) -> int:
        return self._done(self._raw.tell)

    def truncate(self, size: int) -> int:
        return self._done(self._raw.truncate, size)

    def flush(self) -> None:
        """Nothing: there is no buffer."""

    def read(self, size: int) -> bytes:
        return self._done(self._raw.read, size, otherwise=bytes(size))

    def readinto(self, room: memoryview) -> int:
        return self._done(self._raw.readinto, room, otherwise=len(room))  # type: ignore[attr-defined]

    def write(self, data: memoryview) -> int:
        self._done(self._write, data)
        return len(data)

    def _write(self, data: memoryview) -> None:
        left = memoryview(data)
        while len(left):
            left = left[self._raw.write(left) :]


class Reading(io.RawIOBase):
    """A part of an open file as h5py reads one.

    HDF5 1.14 reads a global heap (where texts of any length are) that holds a free piece of no bytes for
    ever: such a heap is shown to it as zeros, which it refuses.

    Args:
        file: open.
        start: where the part begins.
        size: its length; to the end of the file by default.
    """

    def __init__(self, file: BinaryIO, start: int = 0, size: int | None = None):
        self._file, self._start, self._at, self._steps = file, start, 0, 0
        self.size = file.seek(0, 2) - start if size is None else size

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self.size)[whence]
        return self._at

    def readinto(self, room: Any) -> int:
        whole = memoryview(room).cast("B")
        whole = whole[: max(0, self.size - self._at)]
        count = read_at(self._file, self._start + self._at, whole)
        # Numbers come in large pieces, all else in small ones; a heap may begin in the piece before.
        first = max(0, self._at - len(_HEAP) + 1)
        seen = self._bytes(first, self._at - first) + bytes(whole[: min(count, _LARGEST)])
        at = seen.find(_HEAP)
        while at >= 0:
            if self._never_ends(first + at):
                whole[:] = bytes(len(whole))
            at = seen.find(_HEAP, at + 1)
        self._at += count
        return count

    def into(self, start: int, room: memoryview) -> int:
        """Fill a room with the bytes from a place on, of which nothing is shown otherwise than it is.

        Returns:
            How many there were.
        """
        return read_at(self._file, self._start + start, room[: max(0, self.size - start)])

    def _bytes(self, start: int, size: int) -> bytes:
        room = bytearray(size)
        return bytes(room[: read_at(self._file, self._start + start, memoryview(room))])

    def _never_ends(self, at: int) -> bool:
        """Whether HDF5 would go through the heap at this place for ever."""
        [length] = struct.unpack("<Q", self._bytes(at + 8, 8).ljust(8, b"\0"))
        end, at = min(at + length, self.size), at + 16
        while end - at >= 16 and self._steps < _STEPS:
            self._steps += 1
            number, size = struct.unpack("<H6xQ", self._bytes(at, 16).ljust(16, b"\0"))
            if number == 0 and size < 16:
                return True
            at += size if number == 0 else 16 + -(-size // 8) * 8
        return self._steps >= _STEPS


_HEAP, _LARGEST = b"GCOL\x01", 1 << 20
_STEPS = 1_000_000  # pieces in all the heaps of one file
