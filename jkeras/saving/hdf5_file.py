"""New HDF5 files, whose writing may fail: HDF5 itself keeps damaged files open then, or ends the process."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, BinaryIO

import h5py


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
