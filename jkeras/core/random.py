"""Where random numbers start: seeds from numpy's global generator, so `np.random.seed` rules a script."""

from __future__ import annotations

import functools
import math
import random
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from jkeras.core import bits


def next_seed() -> int:
    """A fresh seed from numpy's global generator (one draw, as every unseeded random op of Keras takes one).

    Returns:
        An int in [0, 10 million).

    Example:
        >>> np.random.seed(1)
        >>> first = next_seed()
        >>> np.random.seed(1)
        >>> next_seed() == first
        True

    Keras 2.2.4: keras/backend/tensorflow_backend.py random_uniform (its seed)
    """
    return int(np.random.randint(10_000_000))


def next_key() -> jax.Array:
    """A fresh `jax.random` key from numpy's global generator.

    Returns:
        A typed key.

    Example:
        >>> np.random.seed(1)
        >>> next_key().shape
        ()
    """
    return jax.random.key(next_seed())


def set_random_seed(seed: int) -> None:
    """Make a script reproducible: seed Python's and numpy's global generators, from which all seeds come.

    Args:
        seed: an int in [0, 2**32).

    Raises:
        ValueError: if it is out of range (from numpy).

    Example:
        >>> set_random_seed(7)
        >>> a = next_seed()
        >>> set_random_seed(7)
        >>> a == next_seed()
        True
    """
    np.random.seed(seed)
    random.seed(seed)


def uniform(key, shape, minval=0.0, maxval=1.0, dtype="float32") -> jax.Array:
    """Numbers uniform in [minval, maxval): the same ones eagerly, under `jit` and under `vmap`.

    Numbers come in blocks of 1024 from `fold_in(key, block)`, cut to size. Eagerly the blocks are computed by
    two compiled programs that serve every shape, so that no shape costs a compilation.

    Args:
        key: a `jax.random` key.
        shape: tuple of ints.
        minval: lower bound.
        maxval: upper bound.
        dtype: type of the result; the numbers are drawn in float32.

    Returns:
        The array.

    Example:
        >>> x = uniform(jax.random.key(0), (3, 2), -1.0, 1.0)
        >>> x.shape, bool(abs(x).max() <= 1)
        ((3, 2), True)
    """
    return _draw(_uniform, key, shape, minval, np.subtract(maxval, minval), dtype)


def normal(key, shape, mean=0.0, stddev=1.0, dtype="float32") -> jax.Array:
    """Normal numbers, drawn like `uniform`.

    Args:
        key: a `jax.random` key.
        shape: tuple of ints.
        mean: mean of the numbers.
        stddev: their standard deviation.
        dtype: type of the result.

    Returns:
        The array.

    Example:
        >>> normal(jax.random.key(0), (2,)).shape
        (2,)
    """
    return _draw(_normal, key, shape, mean, stddev, dtype)


def truncated_normal(key, shape, mean=0.0, stddev=1.0, dtype="float32") -> jax.Array:
    """Normal numbers of which none is further than two `stddev` from `mean`, drawn like `uniform`.

    Args:
        key: a `jax.random` key.
        shape: tuple of ints.
        mean: mean of the numbers.
        stddev: standard deviation before the truncation.
        dtype: type of the result.

    Returns:
        The array.

    Example:
        >>> bool(abs(truncated_normal(jax.random.key(0), (99,))).max() <= 2)
        True
    """
    return _draw(_truncated, key, shape, mean, stddev, dtype)


_BLOCK = 1024
_TILES = (256, 8)  # blocks per dispatch: of long arrays and of short ones or remainders


def _uniform(key):
    return jax.random.uniform(key, (_BLOCK,), "float32")


def _normal(key):
    return jax.random.normal(key, (_BLOCK,), "float32")


def _truncated(key):
    return jax.random.truncated_normal(key, -2.0, 2.0, (_BLOCK,), "float32")


@functools.partial(jax.jit, static_argnames=("sample", "count"))
def _blocks(sample: Callable, count: int, key, first, shift, scale):
    """`count` blocks of `shift + scale * sample(...)` from block `first` on, in one vector."""
    if jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
        key = jax.random.key_data(key)
    key = jax.random.wrap_key_data(key.reshape(-1)[:2], impl="threefry2x32")  # rbg keys differ under vmap
    numbers = first + jnp.arange(count, dtype=jnp.uint32)
    blocks = jax.vmap(lambda number: sample(jax.random.fold_in(key, number)))(numbers)
    return shift + scale * blocks.reshape(-1)


def _draw(sample: Callable, key, shape, shift, scale, dtype) -> jax.Array:
    shape = tuple(int(n) for n in shape)
    size = math.prod(shape)
    affine = np.float32(shift), np.float32(scale)
    dtype = bits.supported(dtype, "A weight")
    parts, done, left = [], 0, -(-size // _BLOCK)
    if any(isinstance(x, Tracer) for x in (key, jax.device_put(affine[0]))):  # inside a transformation
        return _blocks(sample, left, key, np.uint32(0), *affine)[:size].reshape(shape).astype(dtype)
    while done < left:
        count = _TILES[0] if left - done > 4 * _TILES[1] else _TILES[1]
        parts.append(_blocks(sample, count, key, np.uint32(done), *affine))
        done += count
    flat = np.concatenate([np.asarray(part) for part in parts]) if parts else np.zeros(0, np.float32)
    return jax.device_put(flat[:size].reshape(shape).astype(dtype))  # jnp.asarray compiles once per shape
