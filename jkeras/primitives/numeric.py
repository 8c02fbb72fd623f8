"""Formulas whose numerics or gradients in Keras differ from what `jax.numpy` would give."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import PartitionSpec

from jkeras.core.settings import epsilon
from jkeras.core.types import Array, Operand
from jkeras.primitives.lookup import as_index


def widened(a: Array, like: Array) -> Array:
    """An array with axes of size 1 in front, as many as `like` has more: broadcasting that is said.

    Example:
        >>> widened(jnp.ones(3), jnp.ones((4, 5, 3))).shape
        (1, 1, 3)
    """
    return a.reshape((1,) * (like.ndim - a.ndim) + a.shape)


def clip(x: Operand, low: Operand = None, high: Operand = None) -> Array:
    """Clip `x` to [low, high]; the gradient is 1 inside and on the bounds (jax halves or drops it there).

    Args:
        x: an array.
        low: lower bound, or None.
        high: upper bound, or None.

    Returns:
        The array; NaN stays NaN.

    Example:
        >>> float(jax.grad(lambda x: clip(x, 0.0, 1.0))(1.0))
        1.0

    Keras 2.2.4: keras/backend/tensorflow_backend.py clip
    """
    x = y = jnp.asarray(x)
    if high is not None:
        y = jnp.where(y > high, jnp.asarray(high, x.dtype), y)
    return y if low is None else jnp.where(y < low, jnp.asarray(low, x.dtype), y)


def power(x: Operand, a: Operand) -> Array:
    """x^a. The gradient of x^0 is 0, as in TensorFlow; jax sees none (for the exponent 0.0, NaN at 0).

    Args:
        x: an array.
        a: the exponent, a number or an array.

    Returns:
        The array.

    Example:
        >>> float(power(0.0, 0)), float(jax.grad(power)(0.0, 0.0))
        (1.0, 0.0)

    Keras 2.2.4: keras/backend/tensorflow_backend.py pow
    """
    if not _is_zero(a) or not jnp.issubdtype(jnp.result_type(x), jnp.inexact):
        return jnp.power(x, a)
    x = jnp.asarray(x)
    return jnp.power(jnp.where(x == 0, 1, x), jnp.zeros((), x.dtype))


def _is_zero(number: Any) -> bool:
    known = isinstance(number, (int, float, np.number, np.ndarray)) and np.shape(cast(Any, number)) == ()
    return known and float(cast(Any, number)) == 0


def absolute(x: Operand) -> Array:
    """|x|, whose gradient at 0 is 0 (jax's is 1 there, which moves weights that an L1 penalty holds at 0).

    Args:
        x: an array of real numbers.

    Returns:
        The array.

    Example:
        >>> float(jax.grad(absolute)(0.0)), float(absolute(-2.0))
        (0.0, 2.0)

    Keras 2.2.4: keras/backend/tensorflow_backend.py abs
    """
    return x * lax.stop_gradient(jnp.sign(x))


def l2_normalize(x: Operand, axis: int | Sequence[int] | None = None) -> Array:
    """x / ‖x‖, where the squared norm counts as at least 1e-12.

    Args:
        x: an array.
        axis: axis or axes to sum over.

    Returns:
        The array.

    Example:
        >>> print(l2_normalize(jnp.asarray([3.0, 4.0])))
        [0.6 0.8]

    Keras 2.2.4: keras/backend/tensorflow_backend.py l2_normalize
    """
    square = jnp.sum(jnp.square(x), axis=axis, keepdims=True) * 1.0
    return x * lax.rsqrt(clip(square, 1e-12))


def in_top_k(predictions: Array, targets: Array, k: int) -> Array:
    """Whether fewer than `k` classes have a higher prediction than the target.

    As in TensorFlow, ties count in favour, and a row with a target outside the classes, or with a prediction
    that is not finite, is False.

    Args:
        predictions: (batch, classes).
        targets: (batch,) class indices.
        k: how many classes may win.

    Returns:
        (batch,) bools.

    Raises:
        ValueError: if `predictions` is not of rank 2.

    Example:
        >>> in_top_k(jnp.asarray([[0.1, 0.7, 0.2]]), jnp.asarray([2]), 2).tolist()
        [True]

    Keras 2.2.4: keras/backend/tensorflow_backend.py in_top_k
    """
    if predictions.ndim != 2:
        raise ValueError(
            f"Top-k accuracy needs predictions of shape (batch, classes). Got shape {predictions.shape}: "
            "reshape, or use a rank-3 metric of your own."
        )
    chosen = _one_hot(targets, predictions)
    own = jnp.sum(jnp.where(chosen, predictions, 0), -1, keepdims=True)
    sayable = chosen.any(-1) & jnp.isfinite(predictions).all(-1)
    return sayable & (jnp.sum(predictions > own, -1) < k)


def categorical_crossentropy(
    target: Operand, output: Operand, from_logits: bool = False, axis: int = -1
) -> Array:
    """-sum(target * log(output)): probabilities are scaled to the sum 1 and clipped by `epsilon()` first.

    Args:
        target: probabilities, of the shape of `output`.
        output: probabilities, or logits.
        from_logits: whether `output` is logits.
        axis: the axis of the classes.

    Returns:
        The crossentropies, without that axis.

    Raises:
        ValueError: if `output` has no such axis.

    Example:
        >>> print(categorical_crossentropy(jnp.asarray([0.0, 1.0]), jnp.asarray([1.0, 1.0])).round(4))
        0.6931

    Keras 2.2.4: keras/backend/tensorflow_backend.py categorical_crossentropy
    """
    _check_axis(axis, output)
    if from_logits:  # as in Keras, logits are over the last axis whatever `axis` says
        return -jnp.sum(target * jax.nn.log_softmax(output), -1)
    output = output / jnp.sum(output, axis, keepdims=True)
    return -jnp.sum(target * jnp.log(_inside(output)), axis)


def softmax_crossentropy(target: Operand, logits: Operand) -> Array:
    """`categorical_crossentropy(target, softmax(logits))`, clipped like it, straight from the logits.

    Args:
        target: probabilities, of the shape of `logits`.
        logits: scores, the classes on the last axis.

    Returns:
        The crossentropies, without that axis.

    Example:
        >>> print(softmax_crossentropy(jnp.asarray([0.0, 1.0]), jnp.asarray([0.0, 0.0])).round(4))
        0.6931
        >>> print(softmax_crossentropy(jnp.asarray([0.0, 1.0]), jnp.asarray([99.0, 0.0])).round(4))
        16.1181
    """
    least, most = np.log(epsilon()), np.log1p(-epsilon())
    return -jnp.sum(target * clip(jax.nn.log_softmax(logits), least, most), -1)


def sparse_categorical_crossentropy(
    target: Operand, output: Operand, from_logits: bool = False, axis: int = -1
) -> Array:
    """The crossentropy of integer classes; the logarithms of clipped probabilities are normalized as logits.

    Args:
        target: class indices, with or without a last axis of size 1.
        output: probabilities, or logits.
        from_logits: whether `output` is logits.
        axis: the axis of the classes.

    Returns:
        The crossentropies, of the shape of `output` without that axis; NaN where there is no such class.

    Raises:
        ValueError: if `output` has no such axis, or `target` another size.

    Example:
        >>> print(sparse_categorical_crossentropy(jnp.asarray([1]), jnp.asarray([[0.5, 0.5]])).round(4))
        [0.6931]

    Keras 2.2.4: keras/backend/tensorflow_backend.py sparse_categorical_crossentropy
    """
    _check_axis(axis, output)
    output = jnp.moveaxis(output, axis, -1)
    target = as_classes(target, output)
    logits = output if from_logits else jnp.log(_inside(output))
    chosen = _one_hot(target, logits)
    # A sum over a comparison fuses with the softmax, forward and backward; a gather's gradient is a scatter.
    own = jnp.sum(jnp.where(chosen, logits, 0), -1)
    loss = jax.nn.logsumexp(logits, -1) - own
    return jnp.where(chosen.any(-1), loss, jnp.nan)


def binary_crossentropy(target: Operand, output: Operand, from_logits: bool = False) -> Array:
    """-target * log(output) - (1 - target) * log(1 - output), by way of the logits.

    Args:
        target: probabilities, of the shape of `output`.
        output: probabilities (clipped by `epsilon()`), or logits.
        from_logits: whether `output` is logits.

    Returns:
        The crossentropies, of the same shape.

    Example:
        >>> print(binary_crossentropy(jnp.asarray(1.0), jnp.asarray(0.5)).round(4))
        0.6931

    Keras 2.2.4: keras/backend/tensorflow_backend.py binary_crossentropy
    """
    z = output
    if not from_logits:
        p = _inside(output)
        z = jnp.log(p / (1 - p))
    positive = z >= 0
    return jnp.where(positive, z, 0) - z * target + jnp.log1p(jnp.exp(jnp.where(positive, -z, z)))


def as_classes(target: Operand, output: Operand) -> Array:
    """Class indices as int32 in the shape of `output` without its last axis.

    Args:
        target: class indices of any number type, with or without a last axis of size 1.
        output: what has the classes in its last axis.

    Returns:
        The indices; -1 for what is none (NaN).

    Raises:
        ValueError: if there are more or fewer of them.

    Example:
        >>> as_classes(jnp.asarray([[2.0], [0.0]]), jnp.zeros((2, 3))).tolist()
        [2, 0]
    """
    try:
        return as_index(jnp.reshape(target, output.shape[:-1]))
    except TypeError as error:
        raise ValueError(
            f"Sparse targets of shape {np.shape(target)} do not fit outputs of shape {output.shape}: "
            f"expected one class index for each of {output.shape[:-1]}. One-hot targets go with the losses "
            "and metrics without `sparse_`."
        ) from error


def _one_hot(classes: Array, like: Array) -> Array:
    wanted = classes[..., None]
    return wanted == widened(jnp.arange(like.shape[-1], dtype=classes.dtype), wanted)


def _inside(probabilities: Operand) -> Array:
    return clip(probabilities, epsilon(), 1 - epsilon())


def _check_axis(axis: int, output: Array) -> None:
    if axis != -1 and axis not in range(output.ndim):
        raise ValueError(
            f"Unexpected channels axis {axis}. Expected -1 or an axis of `output`, which has {output.ndim}."
        )


def is_placed(x: Array) -> bool:
    """Whether the sharding of an array is a part of its type (explicit axes of a mesh): axes that are spread
    are then not merged with others.

    Example:
        >>> is_placed(jnp.ones((2, 3)))
        False
    """
    return any(axis is not None for axis in jax.typeof(x).sharding.spec)


def rows_as(value: Array, x: Array) -> Array:
    """`value`, its rows on the devices that hold those of `x`, see `is_placed`.

    Example:
        >>> rows_as(jnp.zeros((2, 1)), jnp.ones((2, 3))).shape
        (2, 1)
    """
    if not is_placed(x):
        return value
    return jax.sharding.reshard(value, PartitionSpec(jax.typeof(x).sharding.spec[0]))
