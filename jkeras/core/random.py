"""Where random numbers start: seeds from numpy's global generator, so `np.random.seed` rules a script."""

from __future__ import annotations

import random

import jax
import numpy as np


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
