"""Checkpoints of runs: nothing is lost, torn files are passed over, a killed run goes on bit for bit."""

from __future__ import annotations

import os

import jax
import numpy as np
import pytest

from jkeras import saving
from jkeras.layers import LSTM, Dense
from jkeras.models import Model, Sequential, load_model
from jkeras.saving import checkpoint, msgpack

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(4, 3, 2)).astype("float32"), RNG.normal(size=(4, 1)).astype("float32")
STATE = {
    "epoch": 2,
    "step": 17,
    "position": 3,
    "seed": 1234567890123,
    "key": np.array([1, 2**32 - 1], np.uint32),
    "callbacks": [{"best": float("inf"), "wait": np.int64(1), "weights": [np.ones(2), None]}, {}],
    "history": {"loss": [0.1, float("nan")]},
}


def stateful(optimizer="rmsprop") -> Sequential:
    model = Sequential([LSTM(3, stateful=True, batch_input_shape=(4, 3, 2)), Dense(1)])
    model.compile(optimizer, "mse")
    return model


def test_the_state_of_a_run_comes_back(tmp_path):
    path = saving.save_checkpoint(stateful(), tmp_path, STATE)
    assert path == tmp_path / "checkpoints" / "ckpt-0002-00000017.msgpack"
    state = saving.restore(stateful(), tmp_path)
    assert {k: state[k] for k in ("epoch", "step", "position", "seed")} == {
        k: STATE[k] for k in ("epoch", "step", "position", "seed")
    }
    assert state["key"].dtype == np.uint32 and state["key"].tolist() == STATE["key"].tolist()
    assert state["callbacks"][0]["best"] == float("inf") and state["callbacks"][0]["wait"] == 1
    assert (
        state["callbacks"][0]["weights"][0].tolist() == [1, 1] and state["callbacks"][0]["weights"][1] is None
    )
    assert state["history"]["loss"][0] == 0.1 and np.isnan(state["history"]["loss"][1])


def test_training_goes_on_bit_for_bit_with_hidden_states(tmp_path):
    model, other = stateful(), stateful()
    for _ in range(3):
        model.train_on_batch(X, Y)
    saving.save_checkpoint(model, tmp_path, {"epoch": 0, "step": 3})
    saving.restore(other, tmp_path)
    loaded = load_model(saving.latest(tmp_path).path)
    for _ in range(3):
        losses = {np.float32(m.train_on_batch(X, Y)).item() for m in (model, other, loaded)}
        assert len(losses) == 1
    for a, b, c in zip(model.get_weights(), other.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c)


