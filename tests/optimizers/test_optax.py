"""The optimizers of optax, contrib included, as optimizers of a model."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from optax import contrib

from jkeras.core.random import set_random_seed
from jkeras.layers import Dense
from jkeras.models import Sequential, load_model
from jkeras.optimizers import OptaxOptimizer

PARAMS = {"0000/d": {"kernel": jnp.ones((2, 3)), "bias": jnp.zeros(3)}}
X = np.random.RandomState(0).randn(8, 3).astype("float32")
Y = np.tanh(X.sum(1, keepdims=True))

PLAIN = (
    "adabelief adadelta adafactor adagrad adam adamax adamaxw adamw adan amsgrad fromage lamb lars lbfgs "
    "lion nadam nadamw novograd optimistic_adam_v2 optimistic_gradient_descent polyak_sgd radam rmsprop "
    "rprop sgd sign_sgd signum sm3 yogi"
)
CONTRIB = (
    "acprop ademamix adopt cocob dadapt_adamw dog dowg galore madgrad momo momo_adam muon prodigy "
    "schedule_free_adamw schedule_free_sgd simplified_ademamix sophia"
)


def named(module, name):
    make = getattr(module, name, None)
    if make is None:
        pytest.skip(f"this optax has no {name}")
    rate = inspect.signature(make).parameters.get("learning_rate")
    return make(0.1) if rate is not None and rate.default is inspect.Parameter.empty else make()


def sam(opaque):
    adversary = optax.chain(contrib.normalize(), optax.sgd(0.05))
    return contrib.sam(optax.sgd(0.1), adversary, sync_period=2, opaque_mode=opaque)


def key():
    return jax.random.key(0)


def by_layer(params):
    return {layer: {name: name for name in weights} for layer, weights in params.items()}


MADE = {
    "noisy_sgd": lambda: optax.noisy_sgd(0.1, key=key()),
    "add_noise": lambda: optax.chain(optax.add_noise(0.01, 0.55, key=key()), optax.sgd(0.1)),
    "noise in a part": lambda: optax.partition(
        {"kernel": optax.noisy_sgd(0.1, key=key()), "bias": optax.sgd(0.1)}, by_layer
    ),
    "sam": lambda: sam(False),
    "opaque sam": lambda: sam(True),
    "sam in a chain": lambda: optax.chain(optax.clip(1.0), sam(True)),
    "sophia": lambda: contrib.sophia(0.05),
    "schedule_free": lambda: contrib.schedule_free(optax.sgd(0.1), 0.1),
    "mechanize": lambda: contrib.mechanize(optax.sgd(0.1)),
    "reduce_on_plateau": lambda: optax.chain(optax.sgd(0.1), contrib.reduce_on_plateau()),
    "MultiSteps": lambda: optax.MultiSteps(optax.adam(0.1), 2),
    "apply_if_finite": lambda: optax.apply_if_finite(optax.adam(0.1), 3),
    "flatten": lambda: optax.flatten(optax.adam(0.1)),
    "ema": lambda: optax.chain(optax.sgd(0.1), optax.ema(0.9)),
    "backtracking": lambda: optax.chain(optax.sgd(1.0), optax.scale_by_backtracking_linesearch(15)),
}


@pytest.mark.parametrize("name", [*PLAIN.split(), *CONTRIB.split(), *MADE])
def test_each_is_accepted_and_its_state_is_kept(name):
    """`init` makes a step on shapes, with what training passes."""
    tx = MADE[name]() if name in MADE else named(optax if name in PLAIN.split() else contrib, name)
    optimizer, twin = OptaxOptimizer(tx), OptaxOptimizer(tx)
    state = optimizer.init(PARAMS).state
    kept = optimizer.state_dict()
    assert all(isinstance(value, np.ndarray) and value.dtype != object for value in kept.values())
    assert len(kept) == len(jax.tree.leaves(state)) > 0
    twin.init(PARAMS)
    twin.load_state_dict({path: value + 1 if path == "iterations" else value for path, value in kept.items()})
    assert twin.state_dict()["iterations"] == 1


def network(tx, devices=1):
    set_random_seed(1)
    # Named: noise goes to the weights in the order of the layers' names, and dense_10 comes before dense_9.
    model = Sequential(
        [Dense(4, activation="tanh", input_shape=(3,), name="hidden"), Dense(1, name="output")]
    )
    model.compile(tx, "mse", devices=devices)
    return model


@pytest.mark.devices(2)
@pytest.mark.parametrize(
    "name, suffix",
    [("noisy_sgd", "h5"), ("noisy_sgd", "msgpack"), ("sam", "h5"), ("opaque sam", "h5"), ("sophia", "h5")],
)
def test_what_asks_for_more_trains_on_devices_and_from_files(name, suffix, tmp_path):
    path = str(tmp_path / f"model.{suffix}")
    alone, model = network(MADE[name]()), network(MADE[name](), devices=2)
    losses = [[net.train_on_batch(X, Y) for _ in range(4)] for net in (alone, model)]
    assert losses[0][-1] < losses[0][0]
    np.testing.assert_allclose(*losses, rtol=1e-4)
    alone.save(path)
    loaded = load_model(path, custom_objects={"optimizer": MADE[name]()})
    onward = [[net.train_on_batch(X, Y) for _ in range(3)] for net in (alone, loaded)]
    np.testing.assert_allclose(*onward, rtol=1e-5)


def test_sam_is_the_gradient_at_the_adversary():
    model = network(sam(True))
    start = model.get_weights()
    model.train_on_batch(X, Y)

    def loss(weights):
        hidden = jnp.tanh(X @ weights[0] + weights[1][None])
        return jnp.mean((hidden @ weights[2] + weights[3][None] - Y) ** 2)

    slopes = jax.grad(loss)([jnp.asarray(w) for w in start])
    norm = jnp.sqrt(sum(jnp.sum(g**2) for g in slopes))
    worse = [w + 0.05 * g / norm for w, g in zip(start, slopes, strict=True)]
    for after, before, g in zip(model.get_weights(), start, jax.grad(loss)(worse), strict=True):
        np.testing.assert_allclose(after, before - 0.1 * g, rtol=1e-4, atol=1e-6)


def test_lookahead_is_refused_in_words():
    with pytest.raises(
        TypeError, match="cannot train a model by itself: optax.lookahead moves two sets of weights"
    ):
        network(optax.lookahead(optax.adam(0.1), 6, 0.5)).train_on_batch(X, Y)


GUIDE = Path(__file__).parents[2] / "examples" / "guides" / "en" / "optax.md"


def shipped():
    """The names of all functions of optax that make a transformation."""
    return {
        f"{module.__name__}.{name}"
        for module in (optax, contrib)
        for name, make in vars(module).items()
        if inspect.isfunction(make)
        and not name.startswith("_")
        and "GradientTransformation" in str(inspect.signature(make).return_annotation)
    }


@pytest.mark.broadcasts  # transformations of optax do
@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
def test_the_table_of_the_guide_is_true():
    """Each row is a step on shapes, or an error that says what it needs; with its version it has all."""
    page = GUIDE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(.+)` \| (.+) \|$", page, re.MULTILINE)
    there = set()
    for code, result in rows:
        there |= set(re.findall(r"optax(?:\.contrib)?\.\w+(?=\()", code))
        try:
            transformation = eval(code, {"optax": optax})
        except AttributeError:
            assert f"optax {optax.__version__}:" not in page, code  # another version has other ones
            continue
        if result == "runs":
            OptaxOptimizer(transformation).init(PARAMS)
        else:
            with pytest.raises((TypeError, ValueError), match=result.removeprefix("refused: ")):
                OptaxOptimizer(transformation).init(PARAMS)
    assert len(rows) > 100
    if f"optax {optax.__version__}:" in page:
        assert shipped() <= there, shipped() - there
