"""TensorBoard's event files, written without TensorFlow.

A file is a sequence of TFRecords (length, masked CRC-32C of the length, data, masked CRC-32C of it); the
data are `Event` messages of protocol buffers, encoded here field by field. The formats are documented in
tensorflow/core/lib/io/record_writer.h, tensorflow/core/util/event.proto and framework/summary.proto.
"""

from __future__ import annotations

import os
import secrets
import socket
import struct
import time
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from jkeras.core import atomic, processes
from jkeras.core.types import Shape

GraphNode: TypeAlias = tuple[str, str, list[str], list[Shape]]  # name, kind, inputs, shapes of outputs

_LENGTH, _EIGHT, _FOUR, _VARINT = 2, 1, 5, 0


def varint(n: int) -> bytes:
    """A whole number from 0 in base 128, the lowest digit first.

    Example:
        >>> varint(300).hex()
        'ac02'
    """
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def field(number: int, value: bytes | str | int | float) -> bytes:
    """One field of a message: text, bytes or an inner message; a whole number; or a float as a double.

    Example:
        >>> field(1, "ab").hex(), field(2, 3).hex()
        ('0a026162', '1003')
    """
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return varint(number << 3 | _LENGTH) + varint(len(value)) + value
    if isinstance(value, float):
        return varint(number << 3 | _EIGHT) + struct.pack("<d", value)
    return varint(number << 3 | _VARINT) + varint(value & 0xFFFFFFFFFFFFFFFF)


def _crc_table() -> list[int]:
    table: list[int] = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
        table.append(n)
    return table


_TABLE = _crc_table()


def masked_crc32c(data: bytes) -> int:
    """The checksum of TFRecords: CRC-32 (Castagnoli), rotated and shifted.

    Example:
        >>> hex(masked_crc32c(b"123456789"))
        '0xc78ab0e5'
    """
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


class EventWriter:
    """Appends events to a new file in a log directory.

    Args:
        log_dir: the directory; made if missing.

    Example:
        >>> import tempfile
        >>> writer = EventWriter(tempfile.mkdtemp())
        >>> writer.add([scalar("loss", 0.5)], step=1)
        >>> writer.close()
        >>> writer.path.name.startswith("events.out.tfevents.")
        True
    """

    def __init__(self, log_dir: str | os.PathLike[str]):
        folder = Path(log_dir)
        if processes.is_first():
            atomic.make_folder(folder)
        # Two writers in one second and directory must not share a file.
        unique = f"{os.getpid()}.{secrets.token_hex(2)}"
        self.path = folder / f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}.{unique}"
        self._file = open(self.path if processes.is_first() else os.devnull, "ab")
        self._write(field(3, "brain.Event:2"))

    def add(self, values: Iterable[bytes], step: int) -> None:
        """Write summary values (made by `scalar`, `histogram`, `image`, `text`) for one step."""
        self._write(field(2, step), field(5, b"".join(field(1, value) for value in values)))

    def add_graph(self, graph: bytes) -> None:
        """Write a graph (made by `graph`)."""
        self._write(field(4, graph))

    def _write(self, *fields: bytes) -> None:
        data = field(1, time.time()) + b"".join(fields)
        length = struct.pack("<Q", len(data))
        for part in (length, data):
            self._file.write(part + struct.pack("<I", masked_crc32c(part)))

    def flush(self) -> None:
        """Bring everything to the disk that was added."""
        self._file.flush()

    def close(self) -> None:
        """Flush and close the file; more calls do nothing."""
        self._file.close()


def scalar(tag: str, value: float) -> bytes:
    """A number as a summary value."""
    return field(1, tag) + varint(2 << 3 | _FOUR) + struct.pack("<f", value)


def histogram(tag: str, values: Any, buckets: int = 30) -> bytes:
    """The distribution of an array as a summary value; NaN and infinite entries are left out."""
    x = np.asarray(values, np.float64).ravel()
    x = x[np.isfinite(x)]
    if not x.size:
        x = np.zeros(1)
    counts, edges = np.histogram(x, buckets)
    numbers = (float(x.min()), float(x.max()), float(x.size), float(x.sum()), float(np.dot(x, x)))
    message = b"".join(field(i, number) for i, number in enumerate(numbers, 1))
    message += field(6, edges[1:].astype("<f8").tobytes()) + field(7, counts.astype("<f8").tobytes())
    return field(1, tag) + field(5, message)


def image(tag: str, pixels: Any) -> bytes:
    """A grey picture as a summary value.

    Args:
        tag: its name.
        pixels: array `(height, width)`; stretched to the whole range, around mid-grey if some are negative.
    """
    x = np.nan_to_num(np.asarray(pixels, np.float64))
    low, high = x.min(), x.max()
    if low < 0:
        x = 127.5 + x * (127.5 / max(-low, high))
    else:
        x = x * (255 / high if high > 0 else 1)
    grey = np.clip(np.round(x), 0, 255).astype(np.uint8)
    height, width = grey.shape
    message = field(1, height) + field(2, width) + field(3, 1) + field(4, _png(grey))
    return field(1, tag) + field(4, message)


def _png(grey: npt.NDArray[np.uint8]) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width = grey.shape
    rows = np.concatenate(
        [np.zeros((height, 1), np.uint8), grey], axis=1
    )  # each row: filter 0, then its pixels
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows.tobytes())) + chunk(b"IEND", b"")


def text(tag: str, content: str) -> bytes:
    """Markdown text as a summary value."""
    metadata = field(1, field(1, "text"))
    tensor = (
        field(1, 7) + field(2, field(2, field(1, 1))) + field(8, content)
    )  # a string tensor of shape (1,)
    return field(1, tag) + field(8, tensor) + field(9, metadata)


def graph(nodes: Iterable[GraphNode]) -> bytes:
    """A graph.

    Args:
        nodes: `(name, kind, names of the inputs, shapes of the outputs)` of each node.
    """
    message = b""
    for name, kind, inputs, shapes in nodes:
        node = field(1, name) + field(2, kind) + b"".join(field(3, source) for source in inputs)
        listed = b"".join(field(7, _shape(shape)) for shape in shapes)
        node += field(5, field(1, "_output_shapes") + field(2, field(1, listed)))
        message += field(1, node)
    return message + field(4, field(1, 22))


def _shape(shape: Shape) -> bytes:
    """A TensorShapeProto; an unknown size is -1."""
    return b"".join(field(2, field(1, -1 if size is None else int(size))) for size in shape)
