"""Optimizers by the paths of weights."""

import jax
import numpy as np
import optax
import pytest

import jkeras
from jkeras import layers, optimizers
from jkeras.models import Sequential, load_model
from jkeras.optimizers import ByPath

rng = np.random.RandomState(0)
X, Y = rng.rand(16, 4).astype("float32"), rng.rand(16, 2).astype("float32")


def network(optimizer, **arguments):
    jkeras.utils.set_random_seed(1)
    base = Sequential([layers.Dense(3, name="inner")], name="base")
    model = Sequential([jkeras.Input((4,)), base, layers.Dense(3, name="mid"), layers.Dense(2, name="head")])
    model.compile(optimizer, "mse", devices=1, **arguments)
    return model


def test_each_weight_moves_by_its_own_rule(tmp_path):
    """One step equals that of each rule over the whole model, weight by weight."""

    def rules():
        bias, rest = optimizers.SGD(lr=0.5, clipvalue=0.01), optimizers.Adam(lr=0.02)
        return {"base/*": None, "*/bias": bias, "head/*": optax.adam(0.01), "*": rest}

    model = network(rules(), accumulate=2, ema=0.5)
    start = dict(zip([w.name for w in model.weights], model.get_weights(), strict=True))
    for part in (slice(0, 8), slice(8, 16)):
        model.train_on_batch(X[part], Y[part])
    moved = dict(zip([w.name for w in model.weights], model.get_weights(), strict=True))
    expected = {}
    for pattern, optimizer in rules().items():
        if optimizer is None:
            continue
        other = network(optimizer)
        other.train_on_batch(X, Y)
        expected[pattern] = dict(zip([w.name for w in other.weights], other.get_weights(), strict=True))
    owner = {"inner/kernel:0": None, "inner/bias:0": None, "mid/kernel:0": "*", "mid/bias:0": "*/bias"}
    owner |= {"head/kernel:0": "head/*", "head/bias:0": "*/bias"}
    for name, value in moved.items():
        pattern = next(p for n, p in owner.items() if name.endswith(n))
        wanted = start[name] if pattern is None else expected[pattern][name]
        np.testing.assert_allclose(value, wanted, rtol=1e-6, atol=1e-7, err_msg=name)
    assert model.optimizer["*"].iterations.numpy() == 1
    with pytest.raises(AttributeError, match=r"optimizer\[pattern\].lr"):
        _ = model.optimizer.lr


def test_files_and_loops_of_ones_own_have_it(tmp_path):
    sgd = optimizers.SGD(lr=0.1, momentum=0.9)
    model = network({"head/*": sgd, "*/bias": "freeze", "mid/*": optimizers.Adam(lr=0.02), "*": sgd})
    model.fit(X, Y, 8, 1, verbose=0)
    assert len(model.optimizer.optimizers) == 2
    model.save(tmp_path / "model.h5")
    loaded = load_model(tmp_path / "model.h5")
    assert isinstance(loaded.optimizer, ByPath) and loaded.optimizer["*"] is loaded.optimizer["head/*"]
    for mine, theirs in zip(
        model.optimizer.state_dict().values(), loaded.optimizer.state_dict().values(), strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)
    step = loaded.step()
    carry, _ = jax.jit(lambda carry: step.apply(carry, (X, Y)))(step.init())
    model.train_on_batch(X, Y)
    for mine, theirs in zip(jax.tree.leaves(carry.params), jax.tree.leaves(model.values()[0]), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=1e-7)


def test_wrong_patterns_say_which_paths_there_are():
    with pytest.raises(ValueError, match=r"\['haed/\*'\]. The paths are base/inner/bias.*mid/kernel"):
        network({"haed/*": "sgd", "*": "adam"}).train_on_batch(X, Y)
    with pytest.raises(ValueError, match="none of the patterns .* matches the weight base/inner"):
        network({"head/*": "sgd"}).train_on_batch(X, Y)
    with pytest.raises(ValueError, match="Could not interpret optimizer"):
        network({"head/*": 3})
    with pytest.raises(ValueError, match="empty dict"):
        network({})
