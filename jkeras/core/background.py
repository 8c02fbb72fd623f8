"""One job at a time beside other work."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

_T = TypeVar("_T")
_R = TypeVar("_R")
LARGE = 1 << 23  # bytes from which on several threads are faster than one
_THREADS = min(4, os.cpu_count() or 1)


class BackgroundJob:
    """Runs one function after the other in a thread; an error comes out where it is waited for.

    While Python ends, when no thread can be started any more, it runs them at once.

    Example:
        >>> job, done = BackgroundJob(), []
        >>> job.start(done.append, 1)
        >>> job.wait()
        >>> done
        [1]
    """

    def __init__(self):
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def start(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Begin, when what was begun before is done.

        Raises:
            BaseException: what the job before raised.
        """
        self.wait()
        self._thread = threading.Thread(
            target=self._run, args=(function, args, kwargs), name="jkeras-background"
        )
        try:
            self._thread.start()
        except RuntimeError:
            self._thread = None
            self._run(function, args, kwargs)

    def _run(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        try:
            function(*args, **kwargs)
        except BaseException as error:
            self._error = error

    def check(self) -> None:
        """Raise the error of a job that has failed; one that runs goes on."""
        if self._thread is not None and not self._thread.is_alive():
            self.wait()

    def wait(self) -> None:
        """Wait until the job is done.

        Raises:
            BaseException: what it raised.
        """
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()
        error, self._error = self._error, None
        if error is not None:
            raise error


def each(function: Callable[[_T], _R], values: Iterable[_T], size: int) -> list[_R]:
    """The results of a function for each value, in order, worked out on several threads if that pays.

    Args:
        function: it should give Python's lock away most of the time, as numpy and reading do. It sees nothing
            that this thread has set for itself.
        values: its arguments.
        size: of all that it works on, in bytes.

    Raises:
        BaseException: what it raised first.

    Example:
        >>> each(abs, [-1, 2, -3], 24)
        [1, 2, 3]
    """
    values = list(values)
    results: dict[int, _R] = {}
    places = iter(range(len(values)))

    def work() -> None:
        for place in places:
            results[place] = function(values[place])

    others = [BackgroundJob() for _ in range(min(_THREADS, len(values)) - 1 if size > LARGE else 0)]
    for other in others:
        other.start(work)
    try:
        work()
    finally:
        for other in others:
            other.wait()
    return [results[place] for place in range(len(values))]
