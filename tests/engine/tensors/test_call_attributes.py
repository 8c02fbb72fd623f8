"""What `call` keeps on `self`: a tensor outside, an array inside, and never that of another run."""

from __future__ import annotations

import copy
import pickle

import jax
import numpy as np
import pytest

from jkeras import backend as K
from jkeras.layers import RNN, Dense, Input, Lambda, Layer, TimeDistributed
from jkeras.models import Model, Sequential, load_model

X = np.arange(12).reshape(4, 3).astype("float32") / 10


class Attention(Layer):
    def build(self, shape):
        self.w = self.add_weight(name="w", shape=(shape[-1],), initializer="ones")
        super().build(shape)

    def call(self, x):
        self.attention = K.softmax(x * self.w)
        return x * self.attention


def softmax(x):
    e = np.exp(x)
    return e / e.sum(-1, keepdims=True)


@pytest.mark.broadcasts
def test_an_attribute_is_a_tensor_outside():
    layer, i = Attention(), Input((3,))
    model = Model(i, Dense(1)(layer(i)))
    model.compile("sgd", "mse")
    model.fit(X, np.ones((4, 1)), verbose=0)
    model.predict(X)
    assert K.int_shape(layer.attention) == (None, 3)
    expected = softmax(X * layer.get_weights()[0])
    found, total = K.function([i], [layer.attention, K.sum(layer.attention * 2)])([X])
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    np.testing.assert_allclose(total, 2 * expected.sum(), rtol=1e-5)
    np.testing.assert_allclose(Model(i, layer.attention).predict(X), expected, rtol=1e-5)


def test_it_is_that_of_the_run_that_made_the_output():
    class Noisy(Layer):
        def call(self, x):
            self.dropped = K.dropout(x, 0.5)
            return self.dropped * 2

    layer, i = Noisy(), Input((3,))
    y = layer(i)
    kept, output = K.function([i], [layer.dropped, y])([np.ones((50, 3))])
    np.testing.assert_array_equal(kept * 2, output)
    assert 0 < (kept == 0).sum() < 150


@pytest.mark.broadcasts
def test_other_code_closes_over_it():
    layer, i = Attention(), Input((3,))
    y = layer(i)
    model = Model(i, Lambda(lambda v: v + layer.attention)(y))
    np.testing.assert_allclose(model.predict(X), (X + 1) * softmax(X), rtol=1e-5)


class _Sum(Layer):
    """Adds up what it is called on."""

    total = None

    def build(self, shape):
        self.scale = self.add_weight("scale", (), initializer="ones")
        super().build(shape)

    def call(self, x):
        self.total = x * self.scale if self.total is None else self.total + x * 2
        return self.total * 1.0

    def compute_output_shape(self, shape):
        return shape


def test_the_next_call_in_a_graph_goes_on_from_it(tmp_path):
    x = np.arange(6.0).reshape(2, 3)
    shape = Input((3,))
    layer = _Sum()
    first = layer(shape)
    second = layer(first)
    third = Lambda(lambda t: t + 1)(layer(second))
    model = Model(shape, [first, second, third])
    expected = [x, 3 * x, 9 * x + 1]  # as Keras 2.2.4 has them
    for _ in range(2):
        for found, right in zip(model.predict(x), expected, strict=True):
            np.testing.assert_allclose(found, right, rtol=1e-6)
    model.compile("sgd", "mse")
    loss = model.train_on_batch(x, [x, x, x])[0]
    np.testing.assert_allclose(loss, np.mean((2 * x) ** 2) + np.mean((8 * x + 1) ** 2), rtol=1e-5)
    model.save(str(tmp_path / "model.h5"))
    again = load_model(str(tmp_path / "model.h5"), {"_Sum": _Sum})
    np.testing.assert_allclose(again.predict(x)[1], model.predict(x)[1], rtol=1e-6)


def test_a_call_on_other_inputs_begins_anew():
    layer = _Sum()
    shapes = [Input((3,)), Input((3,))]
    models = [Model(shape, layer(shape)) for shape in shapes]
    x = np.ones((2, 3))
    assert [model.predict(x)[0, 0] for model in models] == [1.0, 1.0]


def test_lists_dicts_and_defaults_of_the_class():
    class Many(Layer):
        cache = None

        def call(self, x):
            self.parts = []
            for k in range(2):
                self.parts.append(x * k)
            self.named, self.both = {"plus": x + 1}, (x, x * 3)
            if self.cache is None:
                self.cache = x * 5
            return self.parts[0] + self.parts[1] + self.named["plus"] + self.cache

    layer, i = Many(), Input((3,))
    model = Model(i, layer(i))
    for _ in range(2):  # the second time on another batch: another program
        np.testing.assert_allclose(model.predict(X[:2]), 7 * X[:2] + 1, rtol=1e-6)
        assert len(layer.parts) == 2 and Many.cache is None
        found = K.function([i], [layer.parts[1], layer.named["plus"], layer.both[1], layer.cache])([X])
        for value, expected in zip(found, (X, X + 1, 3 * X, 5 * X), strict=True):
            np.testing.assert_allclose(value, expected, rtol=1e-6)
        model.predict(X)


