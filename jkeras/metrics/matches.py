"""Functions of (y_true, y_pred) as the metrics of Keras 3 average them; those of 2.2.4 are in `functions`."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import jax.numpy as jnp

from jkeras.core.dispatch import op
from jkeras.core.settings import epsilon, floatx
from jkeras.core.types import Array, Operand
from jkeras.losses import regression
from jkeras.primitives.numeric import as_classes, in_top_k


def accuracy(y_true: Array, y_pred: Array) -> Array:
    """1 where target and prediction are equal, else 0."""
    return (y_true == y_pred).astype(floatx())


def binary_accuracy(y_true: Array, y_pred: Array, threshold: float = 0.5) -> Array:
    """1 where a prediction is on its target's side of the threshold, else 0."""
    return (y_true == (y_pred > threshold).astype(y_true.dtype)).astype(floatx())


def categorical_accuracy(y_true: Array, y_pred: Array) -> Array:
    """1 for each row whose most probable class is that of its one-hot target."""
    return accuracy(jnp.argmax(y_true, axis=-1), jnp.argmax(y_pred, axis=-1))


def sparse_categorical_accuracy(y_true: Array, y_pred: Array) -> Array:
    """1 for each row whose most probable class is its target, a number."""
    return accuracy(as_classes(y_true, y_pred), jnp.argmax(y_pred, axis=-1))


def top_k_categorical_accuracy(y_true: Array, y_pred: Array, k: int = 5) -> Array:
    """1 for each row whose class, one-hot, is among the k most probable ones."""
    return sparse_top_k_categorical_accuracy(jnp.argmax(y_true, axis=-1), y_pred, k)


def sparse_top_k_categorical_accuracy(
    y_true: Array, y_pred: Array, k: int = 5, from_sorted_ids: bool = False
) -> Array:
    """1 for each row whose class, a number, is among the k most probable ones."""
    if from_sorted_ids:
        return jnp.any(y_true.reshape(*y_pred.shape[:-1], 1) == y_pred[..., :k], -1).astype(floatx())
    classes = as_classes(y_true, y_pred)
    found = in_top_k(y_pred.reshape(-1, y_pred.shape[-1]), classes.reshape(-1), k)
    return found.reshape(classes.shape).astype(floatx())


def cosine_similarity(y_true: Array, y_pred: Array, axis: int = -1) -> Array:
    """The cosine of the angle between targets and predictions along an axis."""
    return -regression.cosine_similarity(y_true, y_pred, axis)


@op
def pearson_correlation(y_true: Operand, y_pred: Operand, axis: int = -1) -> Array:
    """The correlation of targets and predictions along an axis.

    Args:
        y_true: targets.
        y_pred: predictions.
        axis: the axis.

    Returns:
        One value per sample.

    Example:
        >>> value = pearson_correlation(jnp.asarray([[0.0, 1.0]]), jnp.asarray([[1.0, 3.0]]))
        >>> round(float(value[0]), 4)
        1.0

    Keras 3: keras/src/metrics/correlation_metrics.py pearson_correlation
    """

    def scaled(y: Array) -> Array:
        y = y - jnp.mean(y, axis, keepdims=True)
        return y / jnp.std(y, axis, keepdims=True)

    return jnp.mean(scaled(y_true) * scaled(y_pred), axis)


@op
def concordance_correlation(y_true: Operand, y_pred: Operand, axis: int = -1) -> Array:
    """The concordance of targets and predictions along an axis, as Keras 3.15 computes it.

    Args:
        y_true: targets.
        y_pred: predictions.
        axis: the axis.

    Returns:
        One value per sample.

    Example:
        >>> value = concordance_correlation(jnp.asarray([[0.0, 1.0]]), jnp.asarray([[0.0, 1.0]]))
        >>> round(float(value[0]), 4)
        1.0

    Source: Lin 1989, A Concordance Correlation Coefficient to Evaluate Reproducibility.
    Keras 3: keras/src/metrics/correlation_metrics.py concordance_correlation
    """
    means = [jnp.mean(y, axis, keepdims=True) for y in (y_true, y_pred)]
    spread = jnp.var(y_true, axis, keepdims=True) + jnp.var(y_pred, axis, keepdims=True)
    together = (y_true - means[1]) * (y_pred - means[1])
    return jnp.mean(2 * together / (spread + jnp.square(means[0] - means[1]) + epsilon()), axis)
