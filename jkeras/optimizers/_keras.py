"""The update rules of Keras 2.2.4, each as its formula; `_transformation.py` makes optax transformations.

A rule takes the hyperparameters `h` of one step and returns a `Step`: a function of one weight's gradient `g`
and slots, which returns what is added to the weight and the new slots. `h.lr` is the rate after schedule and
decay, `h.t` the number of this step, from 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp

from jkeras.core.types import Array, Function


class Step(NamedTuple):
    """The result of a rule: the formula for one weight, and the hyperparameters that the step moves."""

    leaf: Function  # (g, *slots) → (update, *new slots)
    moved: Mapping[str, Any] = {}
    sees_weight: bool = False  # whether the formula takes the weight, too: (g, w, *slots)
    sees_path: bool = False  # whether it takes the weight's path before all: (path, g, ...)


def sgd(h: Any) -> Step:
    """A step against the gradient, with momentum, or Nesterov's."""

    def leaf(g: Array, m: Array):
        v = h.momentum * m - h.lr * g
        return (h.momentum * v - h.lr * g if h.nesterov else v), v

    return Step(leaf)


def rmsprop(h: Any) -> Step:
    """Gradients over the root of the moving mean of their squares."""

    def leaf(g: Array, a: Array):
        a = h.rho * a + (1 - h.rho) * jnp.square(g)
        return -h.lr * g / (jnp.sqrt(a) + h.epsilon), a

    return Step(leaf)


def adagrad(h: Any) -> Step:
    """Gradients over the root of the sum of their squares so far."""

    def leaf(g: Array, a: Array):
        a = a + jnp.square(g)
        return -h.lr * g / (jnp.sqrt(a) + h.epsilon), a

    return Step(leaf)


def adadelta(h: Any) -> Step:
    """Gradients scaled by the moving sizes of updates and gradients."""

    def leaf(g: Array, a: Array, d: Array):
        a = h.rho * a + (1 - h.rho) * jnp.square(g)
        u = g * jnp.sqrt(d + h.epsilon) / jnp.sqrt(a + h.epsilon)
        return -h.lr * u, a, h.rho * d + (1 - h.rho) * jnp.square(u)

    return Step(leaf)


def adam(h: Any) -> Step:
    """Moving means of gradients over the roots of those of their squares; with AMSGrad, over the largest."""
    lr = h.lr * (jnp.sqrt(1 - h.beta_2**h.t) / (1 - h.beta_1**h.t))

    def leaf(g: Array, m: Array, v: Array, *vhat: Array):  # the third slot exists with amsgrad only
        m = h.beta_1 * m + (1 - h.beta_1) * g
        v = h.beta_2 * v + (1 - h.beta_2) * jnp.square(g)
        largest = [jnp.maximum(old, v) for old in vhat]
        return -lr * m / (jnp.sqrt(*largest or [v]) + h.epsilon), m, v, *largest

    return Step(leaf)


def adamax(h: Any) -> Step:
    """Moving means of gradients over their largest size, which decays."""
    lr = h.lr / (1 - h.beta_1**h.t)

    def leaf(g: Array, m: Array, u: Array):
        m = h.beta_1 * m + (1 - h.beta_1) * g
        u = jnp.maximum(h.beta_2 * u, jnp.abs(g))
        return -lr * m / (u + h.epsilon), m, u

    return Step(leaf)


def nadam(h: Any) -> Step:
    """Adam with Nesterov's momentum and a schedule for it."""

    def momentum(t: Any) -> Any:  # Dozat's warming schedule
        return h.beta_1 * (1 - 0.5 * jnp.float32(0.96) ** (t * h.schedule_decay))

    now, after = momentum(h.t), momentum(h.t + 1)
    product = h.m_schedule * now

    def leaf(g: Array, m: Array, v: Array):
        m = h.beta_1 * m + (1 - h.beta_1) * g
        v = h.beta_2 * v + (1 - h.beta_2) * jnp.square(g)
        mean = (1 - now) * (g / (1 - product)) + after * (m / (1 - product * after))
        return -h.lr * mean / (jnp.sqrt(v / (1 - h.beta_2**h.t)) + h.epsilon), m, v

    return Step(leaf, {"m_schedule": product})
