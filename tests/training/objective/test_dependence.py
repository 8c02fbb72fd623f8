"""What cannot be trained: Keras raises if any of the trained weights has no gradient, and only then.

The expectations are those of the real Keras 2.2.4.
"""

import numpy as np
import pytest

from jkeras import backend as K
from jkeras import layers, metrics, regularizers
from jkeras.layers import Dense, Lambda
from jkeras.models import Model, Sequential

X = np.ones((4, 3), "float32")


def _fit(model, loss="mse", **how):
    model.compile("sgd", loss, **how)
    y = [np.ones((4, *map(int, shape[1:])), "float32") for shape in _shapes(model)]
    return model.fit(X, y, verbose=0)


def _shapes(model):
    return model.output_shape if isinstance(model.output_shape, list) else [model.output_shape]


def _after(function):
    return Sequential([Dense(2, input_shape=(3,)), Lambda(function)])


class Scale(layers.Layer):
    """Has a weight `a`, and uses it as it is told."""

    def __init__(self, how, regularizer=None):
        super().__init__()
        self.how, self.regularizer = how, regularizer

    def build(self, shape):
        self.a = self.add_weight("a", (3,), initializer="ones", regularizer=self.regularizer)
        super().build(shape)

    def call(self, x, training=None):
        return self.how(self, x, training)


def _square(layer):
    return K.sum(K.square(layer.a))


NO_PATH = {
    "argmax": lambda v: K.cast(K.argmax(v, -1), "float32")[:, None],
    "round": K.round,
    "stop_gradient": K.stop_gradient,
    "to int": lambda v: K.cast(K.cast(v, "int32"), "float32"),
    "greater": lambda v: K.cast(K.greater(v, 0), "float32"),
    "one_hot": lambda v: K.one_hot(K.argmax(v, -1), 2),
    "zeros_like": K.zeros_like,
    "switch": lambda v: K.switch(K.greater(v, 0), K.ones_like(v), K.zeros_like(v)),
    "in a loop": lambda v: K.map_fn(K.round, v),
    "floordiv": lambda v: v // 1.0,
}
PATH = {
    "sign": K.sign,
    "times 0": lambda v: v * 0.0,
    "straight through": lambda v: v + K.stop_gradient(K.round(v) - v),
    "modulo": lambda v: v % 1.0,
    "clip": lambda v: K.clip(v, 5.0, 6.0),
    "maximum": lambda v: K.maximum(v, 100.0),
    "switch": lambda v: K.switch(K.greater(v, 100), v, K.zeros_like(v)),
    "v - v": lambda v: v - v,
    "nothing of it": lambda v: K.concatenate([v[:, :0], K.ones_like(v)]),
    "in a loop": lambda v: K.map_fn(lambda row: row * 2, v),
}


@pytest.mark.parametrize("function", NO_PATH.values(), ids=NO_PATH)
def test_functions_without_a_gradient(function):
    text = r"`None` for gradient.*K.argmax.* 2 of the 2 weights.*dense_\d+/bias, .*dense_\d+/kernel"
    with pytest.raises(ValueError, match=text):
        _fit(_after(function))


@pytest.mark.parametrize("function", PATH.values(), ids=PATH)
def test_functions_whose_gradient_may_be_0(function):
    assert np.isfinite(_fit(_after(function)).history["loss"]).all()


LAYERS = {
    "not used": (lambda self, x, training: x, False),
    "used": (lambda self, x, training: x * self.a, True),
    "in training": (lambda self, x, training: K.in_train_phase(x * self.a, x, training=training), True),
    "in inference": (lambda self, x, training: K.in_train_phase(x, x * self.a, training=training), True),
    "under a condition": (lambda self, x, training: K.switch(K.sum(x) > 100.0, x * self.a, x), True),
    "in a loss": (lambda self, x, training: self.add_loss(_square(self)) or x, True),
    "in a stopped loss": (
        lambda self, x, training: self.add_loss(K.stop_gradient(_square(self))) or x,
        False,
    ),
    "in an update": (lambda self, x, training: self.add_update([(self.a, self.a * 0.9)], x) or x, False),
}


