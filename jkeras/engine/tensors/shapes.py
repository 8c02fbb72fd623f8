"""Shapes of outputs, found by running the very function under `jax.eval_shape`; unknown stays unknown.

An unknown dimension is a symbol times 80640 (= 2·8!), a factor that keeps `%`, reshape and pooling decidable.
Code that needs a number (`range(x.shape[1])`, `int(...)`) runs again with two probe sizes: what differs is
unknown.
"""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias, TypeGuard

import jax
import jax.numpy as jnp
from jax import export
from jax.typing import DTypeLike

from jkeras.core import types
from jkeras.core.types import AnyTuple, Function, Tree

Dim: TypeAlias = Any  # an int, or one of jax's symbolic dimensions
Dims: TypeAlias = tuple[Dim, ...]  # a shape that jax can trace with
Given: TypeAlias = Sequence[int | None]  # a shape as a user writes it: None is unknown
Concrete: TypeAlias = Callable[[types.Shape], Dims]  # a way to fill in what is unknown
Worth: TypeAlias = Callable[..., Any]  # `(concrete)` → the value of what is computed from shapes

_DIVISIBLE = 80640
_PROBES = ((24, 12), (48, 18))  # (batch, other): small, for code that loops over a dimension
_WIDE = ((240, 480), (720, 960))  # wide enough for large windows


@functools.cache
def _scope() -> export.SymbolicScope:
    return export.SymbolicScope()


@functools.cache
def _symbol(axis: int) -> Dim:
    dims: Sequence[Dim] = export.symbolic_shape(f"d{axis}", scope=_scope())
    return dims[0] * _DIVISIBLE


def symbolic(shape: Given) -> Dims:
    """`(None, 20)` → a shape whose unknown dimensions are symbols, one for each axis."""
    return tuple(_symbol(i) if d is None else d for i, d in enumerate(shape))


def _probed(shape: Given, sizes: tuple[int, int], fixed: dict[int, int]) -> Dims:
    return tuple(fixed.get(i, sizes[min(i, 1)]) if d is None else d for i, d in enumerate(shape))


def known(shape: Iterable[Dim]) -> types.Shape:
    """A shape with symbols → one with None."""
    return tuple(None if d is None or is_unknown(d) else int(d) for d in shape)


def plain(shape: Iterable[Any]) -> tuple[Any, ...]:
    """A shape whose sizes are Python's ints where they were numpy's."""
    return tuple(int(d) if hasattr(d, "dtype") else d for d in shape)


class Shape(tuple[int | None, ...]):
    """The shape of a tensor: a tuple that knows the words of TensorFlow."""

    __slots__ = ()

    def as_list(self) -> list[int | None]:
        """The dimensions as a list."""
        return list(self)

    @property
    def ndims(self) -> int:
        """The number of axes."""
        return len(self)


def agree(shapes: Tree, others: Tree) -> bool:
    """Whether shapes, or lists of them, are the same as far as they are known; the batch size is left out.

    Example:
        >>> agree((None, 7), (4, 7)), agree((None, None, 3), (2, 5, 4))
        (True, False)
    """
    many = [isinstance(s, list) for s in (shapes, others)]
    if any(many):
        pairs = zip(shapes, others, strict=True) if all(many) and len(shapes) == len(others) else [((), (0,))]
        return all(agree(a, b) for a, b in pairs)
    pairs = list(zip(shapes, others, strict=False))[1:]
    return len(shapes) == len(others) and all(a is None or b is None or a == b for a, b in pairs)


class Spec:
    """Static shape (None = unknown) and dtype of a value: a leaf of the trees given to `infer`.

    Args:
        shape, dtype: of the value.
        worth: for what is computed from shapes, the value itself: a function of a way to fill in shapes.
    """

    __slots__ = ("dtype", "shape", "worth")

    def __init__(self, shape: Iterable[int | None], dtype: DTypeLike, worth: Worth | None = None):
        self.shape: types.Shape = tuple(shape)
        self.dtype, self.worth = dtype, worth


def is_unknown(x: object) -> bool:
    """Whether `x` is an unknown dimension."""
    return isinstance(x, type(_symbol(0)))


def _aval(x: Any) -> Any:
    """An output, where what Python computed from shapes stands for an array."""
    if is_unknown(x):
        return jnp.zeros((), jnp.int32)
    return jnp.zeros(len(x), jnp.int32) if isinstance(x, AnyTuple) else x


