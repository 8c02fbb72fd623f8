"""Arrays beside the optimizer's own that steps hand on: gathered gradients, averages, the scale of the loss.

They stand in one tree with the optimizer's state: files, checkpoints and loops of the user's own carry them.
"""

# pyright: reportUnknownMemberType=false, reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false
from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from jkeras.core.types import Array, Ctx, Function, Store, Tree
from jkeras.engine.tensors.variable import Variable
from jkeras.optimizers import Binding
from jkeras.training.run.options import StepOptions

_FIRST_SCALE, _GROWTH_STEPS = 2.0**15, 2000  # those of Keras 3


class Gathered(NamedTuple):
    """The batches since the last update: how many, and the sums of their losses and gradients."""

    count: Any
    loss: Any
    gradients: Store


class Average(NamedTuple):
    """The moving average of the weights, and the number of updates in it."""

    updates: Any
    weights: Store


class Scale(NamedTuple):
    """The scale of the loss, and how many steps it has stood."""

    value: Any
    steps: Any


class Extras(NamedTuple):
    """The optimizer's own state, and what `StepOptions` ask for beside it."""

    inner: Tree
    gathered: Gathered | None = None
    average: Average | None = None
    scale: Scale | None = None


class ExtendedBinding(Binding):
    """The state of an optimizer for one model with the extras beside it, under paths of their own.

    Args:
        own: the optimizer's binding.
        live: the cells of the weights that train.
        options: of the step.
    """

    def __init__(self, own: Binding, live: dict[str, dict[str, Variable]], options: StepOptions):
        arrays = jax.tree.map(Variable.take, live, is_leaf=_is_cell)
        extras: Extras = jax.tree.map(Variable, first(None, arrays, options))
        super().__init__(extras._replace(inner=own.state), own.weights)
        self.own, self.live = own, live
        self.paths = [path.removeprefix("inner/") for path in self.paths]

    def averages(self) -> list[tuple[Variable, Variable]]:
        """Each trained weight and its moving average, once there has been an update."""
        average: Average | None = self.state.average
        if average is None:
            return self.own.averages()
        if not average.updates.take():
            return []
        weights, averages = (jax.tree.leaves(t, is_leaf=_is_cell) for t in (self.live, average.weights))
        return list(zip(weights, averages, strict=True))


def _is_cell(thing: object) -> bool:
    return isinstance(thing, Variable)


def first(inner: Tree, live: Store, options: StepOptions) -> Extras:
    """The state to begin with: the optimizer's, and what the options ask for."""
    gathered = average = scale = None
    if options.accumulate > 1:
        gathered = Gathered(jnp.int32(0), jnp.float32(0), jax.tree.map(jnp.zeros_like, live))
    if options.ema is not None:
        average = Average(jnp.int32(0), jax.tree.map(jnp.copy, live))
    if options.loss_scale == "dynamic":
        scale = Scale(jnp.float32(_FIRST_SCALE), jnp.int32(0))
    return Extras(inner, gathered, average, scale)


def mover(move: Function, options: StepOptions) -> Function:
    """An optimizer's `move` as one of `Extras`: it gathers gradients and keeps the average."""

    def update(grads: Store, extras: Extras, params: Store, ctx: Ctx, value: Array, value_fn: Function):
        new, inner = move(grads, extras.inner, params, ctx, value, value_fn)
        new = jax.tree.map(_as, new, params)
        return new, extras._replace(inner=inner, average=_averaged(extras.average, new, options.ema))

    def gather(
        grads: Store, extras: Extras, params: Store, ctx: Ctx, value: Array, value_fn: Function
    ) -> tuple[Store, Extras]:
        before = extras.gathered
        if before is None:
            return update(grads, extras, params, ctx, value, value_fn)
        count = before.count + 1
        loss, sums = jax.tree.map(jnp.add, (before.loss, before.gradients), (value, grads))

        def due() -> tuple[Store, Extras]:
            loss_mean, means = jax.tree.map(lambda a: a / options.accumulate, (loss, sums))
            new, after = update(means, extras, params, ctx, loss_mean, value_fn)
            return new, after._replace(gathered=jax.tree.map(jnp.zeros_like, before))

        def not_yet() -> tuple[Store, Extras]:
            return params, extras._replace(gathered=Gathered(count, loss, sums))

        return lax.cond(count == options.accumulate, due, not_yet)

    return gather


def _as(new: Array, old: Array) -> Array:
    return jnp.asarray(new, old.dtype)


def _averaged(average: Average | None, weights: Store, share: float | None) -> Average | None:
    """The average after an update; the first one it takes over, as Keras 3 does."""
    if average is None:
        return None
    kept = jnp.where(average.updates == 0, 0.0, share or 0.0)

    def moved(old: Array, new: Array) -> Array:
        return (kept * old + (1 - kept) * new).astype(old.dtype)

    return Average(average.updates + 1, jax.tree.map(moved, average.weights, weights))


def scale_of(opt: Tree, options: StepOptions) -> Any:
    """The number that the loss is multiplied with in this step; None where it is not."""
    return opt.scale.value if options.loss_scale == "dynamic" else options.loss_scale


def left_out_unless(fine: Array, before: Tree, after: Tree) -> Tree:
    """The arrays after a step; where its gradients were not finite, all as it was."""
    return jax.tree.map(lambda old, new: jnp.where(fine, new, old), before, after)


def rescaled(opt: Tree, fine: Array) -> Tree:
    """The state with the scale of the next step: half after one that was left out, double after many."""
    if not isinstance(opt, Extras) or opt.scale is None:
        return opt
    value, steps = opt.scale
    grows = fine & (steps == _GROWTH_STEPS - 1)
    value = jnp.where(grows, value * 2, jnp.where(fine, value, jnp.maximum(value / 2, 1e-30)))
    return opt._replace(scale=Scale(value, jnp.where(fine & ~grows, steps + 1, 0)))


def are_finite(grads: Tree) -> Array:
    """Whether all gradients are finite."""
    return jnp.all(jnp.stack([jnp.isfinite(g).all() for g in jax.tree.leaves(grads)]))
