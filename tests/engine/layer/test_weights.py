"""How a layer's weights are declared, counted, set and renewed."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from jkeras import backend as K
from jkeras.layers import RNN, BatchNormalization, Dense, Input, Lambda, Layer, Reshape, TimeDistributed
from jkeras.models import Model, Sequential

X = np.random.RandomState(0).rand(8, 4).astype("float32")


class ByAssignment(Layer):
    """The way of Keras 1."""

    def build(self, input_shape):
        self.W = K.variable(np.ones((input_shape[-1], 2)), name="W")
        self.b = K.zeros((2,), name="b")
        self.seen = K.zeros((), name="seen")
        self.trainable_weights = [self.W, self.b]
        self.non_trainable_weights = [self.seen]
        self.built = True

    def call(self, x, mask=None):
        return K.dot(x, self.W) + self.b

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 2)


class ByAppending(Layer):
    """Keras's own list of weights grows."""

    def build(self, input_shape):
        for name in ("a", "a"):
            self._trainable_weights.append(K.variable(np.ones(input_shape[-1]), name=name))
        self._non_trainable_weights += [K.variable(np.ones(input_shape[-1]))]
        super().build(input_shape)

    def call(self, x):
        return x * self.a


@pytest.mark.broadcasts
def test_weights_declared_by_assignment_train():
    layer = ByAssignment()
    model = Sequential([Dense(4, input_shape=(4,)), layer])
    model.compile("sgd", "mse")
    before = layer.get_weights()
    assert len(layer.trainable_weights) == 2 and len(layer.non_trainable_weights) == 1
    assert model.count_params() == 20 + 11
    model.fit(X, np.zeros((8, 2)), verbose=0)
    moved = [np.abs(a - b).max() > 0 for a, b in zip(layer.get_weights(), before, strict=True)]
    assert moved == [True, True, False]


@pytest.mark.broadcasts
def test_weights_declared_by_appending():
    layer = ByAppending()
    np.testing.assert_array_equal(layer(X), X)
    assert [len(layer.trainable_weights), len(layer.non_trainable_weights)] == [2, 1]


def test_only_variables_are_weights():
    with pytest.raises(TypeError, match="are variables"):
        Dense(1).trainable_weights = [np.ones(3)]


def test_weights_of_inner_layers_stay_theirs():
    class Holder(Layer):
        def __init__(self):
            super().__init__()
            self.inner = Dense(2)

        def build(self, input_shape):
            self.inner.build(input_shape)
            self.trainable_weights = self.inner.trainable_weights
            super().build(input_shape)

        def call(self, x):
            return self.inner(x)

    layer = Holder()
    layer(X)
    assert len(layer.weights) == 2 and not layer._params


class Block(Layer):
    """A user's layer of layers, which are built by their first call."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.dense, self.norm = Dense(units), BatchNormalization()

    def call(self, x, training=None):
        return self.norm(self.dense(x), training=training)


def test_inner_layers_of_a_users_layer_train_and_move():
    block = Block(3, input_shape=(4,))
    model = Sequential([block, Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, np.ones((8, 1)), verbose=0)
    assert len(block.weights) == 6 and np.abs(block.norm.get_weights()[2]).max() > 0
    assert block.output_shape == (None, 3)


def test_init_of_a_users_layer_draws_its_inner_layers_too():
    init, apply = Block(3).pure()
    params, state = init(jax.random.key(0), (None, 4))
    assert params["dense"]["kernel"].shape == (4, 3) and state["norm"]["moving_mean"].shape == (3,)
    again, _ = init(jax.random.key(1), (None, 4))
    assert np.abs(again["dense"]["kernel"] - params["dense"]["kernel"]).max() > 0
    assert apply(params, state, X).y.shape == (8, 3)


def test_set_weights_is_all_or_nothing():
    layer = Dense(2)
    layer(Input((4,)))
    before = layer.get_weights()
    with pytest.raises(ValueError, match=r"has shape \(2,\)"):
        layer.set_weights([np.ones((4, 2)), np.ones(3)])
    with pytest.raises(ValueError, match="got 1"):
        layer.set_weights([np.ones((4, 2))])
    np.testing.assert_array_equal(layer.get_weights()[0], before[0])


class Parts(Layer):
    """Keeps parts of its kernel, as the cells of Keras do; as a cell it adds its state."""

    state_size = 2

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], 4), initializer="ones", name="kernel")
        self.left, self.right = self.kernel[:, :2], self.kernel[:, 2:]
        super().build(input_shape)

    def call(self, x, states=()):
        y = K.dot(x, self.left) * K.dot(x, self.right)
        return (y + states[0], [y]) if states else y

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 2)


class Around(Layer):
    """Builds an inner layer by calling it."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = Parts()

    def call(self, x):
        return self.inner(x)


