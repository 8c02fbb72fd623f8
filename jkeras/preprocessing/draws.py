"""Random numbers of batches: from numpy's global generator, as in Keras, or from one of their own."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

import numpy as np

_SWAP = threading.Lock()  # there is one global generator, for all iterators

Draws = (
    Any  # `numpy.random` (the global generator) or a `numpy.random.RandomState`: they draw the same numbers
)


def seeded(seed: int) -> np.random.RandomState:
    """A generator of its own that draws what the global one would after `np.random.seed(seed)`.

    Example:
        >>> np.random.seed(3)
        >>> np.random.random() == seeded(3).random()
        True
    """
    return np.random.RandomState(seed % 2**32)


@contextlib.contextmanager
def as_global(draws: Draws):
    """For as long as it takes, the global generator draws what `draws` would: for code that knows no other.

    Example:
        >>> draws = seeded(3)
        >>> with as_global(draws):
        ...     first = np.random.random()
        >>> again = seeded(3)
        >>> again.random() == first, again.random() == draws.random()
        (True, True)
    """
    if draws is np.random:
        yield
        return
    with _SWAP:
        before = np.random.get_state()
        np.random.set_state(draws.get_state())
        try:
            yield
        finally:
            draws.set_state(np.random.get_state())
            np.random.set_state(before)
