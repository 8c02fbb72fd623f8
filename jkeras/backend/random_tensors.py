"""Random numbers: inside a layer from the step's key, else from a seed or numpy's global generator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from jkeras.backend.creation import made, sized
from jkeras.core import bits, settings
from jkeras.core import random as seeds
from jkeras.core.dispatch import is_symbolic, op, recorded
from jkeras.core.types import Array, Key, Operand
from jkeras.engine.tensors.variable import current_frame


def _key(seed: int | None):
    frame = current_frame()
    if frame is not None and frame.ctx.rng is not None:
        key = frame.key()
        return key if seed is None else jax.random.fold_in(key, seed)
    return seeds.next_key() if seed is None else jax.random.key(seed)


def _draw(sample: Callable[..., Any], shape: Sequence[Any], dtype: DTypeLike | None, seed: int | None):
    """`sample(key, shape, dtype)`, of dtype `floatx()` where none is given; outside of frames a tensor."""
    dtype = bits.supported(dtype or settings.floatx(), "A random tensor")
    if current_frame() is not None:
        return sample(_key(seed), sized(shape), dtype)
    seed = seeds.next_seed() if seed is None else seed
    if not is_symbolic(shape):
        shape = sized(shape)

    def draw(shape: Sequence[Any]):
        return sample(_key(seed), sized(shape), dtype)

    return recorded(_seeded(draw, sample.__name__, seed), shape)


def _seeded(draw: Any, name: str, seed: int) -> Callable[..., Any]:
    """A function of a node that draws from a seed of its own, anew each time that the node is computed."""
    draw.__name__, draw.seed = name, seed
    return draw


def random_normal(
    shape: Sequence[Any],
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: DTypeLike | None = None,
    seed: int | None = None,
):
    """Numbers from the normal distribution.

    Args:
        shape: a tuple without unknown dimensions; sizes of `K.shape` are known when the graph runs.
        mean: their mean.
        stddev: their standard deviation.
        dtype: default: `floatx()`.
        seed: a whole number, for the same sequence of numbers in the next run of the script; None: numpy's
            global generator gives one. Every evaluation and every step draws anew, also with a seed.

    Returns:
        A tensor of that shape, or inside a layer's call an array.

    Raises:
        ValueError: an unknown dimension.

    Example:
        >>> random_normal((2, 3), seed=1).eval().shape
        (2, 3)

    Keras 2.2.4: keras/backend/tensorflow_backend.py random_normal
    """

    def normal(*of: Any):
        return mean + stddev * jax.random.normal(*of)

    return _draw(normal, shape, dtype, seed)


def random_uniform(
    shape: Sequence[Any],
    minval: float = 0.0,
    maxval: float = 1.0,
    dtype: DTypeLike | None = None,
    seed: int | None = None,
):
    """Numbers spread evenly over [minval, maxval), whole ones for an integer dtype.

    Args:
        shape: a tuple without unknown dimensions.
        minval: the least number.
        maxval: where they end; it is not among them.
        dtype: default: `floatx()`.
        seed: a whole number, for the same sequence of numbers in the next run of the script; None: numpy's
            global generator gives one. Every evaluation and every step draws anew, also with a seed.

    Returns:
        A tensor of that shape, or inside a layer's call an array.

    Raises:
        ValueError: an unknown dimension.

    Example:
        >>> random_uniform((2, 3), seed=1).eval().shape
        (2, 3)

    Keras 2.2.4: keras/backend/tensorflow_backend.py random_uniform
    """

    def uniform(key: Key, shape: Sequence[Any], dtype: np.dtype[Any]) -> Array:
        if dtype.kind in "iu":
            return jax.random.randint(key, shape, minval, maxval, dtype)
        return jax.random.uniform(key, shape, dtype, minval, maxval)

    return _draw(uniform, shape, dtype, seed)


def random_binomial(
    shape: Sequence[Any], p: float = 0.0, dtype: DTypeLike | None = None, seed: int | None = None
):
    """1 with probability `p`, else 0.

    Args:
        shape: a tuple without unknown dimensions.
        p: the probability.
        dtype: default: `floatx()`.
        seed: a whole number, for the same sequence of numbers in the next run of the script; None: numpy's
            global generator gives one. Every evaluation and every step draws anew, also with a seed.

    Returns:
        A tensor of that shape, or inside a layer's call an array.

    Raises:
        ValueError: an unknown dimension.

    Example:
        >>> random_binomial((3,), p=1.0, seed=1).eval().tolist()
        [1.0, 1.0, 1.0]

    Keras 2.2.4: keras/backend/tensorflow_backend.py random_binomial
    """

    def binomial(key: Key, shape: Sequence[Any], dtype: DTypeLike | None):
        return jax.random.bernoulli(key, p, shape).astype(dtype)

    return _draw(binomial, shape, dtype, seed)


def truncated_normal(
    shape: Sequence[Any],
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: DTypeLike | None = None,
    seed: int | None = None,
):
    """Normal numbers of which none is further than two `stddev` from `mean`.

    Args:
        shape: a tuple without unknown dimensions.
        mean: their mean.
        stddev: the standard deviation before the truncation.
        dtype: default: `floatx()`.
        seed: a whole number, for the same sequence of numbers in the next run of the script; None: numpy's
            global generator gives one. Every evaluation and every step draws anew, also with a seed.

    Returns:
        A tensor of that shape, or inside a layer's call an array.

    Raises:
        ValueError: an unknown dimension.

    Example:
        >>> bool(abs(truncated_normal((3,), seed=1).eval()).max() <= 2)
        True

    Keras 2.2.4: keras/backend/tensorflow_backend.py truncated_normal
    """

    def truncated_normal(key: Key, shape: Sequence[Any], dtype: DTypeLike | None):
        return mean + stddev * jax.random.truncated_normal(key, -2, 2, shape, dtype)

    return _draw(truncated_normal, shape, dtype, seed)


def random_normal_variable(
    shape: Sequence[Any],
    mean: float,
    scale: float,
    dtype: DTypeLike | None = None,
    name: str | None = None,
    seed: int | None = None,
):
    """A variable that starts with normal numbers.

    Args:
        shape: a tuple without unknown dimensions.
        mean: their mean.
        scale: their standard deviation.
        dtype: default: `floatx()`.
        name: of the variable.
        seed: a whole number, for the same numbers again.

    Returns:
        A `Variable`, or inside a layer's call an array.

    Raises:
        ValueError: an unknown dimension.

    Example:
        >>> random_normal_variable((2, 3), 0.0, 1.0, seed=1).shape
        (2, 3)

    Keras 2.2.4: keras/backend/tensorflow_backend.py random_normal_variable
    """
    return made(_value(random_normal(shape, mean, scale, dtype, seed)), dtype, name)


def random_uniform_variable(
    shape: Sequence[Any],
    low: float,
    high: float,
    dtype: DTypeLike | None = None,
    name: str | None = None,
    seed: int | None = None,
):
    """A variable that starts with numbers spread evenly over [low, high).

    Args:
        shape: a tuple without unknown dimensions.
        low: the least number.
        high: where they end.
        dtype: default: `floatx()`.
        name: of the variable.
        seed: a whole number, for the same numbers again.

    Returns:
        A `Variable`, or inside a layer's call an array.

    Raises:
        ValueError: an unknown dimension.

    Example:
        >>> random_uniform_variable((2, 3), 0.0, 1.0, seed=1).shape
        (2, 3)

    Keras 2.2.4: keras/backend/tensorflow_backend.py random_uniform_variable
    """
    return made(_value(random_uniform(shape, low, high, dtype, seed)), dtype, name)


def _value(x: Operand):
    return x.eval() if is_symbolic(x) else x


def dropout(x: Operand, level: Operand, noise_shape: Sequence[Any] | None = None, seed: int | None = None):
    """Zeros at random with probability `level`, the rest scaled by 1 / (1 - level).

    Args:
        x: an array of any shape.
        level: the probability, in [0, 1).
        noise_shape: shape of the choices, which broadcast against `x`: 1 for an axis along which all are
            dropped or none; None in a place is the size of `x`. Default: the shape of `x`.
        seed: as of `random_uniform`.

    Returns:
        An array of the same shape and dtype, in training and in inference alike: `in_train_phase` chooses.

    Raises:
        ValueError: a level that is not in [0, 1).

    Example:
        >>> dropout(jnp.asarray([1.0, 2.0]), 0.0).tolist()
        [1.0, 2.0]

    Keras 2.2.4: keras/backend/tensorflow_backend.py dropout
    """
    if isinstance(level, (int, float)) and not 0 <= level < 1:
        raise ValueError(f"K.dropout: level must lie in [0, 1); got {level}.")
    if current_frame() is not None or not is_symbolic(x):
        return op(_dropout)(x, level, noise_shape, seed)
    seed = seeds.next_seed() if seed is None else seed

    def dropped(x: Operand, level: Operand, noise_shape: Sequence[Any] | None) -> Array:
        return _dropout(x, level, noise_shape, seed)

    return op(_seeded(dropped, "dropout", seed))(x, level, noise_shape)


def _dropout(x: Operand, level: Operand, noise_shape: Sequence[Any] | None, seed: int | None) -> Array:
    shape = tuple(d if n is None else n for n, d in zip(noise_shape or x.shape, x.shape, strict=True))
    keep = jax.random.bernoulli(_key(seed), 1 - level, shape)
    return jnp.where(keep, x / (1 - level), 0).astype(x.dtype)
