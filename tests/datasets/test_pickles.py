"""Pickles are read as data: what they may hold is there, and nothing else is even looked up."""

import io
import os
import pickle
import pickletools
import zipfile

import numpy as np
import pytest

from jkeras.datasets.pickles import read_npz, read_pickle
from tests.datasets import small

VALUES = {
    b"bytes": b"\x00\xff",
    b"empty": b"",
    "text": "caf\u00e9",
    b"numbers": [1, -2, 2**70, 0.5, True, None],
    b"tuple": (1, [2, (3,)]),
    b"dict": {b"a": [], 1: {}},
}
ARRAYS = [
    np.arange(6, dtype="uint8").reshape(2, 3),
    np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    np.arange(3, dtype=">i4"),
    np.array(2.5, "float16"),
    np.zeros((0, 4), "int64"),
    np.array([True, False]),
    np.array(["ab", "c"]),
    small.objects([[1, 2], [3]]),
    small.objects([[1, 2], [3, 4]]),
    small.objects([[1], [2], [3], [4]]).reshape(2, 2),
    small.objects([np.arange(2), b"x"]),
]


def read(content):
    return read_pickle(io.BytesIO(content), "some/file")


def same(got, expected):
    if isinstance(expected, np.ndarray):
        assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
        for mine, theirs in zip(got.reshape(-1), expected.reshape(-1), strict=True):
            same(mine, theirs)
    else:
        assert type(got) is type(expected) and got == expected


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_data_are_read(protocol):
    assert read(pickle.dumps(VALUES, protocol)) == VALUES
    for array in ARRAYS:
        got = read(pickle.dumps({b"data": array}, protocol))[b"data"]
        same(got, array)
        assert got.flags.writeable
    same(read(pickle.dumps([np.int64(3), np.float32(0.5)], protocol)), [np.int64(3), np.float32(0.5)])


def test_python_2():
    """As Python 2.7 with numpy 1.11 writes {'data': np.array([[1, 2]], 'uint8'), 'labels': [3]}."""
    content = (
        b"\x80\x02}q\x01(U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00"
        b"\x85U\x01b\x87Rq\x05(K\x01K\x01K\x02\x86cnumpy\ndtype\nq\x06U\x02u1K\x00K\x01\x87Rq\x07(K\x03U\x01|"
        b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x02\x01\x02tbU\x06labelsq\x08]q\tK\x03au."
    )
    pickletools.dis(content, io.StringIO())
    got = read(content)
    same(got[b"data"], np.array([[1, 2]], "uint8"))
    assert got[b"labels"] == [3]


