"""The logits of probabilities: a softmax and the crossentropy of it are computed as one stable function."""

from __future__ import annotations

import contextlib
import contextvars
import weakref
from collections.abc import Generator

from jkeras.core.types import Array

# {id of probabilities: (they, their logits)} of the step that is being traced; None outside of one. Weakly,
# as those inside of a loop or of a rematerialized block must not outlive its trace.
_known: contextvars.ContextVar[dict[int, tuple[weakref.ref[Array], Array]] | None] = contextvars.ContextVar(
    "jkeras_logits", default=None
)


@contextlib.contextmanager
def remembered() -> Generator[None]:
    """A scope, the trace of one step, in which probabilities know their logits.

    Example:
        >>> import jax.numpy as jnp
        >>> logits = jnp.zeros((1, 2))
        >>> with remembered():
        ...     y = note(jnp.full((1, 2), 0.5), logits)
        ...     print(logits_of(y) is logits, logits_of(y + 0))
        True None
        >>> logits_of(y) is None
        True
    """
    token = _known.set({})
    try:
        yield
    finally:
        _known.reset(token)


def note(probabilities: Array, logits: Array) -> Array:
    """The probabilities, which are the softmax of `logits` along the last axis."""
    known = _known.get()
    if known is not None:
        key, them = id(probabilities), known
        known[key] = weakref.ref(probabilities, lambda _: them.pop(key, None)), logits
    return probabilities


def logits_of(probabilities: object) -> Array | None:
    """The logits of these very probabilities, or None: also for what was computed from them."""
    known, logits = (_known.get() or {}).get(id(probabilities), (None, None))
    return logits if known is not None and known() is probabilities else None
