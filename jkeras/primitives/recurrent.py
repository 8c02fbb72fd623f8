"""Loops over time: one for any step, one with hand-made derivatives for the standard cells.

All arrays in here are time-major, `(time, batch, ...)`; a mask is `(time, batch, 1)` of booleans. Output `t`
stands at index `t` also when the loop runs backwards, so that the caller decides whether (and where) to
reverse.
"""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
from jax import lax

from jkeras.core.types import Array, Function
from jkeras.primitives.numeric import is_placed, rows_as, widened


class Way(NamedTuple):
    """How to go over time (static).

    Args:
        reverse: from the last time step to the first.
        unroll: one copy of the step for each time step instead of a loop.
        sequences: whether the outputs of all time steps are wanted.
    """

    reverse: bool = False
    unroll: bool = False
    sequences: bool = True


FORWARD = Way()


def loop(step: Function, xs: Any, states: list[Any], mask: Array | None = None, way: Way = FORWARD):
    """Run `step` over time.

    Where the mask is False a sample keeps its states, and its output repeats what came before: `states[0]`,
    as the dynamic loop of Keras's TensorFlow backend has it, or, unrolled, the output of the time step before
    (at first zeros).

    Args:
        step: `step(x, states) -> (y, states)`, lists of states.
        xs: array or tree of arrays `(time, batch, ...)`.
        states: initial states `(batch, ...)`; they are cast to the dtype that the step gives back.
        mask: booleans `(time, batch, 1)` or None.
        way: direction, unrolling, whether all outputs are wanted.

    Returns:
        `(last output, outputs (time, batch, ...) or None, states)`.

    Raises:
        ValueError: a mask, but no states; or an output that has not the shape of the first state.

    Keras 2.2.4: keras/backend/tensorflow_backend.py rnn

    Example:
        >>> last, ys, _ = loop(lambda x, s: (x + s[0], [x + s[0]]), jnp.ones((3, 1, 1)), [jnp.zeros((1, 1))])
        >>> ys.ravel().tolist()
        [1.0, 2.0, 3.0]
    """
    y, states = _settle(step, xs, states)
    previous = jnp.zeros(y.shape, y.dtype)
    if states:
        previous = rows_as(previous, states[0])
    if mask is not None and not way.unroll:
        _check_masked(states, y)

    def body(carry: Any, t: Any):
        x, keep = t
        states, previous = carry
        y, new = step(x, states)
        if keep is not None:
            y = jnp.where(_like(keep, y), y, previous if way.unroll else states[0])
            new = [jnp.where(_like(keep, n), n, s) for n, s in zip(new, states, strict=True)]
        return (list(new), y), (y if way.sequences else None)

    (states, last), ys = lax.scan(
        body, (states, previous), (xs, mask), reverse=way.reverse, unroll=_at_once(way)
    )
    return last, ys, states


def _settle(step: Function, xs: Any, states: Any):
    """The shape of the output, and the initial states in the dtype that the step keeps them in."""

    def of_one(a: Any) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(a.shape[1:], a.dtype)

    first = jax.tree.map(of_one, xs)
    states, y = [jnp.asarray(s) for s in states], first
    for _ in range(2):
        y, new = jax.eval_shape(step, first, states)
        if len(new) != len(states):
            raise ValueError(f"the cell has {len(states)} states, but its call returned {len(new)}")
        states = [s.astype(n.dtype) for s, n in zip(states, new, strict=True)]
    return y, states


def _check_masked(states: Any, y: Array) -> None:
    if not states:
        raise ValueError("a mask needs states: where a time step is masked, the output is the first state")
    if states[0].shape != y.shape:
        raise ValueError(
            f"with a mask, the first state of the cell must have the shape of its output: the state has "
            f"{states[0].shape}, the output {y.shape} (in a stack: equal units, or reverse_state_order)"
        )


def _like(keep: Any, value: Any):
    """A mask `(batch, 1)` with as many axes as `value`."""
    return keep.reshape(keep.shape[:1] + (1,) * (value.ndim - 1))


# --- standard cells ---------------------------------------------------------------------------------------
# The derivative of a recurrent layer spends its time in the loop. Two things make it short: the gradient of
# the recurrent weights is one product over all time steps after the loop instead of a sum inside it, and all
# that does not depend on the incoming gradient is computed in the forward loop. Both are said once, as the
# linear map from small changes of the inputs to small changes of the outputs (a custom JVP): jax transposes
# it for grad, uses it as it is for forward mode, and differentiates it again for second derivatives.


