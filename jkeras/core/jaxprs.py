"""Programs as jax writes them down, and the programs inside of their operations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from jkeras.core.types import AnyList, AnyTuple


def inner_programs(equation: Any) -> Iterator[Any]:
    """The programs inside of an operation: a loop's step, the branches of a condition, a function called.

    Args:
        equation: of a jaxpr.

    Example:
        >>> import jax
        >>> program = jax.make_jaxpr(lambda x: jax.lax.cond(x > 0, jax.numpy.sin, jax.numpy.cos, x))(1.0)
        >>> [[str(e.primitive) for e in p.eqns] for e in program.eqns for p in inner_programs(e)]
        [['cos'], ['sin']]
    """
    for value in equation.params.values():
        several: Sequence[Any] = value if isinstance(value, (AnyTuple, AnyList)) else [value]
        for program in (getattr(one, "jaxpr", one) for one in several):
            if hasattr(program, "eqns"):
                yield program
