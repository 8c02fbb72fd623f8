"""The start of random numbers: seeds from numpy's global generator, so `np.random.seed` rules a script."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import functools
import math
import random
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from jkeras.core import bits
from jkeras.core.types import Array, Key, is_traced

_config: Any = jax.config  # has no types

Number: TypeAlias = float | np.number | Array  # also one that is traced


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


def next_key() -> Key:
    """A fresh `jax.random` key from numpy's global generator.

    Returns:
        A typed key.

    Example:
        >>> np.random.seed(1)
        >>> next_key().shape
        ()
    """
    return key_of(next_seed())


def key_of(seed: int) -> Key:
    """`jax.random.key`, whose words are found here: jax would compile programs for it.

    Args:
        seed: a whole number.

    Returns:
        A typed key.

    Example:
        >>> key_of(3) == jax.random.key(3)
        Array(True, dtype=bool)
    """
    if _config.jax_default_prng_impl != "threefry2x32":
        return jax.random.key(seed)
    high = seed >> 32 if bits.has_wide() else 0
    return _typed(jax.device_put(np.array([high & 0xFFFFFFFF, seed & 0xFFFFFFFF], np.uint32)))


def fold_in(key: Key, number: int) -> Key:
    """`jax.random.fold_in`, computed here where that can be: jax takes a hundred times as long eagerly.

    Args:
        key: a `jax.random` key.
        number: what to fold in, a whole number below 2**32.

    Returns:
        A typed key.

    Example:
        >>> fold_in(jax.random.key(3), 1) == jax.random.fold_in(jax.random.key(3), 1)
        Array(True, dtype=bool)
    """
    if not is_traced(key) and jax.random.key_impl(key) == "threefry2x32":
        first, second = np.asarray(jax.random.key_data(key)).tolist()
        return _typed(jax.device_put(np.array(_threefry(first, second, 0, number), np.uint32)))
    return jax.random.fold_in(key, number)


def _typed(words: Array) -> Key:
    return cast("Key", jax.random.wrap_key_data(words, impl="threefry2x32"))


_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))


def _threefry(key0: Any, key1: Any, x0: Any, x1: Any) -> tuple[Any, Any]:
    """Threefry-2x32 with 20 rounds (Salmon et al. 2011) of pairs of whole numbers, or of arrays of uint32."""
    ones = 0xFFFFFFFF
    keys = key0, key1, key0 ^ key1 ^ 0x1BD11BDA
    x0, x1 = (x0 + key0) & ones, (x1 + key1) & ones
    for turn in range(5):
        for places in _ROTATIONS[turn % 2]:
            x0 = (x0 + x1) & ones
            x1 = (x1 << places | x1 >> 32 - places) & ones ^ x0
        x0 = (x0 + keys[(turn + 1) % 3]) & ones
        x1 = (x1 + keys[(turn + 2) % 3] + turn + 1) & ones
    return x0, x1


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


def uniform(
    key: Key,
    shape: Sequence[int],
    minval: Number = 0.0,
    maxval: Number = 1.0,
    dtype: DTypeLike = "float32",
) -> Array:
    """Numbers uniform in [minval, maxval): the same ones eagerly, under `jit` and under `vmap`.

    Numbers come in blocks of 1024 from `fold_in(key, block)`, cut to size. Eagerly the blocks are computed by
    one compiled program that serves every shape, so that no shape costs a compilation.

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


def normal(
    key: Key, shape: Sequence[int], mean: Number = 0.0, stddev: Number = 1.0, dtype: DTypeLike = "float32"
) -> Array:
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


def truncated_normal(
    key: Key, shape: Sequence[int], mean: Number = 0.0, stddev: Number = 1.0, dtype: DTypeLike = "float32"
) -> Array:
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


Sample: TypeAlias = Callable[[Key], Array]

_BLOCK = 1024
_TILE, _TURNS = 8, 32  # blocks that are drawn at once, and how often at most in one dispatch


def _uniform(key: Key) -> Array:
    return jax.random.uniform(key, (_BLOCK,), "float32")


def _normal(key: Key) -> Array:
    return jax.random.normal(key, (_BLOCK,), "float32")


def _truncated(key: Key) -> Array:
    return jax.random.truncated_normal(key, -2.0, 2.0, (_BLOCK,), "float32")


_PROGRAMS: tuple[tuple[Sample, ...], ...] = (_uniform,), (_normal, _truncated)  # what one program can draw


def _blocks(sample: Sample, key: Key, first: Number, count: int, shift: Number, scale: Number) -> Array:
    """`count` blocks of `shift + scale * sample(...)` from block `first` on, in one vector."""
    if jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
        key = jax.random.key_data(key)
    key = _typed(key.reshape(-1)[:2])  # rbg keys differ under vmap
    numbers = first + jnp.arange(count, dtype=jnp.uint32)

    def block(number: Array) -> Array:
        return sample(jax.random.fold_in(key, number))

    blocks = jax.vmap(block)(numbers)
    return shift + scale * blocks.reshape(-1)