class Subclassed(Model):
    def __init__(self):
        super().__init__()
        self.inner = Around()

    def call(self, x):
        return self.inner(x)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Sequential([Around(input_shape=(4,))]),
        Subclassed,
        lambda: Sequential([Reshape((1, 4), input_shape=(4,)), RNN(Parts())]),
    ],
)
def test_parts_of_weights_that_build_makes_follow_the_weights(make):
    model = make()
    model.compile("sgd", "mse")
    model.fit(X, np.zeros((8, 2)), verbose=0)
    (kernel,) = model.get_weights()
    assert np.all(kernel < 1)
    np.testing.assert_allclose(model.predict(X), (X @ kernel[:, :2]) * (X @ kernel[:, 2:]), rtol=1e-5)


EYE = [np.eye(4), np.full(4, 2.0)]


class Holds(Layer):
    """A layer that calls another one, which `weights` tell how to start."""

    def __init__(self, inner, **kwargs):
        super().__init__(**kwargs)
        self.inner = inner

    def call(self, x):
        return self.inner(x)


class HoldsModel(Model):
    def __init__(self, inner):
        super().__init__()
        self.parts = [inner]

    def call(self, x):
        return self.parts[0](x)


def told():
    return Dense(4, weights=EYE)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Sequential([Holds(told(), input_shape=(4,))]),
        lambda: Sequential([Holds(Holds(told()), input_shape=(4,))]),
        lambda: Sequential([Holds(Sequential([told()]), input_shape=(4,))]),
        lambda: HoldsModel(told()),
        lambda: HoldsModel(Holds(told())),
        lambda: Sequential(
            [Reshape((1, 4), input_shape=(4,)), TimeDistributed(Holds(told())), Lambda(first)]
        ),
    ],
    ids=["layer", "two levels", "model inside", "model", "model and layer", "wrapper"],
)
def test_initial_weights_reach_a_layer_inside_of_the_users_code(make):
    """keras-team/keras 20004; Keras 2.2.4 sets them."""
    model = make()
    model.compile("sgd", "mse")
    np.testing.assert_allclose(model.predict(X), X + 2, rtol=1e-6)
    model.fit(X, X, verbose=0)
    assert not np.allclose(model.get_weights()[1], 2)


def first(x):
    return x[:, 0]


@pytest.mark.broadcasts
def test_values_given_to_variables_inside_of_a_trace_stay():
    class Late(Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.inner = Dense(4)

        def call(self, x):
            if not self.inner.built:
                self.inner.build((None, 4))
                self.inner.set_weights(EYE)
                self.late = self.add_weight(name="late", shape=(4,), initializer="ones")
            return self.inner(x) * self.late

    model = Sequential([Late(input_shape=(4,))])
    np.testing.assert_allclose(model.predict(X), X + 2, rtol=1e-6)
    assert [w.shape for w in model.weights] == [(4,), (4, 4), (4,)]


def test_a_variable_refuses_values_that_end_with_the_trace():
    class Keeps(Layer):
        def build(self, input_shape):
            self.last = self.add_weight(name="last", shape=(4,), initializer="zeros", trainable=False)

        def call(self, x):
            self._state["last"].assign(x[0])
            return x

    with pytest.raises(TypeError, match="add_update"):
        Sequential([Keeps(input_shape=(4,))])


@pytest.mark.parametrize("layer", [lambda: Dense(2), lambda: TimeDistributed(Dense(2)), BatchNormalization])
def test_a_second_build_is_refused_and_says_what_to_do(layer):
    layer = layer()
    layer(np.ones((2, 3, 4), "float32"))
    before = layer.get_weights()
    with pytest.raises(ValueError, match=r"built already.*set_weights.*from_config"):
        layer.build((None, 3, 4))
    for old, new in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_the_initializer_of_a_weight_is_no_operation_but_draws():
    layer = Dense(2, kernel_initializer="ones")
    layer.build((None, 4))
    with pytest.raises(AttributeError, match=r"set_weights.*initializers"):
        layer.kernel.initializer.run(session=K.get_session())
    K.set_value(layer.kernel, np.zeros((4, 2)))
    K.set_value(layer.kernel, layer.kernel.initializer(layer.kernel.shape))
    np.testing.assert_array_equal(layer.get_weights()[0], np.ones((4, 2)))


@pytest.mark.broadcasts
def test_attributes_that_the_class_has_too():
    class Listed(Layer):
        parts = None
        gain = None

        def build(self, input_shape):
            self.gain = self.add_weight(name="gain", shape=(), initializer="ones")
            self.parts = [self.add_weight(name="part", shape=(4,), initializer="ones"), 2.0]
            super().build(input_shape)

        def call(self, x):
            return x * self.gain * self.parts[0] * self.parts[1]

    model = Sequential([Listed(input_shape=(4,))])
    model.compile("sgd", "mse")
    np.testing.assert_allclose(model.predict(X), 2 * X, rtol=1e-6)
    model.fit(X, np.zeros((8, 4)), verbose=0)
    assert all(np.all(w < 1) for w in model.get_weights())


SQUARE = np.arange(1.0, 5.0).reshape(2, 2)


class Normalized(Dense):
    """The code of spectral normalization."""

    def call(self, x):
        self.kernel = self.kernel / K.max(self.kernel)
        return super().call(x)


class Given(Dense):
    def build(self, input_shape):
        super().build(input_shape)
        self.kernel = K.variable(SQUARE, name="given")


class Halved(Dense):
    def build(self, input_shape):
        super().build(input_shape)
        self.kernel = 0.0 * self.kernel + K.constant(SQUARE / 2)


def _replaced(what):
    layer = Dense(2)
    layer.build((None, 2))
    layer.kernel = what
    return layer


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: _replaced(K.variable(SQUARE)), [4.0, 6.0]),
        (lambda: _replaced(K.constant(SQUARE)), [4.0, 6.0]),
        (lambda: _replaced(K.variable(SQUARE) ** 2), [10.0, 20.0]),
        (lambda: Given(2), [4.0, 6.0]),
        (lambda: Halved(2), [2.0, 3.0]),
    ],
    ids=["variable", "constant", "computed", "subclass", "subclass-computed"],
)
def test_what_is_put_in_place_of_a_weight_counts(make, expected):
    layer = make()
    x = Input((2,))
    model = Model(x, layer(x))
    np.testing.assert_allclose(model.predict(np.ones((1, 2))), [expected], rtol=1e-6)
    assert [w.name.rsplit("/", 1)[1] for w in model.weights] == ["kernel:0", "bias:0"]


