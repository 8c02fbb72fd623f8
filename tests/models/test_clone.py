"""clone_model: new layers, the same architecture."""

from __future__ import annotations

import numpy as np
import pytest

from jkeras import backend as K
from jkeras.layers import LSTM, Add, Dense, Dropout, Embedding, Input, Layer
from jkeras.models import Model, Sequential, clone_model

X = np.random.RandomState(0).rand(8, 4).astype("float32")


class Plus(Layer):
    """A user's class, which needs no registration to be cloned."""

    def __init__(self, amount=1.0, **kwargs):
        super().__init__(**kwargs)
        self.amount = amount

    def call(self, x):
        return x + self.amount


def same(model, clone, data=X):
    clone.set_weights(model.get_weights())
    assert [layer.name for layer in clone.layers] == [layer.name for layer in model.layers]
    assert not {id(layer) for layer in clone.layers} & {id(layer) for layer in model.layers}
    for a, b in zip(np.atleast_2d(model.predict(data)), np.atleast_2d(clone.predict(data)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)


def test_shared_layers_inner_models_and_functions():
    x = Input((4,))
    shared, inner = Dense(4), Sequential([Dense(4, input_shape=(4,)), Plus(2.0)])
    model = Model(x, Add()([shared(x), shared(inner(x)), x * 2]))
    clone = clone_model(model)
    same(model, clone)
    assert isinstance(clone.get_layer(inner.name), Sequential)


def test_states_and_masks():
    x = Input((3,))
    embedded = Embedding(5, 2, mask_zero=True)(x)
    _, h, c = LSTM(2, return_state=True)(embedded)
    model = Model(x, LSTM(2)(embedded, initial_state=[h, c]))
    same(model, clone_model(model), np.array([[1, 2, 0], [3, 0, 0]]))


def test_given_inputs():
    x, new = Input((4,)), Input((4,))
    model = Model(x, Dense(2)(x))
    clone = clone_model(model, new)
    assert clone.inputs[0] is new
    clone.set_weights(model.get_weights())
    np.testing.assert_allclose(clone.predict(X), model.predict(X), rtol=1e-6)
    fed = clone_model(model, [K.variable(X)])
    fed.set_weights(model.get_weights())
    np.testing.assert_allclose(fed.predict(None, steps=1), model.predict(X), atol=1e-6)
    with pytest.raises(ValueError, match="1 inputs; got 2"):
        clone_model(model, [x, new])


def test_chains_with_and_without_a_shape():
    model = Sequential([Dense(3, input_shape=(4,)), Dropout(0.5)], name="chain")
    clone = clone_model(model)
    same(model, clone)
    assert isinstance(clone, Sequential) and clone.name == "chain"
    unbuilt = clone_model(Sequential([Dense(3), Plus()]))
    assert not unbuilt.built and unbuilt.predict(X).shape == (8, 3)
    new = Input((4,))
    assert clone_model(model, new).inputs[0] is new


def test_a_model_in_the_middle_of_another_gets_an_input():
    x = Input((4,))
    inner = Dense(3)(x)
    model = Model(inner, Dense(1)(inner))
    clone = clone_model(model)
    clone.set_weights(model.get_weights()[-2:])
    np.testing.assert_allclose(clone.predict(np.ones((2, 3))), model.predict(np.ones((2, 3))), rtol=1e-6)


def test_what_cannot_be_cloned():
    class Own(Model):
        def call(self, x):
            return x

    with pytest.raises(ValueError, match="new instance"):
        clone_model(Own())
    with pytest.raises(ValueError, match="takes a model"):
        clone_model(Dense(2))  # type: ignore[arg-type]
