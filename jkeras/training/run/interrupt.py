"""Ctrl-C while the devices work: it takes effect between dispatches, when all weights are in their cells."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")


class Interrupt:
    """Within `with Interrupt() as interrupt:` SIGINT is noted, and `interrupt.check()` raises it.

    A second Ctrl-C, and one that comes while data are waited for, takes effect at once. Only the main thread
    has signals; a process that ignores SIGINT goes on ignoring it. The handler of before is put back at the
    end.
    """

    def __init__(self):
        self._noted = self._waiting = False
        self._before: Any = None

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread() and callable(
            signal.getsignal(signal.SIGINT)
        ):
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def check(self) -> None:
        """Raise KeyboardInterrupt if SIGINT has come since the last time."""
        if self._noted:
            self._noted = False
            raise KeyboardInterrupt

    def over(self, items: Iterator[T]) -> Iterator[T]:
        """The items; SIGINT takes effect while one is waited for, or when the work on it is done."""
        while (item := self.next_of(items, self)) is not self:
            yield item
            self.check()

    def next_of(self, items: Iterator[Any], end: Any = None) -> Any:
        """The next item, or `end`; data of the user are waited for, so SIGINT is let through."""
        self._waiting = True
        try:
            return next(items, end)
        finally:
            self._waiting = False

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._noted or self._waiting:
            raise KeyboardInterrupt
        self._noted = True
