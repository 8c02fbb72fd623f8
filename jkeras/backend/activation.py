"""Activations as K has them: `jkeras.activations`, with the arguments of the backend."""

from __future__ import annotations

import jax

from jkeras import activations
from jkeras.backend.conversion import of_array
from jkeras.core.types import Operand

sigmoid, hard_sigmoid, tanh = activations.sigmoid, activations.hard_sigmoid, activations.tanh
softplus, softsign = activations.softplus, activations.softsign


@of_array
def relu(x: Operand, alpha: float = 0.0, max_value: Operand = None, threshold: float = 0.0):
    """min(x, max_value) where x > threshold, else alpha * (x - threshold).

    Args:
        x: an array of any shape.
        alpha: slope below the threshold.
        max_value: the greatest value, or None; with one, `x` above the threshold counts as at least 0.
        threshold: above it the slope is 1.

    Returns:
        An array of the same shape.

    Example:
        >>> relu([-1.0, 2.0, 9.0], alpha=0.5, max_value=6.0).tolist()
        [-0.5, 2.0, 6.0]

    Keras 2.2.4: keras/backend/tensorflow_backend.py relu
    """
    return activations.relu(x, alpha=alpha, max_value=max_value, threshold=threshold)


@of_array
def elu(x: Operand, alpha: float = 1.0):
    """x where x > 0, else alpha * (exp(x) - 1).

    Args:
        x: an array of any shape.
        alpha: slope of the negative part at 0.

    Returns:
        An array of the same shape.

    Example:
        >>> elu([-100.0, 2.0]).tolist()
        [-1.0, 2.0]

    Keras 2.2.4: keras/backend/tensorflow_backend.py elu
    """
    return activations.elu(x, alpha)


@of_array
def softmax(x: Operand, axis: int | None = -1):
    """exp(x) / sum(exp(x)) along an axis, without overflow.

    Args:
        x: an array of rank 1 or more.
        axis: the axis whose numbers shall sum to 1.

    Returns:
        An array of the same shape.

    Raises:
        ValueError: `x` has no such axis.

    Example:
        >>> softmax([[5.0, 5.0]]).tolist()
        [[0.5, 0.5]]

    Keras 2.2.4: keras/backend/tensorflow_backend.py softmax
    """
    return jax.nn.softmax(x, axis)
