"""How a model was compiled, and what its layers are told, in the words of later Kerases; files cut short."""

from __future__ import annotations

import io
import json
import zipfile

import h5py
import msgpack
import numpy as np
import pytest
import yaml

from jkeras import layers as L
from jkeras.layers import Dense
from jkeras.models import Model, Sequential, load_model
from jkeras.saving import access, config, foreign, hdf5_file, keras3, keras3_training, later_optimizer
from jkeras.saving.contents import Contents


def compiled(**changed):
    """A training configuration of a later Keras, in our words."""
    said = {"optimizer": {"class_name": "SGD", "config": {"learning_rate": 0.5}}, "loss": "mse"}
    return keras3_training.read({**said, **changed}, begun=False)


def function(name):
    return {"class_name": "function", "config": name}


@pytest.mark.parametrize(
    "changed, key, value",
    [
        ({"optimizer": "adam"}, "optimizer_config", {"class_name": "Adam", "config": {"lr": 0.001}}),
        (
            {"optimizer": {"class_name": "Custom>SGD", "config": {"lr": 0.5, "decay": 0.25}}},
            "optimizer_config",
            {"class_name": "SGD", "config": {"lr": 0.5, "decay": 0.25}},
        ),
        ({"loss": {"a": "mse", "b": function("mae")}}, "loss", {"a": "mse", "b": "mae"}),
        ({"metrics": [["mae", function("mse")]]}, "metrics", ["mae", "mse"]),
        ({"metrics": None}, "metrics", []),
        (
            {"metrics": [{"class_name": "MeanMetricWrapper", "config": {"fn": function("mae")}}]},
            "metrics",
            ["mae"],
        ),
        (
            {"loss": {"class_name": "Huber", "config": {"delta": 2.0, "name": "huber", "dtype": "float32"}}},
            "loss",
            {"class_name": "Huber", "config": {"delta": 2.0, "name": "huber"}},
        ),
    ],
)
def test_words_of_training(changed, key, value):
    assert compiled(**changed)[key] == value


@pytest.mark.parametrize(
    "changed, text",
    [
        ({"optimizer": {"class_name": "Mine", "config": {}}}, "the optimizer Mine is not one of"),
        ({"optimizer": {"class_name": "SGD", "config": {"clipnorm": 1.0}}}, "limits the norm of each"),
        ({"optimizer": {"class_name": "SGD", "config": {"new": 1.0}}}, "the optimizer SGD has new=1.0"),
        ({"loss": {"class_name": "Mine", "config": {"new": 1}}}, "the loss Mine has arguments that jkeras"),
        (
            {"loss": {"class_name": "Huber", "config": {"delta": 2.0, "new": 1}}},
            r"the loss Huber has arguments that jkeras lacks: \{'new': 1\}",
        ),
    ],
)
def test_training_that_jkeras_has_not_is_refused(changed, text):
    with pytest.raises(ValueError, match=text):
        compiled(**changed)


@pytest.mark.parametrize(
    "changed, text",
    [
        ({"optimizer_config": {"class_name": "Mine", "config": {"lr": 1.0}}}, "its optimizer Mine is not"),
        ({"loss": {"class_name": "Mine", "config": {}}}, "the loss Mine is code of yours"),
    ],
)
def test_training_that_keras_3_has_not_is_refused(changed, text):
    assert keras3_training.written(Contents(training=compiled()))["loss"] is not None
    with pytest.raises(ValueError, match=text):
        keras3_training.written(Contents(training={**compiled(), **changed}))


def test_losses_by_output_in_words_of_keras_3():
    there = keras3_training.written(Contents(training=compiled(loss={"a": "mse", "b": None})))["loss"]
    assert set(there) == {"a", "b"} and there["b"] is None


