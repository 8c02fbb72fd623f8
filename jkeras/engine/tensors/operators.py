"""Python's operators on tensors and variables: each is a jax.numpy function behind the dispatch hook."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from jkeras.core import dispatch
from jkeras.core.dispatch import Symbolic
from jkeras.core.types import AnyList, AnySlice, AnyTuple, Function, Operand, Tree
from jkeras.engine.tensors.sizes import is_known, marked
from jkeras.primitives import numeric


def op(function: Function) -> Function:
    """`dispatch.op` of a function of jax, whose types say nothing of tensors."""
    return dispatch.op(function)


def _binary(function: Function, name: str) -> Function:
    """An operator; what is known of shapes it computes with Python's own of that name."""
    python: Function = getattr(operator, name)

    @functools.wraps(function)
    def either(a: Operand, b: Operand) -> Operand:
        return python(a, b) if is_known(a) and is_known(b) else function(a, b)

    return op(marked(either, of_sizes=True))


class _Slice(NamedTuple):
    """A slice as a tree, whose ends may be tensors."""

    start: Any
    stop: Any
    step: Any


def _as_tree(index: Any) -> Tree:
    if isinstance(index, AnyTuple):
        return tuple(map(_as_tree, index))
    return _Slice(index.start, index.stop, index.step) if isinstance(index, AnySlice) else index


def _as_index(tree: Tree) -> Any:
    if isinstance(tree, _Slice):
        return slice(*tree)
    return tuple(map(_as_index, tree)) if isinstance(tree, AnyTuple) else tree


def getitem(x: Operand, index: Tree) -> Operand:
    return operator.getitem(x, _as_index(index))


_getitem = op(marked(getitem, of_sizes=True))
_add, _sub = _binary(jnp.add, "add"), _binary(jnp.subtract, "sub")
_mul, _div = _binary(jnp.multiply, "mul"), _binary(jnp.true_divide, "truediv")
_floordiv, _mod = _binary(jnp.floor_divide, "floordiv"), _binary(jnp.mod, "mod")
_pow, _matmul = _binary(numeric.power, "pow"), op(jnp.matmul)
_neg, _abs = op(jnp.negative), op(jnp.abs)
_lt, _le, _gt, _ge = op(jnp.less), op(jnp.less_equal), op(jnp.greater), op(jnp.greater_equal)
_and, _or, _invert = op(jnp.logical_and), op(jnp.logical_or), op(jnp.logical_not)


#: what numpy calls for an operator with an array on the left
OF_NUMPY: dict[Any, Function] = {
    np.add: _add,
    np.subtract: _sub,
    np.multiply: _mul,
    np.true_divide: _div,
    np.floor_divide: _floordiv,
    np.remainder: _mod,
    np.power: _pow,
    np.matmul: _matmul,
    np.less: _lt,
    np.less_equal: _le,
    np.greater: _gt,
    np.greater_equal: _ge,
}


class NoLengthError(AttributeError, TypeError):
    """`len` of a symbolic tensor."""


class Operators(Symbolic):
    """Arithmetic, indexing, comparison (`==` is identity, so that tensors can be dictionary keys)."""

    def __add__(self, other: Operand) -> Operand:
        return _add(self, other)

    def __radd__(self, other: Operand) -> Operand:
        return _add(other, self)

    def __sub__(self, other: Operand) -> Operand:
        return _sub(self, other)

    def __rsub__(self, other: Operand) -> Operand:
        return _sub(other, self)

    def __mul__(self, other: Operand) -> Operand:
        return _mul(self, other)

    def __rmul__(self, other: Operand) -> Operand:
        return _mul(other, self)

    def __truediv__(self, other: Operand) -> Operand:
        return _div(self, other)

    def __rtruediv__(self, other: Operand) -> Operand:
        return _div(other, self)

    def __floordiv__(self, other: Operand) -> Operand:
        return _floordiv(self, other)

    def __rfloordiv__(self, other: Operand) -> Operand:
        return _floordiv(other, self)

    def __mod__(self, other: Operand) -> Operand:
        return _mod(self, other)

    def __rmod__(self, other: Operand) -> Operand:
        return _mod(other, self)

    def __pow__(self, other: Operand) -> Operand:
        return _pow(self, other)

    def __rpow__(self, other: Operand) -> Operand:
        return _pow(other, self)

    def __matmul__(self, other: Operand) -> Operand:
        return _matmul(self, other)

    def __rmatmul__(self, other: Operand) -> Operand:
        return _matmul(other, self)

    def __neg__(self) -> Operand:
        return _neg(self)

    def __abs__(self) -> Operand:
        return _abs(self)

    def __lt__(self, other: Operand) -> Operand:
        return _lt(self, other)

    def __le__(self, other: Operand) -> Operand:
        return _le(self, other)

    def __gt__(self, other: Operand) -> Operand:
        return _gt(self, other)

    def __ge__(self, other: Operand) -> Operand:
        return _ge(self, other)

    def __and__(self, other: Operand) -> Operand:
        return _and(self, other)

    def __or__(self, other: Operand) -> Operand:
        return _or(self, other)

    def __invert__(self) -> Operand:
        return _invert(self)

    def __getitem__(self, index: Any) -> Operand:
        if isinstance(index, AnyList):
            index = tuple(index)  # one index for each axis, as TensorFlow has it
        return _getitem(self, _as_tree(index))

    def __iter__(self) -> Iterator[Any]:
        raise TypeError(f"{self!r} is symbolic and cannot be iterated over; index or slice it instead.")

    @property
    def __len__(self) -> Operand:
        """No length, so that `hasattr(model.output, "__len__")` tells a list of tensors from a tensor."""
        raise NoLengthError(
            f"{self!r} is symbolic and has no length; use K.int_shape(x) for its static shape."
        )

    def __bool__(self) -> bool:
        raise TypeError(
            f"{self!r} is symbolic and has no truth value; use K.switch to choose by value, "
            "or `is None` to test for absence."
        )


def of_numpy(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A function of numpy on a symbol: our operator, if it is one (`np.ones(3) * v`), else on the value."""
    ours = OF_NUMPY.get(ufunc) if method == "__call__" and not kwargs else None
    if ours is not None:
        return ours(*inputs)
    arrays = [np.asarray(x) if isinstance(x, Symbolic) else x for x in inputs]
    return getattr(ufunc, method)(*arrays, **kwargs)


def no_value(tensor: Symbolic) -> str:
    """The words for one who takes a symbolic tensor for an array."""
    return (
        f"{tensor!r} is symbolic; it has no value before a model or K.function computes it. Functions of "
        "numpy and jax want values: those of the backend (K.sqrt, K.exp, K.concatenate) and of "
        "`jkeras.ops` take it, and a layers.Lambda runs any function of jax on it."
    )
