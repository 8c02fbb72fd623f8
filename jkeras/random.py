"""Random arrays under Keras 3's names: inside a layer's call from the step's key, else from a seed.

Keras 3: keras/random
"""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from jkeras.core import settings
from jkeras.core.random import next_key, next_seed
from jkeras.core.types import Array, Key
from jkeras.engine.tensors.variable import current_frame


class SeedGenerator:
    """A sequence of keys that begins at a seed: each draw takes the next one.

    In the call of a layer the key of the training step takes its place, so that a layer is a pure function
    and a resumed run draws what it would have drawn.

    Args:
        seed: a whole number; None: numpy's global generator gives one.

    Keras 3: keras/random/seed_generator.py

    Example:
        >>> first, second = SeedGenerator(1), SeedGenerator(1)
        >>> bool((normal((2,), seed=first) == normal((2,), seed=second)).all())
        True
    """

    def __init__(self, seed: int | None = None, name: str | None = None):
        self.seed = next_seed() if seed is None else int(seed)
        self.name, self.drawn = name, 0

    def next(self) -> Key:
        """The next key."""
        self.drawn += 1
        return jax.random.fold_in(jax.random.key(self.seed), self.drawn)

    def get_config(self) -> dict[str, Any]:
        """The seed, as plain values."""
        return {"seed": self.seed}


Seed = int | SeedGenerator | None


def _key(seed: Seed) -> Key:
    frame = current_frame()
    if frame is not None and frame.ctx.rng is not None:
        own = seed.seed if isinstance(seed, SeedGenerator) else seed
        return frame.key() if own is None else jax.random.fold_in(frame.key(), own)
    if isinstance(seed, SeedGenerator):
        return seed.next()
    return next_key() if seed is None else jax.random.key(seed)


def normal(
    shape: Sequence[int],
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: DTypeLike | None = None,
    seed: Seed = None,
) -> Array:
    """Numbers from the normal distribution.

    Args:
        shape: of the array.
        mean, stddev: of the distribution.
        dtype: default: `floatx`.
        seed: a whole number (the same numbers each time), a `SeedGenerator`, or None for numpy's global
            generator.

    Example:
        >>> normal((2, 3), seed=1).shape
        (2, 3)
    """
    return mean + stddev * jax.random.normal(_key(seed), tuple(shape), dtype or settings.floatx())


def truncated_normal(
    shape: Sequence[int],
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: DTypeLike | None = None,
    seed: Seed = None,
) -> Array:
    """Numbers from the normal distribution, none further than two deviations from its mean; see `normal`."""
    drawn = jax.random.truncated_normal(_key(seed), -2.0, 2.0, tuple(shape), dtype or settings.floatx())
    return mean + stddev * drawn


def uniform(
    shape: Sequence[int],
    minval: float = 0.0,
    maxval: float = 1.0,
    dtype: DTypeLike | None = None,
    seed: Seed = None,
) -> Array:
    """Numbers spread evenly over [minval, maxval); see `normal`."""
    if dtype is not None and jnp.issubdtype(jnp.dtype(dtype), jnp.integer):
        raise ValueError(f"random.uniform draws floating-point numbers; for {dtype} there is random.randint.")
    return jax.random.uniform(_key(seed), tuple(shape), dtype or settings.floatx(), minval, maxval)


def randint(
    shape: Sequence[int], minval: int, maxval: int, dtype: DTypeLike = "int32", seed: Seed = None
) -> Array:
    """Whole numbers from `minval` to before `maxval`; see `normal`."""
    return jax.random.randint(_key(seed), tuple(shape), minval, maxval, dtype)


def categorical(logits: Any, num_samples: int, dtype: DTypeLike = "int32", seed: Seed = None) -> Array:
    """Class numbers, drawn for each row of logits: `(rows, num_samples)`; see `normal`."""
    logits = jnp.asarray(logits)
    drawn = jax.random.categorical(_key(seed), logits[:, None], -1, (logits.shape[0], num_samples))
    return drawn.astype(dtype)


def beta(
    shape: Sequence[int], alpha: Any, beta: Any, dtype: DTypeLike | None = None, seed: Seed = None
) -> Array:
    """Numbers from the beta distribution; see `normal`."""
    return jax.random.beta(_key(seed), alpha, beta, tuple(shape), dtype or settings.floatx())


def gamma(shape: Sequence[int], alpha: Any, dtype: DTypeLike | None = None, seed: Seed = None) -> Array:
    """Numbers from the gamma distribution; see `normal`."""
    return jax.random.gamma(_key(seed), alpha, tuple(shape), dtype or settings.floatx())


def binomial(
    shape: Sequence[int], counts: Any, probabilities: Any, dtype: DTypeLike | None = None, seed: Seed = None
) -> Array:
    """Numbers of successes; see `normal`."""
    drawn = jax.random.binomial(_key(seed), jnp.asarray(counts, "float32"), probabilities, tuple(shape))
    return drawn.astype(dtype or settings.floatx())


def shuffle(x: Any, axis: int = 0, seed: Seed = None) -> Array:
    """The slices of `x` along an axis in another order; see `normal`."""
    return jax.random.permutation(_key(seed), jnp.asarray(x), axis)


def dropout(inputs: Any, rate: float, noise_shape: Sequence[int] | None = None, seed: Seed = None) -> Array:
    """`inputs` with a share of zeros, the others divided by `1 - rate`; see `normal`."""
    inputs = jnp.asarray(inputs)
    if rate == 0:
        return inputs
    kept = jax.random.bernoulli(_key(seed), 1.0 - rate, tuple(noise_shape or inputs.shape))
    return jnp.where(kept, inputs / (1.0 - rate), jnp.zeros((), inputs.dtype))
