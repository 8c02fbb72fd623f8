"""The ranges that an ImageDataGenerator draws from: what they may be, and what is drawn."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from jkeras.core.types import AnyList, AnyTuple
from jkeras.preprocessing.draws import Draws

# "constant", "nearest", "reflect", "wrap" are Keras's; the others scipy's.
_FILLS = "constant nearest reflect wrap mirror grid-constant grid-mirror grid-wrap".split()


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real)


def _is_whole(value: Any) -> bool:
    return isinstance(value, numbers.Integral)


def number(value: Any, name: str):
    """A number; None is 0.

    Raises:
        ValueError: anything else.
    """
    value = 0 if value is None else value
    if not _is_number(value) or not np.isfinite(value):
        raise ValueError(f"`{name}` should be a number. Received: {value!r}")
    return value


def shift(value: Any, name: str):
    """A number, or a list of numbers.

    Raises:
        ValueError: anything else.
    """
    if np.ndim(value) == 1:
        return [number(v, name) for v in value]
    if np.ndim(value) > 1:
        raise ValueError(f"`{name}` should be a number or a 1-D array of numbers. Received: {value!r}")
    return number(value, name)


def brightness(value: Any):
    """Two numbers, or None.

    Raises:
        ValueError: anything else.
    """
    if value is None:
        return None
    if not isinstance(value, (AnyList, AnyTuple)) or len(value) != 2:
        raise ValueError(f"`brightness_range should be tuple or list of two floats. Received: {value}")
    return [number(v, "brightness_range") for v in value]


def zoom(value: Any) -> list[Any]:
    """The smallest and the largest factor; a number z stands for (1 - z, 1 + z).

    Raises:
        ValueError: anything else.

    Example:
        >>> zoom(0.5), zoom((1, 2))
        ([0.5, 1.5], [1, 2])
    """
    if _is_number(value):
        return [1 - value, 1 + value]
    if np.ndim(value) == 1 and len(value) == 2 and all(map(_is_number, value)):
        return list(value)
    raise ValueError(f"`zoom_range` should be a float or a tuple or list of two floats. Received: {value}")


def check(
    data_format: str | None, validation_split: float, fill_mode: str, interpolation_order: int, function: Any
) -> None:
    """Check the values of further arguments.

    Raises:
        ValueError: one is something else.
    """
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(
            '`data_format` should be `"channels_last"` (channel after row and column) or '
            f'`"channels_first"` (channel before row and column). Received: {data_format}'
        )
    if validation_split and not 0 < validation_split < 1:
        raise ValueError(
            f"`validation_split` must be strictly between 0 and 1.  Received: {validation_split}"
        )
    if fill_mode not in _FILLS:
        raise ValueError(f"`fill_mode` should be one of {', '.join(_FILLS)}. Received: {fill_mode}")
    if interpolation_order not in range(6):
        raise ValueError(f"`interpolation_order` should be from 0 to 5. Received: {interpolation_order}")
    if function and not callable(function):
        raise ValueError(f"`preprocessing_function` should be a function. Received: {function!r}")


def drawn_shift(shift_range: Any, size: int, draws: Draws):
    """A shift in pixels along an axis of this size, out of the range.

    A range is one of whole pixels (an int), of fractions of the size (below 1), of pixels, or a list.
    """
    if not shift_range:
        return 0
    if isinstance(shift_range, AnyList) or _is_whole(shift_range) and shift_range > 0:
        drawn = draws.choice(shift_range) * draws.choice([-1, 1])
    else:
        drawn = draws.uniform(-shift_range, shift_range)
    return drawn * size if np.max(shift_range) < 1 else drawn
