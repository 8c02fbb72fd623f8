"""An optax transformation from the rule of an optimizer, with what Keras does around it: clipping, decay of
weights, accumulation of gradients, moving averages."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any, NamedTuple, TypeAlias, cast

import jax
import jax.numpy as jnp
import optax

from jkeras.core.types import Array, Function, Shape, Tree, is_traced
from jkeras.optimizers._keras import Step
from jkeras.optimizers._state import path_name

ACCUMULATED, AVERAGE = "accumulated", "average"  # slots beside those of the rule


class KerasState(NamedTuple):
    """The state of a Keras optimizer. All of it is data: no change of a value recompiles anything."""

    iterations: Any  # int32 (): steps done
    hyper: dict[str, Any]  # name → float32 (): lr, decay, momentum, ...
    slots: dict[str, Any]  # name → tree like the parameters


def always(path: str) -> bool:
    """True: every weight decays."""
    del path
    return True


class Around(NamedTuple):
    """The part of a step that is the same for every rule; the arguments of `Optimizer` explain it."""

    clipnorm: float | None = None
    clipvalue: float | None = None
    global_clipnorm: float | None = None
    weight_decay: float | None = None
    decays: Callable[[str], bool] = always  # path of a weight → whether it decays
    steps: int | None = None  # whose gradients are added up
    momentum: float | None = None  # of the moving average
    overwrite: int | None = None  # after how many steps the average takes the weights' place

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of the slots that this needs."""
        return (ACCUMULATED,) * bool(self.steps) + (AVERAGE,) * (self.momentum is not None)


class Plan(NamedTuple):
    """The parts of a transformation.

    Args:
        rule: hyperparameters → `Step`.
        slots: names of the arrays kept for every weight.
        hyper: initial values of the hyperparameters in the state.
        constants: hyperparameters that are part of the program (`epsilon`, `nesterov`, ...).
        schedule: `iterations → lr`; the state then shows the rate that was used last.
        around: what happens around the rule.
        shape: (name of a slot, shape of a weight) → shape of the slot.
        fills: values that slots begin with, where they are not zero.
    """

    rule: Callable[[Any], Step]
    slots: tuple[str, ...]
    hyper: Mapping[str, float]
    constants: Mapping[str, Any]
    schedule: Function | None = None
    around: Around = Around()
    shape: Callable[[str, Shape], Shape] | None = None
    fills: Mapping[str, float] = {}


def clip_norm(g: Array, c: float, n: Array) -> Array:
    """The gradient `g` scaled by `c / n` where the norm `n` is at least `c`; unchanged if `c` is 0 or less.

    Keras 2.2.4: keras/optimizers.py clip_norm.

    Example:
        >>> clip_norm(jnp.array([3.0, 4.0]), 1.0, jnp.float32(5.0)).round(3).tolist()
        [0.6000000238418579, 0.800000011920929]
    """
    if is_traced(c):
        return g * jnp.where((n >= c) & (c > 0), c / n, 1.0)
    return g * jnp.where(n >= c, c / n, 1.0) if c > 0 else g


def _norm(grads: list[Any]) -> Array:
    return jnp.sqrt(sum((jnp.sum(jnp.square(g)) for g in grads), jnp.float32(0)))


def clip(grads: list[Any], around: Around) -> list[Any]:
    """Clip by the norm of each gradient, by that of all together, then by value."""
    if around.clipnorm is not None:
        grads = [clip_norm(g, around.clipnorm, _norm([g])) for g in grads]
    if around.global_clipnorm is not None:
        norm = _norm(grads)
        grads = [clip_norm(g, around.global_clipnorm, norm) for g in grads]
    limit: Any = around.clipvalue
    if is_traced(limit):
        limit = jnp.where(limit > 0, limit, jnp.inf)
        return [jnp.clip(g, -limit, limit) for g in grads]
    return [jnp.clip(g, -limit, limit) for g in grads] if limit is not None and limit > 0 else grads


def at_least_float32(x: Any) -> Any:
    """The dtype that slots and formulas use for a weight: an epsilon of 1e-7 is 0 in half precision."""
    return jnp.promote_types(x.dtype, jnp.float32)


