"""Keras's functions on an open HDF5 group and a list of layers, as scripts such as Mask R-CNN call them."""

from __future__ import annotations

import io

import h5py
import numpy as np
import pytest

from jkeras.engine import saving, topology
from jkeras.layers import Conv1D, Dense
from jkeras.models import Sequential, load_model
from tests import golden
from tests.golden.models import MODELS
from tests.saving.models import same_weights, small
from tests.saving.test_h5 import layout


def test_weights_of_layers_by_order_and_by_name():
    model, other = small(), small()
    with h5py.File(io.BytesIO(), "w") as f:
        saving.save_weights_to_hdf5_group(f, model.layers)
        saving.load_weights_from_hdf5_group_by_name(f, filter(lambda layer: layer.name != "b", other.layers))
        np.testing.assert_array_equal(other.layers[0].get_weights()[0], model.layers[0].get_weights()[0])
        assert (other.layers[1].get_weights()[0] != model.layers[1].get_weights()[0]).any()
        saving.load_weights_from_hdf5_group(f, iter(other.layers))
    same_weights(model, other)


def test_what_does_not_fit_is_skipped_or_refused():
    model = Sequential([Dense(5, input_shape=(4,), name="a"), Dense(7, name="b")])
    before, source = model.get_weights(), small()
    with h5py.File(io.BytesIO(), "w") as f:
        saving.save_weights_to_hdf5_group(f, source.layers)
        with pytest.raises(ValueError, match='named "b".*shape'):
            saving.load_weights_from_hdf5_group_by_name(f, model.layers)
        np.testing.assert_array_equal(model.get_weights()[0], before[0])
        with pytest.warns(UserWarning, match="Skipping loading of weights for layer b"):
            saving.load_weights_from_hdf5_group_by_name(f, model.layers, skip_mismatch=True)
        with pytest.raises(ValueError, match="containing 2 layers into a model with 1 layers"):
            saving.load_weights_from_hdf5_group(f, model.layers[:1])
    np.testing.assert_array_equal(model.get_weights()[0], source.get_weights()[0])
    np.testing.assert_array_equal(model.get_weights()[2], before[2])


@pytest.mark.parametrize("name", MODELS)
def test_files_of_keras_are_read_and_written_again(name, tmp_path):
    path = golden.path(f"models/{name}.initial_weights.h5")
    model = load_model(golden.path(f"models/{name}.h5"), compile=False)
    with h5py.File(path, "r") as f, h5py.File(tmp_path / "again.h5", "w") as again:
        topology.load_weights_from_hdf5_group(f, model.layers)
        topology.save_weights_to_hdf5_group(again, model.layers)
    assert layout(tmp_path / "again.h5") == layout(path)
    other = load_model(golden.path(f"models/{name}.initial.h5"), compile=False)
    same_weights(model, other)


def test_weights_of_keras_1_and_of_theano():
    layer = Conv1D(4, 3)
    layer.build((None, 8, 2))
    kernel, bias = np.arange(24.0).reshape(3, 1, 2, 4), np.zeros(4)
    found = saving.preprocess_weights_for_loading(layer, [kernel, bias], "1")
    np.testing.assert_array_equal(found[0], kernel[:, 0])
    found = saving.preprocess_weights_for_loading(layer, [kernel[:, 0], bias], "2.2.4", "theano")
    np.testing.assert_array_equal(found[0], kernel[::-1, 0])


def test_long_lists_of_names_are_split():
    names = [f"{i:0500d}" for i in range(2 * saving.HDF5_OBJECT_HEADER_LIMIT // 500)]
    with h5py.File(io.BytesIO(), "w") as f:
        saving.save_attributes_to_hdf5_group(f, "layer_names", [name.encode() for name in names])
        assert len(f.attrs) > 1
        assert saving.load_attributes_from_hdf5_group(f, "layer_names") == names
        assert saving.load_attributes_from_hdf5_group(f, "weight_names") == []


def test_a_model_as_a_dict():
    model = small()
    same_weights(saving.unpickle_model(saving.pickle_model(model)), model)
