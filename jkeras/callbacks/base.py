"""Callbacks: what a user (and `fit` itself) hangs into the training loop.

The contract with `jkeras/training/run/loop.py`
-------------------------------------------
The loop never imports this package; it is handed a `CallbackList` and does, for a `fit`::

    callbacks.set_model(model); callbacks.set_params({...})
    resume = callbacks.resume()      # None, or {"epoch": e, "step": s, "fit": callbacks.fit_state of then,
                                     # "data": callbacks.data_state(e, s) of then}
    callbacks.fit_state = {...}      # plain values: what decides the shuffles and random numbers of this fit
    callbacks.on_train_begin(); model.stop_training = False
    callbacks.data_state = ...       # (epoch, step) -> where the data stand; if callbacks.keeps_data
    for callback in callbacks: callback.validation_data = x + y + weights of validation; [] or None without
    try:
        for each epoch (from resume["epoch"], whose first batch is then resume["step"], maybe past its end):
            callbacks.on_epoch_begin(epoch)
            for each dispatch until the epoch ends or model.stop_training:
                if callbacks.has_batch_hooks:        # one step per dispatch, numbers read at once
                    callbacks.on_batch_begin(i, {"batch": i, "size": n})
                    ...the step...
                    callbacks.on_batch_end(i, {"batch": i, "size": n, "loss": 0.5, "acc": 0.25})  # floats
                else:                                # at most callbacks.chunk_limit(i) steps per dispatch
                    ...the steps...
                    callbacks.on_chunk_end(Chunk(i, sizes, {"loss": device array, "acc": device array}))
            logs = {"val_loss": ..., "val_acc": ...}     # empty without validation
            callbacks.on_epoch_end(epoch, logs)          # BaseLogger, first in the list, adds loss, acc
        callbacks.on_train_end()
    finally:
        callbacks.close()            # also after an error: signal handlers and files go back

* `Chunk` (`jkeras.core.chunk`) keeps device arrays until someone calls `logs()`. `BaseLogger` reads all
  chunks of an epoch at its end, `ProgbarLogger` when the bar is due for a refresh: no host synchronisation
  per step.
* A callback that defines batch hooks and, in the same class or in a class derived from it, `on_chunk_end`,
  declares that the chunk hook does the same work. Any other overridden batch hook makes `has_batch_hooks`
  true.
* `chunk_limit(step)`: how many steps may run from `step` of the epoch before a callback wants control (None:
  any). `refresh_interval`: seconds between two looks that a progress display wants (None: no display).
* `get_state()` / `set_state(state)`: plain values for an exact resume. `set_state` comes before
  `on_train_begin`; a callback that resets itself at the start of training (or, `BaseLogger` in mid-epoch, of
  an epoch) takes the state up again after that reset.
* `on_boundary(epoch, step)` comes last, when all callbacks have seen a chunk, batch or epoch end: the weights
  and all states belong to "epoch `epoch`, before its batch `step`". `RunCheckpoint` saves and answers signals
  there.
"""

from __future__ import annotations

import copy
import statistics
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from jkeras.core.chunk import Chunk
from jkeras.core.logs import MetricLogs
from jkeras.core.types import AnyList, AnyTuple

Logs: TypeAlias = dict[str, Any]  # numbers by name, see `Callback`

_BATCH_HOOKS = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")
_EVALUATE_HOOKS = ("on_test_batch_begin", "on_test_batch_end")
_PREDICT_HOOKS = ("on_predict_batch_begin", "on_predict_batch_end")


