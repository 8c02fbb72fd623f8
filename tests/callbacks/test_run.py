"""RunCheckpoint: when it saves and what, signals, going on; the command line's tests use real files."""

import os
import signal
import threading
from types import SimpleNamespace

import pytest

import jkeras.callbacks.run as run_module
from jkeras.callbacks import Callback, EarlyStopping, LambdaCallback, RunCheckpoint
from jkeras.saving import checkpoint
from tests.callbacks.loop import FakeModel, run, series

EPOCHS = [{"batches": [{"size": 4, "loss": float(i)} for i in range(10)], "logs": {"val_loss": 1.0}}] * 3


class Store:
    """Checkpoints in memory, in the place of `jkeras.saving.checkpoint`."""

    def __init__(self):
        self.saved = []

    file_name = staticmethod(checkpoint.file_name)

    def snapshot(self, model, state):
        return state, model.get_weights()

    def write(self, contents, run_dir, keep=None, spared=()):
        self.saved.append(contents)

    def list_checkpoints(self, run_dir):
        return self.saved

    def restore(self, model, run_dir):
        state, weights = self.saved[-1]
        model.set_weights(weights)
        return state

    def hold(self, run_dir):
        return SimpleNamespace(release=lambda: None)

    @property
    def places(self):
        return [(s["epoch"], s["step_in_epoch"], s["step"]) for s, _ in self.saved]


@pytest.fixture
def store(monkeypatch):
    store = Store()
    monkeypatch.setattr(run_module, "checkpoint", store)
    return store


def go_on(store, epochs, callbacks=(), **kwargs):
    """A fresh model and callbacks that go on from the newest checkpoint."""
    keeper = RunCheckpoint("r", resume=True, **kwargs)
    state = store.saved[-1][0]
    return run(
        [*callbacks, keeper], epochs, first_epoch=state["epoch"], first_step=state["step_in_epoch"], chunk=4
    )


def test_saves_before_the_first_step_and_at_the_end_of_epochs(store):
    run([RunCheckpoint("r")], EPOCHS)
    assert store.places == [(0, 0, 0), (1, 0, 10), (2, 0, 20), (3, 0, 30)]


def test_every_second_epoch_and_the_last(store):
    run([RunCheckpoint("r", every_epochs=2)], EPOCHS)
    assert store.places == [(0, 0, 0), (2, 0, 20), (3, 0, 30)]


@pytest.mark.parametrize("hooked", [False, True])
def test_every_few_steps_bounds_the_dispatches(store, hooked):
    extra = [LambdaCallback(on_batch_end=lambda batch, logs: None)] if hooked else []
    run([RunCheckpoint("r", every_epochs=None, every_steps=4), *extra], EPOCHS[:2], chunk=8)
    assert store.places == [(0, 0, 0), (0, 4, 4), (0, 8, 8), (1, 2, 12), (1, 6, 16), (1, 10, 20), (2, 0, 20)]


def test_every_few_seconds(store, monkeypatch):
    clock = iter(range(1000))
    monkeypatch.setattr("time.monotonic", lambda: float(next(clock)))
    run([RunCheckpoint("r", every_epochs=None, every_seconds=6)], EPOCHS[:1], chunk=1)
    assert 2 < len(store.places) < 8


def test_going_on_is_exact(store):
    stopping = lambda: EarlyStopping(patience=2)  # noqa: E731
    values = series({"val_loss": [1.0, 0.5, 0.6, 0.7, 0.8]}, count=10)
    whole, model, hooks = run([stopping(), RunCheckpoint("r", every_steps=4)], values, chunk=4)
    saved = list(store.saved)
    for cut in range(1, len(saved)):
        store.saved[:] = saved[:cut]
        if store.saved[-1][0]["stopped"]:
            continue
        history, again, _ = go_on(store, values, [stopping()], every_steps=4)
        assert history.history == whole.history and history.epoch == whole.epoch
        assert again.weights[0].tolist() == model.weights[0].tolist()
        assert store.saved[-1][0] == saved[-1][0]