class Counting(Layer):
    """x times the number of what this run has put into the list."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.calls, self.found = [], {"by": [{}]}

    def call(self, x):
        self.calls.append(x)
        self.found["by"][0][len(self.found["by"][0])] = x
        return x * (len(self.calls) + 10 * len(self.found["by"][0]))


def test_every_program_begins_with_the_list_of_before():
    layer, i = Counting(), Input((3,))
    model = Model(i, layer(i))
    for size in (1, 2, 3):  # each a program of its own
        np.testing.assert_allclose(model.predict(X[:size]), 11 * X[:size], rtol=1e-6)
    assert [K.int_shape(t) for t in layer.calls] == [(None, 3)] and list(layer.found["by"][0]) == [0]
    layer = Counting()
    for _ in range(3):
        np.testing.assert_allclose(layer(X), 11 * X, rtol=1e-6)
    assert len(layer.calls) == 1


def test_a_run_that_fails_leaves_nothing_in_a_list():
    class Looping(Counting):
        def call(self, x):
            y = super().call(x)
            return sum(y[:, i] for i in range(x.shape[1]))  # needs a number: runs again with one

    i = Input((None,))
    model = Model(i, Looping()(i))
    np.testing.assert_allclose(model.predict(X), 11 * X.sum(1), rtol=1e-5)


def test_the_search_for_shapes_leaves_nothing_in_a_list():
    class Subclass(Model):
        def __init__(self):
            super().__init__()
            self.dense, self.calls = Dense(2, kernel_initializer="ones"), []

        def call(self, x):
            self.calls.append(self.dense(x))
            return self.calls[-1] * len(self.calls)

    model = Subclass()
    for size in (1, 2):
        rows = X[:size].sum(1, keepdims=True) * np.ones(2)
        np.testing.assert_allclose(model.predict(X[:size]), rows, rtol=1e-6)
    assert not model.calls


@pytest.mark.broadcasts
def test_layers_called_on_arrays_keep_arrays():
    layer = Attention()
    y = layer(X)
    np.testing.assert_allclose(np.asarray(y), X * np.asarray(layer.attention), rtol=1e-6)
    layer(X[:1])
    assert layer.attention.shape == (1, 3)


@pytest.mark.broadcasts
def test_pure_functions_leave_nothing():
    layer = Attention()
    init, apply = layer.pure()
    params, state = init(jax.random.key(0), (None, 3))
    jax.jit(apply)(params, state, X)
    assert not hasattr(layer, "attention")


class Cached(Layer):
    """A cell that makes its dropout mask once, as those of keras-contrib do."""

    def __init__(self, units, **words):
        self.units = self.state_size = units
        self.mask = None
        super().__init__(**words)

    def build(self, shape):
        self.kernel = self.add_weight(name="kernel", shape=(shape[-1], self.units), initializer="ones")
        self.built = True

    def call(self, x, states, training=None):
        if self.mask is None:
            self.mask = K.in_train_phase(
                lambda: K.dropout(K.ones_like(x), 0.5), K.ones_like(x), training=training
            )
        h = K.dot(x * self.mask, self.kernel) + states[0]
        return h, [h]


@pytest.mark.parametrize("unroll", [False, True])
def test_a_cell_caches_its_mask_between_steps_phases_and_batches(unroll):
    model = Sequential([RNN(Cached(1), unroll=unroll, input_shape=(5, 40))])
    model.compile("sgd", "mse")
    x = np.ones((6, 5, 40))
    model.fit(x, np.ones((6, 1)), batch_size=4, validation_data=(x[:3], np.ones((3, 1))), verbose=0)
    kernel = model.get_weights()[0]
    np.testing.assert_allclose(model.predict(x), np.full((6, 1), 5 * kernel.sum()), rtol=1e-5)
    dropped = K.function([model.input, K.learning_phase()], [model.output])([x, 1])[0] / 2
    model.set_weights([np.ones((40, 1))])
    dropped = K.function([model.input, K.learning_phase()], [model.output])([x, 1])[0]
    steps = dropped / 2 / 5  # kept inputs: the same ones in each step, so a whole number
    np.testing.assert_allclose(steps, steps.round(), atol=1e-4)
    assert len(np.unique(steps.round())) > 1 and 0 < steps.min() and steps.max() < 40


@pytest.mark.broadcasts
def test_what_code_leaves_from_a_loop_of_its_own():
    class Loop(Layer):
        def call(self, x):
            def step(carry, row):
                self.row = row * 2
                return carry + self.row, carry

            total, _ = jax.lax.scan(step, 0 * x[0], x)
            self.total = total
            return x + total

    layer, i = Loop(), Input(batch_shape=(4, 3))
    model = Model(i, layer(i))
    for _ in range(2):
        np.testing.assert_allclose(model.predict(X, batch_size=4), X + 2 * X.sum(0), rtol=1e-5)
    np.testing.assert_allclose(K.function([i], [layer.total])([X])[0], 2 * X.sum(0), rtol=1e-5)


@pytest.mark.broadcasts
def test_inside_a_wrapper():
    layer, i = Attention(), Input((2, 3))
    y = TimeDistributed(layer)(i)
    found = K.function([i], [layer.attention, y])([X.reshape(2, 2, 3)])
    np.testing.assert_allclose(found[0], softmax(X), rtol=1e-5)


class Both(Model):
    def __init__(self):
        super().__init__()
        self.attend = Attention()

    def call(self, x):
        y = self.attend(x)
        return y + self.attend.attention


@pytest.mark.broadcasts
def test_a_subclassed_model_uses_what_its_layer_kept():
    np.testing.assert_allclose(Both().predict(X), (X + 1) * softmax(X), rtol=1e-5)


@pytest.mark.broadcasts
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_begins_anew(copied):
    model = Both()
    model.predict(X)
    i = Input((3,))
    model.attend(i)
    twin = copied(model)
    assert hasattr(model.attend, "attention") and not hasattr(twin.attend, "attention")
    np.testing.assert_allclose(twin.predict(X), model.predict(X), rtol=1e-6)
