"""Typical mistakes: what each message says, and that a silent one has a word."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
import warnings

import jax.numpy as jnp
import numpy as np
import pytest

import jkeras as keras
from jkeras import callbacks, layers, losses, models, optimizers, regularizers
from jkeras.layers import (
    LSTM,
    Concatenate,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Input,
    LocallyConnected2D,
    MaxPooling2D,
    Reshape,
)
from jkeras.models import Model, Sequential
from jkeras.utils import to_categorical

X = np.random.RandomState(0).rand(6, 8).astype("float32")
Y = np.array([[0.0], [1.0]] * 3, "float32")
IMAGES = np.zeros((2, 6, 6, 1), "float32")


def mlp(activation="sigmoid", loss="binary_crossentropy", units=1, **arguments):
    model = Sequential([Dense(units, activation=activation, input_shape=(8,), name="head")])
    model.compile("sgd", loss, **arguments)
    return model


def cnn(*last):
    model = Sequential([Conv2D(2, 3, input_shape=(6, 6, 1)), *last, Dense(1)])
    model.compile("sgd", "mse")
    return model


def fit(model, *data, **arguments):
    return model.fit(*data, verbose=0, **arguments)


MISTAKES = {
    "layer keyword": (
        lambda: Dense(3, activaton="relu"),
        "Dense got .* 'activaton'. Did you mean 'activation'?",
    ),
    "input_shape": (lambda: Dense(3, input_shap=(3,)), "Did you mean 'input_shape'?"),
    "nothing near": (lambda: Dense(3, qqqq=1), "unknown argument 'qqqq'. It takes .*'units'"),
    "needed keyword": (lambda: Conv2D(filter=3, kernel_size=3), "'filter'. Did you mean 'filters'?"),
    "fit keyword": (lambda: fit(mlp(), X, Y, epoch=3), "fit\\(\\) got .* 'epoch'. Did you mean 'epochs'?"),
    "compile keyword": (lambda: mlp(metric=["acc"]), "'metric'. Did you mean 'metrics'?"),
    "from_logits": (lambda: mlp(from_logits=True), "unknown argument 'from_logits'"),
    "metric": (lambda: mlp(metrics=["accuracyy"]), "accuracyy. Did you mean 'accuracy'"),
    "loss": (lambda: mlp(loss="binary_crossentropi"), "Did you mean 'binary_crossentropy'"),
    "optimizer": (
        lambda: Sequential([Dense(1, input_shape=(3,))]).compile("adm", "mse"),
        "Did you mean 'Adam'?",
    ),
    "activation": (lambda: Dense(3, activation="reluu"), "Did you mean 'relu'"),
    "initializer": (lambda: Dense(3, kernel_initializer="glorot"), "Did you mean 'glorot_normal'"),
    "layer name": (lambda: layers.Dens, "Did you mean 'Dense'?"),
    "wrong module": (lambda: layers.Sequential, "It is jkeras.models.Sequential"),
    "no module": (lambda: keras.Dense, "It is jkeras.layers.Dense"),
    "hyperparameter": (lambda: optimizers.SGD(learning_rat=1), "learning_rat. SGD takes lr"),
    "rate": (lambda: optimizers.SGD(lr="fast"), "lr must be a number; got 'fast'"),
    "units": (lambda: Dense(3.5), "`units` argument must be an integer"),
    "Flatten": (lambda: fit(cnn(), IMAGES, Y[:2]), r"\(None, 4, 4, 1\): is a Flatten missing"),
    "channels": (lambda: fit(cnn(Flatten()), IMAGES[..., 0], Y[:2]), r"x\[..., None\] adds it"),
    "one image": (lambda: cnn(Flatten()).predict(IMAGES[0]), r"A batch of one is x\[None\]"),
    "one row": (lambda: mlp().predict(X[0]), r"A batch of one is x\[None\]"),
    "no return_sequences": (
        lambda: Sequential([LSTM(2, input_shape=(3, 2)), LSTM(2)]),
        "expected ndim=3, found ndim=2",
    ),
    "texts": (lambda: fit(mlp(), X, np.array(["a", "b"] * 3)), r"np.unique\(y, return_inverse=True\)"),
    "None among numbers": (lambda: fit(mlp(), np.array([[None] * 8] * 6), Y), "contain None"),
    "ragged": (lambda: fit(mlp(), [[1, 2], [3]], Y), "differ in length"),
    "validation's shape": (
        lambda: fit(mlp(), X, Y, validation_data=(X[:, :4], Y)),
        "^`validation_data`: .*input",
    ),
    "validation's length": (
        lambda: fit(mlp(), X, Y, validation_data=(X, Y[:2])),
        "^`validation_data`: .*samples",
    ),
    "classes as columns": (
        lambda: fit(mlp(units=3, loss="categorical_crossentropy"), X, Y),
        "to_categorical",
    ),
    "class out of range": (
        lambda: fit(mlp("softmax", "sparse_categorical_crossentropy", 2), X, 5 * Y),
        r"must lie in \[0, 2\).* contains 5",
    ),
    "not compiled": (lambda: fit(Sequential([Dense(1, input_shape=(8,))]), X, Y), "must compile the model"),
    "numpy's function": (lambda: np.sqrt(Input((3,))), "symbolic.* those of the backend"),
    "numpy's mean": (lambda: np.mean(Input((3,))), "symbolic.* those of the backend"),
    "jax's function": (lambda: jnp.exp(Input((3,))), "symbolic.* those of the backend"),
    "truth": (lambda: 1 if Input((3,)) > 0 else 2, "no truth value; use K.switch"),
    "other input": (lambda: Model(Input((3,)), Dense(2)(Input((3,)))), "Graph disconnected"),
    "merge": (lambda: Concatenate()([Input((3, 2)), Input((4, 3))]), "matching shapes"),
    "reshape": (lambda: Reshape((5,))(Input((4,))), "total size must be unchanged"),
    "window": (lambda: MaxPooling2D(4)(Input((3, 3, 1))), "extent 4 does not fit into length 3"),
    "channels first": (lambda: Conv2D(2, 3)(Input((1, 28, 28))), r"channels come first.*x, 1, -1\)"),
    "channels first, pooled": (
        lambda: Sequential([Conv2D(2, 3, input_shape=(3, 32, 32)), MaxPooling2D(2)]),
        "padding='same'.* channels come first",
    ),
    "channels last": (
        lambda: LocallyConnected2D(2, 3, data_format="channels_first", name="my")(Input((28, 28, 1))),
        r"'my' .LocallyConnected2D.*channels come last.*x, -1, 1\).*'channels_last'",
    ),
    "axes of the data": (lambda: fit(cnn(Flatten()), IMAGES.reshape(2, 1, 6, 6), Y[:2]), r"x, 1, -1\)"),
    "no room": (lambda: MaxPooling2D(4)(Input((2, 2, 64))), r"if it has that\.$"),
    "a number as text": (lambda: Dropout("0.5"), "`rate` should be a number; got the text '0.5'"),
    "a momentum as text": (
        lambda: layers.BatchNormalization(momentum="0.9"),
        "`momentum` should be a number",
    ),
    "a slope as text": (lambda: layers.LeakyReLU("0.3"), "`alpha` should be a number"),
    "a factor as text": (lambda: regularizers.l2("0.01"), "`l2` should be a number"),
    "a limit as text": (lambda: optimizers.SGD(clipnorm="1"), "`clipnorm` should be a number"),
    "patience as text": (lambda: callbacks.EarlyStopping(patience="3"), "`patience` should be a number"),
    "units as text": (lambda: Dense("10"), "must be an integer. Received: '10'"),
    "a metric as text": (lambda: mlp(metrics="accuracy"), r"found: 'accuracy'. Write \['accuracy'\]"),
    "a metric as loss": (lambda: mlp(loss="accuracy"), r"is a metric.*metrics=\['accuracy'\]"),
    "batches without targets": (
        lambda: mlp().fit_generator(iter([X]), steps_per_epoch=1, verbose=0),
        r"\(x, y\)`. Found: ndarray of shape \(6, 8\), which may be x alone",
    ),
    "a class as activation": (
        lambda: Dense(1, activation=layers.ReLU),
        r"add ReLU\(\) to the model",
    ),
    "texts as classes": (lambda: to_categorical(["cat", "dog"]), r"got the text 'cat'. .*np\.unique"),
    "class weights of texts": (
        lambda: fit(mlp(), X, Y, class_weight={"0": 1, "1": 2}),
        r"whose keys are \['0', '1'\]",
    ),
    "input_dim": (lambda: Conv2D(2, 3, input_dim=8), "no input_dim: give input_shape"),
    "a list of numbers": (lambda: Dense(1)([1, 2, 3]), r"are an array, np.array\(\[\["),
    "a model's keyword": (lambda: Model(inputs=Input((3,)), output_=1), "Did you mean 'outputs'"),
    "numbers of a tensor": (lambda: Input((3,)).numpy(), "symbolic and has no numbers: model.predict"),
    "too large": (lambda: Sequential([Dense(10**6, input_shape=(10**6,))]), "of memory"),
    "a call as a name": (lambda: mlp(loss="mse()"), r"Did you mean 'mse' or 'MSE'\?$"),
    "a factor": (lambda: Dense(1, kernel_regularizer=0.01), r"regularizers\.l2\(0\.01\)"),
    "columns as classes": (
        lambda: fit(mlp("softmax", "sparse_categorical_crossentropy", 2), X, np.eye(2)[[0, 1] * 3]),
        r"categorical_crossentropy, or y\.argmax\(-1\)",
    ),
    "classes from 1": (
        lambda: fit(mlp("softmax", "sparse_categorical_crossentropy", 2), X, Y * 0 + 2),
        "counted from 0",
    ),
    "samples in input_shape": (
        lambda: Sequential([Dense(1, input_shape=(6, 8))]).predict(X),
        "shape of one",
    ),
    "an array as input": (lambda: Model(X, Dense(1)), r"got an array of shape \(6, 8\)"),
    "a name as layer": (lambda: Sequential(["relu"]), r"Activation\('relu'\)"),
    "a tensor as layer": (lambda: Sequential([Dense(1)(Input((3,)))]), "without calling it"),
    "a class as layer": (lambda: Sequential([Flatten]), "is a class: call it"),
    "several inputs": (lambda: Dense(1)([Input((3,)), Input((3,))]), "Join them before"),
    "no steps": (lambda: LSTM(2)(Input((3,))), "return_sequences=True"),
    "no channels": (lambda: Conv2D(2, 3)(Input((6, 6))), "axis of channels missing"),
    "rate misspelt": (lambda: optimizers.Adam(learnin_rate=1), "Did you mean 'learning_rate'"),
    "numpy in a layer": (
        lambda: layers.Lambda(lambda t: np.log(t))(Input((3,))),
        "hands its tensors to numpy",
    ),
    "no such layer": (lambda: mlp().get_layer("hed"), r"no layer 'hed'; its layers are \['head'\]"),
    "no such file": (lambda: models.load_model("no such file.h5"), "No such file"),
    "unknown ending": (lambda: mlp().save("model.onnx"), "not .onnx"),
    "share of validation": (lambda: fit(mlp(), X, Y, validation_split=20), "from 0 to 1"),
}


@pytest.mark.parametrize("mistake, message", MISTAKES.values(), ids=MISTAKES)
def test_the_message(mistake, message):
    with pytest.raises((ValueError, TypeError, AttributeError, RuntimeError, OSError)) as raised:
        mistake()
    assert re.search(message, str(raised.value)), raised.value


def words(action):
    """The warnings of an action."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        action()
    assert all(w.filename == __file__ for w in caught)
    return "\n".join(str(w.message) for w in caught)


