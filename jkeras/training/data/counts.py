"""Numbers of batches, epochs and samples that the user gives: one reader for all of them."""

from __future__ import annotations

import math
import numbers
from typing import Any

import numpy as np


def whole(value: Any, name: str, least: int = 0) -> int:
    """An integer of Python or numpy.

    Args:
        value: what was given.
        name: of the argument.
        least: the smallest that is allowed.

    Raises:
        ValueError: anything else, NaN and infinity among it.

    Example:
        >>> whole(np.int64(3), "workers")
        3
    """
    number = _number(value)
    if not isinstance(number, numbers.Integral) or number < least:
        raise ValueError(f"`{name}` should be an integer of at least {least}; got {value!r}.")
    return int(number)


def rounded_up(value: Any, name: str, least: int = 1) -> int:
    """A number that something is counted up to: what is begun is made whole, as by Keras's loop
    `while done < steps`.

    Args:
        value: an integer, or a float such as `samples / batch_size`.
        name, least: as in `whole`.

    Raises:
        ValueError: no number, NaN, infinity, or too small.

    Example:
        >>> rounded_up(10 / 4, "steps_per_epoch"), rounded_up(2.0, "steps")
        (3, 2)
    """
    number = _number(value)
    if isinstance(number, numbers.Real) and math.isfinite(number):
        count = math.ceil(float(number))
        if count >= least:
            return count
    raise ValueError(f"`{name}` should be a finite number of at least {least}; got {value!r}.")


def steps(value: Any, name: str) -> int | None:
    """A number of batches that may be left out.

    Example:
        >>> steps(None, "steps"), steps(0.5, "steps")
        (None, 1)
    """
    return None if value is None else rounded_up(value, name)


def _number(value: Any) -> Any:
    """The number in an array of one."""
    return np.asarray(value).item() if hasattr(value, "dtype") and np.size(value) == 1 else value
