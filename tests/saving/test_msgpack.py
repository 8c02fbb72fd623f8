"""The msgpack codec: what is written comes back, any change is noticed, other readers can read it."""

from __future__ import annotations

import random

import msgpack as plain_msgpack
import numpy as np
import pytest

from jkeras.saving import h5, msgpack
from jkeras.saving.contents import Contents
from tests import golden
from tests.golden.models import MODELS
from tests.saving.mutations import sealed_msgpack
from tests.saving.records import same, small


@pytest.mark.parametrize("name", MODELS)
def test_a_model_of_keras_survives(name):
    contents = h5.read_file(golden.path(f"models/{name}.h5"))
    same(msgpack.loads(msgpack.dumps(contents)), contents)


def test_everything_comes_back(tmp_path):
    msgpack.write_file(tmp_path / "a.msgpack", small())
    same(msgpack.read_file(tmp_path / "a.msgpack"), small())
    assert (tmp_path / "a.msgpack").read_bytes() == msgpack.dumps(small())


def test_any_msgpack_library_reads_it():
    content = plain_msgpack.unpackb(msgpack.dumps(small()))
    assert list(content) == msgpack._KEYS
    assert content["format"] == "jkeras" and content["version"] == 2
    name, arrays = content["weights"][1]
    assert name == "dense"
    assert arrays[0] == ["dense/kernel:0", "float32", [2, 3], np.arange(6, dtype="<f4").tobytes()]


def test_arrays_are_little_endian_and_in_c_order():
    turned = np.arange(6, dtype=">f4").reshape(2, 3).T
    contents = Contents(arrays={"a": turned})
    assert plain_msgpack.unpackb(msgpack.dumps(contents))["arrays"][0][3] == turned.astype("<f4").tobytes()
    back = msgpack.loads(msgpack.dumps(contents)).arrays["a"]
    assert back.tolist() == turned.tolist() and back.dtype == np.float32


def test_large_arrays_are_cut_into_pieces(monkeypatch):
    monkeypatch.setattr(msgpack, "_PIECE", 16)
    contents = Contents(arrays={"a": np.arange(10.0)})
    assert len(plain_msgpack.unpackb(msgpack.dumps(contents))["arrays"][0][3]) == 5
    same(msgpack.loads(msgpack.dumps(contents)), contents)


def test_a_truncated_file_is_an_error_wherever_it_ends():
    data = msgpack.dumps(small())
    for end in range(len(data)):
        with pytest.raises(ValueError, match="truncated|not a jkeras"):
            msgpack.loads(data[:end])


def test_every_flipped_bit_is_an_error():
    data, draw = msgpack.dumps(small()), random.Random(0)
    for place in range(len(data)):
        broken = bytearray(data)
        broken[place] ^= 1 << draw.randrange(8)
        with pytest.raises(ValueError):
            msgpack.loads(bytes(broken))


def test_a_file_of_version_1_is_read_and_checked():
    content = msgpack.to_map(small()) | {"version": 1}
    data = sealed_msgpack(content)
    same(msgpack.loads(data), small())
    broken = data[:-99] + bytes([data[-99] ^ 1]) + data[-98:]
    with pytest.raises(ValueError, match="damaged msgpack file: the digest"):
        msgpack.loads(broken)


def test_more_bytes_at_the_end_are_an_error():
    with pytest.raises(ValueError, match="truncated"):
        msgpack.loads(msgpack.dumps(small()) + b"\0")


def test_a_newer_layout_says_so():
    content = msgpack.to_map(small()) | {"version": 3}
    with pytest.raises(ValueError, match="layout version 3, this jkeras reads 2 and less"):
        msgpack.from_map(content)


@pytest.mark.parametrize(
    "change",
    [
        {"weights": None},
        {"weights": [["a"]]},
        {"notes": "{"},
        {"arrays": [["a", "float32", [3], b"123"]]},
        {"arrays": [["a", "object", [1], b"12345678"]]},
        {"arrays": [["a", "nonsense", [1], b"1234"]]},
        {"arrays": [["a", "float32", [-1, -1], b"1234"]]},
    ],
)
def test_malformed_content_is_an_error(change):
    with pytest.raises(ValueError, match="malformed jkeras file"):
        msgpack.from_map(msgpack.to_map(small()) | change)


def test_errors_name_the_file(tmp_path):
    (tmp_path / "a.msgpack").write_bytes(msgpack.dumps(small())[:-1])
    with pytest.raises(ValueError, match=r"a\.msgpack: truncated"):
        msgpack.read_file(tmp_path / "a.msgpack")
