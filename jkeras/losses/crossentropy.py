"""Losses of probabilities: crossentropies and divergences."""

# pyright: reportMissingTypeStubs=false
from __future__ import annotations

import jax
import jax.numpy as jnp
import optax

from jkeras.core.dispatch import op
from jkeras.core.logits import logits_of
from jkeras.core.settings import epsilon
from jkeras.core.types import Array, Operand
from jkeras.primitives import numeric
from jkeras.primitives.numeric import clip


def smoothed(y_true: Operand, share: float, even: float) -> Operand:
    """Targets of which a share is spread evenly; as they are where that is 0."""
    return y_true * (1.0 - share) + share * even if share else y_true


@op
def categorical_crossentropy(
    y_true: Operand,
    y_pred: Operand,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Array:
    """-sum(y_true * log(y_pred)): predictions are scaled to the sum 1, then clipped by epsilon.

    Args:
        y_true: targets.
        y_pred: predictions.
        from_logits: whether `y_pred` is logits.
        label_smoothing: share of the targets that is spread evenly.
        axis: the axis of the classes.

    Returns:
        One value per sample (the last axis is summed).

    Example:
        >>> loss = categorical_crossentropy(jnp.asarray([[0.0, 1.0]]), jnp.asarray([[0.5, 0.5]]))
        >>> round(float(loss[0]), 4)
        0.6931

    Keras 2.2.4: keras/losses.py categorical_crossentropy
    """
    y_true = smoothed(y_true, label_smoothing, 1 / y_true.shape[-1])
    if from_logits and axis != -1:  # K's goes over the last one whatever the axis
        y_true, y_pred, axis = jnp.moveaxis(y_true, axis, -1), jnp.moveaxis(y_pred, axis, -1), -1
    logits = None if from_logits or axis not in (-1, y_pred.ndim - 1) else logits_of(y_pred)
    if logits is not None:
        return numeric.softmax_crossentropy(y_true, logits)
    return numeric.categorical_crossentropy(y_true, y_pred, from_logits, axis)


@op
def sparse_categorical_crossentropy(
    y_true: Operand,
    y_pred: Operand,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> Array:
    """-log(y_pred[y_true]): the crossentropy of integer classes.

    Args:
        y_true: class indices, with or without a last axis of size 1.
        y_pred: probabilities.
        from_logits: whether `y_pred` is logits.
        ignore_class: a class whose samples count as 0.
        axis: the axis of the classes.

    Returns:
        One value per sample.

    Raises:
        ValueError: if there is not one class index per sample.

    Example:
        >>> loss = sparse_categorical_crossentropy(jnp.asarray([1]), jnp.asarray([[0.5, 0.5]]))
        >>> round(float(loss[0]), 4)
        0.6931

    Keras 2.2.4: keras/losses.py sparse_categorical_crossentropy
    """
    if ignore_class is None:
        return numeric.sparse_categorical_crossentropy(y_true, y_pred, from_logits, axis)
    y_pred = jnp.moveaxis(y_pred, axis, -1)
    classes = numeric.as_classes(y_true, y_pred)
    heeded = classes != ignore_class
    y_pred = jnp.where(heeded[..., None], y_pred, 1.0)  # no NaN comes out of these, nor out of their gradient
    loss = numeric.sparse_categorical_crossentropy(jnp.where(heeded, classes, 0), y_pred, from_logits)
    return jnp.where(heeded, loss, 0.0)


@op
def binary_crossentropy(
    y_true: Operand,
    y_pred: Operand,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Array:
    """mean(-y_true * log(y_pred) - (1 - y_true) * log(1 - y_pred)), predictions clipped by epsilon.

    Args:
        y_true: targets.
        y_pred: predictions.
        from_logits: whether `y_pred` is logits.
        label_smoothing: share of the targets that is spread evenly.
        axis: the axis that is averaged.

    Returns:
        One value per sample (the last axis is averaged).

    Example:
        >>> loss = binary_crossentropy(jnp.asarray([[0.0, 1.0]]), jnp.asarray([[0.5, 0.5]]))
        >>> round(float(loss[0]), 4)
        0.6931

    Keras 2.2.4: keras/losses.py binary_crossentropy
    """
    y_true = smoothed(y_true, label_smoothing, 0.5)
    return jnp.mean(numeric.binary_crossentropy(y_true, y_pred, from_logits), axis=axis)


@op
def binary_focal_crossentropy(
    y_true: Operand,
    y_pred: Operand,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Array:
    """The binary crossentropy times (1 - p)^gamma, where p is the probability of what is true.

    Args:
        y_true: targets.
        y_pred: predictions.
        apply_class_balancing: whether class 1 weighs `alpha` and class 0 `1 - alpha`.
        alpha: weight of class 1.
        gamma: how little counts what is known well.
        from_logits: whether `y_pred` is logits.
        label_smoothing: share of the targets that is spread evenly.
        axis: the axis that is averaged.

    Returns:
        One value per sample.

    Example:
        >>> loss = binary_focal_crossentropy(jnp.asarray([[0.0, 1.0]]), jnp.asarray([[0.5, 0.5]]))
        >>> round(float(loss[0]), 4)
        0.1733

    Source: Lin et al. 2017, arXiv:1708.02002. Keras 3: keras/src/losses/losses.py binary_focal_crossentropy
    """
    y_true = smoothed(y_true, label_smoothing, 0.5)
    y_pred = jax.nn.sigmoid(y_pred) if from_logits else y_pred
    known = y_true * y_pred + (1 - y_true) * (1 - y_pred)
    loss = (1.0 - known) ** gamma * numeric.binary_crossentropy(y_true, y_pred)
    if apply_class_balancing:
        loss = (y_true * alpha + (1 - y_true) * (1 - alpha)) * loss
    return jnp.mean(loss, axis=axis)


@op
def categorical_focal_crossentropy(
    y_true: Operand,
    y_pred: Operand,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Array:
    """-sum(alpha * (1 - y_pred)^gamma * y_true * log(y_pred)), predictions scaled to the sum 1 and clipped.

    Args:
        y_true: targets.
        y_pred: predictions.
        alpha: weight.
        gamma: how little counts what is known well.
        from_logits: whether `y_pred` is logits.
        label_smoothing: share of the targets that is spread evenly.
        axis: the axis of the classes.

    Returns:
        One value per sample.

    Example:
        >>> loss = categorical_focal_crossentropy(jnp.asarray([[0.0, 1.0]]), jnp.asarray([[0.5, 0.5]]))
        >>> round(float(loss[0]), 4)
        0.0433

    Source: Lin et al. 2017, arXiv:1708.02002.
    Keras 3: keras/src/losses/losses.py categorical_focal_crossentropy
    """
    y_true = smoothed(y_true, label_smoothing, 1 / y_true.shape[-1])
    y_pred = jax.nn.softmax(y_pred, axis) if from_logits else y_pred
    y_pred = clip(y_pred / jnp.sum(y_pred, axis, keepdims=True), epsilon(), 1.0 - epsilon())
    return jnp.sum((1.0 - y_pred) ** gamma * alpha * -y_true * jnp.log(y_pred), axis=axis)


@op
def categorical_generalized_cross_entropy(y_true: Operand, y_pred: Operand, q: float) -> Array:
    """(1 - p^q) / q, where p is the probability of the true class: a loss that bears wrong labels.

    Args:
        y_true: class indices (batch,), or with a last axis of size 1.
        y_pred: probabilities.
        q: between 0 (the crossentropy) and 1 (the mean absolute error).

    Returns:
        One value per sample.

    Example:
        >>> loss = categorical_generalized_cross_entropy(jnp.asarray([1]), jnp.asarray([[0.75, 0.25]]), 0.5)
        >>> round(float(loss[0]), 4)
        1.0

    Source: Zhang and Sabuncu 2018, arXiv:1805.07836.
    Keras 3: keras/src/losses/losses.py categorical_generalized_cross_entropy
    """
    classes = numeric.as_classes(y_true, y_pred)
    p = jnp.sum(y_pred * jax.nn.one_hot(classes, y_pred.shape[-1], dtype=y_pred.dtype), axis=-1)
    return (1 - p**q) / q


@op
def kullback_leibler_divergence(y_true: Operand, y_pred: Operand) -> Array:
    """sum(y_true * log(y_true / y_pred)), both clipped to [epsilon, 1].

    Args:
        y_true: targets.
        y_pred: predictions.

    Returns:
        One value per sample (the last axis is summed).

    Example:
        >>> loss = kullback_leibler_divergence(jnp.asarray([[0.0, 1.0]]), jnp.asarray([[0.5, 0.5]]))
        >>> round(float(loss[0]), 4)
        0.6931

    Keras 2.2.4: keras/losses.py kullback_leibler_divergence
    """
    y_true = clip(y_true, epsilon(), 1.0)
    y_pred = clip(y_pred, epsilon(), 1.0)
    return jnp.sum(y_true * jnp.log(y_true / y_pred), axis=-1)


@op
def ctc(y_true: Operand, y_pred: Operand) -> Array:
    """-log of the probability of the labels under all of their alignments with the time steps.

    Args:
        y_true: labels (batch, length), filled up with zeros: 0 is the blank and no label.
        y_pred: logits (batch, steps, classes).

    Returns:
        One value per sample.

    Raises:
        ValueError: for other ranks.

    Example:
        >>> loss = ctc(jnp.asarray([[1, 0]]), jnp.zeros((1, 2, 2)))
        >>> round(float(loss[0]), 4)
        0.2877

    Source: Graves et al. 2006, Connectionist Temporal Classification. Keras 3: keras/src/losses/losses.py ctc
    """
    if y_true.ndim != 2 or y_pred.ndim != 3:
        raise ValueError(
            "The loss ctc needs labels of shape (batch, length) and logits of shape (batch, steps, classes). "
            f"Got labels of shape {y_true.shape} and logits of shape {y_pred.shape}."
        )
    labels = jnp.asarray(y_true, jnp.int32)
    count = jnp.sum(labels != 0, -1, keepdims=True)
    beyond = (jnp.arange(labels.shape[1])[None] >= count).astype(y_pred.dtype)
    return optax.ctc_loss(y_pred, jnp.zeros(y_pred.shape[:2], y_pred.dtype), labels, beyond)


kld = KLD = kl_divergence = kullback_leibler_divergence
bce = BCE = binary_crossentropy
