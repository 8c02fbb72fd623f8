"""Lists of one thing and the thing itself: Keras takes and gives either."""

from __future__ import annotations

from typing import Any

from jkeras.core.types import AnyList, AnyTuple


def as_list(x: Any) -> list[Any]:
    """A list of what is given, one thing or several.

    Example:
        >>> as_list(1), as_list((1, 2))
        ([1], [1, 2])
    """
    return list(x) if isinstance(x, (AnyList, AnyTuple)) else [x]


def unpacked(x: Any) -> Any:
    """The only item of a list or tuple of one; anything else as it is.

    Example:
        >>> unpacked([1]), unpacked([1, 2]), unpacked(3)
        (1, [1, 2], 3)
    """
    return x[0] if isinstance(x, (AnyList, AnyTuple)) and len(x) == 1 else x
