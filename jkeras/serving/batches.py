"""The queue: requests that wait together are computed together."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from jkeras.serving.errors import Refused, busy
from jkeras.serving.metrics import Metrics
from jkeras.serving.settings import Settings

Rows = list[np.ndarray[Any, Any]]
_log = logging.getLogger("jkeras.serving")


@dataclass(slots=True)
class _Job:
    """Rows that wait; `key` is the shape of a row."""

    arrays: Rows
    rows: int
    key: tuple[tuple[int, ...], ...]
    made: asyncio.Future[Rows]
    since: float


class Batches:
    """A queue in front of a model. It belongs to one event loop; the thread computes a batch at a time.

    Args:
        compute: the arrays of several requests → the outputs of each.
        most: the most rows of a batch.
        thread: where it is computed.
        settings: delay, length of the queue.
        metrics: of the server.
    """

    def __init__(
        self,
        compute: Callable[[Sequence[Rows]], list[Rows]],
        most: int,
        thread: ThreadPoolExecutor,
        settings: Settings,
        metrics: Metrics,
    ):
        self._compute, self._most, self._thread = compute, most, thread
        self._delay, self._longest = settings.max_delay_ms / 1000, settings.max_waiting
        self._metrics = metrics
        self._waiting: deque[_Job] = deque()
        self.rows = 0  # of those that wait
        self._computing = False
        self._timer: asyncio.Handle | None = None

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is computed."""
        return not self._computing and not self._waiting

    async def submit(self, arrays: Rows, deadline: float) -> Rows:
        """The outputs for some rows.

        Args:
            arrays: one for each input.
            deadline: when it is too late, in the time of the event loop.

        Raises:
            Refused: too many rows wait, or it is too late.
        """
        rows = len(arrays[0])
        if self.rows + rows > self._longest:
            raise busy(f"{self.rows} rows wait already, and at most {self._longest} may.")
        starts = range(0, rows, self._most)
        jobs = [self._enqueued([a[start : start + self._most] for a in arrays]) for start in starts]
        try:
            async with asyncio.timeout_at(deadline):
                made = [await jobs[0]] if len(jobs) == 1 else await asyncio.gather(*jobs)
        except TimeoutError:
            raise busy("The model did not come to this request within its deadline.") from None
        finally:
            for job in jobs:
                job.cancel()  # does nothing where it is done
        return made[0] if len(made) == 1 else [np.concatenate(ys) for ys in zip(*made, strict=True)]

    def _enqueued(self, arrays: Rows) -> asyncio.Future[Rows]:
        loop = asyncio.get_running_loop()
        job = _Job(
            arrays, len(arrays[0]), tuple(a.shape[1:] for a in arrays), loop.create_future(), loop.time()
        )
        self._waiting.append(job)
        self.rows += job.rows
        self._arrange()
        return job.made

    def _arrange(self) -> None:
        """See that a batch will start: now if it is full, else when the first row has waited long enough."""
        if self._computing or not self._waiting:
            return
        loop = asyncio.get_running_loop()
        left = self._waiting[0].since + self._delay - loop.time()
        full = self.rows >= self._most
        if self._timer is None or full:
            self._stop_timer()
            # What the event loop has already received joins the batch before it starts.
            self._timer = (
                loop.call_later(left, self._start) if left > 0 and not full else loop.call_soon(self._start)
            )

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _start(self) -> None:
        self._stop_timer()
        if self._computing or not (jobs := self._taken()):
            return
        self._computing = True
        now = asyncio.get_running_loop().time()
        self._metrics.batches.add(sum(job.rows for job in jobs))
        for job in jobs:
            self._metrics.waits.add(now - job.since)
        done = asyncio.get_running_loop().run_in_executor(
            self._thread, self._compute, [job.arrays for job in jobs]
        )
        done.add_done_callback(lambda done: self._finish(jobs, done))

    def _taken(self) -> list[_Job]:
        """The oldest request and those that fit beside it, out of the queue."""
        jobs: list[_Job] = []
        others: list[_Job] = []
        rows = 0
        while self._waiting and rows < self._most:
            job = self._waiting.popleft()
            if job.made.done():  # its client has gone
                self.rows -= job.rows
            elif (not jobs or job.key == jobs[0].key) and rows + job.rows <= self._most:
                jobs.append(job)
                rows += job.rows
            else:
                others.append(job)
        self._waiting.extendleft(reversed(others))
        self.rows -= rows
        return jobs

    def _finish(self, jobs: list[_Job], done: asyncio.Future[list[Rows]]) -> None:
        self._computing = False
        error = asyncio.CancelledError() if done.cancelled() else done.exception()
        if error is not None and not isinstance(error, Refused):
            _log.error("A batch could not be computed.", exc_info=error)
        for number, job in enumerate(jobs):
            if job.made.done():
                continue
            if error is None:
                job.made.set_result(done.result()[number])
            else:
                job.made.set_exception(error if isinstance(error, Refused) else RuntimeError("not computed"))
        self._arrange()
