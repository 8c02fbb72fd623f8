"""The loops of `engine.training_arrays`; what is expected comes from a run of Keras 2.2.4."""

from __future__ import annotations

import numpy as np
import pytest

from jkeras.engine import training_arrays as arrays
from jkeras.engine import training_generator as generators
from jkeras.layers import Dense
from jkeras.models import Sequential

X, Y = np.arange(10.0).reshape(5, 2), np.zeros((5, 1))


@pytest.fixture
def model() -> Sequential:
    model = Sequential([Dense(1, input_shape=(2,), kernel_initializer="ones")])
    model.compile("sgd", "mse", metrics=["mae"])
    return model


def test_predict(model):
    def sums(ins):
        return [ins[0].sum(1, keepdims=True)]

    expected = [[1.0], [5.0], [9.0], [13.0], [17.0]]
    assert arrays.predict_loop(model, sums, [X, 0.0], batch_size=2).tolist() == expected
    both = arrays.predict_loop(model, lambda ins: [*sums(ins), ins[0]], [X], batch_size=2)
    assert both[0].tolist() == expected and np.array_equal(both[1], X)


def test_evaluate_weighs_by_the_size_of_the_batches(model):
    def values(ins):
        return [ins[0].mean(), float(len(ins[0]))]

    assert arrays.test_loop(model, values, [X, Y, np.ones(5)], batch_size=2) == pytest.approx([4.5, 1.8])
    assert arrays.test_loop(model, lambda ins: 3.0, [], steps=2) == 3.0


def test_fit(model):
    seen = []

    def train(ins):
        seen.append(ins[0][:, 0].tolist())
        return [float(len(seen)), 1.0]

    data = [X, Y, np.ones(5)]
    history = arrays.fit_loop(
        model,
        train,
        data,
        out_labels=["loss", "acc"],
        batch_size=2,
        epochs=2,
        verbose=0,
        val_f=lambda ins: [7.0, float(len(ins[0]))],
        val_ins=data,
        callback_metrics=["loss", "acc"],
        shuffle=False,
    ).history
    assert seen == 2 * [[0.0, 2.0], [4.0, 6.0], [8.0]]
    expected = {"val_loss": [7.0, 7.0], "val_acc": [1.8, 1.8], "loss": [1.8, 4.8], "acc": [1.0, 1.0]}
    assert history.keys() == expected.keys()
    assert all(history[name] == pytest.approx(expected[name]) for name in expected)


def test_fit_by_steps_and_in_another_order(model):
    steps = arrays.fit_loop(
        model,
        lambda ins: [2.0],
        [],
        ["loss"],
        epochs=1,
        verbose=0,
        steps_per_epoch=3,
        callback_metrics=["loss"],
    )
    assert steps.history == {"loss": [2.0]}
    seen = []
    for shuffle in (True, "batch"):
        arrays.fit_loop(
            model, lambda ins: seen.extend(ins[0][:, 0]) or [0.0], [X], epochs=1, verbose=0, shuffle=shuffle
        )
    assert sorted(seen) == sorted([*X[:, 0], *X[:, 0]])
    with pytest.raises(ValueError, match="steps_per_epoch"):
        arrays.fit_loop(model, lambda ins: [0.0], [X], validation_steps=3)


def test_generators(model):
    def batches():
        while True:
            yield X, Y

    history = generators.fit_generator(model, batches(), 2, epochs=1, verbose=0, workers=0)
    assert len(history.history["loss"]) == 1
    assert generators.predict_generator(model, batches(), 2, workers=0).shape == (10, 1)
    assert len(generators.evaluate_generator(model, batches(), 2, workers=0)) == 2
