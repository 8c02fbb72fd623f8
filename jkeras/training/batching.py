"""How rows are cut into batches, and which of the steps over them one dispatch makes."""

from __future__ import annotations

from typing import NamedTuple

import jax

from jkeras.core.types import Array, Key


class Cut(NamedTuple):
    """How rows are cut into batches.

    Args:
        rows: number of rows on the device.
        size: rows in a batch; the last batch may be smaller.

    Example:
        >>> Cut(1000, 128).steps, Cut(1000, 128).rest
        (8, 104)
    """

    rows: int
    size: int

    @property
    def full(self) -> int:
        return self.rows // self.size

    @property
    def rest(self) -> int:
        return self.rows % self.size

    @property
    def steps(self) -> int:
        return self.full + bool(self.rest)

    def size_of(self, step: int) -> int:
        """Rows of batch number `step`."""
        return self.size if step < self.full else self.rest

    def sizes(self, start: int, stop: int) -> list[int]:
        """Rows of the batches from `start` up to `stop`."""
        full = min(stop, self.full) - start
        return [self.size] * full + [self.rest] * (stop - start - max(0, full))


class Span(NamedTuple):
    """The steps that a dispatch makes; on the device a vector of int32.

    The random key of a step is a function of (seed, epoch, step), so that it does not matter which dispatch
    makes it.
    """

    seed: int
    epoch: int
    start: int  # steps of this block of data: from
    stop: int  # up to
    before: int  # steps of the epoch before this block


def epoch_key(span: Span | Array) -> Key:
    """The random key of an epoch of a run."""
    return jax.random.fold_in(jax.random.key(span[0], impl="threefry2x32"), span[1])
