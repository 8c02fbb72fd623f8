"""Weights that nobody has read yet: they are drawn when somebody does, and never if a file replaces them."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Callable, Generator, Sequence
from typing import Any

import jax
import numpy as np
from jax.typing import DTypeLike

from jkeras.core import bits
from jkeras.core.memory import refuse_larger
from jkeras.core.settings import floatx
from jkeras.core.types import Array, Key
from jkeras.initializers import classes
from jkeras.initializers.lookup import draw, get

# What they draw depends on the key alone, and cannot fail once the arguments were looked at.
_SURE = (
    classes.Zeros,
    classes.Ones,
    classes.RandomNormal,
    classes.RandomUniform,
    classes.TruncatedNormal,
    classes.VarianceScaling,
)
_WORDS = ("mode", "distribution")  # which the class has looked at


class Undrawn:
    """A value that has a shape and a dtype, and is computed when it is asked for.

    Args:
        value: makes the array.
        shape, dtype: of the array.
    """

    __slots__ = ("_value", "dtype", "shape")

    def __init__(self, value: Callable[[], Array], shape: tuple[int, ...], dtype: np.dtype[Any]):
        self._value, self.shape, self.dtype = value, shape, dtype

    def drawn(self) -> Array:
        """The array: a constant, also where a program is being traced."""
        with jax.ensure_compile_time_eval():
            return self._value()

    def __reduce__(self) -> tuple[Callable[[Array], Array], tuple[Array]]:
        return _same, (self.drawn(),)  # copies and pickles hold the numbers


def _same(value: Array) -> Array:
    return value


_waits: contextvars.ContextVar[bool] = contextvars.ContextVar("jkeras_draws_later", default=False)


@contextlib.contextmanager
def drawing_later(may: bool = True) -> Generator[None]:
    """Whether `draw_later` may wait: what it returns goes into variables, and nobody computes with it."""
    token = _waits.set(may)
    try:
        yield
    finally:
        _waits.reset(token)


def draw_later(
    init: Any, key: Callable[[], Key], shape: Sequence[int], dtype: DTypeLike | None = None
) -> Array | Undrawn:
    """The value of a weight as `draw` gives it, within `drawing_later()` without drawing it yet.

    Args:
        init: anything that `get` takes.
        key: makes the `jax.random` key.
        shape: tuple of ints.
        dtype: type of the values, None for `floatx()`.

    Returns:
        The array; `Undrawn` if it can wait: initializers of the user's, and those that may refuse a shape,
        are asked now.

    Example:
        >>> with drawing_later():
        ...     value = draw_later("glorot_uniform", lambda: jax.random.key(0), (3, 2))
        >>> value.shape, value.drawn().shape
        ((3, 2), (3, 2))
    """
    init = get(init)
    refuse_larger(shape, dtype or floatx(), "A weight")
    if not _waits.get() or not _is_sure(init, shape):
        return draw(init, key(), shape, dtype)
    dtype = bits.supported(dtype or floatx(), "A weight")
    return Undrawn(lambda: draw(init, key(), shape, dtype), tuple(int(n) for n in shape), dtype)


def _is_sure(init: Any, shape: Sequence[Any]) -> bool:
    if not all(isinstance(n, (int, np.integer)) and n > 0 for n in shape):
        return False
    if type(init) not in _SURE and not (type(init) is classes.Orthogonal and len(shape) > 1):
        return False
    settings: dict[str, Any] = init.get_config()
    seed = settings.pop("seed", None)
    numbers = [value for name, value in settings.items() if name not in _WORDS]
    return (seed is None or isinstance(seed, (int, np.integer))) and all(
        isinstance(value, (int, float, np.integer, np.floating)) for value in numbers
    )
