"""Two pure functions as a layer: trees of any kind, statistics, random streams, files."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jkeras
from jkeras import layers
from jkeras.core.types import Ctx
from jkeras.models import Model, Sequential, clone_model, load_model

pytestmark = pytest.mark.broadcasts  # the functions are a user's

X = np.random.RandomState(0).rand(16, 3).astype("float32")
Y = X[:, :1]


def init(key, x):
    inner = {"w": jax.random.normal(key, (x.shape[-1], 4)), "b": jnp.zeros(4)}
    return {"outer": {"dense": inner, "list": [jnp.ones(4), jnp.ones(())]}}


def apply(params, x):
    dense, (gain, shift) = params["outer"]["dense"], params["outer"]["list"]
    return jnp.tanh(x @ dense["w"] + dense["b"]) * gain + shift


class Norm:
    """As flax has it: statistics beside the parameters, a phase, and random numbers."""

    def init(self, key, x):
        return {"params": {"scale": jnp.ones(x.shape[-1])}, "batch_stats": {"mean": jnp.zeros(x.shape[-1])}}

    def apply(self, variables, x, train, mutable=(), rngs=None):
        assert bool(mutable) == bool(rngs) == train
        mean = x.mean(0) if train else variables["batch_stats"]["mean"]
        y = (x - mean) * variables["params"]["scale"]
        if not train:
            return y
        y = y * jax.random.bernoulli(rngs["dropout"], 0.5, y.shape)
        return y, {"batch_stats": {"mean": 0.5 * variables["batch_stats"]["mean"] + 0.5 * mean}}


def test_nested_weights_train_and_are_filed_by_name(tmp_path):
    jkeras.utils.set_random_seed(0)
    model = Sequential(
        [jkeras.Input((3,)), layers.Pure(init, apply, name="mine"), layers.Dense(1, name="head")]
    )
    names = [w.name for w in model.layers[0].weights]
    assert names[:2] == ["mine/outer/dense/b:0", "mine/outer/dense/w:0"] and len(names) == 4
    model.compile({"mine/outer/dense/*": "adam", "*": None}, "mse", devices=1)
    first = model.fit(X, Y, 8, 3, verbose=0).history["loss"]
    assert first[-1] < first[0]
    params, state = model.values()
    assert params["mine"]["outer"]["list"][0].shape == (4,)
    np.testing.assert_allclose(model.pure().apply(params, state, X, Ctx()).y, model.predict(X), rtol=1e-6)
    model.save(tmp_path / "model.h5")
    with pytest.raises(ValueError, match="function of a Pure layer"):
        load_model(tmp_path / "model.h5")
    copied = clone_model(model)
    assert copied.layers[0].apply is apply
    again = jkeras.models.model_from_yaml(model.to_yaml(), custom_objects={"init": init, "apply": apply})
    assert again.layers[0].init is init
    loaded = load_model(tmp_path / "model.h5", custom_objects={"init": init, "apply": apply})
    np.testing.assert_allclose(loaded.predict(X), model.predict(X), rtol=1e-6, atol=1e-6)  # on other devices


def test_statistics_streams_and_several_inputs(tmp_path):
    norm = Norm()
    layer = layers.Pure(norm.init, norm.apply, "batch_stats", "dropout", "train", name="norm")
    both = layers.Pure(lambda key, a, b: {}, lambda params, a, b: a + b)
    x = jkeras.Input((3,))
    model = Model(x, layers.Dense(1)(both([layer(x), x])))
    assert [w.name for w in layer.trainable_weights] == ["norm/params/scale:0"]
    model.compile("sgd", "mse", devices=1)
    model.train_on_batch(X, Y)
    np.testing.assert_allclose(layer.get_weights()[1], X.mean(0) / 2, rtol=1e-5)
    clone = clone_model(model)
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(clone.predict(X), model.predict(X))
    with pytest.raises(NotImplementedError, match="'norm' .Pure. have no names"):
        model.save(tmp_path / "model.h5")
    model.save_weights(tmp_path / "weights.h5")
    clone.load_weights(tmp_path / "weights.h5")
    with pytest.raises(ValueError, match="known shape"):
        layers.Pure(init, apply)(jkeras.Input((None, 3)))
