"""What callbacks find as `validation_data`."""

import numpy as np
import pytest

from jkeras.callbacks import Callback
from jkeras.layers import Dense, Dropout
from jkeras.models import Sequential

X, Y = np.zeros((6, 4)), np.zeros((6, 2))


class Look(Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.seen = self.validation_data


@pytest.fixture(scope="module", params=[0, 1])
def model(request):
    model = Sequential([Dense(2, input_shape=(4,)), *[Dropout(0.5)] * request.param])
    model.compile("sgd", "mse")
    return model


def seen(model, x=X, y=Y, **more):
    look = Look()
    model.fit(x, y, verbose=0, callbacks=[look], **more)
    return look.seen


def test_validation_data_of_callbacks(model):
    """As recorded of Keras 2.2.4: the 0 at the end is the learning phase of a model with dropout."""
    phase = [()] if model.uses_learning_phase else []
    assert seen(model) == []
    for more, rows in (({"validation_data": (X, Y)}, 6), ({"validation_split": 0.5}, 3)):
        assert [np.shape(a) for a in seen(model, **more)] == [(rows, 4), (rows, 2), (rows,), *phase]


def test_data_that_yield_batches_cannot_be_seen(model):
    def batches():
        return iter([(X, Y)] * 3)

    assert seen(model, batches(), None, steps_per_epoch=1) is None
    steps = {"steps_per_epoch": 1, "validation_steps": 1}
    assert seen(model, batches(), None, validation_data=batches(), **steps) is None
    assert len(seen(model, batches(), None, steps_per_epoch=1, validation_data=(X, Y))) >= 3
