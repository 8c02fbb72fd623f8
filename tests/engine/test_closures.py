"""Code that closes over symbolic tensors: Lambdas, layers, cells, losses.

Right values: Keras 2.2.4 and formulas; all weights are ones.
"""

from __future__ import annotations

import numpy as np
import pytest

from jkeras import backend as K
from jkeras.layers import (
    RNN,
    Activation,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    Input,
    Lambda,
    Layer,
    Masking,
    MaxPooling2D,
    TimeDistributed,
    add,
    concatenate,
)
from jkeras.models import Model, Sequential, clone_model, load_model

X = np.arange(12).reshape(4, 3).astype("float32") / 10
ROWS = X.sum(1, keepdims=True)  # what a Dense of ones makes of X


def ones(units, **words):
    return Dense(units, kernel_initializer="ones", **words)


def test_a_lambda_closes_over_a_tensor():
    i = Input((3,))
    z = ones(3)(i)
    model = Model(i, Lambda(lambda x: x * z)(i))
    np.testing.assert_allclose(model.predict(X), X * ROWS, rtol=1e-6)
    np.testing.assert_allclose(np.asarray(model(X)), X * ROWS, rtol=1e-6)


def test_layers_that_only_code_reaches_are_no_part_of_the_model():
    """As in Keras: not trained, no losses, no new states; new values of their weights count."""
    i = Input((3,))
    hidden, norm = ones(3, activity_regularizer="l2", kernel_regularizer="l2"), BatchNormalization()
    z = norm(hidden(i))
    model = Model(i, ones(1)(Lambda(lambda x: x + z)(i)))
    assert [type(layer).__name__ for layer in model.layers] == ["InputLayer", "Lambda", "Dense"]
    assert len(model.weights) == 2 and model.losses == [] and model.updates == []
    model.compile("sgd", "mse")
    before = hidden.get_weights() + norm.get_weights()
    expected = np.mean((ROWS + 3 * ROWS / np.sqrt(1.001) - 1) ** 2)
    np.testing.assert_allclose(model.train_on_batch(X, np.ones((4, 1))), expected, rtol=1e-5)
    for old, new in zip(before, hidden.get_weights() + norm.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    hidden.set_weights([np.zeros((3, 3)), np.zeros(3)])
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(model.predict(X), X @ kernel + bias, rtol=1e-5)


def test_gradients_flow_through_what_is_closed_over():
    i = Input((3,))
    z = ones(3)(i)
    y = Lambda(lambda x: x * z)(i)
    by_input, by_z = K.gradients(K.sum(y), [i, z])
    values = K.function([i], [by_input, by_z])([X])
    np.testing.assert_allclose(values[0], 2 * ROWS * np.ones(3), rtol=1e-6)
    np.testing.assert_allclose(values[1], X, rtol=1e-6)


def test_a_layer_closes_over_a_tensor_in_its_loss():
    i = Input((3,))
    z = ones(2)(i)
    y = ones(1)(z)

    class Penalty(Layer):
        def call(self, x):
            self.add_loss(K.mean(z))
            return x

    model = Model(i, Penalty()(y))
    model.compile("sgd", "mse")
    loss = model.train_on_batch(X, np.ones((4, 1)))
    np.testing.assert_allclose(loss, np.mean((2 * ROWS - 1) ** 2) + ROWS.mean(), rtol=1e-6)
    slope = np.mean(2 * (2 * ROWS - 1) * X, 0) + X.mean(0) / 2  # of the loss, by each column of the kernel
    np.testing.assert_allclose(model.get_weights()[0], 1 - 0.01 * np.stack([slope, slope], 1), rtol=1e-5)


def test_names_may_mean_something_else_later():
    i = x = Input((3,))
    x = ones(3)(x)
    x = Lambda(lambda v: v + x)(i)
    x = Lambda(lambda v: v * x)(i)
    np.testing.assert_allclose(Model(i, x).predict(X), X * (X + ROWS), rtol=1e-6)


def test_loops_over_numbers():
    i = Input((3,))
    parts = [Lambda(lambda v: v[:, k : k + 1] * (k + 1))(i) for k in range(3)]  # noqa: B023
    np.testing.assert_allclose(Model(i, concatenate(parts)).predict(X), X * [1, 2, 3], rtol=1e-6)
    total = []
    for k in range(3):

        class Times(Layer):
            def call(self, x):
                return x * k  # noqa: B023

        total.append(Times()(i))
    np.testing.assert_allclose(Model(i, add(total)).predict(X), X * 3, rtol=1e-6)


def test_an_inner_model_closes_over_a_tensor_of_the_outer_one():
    i, j = Input((3,), name="outer"), Input((3,), name="inner")
    z = ones(3)(i)
    inner = Model(j, Lambda(lambda x: x + z, name="adds")(j))
    np.testing.assert_allclose(Model(i, inner(i)).predict(X), X + ROWS, rtol=1e-6)
    with pytest.raises(ValueError, match=r"Graph disconnected: the code of layer 'adds' .*\['inner'\]"):
        inner.predict(X)


def test_a_model_that_closes_over_its_own_tensor_inside_others():
    i = Input((3,))
    z = ones(3)(i)
    model = Model(i, Lambda(lambda x: x + z)(i))
    np.testing.assert_allclose(Model(i, ones(1)(model(i))).predict(X), ROWS + 3 * ROWS, rtol=1e-6)
    series = Input((2, 3))
    outer = Model(series, TimeDistributed(model)(series))
    np.testing.assert_allclose(outer.predict(X.reshape(2, 2, 3)).reshape(4, 3), X + ROWS, rtol=1e-6)


def test_inside_a_wrapper():
    i = Input((2, 3))
    z = ones(3)(i)
    model = Model(i, TimeDistributed(Lambda(lambda v: v * K.sum(z)))(i))
    np.testing.assert_allclose(model.predict(X.reshape(2, 2, 3)).reshape(4, 3), X * 3 * X.sum(), rtol=1e-5)


def test_a_cell_closes_over_a_tensor():
    class Cell(Layer):
        state_size = 4

        def build(self, shape):
            self.kernel = self.add_weight(name="kernel", shape=(3, 4), initializer="ones")
            self.built = True

        def call(self, x, states):
            h = K.dot(x, self.kernel) + states[0] * z
            return h, [h]

    i = Input((2, 3))
    z = ones(4)(Flatten()(i))
    first, last = X.reshape(2, 2, 3).sum(2).T
    expected = np.repeat((last + first * (first + last))[:, None], 4, 1)
    np.testing.assert_allclose(Model(i, RNN(Cell())(i)).predict(X.reshape(2, 2, 3)), expected, rtol=1e-5)


def test_layers_called_in_code_on_what_it_closes_over():
    i = Input((3,))
    z, dense = ones(3)(i), ones(1)
    model = Model(i, Lambda(lambda x: dense(z) + add([x, z])[:, :1])(i))
    np.testing.assert_allclose(model.predict(X), 4 * ROWS + X[:, :1], rtol=1e-6)


def test_what_only_the_training_phase_uses():
    i = Input((3,))
    z = ones(3)(i)
    model = Model(i, ones(1)(Lambda(lambda x: K.in_train_phase(lambda: x + z, lambda: x))(i)))
    model.compile("sgd", "mse")
    y = np.ones((4, 1))
    np.testing.assert_allclose(model.evaluate(X, y, verbose=0), np.mean((ROWS - 1) ** 2), rtol=1e-6)
    np.testing.assert_allclose(model.train_on_batch(X, y), np.mean((4 * ROWS - 1) ** 2), rtol=1e-6)


def test_random_numbers_agree():
    i = Input((50,))
    z = Dropout(0.5)(i)
    model = Model(i, Lambda(lambda x: x - z)(z))
    training = K.function([i, K.learning_phase()], model.outputs + [z])
    difference, dropped = training([np.ones((4, 50)), 1])
    assert not difference.any() and 0 < (dropped == 0).mean() < 1


def test_a_clone_closes_over_its_own_tensors():
    i = Input((3,))
    z = ones(3)(i)
    model = Model(i, Lambda(lambda x: x * z)(z))
    clone = clone_model(model)
    model.set_weights([2 * w for w in model.get_weights()])
    np.testing.assert_allclose(clone.predict(X), ROWS**2 * np.ones(3), rtol=1e-6)


def test_a_file_does_not_hold_what_code_closes_over(tmp_path):
    i = Input((3,), name="data")
    z = ones(3)(i)

    def times(x):
        return x * z

    model = Model(i, Lambda(times, name="times")(z))
    model.save(tmp_path / "model.h5")
    loaded = load_model(tmp_path / "model.h5", custom_objects={"times": times}, compile=False)
    with pytest.raises(ValueError, match="Graph disconnected: the code of layer 'times'.*load_weights"):
        loaded.predict(X)


def test_gradients_inside_code():
    i = Input((3,))
    y = ones(2, activation="tanh")(i)
    expected = 2 * (1 - np.tanh(ROWS) ** 2) * np.ones(3)
    for loss in (lambda y: y, K.sum):
        g = Lambda(lambda a: K.gradients(loss(a[1]), a[0])[0], output_shape=(3,))([i, y])  # noqa: B023
        np.testing.assert_allclose(Model(i, g).predict(X), expected, rtol=1e-4, atol=1e-6)


class Slopes(Layer):
    """The gradient of the sum of squares, 2 x."""

    def call(self, x):
        return K.gradients(K.sum(x * x), x)[0]


def test_gradients_in_the_code_of_an_inner_layer():
    class Outer(Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.inner = Slopes()

        def call(self, x):
            return self.inner(x) + K.gradients(K.sum(x * x * x), x)[0]

    i = Input((3,))
    got = Model(i, Outer()(i)).predict(X)
    np.testing.assert_allclose(got, 2 * X + 3 * X**2, rtol=1e-6)


def test_gradients_beside_an_inner_layer_that_the_call_builds():
    class Both(Slopes):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.inner = ones(1)

        def call(self, x):
            return super().call(x) + self.inner(x)

    layer, i = Both(), Input((3,))
    inner = layer.inner
    model = Model(i, layer(i))
    np.testing.assert_allclose(model.predict(X), 2 * X + ROWS, rtol=1e-6)
    assert layer.inner is inner and model.weights[0] is inner.kernel


@pytest.mark.broadcasts
def test_gradients_around_a_condition():
    """The condition makes the code run a second time: each gradient is still the one that was asked for."""

    class Conditional(Layer):
        def build(self, shape):
            self.bias = self.add_weight("bias", (3,), initializer="ones")
            self.built = True

        def call(self, x):
            squares = K.gradients(K.sum(x * x), x)[0]
            if self.bias:
                squares = squares + self.bias
            return squares + 10 * K.gradients(K.sum(x * x * x), x)[0]

    i = Input((3,))
    np.testing.assert_allclose(Model(i, Conditional()(i)).predict(X), 2 * X + 1 + 30 * X**2, rtol=1e-5)


def test_gradients_that_are_asked_for_on_values_only():
    def slopes(x):
        return x if K.is_keras_tensor(x) else K.gradients(K.sum(x * x), x)[0]

    with pytest.raises(TypeError, match="differentiates symbolic tensors"):
        Lambda(slopes)(Input((3,)))


def test_what_is_made_of_variables_alone_is_computed_once():
    """Each of 30 tensors is added to itself: twice the work each time would take hours; sizes likewise."""
    size = K.shape(Input((None,)))[1]
    for _ in range(30):
        size = (size + size) // 2
    x = K.variable(1.0) * 1.0
    for _ in range(30):
        x = x + x
    i = Input((3,))
    np.testing.assert_allclose(Model(i, Lambda(lambda z: z * x)(i)).predict(X), X * 2.0**30)


def test_where_a_pooling_layer_found_its_maxima():
    """The trick of Keras's example mnist_swwae."""

    def where(x):
        before, after = x
        return K.gradients(K.sum(after), before)

    i = Input((4, 4, 1))
    model = Model(i, Lambda(where, output_shape=lambda shapes: shapes[0])([i, MaxPooling2D()(i)]))
    found = np.asarray(model.predict(np.arange(16).reshape(1, 4, 4, 1))).ravel()
    assert np.flatnonzero(found).tolist() == [5, 7, 13, 15] and found.sum() == 4


def test_gradients_of_values_say_where_they_work():
    with pytest.raises(TypeError, match=r"K.gradients differentiates symbolic tensors.*jax.grad"):
        Lambda(lambda x: K.gradients(K.sum(x), x)[0])(X)


def test_code_may_ask_for_what_only_tensors_have():
    class Old(Layer):
        def call(self, x):
            layer, number, _ = x._keras_history
            assert layer._inbound_nodes[number].output_tensors[0] is x
            return K.reshape(x, (-1, x._keras_shape[1], 1)) * x.get_shape()[1]

    y = Old()(Input((3,)))
    assert y.shape == (None, 3, 1)
    i = Input((3,))
    np.testing.assert_allclose(Model(i, Old()(i)).predict(X)[..., 0], X * 3, rtol=1e-6)


def test_a_loss_finds_the_layer_of_its_output():
    """As the CRF losses of keras-contrib do."""
    i = Input((3,))
    model = Model(i, ones(2)(i))

    def loss(y_true, y_pred):
        layer, number = y_pred._keras_history[:2]
        x = layer._inbound_nodes[number].input_tensors[0]
        extra = K.mean(x, -1) + K.sum(layer.kernel) * y_pred._keras_shape[-1]
        return K.mean(K.square(y_true - y_pred), -1) + extra

    def mean_of_input(y_true, y_pred):
        return K.mean(y_pred._keras_history[0].input)

    model.compile("sgd", loss, metrics=[mean_of_input])
    assert model.metrics_names == ["loss", "mean_of_input"]
    found = model.train_on_batch(X, np.ones((4, 2)))
    np.testing.assert_allclose(found, [13.985, 0.55], rtol=1e-6)
    column = [0.9736999869346619, 0.9730499982833862, 0.9724000096321106]
    np.testing.assert_allclose(model.get_weights()[0], np.stack([column, column], 1), rtol=1e-6)


def test_a_loss_finds_the_mask_of_its_layer():
    i = Input((3, 1))
    layer = TimeDistributed(ones(1))
    model = Model(i, layer(Masking()(i)))

    def loss(y_true, y_pred):
        mask = y_pred._keras_history[0].input_mask
        return K.mean(K.square(y_true - y_pred), -1) * K.cast(mask, K.floatx())

    model.compile("sgd", loss)
    np.testing.assert_allclose(
        model.evaluate(np.array([[[0.0], [1], [2]]]), np.ones((1, 3, 1)), verbose=0), 0.5, rtol=1e-6
    )


def test_a_loss_differentiates_what_it_makes_of_its_output():
    i = Input((3,))
    y = ones(1, activation="tanh")(i)

    def loss(y_true, y_pred):
        slope = K.gradients(K.sum(y_pred), i)[0]
        return K.mean(K.square(slope), -1) + 0 * K.sum(y_true)

    model = Model(i, y)
    model.compile("sgd", loss)
    expected = np.mean((1 - np.tanh(ROWS) ** 2) ** 2)
    np.testing.assert_allclose(model.evaluate(X, np.ones((4, 1)), verbose=0), expected, rtol=1e-4)


@pytest.mark.broadcasts
def test_the_loss_of_a_layer_as_a_property():
    class Field(Layer):
        def build(self, shape):
            self.w = self.add_weight(name="w", shape=(shape[-1],), initializer="ones")
            super().build(shape)

        def call(self, x):
            return x * self.w

        @property
        def loss_function(self):
            return lambda y_true, y_pred: K.mean(K.square(y_true - y_pred), -1) * K.sum(self.w)

        @property
        def accuracy(self):
            def acc(y_true, y_pred):
                return K.mean(K.cast(y_pred > 0.5, "float32"))

            return acc

    layer = Field(input_shape=(3,))
    model = Sequential([layer])
    model.compile("sgd", layer.loss_function, metrics=[layer.accuracy])
    assert model.metrics_names == ["loss", "acc"]
    np.testing.assert_allclose(model.train_on_batch(X, np.ones((4, 3))), [0.965, 0.5], rtol=1e-6)
    np.testing.assert_allclose(model.get_weights()[0], [0.99948, 0.99948, 0.99908], rtol=1e-5)


def test_losses_as_they_are_when_the_model_is_compiled():
    model = Sequential([ones(1, input_shape=(3,))])
    weight = 2.0
    model.compile("sgd", lambda y_true, y_pred: weight * K.square(y_true - y_pred))
    weight = 100.0
    np.testing.assert_allclose(
        model.evaluate(X, np.ones((4, 1)), verbose=0), 2 * np.mean((ROWS - 1) ** 2), rtol=1e-6
    )


def test_functions_given_to_built_in_layers():
    """Activations and activity regularizers close over tensors and variables; new values count."""
    factor = K.variable(2.0)
    i = Input((3,))
    z = ones(3)(i)
    model = Model(i, ones(3, activation=lambda x: x * factor + z)(i))
    np.testing.assert_allclose(model.predict(X), 3 * ROWS * np.ones(3), rtol=1e-6)
    K.set_value(factor, 3.0)
    np.testing.assert_allclose(model.predict(X), 4 * ROWS * np.ones(3), rtol=1e-6)


def test_regularizers():
    factor = K.variable(2.0)
    i = Input((3,))
    z = ones(3)(i)
    layer = ones(
        1,
        kernel_regularizer=lambda w: factor * K.sum(w),
        activity_regularizer=lambda y: K.sum(y) * factor + K.sum(z),
    )
    model = Model(i, layer(i))
    model.compile("sgd", "mse")
    penalties = K.function([i], model.losses)
    for value, expected in ((2.0, 40.435), (3.0, 50.035)):  # of Keras 2.2.4
        K.set_value(factor, value)
        np.testing.assert_allclose(model.evaluate(X, np.ones((4, 1)), verbose=0), expected, rtol=1e-6)
        total = 6.6 * value + 3 * 6.6
        np.testing.assert_allclose(penalties([X]), [3 * value, total], rtol=1e-5)


def test_a_random_tensor_outside_is_drawn_once_in_a_run():
    i = Input((3,))
    noise = K.random_normal((4, 3))
    model = Model(i, [Lambda(lambda x: x * 0 + noise)(i) for _ in range(2)])
    first, second = model.predict(X)
    np.testing.assert_array_equal(first, second)
    assert (model.predict(X)[0] != first).any()


def test_loops_over_functions_of_built_in_layers():
    i = x = Input((3,))
    parts = [Activation(lambda x: x * k)(i) for k in (1.0, 2.0)]  # noqa: B023
    np.testing.assert_allclose(Model(i, add(parts)).predict(X), 3 * X, rtol=1e-6)
    for k in (1.0, 10.0):
        x = ones(3, kernel_regularizer=lambda w: k * K.sum(w))(x)  # noqa: B023
    model = Model(i, x)
    model.compile("sgd", "mse")
    assert model.evaluate(0 * X, 0 * X, verbose=0) == pytest.approx(99)


class Holder(Layer):
    """A layer that keeps a function."""

    def __init__(self, function, **kwargs):
        super().__init__(**kwargs)
        self.function = function

    def call(self, x):
        return self.function(x)


def test_a_function_on_a_layer_keeps_the_loop_variable_of_its_call():
    i, parts = Input((3,)), []
    for k in range(3):
        parts.append(Holder(lambda x: x[:, k : k + 1])(i))  # noqa: B023
    np.testing.assert_array_equal(Model(i, concatenate(parts)).predict(X), X)
