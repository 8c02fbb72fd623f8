"""Worker threads and processes that fetch batches ahead, in order."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import sys
import threading
import time
import types
import warnings
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, wait
from typing import Any, NamedTuple, Protocol

from jkeras.compat import as_keras
from jkeras.core.sequence import PyDataset
from jkeras.training.data import pickling, worker_loop
from jkeras.training.data.counts import whole

_JOIN_SECONDS = 2.0  # workers end by themselves; one that hangs in the user's code is not waited for longer
_MOST = 1024  # batches that wait where no number is given
_starting = threading.Lock()


class Supply(NamedTuple):
    """How batches are fetched.

    Args:
        workers: how many threads or processes; 0: the main thread, one batch at a time.
        use_multiprocessing: processes rather than threads.
        max_queue_size: how many batches may wait; 0: 1024.
    """

    workers: int = 1
    use_multiprocessing: bool = False
    max_queue_size: int = 10

    @classmethod
    def of(cls, data: object, workers: int, use_multiprocessing: bool, max_queue_size: int) -> Supply:
        """The one that the data ask for themselves, or that of the arguments of `fit`."""
        if isinstance(data, PyDataset):
            return cls(data.workers, data.use_multiprocessing, data.max_queue_size)
        return cls(workers, use_multiprocessing, max_queue_size)

    def checked(self) -> Supply:
        """Itself, with integers of Python.

        Raises:
            ValueError: a number that is none, or negative.
        """
        numbers = {name: whole(getattr(self, name), name) for name in ("workers", "max_queue_size")}
        return self._replace(**numbers)


ONE_THREAD = Supply()


class Process:
    """A worker process that runs a job; used by one thread.

    It is spawned, never forked (a fork of a process with threads, which jax has, may lock up). It does not
    run the main script, so that scripts need no guard, and its jax knows the CPU only.
    """

    def __init__(self):
        context = multiprocessing.get_context("spawn")
        self._end, there = context.Pipe()
        keras = as_keras.backend_name() if as_keras.is_installed() else None
        self._process = context.Process(
            target=worker_loop.serve, args=(there, keras), daemon=True, name="jkeras-data"
        )
        with _starting, _environment(JAX_PLATFORMS="cpu"), _without_script():
            self._process.start()
        there.close()
        self._answered = False

    def call(self, *message: Any) -> Any:
        """Send a message and wait for the answer.

        Raises:
            RuntimeError: the process has ended.
            Exception: whatever the job raised there, with the traceback of there as a note.
        """
        try:
            self._end.send(message)
            good, answer = self._end.recv()
        except (EOFError, OSError) as error:
            self._process.join(_JOIN_SECONDS)
            raise RuntimeError(self._obituary()) from error
        self._answered = True
        if not good:
            raise answer
        return answer

    def _obituary(self) -> str:
        code = self._process.exitcode
        if self._answered:
            return (
                f"A worker process that fetched batches has ended (exit code {code}); -9 often means that "
                "memory ran out: use fewer `workers`, or threads (use_multiprocessing=False)."
            )
        return (
            f"A worker process has ended while it started (exit code {code}); its error is printed above. "
            "Threads need none: use_multiprocessing=False."
        )

    def end(self) -> None:
        """End it now, whatever it is doing."""
        self._process.terminate()
        self._process.join(_JOIN_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join(_JOIN_SECONDS)
        self._end.close()


@contextlib.contextmanager
def _environment(**values: str) -> Generator[None]:
    """Variables that a process inherits which is started within."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _without_script() -> Generator[None]:
    """A process that is started within finds no main script, so it runs none; for the other threads of this
    process `__main__` holds what it held."""
    script = sys.modules["__main__"]
    sys.modules["__main__"] = double = types.ModuleType("__main__")
    vars(double).update(vars(script) | {"__spec__": None, "__file__": None})
    try:
        yield
    finally:
        sys.modules["__main__"] = script


class Job(Protocol):
    """Makes something of a ticket, as the classes of `worker_loop` do; `items`: what it works on."""

    items: Any

    def __call__(self, ticket: Any, /) -> Any: ...


