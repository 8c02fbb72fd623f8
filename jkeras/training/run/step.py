"""The steps: one batch through the model, and what comes of it. Pure functions, built once and compiled
elsewhere.

A step is `step(carry, fixed, batch, ctx) -> (carry, result)`. The carry is what steps hand on (donated from
dispatch to dispatch), `fixed` is what stays as it is.
"""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import typing
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from jkeras.core import bits, logits
from jkeras.core.jaxprs import inner_programs
from jkeras.core.types import Array, Batch, Ctx, Function, Store
from jkeras.engine.program import Program
from jkeras.engine.tensors.frame import Frame
from jkeras.primitives.conv_products import is_fast_in_loops
from jkeras.training.objective.dependence import Reach, refuse
from jkeras.training.objective.endpoints import Endpoint, Target
from jkeras.training.objective.function import Objective
from jkeras.training.run import extras
from jkeras.training.run.options import PLAIN, StepOptions
from jkeras.training.types import Step

LOSS, UPDATE = "loss", "update"  # the names that programs and profiles show beside those of layers


class Carry(NamedTuple):
    """The arrays that a step changes: stores `{path: {name: array}}` of parameters and state, and the
    optimizer's state."""

    params: Store
    state: Store
    opt: Any


Lent: TypeAlias = dict[tuple[str, str], int]  # (path, name): number among the leaves of the optimizer's state


class Fixed(NamedTuple):
    """The arrays that a step only reads: the rest of the parameters and of the state."""

    params: Store
    state: Store


def train_step(
    program: Program,
    objective: Objective,
    move: Function,
    inputs: list[Endpoint],
    lent: Lent,
    options: StepOptions = PLAIN,
) -> Step:
    """One step of training: gradients of the live parameters, all updates at once.

    Args:
        program: the model (`apply`, `penalty`).
        objective: its `Objective`.
        move: the optimizer's step over `{path: {name: array}}`, see `Optimizer.mover`.
        inputs: the model's inputs.
        lent: the entries of the state that are the optimizer's.
        options: of the step.

    Returns:
        The step; its result is the vector of the values that `objective.names` names.
    """

    total = whole_objective(program, objective, options)

    def step(carry: Carry, fixed: Fixed, batch: Batch, ctx: Ctx) -> tuple[Carry, Array]:
        batch = cast(batch, inputs, objective.fed)
        state = merge(merge(fixed.state, carry.state), _borrowed(lent, carry.opt))

        def share(live: Store, ctx: Ctx = ctx) -> tuple[Array, tuple[list[Array], Store]]:
            loss, values, new, _ = total({**fixed.params, **live}, state, batch, ctx)
            return loss, (values, new)

        scale = extras.scale_of(carry.opt, options)
        (loss, (values, new)), grads = _gradient(share, carry.params, ctx, scale)
        loss, values, grads = ctx.total((loss, values, grads))

        def loss_of(live: Store) -> Array:
            return share(live)[0]

        whole = _whole(loss_of, ctx)
        same = ctx.at("optimizer").replace(axis=None)  # what is drawn is the same on all devices
        with jax.named_scope(UPDATE):
            live, opt = move(grads, carry.opt, carry.params, same, loss, whole)
        done = Carry(like(live, carry.params), like(new, carry.state), opt)
        if scale is not None:
            fine = extras.are_finite(grads)
            done = extras.left_out_unless(fine, carry, done)
            done = done._replace(opt=extras.rescaled(done.opt, fine))
        return done, _vector(loss, values)

    return step


def whole_objective(program: Program, objective: Objective, options: StepOptions = PLAIN) -> Function:
    """The number that is minimized, and what comes with it, as a function of stores:
    `(params, state, batch, ctx) -> (loss, metrics, state, outputs)`; of several devices this one's share."""

    def total(
        params: Store, state: Store, batch: Batch, ctx: Ctx
    ) -> tuple[Array, list[Array], Store, list[Array]]:
        ctx = options.told(ctx)
        with logits.remembered():
            out = program.apply(params, state, batch.x, ctx)
            with jax.named_scope(LOSS), program.frame(params, state, out, ctx) as frame:
                loss, values = objective(out.y, out.mask, batch, ctx)
                loss = loss + out.loss + program.penalty(params) / ctx.total(1)
                values = objective.with_others(values, out, batch, frame, ctx)
        return loss.astype(jnp.float32), values, written(program, out.state, frame), out.y

    return total


def _borrowed(lent: Lent, opt: Any) -> Store:
    """A store of those entries of the state that are the optimizer's, as they are before the step."""
    store: Store = {}
    for (path, name), number in lent.items():
        store.setdefault(path, {})[name] = jax.tree.leaves(opt)[number]
    return store


