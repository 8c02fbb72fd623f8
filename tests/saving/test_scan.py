"""msgpack files read from front to back, against msgpack itself."""

import io

import msgpack
import numpy as np
import pytest

from jkeras.saving.scan import Piece, array, scan

VALUES = [
    *(None, True, False, 0, 127, 128, 255, 65535, 2**32 - 1, 2**64 - 1, -1, -32, -33, -200, -40000, -(2**40)),
    *(1.5, "", "text", "x" * 40, "x" * 300, "x" * 70000, [], list(range(20)), list(range(70000)), {}),
    *({"a": {"b": [1]}}, {str(i): i for i in range(20)}, {str(i): i for i in range(70000)}, {1: 2}),
]


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_as_msgpack_reads_it(value):
    assert scan(io.BytesIO(msgpack.packb(value))) == value


@pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 8, 16, 300, 70000])
def test_bytes_and_extensions_stay_in_the_file(length):
    data = np.arange(length).astype(np.uint8).tobytes()
    for value, code in ((data, None), (msgpack.ExtType(5, data), 5)):
        piece = scan(io.BytesIO(msgpack.packb([value, 7])))[0]
        room = bytearray(length)
        piece.into(memoryview(room))
        assert isinstance(piece, Piece) and (piece.code, bytes(room)) == (code, data)


@pytest.mark.parametrize(
    "data, complaint",
    [
        (b"", "not complete"),
        (b"\xc1", "0xc1"),
        (b"\xdd\xff\xff\xff\xff", "not complete"),
        (b"\xdf\xff\xff\xff\xff", "not complete"),
        (b"\xc6\xff\xff\xff\xff", "not complete"),
        (b"\xdb\xff\xff\xff\xff", "not complete"),
        (b"\x91" * 1000, "deep"),
        (b"\x01\x01", "behind its end"),
        (b"\x82\xa1a\x01\xa1a\x02", "twice"),
        (b"\x81\x90\x01", "no name"),
        (b"\xa1\xff", "utf-8"),
    ],
    ids=range(11),
)
def test_malformed(data, complaint):
    with pytest.raises(ValueError, match=complaint):
        scan(io.BytesIO(data))


@pytest.mark.parametrize(
    "shape, kind, size",
    [
        ([2**62, 4], "float32", 8),
        ([-1], "uint8", 1),
        ([True], "uint8", 1),
        ([2], "object", 16),
        ([3], "i1", 2),
    ],
    ids=range(5),
)
def test_arrays_that_are_none(shape, kind, size):
    with pytest.raises(ValueError):
        array(shape, kind, [Piece(io.BytesIO(bytes(size)), 0, size)])
