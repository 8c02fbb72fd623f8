"""Batches that somebody else makes: a `Sequence`, a generator, any iterable."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np

from jkeras.core import processes
from jkeras.core.sequence import OwnBatches, gives_by_run, is_sequence
from jkeras.core.types import AnyList, AnyTuple, Batch
from jkeras.training.data import positions
from jkeras.training.data.arrays import read
from jkeras.training.data.recognition import is_endless, length_of
from jkeras.training.data.samples import Samples, owned
from jkeras.training.data.worker_loop import END, Fetch, FetchOfRun, Next
from jkeras.training.data.workers import Feed, Supply
from jkeras.training.objective.endpoints import Endpoint, Target
from jkeras.training.objective.function import Objective
from jkeras.training.types import Numpy

_ENDLESS = 1 << 60
_STRIDE = 1 << 32  # epochs whose lengths differ are so far apart in the row of all batches
_KEPT = 64  # positions that are kept: more than a group of batches that go to the devices together


class Consumer(Protocol):
    """Who takes batches: what a `Trainer` says of the data that it wants."""

    inputs: list[Endpoint]

    @property
    def objective(self) -> Objective: ...

    @property
    def stateful(self) -> bool: ...

    def dtypes(self, need_y: bool = True) -> Batch: ...


class Taken(NamedTuple):
    """A batch that was fetched; `position`: where its source stands then, `digest`: what tells it apart."""

    samples: Any  # Samples, or END
    position: dict[str, Any] | None = None
    digest: int = 0


class _Row(NamedTuple):
    """The steps of all epochs of a `Sequence` in a row: step `i` of a pass has the place `pass * stride + i`.

    With a number of steps an epoch is no pass: it goes on where the last one stood.
    """

    seed: int  # of the order in each pass
    stride: int
    length: int  # of a pass


class Stream:
    """The batches of a source of the user, checked and copied; workers fetch some of them ahead.

    A `Sequence` is asked by number: each pass in order or shuffled, `on_epoch_end` after it; an epoch is a
    pass, of as many batches as it has then, unless a number of steps is given. A `RandomSequence` is told
    the place in the run, too. An iterator lives on from
    epoch to epoch; an iterable without a number of steps is gone through once per epoch.

    Args:
        items: the source.
        steps: batches in an epoch; None: as many as there are.
        check: one item → `Samples`.
        dtypes: what the arrays become on the device, as `Batch` of lists of names.
        supply: the workers.
        shuffle: whether the batches of a `Sequence` are permuted.
        share: of several processes the number of this one, and how many there are. A step is then one batch
            of each: those of a `Sequence` by number, those of anything else in turn.
    """

    def __init__(
        self,
        items: Any,
        steps: int | None,
        check: Callable[[Any], Samples],
        dtypes: Batch,
        supply: Supply,
        shuffle: bool = False,
        share: tuple[int, int] = (0, 1),
    ):
        self.items: Any = items
        self.share = share
        self.shuffle = shuffle
        self.is_sequence = is_sequence(items)
        self._length = self._steps_of(length_of(items))
        self._is_pass = self.is_sequence and steps is None
        self._by_run = self.is_sequence and gives_by_run(items)
        self._seen = items.total_batches_seen if self._by_run else 0
        self.origin = 0  # the first epoch of the run
        self.steps = self._length if steps is None else steps
        if self._length == 0:
            raise _empty(items)
        self.sample_count: int | None = None
        self.one_by_one = supply.workers == 0  # the next batch is asked for when this one is on its way
        self._at = 0  # items taken from an iterator
        self._order: tuple[int, int, int, Numpy] | None = None  # (seed, pass, length, permutation)

        self.keeps = False
        self._kept: deque[tuple[tuple[int, int], dict[str, Any]]] = deque(maxlen=_KEPT)
        self._digest = 0
        self._passes = positions.Pass(items)
        if self.is_sequence:
            self._job: Any = FetchOfRun(items) if self._by_run else Fetch(items)
        else:
            self._job = Next(items, endless=self.steps is not None, share=share)
        finish = partial(self._finish, check, dtypes)
        self._feed = Feed(self._job, supply, finish, serial=not self.is_sequence)

    def _steps_of(self, batches: int | None) -> int | None:
        """How many steps so many batches are, of which each process feeds one."""
        return None if batches is None else -(-batches // self.share[1])

    def _finish(self, check: Callable[[Any], Samples], dtypes: Batch, found: Any) -> Taken:
        """The work of the threads on an item."""
        item, position = (found, None) if self.is_sequence else found
        if item is END:
            return Taken(END, position)
        samples = owned(check(item), dtypes)
        return Taken(samples, position, positions.digest(samples) if self.keeps else 0)

    def batches(self, seed: int, epoch: int, start: int, last: bool = True) -> Iterator[Samples | None]:
        """The batches of an epoch from number `start` on; None where only other processes have one.

        Args:
            seed, epoch: what the order depends on.
            start: number of the first batch.
            last: no epoch follows: nothing is fetched for the time after.
        """
        self._feed.seed = seed
        if self.is_sequence:
            return self._of_sequence(seed, epoch, start, last)
        return self._to_its_end(epoch, start) if self.steps is None else self._of_iterable(epoch, start, last)

    def keep(self, epoch: int, step: int, position: dict[str, Any] | None = None) -> None:
        """Keep in mind where the source stands, from here on.

        Args:
            epoch, step: number of the first batch.
            position: where the source stood there in the run that is resumed; None: as it stands.

        Raises:
            ValueError: it does not fit the source.
        """
        self.keeps = self._passes.keeps = self._job.keeps = True
        given: dict[str, Any] = positions.decoded(position) if position else {"digest": 0, "source": None}
        source, self._digest = given["source"], given["digest"]
        if self.is_sequence and not self._by_run:
            self._passes.resume(source)
            self._measure()
        elif source is not None and not self.is_sequence:
            positions.check_rewound(self.items, source)
            self._job.start_at(source)
        self._note(epoch, step, source or self._source())

    def _source(self) -> dict[str, Any] | None:
        if not self.is_sequence:
            return self._job.position()
        return None if self._by_run else self._passes.position()

    def _note(self, epoch: int, step: int, source: dict[str, Any] | None, digest: int | None = None) -> None:
        if digest is not None:
            self._digest = zlib.crc32(digest.to_bytes(4, "big"), self._digest)
        self._kept.append((self._before(epoch, step), {"source": source, "digest": self._digest}))

    def _before(self, epoch: int, step: int) -> tuple[int, int]:
        """The place before a batch; that after an epoch's last batch is the one before the next epoch's."""
        return (epoch, step) if step != self.steps else (epoch + 1, 0)

    def position(self, epoch: int | None = None, step: int = 0) -> dict[str, Any] | None:
        """The place of the source before a batch, as plain values; None where it is not known.

        Args:
            epoch, step: number of the batch; None: as it stands.

        Raises:
            ValueError: the state of the source holds what is no plain value.
        """
        if not self._kept:
            return None
        found = self._kept[-1][1] if epoch is None else dict(self._kept).get(self._before(epoch, step))
        return positions.encoded(found, f"The state of the {type(self.items).__name__}")

    def is_ready(self, seconds: float) -> bool:
        """Whether the next batch is there, or comes within so many seconds."""
        return self._feed.is_ready(seconds)

    def close(self) -> None:
        """End the workers."""
        self._feed.close()

    def _of_sequence(self, seed: int, epoch: int, start: int, last: bool) -> Iterator[Samples | None]:
        self._measure()
        row, steps = self._row(seed), self.steps or 0
        first = epoch * row.stride if self._is_pass else (epoch - self.origin) * steps
        stop = first + steps
        for place in range(first + start, stop):
            self._ahead(row, place, stop if last else stop + steps)
            taken = self._feed.take(place, partial(self._ticket, row))
            after = place - first + 1
            if self.keeps:
                self._note(epoch, after, self._kept[-1][1]["source"], taken.digest)
            yield None if taken.samples is END else taken.samples
            self._end_step(row, place, epoch, after)
        if not last:
            self._measure()
            following = first + row.stride if self._is_pass else stop
            self._ahead(self._row(seed), following, following + (self.steps or 0))

    def _end_step(self, row: _Row, place: int, epoch: int, after: int) -> None:
        """The end of a step: the run is one batch further, or a pass is over."""
        if self._by_run:
            self.items.total_batches_seen = self._number(row, place + 1)
        elif place % row.stride + 1 == row.length:
            self._passes.end()
            if self._passes.changes:
                self._feed.renew()
                if self.keeps:
                    self._note(epoch, after, self._source())

    def _row(self, seed: int) -> _Row:
        length = self._length or 0
        return _Row(seed, _STRIDE if self._is_pass else length, length)

    def _measure(self) -> None:
        """Ask for an epoch's length again where it is a pass, and forget what was fetched for another one."""
        if self._is_pass and self._steps_of(len(self.items)) != self._length:
            self._length = self.steps = self._steps_of(len(self.items))
            self._feed.drop()
            if self._length == 0:
                raise _empty(self.items)

    def _ahead(self, row: _Row, place: int, horizon: int) -> None:
        """Fetch what follows, never past the end of a pass: `on_epoch_end` may change the data."""
        end = place // row.stride * row.stride + row.length
        self._feed.ahead(range(place, min(horizon, end)), partial(self._ticket, row))

    def _ticket(self, row: _Row, place: int) -> int | tuple[int, int, int, int] | None:
        """The ticket of the job for a place; None: the others have a batch in this step, this process has
        none."""
        mine, count = self.share
        index = self._index(row, place) * count + mine
        if count > 1 and index >= len(self.items):
            return None
        if not self._by_run:
            return index
        number = self._number(row, place)
        return index, max(0, number - place % row.stride * count), number + mine, row.seed

    def _number(self, row: _Row, place: int) -> int:
        """How many batches come before those of a place, in this run and in those before."""
        turn, i = divmod(place, row.stride)
        before = (turn - self.origin * self._is_pass) * row.length + i
        return self._seen + before * self.share[1]

    def _index(self, row: _Row, place: int) -> int:
        """Number of the batch at a place."""
        turn, i = divmod(place, row.stride)
        if not self.shuffle:
            return i
        if self._order is None or self._order[:3] != (row.seed, turn, row.length):
            self._order = (row.seed, turn, row.length, permutation(row.seed, turn, row.length))
        return int(self._order[3][i])

    def _of_iterable(self, epoch: int, start: int, last: bool) -> Iterator[Samples | None]:
        steps, feed = self.steps or 0, self._feed
        horizon = self._at + (steps - start) + (0 if last else steps)
        for step in range(start, steps):
            feed.ahead(range(self._at, horizon), _continue)
            taken = feed.take(self._at, _continue)
            if taken.samples is END:
                raise ValueError(
                    f"The data ran out in epoch {epoch + 1} after {step} of {steps} batches: a generator "
                    "must yield as many batches as are asked for (`while True`), or ask for fewer."
                )
            self._at += 1
            if self.keeps:
                self._note(epoch, step + 1, taken.position, taken.digest)
            yield taken.samples
        feed.ahead(range(self._at, horizon), _continue)

    def _to_its_end(self, epoch: int, start: int) -> Iterator[Samples | None]:
        feed, place = self._feed, start
        feed.drop()
        while True:
            feed.ahead(range(place, _ENDLESS), _anew)
            taken = feed.take(place, _anew)
            is_over = taken.samples is END
            at = (epoch + 1, 0) if is_over else (epoch, place + 1)
            if self.keeps:
                self._note(*at, taken.position, taken.digest)
            if is_over:
                break
            yield taken.samples
            place += 1
        feed.drop()
        if place == 0:
            raise ValueError(f"The {type(self.items).__name__} yielded no batch in epoch {epoch + 1}.")


