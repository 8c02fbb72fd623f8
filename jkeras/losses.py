"""Losses: functions of (y_true, y_pred) with one value per sample, on arrays or symbolic tensors."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from jkeras.core.dispatch import op
from jkeras.core.registry import (
    deserialize_keras_object,
    get_function,
    serialize_keras_object,
)
from jkeras.core.settings import epsilon
from jkeras.core.types import Array, Function, Operand
from jkeras.primitives import numeric
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
def categorical_crossentropy(y_true: Operand, y_pred: Operand) -> Array:
    """-sum(y_true * log(y_pred)): predictions are scaled to the sum 1, then clipped by epsilon.

    Args:
        y_true: targets.
        y_pred: predictions.

    Returns:
        One value per sample (the last axis is summed).

    Example:
        >>> loss = categorical_crossentropy(jnp.asarray([[0.0, 1.0]]), jnp.asarray([[0.5, 0.5]]))
        >>> round(float(loss[0]), 4)
        0.6931

    Keras 2.2.4: keras/losses.py categorical_crossentropy
    """
    return numeric.categorical_crossentropy(y_true, y_pred)


@op
def sparse_categorical_crossentropy(y_true: Operand, y_pred: Operand) -> Array:
    """-log(y_pred[y_true]): the crossentropy of integer classes.

    Args:
        y_true: class indices, with or without a last axis of size 1.
        y_pred: probabilities.

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
    return numeric.sparse_categorical_crossentropy(y_true, y_pred)


@op
def binary_crossentropy(y_true: Operand, y_pred: Operand) -> Array:
    """mean(-y_true * log(y_pred) - (1 - y_true) * log(1 - y_pred)), predictions clipped by epsilon.

    Args:
        y_true: targets.
        y_pred: predictions.

    Returns:
        One value per sample (the last axis is averaged).

    Example:
        >>> loss = binary_crossentropy(jnp.asarray([[0.0, 1.0]]), jnp.asarray([[0.5, 0.5]]))
        >>> round(float(loss[0]), 4)
        0.6931

    Keras 2.2.4: keras/losses.py binary_crossentropy
    """
    return jnp.mean(numeric.binary_crossentropy(y_true, y_pred), axis=-1)


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


mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
kld = KLD = kullback_leibler_divergence
cosine = cosine_proximity

_BUILT_IN = {name: value for name, value in globals().items() if getattr(value, "__module__", "") == __name__}
# Names of other Kerases; who asks for one here is told.
_RENAMED = {
    "CosineSimilarity": "cosine_proximity",
    "cosine_similarity": "cosine_proximity",
    "KLDivergence": "kullback_leibler_divergence",
    "kl_divergence": "kullback_leibler_divergence",
    "Huber": "logcosh, which behaves alike, or a function of your own",
}


def serialize(loss: Function) -> Any:
    """Write a loss function down.

    Args:
        loss: a named function, or an object with `get_config`.

    Returns:
        Its name, or `{"class_name", "config"}`.

    Example:
        >>> serialize(mean_squared_error)
        'mean_squared_error'

    Keras 2.2.4: keras/losses.py serialize
    """
    return serialize_keras_object(loss)


def deserialize(name: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The loss function that `serialize` wrote.

    Args:
        name: a name, or `{"class_name", "config"}`.
        custom_objects: names of your own.

    Returns:
        The function or object.

    Raises:
        ValueError: if the name is unknown.

    Example:
        >>> deserialize("mse") is mean_squared_error
        True

    Keras 2.2.4: keras/losses.py deserialize
    """
    return deserialize_keras_object(name, _BUILT_IN, custom_objects, "loss function")


def get(identifier: Any) -> Any:
    """The loss function that an argument of `compile()` means.

    Args:
        identifier: None, a name, a config dictionary, or a function of (y_true, y_pred).

    Returns:
        The function, or None.

    Raises:
        ValueError: if the name is unknown or `identifier` is something else.

    Example:
        >>> get("mae") is mean_absolute_error
        True

    Keras 2.2.4: keras/losses.py get
    """
    return None if identifier is None else get_function(identifier, _BUILT_IN, "loss function")
