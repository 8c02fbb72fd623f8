"""Callbacks that only record may hear of an epoch while the next one is already running."""

from __future__ import annotations

from collections import deque


class Deferred:
    """Stands before a `CallbackList` and hands its calls on one epoch later.

    Reading the numbers of an epoch waits for the device; done one epoch later, nothing waits for it. This is
    for callbacks that all have `records_only = True`: they neither look at the model nor tell the loop what
    to do.

    Args:
        callbacks: the list.
    """

    def __init__(self, callbacks):
        self.callbacks = callbacks
        self._calls: deque = deque()  # (epoch, hook, arguments)
        self._epoch = 0

    @staticmethod
    def suits(callbacks) -> bool:
        """Whether all callbacks only record."""
        return all(getattr(callback, "records_only", False) for callback in callbacks)

    def chunk_limit(self, step: int) -> None:
        """Nobody asks for control."""

    def on_epoch_begin(self, epoch: int) -> None:
        self._epoch = epoch
        self._calls.append((epoch, self.callbacks.on_epoch_begin, (epoch,)))

    def on_chunk_end(self, chunk) -> None:
        """The device has got work: now there is time for the epochs before."""
        self._calls.append((self._epoch, self.callbacks.on_chunk_end, (chunk,)))
        self.catch_up(self._epoch)

    def on_epoch_end(self, epoch: int, logs: dict) -> None:
        self._calls.append((epoch, self.callbacks.on_epoch_end, (epoch, logs)))

    def catch_up(self, before: float = float("inf")) -> None:
        """Make the calls of the epochs before `before`."""
        while self._calls and self._calls[0][0] < before:
            _, hook, arguments = self._calls.popleft()
            hook(*arguments)
