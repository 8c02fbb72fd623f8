"""New tensors: variables outside of a layer's call, arrays inside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jax.core import Tracer
from jax.typing import DTypeLike

from jkeras.core import bits, settings
from jkeras.core.dispatch import Symbolic
from jkeras.core.names import within_scope
from jkeras.core.types import Function, Operand
from jkeras.engine.tensors.variable import Variable, current_frame


def made(
    value: Operand,
    dtype: DTypeLike | None = None,
    name: str | None = None,
    constraint: Function | None = None,
) -> Any:
    """A variable, or inside a frame an array, which nothing there could change; by default of `floatx()`."""
    dtype = dtype or settings.floatx()
    if current_frame() is not None:
        return bits.array(value, dtype, "A new tensor")
    return Variable(value, name=within_scope(name or "Variable"), dtype=dtype, constraint=constraint)


def sized(shape: Sequence[Any]) -> tuple[Any, ...]:
    """A shape without unknown dimensions.

    Raises:
        ValueError: an unknown or symbolic dimension.
    """
    shape = tuple(shape) if hasattr(shape, "__iter__") else (shape,)
    if any(d is None or isinstance(d, (Symbolic, Tracer)) for d in shape):
        raise ValueError(
            f"A new tensor needs a known shape; got {shape}. Make it inside a Lambda or a layer's call, "
            "where K.shape(x) is known."
        )
    return shape
