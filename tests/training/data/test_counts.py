"""Numbers of steps, epochs and samples as scripts compute them: `samples / batch_size` is a float."""

import numpy as np
import pytest

from jkeras import layers
from jkeras.callbacks import Callback
from jkeras.models import Sequential
from jkeras.utils import Sequence

BATCH = np.ones((4, 3), "float32"), np.zeros((4, 1), "float32")

#: what is given, and how many batches the real Keras 2.2.4 takes
STEPS = [(10 / 4, 3), (2.0, 2), (0.3, 1), (np.ceil(10 / 4), 3), (np.float32(2.5), 3), (np.int64(2), 2)]
STEPS += [(np.int8(3), 3), (np.array(2), 2), (np.array([2.0]), 2), (True, 1)]
steps = pytest.mark.parametrize(("given", "taken"), STEPS, ids=[repr(given) for given, _ in STEPS])
BAD = [float("nan"), float("inf"), -1, 0, -0.5, "3", np.array([1, 2]), [3]]


class Taken(Callback):
    """Counts batches, epochs, and keeps what it is told."""

    def on_train_begin(self, logs=None):
        self.batches, self.epochs = 0, []

    def on_epoch_begin(self, epoch, logs=None):
        self.epochs.append(epoch)

    def on_batch_end(self, batch, logs=None):
        self.batches += 1


class Five(Sequence):
    def __len__(self):
        return 5

    def __getitem__(self, index):
        return BATCH


def endless():
    while True:
        yield BATCH


@pytest.fixture(scope="module")
def model():
    model = Sequential([layers.Dense(1, input_shape=(3,))])
    model.compile("sgd", "mse")
    return model


@steps
@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("items", [endless, Five])
def test_steps_per_epoch(model, items, workers, given, taken):
    told = Taken()
    model.fit_generator(items(), given, epochs=2, workers=workers, callbacks=[told], verbose=0)
    assert told.batches == 2 * taken
    assert told.params["steps"] is given, "callbacks are told what was given, as in Keras"


@steps
def test_steps_of_arrays(model, given, taken):
    told = Taken()
    model.fit(*BATCH, steps_per_epoch=given, callbacks=[told], verbose=0)
    assert told.batches == taken
    assert len(model.predict(BATCH[0], steps=given)) == 4 * taken
    assert np.isfinite(model.evaluate(*BATCH, steps=given, verbose=0))


@steps
def test_steps_of_generators(model, given, taken):
    made = []

    def counted():
        for batch in endless():
            made.append(0)
            yield batch

    assert len(model.predict_generator(endless(), given)) == 4 * taken
    model.evaluate_generator(counted(), given, workers=0)
    model.fit_generator(endless(), 1, validation_data=counted(), validation_steps=given, workers=0, verbose=0)
    assert len(made) == 2 * taken


def test_epochs(model):
    for first, last, epochs in ((0, 2.0, [0, 1]), (0, 2.5, [0, 1, 2]), (np.float64(2), np.int64(4), [2, 3])):
        told = Taken()
        model.fit_generator(endless(), 1, epochs=last, initial_epoch=first, callbacks=[told], verbose=0)
        assert told.epochs == epochs and told.params["epochs"] is last


def test_validation_steps_of_zero_are_none(model):
    model.fit_generator(Five(), validation_data=Five(), validation_steps=0, verbose=0)
    model.fit_generator(endless(), 1, validation_data=BATCH, validation_steps=0.0, verbose=0)
    with pytest.raises(ValueError, match="validation_steps.*must be given"):
        model.fit_generator(endless(), 1, validation_data=endless(), validation_steps=0, verbose=0)


def test_the_bar_shows_what_is_before_the_point(model, capsys):
    model.fit_generator(endless(), 10 / 4, epochs=1.5, workers=0)
    model.evaluate_generator(endless(), 10 / 4, workers=0, verbose=1)
    model.predict_generator(endless(), 0.5, workers=0, verbose=1)
    out = capsys.readouterr().out
    assert "Epoch 2/1\n" in out  # as the real Keras writes it
    assert [line[:5] for line in out.split("\n") if "===]" in line] == ["3/2 ["] * 3 + ["1/0 ["]


@pytest.mark.parametrize("bad", BAD, ids=repr)
def test_what_is_no_number_of_steps(model, bad):
    calls = {
        "steps_per_epoch": lambda: model.fit_generator(endless(), bad, verbose=0),
        "steps": lambda: model.evaluate_generator(endless(), bad),
        "`steps`": lambda: model.predict(BATCH[0], steps=bad),
        "batch_size": lambda: model.fit(*BATCH, batch_size=bad, verbose=0),
    }
    if bad is not BAD[3]:
        calls["validation_steps"] = lambda: model.fit(Five(), validation_data=Five(), validation_steps=bad)
        calls["epochs"] = lambda: model.fit(*BATCH, epochs=bad, verbose=0)
        calls["initial_epoch"] = lambda: model.fit(*BATCH, initial_epoch=bad, verbose=0)
    if bad is BAD[4]:  # counted up it is 0, which these may be
        del calls["epochs"], calls["initial_epoch"]
    for name, call in calls.items():
        with pytest.raises(ValueError, match=f"{name}.* should be an? .*got"):
            call()


def test_batch_size_is_an_integer(model):
    assert model.fit(*BATCH, batch_size=np.int16(2), verbose=0).params["batch_size"] == 2
    with pytest.raises(ValueError, match="`batch_size` should be an integer of at least 1; got 2.0"):
        model.predict(BATCH[0], batch_size=2.0)
