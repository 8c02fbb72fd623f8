"""The HDF5 codec: Keras's layout, limits of HDF5, and damaged or hostile files."""

from __future__ import annotations

import io
import json
import random
import warnings
from typing import Any

import h5py
import numpy as np
import pytest

from jkeras.saving import access, h5
from jkeras.saving.contents import Contents, LayerContents
from tests import golden
from tests.golden.models import MODELS
from tests.saving.records import same, small, with_unique_names

FILES = [f"{name}{kind}" for name in MODELS for kind in (".h5", ".initial.h5", ".initial_weights.h5")]


def layout(path) -> dict:
    """Every data set and attribute of a file with type and value, without what only jkeras writes."""
    found = {}

    def visit(name, item):
        if name.split("/")[0] == "jkeras":
            return
        if isinstance(item, h5py.Dataset):
            found[name] = (item.dtype, item.shape, item[()].tobytes())
        for key in item.attrs:
            kind = h5py.h5a.open(item.id, key.encode()).get_type()
            value = np.asarray(item.attrs[key]).tolist()
            value = json.loads(value) if key.endswith("_config") else value
            found[f"{name}@{key}"] = (kind.get_class(), kind.get_size(), value)

    with h5py.File(path, "r") as file:
        visit("", file)
        file.visititems(visit)
    return found


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_keras_is_written_again_as_keras_wrote_it(name, tmp_path):
    source = golden.path(f"models/{name}")
    h5.write_file(tmp_path / "again.h5", h5.read_file(source))
    assert layout(tmp_path / "again.h5") == layout(source)


def test_everything_comes_back(tmp_path):
    h5.write_file(tmp_path / "a.h5", small())
    same(h5.read_file(tmp_path / "a.h5"), with_unique_names(small()))


def test_long_lists_of_names_are_split_as_keras_does(tmp_path):
    layers = [LayerContents(f"{i:05d}_{'x' * 60}", []) for i in range(1200)]
    layers[0] = LayerContents(layers[0].name, [(f"{'w' * 90}{i:04d}:0", np.array(i)) for i in range(800)])
    h5.write_file(tmp_path / "a.h5", Contents(layers=layers))
    with h5py.File(tmp_path / "a.h5") as file:
        assert "layer_names" not in file.attrs
        parts = sorted(key for key in file.attrs if key.startswith("layer_names"))
        assert parts == ["layer_names0", "layer_names1"]
        assert {"weight_names0", "weight_names1"} <= set(file[layers[0].name].attrs)
    same(h5.read_file(tmp_path / "a.h5"), Contents(layers=layers))


def test_a_name_that_hdf5_cannot_hold_is_refused(tmp_path):
    with pytest.raises(ValueError, match="cannot hold a name longer than 64512"):
        h5.write_file(tmp_path / "a.h5", Contents(layers=[LayerContents("x" * 70000, [])]))


def test_types_that_hdf5_lacks_are_float32_for_keras(tmp_path):
    half = small().section("x")["half"]
    h5.write_file(tmp_path / "a.h5", Contents(layers=[LayerContents("d", [("d/w:0", half)])]))
    value = h5.read_file(tmp_path / "a.h5").layers[0].values[0]
    assert value.dtype == np.float32 and value.tolist() == [0, 1, 2]


@pytest.fixture
def whole(tmp_path):
    h5.write_file(tmp_path / "whole.h5", small())
    return (tmp_path / "whole.h5").read_bytes()


def read_bytes(tmp_path, data: bytes):
    path = tmp_path / "broken.h5"
    path.write_bytes(data)
    return h5.read_file(path)


