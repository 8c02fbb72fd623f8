"""A softmax and the crossentropy of it: numbers and gradients as over probabilities, and no leaks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jkeras import activations, losses
from jkeras.core import logits
from jkeras.layers import Activation, Dense, Input, Lambda, Softmax
from jkeras.models import Model, Sequential
from jkeras.primitives import numeric


def over_probabilities(target, scores):
    return numeric.categorical_crossentropy(target, activations.softmax(scores))


def test_the_same_as_over_probabilities():
    scores = np.random.RandomState(0).randn(64, 10).astype("float32") * 3
    target = np.random.RandomState(1).rand(64, 10).astype("float32")
    for fn in (lambda s, f: f(target, s), lambda s, f: jax.grad(lambda s: f(target, s).sum())(s)):
        one, other = (fn(scores, f) for f in (numeric.softmax_crossentropy, over_probabilities))
        np.testing.assert_allclose(one, other, rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("score", [-200.0, -17.0, -16.0, 16.0, 17.0, 200.0])
def test_clipped_as_over_probabilities(score):
    scores, target = jnp.array([[score, 0.0]]), jnp.array([[1.0, 0.0]])
    pairs = [
        (f(target, scores), jax.grad(lambda s, f=f: f(target, s).sum())(scores))
        for f in (numeric.softmax_crossentropy, over_probabilities)
    ]
    np.testing.assert_allclose(*(value for value, _ in pairs), rtol=1e-6, atol=2e-7)
    np.testing.assert_allclose(*(grad for _, grad in pairs), atol=2e-7)


def paths():
    i = Input((4,))
    inner = Sequential([Dense(3, activation="softmax", input_shape=(4,))])
    return {
        "dense": Model(i, Dense(3, activation="softmax")(i)),
        "activation": Model(i, Activation("softmax")(Dense(3)(i))),
        "layer": Model(i, Softmax()(Dense(3)(i))),
        "nested": Model(i, inner(i)),
        "changed": Model(i, Lambda(lambda y: y * 1)(Dense(3, activation="softmax")(i))),
    }


@pytest.mark.parametrize("way", list(paths()))
def test_a_step_goes_back_to_logits(way, monkeypatch):
    calls = []
    kept = numeric.softmax_crossentropy
    monkeypatch.setattr(numeric, "softmax_crossentropy", lambda *a: calls.append(a) or kept(*a))
    model = paths()[way]
    model.compile("sgd", "categorical_crossentropy")
    x, y = np.ones((2, 4), "float32"), np.eye(3, dtype="float32")[:2]
    loss = model.test_on_batch(x, y)
    assert bool(calls) == (way != "changed")
    want = losses.categorical_crossentropy(y, model.predict_on_batch(x)).mean()
    np.testing.assert_allclose(loss, want, rtol=1e-6)


def test_nothing_of_an_inner_trace_is_kept():
    @jax.checkpoint
    def inner(x):
        return jnp.sum(activations.softmax(x) ** 2)

    with jax.checking_leaks(), logits.remembered():
        assert jax.grad(inner)(jnp.ones((1, 3))).shape == (1, 3)
