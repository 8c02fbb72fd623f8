"""Sources of batches: arrays, or a stream of somebody else's batches → blocks of rows on the devices."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias, cast

import jax
import numpy as np

from jkeras.core import processes
from jkeras.core.types import Array, Batch
from jkeras.training.batching import Cut, room_for
from jkeras.training.data.arrays import read
from jkeras.training.data.counts import whole
from jkeras.training.data.positions import digest
from jkeras.training.data.recognition import is_stream, stream_only
from jkeras.training.data.samples import Samples, aligned, is_lazy, owned, rows_of, stack
from jkeras.training.data.stream import Consumer, Repeat, Stream, permutation, stream
from jkeras.training.data.workers import ONE_THREAD, Supply
from jkeras.training.devices import Brought, Layout, Order
from jkeras.training.types import Numpy

_GROUP = 16  # the most batches of a stream that go to the devices together
_GROUP_BYTES = 1 << 24
_PAUSE = 0.005  # seconds: for so long idle devices wait for more batches than those that are there
_SMALL_ORDER = 1 << 14  # an order of so many rows costs less as an argument than as an array of its own


_OVER: Any = object()  # stands for the batch after the last one

Shapes: TypeAlias = tuple[tuple[Any, ...], ...]  # (shape, dtype) of each array of a batch


class Block(NamedTuple):
    """Rows on the devices, and how they are cut into batches.

    Args:
        data: `Batch` of arrays.
        cut: the batches.
        order: permutation of the rows; None: as they lie, or as processes have brought them.
        before: steps of the epoch before this block.
        steps: how many of the batches are there.
        told: what callbacks are told as the size of each batch, instead of its number of rows.
    """

    data: Batch
    cut: Cut
    order: Order
    before: int
    steps: int
    told: int | None = None

    def sizes(self, start: int, stop: int) -> list[int]:
        """The sizes of the batches from `start` up to `stop`, as callbacks are told."""
        return self.cut.sizes(start, stop) if self.told is None else [self.told] * (stop - start)


class Arrays:
    """Batches of checked arrays.

    Args:
        samples: the samples.
        size: rows in a batch.
        shuffle: False, True, or "batch": batches stay together.
    """

    keeps_size = False  # whether the user gave these rows their own size of batch

    def __init__(self, samples: Samples, size: int, shuffle: bool | str = False):
        self.samples, self.size, self.shuffle, self.rows = samples, size, shuffle, samples.rows
        self.sample_count: int | None = self.rows
        self.steps: int | None = Cut(self.rows, size).steps

    def order(self, seed: int, epoch: int) -> Numpy | None:
        """The permutation of the rows in an epoch."""
        n = self.rows
        if not self.shuffle:
            return None
        if self.shuffle != "batch":
            return permutation(seed, epoch, n)
        full = n // self.size * self.size
        rows = np.arange(full, dtype=np.int32).reshape(-1, self.size)
        shuffled = rows[permutation(seed, epoch, len(rows))].reshape(-1)
        return np.concatenate([shuffled, np.arange(full, n, dtype=np.int32)])

    def batches(
        self, seed: int, epoch: int, start: int, last: bool = True, share: tuple[int, int] = (0, 1)
    ) -> Iterator[Samples | None]:
        """The batches of an epoch from number `start` on, on the host; of each the rows of a process.

        Args:
            seed, epoch: what the order depends on.
            start: number of the first batch.
            last: no epoch follows.
            share: number of the process, and how many there are. None: it has no rows of a batch.
        """
        order, (number, count) = self.order(seed, epoch), share
        for first in range(start * self.size, self.rows, self.size):
            end = min(first + self.size, self.rows)
            part = -(-(end - first) // count)
            at, stop = first + number * part, min(end, first + (number + 1) * part)
            if at >= stop:
                yield None
                continue
            rows = slice(at, stop) if order is None else order[at:stop]
            parts: list[list[Any]] = [
                [None if a is None else rows_of(a, rows) for a in part] for part in self.samples
            ]
            yield Samples(*parts)

    def is_ready(self, seconds: float) -> bool:
        """Whether the next batch need not be waited for: it is read when it is asked for."""
        return True

    @functools.cached_property
    def bytes(self) -> int | None:
        """Size of the arrays, or None if they can only be read by rows."""
        arrays: list[Any] = [a for part in self.samples for a in part if a is not None]
        return None if any(is_lazy(a) for a in arrays) else sum(a.nbytes for a in arrays)


Source: TypeAlias = Arrays | Stream | Repeat


def source(
    trainer: Consumer,
    x: Any,
    y: Any = None,
    batch_size: Any = None,
    shuffle: bool | str = False,
    steps: int | None = None,
    sample_weight: Any = None,
    class_weight: Any = None,
    need_y: bool = True,
    supply: Supply = ONE_THREAD,
) -> Source:
    """The batches that the arguments of `fit`, `evaluate` or `predict` describe, checked as far as possible.

    Raises:
        ValueError, TypeError: anything that does not fit the model.
    """
    targets = trainer.objective.targets if need_y else []
    if isinstance(shuffle, str) and shuffle != "batch":
        raise ValueError(f'`shuffle` should be True, False or "batch"; got {shuffle!r}.')
    if is_stream(x):
        for value, name in ((y, "y"), (sample_weight, "sample_weight")):
            if value is not None:
                raise ValueError(
                    f"`{name}` must be None when `x` yields batches: let it yield (x, y, sample_weight)."
                )
        return stream(trainer, x, steps, supply, shuffle, class_weight, targets, need_y)
    if callable(x) and not hasattr(x, "shape"):
        stream_only(x, "`x`, where it is no array,")
    if steps is not None and batch_size is not None:
        raise ValueError("If `steps_per_epoch` or `steps` is set, the `batch_size` must be None.")
    size = 32 if batch_size is None else whole(batch_size, "batch_size", 1)
    samples = read(x, y, trainer.inputs, targets, sample_weight, class_weight, need_y)
    if steps is not None:
        return Repeat(owned(samples, trainer.dtypes(need_y)), steps)
    if not samples.x and not samples.y:
        raise ValueError(
            "If your data is in the form of tensors (Input(tensor=...), target_tensors), nothing that is fed "
            "has an end: give a number of steps (`steps_per_epoch` in fit, `steps` in evaluate and predict)."
        )
    if trainer.stateful and samples.rows % size and (need_y or samples.rows > size):
        raise ValueError(
            "In a stateful network, you should only pass inputs with a number of samples that can be divided "
            f"by the batch size. Found: {samples.rows} samples and a batch size of {size}."
        )
    return Arrays(samples, size, shuffle)


class Blocks:
    """The blocks of a source, epoch by epoch. Arrays that fit are put on the devices once.

    Args:
        batches: the source.
        layout: the devices.
        dtypes: what the arrays become on the device, as `Batch` of lists of names.
    """

    def __init__(self, batches: Source, layout: Layout, dtypes: Batch):
        self.source, self.layout, self.dtypes = batches, layout, dtypes
        self._resident: Block | None = None
        # (seed, epoch, order): made while the devices are busy
        self._next: tuple[int, int, Array | Numpy | None] | None = None
        self._capacity: dict[Shapes, int] = {}
        size = batches.bytes if isinstance(batches, Arrays) else None
        self.is_resident = size is not None and size <= layout.budget

    def close(self) -> None:
        """End the workers of a stream."""
        if not isinstance(self.source, Arrays):
            self.source.close()

    def epoch(
        self,
        seed: int,
        epoch: int,
        start: int = 0,
        last: bool = True,
        idle: Callable[[], bool] = lambda: True,
    ) -> Iterator[Block]:
        """The blocks of an epoch.

        Args:
            seed, epoch: what the order depends on.
            start: a step of the first block.
            last: no other epoch follows.
            idle: tells whether the devices have nothing to do.
        """
        if not self.is_resident:
            if self.layout.processes > 1 and not isinstance(self.source, Repeat):
                yield from self._brought(seed, epoch, start, last)
            else:
                yield from self._groups(seed, epoch, start, last, idle)
            return
        assert isinstance(self.source, Arrays)
        if self._resident is None:
            samples, cut = self.source.samples, self._cut()
            if self.layout.processes > 1:
                _check_same(samples, cut)
            data = placed(samples, self.dtypes, self._room, self.layout)
            self._resident = Block(data, cut, None, 0, cut.steps)
        made = self._next
        known = made is not None and made[:2] == (seed, epoch)
        order = made[2] if made and known else self._order(seed, epoch)
        yield self._resident._replace(order=order)
        if self.source.shuffle and not last:
            self._next = (seed, epoch + 1, self._order(seed, epoch + 1))

    def _cut(self) -> Cut:
        """The batches of the arrays. Where they are not even one, it is no larger than it need be."""
        assert isinstance(self.source, Arrays)
        rows, size = self.source.rows, self.source.size
        if rows < size:
            size = min(size, 1 << (rows - 1).bit_length()) if self.layout.fills else rows
        return Cut(rows, size)

    @functools.cached_property
    def _room(self) -> int:
        """Rows that the arrays get on the devices."""
        assert isinstance(self.source, Arrays)
        rows, size = self.source.rows, self.source.bytes or 0
        is_free = self.layout.kind == "one" and not self.layout.copies
        return room_for(rows, -(-size // max(1, rows)), is_free)

    def _order(self, seed: int, epoch: int) -> Array | Numpy | None:
        order = self.source.order(seed, epoch) if isinstance(self.source, Arrays) else None
        if order is None:
            return None
        told = aligned((self._room,), order.dtype)
        told[: len(order)] = order
        return self.layout.place(told) if len(order) > _SMALL_ORDER else told

    def _groups(
        self, seed: int, epoch: int, start: int, last: bool, idle: Callable[[], bool]
    ) -> Iterator[Block]:
        """Batches of the same shape together, as many as come while the devices are busy."""
        group: list[Samples] = []
        shape: Shapes = ()
        began = 0.0
        single = getattr(self.source, "one_by_one", False) or self.layout.processes > 1
        most = 1 if single else _GROUP
        batches = cast("Iterator[Samples]", self.source.batches(seed, epoch, start, last))
        while True:
            try:
                samples = next(batches, None)
            except Exception:
                if group:  # steps for which there are data are made before their error is heard of
                    yield self._block(group, shape, start)
                raise
            if samples is None:
                break
            shape_now = _shape(samples)
            if group and shape_now != shape:
                yield self._block(group, shape, start)
                start, group = start + len(group), []
            if not group:
                shape, began = shape_now, time.monotonic()
                self._capacity.setdefault(shape, min(most, _capacity(samples)))
            group.append(samples)
            if len(group) == self._capacity[shape] or self._goes_now(began, idle):
                yield self._block(group, shape, start)
                start, group = start + len(group), []
        if group:
            yield self._block(group, shape, start)

    def _brought(self, seed: int, epoch: int, start: int, last: bool) -> Iterator[Block]:
        """Batches whose rows several processes have, each in a block of its own. They tell one another how
        many rows they have in a step; who has fewer fills up."""
        if isinstance(self.source, Arrays):
            share = processes.number(), processes.count()
            batches = self.source.batches(seed, epoch, start, last, share)
        else:
            batches = cast("Iterator[Samples | None]", self.source.batches(seed, epoch, start, last))
        known: Samples | None = None
        goes_on = True
        while True:
            samples = None
            if goes_on:
                samples = next(batches, _OVER)
                goes_on = samples is not _OVER
            samples = samples if goes_on else None
            said = processes.told([samples.rows if samples else 0, goes_on])
            if not said[:, 1].any():
                return
            known = samples or known
            if known is None:
                raise ValueError(
                    f"Process {processes.number()} of {processes.count()} has not a single batch: there must "
                    "be at least as many as processes."
                )
            yield self._of_all(known, [int(rows) for rows in said[:, 0]], start)
            start += 1

    def _of_all(self, samples: Samples, sizes: list[int], before: int) -> Block:
        """A block of the rows of all processes; this one has `sizes[number]` of these samples."""
        most, own, here = max(sizes), sizes[processes.number()], self.layout.parts // len(sizes)
        part = -(-most // here) * here
        whole = min(sizes) == part
        data = stack([samples], self.dtypes, max(part, samples.rows))
        told = getattr(self.source, "told", None)
        cut = Cut(sum(sizes), sum(sizes))
        if not whole and not self.layout.fills:
            return Block(
                self.layout.gathered(jax.tree.map(_first(most), data), sizes), cut, None, before, 1, told
            )

        def filled(a: Numpy) -> Numpy:
            a[own:] = a[max(0, own - 1)]
            return a[:part]

        present = None if whole else self.layout.brought(np.arange(part) < own)
        data = self.layout.brought(jax.tree.map(filled, data))
        return Block(data, cut, Brought(present), before, 1, told)

    def _goes_now(self, began: float, idle: Callable[[], bool]) -> bool:
        """Whether a group goes to idle devices, rather than waits for another batch."""
        ready = self.source.is_ready(_PAUSE)
        while not ready and not idle():
            ready = self.source.is_ready(_PAUSE)
        return not ready or (time.monotonic() - began > _PAUSE and idle())

    def _block(self, group: list[Samples], shape: Shapes, before: int) -> Block:
        size = group[0].rows
        cut, told = Cut(size * self._capacity[shape], size), getattr(self.source, "told", None)
        data = self.layout.place(stack(group, self.dtypes, cut.rows))
        return Block(data, cut, None, before, len(group), told)


def placed(samples: Samples, dtypes: Batch, rows: int, layout: Layout) -> Batch:
    """Samples on the devices, in room for `rows` rows; what the user does with the arrays afterwards does not
    matter."""
    data = layout.place(stack([samples], dtypes, rows, copy=not layout.copies))
    return cast("Batch", jax.block_until_ready(data)) if layout.copies else data


def _check_same(samples: Samples, cut: Cut) -> None:
    """Of several processes all pass the same arrays, of which each feeds its share."""
    said = processes.told([*cut, digest(samples)])
    if (said != said[0]).any():
        raise ValueError(
            f"The arrays of the {len(said)} processes differ (rows, batch size, checksum: {said.tolist()}). "
            "All pass the same whole arrays, of which each feeds its share; what a process has for itself "
            "goes as batches: fit(jkeras.utils.OwnBatches(a Sequence or a generator))."
        )


def _first(rows: int) -> Callable[[Numpy], Numpy]:
    def cut(a: Numpy) -> Numpy:
        return a[:rows]

    return cut


def _shape(samples: Samples) -> Shapes:
    return tuple(tuple(a if a is None else (a.shape, a.dtype) for a in part) for part in samples)


def _capacity(samples: Samples) -> int:
    return max(1, min(_GROUP, _GROUP_BYTES // max(1, sum(a.nbytes for a in jax.tree.leaves(tuple(samples))))))
