"""Activations that saturate, and those that gate their argument with one of these."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from jkeras.core.dispatch import op
from jkeras.core.types import Operand


@op
def sigmoid(x: Operand):
    """1 / (1 + exp(-x)).

    Args:
        x: an array.

    Returns:
        The array.

    Example:
        >>> print(sigmoid(jnp.asarray([0.0, 99.0])))
        [0.5 1. ]

    Keras 2.2.4: keras/activations.py sigmoid
    """
    return jax.nn.sigmoid(x)


@op
def hard_sigmoid(x: Operand):
    """0.2 * x + 0.5, clipped to [0, 1].

    Args:
        x: an array.

    Returns:
        The array.

    Example:
        >>> print(hard_sigmoid(jnp.asarray([-9.0, 0.0, 9.0])))
        [0.  0.5 1. ]

    Keras 2.2.4: keras/activations.py hard_sigmoid
    """
    y = 0.2 * (x + 2.5)  # `0.2 * x + 0.5` may be fused and miss 0 at -2.5, where Keras's gradient is 0.2
    return jnp.where(x < -2.5, 0, jnp.where(x > 2.5, 1, y)).astype(y.dtype)


@op
def log_sigmoid(x: Operand):
    """log(1 / (1 + exp(-x))).

    Args:
        x: an array.

    Returns:
        The array.

    Example:
        >>> print(log_sigmoid(jnp.asarray([0.0])).round(4))
        [-0.6931]

    Keras 3: keras/src/activations/activations.py log_sigmoid
    """
    return jax.nn.log_sigmoid(x)


@op
def sparse_sigmoid(x: Operand):
    """(x + 1) / 2, clipped to [0, 1].

    Args:
        x: an array.

    Returns:
        The array.

    Example:
        >>> print(sparse_sigmoid(jnp.asarray([-2.0, 0.0, 2.0])))
        [0.  0.5 1. ]

    Source: Blondel et al. 2019, arXiv:1901.02324.
    Keras 3: keras/src/activations/activations.py sparse_sigmoid
    """
    return jax.nn.sparse_sigmoid(x)


@op
def tanh(x: Operand):
    """The hyperbolic tangent.

    Args:
        x: an array.

    Returns:
        The array.

    Example:
        >>> print(tanh(jnp.asarray([0.0, 99.0])))
        [0. 1.]

    Keras 2.2.4: keras/activations.py tanh
    """
    return jnp.tanh(x)


@op
def hard_tanh(x: Operand):
    """x, clipped to [-1, 1].

    Args:
        x: an array.

    Returns:
        The array.

    Example:
        >>> print(hard_tanh(jnp.asarray([-2.0, 0.5])))
        [-1.   0.5]

    Keras 3: keras/src/activations/activations.py hard_tanh
    """
    return jax.nn.hard_tanh(x)


@op
def tanh_shrink(x: Operand):
    """x - tanh(x).

    Args:
        x: an array.

    Returns:
        The array.

    Example:
        >>> print(tanh_shrink(jnp.asarray([0.0, 99.0])))
        [ 0. 98.]

    Keras 3: keras/src/activations/activations.py tanh_shrink
    """
    return x - jnp.tanh(x)


@op
def silu(x: Operand):
    """x * sigmoid(x), also called swish.

    Args:
        x: an array.

    Returns:
        The array.

    Example:
        >>> print(silu(jnp.asarray([0.0, 99.0])))
        [ 0. 99.]

    Source: Ramachandran et al. 2017, arXiv:1710.05941. Keras 3: keras/src/activations/activations.py silu
    """
    return jax.nn.silu(x)


@op
def hard_silu(x: Operand):
    """x * relu6(x + 3) / 6, also called hard_swish.

    Args:
        x: an array.

    Returns:
        The array.

    Example:
        >>> print(hard_silu(jnp.asarray([0.0, 9.0])))
        [0. 9.]

    Source: Howard et al. 2019, arXiv:1905.02244. Keras 3: keras/src/activations/activations.py hard_silu
    """
    return jax.nn.hard_silu(x)


@op
def gelu(x: Operand, approximate: bool = False):
    """x * P(X <= x) for a standard normal X.

    Args:
        x: an array.
        approximate: whether P is computed by a tanh instead of the error function.

    Returns:
        The array.

    Example:
        >>> print(gelu(jnp.asarray([0.0, 99.0])))
        [ 0. 99.]

    Source: Hendrycks and Gimpel 2016, arXiv:1606.08415. Keras 3: keras/src/activations/activations.py gelu
    """
    return jax.nn.gelu(x, approximate)


@op
def mish(x: Operand):
    """x * tanh(softplus(x)).

    Args:
        x: an array.

    Returns:
        The array.

    Example:
        >>> print(mish(jnp.asarray([0.0, 99.0])))
        [ 0. 99.]

    Source: Misra 2019, arXiv:1908.08681. Keras 3: keras/src/activations/activations.py mish
    """
    return x * jnp.tanh(jax.nn.softplus(x))


@op
def glu(x: Operand, axis: Any = -1):
    """The first half of x times the sigmoid of the second.

    Args:
        x: an array with an even number of entries along `axis`.
        axis: the axis that is halved.

    Returns:
        The array.

    Example:
        >>> print(glu(jnp.asarray([[1.0, 2.0, 0.0, 99.0]])))
        [[0.5 2. ]]

    Source: Dauphin et al. 2017, arXiv:1612.08083. Keras 3: keras/src/activations/activations.py glu
    """
    return jax.nn.glu(x, axis)


swish, hard_swish = silu, hard_silu
