"""Many steps in one dispatch: loops over the batches of a block of data, on the devices."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from functools import partial
from typing import Any, cast

import jax
import jax.numpy as jnp
from jax import lax

from jkeras.core.types import Array, Batch, Ctx, Function, Tree
from jkeras.training.batching import Cut, epoch_key
from jkeras.training.devices import Layout, stacked
from jkeras.training.types import Step


def chunk(step: Step, width: int, training: bool, cut: Cut, layout: Layout, room: int) -> Function:
    """The steps of a span, in one dispatch.

    Both loops are `fori_loop`s with limits that are arguments: one program serves every number of steps, and
    the bits of a step do not depend on it.

    Args:
        step: a step whose result is a vector.
        width: length of that vector.
        training: the phase.
        cut: how the data are cut into batches.
        layout: the devices.
        room: the most steps in a dispatch.

    Returns:
        `run(index, carry, fixed, data, order, span) -> (carry, logs (room, width))`.
    """

    def run(
        index: Array | None, carry: Tree, fixed: Tree, data: Batch, order: Array | None, span: Array
    ) -> tuple[Tree, Array]:
        key = epoch_key(span)
        start, stop, before = span[2], span[3], span[4]

        def turn(size: int, i: Array, state: tuple[Tree, Array]) -> tuple[Tree, Array]:
            carry, logs = state
            batch, present = layout.batch(data, order, i * cut.size, size, index)
            key_now = jax.random.fold_in(key, before + i)
            ctx = Ctx(key_now, training=training, axis=layout.axis, present=present)
            carry, values = step(carry, fixed, batch, ctx)
            return carry, logs.at[i - start].set(values)

        state: Any = carry, stacked(room, width)
        if cut.full:
            stop_full = jnp.minimum(stop, cut.full)
            state = cast(Any, lax.fori_loop(start, stop_full, partial(turn, cut.size), state))
        if cut.rest:
            state = cast(
                Any, lax.fori_loop(jnp.maximum(start, cut.full), stop, partial(turn, cut.rest), state)
            )
        return state

    return run


def single(step: Step, training: bool, cut: Cut, size: int, layout: Layout) -> Function:
    """One step in one dispatch, without a loop around it; otherwise as `chunk`, and logs of shape (1,
    width)."""

    def run(
        index: Array | None, carry: Tree, fixed: Tree, data: Batch, order: Array | None, span: Array
    ) -> tuple[Tree, Array]:
        batch, present = layout.batch(data, order, span[2] * cut.size, size, index)
        key = jax.random.fold_in(epoch_key(span), span[4] + span[2])
        ctx = Ctx(key, training=training, axis=layout.axis, present=present)
        carry, values = step(carry, fixed, batch, ctx)
        return carry, values[None]

    return run


def whole_batch(step: Step, size: int, layout: Layout) -> Function:
    """A prediction step on a batch that comes as it is."""

    def run(
        index: Array | None, carry: Tree, fixed: Tree, data: Batch, span: Array
    ) -> tuple[Tree, list[Array]]:
        batch, _ = layout.batch(data, None, 0, size, index)
        key = jax.random.fold_in(epoch_key(span), span[4] + span[2])
        return step(carry, fixed, batch, Ctx(key, axis=layout.axis))

    return run
