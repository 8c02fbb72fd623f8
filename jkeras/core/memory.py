"""How large an array may be on this machine."""

from __future__ import annotations

import functools
import math
import os
import sys
from collections.abc import Iterable
from typing import Any

import numpy as np


@functools.cache
def total() -> int:
    """Bytes of memory of this machine; where it does not say, of its address space."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # no Unix
        return sys.maxsize


def refuse_larger(shape: Iterable[Any], dtype: Any, what: str) -> None:
    """Complain of a shape that no array of this machine can have.

    Args:
        shape: numbers; None and symbols count as 1.
        dtype: of the numbers.
        what: the array, for the error.

    Raises:
        ValueError: a dimension is no number, or the whole is larger than the memory.

    Example:
        >>> refuse_larger((2**40, 2**40), "float32", "The kernel of 'd'")
        Traceback (most recent call last):
        ...
        ValueError: The kernel of 'd' of shape (1099511627776, 1099511627776) needs ...
    """
    shape = tuple(shape)
    if any(isinstance(n, (str, bytes, list, tuple, dict)) for n in shape):
        raise ValueError(f"{what} has the shape {shape}: its dimensions should be whole numbers.")
    known = [abs(int(n)) for n in shape if isinstance(n, (int, float)) or hasattr(n, "dtype")]
    size = math.prod(known) * np.dtype(dtype).itemsize
    if size > total():
        raise ValueError(
            f"{what} of shape {shape} needs {size / 1e9:.2g} GB, this machine has "
            f"{total() / 1e9:.2g} GB of memory."
        )
