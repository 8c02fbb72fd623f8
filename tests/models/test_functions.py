"""`model.train_function` and its like: called by scripts, and scripts' own in their place."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from jkeras import backend as K
from jkeras.layers import Dense, Dropout, Input
from jkeras.models import Model, Sequential

rows = np.random.RandomState(0)
WEIGHTS = [rows.randn(3, 2) / 2, rows.randn(2) / 10]
X, Y = rows.randn(10, 3).astype("float32"), rows.randn(10, 2).astype("float32")


def network(*more):
    model = Sequential([Dense(2, input_shape=(3,)), *more])
    model.set_weights(WEIGHTS)
    model.compile("sgd", "mse", metrics=["mae"])
    return model


def test_they_are_made_once_the_model_is_compiled():
    model = Sequential([Dense(2, input_shape=(3,))])
    assert not hasattr(model, "train_function")
    with pytest.raises(RuntimeError, match="call model.compile"):
        model._make_train_function()
    model._make_predict_function()
    assert model.predict_function([X])[0].shape == (10, 2)
    model.compile("sgd", "mse")
    assert (model.train_function, model.test_function, model.predict_function) == (None, None, None)
    model._make_train_function()
    made = model.train_function
    model._make_train_function()
    assert model.train_function is made and len(model.optimizer.weights) == 3
    assert copy.copy(model).train_function is None


@pytest.mark.parametrize("weights", [np.ones(10), np.arange(10.0)])
def test_a_call_is_a_step(weights):
    one, other = network(), network()
    one._make_train_function()
    one._make_test_function()
    assert one.test_function([X, Y, weights]) == other.test_on_batch(X, Y, weights)
    assert one.train_function([X, Y, weights]) == other.train_on_batch(X, Y, weights)
    assert one.train_function([X, Y, weights, 1.0]) == other.train_on_batch(X, Y, weights)
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        assert np.array_equal(a, b)


def test_what_a_call_refuses():
    model = network()
    model._make_train_function()
    with pytest.raises(
        ValueError, match="takes a list of 3 arrays .inputs, targets and sample weights.*got 2"
    ):
        model.train_function([X, Y])
    with pytest.raises(ValueError, match="train_function of a model has a learning phase of its own; got 0"):
        model.train_function([X, Y, np.ones(10), 0])


def test_a_function_of_the_user_makes_the_steps_of_fit():
    model, plain, sizes = network(), network(), []
    model._make_train_function()
    ours = model.train_function

    def theirs(arrays):
        sizes.append([a.shape for a in arrays])
        return ours(arrays)

    model.train_function = theirs
    found = model.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0).history
    expected = plain.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0).history
    assert {k: pytest.approx(v, rel=1e-6) for k, v in expected.items()} == found
    assert sizes == [[(4, 3), (4, 2), (4,)], [(4, 3), (4, 2), (4,)], [(2, 3), (2, 2), (2,)]] * 2
    model.compile("sgd", "mse")
    model.train_on_batch(X, Y)
    assert len(sizes) == 6


def test_functions_of_the_user_test_and_predict():
    model = network()
    model.test_function = lambda arrays: [1.0, float(len(arrays[0]))]
    model.predict_function = lambda arrays: [arrays[0] * 2]
    assert model.evaluate(X, Y, batch_size=5, verbose=0) == [1.0, 5.0]
    assert model.test_on_batch(X, Y) == [1.0, 10.0]
    np.testing.assert_array_equal(model.predict(X, batch_size=4), X * 2)
    model.test_function = model.predict_function = None
    assert model.predict(X).shape == (10, 2)


def slow_weights(model, fast_function):
    """Lookahead, as scripts put it into a model: every other step the weights go half of the way back."""
    fast = model._collected_trainable_weights
    slow, count = [K.variable(p) for p in fast], [0]
    follow = [K.update(q, q + 0.5 * (p - q)) for p, q in zip(fast, slow, strict=True)]
    back = [K.update(p, q) for p, q in zip(fast, slow, strict=True)]

    def function(arrays):
        count[0] += 1
        found = fast_function(arrays)
        if count[0] % 2 == 0:
            K.batch_get_value(follow)
            K.batch_get_value(back)
        return found

    return function


def test_lookahead_is_put_into_a_model():
    model, plain = network(Dropout(1e-9)), network()
    assert model._uses_dynamic_learning_phase() and not plain._uses_dynamic_learning_phase()
    inputs = [*model._feed_inputs, *model._feed_targets, *model._feed_sample_weights, K.learning_phase()]
    updates = model.optimizer.get_updates(params=model._collected_trainable_weights, loss=model.total_loss)
    updates = model.updates + updates + model.metrics_updates
    outputs = [model.total_loss, *model.metrics_tensors]
    model.train_function = slow_weights(
        model, K.function(inputs, outputs, updates=updates, **model._function_kwargs)
    )
    history = model.fit(X, Y, batch_size=5, epochs=2, shuffle=False, verbose=0).history
    slow, losses = WEIGHTS, []
    for step in range(4):
        half = slice(step % 2 * 5, step % 2 * 5 + 5)
        losses.append(plain.train_on_batch(X[half], Y[half])[0])
        if step % 2:
            slow = [q + 0.5 * (p - q) for p, q in zip(plain.get_weights(), slow, strict=True)]
            plain.set_weights(slow)
    np.testing.assert_allclose(history["loss"], np.reshape(losses, (2, 2)).mean(1), rtol=1e-5)
    for a, b in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)
    assert K.get_value(model.optimizer.iterations) == 4


class Doubled(Model):
    def _make_train_function(self):
        if self.train_function is None:
            inputs = self._feed_inputs + self._feed_targets + self._feed_sample_weights
            updates = self.optimizer.get_updates(
                params=self._collected_trainable_weights, loss=2 * self.total_loss
            )
            self.train_function = K.function(
                inputs, [self.total_loss, *self.metrics_tensors], updates=updates
            )


def test_a_subclass_makes_its_own_train_function():
    x = Input((3,))
    model, plain = Doubled(x, Dense(2)(x)), network()
    model.set_weights(WEIGHTS)
    model.compile("sgd", "mse", metrics=["mae"])
    K.set_value(plain.optimizer.lr, 0.02)
    found = model.fit(X, Y, batch_size=5, shuffle=False, verbose=0).history
    expected = plain.fit(X, Y, batch_size=5, shuffle=False, verbose=0).history
    assert {k: pytest.approx(v, rel=1e-5) for k, v in expected.items()} == found
    for a, b in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def test_updates_are_applied_when_their_value_is_asked_for():
    a, b = K.variable(1.0), K.variable(10.0)
    assert K.get_value(K.update_add(a, 1.0)) == 2.0 == K.get_value(a)
    swap = [K.update(a, b), K.update(b, a)]  # all at once
    assert K.batch_get_value([*swap, b]) == [10.0, 2.0, 2.0]
    assert K.batch_get_value(swap) == [2.0, 10.0]