def test_layers_that_later_kerases_compute_otherwise_are_refused():
    enlarged = {"class_name": "UpSampling2D", "config": {"name": "up", "interpolation": "bilinear"}}
    with pytest.raises(ValueError, match="centres of the pixels"):
        keras3.layer_in_our_words(enlarged)
    dense = {"class_name": "Dense", "config": {"name": "d", "units": 2, "kernel_regularizer": None}}
    assert keras3.layer_in_our_words(dense)["config"]["units"] == 2
    assert keras3.value_in_our_words({"class_name": "__numpy__", "config": {"value": [1]}}, "a") == [1]
    pair = {"class_name": "__tuple__", "config": {}, "items": [1, {"b": 2}]}
    assert keras3.value_in_our_words(pair, "a") == [1, {"b": 2}]


def test_a_cell_that_is_called_by_itself_is_refused(tmp_path):
    x = L.Input((2,))
    y = L.LSTMCell(2, recurrent_activation="sigmoid")([x, x, x])
    with pytest.raises(ValueError, match="a cell stands in an RNN"):
        Model(x, y).save(tmp_path / "m.keras")


def test_optimizers_that_keras_3_lists_otherwise():
    model = Sequential([Dense(2, input_shape=(3,))])
    model.compile("adam", "mse")
    assert later_optimizer.listed(model.optimizer) is None  # before it has any state
    model.compile("muon", "mse")
    model._trainer.prepare()
    with pytest.raises(ValueError, match="in another way"):
        later_optimizer.restore(model.optimizer, [("0", np.int32(1))])


@pytest.mark.parametrize(
    "tree, text",
    [
        ({"a": "text"}, "'a' is str, no array"),
        ({"a": msgpack.ExtType(3, b"")}, "'a' is an entry of the kind 3"),
        ([{"a": 1}], "no model file|no msgpack"),
    ],
)
def test_trees_that_are_no_trees_of_arrays(tree, text, tmp_path):
    (tmp_path / "a.flax").write_bytes(msgpack.packb(tree))
    with pytest.raises(ValueError, match=text):
        Sequential([Dense(2, input_shape=(3,))]).load_weights(tmp_path / "a.flax")
    deep = {}
    for _ in range(40):
        deep = {"a": deep}
    (tmp_path / "b.flax").write_bytes(msgpack.packb(deep))
    with pytest.raises(ValueError, match="nested too deeply"):
        foreign.read_flax(tmp_path / "b.flax")


def test_arrays_of_an_npz_that_lie_or_lie_otherwise(tmp_path):
    turned = np.asfortranarray(np.arange(6, dtype=">f4").reshape(3, 2))
    np.savez(tmp_path / "a.npz", w=turned, b=np.zeros(2, "f"))
    model = Sequential([Dense(2, input_shape=(3,))])
    model.load_weights(tmp_path / "a.npz")
    np.testing.assert_array_equal(model.get_weights()[0], turned)
    data = io.BytesIO()
    np.save(data, np.zeros((3, 2), "f"))
    with zipfile.ZipFile(tmp_path / "b.npz", "w") as archive:
        archive.writestr("w.npy", data.getvalue()[:-4])
    with pytest.raises(ValueError, match=r"w\.npy has the shape \(3, 2\), and 20 bytes"):
        model.load_weights(tmp_path / "b.npz")
    broken = bytearray((tmp_path / "a.npz").read_bytes())
    broken[broken.index(b"\x00\x00\x40\x40") if b"\x00\x00\x40\x40" in broken else 200] ^= 1
    (tmp_path / "c.npz").write_bytes(broken)
    with pytest.raises(ValueError, match="damaged|no .npz"):
        model.load_weights(tmp_path / "c.npz")


