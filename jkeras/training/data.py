"""Where batches come from: arrays, a `Sequence`, a generator or any iterable → blocks of rows on the
devices."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import numpy as np

from jkeras.core.types import Batch
from jkeras.training.arrays import Table, is_lazy, len_of, read, rows_of
from jkeras.training.parallel import Layout
from jkeras.training.step import Cut

_GROUP = 16  # the most batches of a stream that go to the devices together
_GROUP_BYTES = 1 << 24
_GROUP_SECONDS = 0.25  # a slow stream is not waited for longer than this
_SMALL_ORDER = 1 << 14  # an order of so many rows costs less as an argument than as an array of its own


class Block(NamedTuple):
    """Rows on the devices, and how they are cut into batches.

    Args:
        data: `Batch` of arrays.
        cut: the batches.
        order: permutation of the rows, or None.
        before: steps of the epoch before this block.
        steps: how many of the batches are there.
    """

    data: Batch
    cut: Cut
    order: Any
    before: int
    steps: int


class Arrays:
    """Batches of checked arrays.

    Args:
        table: the samples.
        size: rows in a batch.
        shuffle: False, True, or "batch": batches stay together.
    """

    def __init__(self, table: Table, size: int, shuffle=False):
        self.table, self.size, self.shuffle = table, size, shuffle
        self.samples: int | None = table.rows
        self.steps: int | None = Cut(table.rows, size).steps

    def order(self, seed: int, epoch: int) -> np.ndarray | None:
        """The permutation of the rows in an epoch."""
        n = self.table.rows
        if not self.shuffle:
            return None
        if self.shuffle != "batch":
            return permutation(seed, epoch, n)
        full = n // self.size * self.size
        rows = np.arange(full, dtype=np.int32).reshape(-1, self.size)
        shuffled = rows[permutation(seed, epoch, len(rows))].reshape(-1)
        return np.concatenate([shuffled, np.arange(full, n, dtype=np.int32)])

    def batches(self, seed: int, epoch: int, start: int) -> Iterator[Table]:
        """The batches of an epoch from number `start` on, on the host."""
        order = self.order(seed, epoch)
        for at in range(start * self.size, self.table.rows, self.size):
            rows = slice(at, at + self.size) if order is None else order[at : at + self.size]
            yield Table(*([None if a is None else rows_of(a, rows) for a in part] for part in self.table))

    @property
    def bytes(self) -> int | None:
        """Size of the arrays, or None if they can only be read by rows."""
        arrays = [a for part in self.table for a in part if a is not None]
        return None if any(is_lazy(a) for a in arrays) else sum(a.nbytes for a in arrays)


class Stream:
    """Batches that somebody else makes.

    Args:
        items: a `Sequence` (`len(items)`, `items[i]`), an iterator, or an iterable that starts anew each
            time.
        steps: batches in an epoch; None: as many as there are.
        check: one item → `Table`.
        shuffle: whether the batches of a `Sequence` are permuted.
    """

    def __init__(self, items, steps: int | None, check: Callable[[Any], Table], shuffle=False):
        self.items, self.check, self.shuffle = items, check, shuffle
        self.is_sequence = is_sequence(items)
        self.steps = len(items) if steps is None and hasattr(items, "__len__") else steps
        self.samples: int | None = None
        self._iterator: Iterator | None = None

    def batches(self, seed: int, epoch: int, start: int) -> Iterator[Table]:
        """The batches of an epoch from number `start` on; an iterator goes on where it is."""
        found = self._of_sequence(seed, epoch, start) if self.is_sequence else self._of_iterable(epoch, start)
        for item in found:
            yield self.check(item)

    def _of_sequence(self, seed, epoch, start):
        length, steps = len(self.items), self.steps or 0
        if length == 0:
            raise ValueError(f"The {type(self.items).__name__} holds no batches: its length is 0.")
        for position in range(epoch * steps + start, (epoch + 1) * steps):
            turn, i = divmod(position, length)
            if i == 0 or position == epoch * steps + start:
                order = permutation(seed, turn, length) if self.shuffle else np.arange(length)
            yield self.items[int(order[i])]
            if i == length - 1 and hasattr(self.items, "on_epoch_end"):
                self.items.on_epoch_end()

    def _of_iterable(self, epoch, start):
        if self.steps is None:
            yield from self.items
            return
        for step in range(start, self.steps):
            item = self._next()
            if item is _END:
                raise ValueError(
                    f"The data ran out in epoch {epoch + 1} after {step} of {self.steps} batches: a "
                    "generator must yield as many batches as are asked for (`while True`), or ask for fewer."
                )
            yield item

    def _next(self):
        if self._iterator is None:
            self._iterator = iter(self.items)
        item = next(self._iterator, _END)
        if item is _END and self._iterator is not self.items:
            self._iterator = iter(self.items)
            item = next(self._iterator, _END)
        return item


_END = object()


def permutation(seed: int, epoch: int, n: int) -> np.ndarray:
    """A permutation that is a function of (seed, epoch).

    Example:
        >>> sorted(permutation(1, 0, 3).tolist())
        [0, 1, 2]
    """
    generator = np.random.Generator(np.random.Philox(key=np.array([seed, epoch], np.uint64)))
    return generator.permutation(np.arange(n, dtype=np.int32))


def is_stream(x) -> bool:
    """Whether `x` yields batches, rather than being arrays."""
    if x is None or isinstance(x, (list, tuple, dict)) or hasattr(x, "shape") or hasattr(x, "to_numpy"):
        return False
    return hasattr(x, "__iter__") or hasattr(x, "__next__") or is_sequence(x)


def is_sequence(x) -> bool:
    """Whether batches can be asked for by number: `keras.utils.Sequence` and its like."""
    return hasattr(x, "__getitem__") and hasattr(x, "__len__") and hasattr(x, "on_epoch_end")


def first_arrays(x) -> list:
    """The input arrays of `x`, or of its first batch, to build a model from.

    Raises:
        ValueError: for an iterator, whose first batch cannot be looked at without losing it.
    """
    if is_stream(x):
        if hasattr(x, "__next__"):
            raise ValueError(
                "The model has no input shape yet, and a generator cannot be looked at without losing its "
                "first batch: give the first layer an input_shape, or call model.build(...)."
            )
        item = x[0] if is_sequence(x) else next(iter(x))
        x = item[0] if isinstance(item, (tuple, list)) else item
    if isinstance(x, dict):
        raise ValueError(
            "The model has no input shape yet: pass its inputs as an array or a list, not as a dict."
        )
    several = isinstance(x, (list, tuple)) and len(x) > 0 and all(hasattr(a, "shape") for a in x)
    arrays: list[Any] = [a if hasattr(a, "shape") else np.asarray(a) for a in (x if several else [x])]
    return [a if len(a.shape) > 1 else np.asarray(a)[:, None] for a in arrays]


def source(
    trainer,
    x,
    y=None,
    batch_size=None,
    shuffle=False,
    steps=None,
    sample_weight=None,
    class_weight=None,
    need_y=True,
) -> Arrays | Stream:
    """The batches that the arguments of `fit`, `evaluate` or `predict` describe, checked as far as possible.

    Raises:
        ValueError, TypeError: anything that does not fit the model.
    """
    targets = trainer.objective.targets if need_y else []
    if is_stream(x):
        return _stream(trainer, x, y, steps, shuffle, sample_weight, class_weight, targets, need_y)
    if steps is not None and batch_size is not None:
        raise ValueError("If `steps_per_epoch` or `steps` is set, the `batch_size` must be None.")
    size = 32 if batch_size is None else batch_size
    if not isinstance(size, (int, np.integer)) or isinstance(size, bool) or size < 1:
        raise ValueError(f"`batch_size` should be a positive integer; got {batch_size!r}.")
    table = read(x, y, trainer.inputs, targets, sample_weight, class_weight, need_y)
    if steps is not None:  # Keras feeds all of the data in every step
        return Stream(_Forever(table), steps, lambda table: table)
    if trainer.stateful and table.rows % size and (need_y or table.rows > size):
        raise ValueError(
            "In a stateful network, you should only pass inputs with a number of samples that can be divided "
            f"by the batch size. Found: {table.rows} samples and a batch size of {size}."
        )
    return Arrays(table, int(size), shuffle)


class _Forever:
    """The same item again and again."""

    def __init__(self, item):
        self.item = item

    def __iter__(self):
        while True:
            yield self.item


def _stream(trainer, x, y, steps, shuffle, sample_weight, class_weight, targets, need_y) -> Stream:
    for value, name in ((y, "y"), (sample_weight, "sample_weight")):
        if value is not None:
            raise ValueError(
                f"`{name}` must be None when `x` yields batches: let it yield (x, y, sample_weight)."
            )
    if steps is None and hasattr(x, "__next__"):
        raise ValueError(
            "The number of batches (`steps_per_epoch`, `validation_steps` or `steps`) must be given for a "
            "generator; only a `Sequence` knows its length."
        )
    if steps is not None and steps < 1:
        raise ValueError(f"The number of steps should be at least 1; got {steps!r}.")

    def check(item) -> Table:
        if not need_y:
            inputs = item[0] if isinstance(item, tuple) and len(item) in (1, 2, 3) else item
            return read(inputs, None, trainer.inputs, [], need_y=False)
        if not isinstance(item, (tuple, list)) or len(item) not in (2, 3):
            raise ValueError(
                "Output of generator should be a tuple `(x, y, sample_weight)` or `(x, y)`. "
                f"Found: {type(item).__name__} {str(item)[:80]}"
            )
        return read(
            item[0], item[1], trainer.inputs, targets, item[2] if len(item) == 3 else None, class_weight
        )

    return Stream(x, steps, check, bool(shuffle))


class Blocks:
    """The blocks of a source, epoch by epoch. Arrays that fit are put on the devices once.

    Args:
        batches: `Arrays` or `Stream`.
        layout: the devices.
        dtypes: what the arrays become on the device, as `Batch` of lists of names.
    """

    def __init__(self, batches: Arrays | Stream, layout: Layout, dtypes: Batch):
        self.source, self.layout, self.dtypes = batches, layout, dtypes
        self._resident: Block | None = None
        self._next: tuple = ()  # (seed, epoch, order): made while the devices are busy
        self._capacity: dict[Any, int] = {}
        size = batches.bytes if isinstance(batches, Arrays) else None
        self.is_resident = size is not None and size <= layout.budget

    def epoch(self, seed: int, epoch: int, start: int = 0) -> Iterator[Block]:
        """The blocks of an epoch, from the one that holds step `start`."""
        if not self.is_resident:
            yield from self._groups(seed, epoch, start)
            return
        assert isinstance(self.source, Arrays)
        if self._resident is None:
            table, cut = self.source.table, Cut(self.source.table.rows, self.source.size)
            data = self.layout.place(stack([table], self.dtypes, cut.rows))
            self._resident = Block(data, cut, None, 0, cut.steps)
        known = self._next[:2] == (seed, epoch)
        yield self._resident._replace(order=self._next[2] if known else self._order(seed, epoch))
        if self.source.shuffle:
            self._next = (seed, epoch + 1, self._order(seed, epoch + 1))

    def _order(self, seed: int, epoch: int):
        order = self.source.order(seed, epoch) if isinstance(self.source, Arrays) else None
        return self.layout.place(order) if order is not None and len(order) > _SMALL_ORDER else order

    def _groups(self, seed, epoch, start) -> Iterator[Block]:
        """Batches of the same shape together, as many as come in time."""
        group: list[Table] = []
        shape, began = None, 0.0
        for table in self.source.batches(seed, epoch, start):
            found = _shape(table)
            if group and found != shape:
                yield self._block(group, shape, start)
                start, group = start + len(group), []
            if not group:
                shape, began = found, time.monotonic()
                self._capacity.setdefault(shape, _capacity(table))
            group.append(table)
            if len(group) == self._capacity[shape] or time.monotonic() - began > _GROUP_SECONDS:
                yield self._block(group, shape, start)
                start, group = start + len(group), []
        if group:
            yield self._block(group, shape, start)

    def _block(self, group: list[Table], shape, before: int) -> Block:
        size = group[0].rows
        cut = Cut(size * self._capacity[shape], size)
        return Block(self.layout.place(stack(group, self.dtypes, cut.rows)), cut, None, before, len(group))


def stack(tables: list[Table], dtypes: Batch, rows: int) -> Batch:
    """Tables one under the other, in room for `rows` rows.

    Args:
        tables: at least one; all of the same shape.
        dtypes: what the arrays become on the device, as `Batch` of lists of names.
        rows: at least as many as the tables have; the others are 0.
    """
    parts = []
    for columns, names in zip(zip(*tables, strict=True), dtypes, strict=True):
        parts.append(
            [
                _stack(column, name, rows)
                for column, name in zip(zip(*columns, strict=True), names, strict=True)
            ]
        )
    return Batch(*parts)


def _shape(table: Table) -> tuple:
    return tuple(tuple(a if a is None else (a.shape, a.dtype) for a in part) for part in table)


def _capacity(table: Table) -> int:
    return max(1, min(_GROUP, _GROUP_BYTES // max(1, sum(a.nbytes for a in jax.tree.leaves(tuple(table))))))


def _stack(arrays, dtype: str, rows: int) -> np.ndarray | None:
    """A copy of arrays under one another, in the dtype in which they travel; only this process ever writes
    to it.

    jax may alias an aligned numpy buffer or copy it later, so data of the user, who may change them, never
    go to a device themselves.
    """
    if arrays[0] is None:
        return None
    room = aligned((rows, *arrays[0].shape[1:]), travel_dtype(arrays[0].dtype, dtype))
    at = 0
    for a in arrays:
        np.copyto(room[at : at + len_of(a)], rows_of(a, slice(None)), casting="unsafe")
        at += len_of(a)
    if at < rows:
        room[at:] = 0
    return room


def aligned(shape: tuple[int, ...], dtype) -> np.ndarray:
    """An empty array whose memory a CPU device can take over without a copy."""
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    buffer = np.empty(size + 64, np.uint8)
    offset = -buffer.ctypes.data % 64
    return buffer[offset : offset + size].view(dtype).reshape(shape)


def travel_dtype(dtype, declared: str):
    """What is smaller than declared (bytes, booleans, half precision) travels as it is; the device converts
    it.

    Example:
        >>> travel_dtype(np.dtype("uint8"), "float32").name, travel_dtype(np.dtype("float64"), "float32").name
        ('uint8', 'float32')
    """
    dtype, wanted = np.dtype(dtype), np.dtype(declared)
    return dtype if dtype.itemsize < wanted.itemsize else wanted
