"""Functions in configs: a config names a function, it never carries its code.

A function is known to this process by its fingerprint (a digest of its bytecode, names, constants,
defaults and captured values). What a
`Lambda` layer was given is remembered here, so that a file written by this program loads in this program.
"""

from __future__ import annotations

import hashlib
import types
from typing import Any, Protocol, cast

from jkeras.core.types import AnyList, AnyTuple, Function

_known: dict[str, Function] = {}


def fingerprint(function: Function) -> str:
    """A digest of what a Python function does: the same text gives the same digest in every process."""
    digest = hashlib.sha256()
    _feed(
        digest, getattr(function, "__code__", None) or getattr(function, "__qualname__", repr(type(function)))
    )
    _feed(digest, getattr(function, "__defaults__", None))
    _feed(digest, [cell.cell_contents for cell in getattr(function, "__closure__", None) or ()])
    return digest.hexdigest()


class Digest(Protocol):
    """The type of `hashlib`'s objects."""

    def update(self, data: bytes, /) -> None: ...


def _feed(digest: Digest, value: Any) -> None:
    if isinstance(value, types.CodeType):
        digest.update(value.co_code)
        for part in (value.co_names, value.co_varnames, value.co_consts):
            _feed(digest, part)
    elif isinstance(value, (AnyTuple, AnyList)):
        for item in value:
            _feed(digest, item)
    elif isinstance(value, frozenset):
        for item in sorted(cast("frozenset[Any]", value), key=repr):
            _feed(digest, item)
    else:
        digest.update(f"{type(value).__name__}:{value!r};".encode())


def remember(function: Function) -> str:
    """Make a function known to this process; returns its fingerprint."""
    mark = fingerprint(function)
    _known[mark] = function
    return mark


def recall(mark: str) -> Function | None:
    """The function with this fingerprint, if this process knows it."""
    return _known.get(mark)


def known() -> list[Function]:
    """All functions known to this process."""
    return list(_known.values())
