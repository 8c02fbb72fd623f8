"""Many steps in one dispatch: loops over the batches of a block of data, on the devices."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from typing import Any, NamedTuple, cast

import jax
from jax import lax

from jkeras.core.types import Array, Batch, Ctx, Function, Tree
from jkeras.training.batching import epoch_key
from jkeras.training.devices import Layout, Order, stacked
from jkeras.training.types import Step


class Batches(NamedTuple):
    """The batches of a program: all are computed as equally large.

    Args:
        size: rows of each.
        short: whether the last one may have less, and is filled up.
        training: the phase.
        layout: the devices.
    """

    size: int
    short: bool
    training: bool
    layout: Layout

    def at(
        self, first: Array, index: Array | None, data: Batch, order: Order, span: Array
    ) -> tuple[Batch, Array | None]:
        """The batch from row `first` on, and which of its rows are there."""
        return self.layout.batch(data, order, first, self.size, index, span[5] if self.short else None)

    def ctx(self, span: Array, i: Array, present: Array | None) -> Ctx:
        key = jax.random.fold_in(epoch_key(span), span[4] + i)
        return Ctx(key, training=self.training, axis=self.layout.axis, present=present)


def chunk(step: Step, width: int, batches: Batches, room: int) -> Function:
    """The steps of a span, in one dispatch.

    The limits of the loop are arguments, as is the number of rows: one program serves every number of steps,
    and the bits of a step do not depend on it.

    Args:
        step: a step whose result is a vector.
        width: length of that vector.
        batches: the batches.
        room: the most steps in a dispatch.

    Returns:
        `run(index, carry, fixed, data, order, span) -> (carry, logs (room, width))`.
    """

    def run(
        index: Array | None, carry: Tree, fixed: Tree, data: Batch, order: Order, span: Array
    ) -> tuple[Tree, Array]:
        start, stop = span[2], span[3]

        def turn(i: Array, state: tuple[Tree, Array]) -> tuple[Tree, Array]:
            carry, logs = state
            batch, present = batches.at(i * batches.size, index, data, order, span)
            carry, values = step(carry, fixed, batch, batches.ctx(span, i, present))
            return carry, logs.at[i - start].set(values)

        state: Any = carry, stacked(room, width)
        return cast(Any, lax.fori_loop(start, stop, turn, state))

    return run


def single(step: Step, first: int, batches: Batches) -> Function:
    """One step in one dispatch, without a loop around it; otherwise as `chunk`, and logs of shape (1,
    width).

    Args:
        step: a step whose result is a vector.
        first: rows in each batch before this one.
        batches: the batches.
    """

    def run(
        index: Array | None, carry: Tree, fixed: Tree, data: Batch, order: Order, span: Array
    ) -> tuple[Tree, Array]:
        batch, present = batches.at(span[2] * first, index, data, order, span)
        carry, values = step(carry, fixed, batch, batches.ctx(span, span[2], present))
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
