"""RunCheckpoint with real models and files: an interrupted fit goes on to the same bits."""

import threading

import numpy as np
import optax
import pytest

from jkeras.callbacks import (
    Callback,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ReduceLROnPlateau,
    RunCheckpoint,
)
from jkeras.core import names
from jkeras.layers import BatchNormalization, Dense, Dropout
from jkeras.models import Sequential
from jkeras.saving import checkpoint, list_checkpoints

X = np.random.default_rng(0).normal(size=(42, 4)).astype("float32")
Y = X[:, :1] - X[:, 1:2] ** 2


class Failure(Exception):
    pass


class FailAt(Callback):
    def __init__(self, epoch, step):
        super().__init__()
        self.at = (epoch, step)

    def on_boundary(self, epoch, step):
        if (epoch, step) >= self.at:
            raise Failure


def train(run_dir, *extra, hooked=False):
    np.random.seed(3)
    model = Sequential(
        [Dense(6, activation="relu", input_shape=(4,)), BatchNormalization(), Dropout(0.3), Dense(1)]
    )
    model.compile("adam", "mse", metrics=["mae"])
    callbacks = [
        LearningRateScheduler(lambda epoch, lr: lr * 0.9),
        ReduceLROnPlateau(patience=1, factor=0.5, min_delta=0.1),
        EarlyStopping(patience=4, restore_best_weights=True),
        *([LambdaCallback(on_batch_begin=lambda batch, logs: None)] if hooked else []),
        RunCheckpoint(run_dir, every_steps=3, every_epochs=1, resume=True),
        *extra,
    ]
    history = model.fit(X, Y, 4, 5, verbose=0, validation_split=0.2, callbacks=callbacks)
    return history.epoch, history.history, [w.tobytes() for w in model.get_weights()]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return train(tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize("at, hooked", [((0, 1), False), ((1, 4), True), ((2, 9), False), ((3, 0), True)])
def test_the_same_bits(whole, tmp_path, at, hooked):
    with pytest.raises(Failure):
        train(tmp_path, FailAt(*at), hooked=hooked)
    assert list_checkpoints(tmp_path)[-1].epoch <= at[0]
    assert train(tmp_path, hooked=not hooked) == whole


def test_a_finished_run_is_not_trained_again(whole, tmp_path):
    train(tmp_path)
    newest = list_checkpoints(tmp_path)[-1]
    epoch, history, weights = train(tmp_path)
    assert (epoch, history) == whole[:2]
    assert list_checkpoints(tmp_path)[-1] == newest


def test_a_damaged_newest_checkpoint_is_passed_over(whole, tmp_path):
    with pytest.raises(Failure):
        train(tmp_path, FailAt(2, 5))
    newest = list_checkpoints(tmp_path)[-1]
    newest.path.write_bytes(newest.path.read_bytes()[:-100])
    with pytest.warns(UserWarning, match="Skipping a checkpoint that cannot be read"):
        assert train(tmp_path) == whole


def test_only_so_many_are_kept(tmp_path):
    model = Sequential([Dense(1, input_shape=(4,))])
    model.compile("sgd", "mse")
    model.fit(X, Y, 4, 4, verbose=0, callbacks=[RunCheckpoint(tmp_path, keep=2)])
    assert [c.epoch for c in list_checkpoints(tmp_path)] == [3, 4]


def on_the_way(run_dir, data=X):
    """A small training; returns its RunCheckpoint."""
    np.random.seed(3)
    model = Sequential([Dense(6, activation="relu", input_shape=(4,)), Dropout(0.3), Dense(1)])
    model.compile("adam", "mse")
    keeper = RunCheckpoint(run_dir, every_steps=4, keep=None, verify=True)
    model.fit(data, Y, 4, 3, verbose=0, callbacks=[keeper, ReduceLROnPlateau("loss", patience=1)])
    return keeper


def test_a_resumed_run_proves_that_it_is_the_same(tmp_path, capsys):
    assert on_the_way(tmp_path).verified is None
    newest = list_checkpoints(tmp_path)[-1]
    before = newest.path.read_bytes()
    assert on_the_way(tmp_path).verified is True
    assert f"came to the very bits of {newest.path.name}" in capsys.readouterr().out
    assert newest.path.read_bytes() == before and list_checkpoints(tmp_path)[-1] == newest
    with pytest.raises(RuntimeError, match="first of all, layer 'dense_.*', weight 'dense_.*kernel:0'"):
        on_the_way(tmp_path, X + 1e-3)
    assert newest.path.read_bytes() == before


def test_one_checkpoint_proves_nothing(tmp_path):
    on_the_way(tmp_path)
    for old in list_checkpoints(tmp_path)[:-1]:
        old.path.unlink()
    with pytest.warns(UserWarning, match="holds one checkpoint: nothing to compare"):
        on_the_way(tmp_path)


def test_the_best_are_kept_beside_the_newest(tmp_path):
    scores = iter([3.0, 1.0, 2.0, 4.0, 5.0])
    score = LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(score=next(scores)))
    model = Sequential([Dense(1, input_shape=(4,))])
    model.compile("sgd", "mse")
    keeper = RunCheckpoint(tmp_path, keep=1, best="score", keep_best=2)
    model.fit(X, Y, 4, 5, verbose=0, callbacks=[score, keeper])
    assert [c.epoch for c in list_checkpoints(tmp_path)] == [2, 3, 5]
    assert list(keeper.scores.values()) == [1.0, 2.0]