class Pool:
    """Workers that run one job with many arguments. Each is a daemon thread; or a process behind one.

    A job that cannot be sent to a process is run by the threads, and a warning says why.

    Args:
        job: `job(ticket)`, with what it works on as `items`.
        workers: how many.
        processes: whether each worker is a process.
        finish: what is done, in a thread of this process, with what the job returned.
        seed: processes seed Python's and numpy's global generators by it and the place of the ticket.
    """

    def __init__(
        self,
        job: Job,
        workers: int = 1,
        processes: bool = False,
        finish: Callable[[Any], Any] = lambda item: item,
        seed: int = 0,
    ):
        self.seed = seed
        self._job: Any = job  # one that goes to processes has `items`
        self._finish = finish
        self._blob: bytes | None = None
        self._processes = processes
        self.renew()
        self._tasks: queue.SimpleQueue[tuple[Future[Any], Any, int] | None] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._living: list[Process] = []
        self._threads = [
            threading.Thread(target=self._work, daemon=True, name=f"jkeras-data-{i}") for i in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def has_processes(self) -> bool:
        """Whether the job can be sent to processes, as far as that is known."""
        return self._processes

    def submit(self, ticket: Any, place: int = 0) -> Future[Any]:
        """Have the job run with `ticket`, some time."""
        future: Future[Any] = Future()
        self._tasks.put((future, ticket, place))
        return future

    def renew(self) -> None:
        """The job has changed here: let the processes know."""
        if self._processes:
            try:
                self._blob = pickling.packed(self._job)
            except Exception as error:  # it runs code of the user's classes
                self.give_up(error)

    def give_up(self, error: Exception) -> None:
        """The job cannot be sent to processes: from now on the threads run it themselves."""
        with _starting:
            told, self._processes, self._blob = not self._processes, False, None
        if not told:
            warnings.warn(
                f"The {type(self._job.items).__name__} cannot be sent to worker processes "
                f"({type(error).__name__}: {error}): threads of this process make the batches, as without "
                "use_multiprocessing=True. What can be sent is a `jkeras.utils.Sequence` that holds no "
                "generator, open file or the like (open them in __getitem__).",
                stacklevel=2,
            )

    def close(self) -> None:
        """End the workers. Processes are ended whatever they are doing; a thread that hangs in user code is
        left alone."""
        self._closed.set()
        for _ in self._threads:
            self._tasks.put(None)
        with _starting:  # no process comes into being any more
            living = list(self._living)
        for process in living:
            process.end()
        limit = time.monotonic() + _JOIN_SECONDS
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, limit - time.monotonic()))

    def _work(self) -> None:
        run = _Remote(self).run
        while (task := self._tasks.get()) is not None and not self._closed.is_set():
            future, ticket, place = task
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(self._finish(run(ticket, place)))
            except BaseException as error:
                future.set_exception(error)
            del future, task  # the batch must not live on in this frame

    def run_here(self, ticket: Any) -> Any:
        """The job, without a process."""
        return self._job(ticket)


class _Remote:
    """The process of a thread of a pool, if it has one."""

    def __init__(self, pool: Pool):
        self.pool = pool
        self.process: Process | None = None
        self.known: bytes | None = None

    def run(self, ticket: Any, place: int) -> Any:
        pool = self.pool
        blob = pool._blob
        if blob is not None and self.known is not blob:
            try:
                self._start().call("job", blob, 0)
                self.known = blob
            except Exception as error:
                if pool._closed.is_set():
                    raise
                pool.give_up(error)
        if pool._blob is None or self.process is None:
            return pool.run_here(ticket)
        return self.process.call("run", ticket, (pool.seed * 1_000_003 + place) % 2**32)

    def _start(self) -> Process:
        if self.process is None:
            self.process = Process()
            with _starting:
                self.pool._living.append(self.process)
                late = self.pool._closed.is_set()
            if late:
                self.process.end()
        return self.process


class Feed:
    """The results of a job for a row of tickets, in order; workers fetch some of it ahead.

    Args:
        job: see `Pool`.
        supply: the workers, and how many results may wait.
        finish: see `Pool`.
        serial: whether the job can do one ticket at a time only.
    """

    def __init__(self, job: Job, supply: Supply, finish: Callable[[Any], Any], serial: bool):
        self.seed = 0
        self._job, self._finish = job, finish
        self._workers = min(supply.workers, 1) if serial else supply.workers
        self._idle = supply.workers - self._workers
        self._processes = supply.use_multiprocessing and supply.workers > 0
        self._room = max(supply.max_queue_size or _MOST, self._workers)
        self._pool: Pool | None = None
        self._due: deque[tuple[int, Future[Any]]] = deque()

    def ahead(self, places: range, ticket: Callable[[int], Any]) -> None:
        """Let the workers begin with the first of `places`, as far as there is room.

        Args:
            places: where the results stand in their row; those that are already on their way are passed over.
            ticket: place → ticket of the job.
        """
        if not self._workers:
            return
        if self._due and self._due[0][0] not in places:
            self.drop()
        if self._pool is None:
            self._pool = Pool(self._job, self._workers, self._processes, self._finish, self.seed)
            if self._idle and self._pool.has_processes:
                warnings.warn(
                    "Using a generator with `use_multiprocessing=True` and multiple workers: one of them "
                    "makes all batches, for several may duplicate your data. Please consider using the "
                    "`jkeras.utils.Sequence` class, which several workers can ask.",
                    stacklevel=2,
                )
        self._pool.seed = self.seed
        for place in places[len(self._due) :]:
            if len(self._due) >= self._room:
                break
            self._due.append((place, self._pool.submit(ticket(place), place)))

    def take(self, place: int, ticket: Callable[[int], Any]) -> Any:
        """The result at `place`; raises what the job raised."""
        if not self._due:
            return self._finish(self._job(ticket(place)))
        future = self._due.popleft()[1]
        return future.result()

    def is_ready(self, seconds: float) -> bool:
        """Whether the next result is there, or comes within so many seconds; also where nothing is on its
        way that could be waited for."""
        if not self._due:
            return True
        future = self._due[0][1]
        return future.done() or bool(wait([future], seconds).done)

    def drop(self) -> None:
        """Forget what was fetched ahead."""
        for _, future in self._due:
            future.cancel()
        self._due.clear()

    def renew(self) -> None:
        """The job has changed."""
        if self._pool is not None:
            self._pool.renew()

    def close(self) -> None:
        """End the workers; a later `ahead` starts others."""
        self.drop()
        if self._pool is not None:
            self._pool.close()
            self._pool = None
