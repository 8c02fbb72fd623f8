"""Seals: what they are, that every change breaks them, and that those of older files hold."""

from __future__ import annotations

import hashlib
import io
import json
import random

import numpy as np
import pytest

from jkeras.layers import Dense
from jkeras.models import Sequential, load_model
from jkeras.saving import seal

BLOCK = 1 << 20


def model() -> Sequential:
    return Sequential([Dense(3, input_shape=(2,), name="d")])


def test_a_seal_is_what_its_description_says():
    data = random.Random(0).randbytes(BLOCK + 1001)
    found = b""
    for start in (0, BLOCK):
        block = data[start : start + BLOCK].ljust(BLOCK, b"\0")
        words = [int.from_bytes(block[i : i + 8], "little") for i in range(0, BLOCK, 8)]
        sums = b"".join(
            (sum(words[column::columns]) % 2**64).to_bytes(8, "little")
            for columns in (512, 509)
            for column in range(columns)
        )
        found += hashlib.sha256(sums).digest()
    whole = hashlib.sha256(b"head" + found + len(data).to_bytes(8, "big")).hexdigest()
    assert seal.seal(io.BytesIO(b"xyz" + data), 3, b"head") == f"blocks {whole}"
    assert seal.fits(f"blocks {whole}", io.BytesIO(b"xyz" + data + b"tail"), 3, 3 + len(data), b"head")


def test_every_change_breaks_it():
    draw = random.Random(0)
    numbers = np.random.default_rng(0).normal(size=300_000).astype("float32")
    data = numbers.tobytes() + bytes(5000)
    word = seal.seal(io.BytesIO(data))

    def broken(changed: bytes) -> bool:
        return not seal.fits(word, io.BytesIO(changed))

    assert not broken(data)
    for _ in range(40):
        at, other = sorted(draw.sample(range(0, len(data) - 13_000, 4096), 2))
        bit = bytearray(data)
        bit[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        assert broken(bytes(bit))
        assert broken(data[:at] + draw.randbytes(4000) + data[at + 4000 :])
        page, there = data[at : at + 4096], data[other : other + 4096]
        assert broken(data[:at] + there + data[at + 4096 : other] + page + data[other + 4096 :])
        assert broken(data[:at] + there + data[at + 4096 :])
        assert broken(data[:at] + bytes(64) + data[at + 64 :])
    opposite = np.frombuffer(data, "<u8").copy()  # what one change adds, another takes away
    opposite[[0, 512]] += np.array([1, -1]).astype("<u8")
    opposite[[7, 7 + 509]] += np.array([1, -1]).astype("<u8")
    assert broken(opposite.tobytes())
    assert broken(data[:-1]) and broken(data + b"\0") and broken(data[4:] + data[:4])


@pytest.mark.parametrize("word", ["", "blocks ", "crc32 0", "sha256 " + "0" * 64, "blocks " + "0" * 64])
def test_a_word_that_is_no_seal_of_it(word):
    assert not seal.fits(word, io.BytesIO(b"abc"))


def test_large_files_are_read_by_several_threads(tmp_path):
    data = random.Random(0).randbytes(9 * BLOCK + 5)
    (tmp_path / "a").write_bytes(data)
    with open(tmp_path / "a", "r+b") as file:
        word = seal.seal(file)
        assert word == seal.seal(io.BytesIO(data)) and seal.fits(word, file)


def test_hdf5_of_older_versions_is_read_and_checked(tmp_path):
    model().save(path := tmp_path / "a.h5")
    data = path.read_bytes()
    old = b"jkeras sha256 " + hashlib.sha256(data[512:]).hexdigest().encode() + b"\n" + data[79:]
    path.write_bytes(old)
    load_model(path, compile=False)
    path.write_bytes(old[:-1] + bytes([old[-1] ^ 1]))
    with pytest.raises(ValueError, match="its digest does not match"):
        load_model(path, compile=False)
    load_model(path, compile=False, accept_changed=True)


def test_safetensors_of_older_versions_is_read_and_checked(tmp_path):
    before = model()
    before.save(path := tmp_path / "a.safetensors")
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    assert header["__metadata__"].pop("jkeras_seal").startswith("blocks ")
    header["__metadata__"]["jkeras_sha256"] = "0" * 64
    text = json.dumps(header, separators=(",", ":")).encode()
    blank = len(text).to_bytes(8, "little") + text + data[8 + size :]
    old = blank.replace(b"0" * 64, hashlib.sha256(blank).hexdigest().encode())
    path.write_bytes(old)
    np.testing.assert_array_equal(load_model(path, compile=False).get_weights()[0], before.get_weights()[0])
    path.write_bytes(old[:-1] + bytes([old[-1] ^ 1]))
    with pytest.raises(ValueError, match="its digest does not match"):
        load_model(path, compile=False)