def _gradient(share: Function, live: Store, ctx: Ctx, scale: Any = None) -> Any:
    """Value and gradient of the loss `share(live, ctx)`, which must depend on all of the weights.

    A weight that is used in inference only has a gradient in Keras, whose graph holds both phases.
    Where there is a scale, what is differentiated is the loss times this number.
    """
    if scale is not None:

        def scaled(live: Store, ctx: Ctx) -> tuple[Array, Any]:
            loss, rest = share(live, ctx)
            return loss * scale, (loss, rest)

        def unscaled(grad: Array) -> Array:
            return (grad / scale).astype(grad.dtype)

        (_, whole), grads = _gradient(scaled, live, ctx)
        return whole, jax.tree.map(unscaled, grads)
    reach = Reach(live)

    def loss_of(live: Store, ctx: Ctx) -> Any:
        def noted(live: Store) -> Any:
            return share(reach.through(live), ctx)

        return jax.value_and_grad(noted, has_aux=True)(live)

    result = loss_of(live, ctx)
    if reach.missing:
        jax.eval_shape(partial(loss_of, ctx=ctx.replace(training=False)), live)
        refuse(reach.missing, len(jax.tree.leaves(live)))
    return result


def test_step(
    program: Program, objective: Objective, inputs: list[Endpoint], options: StepOptions = PLAIN
) -> Step:
    """Loss and metrics of a batch, without training; only the state of stateful layers moves."""
    total = whole_objective(program, objective, options)

    def step(carry: Carry, fixed: Fixed, batch: Batch, ctx: Ctx) -> tuple[Carry, Array]:
        batch = cast(batch, inputs, objective.fed)
        loss, values, new, _ = total(fixed.params, merge(fixed.state, carry.state), batch, ctx)
        loss, values = ctx.total((loss, values))
        return carry._replace(state=like(new, carry.state)), _vector(loss, values)

    return step


def predict_step(program: Program, inputs: list[Endpoint], options: StepOptions = PLAIN) -> Step:
    """The outputs of a batch; only the state of stateful layers moves."""

    def step(carry: Carry, fixed: Fixed, batch: Batch, ctx: Ctx) -> tuple[Carry, list[Array]]:
        batch = cast(batch, inputs, [])
        out = program.apply(fixed.params, merge(fixed.state, carry.state), batch.x, options.told(ctx))
        return carry._replace(state=like(out.state, carry.state)), out.y

    return step


def cast(batch: Batch, inputs: Sequence[Endpoint], targets: Sequence[Target]) -> Batch:
    """Data travel as they are; here they get the dtype that the model declares."""
    x = [a.astype(bits.supported(endpoint.dtype)) for a, endpoint in zip(batch.x, inputs, strict=True)]
    y = [a.astype(bits.supported(target.dtype)) for a, target in zip(batch.y, targets, strict=True)]
    return Batch(x, y, batch.weight)


def written(program: Program, state: Store, frame: Frame) -> Store:
    """The state with what losses and metrics have written to variables of their own."""
    if not frame.updates:
        return state
    places = {v: (path, name) for path, cells in program.state.items() for name, v in cells.items()}
    state = {path: dict(entries) for path, entries in state.items()}
    for variable, value in frame.updates.items():
        if variable not in places:
            raise ValueError(f"A loss or metric may not write to {variable!r}: it is a trained weight.")
        path, name = places[variable]
        state[path][name] = value
    return state


def merge(below: Store, above: Store) -> Store:
    """Two stores as one; entries of `above` win."""
    return {path: {**below.get(path, {}), **above.get(path, {})} for path in {**below, **above}}


def like(store: Store, model: Store) -> Store:
    """The entries of `store` that `model` has, in its dtypes."""
    return {
        path: {name: jnp.asarray(store[path][name], old.dtype) for name, old in entries.items()}
        for path, entries in model.items()
    }


def _vector(loss: Array, values: Sequence[Array]) -> Array:
    return jnp.stack([jnp.asarray(v, jnp.float32) for v in (loss, *values)])


def _whole(share: Callable[[Store], Array], ctx: Ctx) -> Function:
    """The loss of the whole batch as a function, with its gradient, for optimizers that search along a
    line."""
    if ctx.axis is None:
        return share

    @jax.custom_vjp
    def loss(live: Store) -> Array:
        return ctx.total(share(live))

    def forward(live: Store) -> tuple[Array, Store]:
        value, grads = jax.value_and_grad(share)(live)
        return ctx.total((value, grads))

    def backward(grads: Store, g: Array) -> tuple[Store]:
        def scaled(a: Array) -> Array:
            return a * g.astype(a.dtype)

        return (jax.tree.map(scaled, grads),)

    loss.defvjp(forward, backward)
    return typing.cast(Function, loss)


def has_slow_convolution(jaxpr: Any) -> bool:
    """Whether a convolution that XLA's CPU backend makes slower in a loop occurs in a jaxpr, at any depth."""
    return any(map(_is_slow, jaxpr.eqns))


def _is_slow(equation: Any) -> bool:
    if equation.primitive.name == "conv_general_dilated":
        return not is_fast_in_loops(equation.params, equation.outvars[0].aval.dtype)
    return any(map(has_slow_convolution, inner_programs(equation)))