class Callback:
    """Base of all callbacks: override the hooks you need.

    `self.model` is the model that trains and `self.params` a dict with `batch_size`, `epochs`, `steps`,
    `samples`, `verbose`, `do_validation` and `metrics` (names); for generators and the like without
    `batch_size` and `samples`. A hook may read and set weights,
    `self.model.optimizer.lr` and `self.model.stop_training` (looked at after each batch hook and at the end
    of an epoch).

    `logs` holds `batch` and `size` at batch begin, the batch's loss and metrics too at batch end, and the
    averages over the epoch with the validation's `val_...` at epoch end, all as Python floats.

    Keras 2.2.4: keras/callbacks.py Callback. The hooks of `evaluate` and `predict` are those of Keras 2.3.

    Example:
        >>> class Losses(Callback):
        ...     def on_train_begin(self, logs=None):
        ...         self.losses = []
        ...     def on_batch_end(self, batch, logs=None):
        ...         self.losses.append(logs["loss"])
        >>> losses = Losses()
        >>> losses.on_train_begin()
        >>> losses.on_batch_end(0, {"loss": 0.5})
        >>> losses.losses
        [0.5]
    """

    # `logs` is a `Logs`, said to be Any: an override takes its type from here, and asks `logs.get("loss")`.
    validation_data: Any = None
    model: Any = None
    params: dict[str, Any] = {}

    #: whether the loop should keep in mind where the data stand, for `CallbackList.data_state`
    keeps_data = False
    #: names of the attributes that `get_state` returns
    state_attributes: tuple[str, ...] = ()
    _resume: dict[str, Any] | None = None

    def __init__(self):
        self.validation_data = None
        self.model = None

    def set_params(self, params: dict[str, Any]) -> None:
        """Take the parameters of the training run."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Take the model that trains."""
        self.model = model

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Called before the first batch of epoch number `epoch` (from 0)."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Called after the last batch and the validation of an epoch."""

    def on_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Called before each training batch; `batch` is its index in the epoch."""

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """Called after each training batch."""

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Newer name of `on_batch_begin`, which it calls."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Newer name of `on_batch_end`, which it calls."""
        self.on_batch_end(batch, logs)

    def on_train_begin(self, logs: Any = None) -> None:
        """Called once before training."""

    def on_train_end(self, logs: Any = None) -> None:
        """Called once after training."""

    def on_test_begin(self, logs: Any = None) -> None:
        """Called before `evaluate` (not before the validation inside `fit`)."""

    def on_test_end(self, logs: Any = None) -> None:
        """Called after `evaluate`."""

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Called before each batch of `evaluate`."""

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """Called after each batch of `evaluate`."""

    def on_predict_begin(self, logs: Any = None) -> None:
        """Called before `predict`."""

    def on_predict_end(self, logs: Any = None) -> None:
        """Called after `predict`."""

    def on_predict_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Called before each batch of `predict`."""

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """Called after each batch of `predict`."""

    def on_chunk_end(self, chunk: Chunk) -> None:
        """Called after a dispatch of several training steps, where no callback needs single batches."""

    def on_boundary(self, epoch: int, step: int) -> None:
        """Called after the other hooks of a chunk, batch or epoch end: next comes batch `step` of `epoch`."""

    def resume(self, callbacks: CallbackList) -> dict[str, Any] | None:
        """Called before `on_train_begin`: restore an earlier run; returns where it goes on, or None."""
        return None

    def close(self) -> None:
        """Called when `fit` is left, also by an error: give back what the callback holds."""

    def chunk_limit(self, step: int) -> int | None:
        """How many steps may run from `step` of this epoch before the callback wants control; None: any."""
        return None

    @property
    def refresh_interval(self) -> float | None:
        """Seconds between two chunk ends that a progress display wants; None: it does not care."""
        return None

    def get_state(self) -> dict[str, Any]:
        """The state for an exact resume: plain values (numbers, strings, lists, dicts, numpy arrays)."""
        return {n: copy.deepcopy(getattr(self, n)) for n in self.state_attributes if hasattr(self, n)}

    def set_state(self, state: dict[str, Any]) -> None:
        """Put `get_state()` of an earlier run back; it survives the reset at the next start of training."""
        unknown = sorted(set(state) - set(self.state_attributes))
        if unknown:
            raise ValueError(
                f"{type(self).__name__}.set_state got unknown entries {unknown}; "
                f"expected some of {sorted(self.state_attributes)}. The state comes from another callback."
            )
        self._resume = copy.deepcopy(state)
        self.__dict__.update(self._resume)

    def _take_up(self) -> bool:
        """Apply a state given to `set_state` once more, after a reset; returns whether there was one."""
        resume, self._resume = self._resume, None
        if resume is not None:
            self.__dict__.update(resume)
        return resume is not None


def _overrides(callback: Any, hooks: Sequence[str], substitute: str | None = None) -> bool:
    """Whether `callback` does something of its own in one of `hooks` that `substitute` does not stand for."""
    if not isinstance(callback, Callback):
        return any(hasattr(callback, hook) for hook in hooks)
    for hook in hooks:
        if hook in vars(callback):
            return True
        for cls in type(callback).__mro__:
            if cls is Callback or (substitute is not None and substitute in vars(cls)):
                break
            if hook in vars(cls):
                return True
    return False


