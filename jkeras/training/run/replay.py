"""A traced program, operation by operation outside of compiled code: where a number that is none comes from.

Operations may make NaN or infinity that nobody sees, as the logarithm under a `where`: what counts is what
reaches the end. So each array that holds such a number goes with its origin, and is free of it when the
numbers are gone.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from jkeras.core.frames import is_users

_INNER = ("jaxpr", "call_jaxpr", "fun_jaxpr")  # where programs inside of an operation are
_OPENED = re.compile("jit|call|remat|checkpoint|custom_")


class Stack(NamedTuple):
    """The names around an operation, and the innermost line of the user's code, if one is known."""

    names: str = ""
    line: str | None = None


class Origin(NamedTuple):
    """An operation that made NaN or infinity of numbers that are none."""

    operation: str
    around: Stack
    value: str
    inputs: list[Any]


Traced: TypeAlias = tuple[Any, Origin | None]  # an array, and where its number that is none comes from


def origin_of(function: Callable[..., Any], *args: Any) -> Origin | None:
    """The operation from which a function's results have a number that is none; None if they have none.

    Args:
        function: of trees of arrays.
        args: the trees, without such numbers.

    Example:
        >>> origin_of(lambda x: jnp.where(x > 0, jnp.log(x), 0.0), jnp.zeros(2)) is None
        True
        >>> origin_of(lambda x: jnp.exp(jnp.log(x) - jnp.log(x)), jnp.zeros(2)).operation
        'log'
    """
    closed = jax.make_jaxpr(function)(*args)
    leaves: list[Traced] = [(leaf, None) for leaf in jax.tree.leaves(args)]
    results = _run(closed.jaxpr, closed.consts, leaves, Stack())
    return next((origin for _, origin in _worst_first(results) if origin is not None), None)


def kind_of(array: Any) -> str | None:
    """ "nan" or "inf", where that is in an array."""
    if not jnp.issubdtype(getattr(array, "dtype", np.asarray(array).dtype), jnp.floating):
        return None
    if bool(jnp.isfinite(array).all()):
        return None
    return "nan" if bool(jnp.isnan(array).any()) else "inf"


def _worst_first(arrays: Sequence[Traced]) -> list[Traced]:
    """Those with NaN before those with infinity."""
    order = {"nan": 0, "inf": 1, None: 2}
    return sorted(arrays, key=lambda traced: order[kind_of(traced[0]) if traced[1] is not None else None])


def _run(jaxpr: Any, consts: Any, args: Sequence[Traced], around: Stack) -> list[Traced]:
    """The results of a program."""
    known: dict[Any, Traced] = dict(zip(jaxpr.constvars, ((c, None) for c in consts), strict=True))
    known.update(zip(jaxpr.invars, args, strict=True))

    def read(atom: Any) -> Traced:
        return (atom.val, None) if hasattr(atom, "val") else known[atom]

    for eqn in jaxpr.eqns:
        made = _made(eqn, [read(atom) for atom in eqn.invars], _around(eqn, around))
        known.update(zip(eqn.outvars, made, strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _made(eqn: Any, given: list[Traced], here: Stack) -> list[Traced]:
    """The results of an operation; calls are gone through, loops and branches where they begin a trouble."""
    inner = _inside(eqn)
    if inner is not None:
        return _run(*inner, given, here)
    values = [value for value, _ in given]
    made = _alone(eqn, values)
    kinds = [kind_of(value) for value in made]
    if not any(kinds):
        return [(value, None) for value in made]
    origin = next((origin for _, origin in _worst_first(given) if origin is not None), None)
    if origin is None and eqn.primitive.name in _TURNS:
        return _TURNS[eqn.primitive.name](eqn.params, given, here)
    worst = "nan" if "nan" in kinds else "inf"
    if origin is None and worst not in map(kind_of, values):
        inputs = [value for value in values if np.ndim(value) or len(values) < 3]
        origin = Origin(eqn.primitive.name, here, worst, inputs)
    return [(value, origin if kind else None) for value, kind in zip(made, kinds, strict=True)]


def _alone(eqn: Any, given: list[Any]) -> list[Any]:
    """The results of one operation."""
    words = eqn.primitive.get_bind_params(eqn.params)
    functions, params = words if isinstance(words, tuple) else ((), words)  # as jax before 0.10 has them
    made = eqn.primitive.bind(*functions, *given, **params)
    return made if eqn.primitive.multiple_results else [made]


def _inside(eqn: Any) -> tuple[Any, Any] | None:
    """The program inside of a call."""
    if not _OPENED.search(eqn.primitive.name):
        return None
    inner = next((eqn.params[name] for name in _INNER if name in eqn.params), None)
    if inner is None or len(getattr(inner, "jaxpr", inner).invars) != len(eqn.invars):
        return None
    return (inner.jaxpr, inner.consts) if hasattr(inner, "jaxpr") else (inner, [])


def _scan(params: Any, given: list[Traced], here: Stack) -> list[Traced]:
    """A loop over rows, turn by turn."""
    inner, at = params["jaxpr"], params["num_consts"]
    stop = at + params["num_carry"]
    fixed, carry, rows = given[:at], given[at:stop], given[stop:]
    columns: list[list[Traced]] = []
    for turn in range(params["length"]):
        i = params["length"] - 1 - turn if params["reverse"] else turn
        made = _run(inner.jaxpr, inner.consts, [*fixed, *carry, *((a[i], o) for a, o in rows)], here)
        carry = made[: stop - at]
        columns.append(made[stop - at :])
    ordered = columns[::-1] if params["reverse"] else columns
    return carry + [
        (jnp.stack([value for value, _ in column]), next((o for _, o in column if o is not None), None))
        for column in zip(*ordered, strict=True)
    ]


def _while(params: Any, given: list[Traced], here: Stack) -> list[Traced]:
    """A loop as long as something holds, turn by turn."""
    test, body, at = params["cond_jaxpr"], params["body_jaxpr"], params["cond_nconsts"]
    stop = at + params["body_nconsts"]
    carry = given[stop:]
    while bool(_run(test.jaxpr, test.consts, [*given[:at], *carry], here)[0][0]):
        carry = _run(body.jaxpr, body.consts, [*given[at:stop], *carry], here)
    return carry


def _cond(params: Any, given: list[Traced], here: Stack) -> list[Traced]:
    """The branch that is taken."""
    branches = params["branches"]
    branch = branches[min(max(int(given[0][0]), 0), len(branches) - 1)]
    return _run(branch.jaxpr, branch.consts, given[1:], here)


_TURNS: dict[str, Callable[[Any, list[Traced], Stack], list[Traced]]] = {
    "scan": _scan,
    "while": _while,
    "cond": _cond,
}


def _around(eqn: Any, around: Stack) -> Stack:
    frames = eqn.source_info.traceback.frames if eqn.source_info.traceback is not None else ()
    lines = (f"{frame.file_name}:{frame.line_num}" for frame in frames if is_users(frame.file_name))
    names = str(eqn.source_info.name_stack)
    return Stack(f"{around.names}/{names}" if around.names else names, next(lines, around.line))
