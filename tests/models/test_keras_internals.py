"""The loss of a compiled model as tensors: the gradients of scripts are those of a step of training."""

import numpy as np
import pytest

from jkeras import backend as K
from jkeras import layers, optimizers
from jkeras.models import Model, Sequential

ROWS = 6
RANDOM = np.random.RandomState(0)
X, Z = RANDOM.rand(ROWS, 4), RANDOM.rand(ROWS, 3)
SERIES = RANDOM.rand(ROWS, 3, 2)
SERIES[:, 2] = 0
CLASSES = RANDOM.randint(0, 3, (ROWS, 1))
WEIGHT = np.arange(ROWS) % 3


def _dense():
    x = layers.Input((4,))
    hidden = layers.BatchNormalization()(layers.Dense(5, kernel_regularizer="l2")(x))
    return Model(x, layers.Dense(3, activation="softmax", activity_regularizer="l1")(hidden))


def _two():
    x = layers.Input((4,))
    hidden = layers.Dense(5, activation="tanh")(x)
    return Model(x, [layers.Dense(3, name="a")(hidden), layers.Dense(3, name="b")(hidden)])


def _masked():
    x = layers.Input((3, 2))
    return Model(x, layers.LSTM(4, return_sequences=True)(layers.Masking()(x)))


def _cubic(y_true, y_pred):
    return K.mean(K.abs(y_true - y_pred) ** 3, axis=-1)


CASES = {
    "phases and penalties": (_dense, {"loss": "mse"}, X, Z, WEIGHT),
    "classes": (_dense, {"loss": "sparse_categorical_crossentropy"}, X, CLASSES, WEIGHT),
    "own loss": (_dense, {"loss": _cubic}, X, Z, None),
    "two": (_two, {"loss": ["mse", "mae"], "loss_weights": [0.3, 2]}, X, [Z, Z], {"b": WEIGHT}),
    "time": (
        _masked,
        {"loss": "mse", "sample_weight_mode": "temporal"},
        SERIES,
        RANDOM.rand(ROWS, 3, 4),
        np.arange(ROWS * 3).reshape(ROWS, 3) % 2,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_gradients_are_those_of_a_step(case):
    make, arguments, x, y, weight = CASES[case]
    model = make()
    model.compile(optimizers.SGD(1.0), metrics=["mae"], weighted_metrics=["mse"], **arguments)
    function = K.function(
        model.inputs + model.targets + model.sample_weights + [K.learning_phase()],
        [model.total_loss, *model.metrics_tensors, *K.gradients(model.total_loss, model.trainable_weights)],
    )
    xs, ys, weights = model._standardize_user_data(x, y, weight)
    *values, training = (function([*xs, *ys, *weights, phase]) for phase in (0, 1))
    count = len(model.metrics_names)
    np.testing.assert_allclose(values[0][:count], model.test_on_batch(x, y, weight), rtol=1e-5)
    before = [w.numpy() for w in model.trainable_weights]
    np.testing.assert_allclose(training[:count], model.train_on_batch(x, y, weight), rtol=1e-5)
    for old, new, gradient in zip(before, model.trainable_weights, training[count:], strict=True):
        np.testing.assert_allclose(old - new.numpy(), gradient, rtol=1e-4, atol=1e-6)


def test_a_loss_made_of_tensors_needs_no_target():
    x = layers.Input((4,))
    model = Model(x, layers.Dense(2)(x))
    model.add_loss(K.mean(K.square(model.output)))
    model.compile("sgd", loss=None)
    assert (model.targets, model.sample_weights, model.loss_functions) == ([None], [None], [None])
    (value,) = K.function(model.inputs, [model.total_loss])([X])
    np.testing.assert_allclose(value, model.test_on_batch(X), rtol=1e-6)


def test_what_is_fed():
    model = _two()
    with pytest.raises(RuntimeError, match="has no loss yet: call model.compile"):
        _ = model.total_loss
    target = K.variable(Z)
    model.compile("sgd", "mse", target_tensors={"a": target})
    assert model.targets[0] is target and model._feed_targets == model.targets[1:]
    assert model._feed_output_names == ["b"] and model._feed_output_shapes == [(None, 3)]
    assert model._feed_inputs == model.inputs and model._feed_input_names == model.input_names
    assert [fn.__name__ for fn in model.loss_functions] == ["mean_squared_error"] * 2
    assert model._is_compiled and model._is_graph_network
    first = model.total_loss
    assert first is model.total_loss
    model.compile("sgd", "mae")
    assert model.total_loss is not first
    model._make_predict_function()
    model = Sequential([layers.Dense(1, input_shape=(4,))])
    model.compile("sgd", "mse", sample_weight_mode=None)
    assert model.sample_weight_modes == [None] and model.targets[0].shape == (None, 1)