def test_a_stopped_run_has_nothing_left(store):
    values = series({"val_loss": [1.0, 2.0, 3.0]})
    run([EarlyStopping(), RunCheckpoint("r")], values)
    keeper = RunCheckpoint("r", resume=True)
    keeper.set_params({"epochs": 9})
    keeper.set_model(FakeModel())

    class Hooks:
        set_state = staticmethod(lambda states: None)

    assert keeper.resume(Hooks)["epoch"] == 9


def test_an_earlier_run_is_not_mixed_with_a_new_one(store):
    run([RunCheckpoint("r")], EPOCHS[:1])
    with pytest.raises(FileExistsError, match=r"r holds 2 checkpoints of an earlier run: .*resume=True"):
        run([RunCheckpoint("r")], EPOCHS[:1])


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("hooked", [False, True])
def test_ctrl_c_saves_first_and_then_interrupts(store, hooked):
    class Press(Callback):
        def on_boundary(self, epoch, step):
            if (epoch, step) == (1, 4):
                os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    extra = [LambdaCallback(on_batch_end=lambda batch, logs: None)] if hooked else []
    with pytest.raises(KeyboardInterrupt):
        run([Press(), RunCheckpoint("r"), *extra], EPOCHS, chunk=4)
    assert store.places[-1] == (1, 4, 14)
    assert signal.getsignal(signal.SIGINT) is before
    history, *_ = go_on(store, EPOCHS)
    store.saved.clear()
    whole, *_ = run([RunCheckpoint("r")], EPOCHS)
    assert history.history == whole.history


def test_sigterm_saves_and_then_has_its_way(store):
    taken = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: taken.append(number))
    try:
        ask = LambdaCallback(on_epoch_end=lambda epoch, logs: os.kill(os.getpid(), signal.SIGTERM))
        run([ask, RunCheckpoint("r", every_epochs=None)], EPOCHS[:1])
    finally:
        signal.signal(signal.SIGTERM, before)
    assert taken == [signal.SIGTERM] and store.places == [(0, 0, 0), (1, 0, 10)]


@pytest.mark.usefixtures("ctrl_c")
def test_a_second_ctrl_c_does_not_wait(store):
    keeper = RunCheckpoint("r")
    keeper.on_train_begin()
    os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
    assert store.saved == []


@pytest.mark.usefixtures("ctrl_c")
def test_close_gives_the_handlers_back(store):
    before = signal.getsignal(signal.SIGINT)
    keeper = RunCheckpoint("r")
    keeper.on_train_begin()
    assert signal.getsignal(signal.SIGINT) is not before
    keeper.close()
    keeper.close()
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.usefixtures("ignored_ctrl_c")
def test_signals_that_are_ignored_stay_ignored(store):
    """As under `nohup`: the run goes on, without a checkpoint for it."""
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        press = LambdaCallback(
            on_epoch_end=lambda epoch, logs: [
                os.kill(os.getpid(), number) for number in (signal.SIGINT, signal.SIGTERM)
            ]
        )
        run([press, RunCheckpoint("r", every_epochs=None)], EPOCHS[:2])
        assert signal.getsignal(signal.SIGINT) is signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)
    assert [epoch for epoch, *_ in store.places] == [0, 2]


def test_other_threads_leave_signals_alone(store):
    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=lambda: run([RunCheckpoint("r")], EPOCHS[:1]))
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGINT) is before and len(store.saved) == 2


@pytest.mark.parametrize(
    "bad, text",
    [
        ({"every_epochs": 0}, "`every_epochs` should be at least 1, or None; got 0"),
        ({"every_steps": -1}, "`every_steps` should be at least 1, or None; got -1"),
        ({"keep": 0}, "`keep` should be at least 1, or None; got 0"),
        ({"every_seconds": 0}, "`every_seconds` should be above 0; got 0"),
    ],
)
def test_bad_arguments(bad, text):
    with pytest.raises(ValueError, match=text):
        RunCheckpoint("r", **bad)
