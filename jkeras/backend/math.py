"""Elementwise functions, reductions, comparisons, products: jax.numpy on arrays, nodes on tensors."""

from __future__ import annotations

import builtins
import functools
import inspect
from collections.abc import Callable

import jax
import jax.numpy as jnp

from jkeras import activations
from jkeras.backend.values import to_dense
from jkeras.core import settings
from jkeras.core.dispatch import op
from jkeras.ops import dot as products
from jkeras.ops import numeric


def _axes(axis):
    return tuple(axis) if isinstance(axis, list) else axis


def _of_arrays(function: Callable, count: int) -> Callable:
    """Like `op`, where the first `count` operands may be lists of numbers or sparse matrices as well."""
    names = list(inspect.signature(function).parameters)[:count]

    @op
    @functools.wraps(function)
    def converted(*args, **kwargs):
        args = [jnp.asarray(to_dense(a)) if i < count else a for i, a in enumerate(args)]
        return function(
            *args, **{k: jnp.asarray(to_dense(v)) if k in names else v for k, v in kwargs.items()}
        )

    return converted


_of_array, _of_arrays_2 = functools.partial(_of_arrays, count=1), functools.partial(_of_arrays, count=2)


def _floating(x):
    """Booleans and integers as floats, which is what Keras's means and sums of comparisons need."""
    x = jnp.asarray(x)
    return x if jnp.issubdtype(x.dtype, jnp.floating) else x.astype(settings.floatx())


# --- elementwise ---------------------------------------------------------------------------------------


def _of_one(function: Callable) -> Callable:
    """A function of jax.numpy with Keras's parameter `x`, which may be given by name."""

    def elementwise(x):
        return function(jnp.asarray(x))

    elementwise.__name__ = elementwise.__qualname__ = function.__name__
    elementwise.__doc__ = f"Elementwise `{function.__name__}`."
    return op(elementwise)


def _of_two(function: Callable) -> Callable:
    """A function of jax.numpy with Keras's parameters `x` and `y`."""

    def elementwise(x, y):
        return function(jnp.asarray(x), jnp.asarray(y))

    elementwise.__name__ = elementwise.__qualname__ = function.__name__
    elementwise.__doc__ = f"Elementwise `{function.__name__}` of two arrays."
    return op(elementwise)


sign, round = _of_one(jnp.sign), _of_one(jnp.round)
exp, log, square = _of_one(jnp.exp), _of_one(jnp.log), _of_one(jnp.square)
sin, cos = _of_one(jnp.sin), _of_one(jnp.cos)
equal, not_equal = _of_two(jnp.equal), _of_two(jnp.not_equal)
greater, greater_equal = _of_two(jnp.greater), _of_two(jnp.greater_equal)
less, less_equal = _of_two(jnp.less), _of_two(jnp.less_equal)
sigmoid, hard_sigmoid, tanh = activations.sigmoid, activations.hard_sigmoid, activations.tanh
softplus, softsign = activations.softplus, activations.softsign


@_of_array
def abs(x):
    """Elementwise absolute value; its gradient at 0 is 0, as in TensorFlow."""
    return numeric.absolute(x)


@_of_arrays_2
def maximum(x, y):
    """Elementwise maximum; where both are equal the gradient goes to `x`, as in TensorFlow."""
    return jnp.where((y > x) | jnp.isnan(y), y, x)


@_of_arrays_2
def minimum(x, y):
    """Elementwise minimum; where both are equal the gradient goes to `x`, as in TensorFlow."""
    return jnp.where((y < x) | jnp.isnan(y), y, x)


@_of_array
def sqrt(x):
    """Elementwise square root; negative numbers count as zero.

    The slope at 0 is a large number rather than infinity: where a gradient of 0 arrives, it stays 0 (as in
    TensorFlow), so that `x / K.sqrt(K.sum(x * x))` may meet a row of zeros.
    """
    return _root(numeric.clip(x, 0.0) * 1.0)


@jax.custom_jvp
def _root(x):
    return jnp.sqrt(x)


@_root.defjvp
def _root_jvp(primals, tangents):
    y = _root(*primals)
    return y, tangents[0] * (0.5 / jnp.maximum(y, jnp.finfo(y.dtype).tiny))


@op
def pow(x, a):
    """Elementwise power `x ** a`."""
    return jnp.power(x, a)


@_of_array
def clip(x, min_value, max_value):
    """Elementwise limits; None is no limit, and a maximum below the minimum counts as the minimum."""
    if min_value is not None and max_value is not None and isinstance(max_value, (int, float)):
        max_value = max_value if max_value >= min_value else min_value
    return numeric.clip(x, min_value, max_value)


@_of_array
def relu(x, alpha=0.0, max_value=None, threshold=0.0):
    """`x` above the threshold, at most `max_value`; `alpha * (x - threshold)` below."""
    return activations.relu(x, alpha=alpha, max_value=max_value, threshold=threshold)


@_of_array
def elu(x, alpha=1.0):
    """Exponential linear unit."""
    return activations.elu(x, alpha)


@_of_array
def softmax(x, axis=-1):
    """Softmax along an axis."""
    return jax.nn.softmax(x, axis)


@op
def identity(x, name=None):
    """The same values as a new tensor."""
    return jnp.asarray(x)