class Cell(NamedTuple):
    """A cell as three pure functions; `fns = (activation, gate)` return `(value, slope)`.

    Args:
        forward: `(fns, z, states, w, drop) -> (states, saved, extra)`: one time step; z is the input's
            projection, saved is for `tangent`, extra (or None) for `late`.
        tangent: `(saved, u, dstates, turned, drop) -> dstates`: small changes of it, linear in (u, dstates);
            `turned` are the weights transposed.
        late: `(h, extra, dz, dw, drop) -> u`: what changes of z and w add, for all time steps at once; h are
            the outputs before each time step.

    States are lists whose first entry is the output; w is a dict of recurrent weights.
    """

    forward: Function
    tangent: Function
    late: Function


class Plan(NamedTuple):
    """The static part of a run: which cell, which functions, which way."""

    cell: Cell
    activation: Function
    gate: Function
    way: Way


def run(
    plan: Plan,
    z: Any,
    w: dict[str, Any],
    states: list[Any],
    drop: Array | None = None,
    mask: Array | None = None,
) -> tuple[Array, Array | None, list[Array]]:
    """A standard cell over time.

    Args:
        plan: cell, elementwise activations, direction.
        z: the input's projection, bias included, `(time, batch, gates * units)`.
        w: recurrent weights.
        states: initial states `(batch, units)`.
        drop: factors for the recurrent input, `(1, batch, units)` for one mask, `(gates, batch, units)` for
            one per gate, or None.
        mask: booleans `(time, batch, 1)` or None.

    Returns:
        `(last output, outputs or None, states)`, as `loop`.
    """
    states = [jnp.asarray(s, z.dtype) for s in states]
    w = {name: value.astype(z.dtype) for name, value in w.items()}
    if drop is not None:
        drop = lax.stop_gradient(drop).astype(z.dtype)
    states, ys = cast("tuple[list[Array], Array | None]", _run(plan, z, w, states, drop, mask))
    return states[0], ys, states


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _run(plan: Plan, z: Any, w: Any, states: Any, drop: Array | None, mask: Array | None):
    return _forward(plan, z, w, states, drop, mask, _value)[0]


@_run.defjvp
def _run_jvp(plan: Plan, primals: Any, tangents: Any):
    z, w, states, drop, mask = primals
    dz, dw, dstates, _, _ = tangents
    (last, ys), saved, extra = _forward(plan, z, w, states, drop, mask, _value_and_slope)
    first = states[0][None]
    before = jnp.concatenate([ys[1:], first] if plan.way.reverse else [first, ys[:-1]])
    u = plan.cell.late(_dropped(before, drop), extra, dz, dw, drop)
    turned = jax.tree.map(jnp.transpose, w)  # once, for the transposed loop: the one that grad runs

    def over_time(dstates: Any, u: Any):
        return _scan(plan.way, body, dstates, (u, saved, mask))

    def body(dstates: Any, t: Any):
        u, saved, keep = t
        new = _kept(keep, plan.cell.tangent(saved, u, dstates, turned, drop), dstates)
        return new, (new[0] if plan.way.sequences else None)

    out = (last, ys if plan.way.sequences else None)
    return out, _linear(over_time, dstates, u)


def _linear(function: Function, *tangents: Any):
    """A linear function of tangents that jax can transpose: before 0.10, a scan only if jax linearized it."""
    if jax.__version_info__ < (0, 10):
        at = jax.tree.map(jnp.zeros_like, tangents)
        function = cast("Function", jax.linearize(function, *at)[1])
    return function(*tangents)


def _forward(
    plan: Plan, z: Any, w: Any, states: Any, drop: Array | None, mask: Array | None, mode: Any
) -> tuple[tuple[Any, Any], Any, Any]:
    """`((states, outputs), saved, extra)`; what a derivative needs is None unless `mode` makes slopes."""
    fns = (partial(mode, plan.activation), partial(mode, plan.gate))
    slopes = mode is _value_and_slope

    def body(states: Any, t: Any):
        z, keep = t
        new, saved, extra = plan.cell.forward(fns, z, states, w, drop)
        new = _kept(keep, new, states)
        y = new[0] if slopes or plan.way.sequences else None
        return new, (y, (saved, extra) if slopes else (None, None))

    states, (ys, kept) = _scan(plan.way, body, states, (z, mask))
    return (states, ys), kept[0], kept[1]


def _scan(way: Way, body: Function, states: Any, xs: Any):
    return lax.scan(body, states, xs, reverse=way.reverse, unroll=_at_once(way))


