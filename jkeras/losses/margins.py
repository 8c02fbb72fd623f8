"""Losses with a margin: of classes by sign, and of embeddings."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import jax
import jax.numpy as jnp

from jkeras.core.dispatch import op
from jkeras.core.types import Array, Operand
from jkeras.primitives.numeric import clip


@op
def squared_hinge(y_true: Operand, y_pred: Operand) -> Array:
    """mean(max(1 - y_true * y_pred, 0)²), for targets -1 and 1.

    Args:
        y_true: targets.
        y_pred: predictions.

    Returns:
        One value per sample (the last axis is averaged).

    Example:
        >>> loss = squared_hinge(jnp.asarray([[1.0, -1.0]]), jnp.asarray([[2.0, 1.0]]))
        >>> round(float(loss[0]), 4)
        2.0

    Keras 2.2.4: keras/losses.py squared_hinge
    """
    return jnp.mean(jnp.square(clip(1.0 - y_true * y_pred, 0.0)), axis=-1)


@op
def hinge(y_true: Operand, y_pred: Operand) -> Array:
    """mean(max(1 - y_true * y_pred, 0)), for targets -1 and 1.

    Args:
        y_true: targets.
        y_pred: predictions.

    Returns:
        One value per sample (the last axis is averaged).

    Example:
        >>> loss = hinge(jnp.asarray([[1.0, -1.0]]), jnp.asarray([[2.0, 1.0]]))
        >>> round(float(loss[0]), 4)
        1.0

    Keras 2.2.4: keras/losses.py hinge
    """
    return jnp.mean(clip(1.0 - y_true * y_pred, 0.0), axis=-1)


@op
def categorical_hinge(y_true: Operand, y_pred: Operand) -> Array:
    """max(0, 1 + max((1 - y_true) * y_pred) - sum(y_true * y_pred)).

    Args:
        y_true: targets.
        y_pred: predictions.

    Returns:
        One value per sample.

    Example:
        >>> loss = categorical_hinge(jnp.asarray([[0.0, 1.0]]), jnp.asarray([[0.3, 0.7]]))
        >>> round(float(loss[0]), 4)
        0.6

    Keras 2.2.4: keras/losses.py categorical_hinge
    """
    pos = jnp.sum(y_true * y_pred, axis=-1)
    neg = jnp.max((1.0 - y_true) * y_pred, axis=-1)
    return jax.nn.relu(neg - pos + 1.0)


def signed_hinge(y_true: Operand, y_pred: Operand) -> Array:
    """`hinge` of Keras 3, which takes classes 0 and 1 for -1 and 1 where there are no others."""
    return hinge(_signed(y_true), y_pred)


def signed_squared_hinge(y_true: Operand, y_pred: Operand) -> Array:
    """`squared_hinge` of Keras 3, likewise."""
    return squared_hinge(_signed(y_true), y_pred)


def _signed(y_true: Operand) -> Array:
    return jnp.where(jnp.all((y_true == 0) | (y_true == 1)), 2.0 * y_true - 1.0, y_true)


@op
def circle(
    y_true: Operand,
    y_pred: Operand,
    ref_labels: Operand = None,
    ref_embeddings: Operand = None,
    remove_diagonal: bool = True,
    gamma: float = 80.0,
    margin: float = 0.4,
) -> Array:
    """Near embeddings for equal labels, far ones for others, with a weight that falls as they get there.

    Formula, with distances d = max(1 - y_pred · ref, 0) to all references, p those of the same label:
        softplus(log sum exp(-gamma (margin + d)(margin - d)) over p
        + log sum exp(gamma relu(1 + margin - d)(1 - margin - d)) over the others)

    Args:
        y_true: labels (batch,) or (batch, 1).
        y_pred: embeddings (batch, features) of length 1.
        ref_labels, ref_embeddings: what to compare with; default: the batch itself.
        remove_diagonal: whether a row is not compared with the reference of its own number.
        gamma: scale.
        margin: slack.

    Returns:
        One value per sample, which depends on the others of the batch.

    Example:
        >>> loss = circle(jnp.asarray([0, 0, 1]), jnp.eye(3))
        >>> loss.shape
        (3,)

    Source: Sun et al. 2020, arXiv:2002.10857. Keras 3: keras/src/losses/losses.py circle
    """
    labels = jnp.reshape(y_true, (-1, 1)).astype(jnp.int32)
    others = labels if ref_labels is None else jnp.reshape(ref_labels, (-1, 1)).astype(jnp.int32)
    distance = jnp.maximum(1 - y_pred @ (y_pred if ref_embeddings is None else ref_embeddings).T, 0.0)
    same = labels == others.T
    near = same & ~jnp.eye(*same.shape, dtype=bool) if remove_diagonal else same
    pull = -gamma * (margin + distance) * (margin - distance)
    push = gamma * jnp.maximum(1 + margin - distance, 0.0) * (1 - margin - distance)

    def soft_max(x: Array, held: Array) -> Array:
        return jax.nn.logsumexp(jnp.where(held, x, -jnp.inf), axis=1)

    return jax.nn.softplus(soft_max(pull, near) + soft_max(push, ~same))
