"""Compiled programs are used again as long as they are used at all, and their number has a bound."""

import gc
import weakref

import numpy as np
import pytest

from jkeras import layers
from jkeras.callbacks import Callback
from jkeras.models import Sequential
from jkeras.training.run.program_cache import Programs


@pytest.fixture
def model():
    model = Sequential([layers.Dense(2, input_shape=(3,))])
    model.compile("sgd", "mse", devices=1)
    return model


def _data(n):
    return np.ones((n, 3), "float32"), np.zeros((n, 2), "float32")


def _bound(model, most):
    for programs in model._trainer._programs.values():
        programs.most = most


def test_many_sizes_are_built_once():
    programs, built = Programs(), []
    for _ in range(2):
        for size in range(500):
            programs.get(size, lambda size=size: built.append(size) or len)
    assert built == list(range(500))


def test_what_is_used_is_kept(model):
    """A size that comes again and again among ever new ones is compiled once."""
    _bound(model, 3)
    for call in (
        model.predict_on_batch,
        lambda x: model.train_on_batch(*_data(len(x))),
        lambda x: model.test_on_batch(*_data(len(x))),
    ):
        before = model._trainer.compilations
        for size in range(2, 8):
            call(_data(1)[0])
            call(_data(size)[0])
        assert model._trainer.compilations == before + 5, "sizes 1 to 4, and 8 for all above"


def test_the_least_recently_used_is_dropped(model):
    _bound(model, 2)
    kept = model._trainer._programs["predict"]
    model.predict_on_batch(_data(1)[0])
    dropped = weakref.ref(next(iter(kept.kept.values())))
    model.predict_on_batch(_data(2)[0])
    gc.collect()
    assert dropped() is not None
    model.predict_on_batch(_data(3)[0])
    gc.collect()
    assert len(kept.kept) == 2 and dropped() is None, "its memory is free again"


def test_lengths_count_as_sizes_do():
    """Sequences of ever new lengths in batches of one size are bounded as well."""
    model = Sequential([layers.GlobalAveragePooling1D(input_shape=(None, 3))])
    model.compile("sgd", "mse", devices=1)
    _bound(model, 2)
    for length in (4, 5, 6):
        model.predict_on_batch(np.ones((1, length, 3)))
    assert len(model._trainer._programs["predict"].kept) == 2
    before = model._trainer.compilations
    model.predict_on_batch(np.ones((1, 5, 3)))
    assert model._trainer.compilations == before


def test_predictions_in_a_callback_leave_the_training_alone(model):
    class Looks(Callback):
        def on_epoch_end(self, epoch, logs=None):
            for size in range(1, 4):
                self.model.predict_on_batch(_data(4 * epoch + size)[0])

    _bound(model, 2)
    x, y = _data(8)
    model.fit(x, y, batch_size=4, verbose=0)
    before = model._trainer.compilations
    model.fit(x, y, batch_size=4, epochs=3, verbose=0, callbacks=[Looks()])
    assert model._trainer.compilations == before + 6, "sizes 1, 2, 3, 5, 8, 16, nothing else"


def test_batches_of_changing_size_from_a_generator(model):
    sizes = [3, 1, 2, 3, 2, 1] * 2
    model.fit((_data(n) for n in sizes), steps_per_epoch=6, epochs=2, shuffle=False, verbose=0)
    before = model._trainer.compilations
    model.fit((_data(n) for n in sizes), steps_per_epoch=12, epochs=1, shuffle=False, verbose=0)
    assert model._trainer.compilations == before