def test_a_write_that_fails_stops_the_training(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("jkeras.saving.checkpoint.msgpack.write_file", full)
    model = Sequential([Dense(1, input_shape=(4,))])
    model.compile("sgd", "mse")
    with pytest.raises(OSError, match="No space left"):
        model.fit(X, Y, 4, 50, verbose=0, callbacks=[RunCheckpoint(tmp_path)])
    assert not list_checkpoints(tmp_path)


def test_training_goes_on_while_a_checkpoint_is_written(tmp_path, monkeypatch):
    write, steps = checkpoint.msgpack.write_file, []
    goes_on = threading.Event()

    def slowly(path, contents):
        goes_on.wait(60)
        write(path, contents)

    def later(batch, logs):
        steps.append(batch)
        goes_on.set() if len(steps) == 5 else None

    monkeypatch.setattr("jkeras.saving.checkpoint.msgpack.write_file", slowly)
    model = Sequential([Dense(1, input_shape=(4,))])
    model.compile("sgd", "mse")
    first = model.get_weights()[0].copy()
    model.fit(X, Y, 4, 1, verbose=0, callbacks=[LambdaCallback(on_batch_end=later), RunCheckpoint(tmp_path)])
    start = checkpoint.read(list_checkpoints(tmp_path)[0].path)
    np.testing.assert_array_equal(
        start.layers[0].values[0], first
    )  # those of then, not of when it was written


@pytest.mark.parametrize("by_path", [False, True])
def test_states_with_automatic_names_fit_a_model_built_again(tmp_path, by_path):
    """Optax keeps slots by names of layers, and sorts them: `dense_10` stands before `dense_9`."""

    def fitted(run_dir, epochs):
        np.random.seed(3)
        inner = Sequential([Dense(3, input_shape=(4,)), Dense(2)])
        model = Sequential([Dense(4, input_shape=(4,)), inner, BatchNormalization(), Dense(1)])
        model.compile({"*/kernel": optax.adam(0.01), "*": "sgd"} if by_path else optax.adam(0.01), "mse")
        model.fit(X, Y, 4, epochs, verbose=0, callbacks=[RunCheckpoint(run_dir, resume=True)])
        return [w.tobytes() for w in model.get_weights()]

    names.reset_uids()
    whole = fitted(tmp_path / "whole", 2)
    fitted(tmp_path / "parts", 1)
    [Dense(1) for _ in range(2)]
    assert fitted(tmp_path / "parts", 2) == whole