def test_a_weight_replaced_in_call_counts_for_the_formula_of_the_class():
    x = Input((2,))
    layer = Normalized(2)
    model = Model(x, layer(x))
    model.set_weights([SQUARE, np.zeros(2)])
    np.testing.assert_allclose(model.predict(np.ones((1, 2))), [[1.0, 1.5]], rtol=1e-6)
    np.testing.assert_array_equal(layer.get_weights()[0], SQUARE)


def test_layers_share_weights_by_attribute_and_list():
    x = Input((2,))
    first, second = Dense(2), Dense(2)
    y = first(x)
    second.build((None, 2))
    for place, name in enumerate(["kernel", "bias"]):
        second._trainable_weights[place] = getattr(first, name)
        setattr(second, name, getattr(first, name))
    model = Model(x, second(y))
    model.set_weights([SQUARE, np.ones(2)])
    assert [w is v for w, v in zip(second.weights, first.weights, strict=True)] == [True, True]
    np.testing.assert_allclose(model.predict(np.ones((1, 2))), [[27.0, 39.0]], rtol=1e-6)


def test_another_weight_is_trained_in_the_place_of_the_first():
    other = K.variable(SQUARE, name="other")
    layer = Dense(2)
    layer.build((None, 2))
    layer._trainable_weights[0] = layer.kernel = other
    x = Input((2,))
    model = Model(x, layer(x))
    model.compile("sgd", "mse")
    assert model.weights[0] is other
    model.train_on_batch(np.ones((1, 2)), np.zeros((1, 2)))
    np.testing.assert_allclose(K.get_value(other), SQUARE - 0.01 * np.array([[4.0, 6.0]] * 2), rtol=1e-5)


@pytest.mark.parametrize(
    ("use", "loss", "expected"),
    [
        (lambda h, w: K.dot(h, w), 754.0, [[-0.74, -1.22], [0.82, 0.14]]),
        (lambda h, w: K.dot(h, K.transpose(w)), 776.0, [[-0.88, -0.72], [0.32, 0.08]]),
        (lambda h, w: h * K.sum(w), 2600.0, [[-8.2, -9.2], [-6.2, -7.2]]),
    ],
    ids=["again", "tied", "sum"],
)
def test_the_weight_of_another_layer_is_trained_where_a_lambda_uses_it_too(use, loss, expected):
    x = Input((2,))
    first = Dense(2, use_bias=False)
    model = Model(x, Lambda(lambda h: use(h, first.kernel))(first(x)))
    model.set_weights([SQUARE])
    model.compile("sgd", "mse")
    assert model.train_on_batch(np.ones((4, 2)), np.zeros((4, 2))) == pytest.approx(loss)
    np.testing.assert_allclose(first.get_weights()[0], expected, rtol=1e-4)
    assert model.predict(np.ones((4, 2))).shape == (4, 2)