def test_a_file_that_is_cut_while_it_is_read(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["w"] = np.ones(4096, "f")
    with open(tmp_path / "a.h5", "r+b") as raw:
        reading = hdf5_file.Reading(raw)
        with h5py.File(reading, "r") as file:
            stored = access.Access(file, reading).array(file["w"])
            raw.truncate(8192)
            with pytest.raises(ValueError, match="the file ends within it"):
                np.asarray(stored)


def test_members_that_are_no_arrays_of_the_file(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["w"] = np.ones(2, "f")
        file["soft"] = h5py.SoftLink("/w")
        file.create_dataset("unwritten", (1 << 40,), "f")
        at = access.Access(file)
        for do, text in (
            (lambda: at.member(file, "soft", h5py.Dataset), "a soft link, which is not followed"),
            (lambda: at.member(file, "none", h5py.Dataset), "is listed in / but missing"),
            (lambda: at.member(file, "w", h5py.Group), "should be a group, not Dataset"),
            (lambda: at.array(file["unwritten"]), "but 0 are stored"),
        ):
            with pytest.raises(ValueError, match=text):
                do()


@pytest.mark.parametrize(
    "change, text",
    [
        ({"data_offsets": [4, 28]}, "stands at 4 to 28, not behind the one before"),
        ({"dtype": "F4"}, "is of the type F4"),
        ({"data_offsets": [0, 20], "shape": [5]}, "its tensors end at"),
    ],
)
def test_safetensors_whose_head_lies(change, text, tmp_path):
    entry = {"dtype": "F32", "shape": [3, 2], "data_offsets": [0, 24]}
    head = json.dumps({"w": entry | change}).encode()
    (tmp_path / "a.safetensors").write_bytes(len(head).to_bytes(8, "little") + head + bytes(24))
    with pytest.raises(ValueError, match=text):
        Sequential([Dense(2, input_shape=(3,), use_bias=False)]).load_weights(tmp_path / "a.safetensors")


def test_configurations_of_nothing():
    with pytest.raises(TypeError, match="expects a dictionary, not a list"):
        config.model_from_config([])
    with pytest.raises(ValueError, match="is a dict with 'class_name' and 'config'"):
        config.model_from_config({"class_name": "Model"})
    assert config.json_value(np.arange(2)) == [0, 1] and config.json_value(np.float32(2)) == 2
    with pytest.raises(TypeError, match="a config can hold numbers"):
        config.json_value({1})
    many = "a: &a {" + ", ".join(f"k{i}: 1" for i in range(10_001)) + "}\nb: {<<: *a}"
    with pytest.raises(ValueError, match="keys after merging"):
        yaml.load(many, config.Loader)


def test_tensors_where_a_layer_takes_none():
    tensor = {"class_name": "__keras_tensor__", "config": {"keras_history": ["x", 0, 0], "shape": [None, 2]}}
    node = {"args": [tensor], "kwargs": {"scale": tensor}}
    layer = {"class_name": "Dense", "config": {"name": "d", "units": 2}, "inbound_nodes": [node]}
    with pytest.raises(ValueError, match="called with a tensor as scale="):
        keras3.translated({"class_name": "Functional", "config": {"layers": [layer]}})
    subclassed = {"class_name": "Mine", "config": {"units": 2, "dtype": "float32"}}
    assert keras3.translated(subclassed) == {"class_name": "Mine", "config": {"units": 2}}
    drawn = {
        "class_name": "RandomNormal",
        "config": {"stddev": 0.5, "seed": {"class_name": "S", "config": {}}},
    }
    assert keras3.value_in_our_words(drawn, "a")["config"] == {"stddev": 0.5, "seed": None}


def test_a_keras_file_whose_weights_are_no_hdf5(tmp_path):
    Sequential([Dense(2, input_shape=(3,))]).save(tmp_path / "a.keras")
    with (
        zipfile.ZipFile(tmp_path / "a.keras") as archive,
        zipfile.ZipFile(tmp_path / "b.keras", "w") as other,
    ):
        other.writestr("config.json", archive.read("config.json"))
        other.writestr("model.weights.h5", b"nothing" * 100)
    with pytest.raises(ValueError, match="its weights are damaged"):
        load_model(tmp_path / "b.keras")
