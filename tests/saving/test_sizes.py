"""What a file declares is compared with what the model expects before a number is read."""

import h5py
import numpy as np
import pytest

from jkeras import saving
from jkeras.core.stored import Stored
from jkeras.layers import Dense
from jkeras.models import Sequential, load_model
from jkeras.saving import foreign, msgpack


def made(units=3):
    model = Sequential([Dense(units, input_shape=(2,), name="d")], name="m")
    model.compile("adam", "mse")
    model.train_on_batch(np.ones((4, 2)), np.ones((4, units)))
    return model


@pytest.fixture
def reads(monkeypatch):
    """The shapes of the arrays that were read."""
    seen, original = [], Stored.__array__

    def counted(self, dtype=None, copy=None):
        seen.append(self.shape)
        return original(self, dtype, copy)

    monkeypatch.setattr(Stored, "__array__", counted)
    return seen


def npz(model, path):
    np.savez_compressed(path, *model.get_weights())


def named_npz(model, path):
    np.savez(path, **{f"d.{w.name.split('/')[1][:-2]}": w.numpy() for w in model.weights})


def flax(model, path):
    serialization = pytest.importorskip("flax.serialization")
    kernel, bias = model.get_weights()
    path.write_bytes(serialization.to_bytes({"params": {"d": {"kernel": kernel, "bias": bias}}}))


def safetensors(model, path):
    model.save_weights(path)


def places(model, path):
    foreign.write_places(model, path)


WAYS = {
    "a.h5": lambda model, path: model.save_weights(path),
    "whole.h5": lambda model, path: model.save(path),
    "a.msgpack": lambda model, path: model.save_weights(path),
    "a.npz": npz,
    "named.npz": named_npz,
    "flax.msgpack": flax,
    "a.safetensors": safetensors,
    "a.weights.h5": places,
}


@pytest.mark.parametrize("name", WAYS)
def test_nothing_of_another_shape_is_read(tmp_path, reads, name):
    model, other = made(), made(5)
    WAYS[name](model, tmp_path / name)
    before = other.get_weights()
    try:
        report = other.load_weights(tmp_path / name, report=True)
    except ValueError as error:
        assert "shape" in str(error) or "numbers" in str(error) or "layers" in str(error)
    else:  # arrays by name: what does not fit is told
        assert not report.loaded
    assert not reads
    for a, b in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    again = made()
    again.load_weights(tmp_path / name)
    assert sorted(reads) == [(2, 3), (3,)]
    for a, b in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("ending", ["h5", "msgpack"])
def test_an_optimizers_state_of_another_shape_is_not_read(tmp_path, reads, ending):
    contents = small_model()
    contents.optimizer = [(n, np.zeros((7, *v.shape), v.dtype)) for n, v in contents.optimizer]
    path = tmp_path / f"a.{ending}"
    (msgpack if ending == "msgpack" else saving.h5).write_file(path, contents)
    with pytest.warns(UserWarning, match="Error in loading the saved optimizer state.*shape"):
        load_model(path)
    assert sorted(reads) == [(2, 3), (3,)]


def small_model():
    return saving.model_contents.of_model(made())


@pytest.mark.parametrize("ending", ["h5", "msgpack"])
def test_the_state_of_an_optimizer_is_in_a_file_once(tmp_path, ending):
    model = made()
    model.save(tmp_path / f"a.{ending}")
    contents = saving.model_io.read(tmp_path / f"a.{ending}")
    assert not any(value.shape == (2, 3) for value in contents.arrays.values())
    assert sum(value.shape == (2, 3) for _, value in contents.optimizer) == 2
    again = load_model(tmp_path / f"a.{ending}")
    x, y = np.ones((4, 2)), np.ones((4, 3))
    for one in (model, again):
        one.train_on_batch(x, y)
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_file_that_kept_the_state_twice_loads_as_ever(tmp_path):
    """As jkeras 0.2 wrote it."""
    model = made()
    contents = saving.model_contents.of_model(model)
    del contents.notes["optimizer"]
    contents.add_section("optimizer", model.optimizer.state_dict())
    msgpack.write_file(tmp_path / "a.msgpack", contents)
    again = load_model(tmp_path / "a.msgpack")
    for a, b in zip(again.optimizer.get_weights(), model.optimizer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_file_that_cannot_be_read_to_its_end_changes_nothing(tmp_path):
    """A data set in pieces, one of which is damaged: HDF5 notices when it reads it."""
    model, path = made(), tmp_path / "a.h5"
    model.save_weights(path)
    with h5py.File(path, "r+") as file:
        group = file["d"]["d"]
        del group["bias:0"]
        group.create_dataset("bias:0", data=np.ones(3, "float32"), chunks=(3,), fletcher32=True)
        place = group["bias:0"].id.get_chunk_info(0).byte_offset
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    other = made()
    before = other.get_weights()
    with pytest.raises(ValueError, match=r"a\.h5.*bias:0 is damaged"):
        other.load_weights(path, accept_changed=True)
    for a, b in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_arrays_are_where_they_were_while_a_file_is_written():
    """Saving takes no copy of a large weight; training on while it is held changes nothing in it."""
    model = Sequential([Dense(1024, input_shape=(512,), name="d")])
    model.compile("sgd", "mse")
    contents = saving.model_contents.of_model(model)
    kernel = contents.layers[0].values[0]
    kept = kernel.copy()
    assert not kernel.flags.owndata
    model.train_on_batch(np.ones((4, 512)), np.ones((4, 1024)))
    np.testing.assert_array_equal(kernel, kept)
    assert (model.get_weights()[0] != kept).any()


@pytest.mark.parametrize("name", WAYS)
def test_the_content_says_what_a_file_is(tmp_path, name):
    model, other = made(), made()
    WAYS[name](model, tmp_path / name)
    (tmp_path / name).rename(tmp_path / "a.bin")
    other.load_weights(tmp_path / "a.bin")
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