@op
def stop_gradient(variables):
    """The same values, constant for differentiation."""
    return jax.lax.stop_gradient(variables)


@op
def cast(x, dtype):
    """Values in another dtype."""
    return jnp.asarray(x).astype("bool" if dtype == "bool" else dtype)


# --- reductions ----------------------------------------------------------------------------------------


@op
def sum(x, axis=None, keepdims=False):
    """Sum over axes."""
    return jnp.sum(jnp.asarray(x), _axes(axis), keepdims=keepdims)


@op
def prod(x, axis=None, keepdims=False):
    """Product over axes."""
    return jnp.prod(jnp.asarray(x), _axes(axis), keepdims=keepdims)


@op
def mean(x, axis=None, keepdims=False):
    """Mean over axes; booleans count as 0 and 1."""
    return jnp.mean(_floating(x), _axes(axis), keepdims=keepdims)


@op
def var(x, axis=None, keepdims=False):
    """Variance over axes."""
    return jnp.var(_floating(x), _axes(axis), keepdims=keepdims)


@op
def std(x, axis=None, keepdims=False):
    """Standard deviation over axes."""
    return jnp.std(_floating(x), _axes(axis), keepdims=keepdims)


@op
def max(x, axis=None, keepdims=False):
    """Maximum over axes."""
    return jnp.max(jnp.asarray(x), _axes(axis), keepdims=keepdims)


@op
def min(x, axis=None, keepdims=False):
    """Minimum over axes."""
    return jnp.min(jnp.asarray(x), _axes(axis), keepdims=keepdims)


@op
def any(x, axis=None, keepdims=False):
    """Logical or over axes."""
    return jnp.any(jnp.asarray(x, bool), _axes(axis), keepdims=keepdims)


@op
def all(x, axis=None, keepdims=False):
    """Logical and over axes."""
    return jnp.all(jnp.asarray(x, bool), _axes(axis), keepdims=keepdims)


@op
def logsumexp(x, axis=None, keepdims=False):
    """`log(sum(exp(x)))` without overflow."""
    return jax.scipy.special.logsumexp(jnp.asarray(x), axis=_axes(axis), keepdims=keepdims)


@op
def argmax(x, axis=-1):
    """Index of the maximum along an axis; None is the first."""
    return jnp.argmax(jnp.asarray(x), 0 if axis is None else axis)


@op
def argmin(x, axis=-1):
    """Index of the minimum along an axis; None is the first."""
    return jnp.argmin(jnp.asarray(x), 0 if axis is None else axis)


@op
def cumsum(x, axis=0):
    """Cumulative sum along an axis."""
    return jnp.cumsum(jnp.asarray(x), axis)


@op
def cumprod(x, axis=0):
    """Cumulative product along an axis."""
    return jnp.cumprod(jnp.asarray(x), axis)


l2_normalize = _of_array(numeric.l2_normalize)


# --- products ------------------------------------------------------------------------------------------


@_of_arrays_2
def dot(x, y):
    """Matrix product; for more axes, over the last axis of `x` and the second-to-last of `y`.

    Keras 2.2.4: keras/backend/tensorflow_backend.py dot

    Example:
        >>> dot(jnp.ones((2, 3)), jnp.ones((5, 3, 4))).shape
        (2, 5, 4)
    """
    if jnp.ndim(y) == 1:
        return jnp.tensordot(x, y, 1)
    return jnp.tensordot(x, y, ((jnp.ndim(x) - 1,), (jnp.ndim(y) - 2,)))


@_of_arrays_2
def batch_dot(x, y, axes=None):
    """Product of each sample of `x` with that sample of `y` along the given axes.

    Args:
        x, y: tensors whose first axis is the batch.
        axes: an axis for both, a pair of axes, or None for (last of `x`, last but one of `y`). As in Keras
            2.2.4, only numbers from 0 on count: -1 is not the last axis of tensors with 3 or more.

    Returns:
        The products; `(batch, 1)` where no other axis is left.

    Keras 2.2.4: keras/backend/tensorflow_backend.py batch_dot

    Example:
        >>> batch_dot(jnp.ones((2, 3, 4)), jnp.ones((2, 5, 4)), axes=2).shape
        (2, 3, 5)
    """
    return products.batch_dot(x, y, axes)


# --- losses of the backend -----------------------------------------------------------------------------


categorical_crossentropy = _of_arrays_2(numeric.categorical_crossentropy)
sparse_categorical_crossentropy = _of_arrays_2(numeric.sparse_categorical_crossentropy)


@_of_arrays_2
def binary_crossentropy(target, output, from_logits=False):
    """-target * log(output) - (1 - target) * log(1 - output), of probabilities or of logits.

    Raises:
        ValueError: target and output of different shapes.
    """
    known = zip(target.shape, output.shape, strict=False)
    if target.ndim != output.ndim or builtins.any(_differ(a, b) for a, b in known):
        raise ValueError(
            f"K.binary_crossentropy: target of shape {target.shape} and output of shape {output.shape} must "
            "have the same shape."
        )
    return numeric.binary_crossentropy(target, output, from_logits)


def _differ(a, b) -> bool:
    return isinstance(a, int) and isinstance(b, int) and a != b


in_top_k = _of_arrays_2(numeric.in_top_k)