@pytest.mark.broadcasts
@pytest.mark.parametrize(("how", "trains"), LAYERS.values(), ids=LAYERS)
def test_weights_of_own_layers(how, trains):
    model = Sequential([Dense(3, input_shape=(3,)), Scale(how)])
    if trains:
        _fit(model)
        return
    with pytest.raises(ValueError, match=r"1 of the 3 weights.*scale_\d+/a\. "):
        _fit(model)
    model.layers[1].trainable = False
    _fit(model)


def test_penalties_are_a_path():
    unused = Scale(lambda self, x, training: x, regularizers.l2(0.1))
    _fit(Sequential([Dense(3, input_shape=(3,)), unused]))
    both = {"kernel_regularizer": "l2", "bias_regularizer": "l2"}
    _fit(Sequential([Dense(2, input_shape=(3,), **both), Lambda(K.round)]))
    _fit(Sequential([Dense(2, input_shape=(3,), activity_regularizer="l2"), Lambda(K.round)]))
    with pytest.raises(ValueError, match="1 of the 2 weights.*bias"):
        _fit(Sequential([Dense(2, input_shape=(3,), kernel_regularizer="l2"), Lambda(K.round)]))


def test_outputs_without_a_loss():
    x = layers.Input((3,))
    hidden = Dense(3)(x)
    model = Model(x, [Dense(1, name="a")(hidden), Dense(1, name="b")(hidden)])
    _fit(model, loss_weights=[1.0, 0.0])  # a weight of 0 is a gradient of 0
    model.compile("sgd", ["mse", None])
    with pytest.raises(ValueError, match="2 of the 6 weights.*: .*b/bias, .*b/kernel"):
        model.fit(X, np.ones((4, 1)), verbose=0)


@pytest.mark.parametrize(
    ("loss", "trains"),
    [
        (lambda true, predicted: K.zeros_like(predicted), False),
        (lambda true, predicted: true, False),
        (metrics.binary_accuracy, False),
        (lambda true, predicted: predicted * 0.0, True),
        (lambda true, predicted: K.sign(predicted), True),
        ("hinge", True),
    ],
)
def test_losses(loss, trains):
    model = Sequential([Dense(2, input_shape=(3,))])
    if trains:
        _fit(model, loss)
    else:
        with pytest.raises(ValueError, match="`None` for gradient"):
            _fit(model, loss)


def test_recurrent_layers():
    x = layers.Input((4, 3))
    forwards, _ = layers.Bidirectional(layers.GRU(2), merge_mode=None)(x)
    model = Model(x, forwards)
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="3 of the 6 weights"):
        model.fit(np.ones((2, 4, 3)), np.ones((2, 2)), verbose=0)
    one_step = Sequential([layers.GRU(2, reset_after=True, input_shape=(1, 3))])
    one_step.compile("sgd", "mse")
    one_step.fit(np.ones((2, 1, 3)), np.ones((2, 2)), verbose=0)


def test_what_is_frozen_or_not_trained_needs_none():
    frozen = Sequential([Dense(2, input_shape=(3,), trainable=False), Lambda(K.round), Dense(1)])
    _fit(frozen)
    _fit(Sequential([Lambda(K.round, input_shape=(3,))]))
    model = _after(K.round)
    model.compile("sgd", "mse")
    assert np.isfinite(model.evaluate(X, np.ones((4, 2)), verbose=0))


def test_every_way_to_train_and_the_model_after_it():
    model, y = _after(K.round), np.ones((4, 2))
    model.compile("sgd", "mse")
    before = model.get_weights()
    for train in (
        lambda: model.train_on_batch(X, y),
        lambda: model.fit_generator(iter([(X, y)] * 2), 2, verbose=0),
        lambda: model.fit(X, y, batch_size=2, verbose=0),
    ):
        with pytest.raises(ValueError, match="`None` for gradient"):
            train()
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
