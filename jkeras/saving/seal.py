"""The seal of a file: a digest of its bytes, by which a reader knows that they are those that were written.

It is the word `blocks` and the SHA-256, in hexadecimal digits, of a head that is given, of the digests of all
blocks of 2^20 bytes, and of the number of all these bytes (8 bytes, the highest first). The digest of a block
is the SHA-256 of sums: its bytes, and zeros behind them, are little-endian words of 64 bits, which stand in
rows of 512, and again in rows of 509; each column of both tables is added up modulo 2^64.

For certain such sums are others when any one or two words of a block are, or any within 4,000 bytes in a row;
of whatever else may happen to a disk or on a network they pass one in 2^64. They are worked out as fast as
memory is read. Files of older versions say `sha256`: they have the SHA-256 of the bytes themselves.

A seal tells damage, not who has written a file: whoever changes one on purpose can seal it again.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from typing import BinaryIO

import numpy as np

from jkeras.core.background import LARGE, BackgroundJob, each
from jkeras.core.stored import read_at

LENGTH = 71  # of a seal
_KINDS = ("blocks", "sha256")  # the first is the one that is written
_BLOCK, _COLUMNS = 1 << 20, (512, 509)
_PART = 8 * _BLOCK  # what one thread does at a time


def seal(file: BinaryIO, start: int = 0, head: bytes = b"") -> str:
    """The seal of bytes that were just written; those of a large file go to the disk meanwhile.

    Args:
        file: open, with nothing left in a buffer.
        start: where the bytes begin that are sealed.
        head: what is sealed before them.

    Raises:
        OSError: the file cannot be read, or its disk does not take it.

    Example:
        >>> seal(io.BytesIO(b"numbers"))[:16]
        'blocks 91bcc12ab'
    """
    disk = BackgroundJob()
    if file.seek(0, 2) - start > LARGE:
        disk.start(_flush, file)
    try:
        return f"{_KINDS[0]} {_digest(file, _KINDS[0], start, None, head)}"
    finally:
        disk.wait()


def fits(word: str, file: BinaryIO, start: int = 0, end: int | None = None, head: bytes = b"") -> bool:
    """Whether bytes of a file are those that were sealed.

    Args:
        word: the seal.
        file: open.
        start, end: where the bytes begin and end; to the end of the file by default.
        head: what is sealed before them.

    Example:
        >>> fits("sha256 " + hashlib.sha256(b"abc").hexdigest(), io.BytesIO(b"abc"))
        True
    """
    kind = word.partition(" ")[0]
    return kind in _KINDS and word == f"{kind} {_digest(file, kind, start, end, head)}"


def _flush(file: BinaryIO) -> None:
    with contextlib.suppress(io.UnsupportedOperation):  # in memory
        os.fsync(file.fileno())


def _digest(file: BinaryIO, kind: str, start: int, end: int | None, head: bytes) -> str:
    """The digest in a seal; few of the bytes are in memory at a time."""
    end = file.seek(0, 2) if end is None else end
    sha = hashlib.sha256(head)
    if kind == "sha256":
        room = memoryview(bytearray(_BLOCK))
        for at in range(start, end, _BLOCK):
            sha.update(room[: read_at(file, at, room[: end - at])])
    else:
        for digests in _blocks(file, start, end):
            sha.update(digests)
        sha.update((end - start).to_bytes(8, "big"))
    return sha.hexdigest()


def _blocks(file: BinaryIO, start: int, end: int) -> list[bytes]:
    """The digests of all blocks of a part of a file, several in one."""

    def digests(first: int) -> bytes:
        words = np.zeros(max(-(-_BLOCK // 8 // columns) * columns for columns in _COLUMNS), "<u8")
        room, found = words.view(np.uint8).data, b""
        for at in range(first, min(first + _PART, end), _BLOCK):
            filled = read_at(file, at, room[: min(_BLOCK, end - at)])
            room[filled:_BLOCK] = bytes(_BLOCK - filled)
            found += _of_sums(words)
        return found

    return each(digests, range(start, end, _PART), end - start)


def _of_sums(words: np.ndarray) -> bytes:
    sha = hashlib.sha256()
    for columns in _COLUMNS:
        rows = -(-_BLOCK // 8 // columns)
        sha.update(np.add.reduce(words[: rows * columns].reshape(rows, columns), axis=0))
    return sha.digest()
