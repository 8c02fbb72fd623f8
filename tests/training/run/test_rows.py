"""The number of rows is an argument of a program, not a part of it."""

from __future__ import annotations

import numpy as np
import pytest

from jkeras.layers import Dense
from jkeras.models import Sequential
from tests.compilations import counted

X = np.random.RandomState(0).normal(size=(61, 3)).astype("float32")
Y = X[:, :2] * 2


@pytest.fixture(scope="module")
def model():
    model = Sequential([Dense(2, input_shape=(3,))])
    model.compile("sgd", "mse")
    return model


def test_fit_on_more_and_more_rows_compiles_once(model):
    model.fit(X[:20], Y[:20], batch_size=8, verbose=0)
    with counted() as count:
        for rows in (29, 37, 50, 61):
            model.fit(X[:rows], Y[:rows], batch_size=8, verbose=0)
    assert count[0] == 0


def test_evaluate_on_any_number_of_rows_compiles_once_and_counts_only_them(model):
    expected = [float(np.mean((model.predict(X[:rows]) - Y[:rows]) ** 2)) for rows in (20, 29, 61)]
    model.evaluate(X[:20], Y[:20], batch_size=8, verbose=0)
    with counted() as count:
        losses = [model.evaluate(X[:rows], Y[:rows], batch_size=8, verbose=0) for rows in (20, 29, 61)]
    assert count[0] == 0
    np.testing.assert_allclose(losses, expected, rtol=1e-5)


def test_single_batches_of_any_size_need_few_programs(model):
    with counted() as count:
        outputs = [model.predict_on_batch(X[:rows]) for rows in range(1, 33)]
    assert count[0] <= 7
    for rows, y in enumerate(outputs, 1):
        np.testing.assert_allclose(y, outputs[-1][:rows], rtol=1e-5, atol=1e-6)


def test_a_batch_that_is_filled_up_counts_for_its_own_rows_alone():
    losses = []
    for earlier in ((), (1, 2, 3, 4)):  # sizes that are computed as they are
        model = Sequential([Dense(2, input_shape=(3,), kernel_initializer="ones")])
        model.compile("sgd", "mse")
        for rows in earlier:
            model.test_on_batch(X[:rows], Y[:rows])
        losses.append(model.test_on_batch(X[:5], Y[:5]))
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-6)
