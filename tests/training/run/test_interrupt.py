"""Ctrl-C while data are waited for: it stops at once, whatever they are for."""

import os
import signal
import threading
import time

import numpy as np
import pytest

from jkeras import layers
from jkeras.models import Sequential

BATCH = np.ones((4, 3), "float32"), np.zeros((4, 2), "float32")
AHEAD = 40  # more batches than a queue and a group of them hold


@pytest.fixture
def model():
    model = Sequential([layers.Dense(2, input_shape=(3,))])
    model.compile("sgd", "mse")
    return model


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("what", ["fit", "validation", "evaluate", "predict"])
def test_ctrl_c_while_data_are_waited_for(model, what, workers):
    made, before, threads = [], signal.getsignal(signal.SIGINT), set(threading.enumerate())

    def batches():
        while True:
            made.append(0)
            if len(made) == 3:
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.2)  # what a slow disk does; the main thread is waiting here, or for this thread
            yield BATCH

    calls = {
        "fit": lambda: model.fit(batches(), steps_per_epoch=1000, workers=workers, verbose=0),
        "validation": lambda: model.fit(
            *BATCH, validation_data=batches(), validation_steps=1000, workers=workers, verbose=0
        ),
        "evaluate": lambda: model.evaluate(batches(), steps=1000, workers=workers, verbose=0),
        "predict": lambda: model.predict(batches(), steps=1000, workers=workers),
    }
    with pytest.raises(KeyboardInterrupt):
        calls[what]()
    for thread in set(threading.enumerate()) - threads:
        thread.join(1800)
        assert not thread.is_alive()
    assert len(made) < AHEAD
    assert signal.getsignal(signal.SIGINT) is before
    assert np.isfinite(model.train_on_batch(*BATCH)), "the model is usable"


@pytest.mark.usefixtures("ignored_ctrl_c")
def test_ctrl_c_that_is_ignored_stays_ignored(model):
    """As under `nohup`: training goes on to its end."""

    def batches():
        for _ in range(6):
            os.kill(os.getpid(), signal.SIGINT)
            yield BATCH

    history = model.fit(batches(), steps_per_epoch=2, epochs=3, workers=0, verbose=0)
    assert len(history.history["loss"]) == 3
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
