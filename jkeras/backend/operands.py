"""Operands of K's arithmetic: arrays, lists of numbers and sparse matrices, all made arrays in one place."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable

import jax.numpy as jnp

from jkeras.backend.inspection import to_dense
from jkeras.core.dispatch import op


def _of_arrays(function: Callable, count: int) -> Callable:
    """Like `op`, where the first `count` operands may be lists of numbers or sparse matrices as well."""
    names = list(inspect.signature(function).parameters)[:count]

    @op
    @functools.wraps(function)
    def converted(*args, **kwargs):
        args = [jnp.asarray(to_dense(a)) if i < count else a for i, a in enumerate(args)]
        return function(
            *args, **{k: jnp.asarray(to_dense(v)) if k in names else v for k, v in kwargs.items()}
        )

    return converted


of_array, of_arrays_2 = functools.partial(_of_arrays, count=1), functools.partial(_of_arrays, count=2)
