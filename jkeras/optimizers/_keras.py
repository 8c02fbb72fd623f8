"""The update rules of Keras 2.2.4: each is its formula, `transformation` makes an optax transformation of it.

A rule takes the hyperparameters `h` of one step and returns a `Step`: a function of one weight's gradient `g`
and slots, which returns what is added to the weight and the new slots. `h.lr` is the rate after schedule and
decay, `h.t` the number of this step, from 1.
"""

# pyright: reportMissingTypeStubs=false
from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jkeras.core.types import Array, Function, Tree


class KerasState(NamedTuple):
    """The state of a Keras optimizer. All of it is data: no change of a value recompiles anything."""

    iterations: Any  # int32 (): steps done
    hyper: dict[str, Any]  # name → float32 (): lr, decay, momentum, ...
    slots: dict[str, Any]  # name → tree like the parameters


class Step(NamedTuple):
    """The result of a rule: the formula for one weight, and the hyperparameters that the step moves."""

    leaf: Function  # (g, *slots) → (update, *new slots)
    moved: Mapping[str, Any] = {}
    sees_weight: bool = False  # whether the formula takes the weight, too: (g, w, *slots)


def sgd(h: Any) -> Step:
    def leaf(g: Array, m: Array):
        v = h.momentum * m - h.lr * g
        return (h.momentum * v - h.lr * g if h.nesterov else v), v

    return Step(leaf)


def rmsprop(h: Any) -> Step:
    def leaf(g: Array, a: Array):
        a = h.rho * a + (1 - h.rho) * jnp.square(g)
        return -h.lr * g / (jnp.sqrt(a) + h.epsilon), a

    return Step(leaf)


def adagrad(h: Any) -> Step:
    def leaf(g: Array, a: Array):
        a = a + jnp.square(g)
        return -h.lr * g / (jnp.sqrt(a) + h.epsilon), a

    return Step(leaf)


def adadelta(h: Any) -> Step:
    def leaf(g: Array, a: Array, d: Array):
        a = h.rho * a + (1 - h.rho) * jnp.square(g)
        u = g * jnp.sqrt(d + h.epsilon) / jnp.sqrt(a + h.epsilon)
        return -h.lr * u, a, h.rho * d + (1 - h.rho) * jnp.square(u)

    return Step(leaf)


def adam(h: Any) -> Step:
    lr = h.lr * (jnp.sqrt(1 - h.beta_2**h.t) / (1 - h.beta_1**h.t))

    def leaf(g: Array, m: Array, v: Array, *vhat: Array):  # the third slot exists with amsgrad only
        m = h.beta_1 * m + (1 - h.beta_1) * g
        v = h.beta_2 * v + (1 - h.beta_2) * jnp.square(g)
        largest = [jnp.maximum(old, v) for old in vhat]
        return -lr * m / (jnp.sqrt(*largest or [v]) + h.epsilon), m, v, *largest

    return Step(leaf)


def lion(h: Any) -> Step:
    def leaf(g: Array, m: Array):
        update = -h.lr * jnp.sign(h.beta_1 * m + (1 - h.beta_1) * g)
        return update, h.beta_2 * m + (1 - h.beta_2) * g

    return Step(leaf)


def lamb(h: Any) -> Step:
    def leaf(g: Array, w: Array, m: Array, v: Array):
        m = h.beta_1 * m + (1 - h.beta_1) * g
        v = h.beta_2 * v + (1 - h.beta_2) * jnp.square(g)
        u = m / (1 - h.beta_1**h.t) / (jnp.sqrt(v / (1 - h.beta_2**h.t)) + h.epsilon)
        size, step = (jnp.sqrt(jnp.sum(jnp.square(a))) for a in (w, u))
        trust = jnp.where((size > 0) & (step > 0), size / jnp.where(step > 0, step, 1), 1.0)
        return -trust * h.lr * u, m, v

    return Step(leaf, sees_weight=True)


def adamax(h: Any) -> Step:
    lr = h.lr / (1 - h.beta_1**h.t)

    def leaf(g: Array, m: Array, u: Array):
        m = h.beta_1 * m + (1 - h.beta_1) * g
        u = jnp.maximum(h.beta_2 * u, jnp.abs(g))
        return -lr * m / (u + h.epsilon), m, u

    return Step(leaf)


def nadam(h: Any) -> Step:
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


