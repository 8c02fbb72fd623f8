"""Order of calls, logs and averages against runs recorded from Keras 2.2.4."""

import numpy as np
import pytest

from jkeras.callbacks import (
    BaseLogger,
    Callback,
    CallbackList,
    History,
    LambdaCallback,
    ProgbarLogger,
    TerminateOnNaN,
)
from jkeras.core.chunk import Chunk
from tests.callbacks.loop import FakeModel, run, series


class Spy(Callback):
    def __init__(self):
        super().__init__()
        self.calls = []

    def _note(self, call, index, logs):
        self.calls.append({"call": call, "index": index, "logs": dict(logs), "log_keys_order": list(logs)})

    def set_params(self, params):
        super().set_params(params)
        self.calls.append({"call": "set_params", "index": None, "params": params})

    def on_train_begin(self, logs=None):
        self._note("on_train_begin", None, logs)

    def on_train_end(self, logs=None):
        self._note("on_train_end", None, logs)

    def on_epoch_begin(self, epoch, logs=None):
        self._note("on_epoch_begin", epoch, logs)

    def on_epoch_end(self, epoch, logs=None):
        self._note("on_epoch_end", epoch, logs)

    def on_batch_begin(self, batch, logs=None):
        self._note("on_batch_begin", batch, logs)

    def on_batch_end(self, batch, logs=None):
        self._note("on_batch_end", batch, logs)


def recorded_epochs(calls):
    """What the loop fed in: batches and validation logs per epoch, from the recorded calls."""
    epochs = {}
    current = None
    for call in calls:
        if call["call"] == "on_epoch_begin":
            current = epochs.setdefault(call["index"], {"batches": [], "logs": {}})
        elif call["call"] == "on_batch_end":
            current["batches"].append({k: v for k, v in call["logs"].items() if k != "batch"})
        elif call["call"] == "on_epoch_end":
            current["logs"] = {k: v for k, v in call["logs"].items() if k.startswith("val_")}
    return epochs


def replay(case, callbacks, **kwargs):
    epochs = recorded_epochs(case["calls"])
    first = min(epochs)
    listed = [epochs.get(i, epochs[first]) for i in range(max(epochs) + 1)]
    return run(callbacks, listed, params=case["calls"][0]["params"], first_epoch=first, **kwargs)


def test_calls_and_logs_are_those_of_keras(recorded):
    for case in recorded["spy"]:
        spy = Spy()
        history, *_ = replay(case, [spy])
        assert spy.calls == case["calls"]
        assert history.history == case["history"]
        assert list(history.history) == case["history_keys_order"]


@pytest.mark.parametrize("chunk", [1, 2, 8])
def test_averages_do_not_depend_on_the_length_of_a_dispatch(recorded, chunk):
    for case in recorded["spy"]:
        history, _, hooks = replay(case, [], chunk=chunk)
        assert not hooks.has_batch_hooks
        assert history.history == case["history"]


def test_stateful_metrics_keep_their_last_value():
    for feed in ("batch", "chunk"):
        logger = BaseLogger(stateful_metrics=["count"])
        logger.set_params({"metrics": ["loss", "count"]})
        logger.on_epoch_begin(0)
        if feed == "batch":
            logger.on_batch_end(0, {"batch": 0, "size": 3, "loss": 1.0, "count": 3.0})
            logger.on_batch_end(1, {"batch": 1, "size": 1, "loss": 5.0, "count": 4.0})
        else:
            logger.on_chunk_end(
                Chunk(0, [3, 1], {"loss": np.array([1.0, 5.0]), "count": np.array([3.0, 4.0])})
            )
        logs = {}
        logger.on_epoch_end(0, logs)
        assert logs == {"loss": 2.0, "count": 4.0}


def test_history_holds_python_floats():
    history = History()
    history.on_train_begin()
    history.on_epoch_end(0, {"loss": np.float32(0.5), "lr": np.array(0.25)})
    assert [type(v[0]) for v in history.history.values()] == [float, float]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("hook", [False, True])
def test_terminate_on_nan_stops_after_the_bad_batch(bad, hook, capsys):
    batches = [{"size": 2, "loss": loss} for loss in (1.0, 2.0, bad, 4.0)]
    extra = [LambdaCallback(on_batch_end=lambda batch, logs: None)] if hook else []
    epochs = [{"batches": batches, "logs": {}}] * 3
    history, model, hooks = run([TerminateOnNaN(), *extra], epochs)
    assert hooks.has_batch_hooks is hook
    assert model.stop_training and history.epoch == [0]
    first, advice = capsys.readouterr().out.splitlines()
    assert first == "Batch 2: Invalid loss, terminating training" and "Where it begins" in advice
    assert hooks.callbacks[0].seen == 6


def test_lambda_callback_calls_its_functions_and_keeps_attributes():
    calls = []
    note = lambda name: lambda *args: calls.append((name, *args))  # noqa: E731
    names = [
        "on_epoch_begin",
        "on_epoch_end",
        "on_batch_begin",
        "on_batch_end",
        "on_train_begin",
        "on_train_end",
    ]
    callback = LambdaCallback(**{name: note(name) for name in names}, threshold=3)
    run([callback], series({"val_loss": [1.0]}))
    assert [c[0] for c in calls] == [
        "on_train_begin",
        "on_epoch_begin",
        "on_batch_begin",
        "on_batch_end",
        "on_epoch_end",
        "on_train_end",
    ]
    assert callback.threshold == 3
    assert LambdaCallback().on_batch_end(0, {}) is None


