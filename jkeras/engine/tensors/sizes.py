"""Sizes: what `K.shape` gives, and arithmetic with it that stays known while a graph is traced.

A shape is known whenever code runs on arrays, under `jit` too; what is computed from shapes alone is computed
by Python there and then, so that `reshape` can take it. Between the nodes of a graph a size is a tensor like
any other; its *worth* says what it is for a way to fill in unknown dimensions (see `shapes.infer`).
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any, SupportsIndex, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from jkeras.core.dispatch import is_symbol, op
from jkeras.core.types import AnyList, AnyNumpy, AnyTuple, Array, Function, Operand, Tree, is_traced
from jkeras.engine.tensors.shapes import Dim, Dims, is_unknown

F = TypeVar("F", bound=Function)


class Sizes(tuple[Dim, ...]):
    """A tensor of whole numbers of rank 1, made of numbers, unknown dimensions and scalar tensors.

    Example:
        >>> Sizes((2, 6)) // 2, Sizes((2, 6))[1:]
        ((1, 3), (6,))
    """

    __slots__ = ()
    dtype, ndim = "int32", 1

    @property
    def shape(self) -> tuple[int]:
        return (len(self),)

    def __getitem__(self, index: SupportsIndex | slice) -> Any:
        part = super().__getitem__(index)
        return Sizes(part) if isinstance(index, slice) else part


def _elementwise(function: Function, swapped: bool) -> Function:
    def method(sizes: Sizes, other: Operand) -> Operand:
        if not isinstance(other, (AnyTuple, AnyList)) and np.ndim(other):
            return function(other, as_array(sizes)) if swapped else function(as_array(sizes), other)
        one: Dims = tuple(sizes)
        many: Dims = tuple(other) if isinstance(other, (AnyTuple, AnyList)) else (other,) * len(one)
        if 1 in (len(one), len(many)):
            one, many = one * max(1, len(many)), many * max(1, len(one))
        pairs = zip(many, one, strict=True) if swapped else zip(one, many, strict=True)
        return Sizes(function(a, b) for a, b in pairs)

    return method


for _name in ("add", "sub", "mul", "floordiv", "mod", "truediv", "pow"):
    setattr(Sizes, f"__{_name}__", _elementwise(getattr(operator, _name), False))
    setattr(Sizes, f"__r{_name}__", _elementwise(getattr(operator, _name), True))


def as_array(x: Operand) -> Array:
    """An array of a result that Python computed."""
    return jnp.asarray(tuple(x), jnp.int32) if isinstance(x, Sizes) else jnp.asarray(x)


def is_known(x: object) -> bool:
    """Whether `x` was computed from shapes by Python (or is a number)."""
    numbers = (int, float, np.integer, np.floating, Sizes)
    return (isinstance(x, numbers) and not isinstance(x, bool)) or is_unknown(x)


def are_known(x: object) -> bool:
    """Whether a list holds such values only."""
    return isinstance(x, (AnyList, AnyTuple)) and all(is_known(item) for item in x)


def marked(function: F, **marks: bool) -> F:
    """The function, with attributes that the engine reads: `of_sizes`, `of_shapes`."""
    vars(function).update(marks)
    return function


def of_sizes(python: Function, when: Callable[[Any], bool]) -> Callable[[Function], Function]:
    """Decorator: `python` computes in the place of the function where `when(first argument)` holds."""

    def decorate(function: Function) -> Function:
        @functools.wraps(function)
        def either(x: Operand, *args: Any, **kwargs: Any) -> Operand:
            return python(x, *args, **kwargs) if when(x) else function(x, *args, **kwargs)

        marked: Any = either
        marked.of_sizes = when
        return marked

    return decorate


def is_sizes(x: object) -> bool:
    return isinstance(x, Sizes)


def is_share(x: object) -> bool:
    """Whether a thing is a number with a fraction, as `K.cast(K.shape(x)[1], "float32") / 3` is."""
    return isinstance(x, np.floating)


def are_parts(x: Iterable[Any]) -> bool:
    """Whether a list holds parts of shapes, at least one, and known whole numbers."""

    def fits(part: Any) -> bool:
        known = isinstance(part, (AnyNumpy, jax.Array)) and not is_traced(part)
        whole = known and part.ndim == 1 and np.issubdtype(part.dtype, np.integer)
        return whole or is_sizes(part) or are_known(part)

    return any(map(is_sizes, x)) and all(map(fits, x))


# --- what Python computes


def stack(x: Iterable[Dim], axis: int = 0) -> Sizes:
    return Sizes(x)


def concatenate(tensors: Sequence[Any], axis: int = -1) -> Sizes:
    parts = [np.asarray(part) if isinstance(part, jax.Array) else part for part in tensors]
    return Sizes(d if is_unknown(d) else int(d) for part in parts for d in part)


def expand_dims(x: Dim, axis: int = -1) -> Sizes:
    return Sizes((x,))


def cast(x: Any, dtype: DTypeLike) -> Operand:
    """In a dtype: whole numbers stay what they are."""
    whole = np.issubdtype(np.dtype(dtype), np.integer)
    items = x if isinstance(x, Sizes) else (x,)
    if any(is_unknown(d) for d in items):
        return x if whole else as_array(x).astype(dtype)
    return (Sizes(map(int, x)) if isinstance(x, Sizes) else int(x)) if whole else np.asarray(x, dtype)[()]


def rounded(x: np.floating[Any]) -> np.floating[Any]:
    """To a whole number."""
    return np.round(x)


def reduced(function: Callable[[Sizes], Dim]) -> Function:
    """A reduction of the only axis."""

    def reduction(x: Sizes, axis: object = None, keepdims: bool = False) -> Operand:
        return Sizes((function(x),)) if keepdims else function(x)

    return reduction


prod = reduced(math.prod)


def gather(reference: Sizes, indices: Any) -> Operand:
    indices = np.asarray(indices)
    return Sizes(reference[i] for i in indices) if indices.ndim else reference[int(indices)]


# --- tensors


def _size(x: Operand, axis: int) -> Dim:
    return x.shape[axis]


size = op(marked(_size, of_shapes=True))


def _joined(x: Iterable[Dim]) -> Sizes:
    return Sizes(x)


joined = op(marked(_joined, of_sizes=True))


def joined_sizes(tree: Tree) -> Tree:
    """A tree of arguments, where shapes that hold tensors are tensors themselves."""

    def one(x: Any) -> Any:
        held = isinstance(x, Sizes) and any(hasattr(d, "node") for d in x)
        return joined(list(x)) if held else x

    return jax.tree.map(one, tree, is_leaf=is_symbol)