def clip_norm(g: Array, c: float, n: Array) -> Array:
    """The gradient `g` scaled by `c / n` where the norm `n` is at least `c`; unchanged if `c` is 0 or less.

    Keras 2.2.4: keras/optimizers.py clip_norm.

    Example:
        >>> clip_norm(jnp.array([3.0, 4.0]), 1.0, jnp.float32(5.0)).round(3).tolist()
        [0.6000000238418579, 0.800000011920929]
    """
    return g * jnp.where(n >= c, c / n, 1.0) if c > 0 else g


def clip(grads: list[Any], clipnorm: float | None, clipvalue: float | None) -> list[Any]:
    """Clip by the norm over all gradients together (as 2.2.4 does: not weight by weight), then by value."""
    if clipnorm is not None and clipnorm > 0:
        norm = jnp.sqrt(sum(jnp.sum(jnp.square(g)) for g in grads))
        grads = [clip_norm(g, clipnorm, norm) for g in grads]
    if clipvalue is not None and clipvalue > 0:
        grads = [jnp.clip(g, -clipvalue, clipvalue) for g in grads]
    return grads


def at_least_float32(x: Any) -> Any:
    """The dtype that slots and formulas use for a weight: an epsilon of 1e-7 is 0 in half precision."""
    return jnp.promote_types(x.dtype, jnp.float32)


def _zeros(p: Any) -> Array:
    return jnp.zeros(p.shape, at_least_float32(p))


def _of_step(iterations: Any, hyper: dict[str, Any]) -> SimpleNamespace:
    """The hyperparameters as a rule wants them: with the decayed rate and the number of the step."""
    done = iterations.astype(jnp.float32)
    h = SimpleNamespace(**hyper, t=done + 1)
    if "decay" in hyper:
        h.lr = h.lr * (1 / (1 + h.decay * done))
    return h


def transformation(
    rule: Callable[[Any], Step],
    slots: tuple[str, ...],
    hyper: Mapping[str, float],
    constants: Mapping[str, Any],
    schedule: Function | None = None,
    clipnorm: float | None = None,
    clipvalue: float | None = None,
    weight_decay: float | None = None,
) -> optax.GradientTransformationExtraArgs:
    """An optax transformation that follows `rule`; all is computed from the old state and stored afterwards.

    Args:
        rule: hyperparameters → `Step`.
        slots: names of the arrays kept for every weight, zero at first.
        hyper: initial values of the hyperparameters in the state.
        constants: hyperparameters that are part of the program (`epsilon`, `nesterov`, ...).
        schedule: `iterations → lr`; the state then shows the rate that was used last.
        clipnorm, clipvalue: limits of the gradients.
        weight_decay: share of each weight, times the rate, that goes before the update.
    """

    def init(params: Tree) -> KerasState:
        scalars = {name: jnp.asarray(value, jnp.float32) for name, value in hyper.items()}
        return KerasState(jnp.int32(0), scalars, {slot: jax.tree.map(_zeros, params) for slot in slots})

    def update(updates: Tree, state: Tree, params: Tree = None, **extra: Any):
        del extra
        leaves, tree = jax.tree.flatten(updates)
        grads = clip([g.astype(at_least_float32(g)) for g in leaves], clipnorm, clipvalue)
        now = dict(state.hyper)
        if schedule is not None:
            now["lr"] = jnp.asarray(schedule(state.iterations), jnp.float32)
        step = rule(_of_step(state.iterations, {**constants, **now}))
        columns = [tree.flatten_up_to(state.slots[slot]) for slot in slots]
        lost: list[Any] = [0] * len(grads)
        if weight_decay is not None or step.sees_weight:
            weights = [w.astype(at_least_float32(w)) for w in tree.flatten_up_to(params)]
            lost = [w * (weight_decay or 0) * now["lr"] for w in weights]
            left = [w - part for w, part in zip(weights, lost, strict=True)]
            columns = [left, *columns] if step.sees_weight else columns
        rows = [step.leaf(*row) for row in zip(grads, *columns, strict=True)]
        if weight_decay is not None:
            rows = [(row[0] - part, *row[1:]) for row, part in zip(rows, lost, strict=True)]
        result, *new = (tree.unflatten([row[i] for row in rows]) for i in range(1 + len(slots)))
        kept = dict(zip(slots, new, strict=True))
        return result, KerasState(state.iterations + 1, {**now, **step.moved}, kept)

    return optax.GradientTransformationExtraArgs(init, update)
