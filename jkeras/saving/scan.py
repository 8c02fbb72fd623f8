"""A msgpack file from front to back: values are decoded, the bytes of arrays stay where they are."""

from __future__ import annotations

import math
import struct
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np

from jkeras.core.stored import Stored, read_at
from jkeras.core.types import AnyList, AnyTuple
from jkeras.saving.contents import array_type, is_numpy
from jkeras.saving.limits import DEPTH

_NUMBERS = {
    0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q", 0xD0: ">b", 0xD1: ">h",
    0xD2: ">i", 0xD3: ">q",
}  # fmt: skip
_LENGTHS = {1: ">B", 2: ">H", 4: ">I"}
# first byte → kind, bytes of the length
_LONG = {
    0xC4: ("bytes", 1), 0xC5: ("bytes", 2), 0xC6: ("bytes", 4), 0xC7: ("extension", 1),
    0xC8: ("extension", 2), 0xC9: ("extension", 4), 0xD9: ("text", 1), 0xDA: ("text", 2),
    0xDB: ("text", 4), 0xDC: ("list", 2), 0xDD: ("list", 4), 0xDE: ("map", 2), 0xDF: ("map", 4),
}  # fmt: skip


class Piece:
    """Bytes in a file.

    Args:
        file: open.
        start, length: of the bytes in it.
        code: kind of the extension that they are, or None.
    """

    __slots__ = ("code", "file", "length", "start")

    def __init__(self, file: BinaryIO, start: int, length: int, code: int | None = None):
        self.file, self.start, self.length, self.code = file, start, length, code

    def __len__(self):
        return self.length

    def into(self, room: memoryview) -> None:
        """Fill `room`, which has their length.

        Raises:
            ValueError: the file has become shorter.
        """
        if read_at(self.file, self.start, room) != self.length:
            raise ValueError("the file has become shorter while it was read.")


def scan(file: BinaryIO, start: int = 0, end: int | None = None) -> Any:
    """The value that stands in a file; `Piece` in the place of bytes and extensions.

    Args:
        file: open.
        start, end: where it stands; to the end of the file by default.

    Raises:
        ValueError: it is not complete, nested too deeply, or not msgpack.

    Example:
        >>> import io
        >>> value = scan(io.BytesIO(bytes([0x81, 0xA1]) + b"a" + bytes([0xC4, 2]) + b"xy"))
        >>> len(value["a"])
        2
    """
    end = file.seek(0, 2) if end is None else end
    file.seek(start)
    value = _Scanner(file, end).value(0)
    if file.tell() != end:
        raise ValueError(f"{end - file.tell()} bytes stand behind its end.")
    return value


class _Scanner:
    def __init__(self, file: BinaryIO, end: int):
        self._file, self._end = file, end

    def value(self, depth: int) -> Any:
        if depth > DEPTH:
            raise ValueError(f"it is nested more than {DEPTH} deep.")
        first = self._take(1)[0]
        if first in _NUMBERS:
            return self._number(_NUMBERS[first])
        if first < 0x80 or first >= 0xE0:
            return first if first < 0x80 else first - 0x100
        if 0xC0 <= first < 0xC4 and first != 0xC1:
            return {0xC0: None, 0xC2: False, 0xC3: True}[first]
        kind, length = self._head(first)
        if kind == "extension":
            return self._piece(length, self._number(">b"))
        if kind == "bytes":
            return self._piece(length, None)
        if kind == "text":
            return self._take(length).decode()
        return self._several(kind, length, depth + 1)

    def _head(self, first: int) -> tuple[str, int]:
        """The kind of value that begins with this byte, and its length."""
        if first < 0xC0:
            kind = "map" if first < 0x90 else "list" if first < 0xA0 else "text"
            return kind, first & (0x1F if kind == "text" else 0x0F)
        if 0xD4 <= first <= 0xD8:
            return "extension", 1 << (first - 0xD4)
        if first not in _LONG:
            raise ValueError(f"no value begins with the byte {first:#x}.")
        kind, width = _LONG[first]
        return kind, self._number(_LENGTHS[width])

    def _several(self, kind: str, length: int, depth: int) -> Any:
        self._check(length)  # each takes a byte at least
        if kind == "list":
            return [self.value(depth) for _ in range(length)]
        found: dict[str | int, Any] = {}
        for _ in range(length):
            key = self.value(depth)
            if not isinstance(key, (str, int)) or key in found:
                raise ValueError(f"a map in it has the key {key!r} twice, or as no name.")
            found[key] = self.value(depth)
        return found

    def _piece(self, length: int, code: int | None) -> Piece:
        self._check(length)
        piece = Piece(self._file, self._file.tell(), length, code)
        self._file.seek(length, 1)
        return piece

    def _number(self, form: str) -> Any:
        return struct.unpack(form, self._take(struct.calcsize(form)))[0]

    def _take(self, length: int) -> bytes:
        self._check(length)
        return self._file.read(length)

    def _check(self, length: int) -> None:
        left = self._end - self._file.tell()
        if length > left:
            raise ValueError(f"it is not complete: {length} bytes should follow where {left} are left.")


def array(shape: Any, kind: str, pieces: list[Piece]) -> Stored:
    """The array whose little-endian numbers stand in pieces of a file.

    Raises:
        ValueError: it should have more or fewer bytes, or is no array of numbers.
    """
    dtype = array_type(kind)
    if not isinstance(shape, (AnyList, AnyTuple)) or any(type(n) is not int or n < 0 for n in shape):
        raise ValueError(f"an array has the shape {shape!r:.200}.")
    needed, there = math.prod(shape) * dtype.itemsize, sum(map(len, pieces))
    if needed != there:
        raise ValueError(f"an array of shape {shape} needs {needed} bytes; {there} are there.")

    def read(room: np.ndarray) -> None:
        flat = room.reshape(-1).view(np.uint8).data
        for piece, start in zip(pieces, _starts(pieces), strict=True):
            piece.into(flat[start : start + len(piece)])
        if sys.byteorder == "big" and is_numpy(dtype):
            room.byteswap(inplace=True)

    return Stored(tuple(shape), dtype, read)


def _starts(pieces: list[Piece]) -> Iterator[int]:
    start = 0
    for piece in pieces:
        yield start
        start += len(piece)
