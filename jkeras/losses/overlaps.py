"""Losses of masks: one minus the share that two of them have in common."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp

from jkeras.core.dispatch import op
from jkeras.core.settings import epsilon
from jkeras.core.types import Array, Operand


@op
def dice(y_true: Operand, y_pred: Operand, axis: int | Sequence[int] | None = None) -> Array:
    """1 - 2 sum(y_true * y_pred) / (sum(y_true) + sum(y_pred) + epsilon).

    Args:
        y_true: targets.
        y_pred: predictions.
        axis: what is summed; None: everything, the batch too.

    Returns:
        One value, or one for each place along the axes that are left.

    Example:
        >>> round(float(dice(jnp.asarray([[1.0, 0.0]]), jnp.asarray([[0.5, 0.5]]))), 4)
        0.5

    Keras 3: keras/src/losses/losses.py dice
    """
    both, sums = jnp.sum(y_true * y_pred, axis), jnp.sum(y_true, axis) + jnp.sum(y_pred, axis)
    return 1 - 2.0 * both / (sums + epsilon())


@op
def tversky(
    y_true: Operand,
    y_pred: Operand,
    alpha: float = 0.5,
    beta: float = 0.5,
    axis: int | Sequence[int] | None = None,
) -> Array:
    """1 - b / (b + alpha m + beta w + epsilon): b is in both masks, m in y_true alone, w in y_pred alone.

    Args:
        y_true: targets.
        y_pred: predictions.
        alpha: weight of what is missed.
        beta: weight of what is wrongly there.
        axis: what is summed; None: everything, the batch too.

    Returns:
        One value, or one for each place along the axes that are left.

    Example:
        >>> round(float(tversky(jnp.asarray([[1.0, 0.0]]), jnp.asarray([[0.5, 0.5]]))), 4)
        0.5

    Source: Salehi et al. 2017, arXiv:1706.05721. Keras 3: keras/src/losses/losses.py tversky
    """
    both = jnp.sum(y_true * y_pred, axis)
    missed, wrong = jnp.sum((1 - y_pred) * y_true, axis), jnp.sum(y_pred * (1 - y_true), axis)
    return 1 - both / (both + missed * alpha + wrong * beta + epsilon())
