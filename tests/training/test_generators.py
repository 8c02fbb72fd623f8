"""What is given where batches are expected: the words are about the generator."""

import numpy as np
import pytest

from jkeras import layers
from jkeras.models import Model, Sequential

X, Y = np.ones((4, 3), "float32"), np.zeros((4, 1), "float32")


class Samples:
    """Gives single samples by number, as data sets of other packages do."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return X[index], Y[index]


class Batches:
    def __iter__(self):
        return iter([(X, Y)] * 3)


def endless():
    while True:
        yield X, Y


NONE = {
    "list": ([(X, Y), (X, Y)], "itertools.cycle"),
    "lists": ([[X, Y], [X, Y]], "itertools.cycle"),
    "pair": ((X, Y), r"fit\(x, y\)"),
    "nothing": ([], "itertools.cycle"),
    "function": (endless, r"Call it.*endless\(\.\.\.\)"),
    "class": (Batches, r"Call it.*Batches\(\.\.\.\)"),
    "array": (X, r"Arrays go to fit\(x, y\)"),
    "dict": ({"x": X}, r"Arrays go to fit\(x, y\)"),
    "data set": (Samples(), "a loader that makes batches"),
    "text": ("data.csv", "No data"),
    "number": (3, "No data"),
    "None": (None, "No data"),
}


@pytest.fixture(scope="module")
def model():
    model = Sequential([layers.Dense(1, input_shape=(3,))])
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize(("given", "advice"), NONE.values(), ids=NONE)
def test_what_yields_no_batches(model, given, advice):
    name = type(given).__name__
    for call in (
        lambda: model.fit_generator(given, steps_per_epoch=2, verbose=0),
        lambda: model.fit_generator(given, verbose=0),
        lambda: model.evaluate_generator(given, 2),
        lambda: model.predict_generator(given, 2),
    ):
        with pytest.raises(
            TypeError, match=f"`generator` .*'{name}' object is not an iterator.*{advice}"
        ) as caught:
            call()
        assert "pad_sequences" not in str(caught.value)


@pytest.mark.parametrize("name", NONE)
def test_validation_data_that_are_none(model, name):
    given = NONE[name][0]

    def fit(**steps):
        return model.fit_generator(endless(), 1, validation_data=given, verbose=0, **steps)

    if name in ("pair", "nothing", "None"):
        assert ("val_loss" in fit(validation_steps=1).history) == (name == "pair")
        return
    error, text = (TypeError, "is not an iterator")
    if isinstance(given, list):
        error, text = (ValueError, "batches are taken from a generator")
    for steps in ({}, {"validation_steps": 2}):
        with pytest.raises(error, match=f"validation_data.*{text}") as caught:
            fit(**steps)
        assert "pad_sequences" not in str(caught.value)


def test_a_function_is_no_array(model):
    for call in (
        lambda: model.fit(endless, steps_per_epoch=2, verbose=0),
        lambda: model.evaluate(endless, steps=2),
        lambda: model.predict(endless, steps=2),
    ):
        with pytest.raises(TypeError, match=r"`x`.*should yield batches.*endless\(\.\.\.\)"):
            call()


def test_what_yields_batches(model):
    for items in (endless(), Batches(), zip([X] * 2, [Y] * 2, strict=True), map(lambda i: (X, Y), range(2))):
        model.fit_generator(items, 2, workers=0, verbose=0)
    assert model.predict_generator((X for _ in range(2)), 2).shape == (8, 1)
    with pytest.raises(ValueError, match="Output of generator should be a tuple"):
        model.fit_generator((X for _ in range(2)), 2, verbose=0)


def test_several_inputs_are_no_batches():
    """`([x1, x2], [y1, y2])` looks like two batches of a model with one input."""
    a, b = layers.Input((3,)), layers.Input((1,))
    outputs = [layers.Dense(1)(layers.concatenate([a, b])), layers.Dense(2)(b)]

    model = Model([a, b], outputs)
    model.compile("sgd", "mse")
    data = [X, Y], [Y, np.zeros((4, 2))]
    assert "val_loss" in model.fit(*data, validation_data=data, verbose=0).history
