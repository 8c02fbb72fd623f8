"""Activations: elementwise functions (and softmax) of arrays or symbolic tensors."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jkeras.core.dispatch import op
from jkeras.core.registry import deserialize_keras_object as deserialize_keras_object
from jkeras.core.snapshot import settled
from jkeras.primitives.numeric import absolute, clip

_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946


@op
def softmax(x, axis=-1):
    """exp(x) / sum(exp(x)) along `axis`; for rank 2 always along the last one, as in Keras.

    Args:
        x: an array of rank 2 or more.
        axis: the axis to normalize.

    Returns:
        The array.

    Raises:
        ValueError: if `x` has rank 0 or 1.

    Example:
        >>> print(softmax(jnp.zeros((1, 4))))
        [[0.25 0.25 0.25 0.25]]

    Keras 2.2.4: keras/activations.py softmax
    """
    if x.ndim < 2:
        raise ValueError(f"Cannot apply softmax to a tensor that is {x.ndim}D. Expected rank 2 or more.")
    return jax.nn.softmax(x, -1 if x.ndim == 2 else axis)


@op
def elu(x, alpha=1.0):
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
def selu(x):
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
def softplus(x):
    """log(1 + exp(x)).

    Args:
        x: an array.

    Returns:
        The array.

    Example:
        >>> print(softplus(jnp.asarray([0.0])).round(4))
        [0.6931]

    Keras 2.2.4: keras/activations.py softplus
    """
    return jax.nn.softplus(x)


@op
def softsign(x):
    """x / (1 + |x|).

    Args:
        x: an array.

    Returns:
        The array.

    Example:
        >>> print(softsign(jnp.asarray([-1.0, 3.0])))
        [-0.5   0.75]

    Keras 2.2.4: keras/activations.py softsign
    """
    return x / (1 + absolute(x))


@op
def relu(x, alpha=0.0, max_value=None, threshold=0.0):
    """max_value if x >= max_value, x if threshold < x < max_value, else alpha * (x - threshold).

    Args:
        x: an array.
        alpha: slope below the threshold; a number or an array that broadcasts against `x`.
        max_value: upper bound, likewise, or None.
        threshold: where the function starts to rise, likewise.

    Returns:
        The array.

    Example:
        >>> print(relu(jnp.asarray([-1.0, 3.0, 9.0]), alpha=0.5, max_value=6.0))
        [-0.5  3.   6. ]

    Keras 2.2.4: keras/activations.py relu, keras/backend/tensorflow_backend.py relu
    """
    flat, from_zero = _is_number(alpha, 0), _is_number(threshold, 0)
    if max_value is None and from_zero:
        return jax.nn.relu(x) if flat else jnp.where(x > 0, x, alpha * x)
    y = jax.nn.relu(x) if from_zero else x * (x > threshold).astype(x.dtype)
    if _is_number(max_value, 6) and from_zero:
        y = jnp.where(y < 6, y, jnp.asarray(6, y.dtype))  # TensorFlow's relu6: no gradient at the bound
    elif max_value is not None:
        y = clip(y, 0.0, max_value)
    return y if flat else y - alpha * jax.nn.relu(threshold - x)


def _is_number(value, number: float) -> bool:
    """Whether a parameter is known to be this number; one that is computed never is."""
    return isinstance(value, (int, float, np.number)) and bool(value == number)


@op
def tanh(x):
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
def sigmoid(x):
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
def hard_sigmoid(x):
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
def exponential(x):
    """exp(x).

    Args:
        x: an array.

    Returns:
        The array.

    Example:
        >>> print(exponential(jnp.asarray([0.0])))
        [1.]

    Keras 2.2.4: keras/activations.py exponential
    """
    return jnp.exp(x)


def linear(x):
    """x itself.

    Args:
        x: anything.

    Returns:
        The same object.

    Example:
        >>> linear(3)
        3

    Keras 2.2.4: keras/activations.py linear
    """
    return x


_BUILT_IN = {
    function.__name__: function
    for function in (
        elu,
        exponential,
        hard_sigmoid,
        linear,
        relu,
        selu,
        sigmoid,
        softmax,
        softplus,
        softsign,
        tanh,
    )
}


def serialize(activation) -> str:
    """The name of an activation.

    Args:
        activation: a named function.

    Returns:
        Its name.

    Raises:
        ValueError: if it has none, like a layer.

    Example:
        >>> serialize(relu)
        'relu'

    Keras 2.2.4: keras/activations.py serialize
    """
    if not hasattr(activation, "__name__"):
        raise ValueError(
            f"The activation {activation!r} has no name to be saved by. Use a named function, or add an "
            "activation layer (such as LeakyReLU) to the model as a layer of its own."
        )
    return activation.__name__


def deserialize(name, custom_objects=None) -> Callable:
    """The activation called `name`.

    Args:
        name: the name.
        custom_objects: names of your own.

    Returns:
        The function.

    Raises:
        ValueError: if the name is unknown.

    Example:
        >>> deserialize("swash", {"swash": abs})(-1)
        1

    Keras 2.2.4: keras/activations.py deserialize
    """
    return deserialize_keras_object(name, _BUILT_IN, custom_objects, "activation function")


def get(identifier) -> Any:
    """The activation that an argument `activation=...` means.

    Args:
        identifier: None (linear), a name, or a function. A layer works too, with a warning.

    Returns:
        The function.

    Raises:
        ValueError: if the name is unknown or `identifier` is something else.

    Example:
        >>> get(None) is linear, get("relu") is relu
        (True, True)

    Keras 2.2.4: keras/activations.py get
    """
    if identifier is None:
        return linear
    if isinstance(identifier, str):
        return deserialize(identifier)
    if not callable(identifier):
        raise ValueError(f"Could not interpret activation function identifier: {identifier!r}")
    if hasattr(identifier, "pure"):  # a layer; its class lives on a higher floor
        warnings.warn(
            f"Do not pass a layer instance (such as {type(identifier).__name__}) as the activation argument "
            "of another layer. Instead, advanced activation layers should be used just like any other layer "
            "in a model.",
            stacklevel=2,
        )
    return settled(identifier)
