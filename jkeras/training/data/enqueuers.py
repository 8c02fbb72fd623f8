"""The enqueuers of Keras: batches fetched ahead, for loops of one's own. `fit` does not need them."""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator
from functools import partial
from typing import Any

from jkeras.core.random import next_seed
from jkeras.core.sequence import gives_by_run
from jkeras.training.data.worker_loop import END, Fetch, FetchOfRun, Next
from jkeras.training.data.workers import Feed, Supply

_ENDLESS = 1 << 60


class SequenceEnqueuer:
    """Base of the enqueuers: `start` the workers, loop over `get()`, `stop`.

    Args:
        sequence: where batches come from.
        use_multiprocessing: worker processes rather than threads.

    Keras 2.2.4: keras/utils/data_utils.py SequenceEnqueuer
    """

    def __init__(self, sequence: Any, use_multiprocessing: bool = False):
        self.sequence = sequence
        self.use_multiprocessing = use_multiprocessing
        self._feed: Feed | None = None

    def is_running(self) -> bool:
        """Whether it was started and not stopped."""
        return self._feed is not None

    def start(self, workers: int = 1, max_queue_size: int = 10) -> None:
        """Start the workers.

        Args:
            workers: how many threads or processes.
            max_queue_size: how many batches may wait.
        """
        if self._feed is not None:
            raise RuntimeError("The enqueuer is running already: stop() it before it is started again.")
        self._feed = self._make_feed(Supply(workers, self.use_multiprocessing, max_queue_size).checked())

    def stop(self, timeout: float | None = None) -> None:
        """End the workers; `timeout` is there for Keras's sake."""
        feed, self._feed = self._feed, None
        if feed is not None:
            feed.close()

    def get(self) -> Iterator[Any]:
        """The batches, as long as it runs; those that are None are passed over.

        Raises:
            RuntimeError: it was not started.
            Exception: whatever a worker raised; all workers have ended then.
        """
        if self._feed is None:
            raise RuntimeError("The enqueuer is not running: call start() first.")
        return self._until_stopped(self._feed)

    def _until_stopped(self, feed: Feed) -> Iterator[Any]:
        try:
            for item in self._items(feed):
                if item is not None:
                    yield item
                if self._feed is not feed:
                    return
        except Exception:
            self.stop()
            raise

    def _make_feed(self, supply: Supply) -> Feed:
        raise NotImplementedError("Use an OrderedEnqueuer for a Sequence, or a GeneratorEnqueuer.")

    def _items(self, feed: Feed) -> Iterator[Any]:
        raise NotImplementedError("Use an OrderedEnqueuer for a Sequence, or a GeneratorEnqueuer.")


class OrderedEnqueuer(SequenceEnqueuer):
    """The batches of a `Sequence`, pass after pass without end, in order; `on_epoch_end` after each pass.

    Args:
        sequence: the `Sequence`.
        use_multiprocessing: worker processes rather than threads.
        shuffle: whether each pass has an order of its own.

    Keras 2.2.4: keras/utils/data_utils.py OrderedEnqueuer

    Example:
        >>> from jkeras.utils import Sequence
        >>> class Squares(Sequence):
        ...     def __len__(self):
        ...         return 3
        ...     def __getitem__(self, index):
        ...         return index**2
        >>> enqueuer = OrderedEnqueuer(Squares())
        >>> enqueuer.start(workers=2)
        >>> batches = enqueuer.get()
        >>> [next(batches) for _ in range(4)]
        [0, 1, 4, 0]
        >>> enqueuer.stop()
    """

    def __init__(self, sequence: Any, use_multiprocessing: bool = False, shuffle: bool = False):
        super().__init__(sequence, use_multiprocessing)
        self.shuffle = shuffle

    def _make_feed(self, supply: Supply) -> Feed:
        by_run = gives_by_run(self.sequence)
        job = FetchOfRun(self.sequence) if by_run else Fetch(self.sequence)
        return Feed(job, supply, lambda item: item, serial=False)

    def _items(self, feed: Feed) -> Iterator[Any]:
        by_run = gives_by_run(self.sequence)
        feed.seed = seed = next_seed() if self.use_multiprocessing or by_run else 0
        before = self.sequence.total_batches_seen if by_run else 0
        length, first = len(self.sequence), 0
        order = list(range(length))
        while order:
            if self.shuffle:
                random.shuffle(order)
            ticket = partial(_ticket, tuple(order), first)
            if by_run:
                ticket = partial(_ticket_of_run, tuple(order), first, before, seed)
            for place in range(first, first + length):
                feed.ahead(range(place, first + length), ticket)
                yield feed.take(place, ticket)
            first += length
            if by_run:
                self.sequence.total_batches_seen = before + first
            else:
                self.sequence.on_epoch_end()
                feed.renew()


def _ticket(order: tuple[int, ...], first: int, place: int) -> int:
    return order[place - first]


def _ticket_of_run(
    order: tuple[int, ...], first: int, before: int, seed: int, place: int
) -> tuple[int, int, int, int]:
    return order[place - first], before + first, before + place, seed


class GeneratorEnqueuer(SequenceEnqueuer):
    """The items of a generator, in order, up to its end.

    One worker asks a generator, however many there are: it can make one item at a time.

    Args:
        sequence: the generator.
        use_multiprocessing: a worker process, for iterators that can be pickled.
        wait_time: not used, as in Keras.
        random_seed: seeds the worker process.

    Keras 2.2.4: keras/utils/data_utils.py GeneratorEnqueuer
    """

    def __init__(
        self,
        sequence: Any,
        use_multiprocessing: bool = False,
        wait_time: float | None = None,
        random_seed: int | None = None,
    ):
        super().__init__(sequence, use_multiprocessing)
        if wait_time is not None:
            warnings.warn("`wait_time` is not used anymore.", DeprecationWarning, stacklevel=2)
        self.random_seed = random_seed

    def _make_feed(self, supply: Supply) -> Feed:
        job = Next(self.sequence, endless=False)
        return Feed(job, supply, lambda told: told[0], serial=True)  # not where the generator stands

    def _items(self, feed: Feed) -> Iterator[Any]:
        if self.use_multiprocessing:
            feed.seed = next_seed() if self.random_seed is None else int(self.random_seed)
        for place in range(_ENDLESS):
            feed.ahead(range(place, _ENDLESS), lambda at: False)
            item = feed.take(place, lambda at: False)
            if item is END:
                return
            yield item
