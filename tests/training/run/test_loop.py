"""The loop: the same bits whatever looks on, exact resume, interruption, counts of compilations."""

import gc
import os
import signal

import jax
import numpy as np
import pytest

from jkeras import backend as K
from jkeras import callbacks, layers, optimizers
from jkeras.core.random import set_random_seed
from jkeras.models import Sequential
from jkeras.training.data.samples import aligned

ROWS, SIZE = 50, 8


@pytest.fixture
def data():
    random = np.random.RandomState(0)
    return random.rand(ROWS, 5).astype("float32"), np.eye(3, dtype="float32")[random.randint(0, 3, ROWS)]


def _model(convolution=False, devices=1):
    set_random_seed(1)
    front = [layers.Dense(6, input_shape=(5,), activation="relu")]
    if convolution:
        front = [layers.Reshape((5, 1), input_shape=(5,)), layers.Conv1D(3, 2), layers.Flatten()]
    model = Sequential(
        [*front, layers.BatchNormalization(), layers.Dropout(0.5), layers.Dense(3, activation="softmax")]
    )
    model.compile(
        optimizers.SGD(0.1, momentum=0.9), "categorical_crossentropy", metrics=["accuracy"], devices=devices
    )
    return model


class Steps(callbacks.Callback):
    """Looks at every batch."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_batch_begin(self, batch, logs=None):
        self.seen.append(("begin", batch, logs["size"]))

    def on_batch_end(self, batch, logs=None):
        assert logs["batch"] == batch and isinstance(logs["loss"], float)
        self.seen.append(("end", batch, logs["size"]))


class Three(callbacks.Callback):
    """Wants control after every three steps."""

    def chunk_limit(self, step):
        return 3


def _fit(data, hooks=(), verbose=0, model=None, **more):
    model = model or _model()
    set_random_seed(2)
    history = model.fit(*data, batch_size=SIZE, epochs=4, verbose=verbose, callbacks=list(hooks), **more)
    return [w.tobytes() for w in model.get_weights()], history.history


@pytest.mark.parametrize("convolution", [False, True])
def test_no_bit_depends_on_who_looks_on(data, convolution, capsys):
    plain = _fit(data, model=_model(convolution))
    for hooks, verbose in (([], 1), ([], 2), ([Steps()], 0), ([Three()], 1)):
        assert _fit(data, hooks, verbose, _model(convolution)) == plain
    capsys.readouterr()


def test_batch_hooks_see_every_batch_in_order(data):
    steps = Steps()
    _fit(data, [steps], shuffle=False)
    sizes = [SIZE] * (ROWS // SIZE) + [ROWS % SIZE]
    epoch = [(hook, i, size) for i, size in enumerate(sizes) for hook in ("begin", "end")]
    assert steps.seen == epoch * 4


def test_an_epoch_is_one_dispatch(data, monkeypatch):
    model = _model()
    _fit(data, model=model)
    spans = []
    run = model._trainer.run
    monkeypatch.setattr(
        model._trainer, "run", lambda kind, block, span: spans.append(span) or run(kind, block, span)
    )
    _fit(data, model=model)
    assert [(span.epoch, span.start, span.stop) for span in spans] == [(epoch, 0, 7) for epoch in range(4)]


def test_compilations_do_not_grow(data):
    model = _model()
    x, y = data
    _fit(data, model=model, validation_data=(x[:20], y[:20]))
    model.evaluate(x[:20], y[:20], batch_size=SIZE, verbose=0)
    model.predict(x)
    model.train_on_batch(x[:4], y[:4])
    before = model._trainer.compilations
    assert before <= 4
    live = None
    for _ in range(3):
        _fit(data, model=model, validation_data=(x[:20], y[:20]))
        model.predict(x)
        model.train_on_batch(x[:4], y[:4])
        model.optimizer.lr = 0.01
        gc.collect()
        count = len(jax.live_arrays())
        assert live is None or count <= live
        live = count
    assert model._trainer.compilations == before


@pytest.mark.parametrize("trainable", [True, False])
def test_convolutions_stay_in_the_loop(data, trainable, monkeypatch):
    """On a CPU too: all are in the layout that XLA is fast in there."""
    model = _model(convolution=True)
    model.get_layer(index=1).trainable = trainable
    model.compile("sgd", "mse")
    kinds = []
    single, chunk = (getattr(model._trainer, name) for name in ("_one_step", "_steps_of_chunk"))
    monkeypatch.setattr(model._trainer, "_one_step", lambda *a: kinds.append("single") or single(*a))
    monkeypatch.setattr(
        model._trainer, "_steps_of_chunk", lambda kind, *a: kinds.append(kind) or chunk(kind, *a)
    )
    _fit(data, model=model)
    model.evaluate(*data, batch_size=SIZE, verbose=0)
    assert set(kinds) == {"train", "test"}


class StopAt(callbacks.Callback):
    """Notes where it was, with all that a resume needs, and ends the training there."""

    def __init__(self, epoch, step, model):
        super().__init__()
        self.at, self.target, self.saved = (epoch, step), model, None

    def chunk_limit(self, step):
        return self.at[1] - step if step < self.at[1] else None

    def on_boundary(self, epoch, step):
        if (epoch, step) == self.at:
            self.saved = {
                "weights": self.target.get_weights(),
                "optimizer": self.target.optimizer.get_weights(),
                "callbacks": self.list.get_state(),
                "start": {"epoch": epoch, "step": step, "fit": self.list.fit_state},
            }
            raise KeyboardInterrupt

    def resume(self, callbacks):
        self.list = callbacks


class Resume(callbacks.Callback):
    """Puts back what `StopAt` saved."""

    def __init__(self, saved, model):
        super().__init__()
        self.saved, self.target = saved, model

    def resume(self, callbacks):
        self.target.set_weights(self.saved["weights"])
        self.target.optimizer.set_weights(self.saved["optimizer"])
        callbacks.set_state(self.saved["callbacks"])
        return self.saved["start"]


@pytest.mark.parametrize("at", [(1, 3), (2, 7), (3, 0)])
def test_resume_is_exact(data, at):
    plain = _fit(data)
    model = _model()
    stop = StopAt(*at, model)
    with pytest.raises(KeyboardInterrupt):
        _fit(data, [stop], model=model)
    again = _model()
    weights, history = _fit(data, [Resume(stop.saved, again)], model=again)
    assert weights == plain[0]
    for name, values in history.items():
        assert values[-1] == plain[1][name][-1]


@pytest.mark.usefixtures("ctrl_c")
def test_interrupt_takes_effect_between_dispatches(data):
    class Press(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                os.kill(os.getpid(), signal.SIGINT)
                self.after = True  # noted only: the hook runs to its end

    press, model = Press(), _model()
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        _fit(data, [press], model=model)
    assert press.after and signal.getsignal(signal.SIGINT) is before
    expected = _model()
    set_random_seed(2)
    expected.fit(*data, batch_size=SIZE, epochs=2, verbose=0)
    for a, b in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_exception_leaves_a_usable_model(data):
    class Fail(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise RuntimeError("mine")

    def broken():
        yield data[0][:4], data[1][:4]
        raise OSError("disk")

    model = _model()
    for make in (
        lambda: _fit(data, [Fail()], model=model),
        lambda: model.fit(broken(), steps_per_epoch=3, verbose=0),
    ):
        with pytest.raises((RuntimeError, OSError), match="mine|disk"):
            make()
        assert np.isfinite(model.predict(data[0])).all()
    model.fit(*data, verbose=0)


def test_weights_may_be_read_and_set_at_any_time(data):
    class Keep(callbacks.Callback):
        kept = ()

        def on_epoch_end(self, epoch, logs=None):
            self.kept = [w.value for w in self.model.weights]
            self.model.set_weights(self.model.get_weights())
            self.model.optimizer.lr = 0.1

    keep = Keep()
    assert _fit(data, [keep]) == _fit(data)
    for array in keep.kept:
        assert np.isfinite(np.asarray(array)).all()


def test_streams_train_as_arrays_do(data):
    x, y = data

    def batches():
        while True:
            for at in range(0, ROWS, SIZE):
                yield x[at : at + SIZE], y[at : at + SIZE]

    class Batches:
        def __len__(self):
            return 7

        def __getitem__(self, i):
            return x[i * SIZE : (i + 1) * SIZE], y[i * SIZE : (i + 1) * SIZE]

        def on_epoch_end(self):
            pass

    def train(source, **more):
        model = _model()
        set_random_seed(2)
        history = model.fit(source, epochs=3, verbose=0, shuffle=False, **more)
        return model.get_weights(), history.history, model.evaluate(source, verbose=0, steps=7)

    model = _model()
    set_random_seed(2)
    history = model.fit(x, y, batch_size=SIZE, epochs=3, verbose=0, shuffle=False)
    expected = model.get_weights(), history.history, model.evaluate(x, y, batch_size=SIZE, verbose=0)
    for source, more in ((batches(), {"steps_per_epoch": 7}), (Batches(), {}), (list_of(batches()), {})):
        found = train(source, **more)
        for a, b in zip(found[0], expected[0], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
        for name, values in found[1].items():
            np.testing.assert_allclose(values, expected[1][name], rtol=1e-5)
        np.testing.assert_allclose(found[2], expected[2], rtol=1e-5)


class list_of:
    """An iterable that starts anew each time, as a torch DataLoader does."""

    def __init__(self, batches):
        self.batches = [next(batches) for _ in range(7)]

    def __iter__(self):
        return iter(self.batches)


def test_large_arrays_stream(data, monkeypatch):
    from jkeras.training.devices import Layout

    plain = _fit(data)
    monkeypatch.setattr(Layout, "budget", 10)
    weights, history = _fit(data)
    for name, values in history.items():
        np.testing.assert_allclose(values, plain[1][name], rtol=1e-5)


def test_predict_forms(data):
    x, _ = data
    model = _model()
    whole = model.predict(x, batch_size=ROWS)
    assert whole.flags.writeable
    np.testing.assert_allclose(model.predict(x, batch_size=7), whole, atol=1e-6)
    np.testing.assert_allclose(model.predict_on_batch(x), whole, atol=1e-6)
    np.testing.assert_allclose(
        model.predict((x[i : i + 10] for i in (0, 10, 20)), steps=3), whole[:30], atol=1e-6
    )


def test_recorders_may_hear_later(data, monkeypatch):
    plain = _fit(data)
    for recorder in (callbacks.BaseLogger, callbacks.History):
        monkeypatch.setattr(recorder, "records_only", True, raising=False)
    assert _fit(data) == plain
    model = _model()
    count = iter(range(3))
    monkeypatch.setattr(model._trainer, "_dispatch", _failing(model._trainer._dispatch, count))
    with pytest.raises(OSError, match="gone"):
        model.fit(*data, batch_size=ROWS, epochs=5, verbose=0)
    assert model.history.epoch == [0, 1, 2]  # the epochs that were finished are told all the same


def _failing(dispatch, count):
    def run(*args):
        if next(count, None) is None:
            raise OSError("gone")
        return dispatch(*args)

    return run


def test_arrays_may_be_used_again_for_the_next_batch():
    """A step takes the user's own arrays; it is over when `train_on_batch` returns."""
    batches = np.random.RandomState(0).rand(20, 64, 6).astype("float32")
    copied, reused = _dense(), _dense()
    reused.set_weights(copied.get_weights())
    room, target = np.empty((64, 6), "float32"), np.empty((64, 1), "float32")
    for batch in batches:
        room[:], target[:] = batch, batch[:, :1]
        reused.train_on_batch(room, target)
        room[:], target[:] = np.nan, np.nan
        copied.train_on_batch(batch.copy(), batch[:, :1].copy())
    for a, b in zip(copied.get_weights(), reused.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("devices", [1, 2])
def test_what_a_layer_keeps_of_a_batch_is_its_own(devices):
    """jax takes an aligned array over as it is, and a program may return it unchanged."""

    class Keep(layers.Layer):
        def build(self, input_shape):
            self.last = self.add_weight(name="last", shape=(64, 64), initializer="zeros", trainable=False)
            super().build(input_shape)

        def call(self, inputs):
            self.add_update(K.update(self.last, inputs))
            return inputs

    model = Sequential([Keep(input_shape=(64,)), layers.Dense(1)])
    model.compile("sgd", "mse", devices=devices)
    room = aligned((64, 64), "float32")
    for step in (model.train_on_batch, model.test_on_batch):
        room[:] = 1
        model.train_on_batch(room, np.ones((64, 1)))
        step(room, np.ones((64, 1)))
        room[:] = 7
        np.testing.assert_array_equal(model.layers[0].last.numpy(), 1)


def _dense():
    model = Sequential([layers.Dense(8, activation="relu", input_dim=6), layers.Dense(1)])
    model.compile("sgd", "mse")
    return model
