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


def room_for(rows: int, row_bytes: int, is_free: bool) -> int:
    """The rows that an array on the device has room for: of few sizes, so that more data seldom need another
    program.

    Args:
        rows: how many there are.
        row_bytes: the size of one.
        is_free: whether rows that nobody writes to cost no memory.

    Example:
        >>> room_for(100, 80, True), room_for(20_000, 80, True), room_for(20_000, 80, False)
        (16384, 32768, 20480)
    """
    room = min(_LEAST_ROWS, (_LEAST_FREE if is_free else _LEAST) // max(1, row_bytes))
    if rows <= room:
        return room
    step = 1 << (rows - 1).bit_length()
    return step if is_free else -(-rows // (step // 8)) * (step // 8) if step >= 8 else rows


_LEAST_ROWS, _LEAST_FREE, _LEAST = 1 << 14, 1 << 26, 1 << 18  # rows, bytes, bytes


class Sizes:
    """The sizes in which single batches are computed, where rows may be added that count for nothing: the
    first few sizes as they are, after those powers of two, so that batches of any size need few programs.

    Example:
        >>> sizes = Sizes()
        >>> [sizes.fitting(rows) for rows in (50, 1, 2, 3, 5, 9, 50)]
        [50, 1, 2, 3, 8, 16, 50]
    """

    _EXACT = 4

    def __init__(self):
        self._known: set[int] = set()

    def fitting(self, rows: int) -> int:
        """The size in which a batch of `rows` rows is computed."""
        if rows not in self._known:
            if len(self._known) >= self._EXACT:
                rows = 1 << (rows - 1).bit_length() if rows else 0
            self._known.add(rows)
        return rows


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
    rows: int = 0  # of this block of data


def epoch_key(span: Span | Array) -> Key:
    """The random key of an epoch of a run."""
    return jax.random.fold_in(jax.random.key(span[0], impl="threefry2x32"), span[1])