def _at_once(way: Way) -> int | bool:
    """How many time steps a turn of the loop makes.

    On a GPU a turn costs as much as a small step: four at once halve the time of LSTM's gradient (an H200,
    128 and 256 units; `benchmarks/gpu.py`). On a CPU they only cost compilation.
    """
    return True if way.unroll else 4 if jax.default_backend() == "gpu" else 1


def _kept(keep: Any, new: Any, old: Any):
    return new if keep is None else [jnp.where(keep, n, o) for n, o in zip(new, old, strict=True)]


def _value(function: Function, x: Array):
    return function(x), 0.0


def _value_and_slope(function: Function, x: Array):
    return jax.jvp(function, (x,), (jnp.ones_like(x),))


def stepper(cell: Cell, activation: Any, gate: Any, w: dict[str, Any], drop: Array | None = None) -> Function:
    """`step(z, states) -> (y, states)` of a standard cell for `loop`; its activations may be any function."""
    fns = (partial(_value, activation), partial(_value, gate))

    def step(z: Any, states: Any):
        new, *_ = cell.forward(fns, z, states, w, drop)
        return new[0], new

    return step


def _dropped(h: Array, drop: Array | None):
    """The state under a mask that all gates share."""
    return h * widened(drop[0], h) if drop is not None and drop.shape[0] == 1 else h


def project(h: Array, kernel: Array, drop: Array | None = None) -> Array:
    """`h @ kernel`; where `drop` has factors per gate, every gate's part of the kernel has its own.

    Whole sequences go as one matrix too: the gradient of the kernel is then twice as fast on a CPU.
    """
    if is_placed(h) and (drop is None or drop.shape[0] == 1):
        return h @ kernel
    if drop is None or drop.shape[0] == 1:
        return (h.reshape((-1, h.shape[-1])) @ kernel).reshape((*h.shape[:-1], kernel.shape[-1]))
    parts = jnp.split(kernel, drop.shape[0], axis=-1)
    return jnp.concatenate(
        [project(h * widened(factor, h), part) for factor, part in zip(drop, parts, strict=True)], axis=-1
    )


def _back(dh: Array, turned: Array, drop: Array | None = None) -> Array:
    """`project` with a kernel that is given transposed."""
    if drop is None or drop.shape[0] == 1:
        return lax.dot_general(dh, turned, (((dh.ndim - 1,), (1,)), ((), ())))
    parts = jnp.split(turned, drop.shape[0], axis=0)
    return jnp.concatenate(
        [_back(dh * factor, part) for factor, part in zip(drop, parts, strict=True)], axis=-1
    )


# SimpleRNN: h' = act(z + h U)


def _simple_forward(fns: Any, z: Any, states: Any, w: Any, drop: Array | None):
    h = _dropped(states[0], drop)
    y, slope = fns[0](z + h @ w["recurrent_kernel"])
    return [y], slope, None


def _simple_tangent(saved: Any, u: Any, dstates: Any, turned: Any, drop: Array | None):
    return [saved * (u + _back(_dropped(dstates[0], drop), turned["recurrent_kernel"]))]


def _simple_late(h: Array, extra: Any, dz: Array, dw: Any, drop: Array | None):
    return dz + project(h, dw["recurrent_kernel"])


SIMPLE = Cell(_simple_forward, _simple_tangent, _simple_late)


# LSTM: i, f, o = gate(..), g = act(..); c' = f c + i g; h' = o act(c')


def _lstm_forward(fns: Any, z: Any, states: Any, w: Any, drop: Array | None):
    act, gate = fns
    h, c = _dropped(states[0], drop), states[1]
    i, f, g, o = jnp.split(z + project(h, w["recurrent_kernel"], drop), 4, axis=-1)
    (i, di), (f, df), (g, dg), (o, do) = gate(i), gate(f), act(g), gate(o)
    new = f * c + i * g
    s, ds = act(new)
    return [o * s, new], (g * di, c * df, i * dg, s * do, f, o * ds), None


def _lstm_tangent(saved: Any, u: Any, dstates: Any, turned: Any, drop: Array | None):
    by_i, by_f, by_g, by_o, f, by_carry = saved
    dh, dc = _dropped(dstates[0], drop), dstates[1]
    i, forget, g, o = jnp.split(u + _back(dh, turned["recurrent_kernel"], drop), 4, axis=-1)
    dc = by_i * i + by_f * forget + by_g * g + f * dc
    return [by_o * o + by_carry * dc, dc]


