"""Where a callback asks for the end of training, and what is still done then: as Keras 2.2.4 does it."""

import numpy as np
import pytest

from jkeras import callbacks, layers
from jkeras.core.random import set_random_seed
from jkeras.models import Sequential

X, Y = np.random.RandomState(0).rand(14, 4), np.random.RandomState(1).rand(14, 1)
HELD = (X[:5], Y[:5], np.arange(5) % 2)


class Stop(callbacks.Callback):
    """Asks at one hook, and counts the batches."""

    def __init__(self, hook, at):
        super().__init__()
        self.at, self.seen = (hook, at), []

    def _maybe(self, hook, at):
        self.seen += [at] if hook == "batch_end" else []
        if self.at == (hook, at):
            self.model.stop_training = True

    def on_epoch_begin(self, epoch, logs=None):
        self._maybe("epoch_begin", epoch)

    def on_batch_begin(self, batch, logs=None):
        self._maybe("batch_begin", batch)

    def on_batch_end(self, batch, logs=None):
        self._maybe("batch_end", batch)


class StopEpoch(callbacks.Callback):
    """Asks at the begin of an epoch; it has no batch hooks."""

    def on_epoch_begin(self, epoch, logs=None):
        self.model.stop_training = True


def _model():
    set_random_seed(0)
    model = Sequential([layers.Dense(1, input_shape=(4,))])
    model.compile("sgd", "mse", weighted_metrics=["mae"])
    return model


def _endless():
    while True:
        for at in range(0, 14, 4):
            yield X[at : at + 4], Y[at : at + 4]


ARRAYS = {"x": X, "y": Y, "batch_size": 4, "shuffle": False}
STREAM = {"x": _endless, "steps_per_epoch": 4}
REPEAT = {"x": X, "y": Y, "steps_per_epoch": 4, "validation_steps": 1}


def _fit(model, how, hooks=()):
    how = how | ({"x": how["x"]()} if callable(how["x"]) else {})
    return model.fit(**how, epochs=2, verbose=0, validation_data=HELD, callbacks=list(hooks))


@pytest.mark.parametrize(
    ("how", "hook", "at", "batches", "validated"),
    [
        (ARRAYS, "epoch_begin", 0, 1, False),
        (ARRAYS, "epoch_begin", 1, 5, True),
        (ARRAYS, "batch_begin", 1, 2, False),
        (ARRAYS, "batch_end", 3, 4, False),
        (STREAM, "epoch_begin", 0, 1, False),
        (STREAM, "batch_end", 1, 2, False),
        (STREAM, "batch_end", 3, 4, True),
        (REPEAT, "epoch_begin", 0, 1, True),
        (REPEAT, "batch_end", 1, 2, True),
    ],
)
def test_stop(how, hook, at, batches, validated):
    stop = Stop(hook, at)
    history = _fit(_model(), how, [stop]).history
    assert len(stop.seen) == batches
    assert ("val_loss" in history) == validated


def test_stop_without_batch_hooks_is_the_same():
    model, other = _model(), _model()
    model.fit(X, Y, batch_size=4, shuffle=False, verbose=0, callbacks=[StopEpoch()])
    other.fit(X[:4], Y[:4], verbose=0)
    np.testing.assert_allclose(model.get_weights()[0], other.get_weights()[0], rtol=1e-5, atol=1e-7)


def test_arrays_beside_a_stream_are_validated_in_batches_of_its_size():
    model = _model()
    history = _fit(model, STREAM).history
    values = model.evaluate(*HELD[:2], sample_weight=HELD[2], batch_size=2, verbose=0)
    np.testing.assert_allclose(
        [history["val_loss"][-1], history["val_weighted_mean_absolute_error"][-1]], values
    )


def test_all_samples_in_every_step_have_the_size_1_in_logs():
    class Sizes(Stop):
        def on_batch_end(self, batch, logs=None):
            self.seen.append(logs["size"])

    split = _model().fit(X, Y, steps_per_epoch=2, validation_split=0.5, validation_steps=1, verbose=0)
    assert split.params["samples"] == 7 and "val_loss" in split.history
    sizes = Sizes("never", 0)
    assert _fit(_model(), REPEAT, [sizes]).params["samples"] == 14
    assert sizes.seen == [1] * 8
