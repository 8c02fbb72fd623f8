"""Weights into models: by position, by name, all of them or none."""

from __future__ import annotations

import numpy as np
import pytest

from jkeras.layers import Conv2D, Dense, Flatten
from jkeras.models import Model, Sequential
from tests.saving.models import FORMATS, X, Y, same_weights, small


@pytest.mark.parametrize("name", FORMATS)
def test_weights_alone(name, tmp_path):
    model, other = small(), small()
    model.save_weights(tmp_path / name)
    other.load_weights(tmp_path / name)
    same_weights(model, other)


def unchanged(model, action, match):
    before = model.get_weights()
    with pytest.raises(ValueError, match=match):
        action()
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def chain(*units, names=None):
    names = names or [f"d{i}" for i in range(len(units))]
    first = Dense(units[0], input_shape=(4,), name=names[0])
    return Sequential([first, *(Dense(u, name=n) for u, n in zip(units[1:], names[1:], strict=True))])


def test_what_does_not_fit_changes_nothing(tmp_path):
    chain(5, 2).save_weights(tmp_path / "w.h5")

    def load(model, **kw):
        return lambda: model.load_weights(tmp_path / "w.h5", **kw)

    model = chain(5, 2, 2)
    unchanged(
        model,
        load(model),
        r"w\.h5: .*containing 2 layers into a model with 3 layers.*d0, d1; in the model: d0",
    )
    model = chain(5, 3)
    unchanged(
        model,
        load(model),
        r'Layer #1 \(named "d1".*d1/kernel:0 has shape \(5, 3\).*saved weight has shape \(5, 2\)',
    )
    model = Sequential([Dense(5, input_shape=(4,)), Dense(2, use_bias=False, name="last")])
    unchanged(
        model,
        load(model),
        r'"last" in the current model.* d1 in the save file.*expects 1 weights.*2 elements',
    )
    model = chain(5, 3)
    unchanged(model, load(model, by_name=True), r'Layer #1 \(named "d1"\), weight .*\(5, 3\).*\(5, 2\)')


def test_by_name(tmp_path):
    source = chain(5, 2, names=["x", "y"])
    source.save_weights(tmp_path / "w.msgpack")
    model = chain(5, 5, 2, names=["x", "between", "y"])
    between = model.layers[1].get_weights()
    model.load_weights(tmp_path / "w.msgpack", by_name=True)
    same_weights(model.layers[0], source.layers[0])
    same_weights(model.layers[2], source.layers[1])
    np.testing.assert_array_equal(model.layers[1].get_weights()[0], between[0])


def test_skip_mismatch_takes_what_fits_and_warns(tmp_path):
    source = chain(5, 2)
    source.save_weights(tmp_path / "w.h5")
    model = chain(5, 3)
    with pytest.warns(UserWarning) as told:
        model.load_weights(tmp_path / "w.h5", by_name=True, skip_mismatch=True)
    text = "Skipping loading of weights for layer d1 due to mismatch in shape"
    assert [str(w.message) for w in told] == [f"{text} ((5, 3) vs (5, 2)).", f"{text} ((3,) vs (2,))."]
    same_weights(model.layers[0], source.layers[0])
    model = Sequential([Dense(5, input_shape=(4,), name="d0", use_bias=False)])
    with pytest.warns(UserWarning, match=r"mismatch in number of weights \(1 vs 2\)"):
        model.load_weights(tmp_path / "w.h5", by_name=True, skip_mismatch=True)


def test_reshape_of_convolution_kernels(tmp_path):
    def make(size):
        return Sequential([Conv2D(2, size, input_shape=(6, 6, 1), name="c"), Flatten()])

    make((2, 3)).save_weights(tmp_path / "w.h5")
    model = make((3, 2))
    with pytest.raises(ValueError, match="has shape"):
        model.load_weights(tmp_path / "w.h5")
    model.load_weights(tmp_path / "w.h5", reshape=True)


class Own(Model):
    def __init__(self):
        super().__init__()
        self.first, self.second = Dense(3), Dense(2)

    def call(self, x):
        return self.second(self.first(x))


@pytest.mark.parametrize("name", FORMATS[:2])
def test_a_subclassed_model_keeps_weights_only(name, tmp_path):
    model, other = Own(), Own()
    for m in (model, other):
        m.compile("sgd", "mse")
        m.train_on_batch(X, Y)
    with pytest.raises(NotImplementedError, match="save_weights"):
        model.save(tmp_path / name)
    model.save_weights(tmp_path / name)
    other.load_weights(tmp_path / name)
    same_weights(model, other)


class Scaled(Own):
    def build(self, input_shape):
        self.scale = self.add_weight("scale", (2,), initializer="uniform")

    def call(self, x):
        return super().call(x) * self.scale


@pytest.mark.broadcasts
@pytest.mark.parametrize("name", FORMATS[:2])
def test_weights_that_a_subclassed_model_itself_owns(name, tmp_path):
    model, other = Scaled(), Scaled()
    for m in (model, other):
        m.predict(X)
    assert len(model.weights) == 5
    model.save_weights(tmp_path / name)
    other.load_weights(tmp_path / name)
    same_weights(model, other)
