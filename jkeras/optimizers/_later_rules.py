"""The update rules of Keras 3's optimizers, as those of Keras 2.2.4 in `_keras.py`.

`h.scheduled` says whether the rate follows a schedule, `h.decays` whether the weight of a path decays.
"""

from __future__ import annotations

import re
from typing import Any, cast

import jax.numpy as jnp

from jkeras.core.types import Array, Shape
from jkeras.optimizers._keras import Step


def lion(h: Any) -> Step:
    """The sign of a mean of gradient and momentum."""

    def leaf(g: Array, m: Array):
        update = -h.lr * jnp.sign(h.beta_1 * m + (1 - h.beta_1) * g)
        return update, h.beta_2 * m + (1 - h.beta_2) * g

    return Step(leaf)


def lamb(h: Any) -> Step:
    """Adam's update, scaled to the size of the weight."""

    def leaf(g: Array, w: Array, m: Array, v: Array):
        m = h.beta_1 * m + (1 - h.beta_1) * g
        v = h.beta_2 * v + (1 - h.beta_2) * jnp.square(g)
        u = m / (1 - h.beta_1**h.t) / (jnp.sqrt(v / (1 - h.beta_2**h.t)) + h.epsilon)
        size, step = (jnp.sqrt(jnp.sum(jnp.square(a))) for a in (w, u))
        trust = jnp.where((size > 0) & (step > 0), size / jnp.where(step > 0, step, 1), 1.0)
        return -trust * h.lr * u, m, v

    return Step(leaf, sees_weight=True)


def _rms(x: Array) -> Array:
    return jnp.sqrt(jnp.mean(jnp.square(x)))


def adafactor(h: Any) -> Step:
    """Gradients over the root of a second moment that is kept as its rows and columns."""
    slow = 1 / jnp.sqrt(h.t)
    rate = jnp.minimum(h.lr, slow) if h.relative_step and not h.scheduled else h.lr
    rho, kept = jnp.minimum(rate, slow), 1 - h.t**h.beta_2_decay

    def mixed(old: Array, new: Array) -> Array:
        return kept * old + (1 - kept) * new

    def leaf(g: Array, w: Array, r: Array, c: Array, v: Array):
        square = jnp.square(g) + h.epsilon_1
        if g.ndim < 2:
            v = moment = mixed(v, square)
        else:
            r, c = mixed(r, jnp.mean(square, -1)), mixed(c, jnp.mean(square, -2))
            moment = (r / jnp.mean(r, -1, keepdims=True))[..., :, None] * c[..., None, :]
        u = g / jnp.sqrt(moment)
        u = u / jnp.maximum(1.0, _rms(u) / h.clip_threshold)
        return -jnp.maximum(h.epsilon_2, _rms(w)) * rho * u, r, c, v

    return Step(leaf, sees_weight=True)


def adafactor_shape(slot: str, shape: Shape) -> Shape:
    """Shape of a slot: of a matrix the means of rows and columns, of less than that the square itself."""
    if len(shape) < 2:
        return shape if slot == "v" else ()
    return {"r": shape[:-1], "c": (*shape[:-2], shape[-1]), "v": ()}[slot]


def muon(h: Any) -> Step:
    """Momentum made orthogonal for matrices, AdamW for the rest."""
    alpha = h.lr * h.adam_lr_ratio * jnp.sqrt(1 - h.adam_beta_2**h.t) / (1 - h.adam_beta_1**h.t)

    def is_adam(path: str, w: Array) -> bool:
        if w.ndim != 2 or (h.exclude_embeddings and "embedding" in path.lower()):
            return True
        return any(re.search(pattern, path) for pattern in h.exclude_layers)

    def leaf(path: str, g: Array, w: Array, m: Array, v: Array):
        by_adam = is_adam(path, w)
        decay = h.adam_weight_decay if by_adam else h.weight_decay
        lost = _decay(path, w, decay, h)
        if by_adam:
            m = m + (g - m) * (1 - h.adam_beta_1)
            v = v + (jnp.square(g) - v) * (1 - h.adam_beta_2)
            return -alpha * m / (jnp.sqrt(v) + h.epsilon) - lost, m, v
        m = h.momentum * m + g
        u = h.lr * orthogonal(g + h.momentum * m if h.nesterov else m, h)
        longest = 1.0 if h.rms_rate is None else max(w.shape) ** 0.5 * h.rms_rate
        return -u * longest - lost, m, v

    return Step(leaf, sees_weight=True, sees_path=True)


def _decay(path: str, w: Array, share: float | None, h: Any) -> Any:
    """The part of a weight that a rule takes off by itself."""
    return w * share * h.lr if share and h.decays(path) else 0.0


def orthogonal(x: Array, h: Any) -> Array:
    """The nearest matrix with orthonormal rows or columns, nearly: `h.ns_steps` of Newton and Schulz."""
    wide = x.shape[0] <= x.shape[1]
    x = x if wide else x.T
    x = x / (cast(Array, jnp.linalg.norm(x)) + 1e-7)
    for _ in range(h.ns_steps):
        a = x @ x.T
        x = h.muon_a * x + (h.muon_b * a + h.muon_c * a @ a) @ x
    return x if wide else x.T


def ftrl(h: Any) -> Step:
    """Follow the regularized leader: weights from sums of gradients, shrunk towards zero."""
    power, l1 = -h.learning_rate_power, h.l1_regularization_strength
    l2 = h.l2_regularization_strength + h.beta / (2 * h.lr)

    def leaf(g: Array, w: Array, a: Array, z: Array):
        total = a + jnp.square(g)
        shrunk = g + 2 * h.l2_shrinkage_regularization_strength * w
        z = z + shrunk - (total**power - a**power) / h.lr * w
        new = (jnp.clip(z, -l1, l1) - z) / (total**power / h.lr + 2 * l2)
        return new - w, total, z

    return Step(leaf, sees_weight=True)


def schedule_free_adamw(h: Any) -> Step:
    """AdamW whose weights are means of its iterates, in the place of a schedule."""
    lr = h.lr * jnp.minimum(h.t / h.warmup_steps, 1.0) if h.warmup_steps > 0 else h.lr

    def leaf(path: str, g: Array, w: Array, z: Array, v: Array):
        z = jnp.where(h.t == 1, w, z)  # it begins as the weight
        v = v + (jnp.square(g) - v) * (1 - h.beta_2)
        x = (w - _decay(path, w, h.weight_decay, h) - (1 - h.beta_1) * z) / h.beta_1
        z = z - lr * g / (jnp.sqrt(v / (1 - h.beta_2**h.t)) + h.epsilon)
        x = (1 - 1 / h.t) * x + z / h.t
        return (1 - h.beta_1) * z + h.beta_1 * x - w, z, v

    return Step(leaf, sees_weight=True, sees_path=True)