def test_a_truncated_file_is_an_error_wherever_it_ends(whole, tmp_path):
    for end in range(0, len(whole), 131):
        with pytest.raises(ValueError, match="broken.h5"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read_bytes(tmp_path, whole[:end])


def test_a_flipped_bit_is_an_error_before_hdf5_sees_it(whole, tmp_path, monkeypatch):
    monkeypatch.delattr(h5py, "File")
    draw = random.Random(0)
    for _ in range(150):
        broken = bytearray(whole)
        broken[draw.randrange(h5.USER_BLOCK, len(whole))] ^= 1 << draw.randrange(8)
        with pytest.raises(ValueError, match=r"broken\.h5: it was changed after jkeras wrote it"):
            read_bytes(tmp_path, bytes(broken))
    for place in range(len(b"jkeras sha256 ") + 64):
        broken = bytearray(whole)
        broken[place] ^= 1
        with pytest.raises(ValueError, match="accept_changed=True"):
            h5.read_file(io.BytesIO(bytes(broken)))


def test_a_file_edited_by_another_tool_loads_where_the_change_is_accepted(tmp_path):
    h5.write_file(tmp_path / "a.h5", small())
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        file["model_weights/dense/dense/bias:0"][...] = 4
    with pytest.raises(ValueError, match="load it with accept_changed=True"):
        h5.read_file(tmp_path / "a.h5")
    contents = h5.read_file(tmp_path / "a.h5", accept_changed=True)
    assert contents.layers[1].values[1].tolist() == [4, 4, 4]
    h5.write_file(tmp_path / "a.h5", contents)
    h5.read_file(tmp_path / "a.h5")


def test_links_to_other_files_are_not_followed(tmp_path):
    h5.write_file(tmp_path / "secret.h5", small())
    with h5py.File(tmp_path / "a.h5", "w") as file:
        h5.write_group(file, Contents(layers=[LayerContents("dense", [])]))
        del file["dense"]
        file["dense"] = h5py.ExternalLink("secret.h5", "/model_weights/dense")
    with pytest.raises(ValueError, match="link to another file"):
        h5.read_file(tmp_path / "a.h5")


def test_data_in_other_files_is_not_read(tmp_path):
    (tmp_path / "raw").write_bytes(bytes(8))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        h5.write_group(file, Contents(layers=[LayerContents("dense", [])]))
        file["dense"].attrs["weight_names"] = np.array([b"w"])
        file["dense"].create_dataset("w", (2,), np.float32, external=[(str(tmp_path / "raw"), 0, 8)])
    with pytest.raises(ValueError, match="keeps its data in another file"):
        h5.read_file(tmp_path / "a.h5")


def test_weights_that_are_no_numbers_are_refused(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        h5.write_group(file, Contents(layers=[LayerContents("dense", [])]))
        file["dense"].attrs["weight_names"] = np.array([b"w"])
        file["dense"]["w"] = "text"
    with pytest.raises(ValueError, match="should hold numbers"):
        h5.read_file(tmp_path / "a.h5")


def test_an_hdf5_file_that_is_no_model(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["images"] = np.zeros(3)
    with pytest.raises(ValueError, match=r"a\.h5: no Keras model or weights.*\['images'\]"):
        h5.read_file(tmp_path / "a.h5")


def test_plain_numbers_are_read_without_hdf5_and_others_by_it(tmp_path, monkeypatch):
    values = np.arange(-6, 6, dtype=np.float32).reshape(3, 4)
    by_hdf5 = {
        "big": lambda group: group.create_dataset("big", data=values.astype(">f4")),
        "pieces": lambda group: group.create_dataset("pieces", data=values, chunks=(2, 2)),
        "compressed": lambda group: group.create_dataset("compressed", data=values, compression="gzip"),
        "truths": lambda group: group.create_dataset("truths", data=values > 0),
        "compact": _compact,
        "short": _of_24_bits,
    }
    plain = {"plain": values, "whole": values.astype(np.int16), "empty": values[:0], "one": np.float32(3)}
    expected: dict = dict(plain)
    with h5py.File(tmp_path / "w.h5", "w", userblock_size=512) as file:
        group: Any = file.create_group("all")
        for make in by_hdf5.values():
            make(group)
        for name, value in plain.items():
            group[name] = value
        expected |= {name: group[name][()] for name in by_hdf5}
        h5.write_names(file, "layer_names", ["all"])
        h5.write_names(group, "weight_names", list(expected))
    asked = []
    read = access._read
    monkeypatch.setattr(access, "_read", lambda data, room: (asked.append(data.name), read(data, room)))
    found = dict(h5.read_file(tmp_path / "w.h5").layers[0].weights)
    for name, value in expected.items():
        assert found[name].tolist() == np.asarray(value).tolist(), name
    assert {name.removeprefix("/all/") for name in asked} == {*by_hdf5, "empty"}


def _compact(group):
    kind = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    kind.set_layout(h5py.h5d.COMPACT)
    space = h5py.h5s.create_simple((2,))
    made = h5py.h5d.create(group.id, b"compact", h5py.h5t.NATIVE_FLOAT, space, kind)
    made.write(h5py.h5s.ALL, h5py.h5s.ALL, np.array([1, 2], np.float32))


def _of_24_bits(group):
    kind = h5py.h5t.STD_I32LE.copy()
    kind.set_precision(24)
    made = h5py.h5d.create(group.id, b"short", kind, h5py.h5s.create_simple((2,)))
    made.write(h5py.h5s.ALL, h5py.h5s.ALL, np.array([-1, 70000], np.int32))