def test_keep_and_order(tmp_path):
    model = stateful()
    for step in (5, 9, 10, 100):
        saving.save_checkpoint(model, tmp_path, {"epoch": step // 10, "step": step}, keep=3)
    (tmp_path / "checkpoints" / "notes.txt").write_text("x")
    assert [(c.epoch, c.step) for c in saving.list_checkpoints(tmp_path)] == [(0, 9), (1, 10), (10, 100)]
    assert saving.latest(tmp_path).step == 100 and saving.latest(tmp_path).bytes > 0
    saving.save_checkpoint(
        model, tmp_path, {"epoch": 0, "step": 1}, keep=1
    )  # begun anew in the same directory
    assert {c.step for c in saving.list_checkpoints(tmp_path)} == {1, 100} or saving.latest(
        tmp_path
    ).step == 1


def test_a_torn_checkpoint_is_passed_over(tmp_path):
    model = stateful()
    for step in (1, 2, 3):
        saving.save_checkpoint(model, tmp_path, {"epoch": 0, "step": step})
    two, three = (c.path for c in saving.list_checkpoints(tmp_path)[1:])
    three.write_bytes(three.read_bytes()[:-10])
    two.write_bytes(two.read_bytes().replace(b"lstm", b"mstl", 1))
    with pytest.warns(
        UserWarning, match="Skipping a checkpoint that cannot be read: .*ckpt-0000-0000000[23]"
    ):
        assert saving.restore(model, tmp_path)["step"] == 1


def test_a_directory_without_checkpoints(tmp_path):
    for source, match in [
        (tmp_path / "none", "does not exist"),
        (tmp_path, "has no checkpoints: expected files"),
    ]:
        with pytest.raises(ValueError, match=match):
            saving.restore(stateful(), source)
    assert saving.list_checkpoints(tmp_path) == []
    path = saving.save_checkpoint(stateful(), tmp_path, {"epoch": 0, "step": 1})
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="none of the 1 checkpoints can be read"), pytest.warns(UserWarning):
        saving.latest(tmp_path)


def test_a_checkpoint_of_another_model_changes_nothing(tmp_path):
    saving.save_checkpoint(stateful("adam"), tmp_path, {"epoch": 0, "step": 1})
    other = stateful("sgd")
    before = other.get_weights()
    with pytest.raises(ValueError, match="does not fit the model"):
        saving.restore(other, tmp_path)
    wider = Sequential([LSTM(4, stateful=True, batch_input_shape=(4, 3, 2)), Dense(1)])
    with pytest.raises(ValueError, match=r"ckpt-0000-00000001.msgpack does not fit the model: Layer #0"):
        saving.restore(wider, tmp_path)
    bare = Sequential([LSTM(3, stateful=True, batch_input_shape=(4, 3, 2)), Dense(1)])
    with pytest.raises(ValueError, match="not compiled"):
        saving.restore(bare, tmp_path)
    shorter = Sequential([LSTM(3, stateful=True, batch_input_shape=(2, 3, 2)), Dense(1)])
    shorter.compile("adam", "mse")
    with pytest.raises(ValueError, match="state .* of shape"):
        saving.restore(shorter, tmp_path)
    for a, b in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "state, match",
    [
        ({"epoch": 1}, "whole numbers 'epoch' and 'step'"),
        ({"epoch": 1, "step": 2, "f": len}, "'f' is builtin_function_or_method"),
        ({"epoch": 1, "step": 2, "d": {1: 2}}, "keys of d should be text"),
    ],
)
def test_what_cannot_be_kept_is_refused_before_anything_is_written(state, match, tmp_path):
    with pytest.raises(ValueError, match=match):
        saving.save_checkpoint(stateful(), tmp_path, state)
    assert saving.list_checkpoints(tmp_path) == []


def test_what_a_kill_left_behind_is_removed_later(tmp_path):
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    old, young = (folder / f".ckpt-0001-0000000{i}.0123abc{i}.tmp.msgpack" for i in (1, 2))
    for part in (old, young):
        part.write_bytes(b"part")
    os.utime(old, (0, 0))
    saving.save_checkpoint(stateful(), tmp_path, STATE)
    assert not old.exists() and young.exists()


def test_keep_must_keep_something(tmp_path):
    with pytest.raises(ValueError, match="at least 1"):
        saving.save_checkpoint(stateful(), tmp_path, STATE, keep=0)


def test_another_environment_is_told(tmp_path, monkeypatch):
    saving.save_checkpoint(stateful(), tmp_path, STATE)
    there = checkpoint.environment() | {"devices": 1000, "jax": "0.0.1"}
    monkeypatch.setattr(checkpoint, "environment", lambda: there)
    with pytest.warns(UserWarning, match="jax: .* then, 0.0.1 now; devices: .* then, 1000 now"):
        saving.restore(stateful(), tmp_path)


def test_flatten_and_random_keys():
    arrays = {}
    key = jax.random.key(3)
    value = {"key": key, "a": {"b": np.ones(2)}, "a/b": np.zeros(1), "t": (1, 2.5, "x", True)}
    packed = checkpoint.flatten(value, arrays)
    back = checkpoint.unflatten(packed, arrays)
    assert (jax.random.wrap_key_data(back["key"]) == key).all()
    assert (
        back["a"]["b"].tolist() == [1, 1] and back["a/b"].tolist() == [0] and back["t"] == [1, 2.5, "x", True]
    )


