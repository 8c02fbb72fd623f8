"""Metrics: functions of (y_true, y_pred) whose values are averaged over samples and batches."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from jkeras.core.dispatch import op
from jkeras.core.registry import (
    deserialize_keras_object,
    get_function,
    serialize_keras_object,
)
from jkeras.core.settings import floatx
from jkeras.core.types import Array, Function, Operand
from jkeras.losses import binary_crossentropy as binary_crossentropy
from jkeras.losses import categorical_crossentropy as categorical_crossentropy
from jkeras.losses import cosine_proximity as cosine_proximity
from jkeras.losses import hinge as hinge
from jkeras.losses import kullback_leibler_divergence as kullback_leibler_divergence
from jkeras.losses import logcosh as logcosh
from jkeras.losses import mean_absolute_error as mean_absolute_error
from jkeras.losses import mean_absolute_percentage_error as mean_absolute_percentage_error
from jkeras.losses import mean_squared_error as mean_squared_error
from jkeras.losses import mean_squared_logarithmic_error as mean_squared_logarithmic_error
from jkeras.losses import poisson as poisson
from jkeras.losses import sparse_categorical_crossentropy as sparse_categorical_crossentropy
from jkeras.losses import squared_hinge as squared_hinge
from jkeras.primitives.numeric import as_classes, in_top_k


@op
def binary_accuracy(y_true: Operand, y_pred: Operand) -> Array:
    """mean(y_true == round(y_pred)), where 0.5 rounds to 0.

    Args:
        y_true: targets.
        y_pred: predictions.

    Returns:
        One value per sample (the last axis is averaged).

    Example:
        >>> value = binary_accuracy(jnp.asarray([[0.0, 1.0]]), jnp.asarray([[0.2, 0.3]]))
        >>> round(float(value[0]), 4)
        0.5

    Keras 2.2.4: keras/metrics.py binary_accuracy
    """
    return jnp.mean(y_true == jnp.round(y_pred), axis=-1, dtype=floatx())


@op
def categorical_accuracy(y_true: Operand, y_pred: Operand) -> Array:
    """argmax(y_true) == argmax(y_pred).

    Args:
        y_true: targets.
        y_pred: predictions.

    Returns:
        One value per sample.

    Example:
        >>> value = categorical_accuracy(jnp.asarray([[0.0, 1.0]]), jnp.asarray([[0.2, 0.3]]))
        >>> round(float(value[0]), 4)
        1.0

    Keras 2.2.4: keras/metrics.py categorical_accuracy
    """
    return (jnp.argmax(y_true, axis=-1) == jnp.argmax(y_pred, axis=-1)).astype(floatx())


@op
def sparse_categorical_accuracy(y_true: Operand, y_pred: Operand) -> Array:
    """y_true == argmax(y_pred), for integer classes.

    Args:
        y_true: class indices, with or without a last axis of size 1.
        y_pred: scores of the classes.

    Returns:
        One value per sample.

    Raises:
        ValueError: if there is not one class index per sample.

    Example:
        >>> value = sparse_categorical_accuracy(jnp.asarray([1]), jnp.asarray([[0.2, 0.3]]))
        >>> round(float(value[0]), 4)
        1.0

    Keras 2.2.4: keras/metrics.py sparse_categorical_accuracy
    """
    return (as_classes(y_true, y_pred) == jnp.argmax(y_pred, axis=-1)).astype(floatx())


@op
def top_k_categorical_accuracy(y_true: Operand, y_pred: Operand, k: int = 5) -> Array:
    """How often fewer than k classes score higher than the target; ties count in favour.

    Args:
        y_true: one-hot targets.
        y_pred: scores of the classes, of rank 2.
        k: how many classes may be named.

    Returns:
        One value: the mean over the batch, as in Keras.

    Raises:
        ValueError: if `y_pred` is not of rank 2.

    Example:
        >>> value = top_k_categorical_accuracy(jnp.asarray([[0.0, 1.0]]), jnp.asarray([[0.2, 0.3]]))
        >>> round(float(value), 4)
        1.0

    Keras 2.2.4: keras/metrics.py top_k_categorical_accuracy
    """
    return jnp.mean(in_top_k(y_pred, jnp.argmax(y_true, axis=-1), k), axis=-1, dtype=floatx())


@op
def sparse_top_k_categorical_accuracy(y_true: Operand, y_pred: Operand, k: int = 5) -> Array:
    """How often fewer than k classes score higher than the integer target.

    Args:
        y_true: class indices, with or without a last axis of size 1.
        y_pred: scores of the classes.
        k: how many classes may be named.

    Returns:
        One value: the mean over the batch, as in Keras.

    Raises:
        ValueError: if `y_pred` is not of rank 2, or there is not one class index per sample.

    Example:
        >>> value = sparse_top_k_categorical_accuracy(jnp.asarray([1]), jnp.asarray([[0.2, 0.3]]))
        >>> round(float(value), 4)
        1.0

    Keras 2.2.4: keras/metrics.py sparse_top_k_categorical_accuracy
    """
    return jnp.mean(in_top_k(y_pred, as_classes(y_true, y_pred), k), axis=-1, dtype=floatx())


mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
cosine = cosine_proximity

_BUILT_IN = {
    name: value
    for name, value in globals().items()
    if getattr(value, "__module__", "") in (__name__, mean_squared_error.__module__)
}
_STATEFUL = "a metric of your own: a Layer with `stateful = True` and `reset_states`"
# Names of other Kerases; who asks for one here is told.
_RENAMED = {
    "Accuracy": "metrics=['accuracy'] in compile()",
    "accuracy": "metrics=['accuracy'] in compile()",
    "acc": "metrics=['acc'] in compile()",
    "CosineSimilarity": "cosine_proximity",
    "KLDivergence": "kullback_leibler_divergence",
    "RootMeanSquaredError": "mean_squared_error, and take the root",
    "AUC": _STATEFUL,
    "Mean": _STATEFUL,
    "Metric": _STATEFUL,
    "Precision": _STATEFUL,
    "Recall": _STATEFUL,
}


def serialize(metric: Function) -> Any:
    """Write a metric function down.

    Args:
        metric: a named function, or an object with `get_config`.

    Returns:
        Its name, or `{"class_name", "config"}`.

    Example:
        >>> serialize(mean_squared_error)
        'mean_squared_error'

    Keras 2.2.4: keras/metrics.py serialize
    """
    return serialize_keras_object(metric)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The metric function that `serialize` wrote.

    Args:
        config: a name, or `{"class_name", "config"}`.
        custom_objects: names of your own.

    Returns:
        The function or object.

    Raises:
        ValueError: if the name is unknown.

    Example:
        >>> deserialize("mse") is mean_squared_error
        True

    Keras 2.2.4: keras/metrics.py deserialize
    """
    return deserialize_keras_object(config, _BUILT_IN, custom_objects, "metric function")


def get(identifier: Any) -> Any:
    """The metric function that an argument of `compile()` means.

    Args:
        identifier: a name, a config dictionary, or a function of (y_true, y_pred).

    Returns:
        The function.

    Raises:
        ValueError: if the name is unknown or `identifier` is something else.

    Example:
        >>> get("mae") is mean_absolute_error
        True

    Keras 2.2.4: keras/metrics.py get
    """
    return get_function(identifier, _BUILT_IN, "metric function")
