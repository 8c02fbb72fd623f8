"""Functions in configs: a config names a function, it never carries its code.

A function is known to this process by its fingerprint (a digest of its bytecode, names, constants,
defaults and captured values). What a
`Lambda` layer was given is remembered here, so that a file written by this program loads in this program.
"""

from __future__ import annotations

import hashlib
import types
from collections.abc import Callable

_known: dict[str, Callable] = {}


def fingerprint(function: Callable) -> str:
    """A digest of what a Python function does: the same text gives the same digest in every process."""
    digest = hashlib.sha256()
    _feed(
        digest, getattr(function, "__code__", None) or getattr(function, "__qualname__", repr(type(function)))
    )
    _feed(digest, getattr(function, "__defaults__", None))
    _feed(digest, [cell.cell_contents for cell in getattr(function, "__closure__", None) or ()])
    return digest.hexdigest()


def _feed(digest, value) -> None:
    if isinstance(value, types.CodeType):
        digest.update(value.co_code)
        for part in (value.co_names, value.co_varnames, value.co_consts):
            _feed(digest, part)
    elif isinstance(value, (tuple, list, frozenset)):
        for item in sorted(value, key=repr) if isinstance(value, frozenset) else value:
            _feed(digest, item)
    else:
        digest.update(f"{type(value).__name__}:{value!r};".encode())


def remember(function: Callable) -> str:
    """Make a function known to this process; returns its fingerprint."""
    mark = fingerprint(function)
    _known[mark] = function
    return mark


def recall(mark: str) -> Callable | None:
    """The function with this fingerprint, if this process knows it."""
    return _known.get(mark)


def known() -> list[Callable]:
    """All functions known to this process."""
    return list(_known.values())