def is_spec(x: object) -> TypeGuard[Spec]:
    return isinstance(x, Spec)


def infer(function: Function, *trees: Tree, passing: tuple[type[Exception], ...] = ()) -> Tree:
    """The tree of `Spec` that `function(*trees)` returns, its arguments being trees with `Spec` leaves.

    Args:
        function: run under `jax.eval_shape`.
        *trees: its arguments.
        passing: errors that other sizes would not change.

    Raises: what the function raises; for two probe sizes, the error of the first.
    """

    def run(concrete: Concrete) -> Tree:
        leaves, treedef = jax.tree.flatten(trees, is_leaf=is_spec)
        spots = [i for i, leaf in enumerate(leaves) if is_spec(leaf) and leaf.worth is None]
        sizes = [i for i, leaf in enumerate(leaves) if is_spec(leaf) and leaf.worth is not None]
        avals = [jax.ShapeDtypeStruct(concrete(leaves[i].shape), leaves[i].dtype) for i in spots]

        def call(*values: Any) -> Tree:
            full = list(leaves)
            for i, value in zip(spots, values, strict=True):
                full[i] = value
            for i in sizes:
                full[i] = leaves[i].worth(concrete)
            return jax.tree.map(_aval, function(*jax.tree.unflatten(treedef, full)))

        return jax.eval_shape(call, *avals)

    specs = [s for s in jax.tree.leaves(trees, is_leaf=is_spec) if is_spec(s)]
    given = [s.shape for s in specs]
    if not any(None in s.shape or s.worth for s in specs):
        return jax.tree.map(_known_spec, run(tuple))
    try:
        return jax.tree.map(_known_spec, run(symbolic))
    except passing:
        raise
    except Exception as error:  # user code may fail in any way on a symbol; the probes decide
        return _probe(run, given, error, passing)


def _known_spec(result: jax.ShapeDtypeStruct) -> Spec:
    return Spec(known(result.shape), result.dtype)


def _probe(
    run: Callable[[Concrete], Tree],
    given: list[types.Shape],
    error: Exception,
    passing: tuple[type[Exception], ...],
) -> Tree:
    """Run with two sets of sizes; in the last try an unknown dimension takes a size that it meets."""
    first, then = (_PROBES, _WIDE) if _is_about_symbols(error) else (_WIDE, _PROBES)
    met = {i: d for shape in given for i, d in enumerate(shape) if d is not None and _unknown_at(i, given)}
    met |= _met(error)
    for pair, fixed in ((first, {}), (then, {}), *([(first, met)] if met else [])):
        try:
            a, b = (run(functools.partial(_probed, sizes=sizes, fixed=fixed)) for sizes in pair)
        except passing:
            raise
        except Exception as problem:
            error = problem if _is_about_symbols(error) else error
            continue
        both = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
        specs = [Spec(_agreed(s.shape, t.shape, fixed), s.dtype) for s, t in both]
        return jax.tree.unflatten(jax.tree.structure(a), specs)
    raise error


def _met(error: BaseException | None) -> dict[int, int]:
    """The sizes that unknown dimensions meet in a broadcast that failed, as with a constant of that size."""
    met: dict[int, int] = {}
    while error is not None:
        shapes = [text.split(", ") for text in re.findall(r"\(([^()]*)\)", str(error))]
        for one, other in itertools.permutations(shapes[:8], 2):
            for a, b in zip(reversed(one), reversed(other), strict=False):
                symbol = re.fullmatch(rf"{_DIVISIBLE}\*d(\d+)", a)
                if symbol and b.isdecimal():
                    met.setdefault(int(symbol[1]), int(b))
        error = error.__cause__
    return met


def _unknown_at(axis: int, shapes: list[types.Shape]) -> bool:
    return any(len(shape) > axis and shape[axis] is None for shape in shapes)


def _agreed(a: Dims, b: Dims, fixed: dict[int, int]) -> list[int | None]:
    """The sizes that are the same in both sets, and were not fixed for the try."""
    return [m if m == n and fixed.get(i) != m else None for i, (m, n) in enumerate(zip(a, b, strict=True))]


def _is_about_symbols(error: Exception) -> bool:
    text = f"{type(error).__name__} {error}"
    return any(word in text for word in ("symbolic", "Inconclusive", "_DimExpr", "dimension variable"))
