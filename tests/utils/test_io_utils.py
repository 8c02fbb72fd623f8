"""HDF5 groups as dicts. (Tests of `HDF5Matrix` stand with those of the other sources of data.)"""

import sys

import h5py
import numpy as np
import pytest

from jkeras.utils import H5Dict, io_utils


def _fill(store):
    store["layer"]["sub"]["kernel"] = np.arange(6.0).reshape(2, 3)
    store["layer"]["step"] = np.float32(2.5)
    store["count"], store["text"], store["names"] = 3, "words", ["a", "bc"]
    return store


def _check(store):
    np.testing.assert_array_equal(store["layer"]["sub"]["kernel"], np.arange(6.0).reshape(2, 3))
    assert store["layer"]["step"] == np.float32(2.5)
    assert store["count"] == 3 and store["text"] == "words"
    assert [getattr(name, "decode", lambda name=name: name)() for name in store["names"]] == ["a", "bc"]
    assert "layer" in store and "names" in store and "other" not in store
    assert store.get("other", 7) == 7 and store.get("count") == 3 and "other" not in store


def test_a_dict():
    data = {}
    _check(_fill(H5Dict(data)))
    _check(H5Dict(data, "r"))
    assert set(H5Dict(data)) == {"layer", "count", "text", "names"} and len(H5Dict(data)) == 4
    store = H5Dict(data)
    store[b"bytes"] = {"plain": 1}
    store["nothing"] = None
    assert store["bytes"] == {"plain": 1} and store["nothing"] is None, (
        "values of the user stay what they are"
    )
    assert list(H5Dict(data, "w")) == []


def test_a_file(tmp_path):
    path = str(tmp_path / "a.h5")
    store = _fill(H5Dict(path))
    _check(store)
    store.close()
    store = H5Dict(path, "r")
    _check(store)
    assert (
        list(store) == ["layer"] == list(store.iter()) and len(store) == 1 and list(store.keys()) == ["layer"]
    )
    with pytest.raises(ValueError, match="Cannot create group 'other' in read only mode"):
        store["other"]
    with pytest.raises(ValueError, match="Cannot create group 'other' in read only mode"):
        store["layer"]["other"]
    with pytest.raises(ValueError, match="Cannot set item 'x' in read only mode"):
        store["x"] = 1
    store.close()
    assert not store.data
    with h5py.File(path) as file:
        assert file.attrs["names"].tolist() == [b"a", b"bc"], "as Keras writes them"
        group = H5Dict(file["layer"])
        group.close()
        assert file, "who opened it closes it"


def test_long_lists_have_parts(tmp_path):
    names = [f"{i:05d}" + "x" * 100 for i in range(2000)]
    with h5py.File(tmp_path / "a.h5", "w") as file:
        store = H5Dict(file)
        store["names"], store["numbers"] = names, list(range(20_000))
        assert store["names"] == names and store["numbers"] == list(range(20_000))
        parts = [value for name, value in file.attrs.items() if name.startswith("names")]
        assert len(parts) > 1 and all(part.nbytes <= io_utils.HDF5_OBJECT_HEADER_LIMIT for part in parts)
        with pytest.raises(RuntimeError, match="larger than the 64512 bytes"):
            store["long"] = ["x" * 70_000]
        store["empty"] = []
        assert len(store["empty"]) == 0


def test_what_stands_in_the_way(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        store = H5Dict(file)
        store.update({"x": np.zeros(2), "n": 1})
        assert store["n"] == 1 and store["x"].shape == (2,)
        with pytest.raises(KeyError, match='Group with name "x" exists'):
            store["x"] = np.ones(2)
    with pytest.raises(TypeError, match="Required Group, str or dict. Received: .*int"):
        H5Dict(3)


def test_the_question(monkeypatch, tmp_path):
    path = tmp_path / "a.h5"
    with pytest.raises(FileExistsError, match="overwrite=False"):
        monkeypatch.setattr(sys, "stdin", None)
        io_utils.ask_to_proceed_with_overwrite(path)
    answers = iter(["what", "N", "y"])
    monkeypatch.setattr(sys, "stdin", type("Terminal", (), {"isatty": lambda self: True})())
    monkeypatch.setattr("builtins.input", lambda question: next(answers))
    assert not io_utils.ask_to_proceed_with_overwrite(path)
    assert io_utils.ask_to_proceed_with_overwrite(path)
