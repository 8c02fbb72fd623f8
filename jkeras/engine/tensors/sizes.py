"""Sizes: what `K.shape` gives, and arithmetic with it that stays known while a graph is traced.

A shape is known whenever code runs on arrays, under `jit` too; what is computed from shapes alone is computed
by Python there and then, so that `reshape` can take it. Between the nodes of a graph a size is a tensor like
any other; its *worth* says what it is for a way to fill in unknown dimensions (see `shapes.infer`).
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from jkeras.core.dispatch import is_symbol, op
from jkeras.core.types import Function
from jkeras.engine.tensors.shapes import is_unknown

F = TypeVar("F", bound=Function)


class Sizes(tuple):
    """A tensor of whole numbers of rank 1, made of numbers, unknown dimensions and scalar tensors.

    Example:
        >>> Sizes((2, 6)) // 2, Sizes((2, 6))[1:]
        ((1, 3), (6,))
    """

    __slots__ = ()
    dtype, ndim = "int32", 1

    @property
    def shape(self) -> tuple:
        return (len(self),)

    def __getitem__(self, index):
        part = super().__getitem__(index)
        return Sizes(part) if isinstance(index, slice) else part


def _elementwise(function: Callable, swapped: bool):
    def method(self, other):
        if not isinstance(other, (tuple, list)) and np.ndim(other):
            return function(other, as_array(self)) if swapped else function(as_array(self), other)
        many = other if isinstance(other, (tuple, list)) else (other,) * len(self)
        if 1 in (len(self), len(many)):
            self, many = tuple(self) * max(1, len(many)), tuple(many) * max(1, len(self))
        pairs = zip(many, self, strict=True) if swapped else zip(self, many, strict=True)
        return Sizes(function(a, b) for a, b in pairs)

    return method


for _name in ("add", "sub", "mul", "floordiv", "mod", "truediv", "pow"):
    setattr(Sizes, f"__{_name}__", _elementwise(getattr(operator, _name), False))
    setattr(Sizes, f"__r{_name}__", _elementwise(getattr(operator, _name), True))


def as_array(x):
    """An array of a result that Python computed."""
    return jnp.asarray(tuple(x), jnp.int32) if isinstance(x, Sizes) else jnp.asarray(x)


def is_known(x) -> bool:
    """Whether `x` was computed from shapes by Python (or is a number)."""
    numbers = (int, float, np.integer, np.floating, Sizes)
    return (isinstance(x, numbers) and not isinstance(x, bool)) or is_unknown(x)


def are_known(x) -> bool:
    """Whether a list holds such values only."""
    return isinstance(x, (list, tuple)) and all(is_known(item) for item in x)


def marked(function: F, **marks: bool) -> F:
    """The function, with attributes that the engine reads: `of_sizes`, `of_shapes`."""
    vars(function).update(marks)
    return function


def of_sizes(python: Callable, when: Callable) -> Callable:
    """Decorator: `python` computes in the place of the function where `when(first argument)` holds."""

    def decorate(function):
        @functools.wraps(function)
        def either(x, *args, **kwargs):
            return python(x, *args, **kwargs) if when(x) else function(x, *args, **kwargs)

        marked: Any = either
        marked.of_sizes = when
        return marked

    return decorate


def is_sizes(x) -> bool:
    return isinstance(x, Sizes)


def are_parts(x) -> bool:
    """Whether a list holds parts of shapes, at least one, and known whole numbers."""

    def fits(part):
        known = isinstance(part, (np.ndarray, jax.Array)) and not isinstance(part, Tracer)
        whole = known and part.ndim == 1 and np.issubdtype(part.dtype, np.integer)
        return whole or is_sizes(part) or are_known(part)

    return any(map(is_sizes, x)) and all(map(fits, x))


# --- what Python computes


def stack(x, axis=0):
    return Sizes(x)


def concatenate(tensors, axis=-1):
    parts = [np.asarray(part) if isinstance(part, jax.Array) else part for part in tensors]
    return Sizes(d if is_unknown(d) else int(d) for part in parts for d in part)


def expand_dims(x, axis=-1):
    return Sizes((x,))


def cast(x, dtype):
    """In a dtype: whole numbers stay what they are."""
    whole = np.issubdtype(np.dtype(dtype), np.integer)
    items = x if isinstance(x, Sizes) else (x,)
    if any(is_unknown(d) for d in items):
        return x if whole else as_array(x).astype(dtype)
    return (Sizes(map(int, x)) if isinstance(x, Sizes) else int(x)) if whole else np.asarray(x, dtype)[()]


def reduced(function: Callable) -> Callable:
    """A reduction of the only axis."""

    def reduction(x, axis=None, keepdims=False):
        return Sizes((function(x),)) if keepdims else function(x)

    return reduction


prod = reduced(math.prod)


def gather(reference, indices):
    indices = np.asarray(indices)
    return Sizes(reference[i] for i in indices) if indices.ndim else reference[int(indices)]


# --- tensors


def _size(x, axis):
    return x.shape[axis]


size = op(marked(_size, of_shapes=True))


def _joined(x):
    return Sizes(x)


joined = op(marked(_joined, of_sizes=True))


def joined_sizes(tree):
    """A tree of arguments, where shapes that hold tensors are tensors themselves."""

    def one(x):
        held = isinstance(x, Sizes) and any(hasattr(d, "node") for d in x)
        return joined(list(x)) if held else x

    return jax.tree.map(one, tree, is_leaf=is_symbol)
