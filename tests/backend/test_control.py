"""Phases, choices, loops, random numbers."""

from __future__ import annotations

import numpy as np
import pytest

from jkeras import backend as K
from jkeras.layers import BatchNormalization, Dropout, Input, Lambda, Layer
from jkeras.models import Model, Sequential

X = np.random.RandomState(0).rand(6, 4).astype("float32")


@pytest.fixture
def session():
    yield
    K.clear_session()


class Doubled(Layer):
    """Twice the input in training."""

    def call(self, x, training=None):
        return K.in_train_phase(x * 2, x, training=training)


def test_in_train_phase_of_layers_and_of_tensors():
    x = Input((4,))
    for y in (Doubled()(x), K.in_train_phase(x * 2, x), Lambda(lambda x: K.in_test_phase(x, 2 * x))(x)):
        model = Model(x, y)
        model.compile("sgd", "mse")
        assert model.test_on_batch(X, X) < 1e-8
        np.testing.assert_allclose(model.train_on_batch(X, X), (X**2).mean(), rtol=1e-5)


def test_a_fixed_phase_holds_for_the_layers_called_after_it(session):
    K.set_learning_phase(1)
    noisy = Sequential([Dropout(0.5, input_shape=(4,))])
    K.set_learning_phase(0)
    frozen = Sequential([BatchNormalization(input_shape=(4,)), Dropout(0.5)])
    K.clear_session()
    assert (noisy.predict(X) == 0).any()
    frozen.compile("sgd", "mse")
    np.testing.assert_allclose(frozen.train_on_batch(X, frozen.predict(X)), 0, atol=1e-8)
    np.testing.assert_allclose(frozen.get_weights()[2], 0.01 * X.mean(0), rtol=1e-4)  # Keras moves them
    with pytest.raises(ValueError, match="got 2"):
        K.set_learning_phase(2)


def test_switch_chooses_by_value():
    x = K.placeholder((None, 2))
    f = K.function(
        [x], [K.switch(K.greater(x, 0), x, -x), K.switch(K.greater(K.sum(x), 0), lambda: x, lambda: 0 * x)]
    )
    a, b = f([np.array([[1.0, -3.0]])])
    assert a.tolist() == [[1, 3]] and b.tolist() == [[0, 0]]
    with pytest.raises(ValueError, match="more than the expressions"):
        K.switch(np.ones((2, 2)), np.ones(2), np.ones(2))


def test_loops():
    assert K.map_fn(lambda x: x * 2, np.arange(3.0)).tolist() == [0, 2, 4]
    assert float(K.foldl(lambda a, x: a * 2 + x, np.array([1.0, 2.0, 3.0]))) == 11
    assert float(K.foldr(lambda a, x: a * 2 + x, np.array([1.0, 2.0, 3.0]))) == 17


def test_the_function_of_a_loop_may_close_over_tensors_and_variables():
    x, scale, factor = K.placeholder((None, 4)), K.placeholder((4,)), K.variable(2.0)
    rows = K.map_fn(lambda row: row * scale * factor, x)
    first = K.map_fn(lambda i: x[i] + factor, np.arange(2), dtype="float32")
    total = K.foldl(lambda a, row: a + row * factor, x)
    f = K.function([x, scale], [rows, first, total])
    for value in (2.0, 5.0):
        K.set_value(factor, value)  # not a constant of the compiled program
        a, b, c = f([X, np.arange(4)])
        np.testing.assert_allclose(a, X * np.arange(4) * value, rtol=1e-6)
        np.testing.assert_allclose(b, X[:2] + value, rtol=1e-6)
        np.testing.assert_allclose(c, X[0] + value * X[1:].sum(0), rtol=1e-6)


@pytest.mark.parametrize("error", [IndexError, TypeError, KeyError])
def test_errors_of_the_users_function_stay_what_they_are(error):
    def fail(_):
        raise error("of the user")

    with pytest.raises(error) as caught:
        K.map_fn(fail, X)
    assert type(caught.value) is error and not isinstance(caught.value, ValueError)


def test_random_numbers():
    one, same, other = (K.eval(K.random_uniform((500,), -1, 3, seed=s)) for s in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
    assert -1 <= one.min() and one.max() < 3 and abs(one.mean() - 1) < 0.2
    assert abs(K.eval(K.random_normal((500,), 2.0, 0.5, seed=3)).std() - 0.5) < 0.06
    assert np.abs(K.eval(K.truncated_normal((500,), seed=3))).max() <= 2
    assert abs(K.eval(K.random_binomial((500,), 0.3, seed=3)).mean() - 0.3) < 0.08
    assert K.random_uniform_variable((2, 3), 0, 1).shape == (2, 3)
    whole = K.random_uniform((500,), 0, 3, dtype="int32", seed=4)
    assert whole.dtype == "int32" and set(K.eval(whole).tolist()) == {0, 1, 2}
    with pytest.raises(ValueError, match="known shape"):
        K.random_normal((None, 3))


def test_random_numbers_in_a_layer_are_new_at_each_step():
    x = Input((4,))
    model = Model(x, Lambda(lambda x: x + K.random_normal(K.shape(x)))(x))
    a, b = model.predict(X), model.predict(X)
    assert a.shape == X.shape and not np.array_equal(a, b)


def test_dropout():
    y = np.asarray(K.dropout(np.ones((50, 4), "float32"), 0.25, noise_shape=(None, 1), seed=1))
    assert set(np.unique(y)) == {0, np.float32(1 / 0.75)}
    assert (y == y[:, :1]).all()


@pytest.mark.parametrize("what", ["metric", "loss"])
def test_loops_in_a_layer_add_nothing(what):
    class Looping(Layer):
        def call(self, inputs):
            def turn(row):
                self.add_metric(row, name="size") if what == "metric" else self.add_loss(K.sum(row))
                return row

            return K.map_fn(turn, inputs)

    with pytest.raises(ValueError, match="K.map_fn calls add_loss or add_metric.*after the loop"):
        Looping()(Input((4,)))
