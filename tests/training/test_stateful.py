"""Stateful models in fit: what goes on from batch to batch; and blocks of rows that stay together."""

import numpy as np
import pytest

from jkeras import layers
from jkeras.core.random import set_random_seed
from jkeras.models import Sequential

SIZE = 2
X = np.random.RandomState(0).rand(6, 3, 2).astype("float32")
Y = np.random.RandomState(1).rand(6, 2).astype("float32")


def _model():
    set_random_seed(1)
    model = Sequential([layers.SimpleRNN(2, stateful=True, batch_input_shape=(SIZE, 3, 2))])
    model.compile("sgd", "mse", devices=1)
    return model


def _batches(x, y):
    return [(x[i : i + SIZE], y[i : i + SIZE]) for i in range(0, len(x), SIZE)]


def test_validation_goes_on_from_training_and_training_from_validation():
    model, twin = _model(), _model()
    history = model.fit(
        X, Y, SIZE, epochs=2, shuffle=False, validation_data=(X[:4], Y[:4]), verbose=0
    ).history
    losses, val_losses = [], []
    for _ in range(2):
        losses.append(np.mean([twin.train_on_batch(*batch) for batch in _batches(X, Y)]))
        val_losses.append(np.mean([twin.test_on_batch(*batch) for batch in _batches(X[:4], Y[:4])]))
    np.testing.assert_allclose(history["loss"], losses, rtol=1e-5)
    np.testing.assert_allclose(history["val_loss"], val_losses, rtol=1e-5)
    np.testing.assert_allclose(model.predict(X[:2]), twin.predict(X[:2]), rtol=1e-5)
    model.reset_states()
    assert not np.allclose(model.predict(X[:2]), twin.predict(X[:2]))


def test_validation_wants_whole_batches_too():
    with pytest.raises(ValueError, match="stateful.*3 samples"):
        _model().fit(X, Y, SIZE, validation_data=(X[:3], Y[:3]), verbose=0)
    with pytest.raises(ValueError, match="stateful"):
        _model().fit(X, Y, SIZE, validation_split=0.5, verbose=0)


def test_shuffled_blocks_stay_together(monkeypatch):
    from jkeras.training.run.trainer import Trainer

    seen, run = [], Trainer.run

    def noted(self, kind, block, span):
        rows = np.asarray(block.data.x[0])[:, 0]
        order = np.arange(len(rows)) if block.order is None else np.asarray(block.order)
        for i in range(span.start, span.stop):
            seen.append(rows[order][i * block.cut.size :][: block.cut.size_of(i)].tolist())
        return run(self, kind, block, span)

    monkeypatch.setattr(Trainer, "run", noted)
    model = Sequential([layers.Dense(1, input_shape=(1,))])
    model.compile("sgd", "mse", devices=1)
    x = np.arange(23.0)
    model.fit(x, x, batch_size=2, epochs=2, shuffle="batch", verbose=0)
    pairs = [[float(i), i + 1.0] for i in range(0, 22, 2)]
    for epoch in (seen[:12], seen[12:]):
        assert epoch[-1] == [22.0] and sorted(epoch[:-1]) == pairs and epoch[:-1] != pairs
    assert seen[:12] != seen[12:]
    with pytest.raises(ValueError, match="'batches'"):
        model.fit(x, x, shuffle="batches", verbose=0)
