"""Ctrl-C while the devices work: it takes effect between dispatches, when all weights are in their cells."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator


class Interrupt:
    """Within `with Interrupt() as interrupt:` SIGINT is noted, and `interrupt.check()` raises it.

    A second Ctrl-C, and one that comes while data are waited for, takes effect at once. Only the main thread
    has signals; a process that ignores SIGINT goes on ignoring it. The handler of before is put back at the
    end.
    """

    def __init__(self):
        self._noted = self._waiting = False
        self._before = None

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread() and callable(
            signal.getsignal(signal.SIGINT)
        ):
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *exc) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def check(self) -> None:
        """Raise KeyboardInterrupt if SIGINT has come since the last time."""
        if self._noted:
            self._noted = False
            raise KeyboardInterrupt

    def over(self, items: Iterator) -> Iterator:
        """The items; SIGINT takes effect while one is waited for, or when the work on it is done."""
        while True:
            with self.waiting():
                item = next(items, self)
            if item is self:
                return
            yield item
            self.check()

    @contextlib.contextmanager
    def waiting(self):
        """Data of the user are waited for: let SIGINT through."""
        self._waiting = True
        try:
            yield
        finally:
            self._waiting = False

    def _note(self, number, frame) -> None:
        if self._noted or self._waiting:
            raise KeyboardInterrupt
        self._noted = True
