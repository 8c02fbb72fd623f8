"""The loop and its callbacks over 300 batches: what a hook sees, what it may change, what it costs."""

import jax
import numpy as np
import pytest

from jkeras import backend as K
from jkeras import callbacks, layers, optimizers
from jkeras.core.random import set_random_seed
from jkeras.models import Sequential

BATCHES, SIZE = 300, 2
ROWS = BATCHES * SIZE - 1  # the last batch is smaller
RANDOM = np.random.RandomState(0)
X, Y = RANDOM.rand(ROWS, 3).astype("float32"), RANDOM.rand(ROWS, 1).astype("float32")


def _model():
    set_random_seed(0)
    model = Sequential([layers.Dense(1, input_shape=(3,))])
    model.compile(optimizers.SGD(0.1, momentum=0.5), "mse", metrics=["mae"])
    return model


def _cut(i):
    return X[i * SIZE : (i + 1) * SIZE], Y[i * SIZE : (i + 1) * SIZE]


def _recorder(begin, end, seen):
    """A callback with these two hooks, which note what they are told."""
    hooks = {
        begin: lambda self, batch, logs=None: seen.append((batch, dict(logs))),
        end: lambda self, batch, logs=None: seen.append((batch, dict(logs))),
    }
    return type("Recorder", (callbacks.Callback,), hooks)()


def _told(values):
    """What the hooks of these batches should have been told."""
    for batch, found in enumerate(values):
        about = {"batch": batch, "size": len(_cut(batch)[0])}
        yield batch, about
        yield batch, about | dict(zip(("loss", "mean_absolute_error"), found, strict=True))


def _same(seen, told):
    assert len(seen) == len(told)
    for (batch, logs), (number, expected) in zip(seen, told, strict=True):
        assert batch == number and list(logs) == list(expected)
        assert all(type(value) in (int, float) for value in logs.values())
        np.testing.assert_allclose(list(logs.values()), list(expected.values()), rtol=2e-5, atol=1e-7)


@pytest.mark.parametrize("names", ["on_batch", "on_train_batch", "lambda"])
def test_training_hooks_see_every_batch(names):
    seen = []
    hook = _recorder(f"{names}_begin", f"{names}_end", seen)
    if names == "lambda":
        both = {f"on_batch_{when}": lambda i, logs: seen.append((i, dict(logs))) for when in ("begin", "end")}
        hook = callbacks.LambdaCallback(**both)
    model, other = _model(), _model()
    history = model.fit(X, Y, SIZE, shuffle=False, verbose=0, callbacks=[hook]).history
    values = [other.train_on_batch(*_cut(i)) for i in range(BATCHES)]
    _same(seen, list(_told(values)))
    sizes = [len(_cut(i)[0]) for i in range(BATCHES)]
    np.testing.assert_allclose(history["loss"], np.average([v[0] for v in values], weights=sizes), rtol=1e-5)


def test_hooks_of_evaluate_and_predict_see_every_batch():
    seen, rows = [], []
    model = _model()
    hook = _recorder("on_test_batch_begin", "on_test_batch_end", seen)
    model.evaluate(X, Y, SIZE, verbose=0, callbacks=[hook])
    _same(seen, list(_told([model.test_on_batch(*_cut(i)) for i in range(BATCHES)])))
    hook = _recorder("on_predict_batch_begin", "on_predict_batch_end", rows)
    model.predict(X, SIZE, callbacks=[hook])
    assert rows[::2] == rows[1::2] == [(i, {"batch": i, "size": len(_cut(i)[0])}) for i in range(BATCHES)]


class Changes(callbacks.Callback):
    """Changes the learning rate, the weights and the end of training, at one hook."""

    def __init__(self, hook):
        super().__init__()
        self.hook = hook

    def on_batch_begin(self, batch, logs=None):
        self._change("begin", batch)

    def on_batch_end(self, batch, logs=None):
        self._change("end", batch)

    def _change(self, hook, batch):
        if hook == self.hook:
            change(self.model, batch)
            self.model.stop_training = batch == 123


def change(model, batch):
    K.set_value(model.optimizer.lr, 0.1 / (1 + batch % 7))
    if batch % 50 == 20:
        model.set_weights([w / 2 for w in model.get_weights()])


@pytest.mark.parametrize("hook", ["begin", "end"])
def test_what_a_hook_changes_takes_effect_at_once(hook):
    model, other = _model(), _model()
    model.fit(X, Y, SIZE, epochs=2, shuffle=False, verbose=0, callbacks=[Changes(hook)])
    for i in range(124):
        if hook == "begin":
            change(other, i)
        other.train_on_batch(*_cut(i))
        if hook == "end":
            change(other, i)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


class Counts:
    """How often programs are dispatched, and how often the host reads from a device or waits for it."""

    def __init__(self, monkeypatch, trainer):
        self.dispatches = self.reads = 0
        dispatch, array, wait = trainer._dispatch, np.asarray, jax.block_until_ready

        def dispatched(*args):
            self.dispatches += 1
            return dispatch(*args)

        def read(a, *args, **kwargs):
            self.reads += isinstance(a, jax.Array)
            return array(a, *args, **kwargs)

        def waited(x):
            self.reads += 1
            return wait(x)

        monkeypatch.setattr(trainer, "_dispatch", dispatched)
        monkeypatch.setattr(np, "asarray", read)
        monkeypatch.setattr(jax, "block_until_ready", waited)


@pytest.mark.parametrize("validated", [False, True])
def test_without_batch_hooks_no_step_is_waited_for(monkeypatch, validated):
    model = _model()
    more = {"validation_data": (X, Y)} if validated else {}
    model.fit(X, Y, SIZE, epochs=2, verbose=0, **more)  # compiled, and measured
    pace = model._trainer.step_seconds
    pace.update(dict.fromkeys(pace, 1e-6))  # whatever else keeps this machine busy
    counts = Counts(monkeypatch, model._trainer)
    model.fit(X, Y, SIZE, epochs=3, verbose=0, **more)
    assert counts.dispatches == 3 * (1 + validated), "an epoch is one dispatch, and so is its validation"
    assert 3 <= counts.reads <= 3 * counts.dispatches, "read once an epoch, not once a step"
    before = counts.dispatches
    model.fit(X, Y, SIZE, verbose=0, callbacks=[Changes("never")])
    assert counts.dispatches - before == BATCHES and counts.reads > BATCHES, "batch hooks do cost this"
