"""One hook that lets functions of lower floors (losses, activations, K.*) accept symbolic tensors.

The engine fills the hook in; until then, and for plain arrays, a decorated function is itself.
"""

from __future__ import annotations

import functools
from collections.abc import Callable


class Symbolic:
    """Base of everything that stands for an array without being one: symbolic tensors and variables."""

    __array_ufunc__ = None  # numpy operators defer to ours instead of building object arrays


_record: Callable | None = None


def set_recorder(record: Callable) -> None:
    """Install `record(function, args, kwargs)`, called when an argument is symbolic."""
    global _record
    _record = record


def is_symbolic(value) -> bool:
    """Whether a `Symbolic` occurs in `value` (looks into lists, tuples and dicts)."""
    if isinstance(value, Symbolic):
        return True
    if isinstance(value, (list, tuple)):
        return any(is_symbolic(v) for v in value)
    if isinstance(value, dict):
        return any(is_symbolic(v) for v in value.values())
    return False


def op(function: Callable) -> Callable:
    """Decorator: compute on arrays; on symbolic arguments record a node (outside frames) or unwrap them."""

    @functools.wraps(function)
    def dispatched(*args, **kwargs):
        if _record is not None and (is_symbolic(args) or is_symbolic(kwargs)):
            return _record(function, args, kwargs)
        return function(*args, **kwargs)

    return dispatched
