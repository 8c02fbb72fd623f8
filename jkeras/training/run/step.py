"""The steps: one batch through the model, and what comes of it. Pure functions, built once and compiled
elsewhere.

A step is `step(carry, fixed, batch, ctx) -> (carry, result)`. The carry is what steps hand on (donated from
dispatch to dispatch), `fixed` is what stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jkeras.core import bits
from jkeras.core.types import Batch, Ctx
from jkeras.training.objective.dependence import Reach, refuse
from jkeras.training.objective.endpoints import Endpoint


class Carry(NamedTuple):
    """The arrays that a step changes: stores `{path: {name: array}}` of parameters and state, and the
    optimizer's state."""

    params: Any
    state: Any
    opt: Any


class Fixed(NamedTuple):
    """The arrays that a step only reads: the rest of the parameters and of the state."""

    params: Any
    state: Any


def train_step(program, objective, move: Callable, inputs: list[Endpoint]) -> Callable:
    """One step of training: gradients of the live parameters, all updates at once.

    Args:
        program: the model (`apply`, `penalty`).
        objective: its `Objective`.
        move: the optimizer's step over `{path: {name: array}}`, see `Optimizer.mover`.
        inputs: the model's inputs.

    Returns:
        The step; its result is the vector of the values that `objective.names` names.
    """

    def step(carry: Carry, fixed: Fixed, batch: Batch, ctx: Ctx):
        batch = cast(batch, inputs, objective.fed)
        state = merge(fixed.state, carry.state)

        def share(live, ctx=ctx):
            params = {**fixed.params, **live}
            out = program.apply(params, state, batch.x, ctx)
            with program.frame(params, state, out, ctx) as frame:
                loss, values = objective(out.y, out.mask, batch, ctx)
                loss = loss + out.loss + program.penalty(params) / ctx.total(1)
            values = [*values, *objective.reported(out.metrics, ctx)]
            return loss.astype(jnp.float32), (values, written(program, out.state, frame))

        (loss, (values, new)), grads = _gradient(share, carry.params, ctx)
        loss, values, grads = ctx.total((loss, values, grads))
        whole = _whole(lambda live: share(live)[0], ctx)
        same = ctx.at("optimizer").replace(axis=None)  # what is drawn is the same on all devices
        live, opt = move(grads, carry.opt, carry.params, same, loss, whole)
        return Carry(like(live, carry.params), like(new, carry.state), opt), _vector(loss, values)

    return step


def _gradient(share: Callable, live: dict, ctx: Ctx):
    """Value and gradient of the loss `share(live, ctx)`, which must depend on all of the weights.

    A weight that is used in inference only has a gradient in Keras, whose graph holds both phases.
    """
    reach = Reach(live)

    def loss_of(live, ctx):
        return jax.value_and_grad(lambda live: share(reach.through(live), ctx), has_aux=True)(live)

    result = loss_of(live, ctx)
    if reach.missing:
        jax.eval_shape(lambda live: loss_of(live, ctx.replace(training=False)), live)
        refuse(reach.missing, len(jax.tree.leaves(live)))
    return result


def test_step(program, objective, inputs: list[Endpoint]) -> Callable:
    """Loss and metrics of a batch, without training; only the state of stateful layers moves."""

    def step(carry: Carry, fixed: Fixed, batch: Batch, ctx: Ctx):
        batch = cast(batch, inputs, objective.fed)
        state = merge(fixed.state, carry.state)
        out = program.apply(fixed.params, state, batch.x, ctx)
        with program.frame(fixed.params, state, out, ctx) as frame:
            loss, values = objective(out.y, out.mask, batch, ctx)
            loss = loss + out.loss + program.penalty(fixed.params) / ctx.total(1)
        loss, values = ctx.total((loss, [*values, *objective.reported(out.metrics, ctx)]))
        new = written(program, out.state, frame)
        return carry._replace(state=like(new, carry.state)), _vector(loss, values)

    return step


def predict_step(program, inputs: list[Endpoint]) -> Callable:
    """The outputs of a batch; only the state of stateful layers moves."""

    def step(carry: Carry, fixed: Fixed, batch: Batch, ctx: Ctx):
        batch = cast(batch, inputs, [])
        out = program.apply(fixed.params, merge(fixed.state, carry.state), batch.x, ctx)
        return carry._replace(state=like(out.state, carry.state)), out.y

    return step


def cast(batch: Batch, inputs, targets) -> Batch:
    """Data travel as they are; here they get the dtype that the model declares."""
    x = [a.astype(bits.supported(endpoint.dtype)) for a, endpoint in zip(batch.x, inputs, strict=True)]
    y = [a.astype(bits.supported(target.dtype)) for a, target in zip(batch.y, targets, strict=True)]
    return Batch(x, y, batch.weight)


def written(program, state: dict, frame) -> dict:
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


def merge(below: dict, above: dict) -> dict:
    """Two stores as one; entries of `above` win."""
    return {path: {**below.get(path, {}), **above.get(path, {})} for path in {**below, **above}}


def like(store: dict, model: dict) -> dict:
    """The entries of `store` that `model` has, in its dtypes."""
    return {
        path: {name: jnp.asarray(store[path][name], old.dtype) for name, old in entries.items()}
        for path, entries in model.items()
    }


def _vector(loss, values):
    return jnp.stack([jnp.asarray(v, jnp.float32) for v in (loss, *values)])


def _whole(share: Callable, ctx: Ctx) -> Callable:
    """The loss of the whole batch as a function, with its gradient, for optimizers that search along a
    line."""
    if ctx.axis is None:
        return share

    @jax.custom_vjp
    def loss(live):
        return ctx.total(share(live))

    def forward(live):
        value, grads = jax.value_and_grad(share)(live)
        return ctx.total((value, grads))

    loss.defvjp(forward, lambda grads, g: (jax.tree.map(lambda a: a * g.astype(a.dtype), grads),))
    return loss


def has_convolution(jaxpr) -> bool:
    """Whether a convolution of XLA's that derivatives may be taken of occurs in a jaxpr, at any depth.

    What stands under a derivative rule of its own is not one: of that, no derivative has been taken.
    """
    for eqn in jaxpr.eqns:
        if eqn.primitive.name == "conv_general_dilated":
            return True
        if eqn.primitive.name == "custom_jvp_call":
            continue
        for value in eqn.params.values():
            for inner in value if isinstance(value, (list, tuple)) else [value]:
                inner = getattr(inner, "jaxpr", inner)
                if hasattr(inner, "eqns") and has_convolution(inner):
                    return True
    return False
