"""One job at a time beside the training."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any


class BackgroundJob:
    """Runs one function after the other in a thread; an error comes out where it is waited for.

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
            target=self._run, args=(function, args, kwargs), name="jkeras-checkpoint"
        )
        self._thread.start()

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