def _empty(items: object) -> ValueError:
    return ValueError(f"The {type(items).__name__} holds no batches: its length is 0.")


def _continue(place: int) -> bool:
    return False


def _anew(place: int) -> bool:
    return place == 0


class Repeat:
    """The same samples again and again: with a number of steps, Keras feeds all of the data in every one.

    Args:
        samples: the samples.
        steps: batches in an epoch.
    """

    one_by_one = False
    sample_count: int | None = None
    told = 1  # the size of a batch in the logs, as in Keras

    def __init__(self, samples: Samples, steps: int):
        self.samples, self.steps = samples, steps

    def batches(self, seed: int, epoch: int, start: int, last: bool = True) -> Iterator[Samples]:
        """The batches of an epoch from number `start` on."""
        return (self.samples for _ in range(start, self.steps))

    def is_ready(self, seconds: float) -> bool:
        """Whether the next batch is there: always."""
        return True

    def close(self) -> None:
        """There is nothing to end."""


def permutation(seed: int, epoch: int, n: int) -> Numpy:
    """A permutation that is a function of (seed, epoch).

    Example:
        >>> sorted(permutation(1, 0, 3).tolist())
        [0, 1, 2]
    """
    generator = np.random.Generator(np.random.Philox(key=np.array([seed, epoch], np.uint64)))
    return generator.permutation(np.arange(n, dtype=np.int32))


