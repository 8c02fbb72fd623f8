"""Objects told apart by which they are, where they do not hash: arrays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class IdentityMap:
    """Values by object. The objects are held, so that no other can come into the place of one.

    Args:
        pairs: (object, value).

    Example:
        >>> first, second = [1], [1]
        >>> known = IdentityMap([(first, "first")])
        >>> known.get(first), known.get(second)
        ('first', None)
    """

    def __init__(self, pairs: Iterable[tuple[Any, Any]] = ()):
        self._entries: dict[int, tuple[Any, Any]] = {}
        for key, value in pairs:
            self[key] = value

    def __setitem__(self, key: Any, value: Any) -> None:
        self._entries[id(key)] = key, value

    def get(self, key: Any) -> Any:
        """The value of an object; None if there is none."""
        entry = self._entries.get(id(key))
        return None if entry is None else entry[1]


def same_objects(some: Iterable[Any], others: Iterable[Any]) -> bool:
    """Whether two lists hold the same objects in the same order.

    Example:
        >>> first, second = [1], [1]
        >>> same_objects([first, second], [first, second]), same_objects([first], [second])
        (True, False)
    """
    left, right = list(some), list(others)
    return len(left) == len(right) and all(a is b for a, b in zip(left, right, strict=True))
