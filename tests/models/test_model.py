"""Functional models: calls, sharing, nesting, configs, copies, threads."""

from __future__ import annotations

import copy
import pickle
import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jkeras import backend as K
from jkeras.layers import (
    LSTM,
    Add,
    BatchNormalization,
    Concatenate,
    Dense,
    Dropout,
    Embedding,
    Input,
    Lambda,
    Layer,
)
from jkeras.models import Model, Sequential

X = np.random.RandomState(0).rand(8, 4).astype("float32")
Y = np.random.RandomState(1).rand(8, 1).astype("float32")


class Power(Layer):
    """A user's layer with a config."""

    def __init__(self, exponent=2, **kwargs):
        super().__init__(**kwargs)
        self.exponent = exponent

    def call(self, x):
        return x**self.exponent


def half(x):
    """A user's activation."""
    return x / 2


def test_training_and_mask_as_call_arguments():
    x, mask = Input((3, 4)), Input((3,), dtype="bool")
    noisy = Model(x, Dropout(0.5)(x, training=True))
    assert (noisy.predict(np.ones((4, 3, 4))) == 0).any()
    assert (Model.from_config(noisy.get_config()).predict(np.ones((4, 3, 4))) == 0).any()
    layer = LSTM(2)
    model = Model([x, mask], layer(x, mask=mask))
    data = np.random.RandomState(0).rand(2, 3, 4).astype("float32")
    given = np.array([[1, 1, 0], [1, 1, 1]], bool)
    np.testing.assert_allclose(model.predict([data, given]), layer(data, mask=jnp.asarray(given)), rtol=1e-5)


def test_nested_models_share_their_cells_and_freeze():
    inner = Sequential([Dense(3, input_shape=(4,)), BatchNormalization()])
    a, b = Input((4,)), Input((4,))
    model = Model([a, b], Dense(1)(Add()([inner(a), inner(b)])))
    model.compile("sgd", "mse")
    model.fit([X, X], Y, verbose=0)
    assert np.abs(inner.layers[1].get_weights()[2]).max() > 0
    inner.trainable = False
    assert len(model.trainable_weights) == 2
    model.compile("sgd", "mse")
    before = inner.get_weights()
    model.fit([X, X], Y, verbose=0)
    for old, new in zip(before, inner.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    again = Model.from_config(model.get_config())
    again.set_weights(model.get_weights())
    np.testing.assert_allclose(again.predict([X, X]), model.predict([X, X]), rtol=1e-5)


def test_shared_layer_moves_its_state_at_every_call():
    norm = BatchNormalization(momentum=0.5)
    a, b = Input((4,)), Input((4,))
    model = Model([a, b], Add()([norm(a), norm(b)]))
    model.compile("sgd", "mse")
    model.train_on_batch([X, X + 1], X)
    mean = X.mean(0)
    np.testing.assert_allclose(norm.get_weights()[2], 0.25 * mean + 0.5 * (mean + 1), rtol=1e-4)


def test_custom_objects_reach_inner_models():
    x = Input((4,))
    model = Model(x, Dense(2)(Sequential([Power(3, input_shape=(4,))])(x)))
    with pytest.raises(ValueError, match="Power"):
        Model.from_config(model.get_config())
    again = Model.from_config(model.get_config(), custom_objects={"Power": Power})
    assert again.layers[1].layers[0].exponent == 3


def test_feature_extractors_and_models_in_the_middle():
    x = Input((4,), name="x")
    inner = Dense(3, name="inner")(x)
    model = Model(x, Dense(1)(inner))
    features = Model(model.input, model.get_layer("inner").output)
    rest = Model(inner, model.output)
    np.testing.assert_allclose(rest.predict(features.predict(X)), model.predict(X), rtol=1e-5)
    with pytest.raises(ValueError, match="begins in the middle"):
        rest.get_config()


@pytest.mark.broadcasts
def test_arithmetic_on_tensors_makes_models():
    x = Input((4,))
    scale = K.variable(np.ones(4))
    model = Model(x, K.sum((x * 2 + 1 - x / 2) * scale, axis=-1, keepdims=True))
    wanted = (X * 1.5 + 1).sum(-1, keepdims=True)
    np.testing.assert_allclose(model.predict(X), wanted, rtol=1e-5)
    K.set_value(scale, np.full(4, 2.0))
    np.testing.assert_allclose(model.predict(X), 2 * wanted, rtol=1e-5)
    assert model.get_weights() == []
    with pytest.raises(ValueError, match="Lambda"):
        model.get_config()


def test_lambda_with_mask_arguments_and_shapes():
    x = Input((3,))
    masked = Embedding(5, 2, mask_zero=True)(x)
    layer = Lambda(
        lambda x, factor, mask=None: x * factor * K.cast(K.expand_dims(mask, -1), "float32"),
        arguments={"factor": 3.0},
        mask=lambda x, mask: mask,
    )
    y = layer(masked)
    values, before = Model(x, [y, masked]).predict(np.array([[1, 0, 2]]))
    np.testing.assert_allclose(values, 3 * before * [[[1], [0], [1]]], rtol=1e-6)
    assert y.mask_spec is not None
    flat = Lambda(K.batch_flatten, output_shape=lambda shape: (shape[0], shape[1] * shape[2]))(masked)
    assert flat.shape == (None, 6)
    assert Lambda(lambda x: x[:, :2], output_shape=(2, 2))(masked).shape == (None, 2, 2)


def test_layers_inside_a_lambda_keep_their_weights_current():
    dense, x = Dense(2, use_bias=False), Input((4,))
    dense(x)
    model = Model(x, Lambda(lambda x: dense(x))(x))
    model.predict(X)
    dense.set_weights([np.ones((4, 2))])
    np.testing.assert_allclose(model.predict(X)[:, 0], X.sum(1), rtol=1e-5)


def test_pure_pair_under_transformations():
    model = Sequential([Dense(3, activation="tanh", input_shape=(4,)), Dense(1)])
    init, apply = model.pure()
    params, state = init(jax.random.key(0))

    def output(x):
        return apply(params, state, x[None]).y[0, 0]

    _, slope = jax.jvp(output, (X[0],), (np.ones(4, "float32"),))
    np.testing.assert_allclose(slope, jax.grad(output)(X[0]).sum(), rtol=1e-4)
    np.testing.assert_allclose(jax.vmap(output)(X), apply(params, state, X).y[:, 0], rtol=1e-5)
    assert jax.grad(lambda x: jnp.sum(model(x)))(jnp.asarray(X)).shape == X.shape


def test_models_in_several_threads():
    model = Sequential([Dense(3, input_shape=(4,)), Lambda(lambda x: x * K.constant(2.0))])
    wanted, failures = model.predict(X), []

    def work():
        try:
            other = Sequential([Dense(3, input_shape=(4,)), Power()])
            np.testing.assert_allclose(other.predict(X), other(X), rtol=1e-5, atol=1e-6)
            np.testing.assert_array_equal(model.predict(X), wanted)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_are_whole_and_apart(way):
    model = Sequential([Dense(3, activation=half, input_shape=(4,)), Power(2), Dense(1)])
    assert way(model).optimizer is None
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)
    twin = way(model)
    np.testing.assert_array_equal(twin.predict(X), model.predict(X))
    assert [layer.name for layer in twin.layers] == [layer.name for layer in model.layers]
    model.train_on_batch(X, Y)
    twin.train_on_batch(X, Y)
    for a, b in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