def test_has_batch_hooks():
    class Subclass(BaseLogger):
        def on_epoch_end(self, epoch, logs=None):
            pass

    class OwnBatchEnd(BaseLogger):
        def on_batch_end(self, batch, logs=None):
            pass

    class Newer(Callback):
        def on_train_batch_end(self, batch, logs=None):
            pass

    quiet = [BaseLogger(), ProgbarLogger(), History(), TerminateOnNaN(), LambdaCallback(on_epoch_end=print)]
    assert not CallbackList([*quiet, Subclass(), Callback()]).has_batch_hooks
    patched = Callback()
    patched.on_batch_begin = lambda batch, logs=None: None
    for loud in (OwnBatchEnd(), Newer(), LambdaCallback(on_batch_end=print), patched):
        assert CallbackList([*quiet, loud]).has_batch_hooks


def test_newer_hook_names_are_called_once():
    class Newer(Callback):
        calls: list = []

        def on_train_batch_begin(self, batch, logs=None):
            self.calls.append(("begin", batch))

        def on_train_batch_end(self, batch, logs=None):
            self.calls.append(("end", batch))

    run([Newer()], series({"val_loss": [1.0]}, count=2))
    assert Newer.calls == [("begin", 0), ("end", 0), ("begin", 1), ("end", 1)]


def test_hooks_of_evaluate_and_predict():
    class Test(Callback):
        def on_test_batch_end(self, batch, logs=None):
            self.seen = batch

    callbacks = CallbackList([Test()])
    assert callbacks.has_test_batch_hooks and not callbacks.has_predict_batch_hooks
    callbacks.on_test_begin()
    callbacks.on_test_batch_begin(4)
    callbacks.on_test_batch_end(4, {"loss": 1.0})
    callbacks.on_test_end()
    callbacks.on_predict_begin()
    callbacks.on_predict_batch_begin(0)
    callbacks.on_predict_batch_end(0)
    callbacks.on_predict_end()
    assert callbacks.callbacks[0].seen == 4


def test_one_callback_stands_for_a_list_of_one():
    history = History()
    assert list(CallbackList(history)) == [history]
    assert list(CallbackList(None)) == []


def test_what_is_no_callback_is_named():
    with pytest.raises(TypeError, match=r"class History; pass an instance: History\(\.\.\.\)"):
        CallbackList([History])
    with pytest.raises(TypeError, match="of type int.*LambdaCallback"):
        CallbackList([3])


def test_slow_batch_hooks_are_warned_of(monkeypatch):
    clock = iter(range(100))
    monkeypatch.setattr("time.perf_counter", lambda: float(next(clock)))
    callbacks = CallbackList([Callback()])
    callbacks.on_epoch_begin(0)
    callbacks.on_batch_begin(0)
    with pytest.warns(UserWarning, match=r"on_batch_end\(\) is slow"):
        callbacks.on_batch_end(0)


def test_chunk_limit_and_refresh_interval_are_the_smallest():
    class Wants(Callback):
        def __init__(self, limit, interval):
            super().__init__()
            self.limit, self.interval = limit, interval

        def chunk_limit(self, step):
            return self.limit

        @property
        def refresh_interval(self):
            return self.interval

    assert CallbackList([Callback()]).chunk_limit(0) is None
    assert CallbackList([Callback()]).refresh_interval is None
    callbacks = CallbackList([Wants(7, None), Wants(None, 2.0), Wants(5, 1.0)])
    assert callbacks.chunk_limit(0) == 5
    assert callbacks.refresh_interval == 1.0


def test_a_foreign_object_with_all_hooks_works():
    class Foreign:
        def __getattr__(self, name):
            if name.startswith(("on_", "set_params", "set_model")) and "train_batch" not in name:
                return lambda *args: None
            raise AttributeError(name)

    _, _, hooks = run([Foreign()], series({"val_loss": [1.0]}))
    assert hooks.has_batch_hooks


def test_resume_inside_an_epoch_gives_the_same_history(recorded):
    case = recorded["spy"][0]
    whole, *_ = replay(case, [])
    states = []

    class Interrupt(Callback):
        def resume(self, callbacks):
            self.all = callbacks

        def on_boundary(self, epoch, step):
            states.append((epoch, step, self.all.get_state()))

    replay(case, [Interrupt()], chunk=1)
    assert [state[:2] for state in states] == [(0, 1), (0, 2), (0, 3), (1, 0), (1, 1), (1, 2), (1, 3), (2, 0)]
    _, step, state = states[5]
    epochs = list(recorded_epochs(case["calls"]).values())
    resumed, *_ = run(
        [], epochs, params=case["calls"][0]["params"], first_epoch=1, first_step=step, state=state
    )
    assert resumed.history == whole.history
    assert resumed.epoch == whole.epoch


def test_a_state_of_another_callback_is_refused():
    with pytest.raises(ValueError, match="History.set_state got unknown entries .*another callback"):
        History().set_state({"best": 1.0})


def test_model_and_params_reach_every_callback():
    callback = Callback()
    model = FakeModel()
    CallbackList([callback], model=model, params={"epochs": 1})
    assert callback.model is model and callback.params == {"epochs": 1}
