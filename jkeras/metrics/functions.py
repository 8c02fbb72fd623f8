"""Metrics that are functions of (y_true, y_pred): their values are averaged over samples and batches."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from jkeras.core.dispatch import op
from jkeras.core.settings import floatx
from jkeras.core.types import Array, Operand
from jkeras.losses import binary_crossentropy as binary_crossentropy
from jkeras.losses import binary_focal_crossentropy as binary_focal_crossentropy
from jkeras.losses import categorical_crossentropy as categorical_crossentropy
from jkeras.losses import categorical_focal_crossentropy as categorical_focal_crossentropy
from jkeras.losses import categorical_hinge as categorical_hinge
from jkeras.losses import cosine_proximity as cosine_proximity
from jkeras.losses import hinge as hinge
from jkeras.losses import huber as huber
from jkeras.losses import kl_divergence as kl_divergence
from jkeras.losses import kullback_leibler_divergence as kullback_leibler_divergence
from jkeras.losses import log_cosh as log_cosh
from jkeras.losses import logcosh as logcosh
from jkeras.losses import mean_absolute_error as mean_absolute_error
from jkeras.losses import mean_absolute_percentage_error as mean_absolute_percentage_error
from jkeras.losses import mean_squared_error as mean_squared_error
from jkeras.losses import mean_squared_logarithmic_error as mean_squared_logarithmic_error
from jkeras.losses import poisson as poisson
from jkeras.losses import sparse_categorical_crossentropy as sparse_categorical_crossentropy
from jkeras.losses import squared_hinge as squared_hinge
from jkeras.metrics import matches
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


# Keras's means over the batch → the functions that they are the means of.
@op
def accuracy_of_classes(y_true: Operand, y_pred: Operand) -> Array:
    """The accuracy of classes that are given as rows, or as numbers where the axis of rows is not there.

    Keras 3 chooses so, too; in Keras 2.2.4 a loss that it does not know goes with rows.

    Example:
        >>> y, rows, numbers = jnp.asarray([[0.2, 0.8]]), jnp.asarray([[0, 1]]), jnp.asarray([1])
        >>> accuracy_of_classes(numbers, y).tolist(), accuracy_of_classes(rows, y).tolist()
        ([1.0], [1.0])
    """
    numbers = np.ndim(y_true) < np.ndim(y_pred)
    return (sparse_categorical_accuracy if numbers else categorical_accuracy)(y_true, y_pred)


@op
def crossentropy_of_classes(y_true: Operand, y_pred: Operand) -> Array:
    """Crossentropy, likewise."""
    numbers = np.ndim(y_true) < np.ndim(y_pred)
    return (sparse_categorical_crossentropy if numbers else categorical_crossentropy)(y_true, y_pred)


BY_ROW: dict[Any, Any] = {
    top_k_categorical_accuracy: matches.top_k_categorical_accuracy,
    sparse_top_k_categorical_accuracy: matches.sparse_top_k_categorical_accuracy,
}

mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
cosine = cosine_proximity