class Runs:
    """What a pickle can do: call a function of a module."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    "value, found",
    [
        (Runs(os.system, "touch /tmp/ran"), f"{os.system.__module__}.system"),
        (Runs(eval, "1 + 1"), r"builtin\w*\.eval"),
        (Runs(getattr, "a", "upper"), r"builtin\w*\.getattr"),
        (Runs(np.fromfile, "/etc/hostname"), "numpy.*fromfile"),
        (Runs(np.load, "/etc/hostname"), "numpy.*load"),
        ([{b"deep": (1, Runs(print, "x"))}], r"builtin\w*\.print"),
        ({1, 2}, "set"),
        (3j, "complex"),
        (np.zeros(2, [("a", "i4")]), "array of"),
        (np.zeros(2, "complex64"), "array of complex64"),
        (np.zeros(2, "M8[s]"), "array of datetime64"),
        (np.ma.zeros(2), "numpy.ma"),
        (np.dtype("int64"), "_Dtype|dtype"),
        (ValueError("x"), r"\w+\.ValueError"),
    ],
)
@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_everything_else_is_refused(value, found, protocol):
    with pytest.raises(ValueError, match=f"some/file was not read: .*{found}") as caught:
        read(pickle.dumps(value, protocol))
    assert "Delete it" in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        b"cbuiltins\nbytes\n(I5\ntR.",  # bytes(5)
        b"c_codecs\nencode\n(Vabc\nVrot13\ntR.",
        b"c_codecs\nencode\n(N}(V__new__\ncnumpy\nndarray\nutb.",  # a state for the class
        b"c_codecs\nencode\n(N}Va\nI1\nstb.",
        b"cnumpy\nndarray\n.",
        b"cnumpy\nndarray\n)R.",  # an array without a content
        b"cnumpy\nndarray\n)R(I1\n(I2\ntcnumpy\ndtype\n(VO8\nI0\nI1\ntRI00\nVabcdefgh\ntb.",  # addresses
        b"cnumpy\nndarray\n)R(I1\n(I9999\ntcnumpy\ndtype\n(Vu1\nI0\nI1\ntRI00\nVabc\ntb.",  # too short
        b"cnumpy\nndarray.tofile\n.",
        b"\x8c\x05numpy\x8c\x0endarray.tofile\x93.",
        b"Pouter\n.",  # a reference outside
        b"(lp0\ng0\na.",  # a list within itself
        b"]" * 2000,
        b"",
        b"garbage",
        pickle.dumps(VALUES)[:-5],
    ],
)
def test_pickles_by_hand(content):
    with pytest.raises(ValueError, match="some/file was not read: "):
        read(content)
    assert read(pickle.dumps(VALUES, 2)) == VALUES, "nothing has changed"


def test_npz(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, texts=ARRAYS[-4], numbers=np.arange(3), other=np.array({1}))
    texts, numbers = read_npz(path, "texts", "numbers")
    same(texts, ARRAYS[-4])
    same(numbers, np.arange(3))
    with pytest.raises(
        ValueError, match=r"a.npz was not read: it has no array 'x', only \['texts', 'numbers'"
    ):
        read_npz(path, "x")
    with pytest.raises(ValueError, match="a.npz was not read: it holds .*set"):
        read_npz(path, "other")
    np.savez(path, x=small.objects([Runs(os.system, "touch /tmp/ran")]))
    with pytest.raises(ValueError, match=r"a.npz was not read: it holds \w+.system, and not only numbers"):
        read_npz(path, "x")


def test_what_is_there_many_times_is_read_once():
    """Without a memory of what it has seen, a reader of these 100 lists would make 2**100."""
    value = [1.5]
    for _ in range(100):
        value = [value, value]
    outer = read(pickle.dumps(value))
    for _ in range(100):
        assert len(outer) == 2 and outer[0] is outer[1]
        outer = outer[0]
    assert outer == [1.5]


def test_npz_that_become_too_large(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, x=np.zeros(30_000))
    assert read_npz(path, "x")[0].shape == (30_000,)
    monkeypatch.setattr("jkeras.utils.archives._ALWAYS", 10_000)
    with pytest.raises(ValueError, match=r"a.npz was not read: it would become more than [0-9,]+ bytes"):
        read_npz(path, "x")


@pytest.mark.parametrize("shape", [(10**12,), (2,), (-1,)])
def test_an_array_of_another_size_than_its_head_says(tmp_path, shape):
    path, file = tmp_path / "a.npz", io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": shape})
    file.write(bytes(24))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", file.getvalue())
    with pytest.raises(ValueError, match="in it has 24 bytes instead of"):
        read_npz(path, "x")


def test_npz_that_are_damaged(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, x=np.arange(1000))
    content = path.read_bytes()
    for broken in (content[:-30], content[:500], b"", b"text", content[:2000] + b"?" + content[2001:]):
        path.write_bytes(broken)
        with pytest.raises(ValueError, match="a.npz was not read: .*Delete it"):
            read_npz(path, "x")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", b"no array")
    with pytest.raises(ValueError, match="a.npz was not read: "):
        read_npz(path, "x")
    with pytest.raises(FileNotFoundError):
        read_npz(tmp_path / "missing.npz", "x")


def test_an_array_that_is_another_one_than_its_head_says(tmp_path):
    path = tmp_path / "a.npz"
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "|O", "fortran_order": False, "shape": (3,)})
    file.write(pickle.dumps([1, 2, 3]))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", file.getvalue())
    with pytest.raises(ValueError, match=r"it holds list where an array of the shape \(3,\) should be"):
        read_npz(path, "x")