class _Tiles:
    """The same from block `first` on, `turns` tiles of them at the beginning of a vector of fixed length.

    Args:
        samples: what it can draw; a call names one of them by its number.
    """

    def __init__(self, samples: tuple[Sample, ...]):
        self.samples = samples
        self._program: Any = None  # by the thread
        apart = threading.Thread(target=self._compile)  # from the traces and contexts of this thread
        apart.start()
        apart.join()

    def _compile(self) -> None:
        kinds: list[tuple[tuple[int, ...], Any]] = [((2,), np.uint32), ((), np.uint32)]
        kinds += [((), np.int32)] * 2 + [((), np.float32)] * 2
        specs = [jax.ShapeDtypeStruct(shape, dtype) for shape, dtype in kinds]
        self._program = jax.jit(self._run).lower(*specs).compile()

    def _run(self, key: Key, first: Array, turns: Array, chosen: Array, shift: Array, scale: Array) -> Array:
        def tile(sample: Sample, at: Array) -> Array:
            return _blocks(sample, key, at, _TILE, shift, scale)

        choices = [functools.partial(tile, sample) for sample in self.samples]

        def turn(i: Array, filled: Array) -> Array:
            drawn = cast("Array", jax.lax.switch(chosen, choices, first + _TILE * i.astype(jnp.uint32)))
            return jax.lax.dynamic_update_slice(filled, drawn, (i * drawn.size,))

        empty = jnp.zeros(_TURNS * _TILE * _BLOCK, jnp.float32)
        return cast("Array", jax.lax.fori_loop(0, turns, turn, empty))

    def __call__(self, *args: Any) -> np.ndarray[Any, Any]:
        if self._program is None:  # the thread has failed: here the caller hears of it
            self._compile()
        return np.asarray(cast("Any", self._program)(*args))


_tiles = functools.cache(_Tiles)

_SMALL = 1 << 20  # so many numbers are found here before a program for them would have been compiled


def _plain_uniform(words: np.ndarray[Any, Any], size: int, shift: np.float32, scale: np.float32) -> Any:
    """The numbers of `_blocks(_uniform, ...)`, to the bit, without a program."""
    blocks = -(-size // _BLOCK)
    first, second = (int(word) for word in words)
    keys = _threefry(first, second, np.zeros(blocks, np.uint32), np.arange(blocks, dtype=np.uint32))
    high, low = _threefry(
        keys[0][:, None], keys[1][:, None], np.uint32(0), np.arange(_BLOCK, dtype=np.uint32)
    )
    mantissa = (high ^ low) >> np.uint32(9) | np.uint32(0x3F800000)
    numbers = mantissa.reshape(-1)[:size].view(np.float32) - np.float32(1)
    return (np.float64(shift) + np.float64(scale) * numbers.astype(np.float64)).astype(np.float32)


def _aligned(size: int, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """A vector whose memory jax takes over as it is, where it would copy another one."""
    spare = 64 // dtype.itemsize
    memory = np.empty(size + spare, dtype)
    start = -memory.ctypes.data % 64 // dtype.itemsize
    return memory[start : start + size]


def _draw(sample: Sample, key: Key, shape: Sequence[int], shift: Any, scale: Any, dtype: DTypeLike) -> Array:
    shape = tuple(int(n) for n in shape)
    size = math.prod(shape)
    affine = np.float32(shift), np.float32(scale)
    dtype = bits.supported(dtype, "A weight")
    if is_traced(key) or is_traced(jax.device_put(affine[0])):  # inside a transformation
        blocks = _blocks(sample, key, np.uint32(0), -(-size // _BLOCK), *affine)
        return blocks[:size].reshape(shape).astype(dtype)
    if jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
        key = jax.random.key_data(key)
    words = np.asarray(key).reshape(-1)[:2]
    if sample is _uniform and size <= _SMALL and _config.jax_threefry_partitionable:
        numbers = _plain_uniform(words, size, *affine)
        return jax.device_put(numbers.astype(dtype).reshape(shape))
    samples = next(samples for samples in _PROGRAMS if sample in samples)
    chosen, tiles = np.int32(samples.index(sample)), _tiles(samples)
    flat, done = _aligned(size, dtype), 0
    while done < size:
        turns = min(-(-(size - done) // (_TILE * _BLOCK)), _TURNS)
        part = tiles(words, np.uint32(done // _BLOCK), np.int32(turns), chosen, *affine)
        flat[done : done + part.size] = part[: size - done]
        done += part.size
    return jax.device_put(flat.reshape(shape))  # jnp.asarray compiles once per shape
