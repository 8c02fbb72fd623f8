"""Operands of K's arithmetic: arrays, lists of numbers and sparse matrices, all made arrays in one place."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable

import jax.numpy as jnp

from jkeras.backend.inspection import to_dense
from jkeras.core import bits
from jkeras.core.dispatch import op
from jkeras.engine.tensors.sizes import Sizes, as_array
from jkeras.engine.tensors.variable import current_frame


def _of_arrays(function: Callable, count: int) -> Callable:
    """Like `op`, where the first `count` operands may be lists of numbers or sparse matrices as well."""
    stays = getattr(function, "of_sizes", None)
    names = list(inspect.signature(function).parameters)[:count]

    def change(operand):
        if stays is not None and stays(operand):
            return operand
        if isinstance(operand, Sizes):
            return as_array(operand)
        if isinstance(operand, (int, float)):  # the other operand says in which dtype
            return jnp.asarray(bits.operand(operand, False, function.__name__))
        return bits.array(to_dense(operand), what=function.__name__)

    def operands(args, kwargs):
        args = [change(a) if i < count else a for i, a in enumerate(args)]
        return args, {k: change(v) if k in names else v for k, v in kwargs.items()}

    @op
    @functools.wraps(function)
    def converted(*args, **kwargs):
        args, kwargs = operands(args, kwargs)
        result, frame = function(*args, **kwargs), current_frame()
        # What comes out is a new tensor, also where nothing is to be done: the mask of a layer ends here.
        return result if frame is None or function.__name__ == "cast" else frame.masked(result, None)

    return converted


of_array, of_arrays_2 = functools.partial(_of_arrays, count=1), functools.partial(_of_arrays, count=2)
