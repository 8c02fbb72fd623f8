"""Automatic names: `Conv2D` → `conv2d_1`, `conv2d_2`, …, counted per process as in Keras."""

from __future__ import annotations

import contextlib
import contextvars
import functools
import re
from collections import Counter
from collections.abc import Generator, Iterable

from jkeras.core.types import Function

_counts: Counter[str] = Counter()
_used: Counter[str] = Counter()  # names of variables and of scopes
_scope: contextvars.ContextVar[str] = contextvars.ContextVar("jkeras_name_scope", default="")


def snake_case(name: str) -> str:
    """`MaxPooling2D` → `max_pooling2d`, the rule of Keras 2.2.4; a leading underscore becomes `private_`."""
    name = re.sub("(.)([A-Z][a-z0-9]+)", r"\1_\2", name)
    name = re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
    return name if not name.startswith("_") else "private" + name


def function_name(fn: Function) -> str:
    """The name of a function: its `__name__`; that of the function in a `functools.partial`; its class.

    Example:
        >>> function_name(functools.partial(snake_case, "A"))
        'snake_case'
    """
    name: str | None = getattr(fn, "__name__", None)
    if name is None and isinstance(fn, functools.partial):
        return function_name(fn.func)
    return name or type(fn).__name__


def get_uid(prefix: str = "") -> int:
    """The next number for `prefix`, starting at 1.

    Args:
        prefix: what is counted.

    Returns:
        A whole number.

    Example:
        >>> get_uid("a new prefix"), get_uid("a new prefix")
        (1, 2)

    Keras 2.2.4: keras/backend/tensorflow_backend.py get_uid
    """
    _counts[prefix] += 1
    return _counts[prefix]


def reset_uids() -> None:
    """Start all counts again.

    Example:
        >>> reset_uids()
        >>> get_uid("dense")
        1

    Keras 2.2.4: keras/backend/tensorflow_backend.py reset_uids
    """
    _counts.clear()
    _used.clear()


def renumbering(theirs: Iterable[str], mine: Iterable[str]) -> dict[str, str]:
    """The automatic names of one building as those of another, `{theirs: mine}`.

    Names are counted per process, so that code that makes the same again gives other numbers: where there are
    as many with one beginning, they are the same in the order of the numbers.

    Example:
        >>> renumbering(["dense_9", "dense_10", "lstm_2"], ["dense_2", "dense_1"])
        {'dense_9': 'dense_1', 'dense_10': 'dense_2'}
    """
    there, here = _numbers(theirs), _numbers(mine)
    return {
        f"{beginning}_{old}": f"{beginning}_{new}"
        for beginning, numbers in here.items()
        if len(numbers) == len(there.get(beginning, ()))
        for old, new in zip(sorted(there[beginning]), sorted(numbers), strict=True)
    }


def _numbers(names: Iterable[str]) -> dict[str, set[int]]:
    """The numbers at the ends of names, by what stands before."""
    numbers: dict[str, set[int]] = {}
    for name in names:
        beginning, _, number = name.rpartition("_")
        if beginning and number.isdecimal():
            numbers.setdefault(beginning, set()).add(int(number))
    return numbers


def unique_name(prefix: str) -> str:
    """A prefix with its next number: "dense_1"."""
    return f"{prefix}_{get_uid(prefix)}"


def auto_name(prefix: str) -> str:
    """The name of an object of Keras 3: the prefix, then `prefix_1`, ...

    Example:
        >>> auto_name("a new kind"), auto_name("a new kind")
        ('a new kind', 'a new kind_1')
    """
    number = get_uid(prefix) - 1
    return f"{prefix}_{number}" if number else prefix


def within_scope(name: str) -> str:
    """The name of a variable as TensorFlow 1 gives it: after the scopes around it, and never twice.

    Example:
        >>> with name_scope("a new scope"):
        ...     within_scope("m"), within_scope("m")
        ('a new scope/m:0', 'a new scope/m_1:0')
    """
    return f"{_unused(name.removesuffix(':0'))}:0"


def open_scope() -> str:
    """The prefix of the names of variables that are made now.

    Example:
        >>> with name_scope("another scope"):
        ...     open_scope()
        'another scope/'
    """
    return _scope.get()


@contextlib.contextmanager
def name_scope(name: str) -> Generator[str]:
    """The variables that are made in a `with` block get a name that begins with that of the block.

    Args:
        name: of the block; one that ends with "/" is an open scope gone into again, "" is outside of all.
    """
    token = _scope.set(name if name.endswith("/") or not name else f"{_unused(name)}/")
    try:
        yield _scope.get()
    finally:
        _scope.reset(token)


def _unused(name: str) -> str:
    full = _scope.get() + name
    _used[full] += 1
    return full if _used[full] == 1 else f"{full}_{_used[full] - 1}"
