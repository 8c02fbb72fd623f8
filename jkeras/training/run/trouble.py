"""The place where a training step goes wrong: its operations one by one, outside of compiled code."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownLambdaType=false
from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jkeras.core.frames import is_users
from jkeras.core.types import Ctx
from jkeras.engine.tree import instances
from jkeras.training.run.pure_step import StepCarry, TrainingStep
from jkeras.training.run.step import LOSS, UPDATE

_INNER = ("jaxpr", "call_jaxpr", "fun_jaxpr")  # where programs inside of an operation are
_OPENED = re.compile("jit|call|remat|checkpoint|custom_")
_TOLD = 4  # inputs of an operation that are described


class Place(NamedTuple):
    """The place where a number that is none first arises.

    Args:
        layer: name of the layer; "loss" or "update" beside them.
        phase: "forward", "backward" or "update".
        operation: jax's name of it.
        line: of the user's code, `file:number`: the line of the operation, or the one where the layer was
            made.
        value: what arises, "nan" or "inf".
        inputs: what went into the operation, in words.
    """

    layer: str
    phase: str
    operation: str
    line: str | None
    value: str
    inputs: tuple[str, ...]

    def __str__(self) -> str:
        where = f" ({self.line})" if self.line else ""
        return (
            f"The first {self.value} arises in {self.layer!r}{where}, {self.phase} phase, in "
            f"{self.operation!r} of " + "; ".join(self.inputs or ("nothing",)) + "."
        )


def first_trouble(step: TrainingStep, batch: Any, carry: StepCarry, ctx: Ctx) -> Place | None:
    """The first operation of a step that makes NaN, or infinity, of numbers that are none.

    The loss is gone through first, then the whole step, whose operations of the forward phase are mixed with
    those that prepare the backward one.

    Args:
        step: of the model.
        batch, carry, ctx: as `step.apply` takes them.

    Returns:
        The place, or None if there is none.
    """
    made = {layer.name: layer.made_at for _, layer in instances(step.program.layer)}
    spoilt = _spoilt(carry, made)
    if spoilt is not None:
        return spoilt
    params, state, _ = carry
    forward = jax.make_jaxpr(lambda params, state, ctx: step.loss(params, state, batch, ctx)[0])
    whole = jax.make_jaxpr(lambda carry, ctx: step.apply(carry, batch, ctx))
    for phase, program, given in (
        ("forward", forward, (params, state, ctx)),
        ("backward", whole, (carry, ctx)),
    ):
        closed = program(*given)
        for found in _troubles(closed.jaxpr, closed.consts, jax.tree.leaves(given), _Stack()):
            return found.place(phase, made)
    return None


def _spoilt(carry: StepCarry, made: dict[str, str | None]) -> Place | None:
    """The first weight or number of the optimizer that is NaN or infinite before the step."""
    leaves: list[tuple[Any, Any]] = jax.tree_util.tree_flatten_with_path(tuple(carry))[0]
    for path, leaf in leaves:
        value = _new([], [leaf])
        if value is not None:
            names = [str(getattr(key, "key", getattr(key, "name", key))) for key in path[1:]]
            layer = next((name for name in names if name in made), UPDATE)
            return Place(
                layer, "before the step", "/".join(names), made.get(layer), value, (_described(leaf),)
            )
    return None


class _Stack(NamedTuple):
    """The names around an operation, and the innermost line of the user's code, if one is known."""

    names: str = ""
    line: str | None = None


class _Trouble(NamedTuple):
    """An operation that made NaN or infinity of numbers that are none."""

    operation: str
    around: _Stack
    value: str
    inputs: list[Any]

    def place(self, phase: str, made: dict[str, str | None]) -> Place:
        """The place in words; `made` has the lines where layers were made."""
        names = [n for n in re.split(r"[/()]", self.around.names) if n in made or n in (LOSS, UPDATE)]
        layer = names[-1] if names else "the model"
        line = self.around.line or made.get(layer)
        inputs = tuple(map(_described, self.inputs[:_TOLD]))
        return Place(layer, "update" if layer == UPDATE else phase, self.operation, line, self.value, inputs)


def _troubles(jaxpr: Any, consts: Any, args: list[Any], around: _Stack) -> Iterator[_Trouble]:
    """Run a program operation by operation; its outputs are the value of this generator."""
    values: dict[Any, Any] = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*consts, *args], strict=True))

    def read(atom: Any) -> Any:
        return atom.val if hasattr(atom, "val") else values[atom]

    for eqn in jaxpr.eqns:
        given = [read(atom) for atom in eqn.invars]
        here = _around(eqn, around)
        inner = _inside(eqn)
        if inner is None:
            made = _alone(eqn, given)
            value = _new(given, made)
            if value is not None:
                yield _Trouble(
                    eqn.primitive.name, here, value, [a for a in given if np.ndim(a) or len(given) < 3]
                )
        else:
            made = yield from _troubles(*inner, given, here)
        values.update(zip(eqn.outvars, made, strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _alone(eqn: Any, given: list[Any]) -> list[Any]:
    """The results of one operation."""
    words = eqn.primitive.get_bind_params(eqn.params)
    functions, params = words if isinstance(words, tuple) else ((), words)  # as jax before 0.10 has them
    made = eqn.primitive.bind(*functions, *given, **params)
    return made if eqn.primitive.multiple_results else [made]


def _inside(eqn: Any) -> tuple[Any, Any] | None:
    """The program inside of a call, which is gone through; loops are run as they are."""
    if not _OPENED.search(eqn.primitive.name):
        return None
    inner = next((eqn.params[name] for name in _INNER if name in eqn.params), None)
    if inner is None or len(getattr(inner, "jaxpr", inner).invars) != len(eqn.invars):
        return None
    return (inner.jaxpr, inner.consts) if hasattr(inner, "jaxpr") else (inner, [])


def _around(eqn: Any, around: _Stack) -> _Stack:
    frames = eqn.source_info.traceback.frames if eqn.source_info.traceback is not None else ()
    lines = (f"{frame.file_name}:{frame.line_num}" for frame in frames if is_users(frame.file_name))
    names = str(eqn.source_info.name_stack)
    return _Stack(f"{around.names}/{names}" if around.names else names, next(lines, around.line))


def _new(given: list[Any], made: list[Any]) -> str | None:
    """ "nan" or "inf", where that is in what was made and in nothing that was given."""
    for value, test in (("nan", jnp.isnan), ("inf", lambda a: ~jnp.isfinite(a))):
        if any(bool(test(a).any()) for a in _floats(made)) and not any(
            bool(test(a).any()) for a in _floats(given)
        ):
            return value
    return None


def _floats(arrays: list[Any]) -> list[Any]:
    return [a for a in arrays if jnp.issubdtype(getattr(a, "dtype", np.asarray(a).dtype), jnp.floating)]


def _described(array: Any) -> str:
    shape, dtype = np.shape(array), getattr(array, "dtype", np.asarray(array).dtype)
    if not jnp.issubdtype(dtype, jnp.floating) or not np.size(array):
        return f"{dtype}{list(shape)}"
    low, high, mean = (float(f(array)) for f in (jnp.min, jnp.max, jnp.mean))
    zeros = int((jnp.asarray(array) == 0).sum())
    return f"{dtype}{list(shape)} from {low:.3g} to {high:.3g}, mean {mean:.3g}, {zeros} zeros"