def stream(
    trainer: Consumer,
    x: Any,
    steps: int | None,
    supply: Supply,
    shuffle: bool | str,
    class_weight: Any,
    targets: list[Target],
    need_y: bool,
) -> Stream:
    """The stream of a source whose items are `(x, y)`, `(x, y, sample_weight)`, or for predictions `x`.

    Raises:
        ValueError: a number of steps is missing or wrong.
    """
    dealt = not isinstance(x, OwnBatches)
    x = x if dealt else x.batches
    # The iterators of Keras's image generators are sequences that can be asked for their next batch as well.
    is_iterator = hasattr(x, "__next__") and not is_sequence(x)
    if steps is None and (is_iterator or is_endless(x)):
        raise ValueError(
            "The number of batches (`steps_per_epoch`, `validation_steps` or `steps`) must be given for a "
            f"generator and for data that repeat without end ({type(x).__name__}); a `Sequence` knows its "
            "length."
        )
    inputs = trainer.inputs
    check = partial(_pair, inputs, targets, class_weight) if need_y else partial(_inputs, inputs)
    share = (processes.number(), processes.count()) if dealt else (0, 1)
    return Stream(x, steps, check, trainer.dtypes(need_y), supply.checked(), bool(shuffle), share)


def _inputs(endpoints: list[Endpoint], item: Any) -> Samples:
    """An item of data to predict from: targets beside the inputs are passed over."""
    is_pair = isinstance(item, AnyTuple) or (isinstance(item, AnyList) and len(item) != len(endpoints))
    x = item[0] if is_pair and len(item) in (1, 2, 3) else item
    return read(x, None, endpoints, [], need_y=False)


def _pair(endpoints: list[Endpoint], targets: list[Target], class_weight: Any, item: Any) -> Samples:
    if not isinstance(item, (AnyTuple, AnyList)) or len(item) not in (2, 3):
        shape: Any = getattr(item, "shape", None)
        which = "" if shape is None else f"of shape {tuple(shape)}, which may be x alone."
        raise ValueError(
            "Output of generator should be a tuple `(x, y, sample_weight)` or `(x, y)`. "
            f"Found: {type(item).__name__} {which or str(item)[:80]}"
        )
    weight = item[2] if len(item) == 3 else None
    return read(item[0], item[1], endpoints, targets, weight, class_weight)
