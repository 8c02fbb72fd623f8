"""Callbacks that only record may hear of an epoch while the next one is already running."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from jkeras.core.chunk import Chunk


class Trained(Protocol):
    """The model that callbacks see."""

    stop_training: bool

    @property
    def uses_learning_phase(self) -> bool: ...


class Callbacks(Protocol):
    """The callbacks of a loop, as one: a `CallbackList`."""

    fit_state: dict[str, Any]
    data_state: Callable[[int, int], dict[str, Any]]

    @property
    def keeps_data(self) -> bool: ...
    @property
    def has_batch_hooks(self) -> bool: ...
    @property
    def refresh_interval(self) -> float | None: ...
    def __iter__(self) -> Iterator[Any]: ...
    def set_params(self, params: dict[str, Any], /) -> None: ...
    def set_model(self, model: Any, /) -> None: ...
    def resume(self) -> dict[str, Any] | None: ...
    def close(self) -> None: ...
    def on_epoch_begin(self, epoch: int, /) -> None: ...
    def on_epoch_end(self, epoch: int, logs: dict[str, Any], /) -> None: ...
    def on_chunk_end(self, chunk: Chunk, /) -> None: ...
    def on_train_begin(self) -> None: ...
    def on_train_end(self) -> None: ...
    def on_test_begin(self) -> None: ...
    def on_test_end(self) -> None: ...
    def on_predict_begin(self) -> None: ...
    def on_predict_end(self) -> None: ...


class DelayedCallbacks:
    """Stands before a `CallbackList` and hands its calls on one epoch later.

    Reading the numbers of an epoch waits for the device; done one epoch later, nothing waits for it. This is
    for callbacks that all have `records_only = True`: they neither look at the model nor tell the loop what
    to do.

    Args:
        callbacks: the list.
    """

    def __init__(self, callbacks: Callbacks):
        self.callbacks = callbacks
        # (epoch, hook, arguments)
        self._calls: deque[tuple[int, Callable[..., None], tuple[Any, ...]]] = deque()
        self._epoch = 0

    @staticmethod
    def suits(callbacks: Iterable[Any]) -> bool:
        """Whether all callbacks only record."""
        return all(getattr(callback, "records_only", False) for callback in callbacks)

    def chunk_limit(self, step: int) -> None:
        """Nobody asks for control."""

    def on_epoch_begin(self, epoch: int) -> None:
        self._epoch = epoch
        self._calls.append((epoch, self.callbacks.on_epoch_begin, (epoch,)))

    def on_chunk_end(self, chunk: Chunk) -> None:
        """The device has got work: now there is time for the epochs before."""
        self._calls.append((self._epoch, self.callbacks.on_chunk_end, (chunk,)))
        self.catch_up(self._epoch)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        self._calls.append((epoch, self.callbacks.on_epoch_end, (epoch, logs)))

    def catch_up(self, before: float = float("inf")) -> None:
        """Make the calls of the epochs before `before`."""
        while self._calls and self._calls[0][0] < before:
            _, hook, arguments = self._calls.popleft()
            hook(*arguments)