def test_run_json(tmp_path):
    run = tmp_path / "run"
    saving.write_run(run, {"model": "m.yaml", "epochs": 3})
    assert saving.read_run(run) == {"model": "m.yaml", "epochs": 3}
    with pytest.raises(ValueError, match="not a run directory: it has no run.json"):
        saving.read_run(tmp_path)
    (run / "run.json").write_text("[")
    with pytest.raises(ValueError, match="run.json cannot be read as JSON"):
        saving.read_run(run)
    (run / "run.json").write_text("[]")
    with pytest.raises(ValueError, match="JSON object; got list"):
        saving.read_run(run)


class Own(Model):
    def __init__(self):
        super().__init__()
        self.first, self.second = Dense(3), Dense(1)

    def call(self, x):
        return self.second(self.first(x))


def test_a_subclassed_model(tmp_path):
    model, other = Own(), Own()
    for m in (model, other):
        m.compile("adam", "mse")
        m.train_on_batch(X[:, 0], Y)
    saving.save_checkpoint(model, tmp_path, STATE)
    saving.restore(other, tmp_path)
    assert model.train_on_batch(X[:, 0], Y) == other.train_on_batch(X[:, 0], Y)


# What stands in the place of a checkpoint -------------------------------------------------------------------


def directory(path):
    path.unlink()
    path.mkdir()


def pipe(path):
    path.unlink()
    os.mkfifo(path)


def cut(path):
    path.write_bytes(path.read_bytes()[:-40])


def another(path):
    model = Sequential([Dense(7, input_shape=(2,))])
    model.compile("sgd", "mse")
    saving.save_checkpoint(model, path.parent.parent, STATE | {"epoch": 2, "step": 50})


@pytest.mark.parametrize("spoil", [directory, pipe, cut, another])
def test_the_one_before_is_taken_with_a_warning(tmp_path, spoil):
    model = stateful()
    saving.save_checkpoint(model, tmp_path, STATE | {"epoch": 1, "step": 25})
    newest = saving.save_checkpoint(model, tmp_path, STATE | {"epoch": 2, "step": 50})
    spoil(newest)
    with pytest.warns(UserWarning, match="Skipping a checkpoint.*ckpt-0002"):
        assert saving.restore(stateful(), tmp_path)["step"] == 25
    saving.save_checkpoint(model, tmp_path, STATE | {"epoch": 2, "step": 50}, keep=1)
    assert saving.restore(stateful(), tmp_path)["step"] == 50


def test_no_checkpoint_that_fits_says_why_the_newest_does_not(tmp_path):
    for step in (25, 50):
        saving.save_checkpoint(stateful(), tmp_path, STATE | {"step": step})
    with pytest.raises(ValueError, match="00000050.msgpack does not fit the model"):
        saving.restore(Sequential([Dense(7, input_shape=(2,))]), tmp_path)


def test_a_run_directory_is_one_writers(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    left = tmp_path / "checkpoints" / ".ckpt-0001-00000025.0123abcd.tmp.msgpack"
    left.touch()
    with checkpoint.hold(tmp_path):
        assert not left.exists()
        with pytest.raises(BlockingIOError, match="is in use by this very process") as told:
            checkpoint.hold(tmp_path)
        assert str(tmp_path) in str(told.value)
    checkpoint.hold(tmp_path).release()


def test_a_malformed_state_of_the_run_is_refused_with_the_file(tmp_path):
    for run in ({"a": {"__array__": "none"}}, {"a": {"__array__": []}}, [1]):
        contents = checkpoint.snapshot(stateful(), STATE)
        contents.notes["run"] = run
        path = tmp_path / "a.msgpack"
        msgpack.write_file(path, contents)
        with pytest.raises(ValueError, match="a.msgpack.*the state of the run is malformed"):
            saving.restore(stateful(), path)


@pytest.mark.parametrize("text", ["[" * 5000, '{"a": ' * 5000, "\xff", "", "nul"], ids=range(5))
def test_a_malformed_run_json_is_refused_by_name(tmp_path, text):
    (tmp_path / "run.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match="run.json"):
        saving.read_run(tmp_path)


def test_a_pipe_in_the_place_of_run_json_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "run.json")
    with pytest.raises(ValueError, match="run.json is a pipe"):
        saving.read_run(tmp_path)