def test_one_output_twice_and_dictionaries_of_inputs():
    a, b = Input((4,), name="a"), Input((4,), name="b")
    y = Concatenate(name="y")([a, b])
    model = Model([a, b], [y, y])
    first, second = model.predict({"b": X, "a": 2 * X})
    np.testing.assert_array_equal(first, np.concatenate([2 * X, X], 1))
    np.testing.assert_array_equal(first, second)
    assert model.compute_output_shape([(None, 4), (None, 4)]) == [(None, 8), (None, 8)]
    assert model.get_layer("a", index=1) is model.layers[1]


def test_the_name_of_a_shared_layer_counts_for_all_its_outputs():
    a, b, shared = Input((4,)), Input((4,)), Dense(1, name="s")
    model = Model([a, b], [shared(a), shared(b)])
    model.compile("sgd", {"s": "mse"}, metrics={"s": "mae"}, loss_weights={"s": 2.0})
    values = dict(zip(model.metrics_names, model.evaluate([X, X], [Y, Y], verbose=0), strict=True))
    assert values["s_loss"] == values["s_1_loss"] > 0
    np.testing.assert_allclose(values["loss"], 4 * values["s_loss"], rtol=1e-5)
    assert values["s_mean_absolute_error"] == values["s_1_mean_absolute_error"]


def test_one_number_for_a_batch_stands_for_each_of_its_rows():
    x = Input((3,))
    model = Model(x, Lambda(lambda t: K.sum(t), output_shape=(1,))(x))
    data = np.arange(15.0).reshape(5, 3)
    assert model.predict(data).tolist() == [105.0] * 5  # as Keras 2.2.4 gives them
    assert model.predict(data, batch_size=2).tolist() == [15.0, 15.0, 51.0, 51.0, 39.0]
    assert np.shape(model.predict_on_batch(data)) == ()