def _named(logs: Logs | None) -> MetricLogs:
    return logs if isinstance(logs, MetricLogs) else MetricLogs(logs or ())


class CallbackList:
    """Calls a list of callbacks in order.

    Args:
        callbacks: the callbacks, or one callback, or None.
        queue_length: how many batches the median times for the slowness warning look back.
        model: given to `set_model` of all of them.
        params: given to `set_params` of all of them.

    Raises:
        TypeError: for something that is no callback.

    Keras 2.2.4: keras/callbacks.py CallbackList.

    Example:
        >>> from jkeras.callbacks import History
        >>> callbacks = CallbackList([History()])
        >>> callbacks.has_batch_hooks
        False
        >>> callbacks.on_train_begin()
        >>> callbacks.on_epoch_end(0, {"loss": 0.5})
        >>> callbacks.callbacks[0].history
        {'loss': [0.5]}
    """

    def __init__(
        self,
        callbacks: Any = None,
        queue_length: int = 10,
        model: Any = None,
        params: dict[str, Any] | None = None,
    ):
        if callbacks is None:
            callbacks = ()
        elif hasattr(callbacks, "on_epoch_end") and not isinstance(
            callbacks, (AnyList, AnyTuple, CallbackList)
        ):
            callbacks = (callbacks,)
        self.callbacks: list[Any] = []  # any object with Keras's hooks will do
        self.queue_length = queue_length
        self._begin_times: deque[float] = deque(maxlen=queue_length)
        self._end_times: deque[float] = deque(maxlen=queue_length)
        self._entered = 0.0
        self._step_time = 0.0
        self.epoch = 0
        self.fit_state: dict[str, Any] = {}
        #: function from an epoch and its next step to where the data stand there, as plain values
        self.data_state: Callable[[int, int], dict[str, Any]] = lambda epoch, step: {}
        for callback in callbacks:
            self.append(callback)
        if model is not None:
            self.set_model(model)
        if params is not None:
            self.set_params(params)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.callbacks)

    def __len__(self) -> int:
        return len(self.callbacks)

    def append(self, callback: Any) -> None:
        """Add a callback at the end."""
        if isinstance(callback, type):
            raise TypeError(
                f"`callbacks` got the class {callback.__name__}; pass an instance: {callback.__name__}(...)."
            )
        if not hasattr(callback, "on_epoch_end"):
            raise TypeError(
                f"`callbacks` must hold jkeras.callbacks.Callback instances, but one entry is {callback!r} "
                f"of type {type(callback).__name__}. Wrap functions in LambdaCallback(on_epoch_end=...)."
            )
        self.callbacks.append(callback)

    def set_params(self, params: dict[str, Any]) -> None:
        """Hand the parameters of the run to every callback."""
        for callback in self.callbacks:
            callback.set_params(params)

    def set_model(self, model: Any) -> None:
        """Hand the model to every callback."""
        for callback in self.callbacks:
            callback.set_model(model)

    # What the loop asks before it decides how many steps go into one dispatch.

    @property
    def has_batch_hooks(self) -> bool:
        """Whether some callback must see every training batch by itself."""
        return any(_overrides(callback, _BATCH_HOOKS, "on_chunk_end") for callback in self.callbacks)

    @property
    def keeps_data(self) -> bool:
        """Whether some callback wants to know where the data stand."""
        return any(getattr(callback, "keeps_data", False) for callback in self.callbacks)

    @property
    def has_test_batch_hooks(self) -> bool:
        """Whether some callback must see every batch of `evaluate`."""
        return any(_overrides(callback, _EVALUATE_HOOKS) for callback in self.callbacks)

    @property
    def has_predict_batch_hooks(self) -> bool:
        """Whether some callback must see every batch of `predict`."""
        return any(_overrides(callback, _PREDICT_HOOKS) for callback in self.callbacks)

    def chunk_limit(self, step: int) -> int | None:
        """The smallest `chunk_limit` of all callbacks (at least 1), or None."""
        asked = [callback.chunk_limit(step) for callback in self.callbacks if isinstance(callback, Callback)]
        limits = [limit for limit in asked if limit is not None]
        return max(1, min(limits)) if limits else None

    @property
    def refresh_interval(self) -> float | None:
        """The smallest `refresh_interval` of all callbacks, or None."""
        wanted = [callback.refresh_interval for callback in self.callbacks if isinstance(callback, Callback)]
        return min((seconds for seconds in wanted if seconds is not None), default=None)

    # The hooks.

    def _call(self, hook: str, *args: Any) -> None:
        for callback in self.callbacks:
            method = getattr(callback, hook, None)
            if method is not None:
                method(*args)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Start of training."""
        self._call("on_train_begin", {} if logs is None else logs)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """End of training."""
        self._call("on_train_end", {} if logs is None else logs)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Start of an epoch."""
        self.epoch = epoch
        self._call("on_epoch_begin", epoch, {} if logs is None else logs)
        self._begin_times.clear()
        self._end_times.clear()
        self._entered = self._step_time = 0.0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """End of an epoch; callbacks add entries to `logs` for those after them."""
        named = _named(logs)
        self._call("on_epoch_end", epoch, named)
        if logs is not None and named is not logs:
            logs.update(named)
        self._call("on_boundary", epoch + 1, 0)

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Start of a training batch."""
        self._timed("on_train_batch_begin", "on_batch_begin", self._begin_times, batch, logs)
        self._entered = time.perf_counter()

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """End of a training batch."""
        if self._entered:
            self._step_time = time.perf_counter() - self._entered
        self._timed("on_train_batch_end", "on_batch_end", self._end_times, batch, logs)
        self._call("on_boundary", self.epoch, batch + 1)

    on_train_batch_begin = on_batch_begin
    on_train_batch_end = on_batch_end

    def on_chunk_end(self, chunk: Chunk) -> None:
        """End of a dispatch of several training steps."""
        self._call("on_chunk_end", chunk)
        self._call("on_boundary", self.epoch, chunk.first + len(chunk))

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Start of `evaluate`."""
        self._call("on_test_begin", {} if logs is None else logs)

    def on_test_end(self, logs: Logs | None = None) -> None:
        """End of `evaluate`."""
        self._call("on_test_end", {} if logs is None else logs)

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Start of a batch of `evaluate`."""
        self._call("on_test_batch_begin", batch, {} if logs is None else logs)

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """End of a batch of `evaluate`."""
        self._call("on_test_batch_end", batch, _named(logs))

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Start of `predict`."""
        self._call("on_predict_begin", {} if logs is None else logs)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """End of `predict`."""
        self._call("on_predict_end", {} if logs is None else logs)

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Start of a batch of `predict`."""
        self._call("on_predict_batch_begin", batch, {} if logs is None else logs)

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """End of a batch of `predict`."""
        self._call("on_predict_batch_end", batch, {} if logs is None else logs)

    def _timed(self, hook: str, old_hook: str, times: deque[float], batch: int, logs: Logs | None) -> None:
        """Call a batch hook and warn when it is slow beside the step itself."""
        named = _named(logs)
        start = time.perf_counter()
        for callback in self.callbacks:
            method = getattr(callback, hook, None) or getattr(callback, old_hook)
            method(batch, named)
        times.append(time.perf_counter() - start)
        median = statistics.median(times)
        if self._step_time > 0.0 and median > 0.95 * self._step_time and median > 0.1:
            warnings.warn(
                f"Method {old_hook}() is slow compared to the batch update ({median:f} s). "
                "Check your callbacks.",
                stacklevel=3,
            )

    # Resume and clean-up.

    def resume(self) -> dict[str, Any] | None:
        """Let a callback restore an earlier run: where it goes on (`epoch`, `step`, `fit`), or None."""
        for callback in self.callbacks:
            start = callback.resume(self) if isinstance(callback, Callback) else None
            if start is not None:
                return start
        return None

    def close(self) -> None:
        """Let every callback give back what it holds; called when `fit` is left in any way."""
        self._call("close")

    def get_state(self) -> list[dict[str, Any]]:
        """`[{"class": name, "state": dict}]` for each callback that has a state."""
        states = [(type(c).__name__, c.get_state()) for c in self.callbacks if isinstance(c, Callback)]
        return [{"class": name, "state": state} for name, state in states if state]

    def set_state(self, states: list[dict[str, Any]]) -> None:
        """Hand the states of `get_state()` to the callbacks of the same classes, in order."""
        left = list(states)
        for callback in self.callbacks:
            match = next((s for s in left if s["class"] == type(callback).__name__), None)
            if match is not None:
                left.remove(match)
                callback.set_state(match["state"])
