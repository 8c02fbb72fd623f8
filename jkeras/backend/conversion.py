"""Operands of K's arithmetic: arrays, lists of numbers and sparse matrices, all made arrays in one place."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec

import jax.numpy as jnp

from jkeras.backend.inspection import to_dense
from jkeras.core import bits
from jkeras.core.dispatch import op
from jkeras.core.types import Operand
from jkeras.engine.tensors.sizes import Sizes, as_array
from jkeras.engine.tensors.variable import current_frame

P = ParamSpec("P")


def _of_arrays(function: Callable[P, Any], count: int) -> Callable[P, Any]:
    """Like `op`, where the first `count` operands may be lists of numbers or sparse matrices as well."""
    stays = getattr(function, "of_sizes", None)
    names = list(inspect.signature(function).parameters)[:count]

    def change(operand: Operand) -> Any:
        if stays is not None and stays(operand):
            return operand
        if isinstance(operand, Sizes):
            return as_array(operand)
        if isinstance(operand, (int, float)):  # the other operand says in which dtype
            return jnp.asarray(bits.operand(operand, False, function.__name__))
        return bits.array(to_dense(operand), what=function.__name__)

    @op
    @functools.wraps(function)
    def converted(*args: P.args, **kwargs: P.kwargs) -> Any:
        operands = [change(a) if i < count else a for i, a in enumerate(args)]
        named = {k: change(v) if k in names else v for k, v in kwargs.items()}
        call: Callable[..., Any] = function
        result, frame = call(*operands, **named), current_frame()
        # What comes out is a new tensor, also where nothing is to be done: the mask of a layer ends here.
        return result if frame is None or function.__name__ == "cast" else frame.masked(result, None)

    return converted


def of_array(function: Callable[P, Any]) -> Callable[P, Any]:
    """Decorator: an op whose first operand may be anything that K takes as an array."""
    return _of_arrays(function, 1)


def of_arrays_2(function: Callable[P, Any]) -> Callable[P, Any]:
    """Decorator: an op whose first two operands may be anything that K takes as an array."""
    return _of_arrays(function, 2)
