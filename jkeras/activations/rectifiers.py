"""Activations that are piecewise linear or exponential, around 0."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jkeras.core.dispatch import op
from jkeras.core.types import Operand
from jkeras.primitives.numeric import clip

_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946


@op
def elu(x: Operand, alpha: float = 1.0):
    """x if x > 0, else alpha * (exp(x) - 1).

    Args:
        x: an array.
        alpha: slope of the negative part at 0.

    Returns:
        The array.

    Example:
        >>> print(elu(jnp.asarray([-100.0, 2.0])))
        [-1.  2.]

    Source: Clevert et al. 2015, arXiv:1511.07289. Keras 2.2.4: keras/activations.py elu
    """
    positive = x > 0
    negative = jnp.expm1(jnp.where(positive, 0, x))
    return jnp.where(positive, x, negative if alpha == 1 else alpha * negative)


@op
def selu(x: Operand):
    """1.0507 * elu(x, 1.6733): keeps mean and variance with `lecun_normal` kernels and `AlphaDropout`.

    Args:
        x: an array.

    Returns:
        The array.

    Example:
        >>> print(selu(jnp.asarray([0.0, 1.0])).round(4))
        [0.     1.0507]

    Source: Klambauer et al. 2017, arXiv:1706.02515. Keras 2.2.4: keras/activations.py selu
    """
    return _SELU_SCALE * elu(x, _SELU_ALPHA)


@op
def celu(x: Operand, alpha: float = 1.0):
    """x if x > 0, else alpha * (exp(x / alpha) - 1).

    Args:
        x: an array.
        alpha: where the negative part ends.

    Returns:
        The array.

    Example:
        >>> print(celu(jnp.asarray([-100.0, 2.0]), alpha=0.5))
        [-0.5  2. ]

    Source: Barron 2017, arXiv:1704.07483. Keras 3: keras/src/activations/activations.py celu
    """
    return jax.nn.celu(x, alpha)


@op
def relu(
    x: Operand,
    alpha: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
    negative_slope: float | None = None,
):
    """max_value if x >= max_value, x if threshold < x < max_value, else alpha * (x - threshold).

    Args:
        x: an array.
        alpha: slope below the threshold; a number or an array that broadcasts against `x`.
        max_value: upper bound, likewise, or None.
        threshold: where the function starts to rise, likewise.
        negative_slope: another name for `alpha`, as in Keras 3.

    Returns:
        The array.

    Example:
        >>> print(relu(jnp.asarray([-1.0, 3.0, 9.0]), alpha=0.5, max_value=6.0))
        [-0.5  3.   6. ]

    Keras 2.2.4: keras/activations.py relu, keras/backend/tensorflow_backend.py relu
    """
    alpha = alpha if negative_slope is None else negative_slope
    flat, from_zero = _is_number(alpha, 0), _is_number(threshold, 0)
    if max_value is None and from_zero:
        return jax.nn.relu(x) if flat else jnp.where(x > 0, x, alpha * x)
    y = jax.nn.relu(x) if from_zero else x * (x > threshold).astype(x.dtype)
    if _is_number(max_value, 6) and from_zero:
        y = jnp.where(y < 6, y, jnp.asarray(6, y.dtype))  # TensorFlow's relu6: no gradient at the bound
    elif max_value is not None:
        y = clip(y, 0.0, max_value)
    return y if flat else y - alpha * jax.nn.relu(threshold - x)


def _is_number(value: Any, number: float) -> bool:
    """Whether a parameter is known to be this number; one that is computed never is."""
    return isinstance(value, (int, float, np.number)) and bool(value == number)


@op
def relu6(x: Operand):
    """x, clipped to [0, 6].

    Args:
        x: an array.

    Returns:
        The array.

    Example:
        >>> print(relu6(jnp.asarray([-1.0, 3.0, 9.0])))
        [0. 3. 6.]

    Keras 3: keras/src/activations/activations.py relu6
    """
    return jax.nn.relu6(x)


@op
def leaky_relu(x: Operand, negative_slope: float = 0.2):
    """x if x > 0, else negative_slope * x.

    Args:
        x: an array.
        negative_slope: slope of the negative part.

    Returns:
        The array.

    Example:
        >>> print(leaky_relu(jnp.asarray([-1.0, 2.0]), 0.5))
        [-0.5  2. ]

    Keras 3: keras/src/activations/activations.py leaky_relu
    """
    return jax.nn.leaky_relu(x, negative_slope)


@op
def threshold(x: Operand, threshold: float, default_value: float):
    """x where it is above the threshold, else a default.

    Args:
        x: an array.
        threshold: the bound.
        default_value: what stands for values up to it.

    Returns:
        The array.

    Example:
        >>> print(threshold(jnp.asarray([-1.0, 3.0]), 1.0, 0.5))
        [0.5 3. ]

    Keras 3: keras/src/activations/activations.py threshold
    """
    return jnp.where(x > threshold, x, default_value)


@op
def hard_shrink(x: Operand, threshold: float = 0.5):
    """x if |x| > threshold, else 0.

    Args:
        x: an array.
        threshold: the bound.

    Returns:
        The array.

    Example:
        >>> print(hard_shrink(jnp.asarray([-1.0, 0.25])))
        [-1.  0.]

    Keras 3: keras/src/activations/activations.py hard_shrink
    """
    return jnp.where(jnp.abs(x) > threshold, x, 0.0)


@op
def soft_shrink(x: Operand, threshold: float = 0.5):
    """x moved towards 0 by the threshold, and 0 nearer than that.

    Args:
        x: an array.
        threshold: the bound.

    Returns:
        The array.

    Example:
        >>> print(soft_shrink(jnp.asarray([-1.0, 0.25])))
        [-0.5  0. ]

    Keras 3: keras/src/activations/activations.py soft_shrink
    """
    return jnp.where(x > threshold, x - threshold, jnp.where(x < -threshold, x + threshold, 0.0))
