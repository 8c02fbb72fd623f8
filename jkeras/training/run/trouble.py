"""The place where a training step goes wrong: its operations one by one, outside of compiled code."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownLambdaType=false
from __future__ import annotations

import re
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jkeras.core.frames import definition
from jkeras.core.types import Array, Ctx, Params, State
from jkeras.engine.tree import instances
from jkeras.training.run.pure_step import StepCarry, TrainingStep
from jkeras.training.run.replay import Origin, kind_of, origin_of
from jkeras.training.run.step import LOSS, UPDATE

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
    made = _lines(step)
    spoilt = _spoilt(carry, made)
    if spoilt is not None:
        return spoilt

    def forward(params: Params, state: State, ctx: Ctx) -> tuple[Array, Any]:
        loss, outcome = step.loss(params, state, batch, ctx)
        return loss, (outcome.logs, outcome.state)

    def backward(params: Params, state: State, ctx: Ctx) -> Any:
        def scaled(*given: Any) -> tuple[Array, Any]:
            loss, rest = forward(*given)
            with jax.named_scope(LOSS):
                return loss * (1 if scale == "dynamic" else scale), rest  # which finds its size by itself

        return jax.grad(scaled, has_aux=True)(params, state, ctx)

    def whole(carry: StepCarry, ctx: Ctx) -> Any:
        return step.apply(carry, batch, ctx)

    phases = [("forward", forward, carry[:2]), ("backward", whole, (carry,))]
    scale: Any = step.trainer.options.loss_scale
    if scale is not None:  # the step leaves out what is not finite
        phases.insert(1, ("backward", backward, carry[:2]))
    for phase, function, given in phases:
        origin = origin_of(function, *given, ctx)
        if origin is not None:
            return _place(origin, phase, made)
    return None


def _lines(step: TrainingStep) -> dict[str, str | None]:
    """The lines where layers were made, by name and by names with slashes between; and that of an optimizer's
    own `get_updates`."""
    lines = {UPDATE: definition(getattr(step.trainer.optimizer, "get_updates", None))}
    names: dict[str, str] = {}  # by path
    for path, layer in instances(step.program.layer):
        lines.setdefault(layer.name, layer.made_at)
        around = names.get(path.rsplit("/", 2)[0], "")
        names[path] = f"{around}/{layer.name}" if around else layer.name
        lines[names[path]] = layer.made_at
    return lines


def _spoilt(carry: StepCarry, made: dict[str, str | None]) -> Place | None:
    """The first weight or number of the optimizer that is NaN or infinite before the step."""
    leaves: list[tuple[Any, Any]] = jax.tree_util.tree_flatten_with_path(tuple(carry))[0]
    for path, leaf in leaves:
        value = kind_of(leaf)
        if value is not None:
            names = [str(getattr(key, "key", getattr(key, "name", key))) for key in path[1:]]
            layer = next((name for name in names if name in made), UPDATE)
            return Place(
                layer, "before the step", "/".join(names), made.get(layer), value, (_described(leaf),)
            )
    return None


def _place(origin: Origin, phase: str, made: dict[str, str | None]) -> Place:
    """The place in words; `made` has the lines where layers were made."""
    known = [n for n in re.split(r"[/()]", origin.around.names) if n in made or n in (LOSS, UPDATE)]
    layer = known[-1] if known else "the model"
    paths = ["/".join(known[i:]) for i in range(len(known))]
    line = origin.around.line or next((made[path] for path in paths if path in made), None)
    inputs = tuple(map(_described, origin.inputs[:_TOLD]))
    return Place(layer, "update" if layer == UPDATE else phase, origin.operation, line, origin.value, inputs)


def _described(array: Any) -> str:
    shape, dtype = np.shape(array), getattr(array, "dtype", np.asarray(array).dtype)
    if not jnp.issubdtype(dtype, jnp.floating) or not np.size(array):
        return f"{dtype}{list(shape)}"
    low, high, mean = (float(f(array)) for f in (jnp.min, jnp.max, jnp.mean))
    zeros = int((jnp.asarray(array) == 0).sum())
    return f"{dtype}{list(shape)} from {low:.3g} to {high:.3g}, mean {mean:.3g}, {zeros} zeros"