def _lstm_late(h: Array, extra: Any, dz: Array, dw: Any, drop: Array | None):
    return dz + project(h, dw["recurrent_kernel"], drop)


LSTM = Cell(_lstm_forward, _lstm_tangent, _lstm_late)


# GRU: z, r = gate(..); h' = z h + (1 - z) act(x + (r h) U), or, reset after, act(x + r (h U + b)).
# Factors that all gates share reach the h of the mix too: in Keras's implementation 2 they replace the state.


def _gru_forward(fns: Any, z: Any, states: Any, w: Any, drop: Array | None):
    act, gate = fns
    h = _dropped(states[0], drop)
    units = h.shape[-1]
    gates, candidate = z[..., : 2 * units], z[..., 2 * units :]
    update, reset = jnp.split(gates + project(h, w["gates"], _of_gates(drop)), 2, axis=-1)
    (update, d_update), (reset, d_reset) = gate(update), gate(reset)
    inner = _of_candidate(h, drop)
    product = reset * inner
    new, d_new = act(candidate + product @ w["candidate"])
    saved = (d_update * (h - new), update, reset, d_reset * inner, (1 - update) * d_new)
    return [update * h + (1 - update) * new], saved, product


def _gru_tangent(saved: Any, u: Any, dstates: Any, turned: Any, drop: Array | None):
    by_update, update, reset, by_reset, by_new = saved
    dh = _dropped(dstates[0], drop)
    units = dh.shape[-1]
    gates, candidate = u[..., : 2 * units], u[..., 2 * units :]
    d_update, d_reset = jnp.split(gates + _back(dh, turned["gates"], _of_gates(drop)), 2, axis=-1)
    d_product = by_reset * d_reset + reset * _of_candidate(dh, drop)
    d_new = candidate + _back(d_product, turned["candidate"])
    return [by_update * d_update + update * dh + by_new * d_new]


def _gru_late(h: Array, product: Any, dz: Array, dw: Any, drop: Array | None):
    gates = project(h, dw["gates"], _of_gates(drop))
    return dz + jnp.concatenate([gates, project(product, dw["candidate"])], axis=-1)


def _of_gates(drop: Array | None) -> Array | None:
    """The factors of the two gates, where each part of the kernel has its own."""
    return drop[:2] if drop is not None and drop.shape[0] > 1 else None


def _of_candidate(h: Array, drop: Array | None) -> Array:
    return h * drop[2] if drop is not None and drop.shape[0] > 1 else h


GRU = Cell(_gru_forward, _gru_tangent, _gru_late)


def _gru_after_forward(fns: Any, z: Any, states: Any, w: Any, drop: Array | None):
    act, gate = fns
    h = _dropped(states[0], drop)
    x_update, x_reset, x_new = jnp.split(z, 3, axis=-1)
    update, reset, inner = jnp.split(_inner(h, w, drop), 3, axis=-1)
    (update, d_update), (reset, d_reset) = gate(x_update + update), gate(x_reset + reset)
    new, d_new = act(x_new + reset * inner)
    saved = (d_update * (h - new), update, reset, d_reset * inner, (1 - update) * d_new)
    return [update * h + (1 - update) * new], saved, None


def _inner(h: Array, w: Any, drop: Array | None):
    y = project(h, w["recurrent_kernel"], drop)
    return y + widened(w["recurrent_bias"], y) if "recurrent_bias" in w else y


def _gru_after_tangent(saved: Any, u: Any, dstates: Any, turned: Any, drop: Array | None):
    by_update, update, reset, by_reset, by_new = saved
    dh = _dropped(dstates[0], drop)
    x_update, x_reset, x_new, late = jnp.split(u, 4, axis=-1)
    d_update, d_reset, inner = jnp.split(_back(dh, turned["recurrent_kernel"], drop), 3, axis=-1)
    d_new = x_new + by_reset * (x_reset + d_reset) + reset * (late + inner)
    return [by_update * (x_update + d_update) + update * dh + by_new * d_new]


def _gru_after_late(h: Array, extra: Any, dz: Array, dw: Any, drop: Array | None):
    units = h.shape[-1]
    late = _inner(h, dw, drop)
    gates = dz[..., : 2 * units] + late[..., : 2 * units]
    return jnp.concatenate([gates, dz[..., 2 * units :], late[..., 2 * units :]], axis=-1)


GRU_AFTER = Cell(_gru_after_forward, _gru_after_tangent, _gru_after_late)
