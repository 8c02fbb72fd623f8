"""Losses of numbers: errors, rates and directions."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from jkeras.core.dispatch import op
from jkeras.core.settings import epsilon
from jkeras.core.types import Array, Operand
from jkeras.primitives.numeric import absolute, clip, l2_normalize

_LOG_2 = 0.6931471805599453


@op
def mean_squared_error(y_true: Operand, y_pred: Operand) -> Array:
    """mean((y_pred - y_true)²).

    Args:
        y_true: targets.
        y_pred: predictions.

    Returns:
        One value per sample (the last axis is averaged).

    Example:
        >>> loss = mean_squared_error(jnp.asarray([[0.0, 1.0]]), jnp.asarray([[1.0, 3.0]]))
        >>> round(float(loss[0]), 4)
        2.5

    Keras 2.2.4: keras/losses.py mean_squared_error
    """
    return jnp.mean(jnp.square(y_pred - y_true), axis=-1)


@op
def mean_absolute_error(y_true: Operand, y_pred: Operand) -> Array:
    """mean(|y_pred - y_true|).

    Args:
        y_true: targets.
        y_pred: predictions.

    Returns:
        One value per sample (the last axis is averaged).

    Example:
        >>> loss = mean_absolute_error(jnp.asarray([[0.0, 1.0]]), jnp.asarray([[1.0, 3.0]]))
        >>> round(float(loss[0]), 4)
        1.5

    Keras 2.2.4: keras/losses.py mean_absolute_error
    """
    return jnp.mean(absolute(y_pred - y_true), axis=-1)


@op
def mean_absolute_percentage_error(y_true: Operand, y_pred: Operand) -> Array:
    """100 * mean(|y_true - y_pred| / max(|y_true|, epsilon)).

    Args:
        y_true: targets.
        y_pred: predictions.

    Returns:
        One value per sample (the last axis is averaged).

    Example:
        >>> loss = mean_absolute_percentage_error(jnp.asarray([[1.0, 2.0]]), jnp.asarray([[2.0, 3.0]]))
        >>> round(float(loss[0]), 4)
        75.0

    Keras 2.2.4: keras/losses.py mean_absolute_percentage_error
    """
    diff = absolute((y_true - y_pred) / clip(absolute(y_true), epsilon()))
    return 100.0 * jnp.mean(diff, axis=-1)


@op
def mean_squared_logarithmic_error(y_true: Operand, y_pred: Operand) -> Array:
    """mean((log(1 + y_pred) - log(1 + y_true))²), both taken as at least epsilon.

    Args:
        y_true: targets.
        y_pred: predictions.

    Returns:
        One value per sample (the last axis is averaged).

    Example:
        >>> loss = mean_squared_logarithmic_error(jnp.asarray([[0.0]]), jnp.asarray([[1.0]]))
        >>> round(float(loss[0]), 4)
        0.4805

    Keras 2.2.4: keras/losses.py mean_squared_logarithmic_error
    """
    first_log = jnp.log(clip(y_pred, epsilon()) + 1.0)
    second_log = jnp.log(clip(y_true, epsilon()) + 1.0)
    return jnp.mean(jnp.square(first_log - second_log), axis=-1)


@op
def logcosh(y_true: Operand, y_pred: Operand) -> Array:
    """mean(log(cosh(y_pred - y_true))): like half the square for small errors, like |error| for large ones.

    Args:
        y_true: targets.
        y_pred: predictions.

    Returns:
        One value per sample (the last axis is averaged).

    Example:
        >>> loss = logcosh(jnp.asarray([[0.0]]), jnp.asarray([[1.0]]))
        >>> round(float(loss[0]), 4)
        0.4338

    Keras 2.2.4: keras/losses.py logcosh
    """
    error = y_pred - y_true
    return jnp.mean(error + jax.nn.softplus(-2.0 * error) - _LOG_2, axis=-1)


@op
def huber(y_true: Operand, y_pred: Operand, delta: float = 1.0) -> Array:
    """mean(e² / 2 if |e| <= delta, else delta |e| - delta² / 2), for the errors e.

    Args:
        y_true: targets.
        y_pred: predictions.
        delta: where the square becomes a line.

    Returns:
        One value per sample (the last axis is averaged).

    Example:
        >>> loss = huber(jnp.asarray([[0.0, 0.0]]), jnp.asarray([[0.5, 3.0]]))
        >>> round(float(loss[0]), 4)
        1.3125

    Source: Huber 1964, Robust Estimation of a Location Parameter. Keras 3: keras/src/losses/losses.py huber
    """
    error = y_pred - y_true
    size = absolute(error)
    return jnp.mean(jnp.where(size <= delta, 0.5 * jnp.square(error), delta * size - 0.5 * delta**2), axis=-1)


@op
def poisson(y_true: Operand, y_pred: Operand) -> Array:
    """mean(y_pred - y_true * log(y_pred + epsilon)).

    Args:
        y_true: targets.
        y_pred: predictions.

    Returns:
        One value per sample (the last axis is averaged).

    Example:
        >>> loss = poisson(jnp.asarray([[1.0]]), jnp.asarray([[1.0]]))
        >>> round(float(loss[0]), 4)
        1.0

    Keras 2.2.4: keras/losses.py poisson
    """
    return jnp.mean(y_pred - y_true * jnp.log(y_pred + epsilon()), axis=-1)


@op
def cosine_proximity(y_true: Operand, y_pred: Operand) -> Array:
    """-sum(y_true * y_pred), both scaled to length 1.

    Args:
        y_true: targets.
        y_pred: predictions.

    Returns:
        One value per sample (the last axis is summed).

    Example:
        >>> loss = cosine_proximity(jnp.asarray([[1.0, 0.0]]), jnp.asarray([[2.0, 0.0]]))
        >>> round(float(loss[0]), 4)
        -1.0

    Keras 2.2.4: keras/losses.py cosine_proximity
    """
    return -jnp.sum(l2_normalize(y_true, axis=-1) * l2_normalize(y_pred, axis=-1), axis=-1)


@op
def cosine_similarity(y_true: Operand, y_pred: Operand, axis: int = -1) -> Array:
    """-sum(y_true * y_pred), both scaled to length 1 along `axis`: `cosine_proximity` with an axis.

    Args:
        y_true: targets.
        y_pred: predictions.
        axis: the axis that is summed.

    Returns:
        One value per sample.

    Example:
        >>> loss = cosine_similarity(jnp.asarray([[1.0, 0.0]]), jnp.asarray([[2.0, 0.0]]))
        >>> round(float(loss[0]), 4)
        -1.0

    Keras 3: keras/src/losses/losses.py cosine_similarity
    """
    return -jnp.sum(l2_normalize(y_true, axis=axis) * l2_normalize(y_pred, axis=axis), axis=axis)


mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
cosine = cosine_proximity
log_cosh = logcosh
