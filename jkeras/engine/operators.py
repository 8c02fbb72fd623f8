"""Python's operators on tensors and variables: each is a jax.numpy function behind the dispatch hook."""

from __future__ import annotations

import operator

import jax.numpy as jnp

from jkeras.core.dispatch import Symbolic, op

_getitem = op(operator.getitem)
_add, _sub, _mul, _div = op(jnp.add), op(jnp.subtract), op(jnp.multiply), op(jnp.true_divide)
_floordiv, _mod, _pow, _matmul = op(jnp.floor_divide), op(jnp.mod), op(jnp.power), op(jnp.matmul)
_neg, _abs = op(jnp.negative), op(jnp.abs)
_lt, _le, _gt, _ge = op(jnp.less), op(jnp.less_equal), op(jnp.greater), op(jnp.greater_equal)
_and, _or, _invert = op(jnp.logical_and), op(jnp.logical_or), op(jnp.logical_not)


class Operators(Symbolic):
    """Arithmetic, indexing, comparison (`==` is identity, so that tensors can be dictionary keys)."""

    def __add__(self, other):
        return _add(self, other)

    def __radd__(self, other):
        return _add(other, self)

    def __sub__(self, other):
        return _sub(self, other)

    def __rsub__(self, other):
        return _sub(other, self)

    def __mul__(self, other):
        return _mul(self, other)

    def __rmul__(self, other):
        return _mul(other, self)

    def __truediv__(self, other):
        return _div(self, other)

    def __rtruediv__(self, other):
        return _div(other, self)

    def __floordiv__(self, other):
        return _floordiv(self, other)

    def __rfloordiv__(self, other):
        return _floordiv(other, self)

    def __mod__(self, other):
        return _mod(self, other)

    def __rmod__(self, other):
        return _mod(other, self)

    def __pow__(self, other):
        return _pow(self, other)

    def __rpow__(self, other):
        return _pow(other, self)

    def __matmul__(self, other):
        return _matmul(self, other)

    def __rmatmul__(self, other):
        return _matmul(other, self)

    def __neg__(self):
        return _neg(self)

    def __abs__(self):
        return _abs(self)

    def __lt__(self, other):
        return _lt(self, other)

    def __le__(self, other):
        return _le(self, other)

    def __gt__(self, other):
        return _gt(self, other)

    def __ge__(self, other):
        return _ge(self, other)

    def __and__(self, other):
        return _and(self, other)

    def __or__(self, other):
        return _or(self, other)

    def __invert__(self):
        return _invert(self)

    def __getitem__(self, index):
        return _getitem(self, index)

    def __iter__(self):
        raise TypeError(f"{self!r} is symbolic and cannot be iterated over; index or slice it instead.")

    def __len__(self):
        raise TypeError(f"{self!r} is symbolic and has no length; use K.int_shape(x) for its static shape.")

    def __bool__(self):
        raise TypeError(
            f"{self!r} is symbolic and has no truth value; use K.switch to choose by value, "
            "or `is None` to test for absence."
        )