def _of_step(plan: Plan, iterations: Any, hyper: dict[str, Any]) -> SimpleNamespace:
    """The hyperparameters as a rule wants them: with the decayed rate and the number of the step."""
    done = iterations.astype(jnp.float32)
    moves = (iterations // plan.around.steps).astype(jnp.float32) if plan.around.steps else done
    h = SimpleNamespace(**{**plan.constants, **hyper}, t=moves + 1)
    h.scheduled, h.decays = plan.schedule is not None, plan.around.decays
    if "decay" in hyper:
        h.lr = h.lr * (1 / (1 + h.decay * done))
    return h


class _Moment(NamedTuple):
    """Step and weights as lists, one item for each weight."""

    paths: list[str]
    grads: list[Any]
    weights: list[Any]  # empty where no formula takes them
    columns: dict[str, list[Any]]  # slot → arrays
    hyper: dict[str, Any]


Moved: TypeAlias = tuple[list[Any], dict[str, list[Any]], dict[str, Any]]  # updates, slots, hyperparameters


def _moved(plan: Plan, now: _Moment, step: Step) -> Moved:
    """One move: the updates, the new slots and the new hyperparameters."""
    around, lost = plan.around, [0.0] * len(now.grads)
    if around.weight_decay is not None:
        share = around.weight_decay * now.hyper["lr"]
        pairs = zip(now.paths, now.weights, strict=True)
        lost = [w * share if around.decays(path) else 0.0 for path, w in pairs]
    rows: list[list[Any]] = [[path] if step.sees_path else [] for path in now.paths]
    for row, gradient in zip(rows, clip(now.grads, around), strict=True):
        row.append(gradient)
    if step.sees_weight:
        for row, weight, part in zip(rows, now.weights, lost, strict=True):
            row.append(weight - part)
    for slot in plan.slots:
        for row, value in zip(rows, now.columns[slot], strict=True):
            row.append(value)
    results = [step.leaf(*row) for row in rows]
    if around.weight_decay is not None:
        results = [(r[0] - part, *r[1:]) for r, part in zip(results, lost, strict=True)]
    new = {slot: [r[1 + i] for r in results] for i, slot in enumerate(plan.slots)}
    return [r[0] for r in results], {**now.columns, **new}, {**now.hyper, **step.moved}


def _accumulated(plan: Plan, now: _Moment, step: Step, iterations: Any) -> Moved:
    """A move with the mean of the last gradients, every so many steps; between them nothing moves."""
    steps = plan.around.steps
    assert steps is not None
    total = [old + g for old, g in zip(now.columns[ACCUMULATED], now.grads, strict=True)]

    def move() -> Any:
        updates, columns, hyper = _moved(plan, now._replace(grads=[g / steps for g in total]), step)
        return updates, columns | {ACCUMULATED: [g * 0 for g in total]}, hyper

    def wait() -> Any:
        return [g * 0 for g in total], now.columns | {ACCUMULATED: total}, now.hyper

    return cast("Moved", jax.lax.cond((iterations + 1) % steps == 0, move, wait))


def _averaged(around: Around, weights: list[Any], updates: list[Any], average: list[Any], moves: Any):
    """The updates, and the new moving average of the weights; in the first step it begins as the weights."""
    assert around.momentum is not None
    share = jnp.where(moves == 0, 0.0, around.momentum)
    new = [w + u for w, u in zip(weights, updates, strict=True)]
    average = [share * a + (1 - share) * w for a, w in zip(average, new, strict=True)]
    if around.overwrite:
        due = (moves + 1) % around.overwrite == 0
        rows = zip(average, weights, updates, strict=True)
        updates = [jnp.where(due, a - w, u) for a, w, u in rows]
    return updates, average


def transformation(plan: Plan) -> optax.GradientTransformationExtraArgs:
    """An optax transformation by a plan; all is computed from the old state and stored afterwards."""
    around = plan.around

    def first(slot: str, p: Any) -> Array:
        if slot == AVERAGE:  # not zero: an optimizer that has counted steps may begin with other weights
            return jnp.array(p, at_least_float32(p))
        shape = plan.shape(slot, p.shape) if plan.shape and slot in plan.slots else p.shape
        return jnp.full(shape, plan.fills.get(slot, 0.0), at_least_float32(p))

    def init(params: Tree) -> KerasState:
        scalars = {name: jnp.asarray(value, jnp.float32) for name, value in plan.hyper.items()}
        kept = (*plan.slots, *around.slots)
        slots = {slot: jax.tree.map(partial(first, slot), params) for slot in kept}
        return KerasState(jnp.int32(0), scalars, slots)

    def update(updates: Tree, state: Tree, params: Tree = None, **extra: Any):
        del extra
        named, tree = cast(Any, jax.tree_util.tree_flatten_with_path(updates))
        grads = [g.astype(at_least_float32(g)) for _, g in named]
        hyper = dict(state.hyper)
        if plan.schedule is not None:
            hyper["lr"] = jnp.asarray(plan.schedule(state.iterations), jnp.float32)
        step = plan.rule(_of_step(plan, state.iterations, hyper))
        weights: list[Any] = []
        if step.sees_weight or around.weight_decay is not None or around.momentum is not None:
            weights = [w.astype(at_least_float32(w)) for w in tree.flatten_up_to(params)]
        columns = {slot: tree.flatten_up_to(kept) for slot, kept in state.slots.items()}
        now = _Moment([path_name(path) for path, _ in named], grads, weights, columns, hyper)
        if around.steps:
            result, columns, hyper = _accumulated(plan, now, step, state.iterations)
        else:
            result, columns, hyper = _moved(plan, now, step)
        if around.momentum is not None:
            moves = state.iterations // around.steps if around.steps else state.iterations
            result, columns[AVERAGE] = _averaged(around, weights, result, columns[AVERAGE], moves)
        slots = {slot: tree.unflatten(column) for slot, column in columns.items()}
        return tree.unflatten(result), KerasState(state.iterations + 1, hyper, slots)

    return optax.GradientTransformationExtraArgs(init, update)