def test_data_that_are_not_finite():
    model = mlp(loss="mse", activation=None)
    broken = np.where(np.arange(8) == 2, np.nan, X)
    assert "'head_input' contain NaN" in words(lambda: fit(model, broken, Y))
    assert "'head' contain infinity" in words(lambda: fit(model, X, np.where(Y, np.inf, 0)))
    assert "the validation's 'head_input'" in words(lambda: fit(model, X, Y, validation_data=(broken, Y)))
    huge = np.full_like(X, 3e38)
    assert not words(lambda: fit(model, huge, Y))  # its sum is infinite


def test_losses_on_probabilities():
    assert "activation='sigmoid', or compile with losses.BinaryCrossentropy" in words(lambda: mlp(None))
    assert "activation='softmax'" in words(lambda: mlp(None, "categorical_crossentropy", 3))
    assert "softmax of a single unit" in words(lambda: mlp("softmax"))
    assert "or the loss 'hinge'" in words(lambda: fit(mlp(), X, 2 * Y - 1))
    assert not words(lambda: mlp(None, losses.BinaryCrossentropy(from_logits=True)))
    assert not words(lambda: mlp(None, "mse")) and not words(mlp)


@pytest.mark.parametrize("shape, format, word", [((3, 9, 9), "last", "first"), ((9, 9, 3), "first", "last")])
def test_images_with_their_channels_at_the_other_end(shape, format, word):
    first = Conv2D(2, 3, padding="same", data_format=f"channels_{format}", input_shape=shape)
    model = Sequential([first, Flatten(), Dense(1)])
    assert f"9 channels. Are these {word}?" in words(lambda: model.compile("sgd", "mse"))


def test_a_rate_of_dropout_is_a_fraction():
    assert "Dropout(50)" in words(lambda: Dropout(50))


@pytest.mark.broadcasts
def test_arrays_and_tensors_compare_and_compute():
    tensor = Input((3,))
    assert tensor not in [np.ones(3)]
    assert (np.ones(3, "float32") * tensor).shape == (jnp.ones(3) * tensor).shape == (None, 3)


@pytest.mark.parametrize("how, shown", [("", False), ("full", True)])
def test_tracebacks_are_of_the_users_code(tmp_path, how, shown):
    script = tmp_path / "train.py"
    script.write_text(
        textwrap.dedent("""
            from jkeras.layers import Dense
            Dense(3, activation="reluu")
        """)
    )
    environment = {**os.environ, "JKERAS_TRACEBACK": how}
    run = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True)
    assert run.returncode == 1 and f'{script}", line 3' in run.stderr and "Unknown activation" in run.stderr
    assert ("registry.py" in run.stderr) is shown and ("JKERAS_TRACEBACK=full" in run.stderr) is not shown
