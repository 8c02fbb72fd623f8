"""Sequential: what it does before it knows its input shape."""

import pickle

import jax
import numpy as np
import pytest

from jkeras.layers import LSTM, Activation, Conv2D, Dense, Embedding, Input, InputLayer
from jkeras.models import Sequential, clone_model, load_model
from jkeras.models.sequential import NotBuiltError

X = np.random.RandomState(0).rand(8, 4).astype("float32")


def test_pair_of_a_model_without_shape_is_that_of_the_built_one():
    model = Sequential([Dense(3, name="a"), Activation("tanh"), Dense(2, name="b")])
    init, apply = model.pure()  # before there is a graph
    params, state = init(jax.random.key(0), (None, 4))
    assert params["a"]["kernel"].shape == (4, 3) and params["b"]["kernel"].shape == (3, 2)
    x = np.ones((5, 4), "float32")
    later = model.pure().apply(params, state, x).y
    np.testing.assert_array_equal(apply(params, state, x).y, later)


def test_apply_before_init_says_what_is_missing():
    apply = Sequential([Dense(3)]).pure().apply
    with pytest.raises(NotBuiltError, match="not built yet"):
        apply({}, {}, np.ones((5, 4), "float32"))


def test_pop_and_add_after_fit():
    model = Sequential([Dense(3, input_shape=(4,)), Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, np.ones((8, 1)), verbose=0)
    kept = model.layers[0].get_weights()[0]
    model.pop()
    assert model.output_shape == (None, 3)
    np.testing.assert_allclose(model.predict(X), X @ kept + model.layers[0].get_weights()[1], rtol=1e-5)
    model.add(Dense(2))
    model.fit(X, np.ones((8, 2)), verbose=0)
    assert np.abs(model.layers[0].get_weights()[0] - kept).max() > 0


def test_an_empty_chain_starts_again():
    model = Sequential([Dense(3, input_shape=(4,))])
    model.pop()
    assert model.layers == [] and not model.built
    with pytest.raises(TypeError, match="no layers to pop"):
        model.pop()
    model.add(Dense(2, input_shape=(5,)))
    assert model.input_shape == (None, 5)


def test_built_by_data_by_shape_or_by_a_tensor():
    fitted = Sequential([Dense(3), Dense(1)])
    assert len(fitted.layers) == 2 and fitted.weights == []
    with pytest.raises(ValueError, match="not built"):
        fitted.summary()
    fitted.compile("sgd", "mse")
    fitted.fit(X, np.ones((8, 1)), verbose=0)
    assert fitted.input_shape == (None, 4)
    assert Sequential.from_config(fitted.get_config()).built
    shaped = Sequential([Dense(3)])
    shaped.build((None, 4))
    shaped.add(Dense(2))
    assert shaped.output_shape == (None, 2) and len(shaped.weights) == 4
    called = Sequential([Dense(3)])
    assert called(X).shape == (8, 3) and called(Input((4,))).shape == (None, 3)


def test_what_a_chain_refuses():
    model = Sequential([Dense(3, input_shape=(4,), name="a")])
    with pytest.raises(ValueError, match="unique"):
        model.add(Dense(1, name="a"))
    with pytest.raises(TypeError, match="takes a layer"):
        model.add(np.ones(3))
    several = LSTM(2, return_state=True, input_shape=(3, 4))
    with pytest.raises(ValueError, match="makes 3"):
        Sequential([several])
    with pytest.raises(TypeError, match="makes 3"):
        Sequential([Dense(4, input_shape=(3, 4)), several])
    with pytest.raises(ValueError, match="expected ndim=4"):
        model.add(Conv2D(2, 3))
    assert len(model.layers) == 1 and model.output_shape == (None, 3)


def test_first_layers_of_many_kinds():
    inner = Sequential([Dense(2, input_shape=(4,))])
    assert Sequential([inner, Dense(1)]).input_shape == (None, 4)
    assert Sequential([Embedding(5, 2, input_length=3)]).input_shape == (None, 3)
    assert Sequential([Dense(2, input_dim=4)]).input_shape == (None, 4)
    named = Sequential([InputLayer((4,), name="given"), Dense(1)])
    assert named.input_names == ["given"] and len(named.layers) == 1
    assert Sequential([Dense(2, batch_input_shape=(8, 4))]).output_shape == (8, 2)
    shared = Dense(4, input_shape=(4,))
    first, second = Sequential([shared, Dense(1)]), Sequential([shared, Dense(2)])
    assert first.layers[0] is second.layers[0]


@pytest.mark.parametrize(
    "first, dtype", [(Dense(2), "float32"), (Embedding(9, 2), "int32")], ids=["dense", "words"]
)
def test_an_input_given_as_the_first_layer_is_kept_in_files(tmp_path, first, dtype):
    model = Sequential([Input((2,), dtype=dtype), first])
    model.compile("sgd", "mse")
    model.save(tmp_path / "m.h5")
    data = np.array([[1, 2]], dtype)
    for again in (load_model(tmp_path / "m.h5"), clone_model(model), pickle.loads(pickle.dumps(model))):
        again.set_weights(model.get_weights())
        np.testing.assert_array_equal(again.predict(data), model.predict(data))
        assert again.inputs[0].shape == (None, 2) and again.inputs[0].dtype == dtype
