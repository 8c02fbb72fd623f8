"""Programs that are compiled, counted as jax itself reports them."""

from __future__ import annotations

import contextlib

import jax

_EVENT = "/jax/core/compile/backend_compile_duration"  # also where the program then comes from a cache
_counts: list[list[int]] = []


def _note(event: str, seconds: float, **_) -> None:
    if event == _EVENT:
        for count in _counts:
            count[0] += 1


jax.monitoring.register_event_duration_secs_listener(_note)


@contextlib.contextmanager
def counted():
    """A list whose only entry is the number of programs that have been compiled within."""
    _counts.append([0])
    try:
        yield _counts[-1]
    finally:
        _counts.pop()
