"""The callbacks that every `fit` has, and the two smallest ones a user adds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import numpy as np

from jkeras.callbacks.base import Callback, Logs
from jkeras.core.chunk import Chunk
from jkeras.core.display import Displayed
from jkeras.core.logs import MetricLogs
from jkeras.core.processes import say
from jkeras.training.run.pure_step import TrainingStep
from jkeras.training.run.trouble import first_trouble

Hook: TypeAlias = Callable[[int, Logs], object]  # `f(epoch, logs)` or `f(batch, logs)`


class BaseLogger(Callback):
    """Averages the metrics of the batches over the epoch; `fit` puts it first.

    The average is weighted by batch size and summed in float64, in batch order, so it does not depend on how
    many steps share a dispatch.

    Args:
        stateful_metrics: names of metrics whose last value counts instead of the average.

    Keras 2.2.4: keras/callbacks.py BaseLogger.

    Example:
        >>> logger = BaseLogger()
        >>> logger.set_params({"metrics": ["loss"]})
        >>> logger.on_epoch_begin(0)
        >>> logger.on_batch_end(0, {"batch": 0, "size": 4, "loss": 1.0})
        >>> logger.on_batch_end(1, {"batch": 1, "size": 2, "loss": 4.0})
        >>> logs = {}
        >>> logger.on_epoch_end(0, logs)
        >>> logs
        {'loss': 2.0}
    """

    state_attributes = ("seen", "totals")
    records_only = True  # the loop may tell it of an epoch while the next one runs

    def __init__(self, stateful_metrics: Iterable[str] | None = None):
        super().__init__()
        self.stateful_metrics = set(stateful_metrics or ())
        self.seen = 0
        self.totals: dict[str, Any] = {}
        self._unread: list[Chunk] = []
        self._ended = True

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Begin the sums of an epoch."""
        self.seen = 0
        self.totals = {}
        self._unread = []
        self._ended = False
        self._take_up()

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Add the numbers of a batch."""
        logs = logs or {}
        size = logs.get("size", 0)
        self.seen += size
        for name, value in logs.items():
            if name in self.stateful_metrics:
                self.totals[name] = value
            else:
                self.totals[name] = self.totals.get(name, 0.0) + python_value(value) * size

    def on_chunk_end(self, chunk: Chunk) -> None:
        """Keep the numbers of many batches, which are read at the end of the epoch."""
        self._unread.append(chunk)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Put the averages into `logs`."""
        self._read()
        self._ended = True
        if logs is None:
            return
        for name in self.params["metrics"]:
            if name in self.totals:
                stateful = name in self.stateful_metrics
                logs[name] = self.totals[name] if stateful else self.totals[name] / self.seen

    def get_state(self) -> dict[str, Any]:
        """The sums so far, for a run that goes on inside of an epoch."""
        self._read()
        # Between two epochs nothing is left to average.
        return {"seen": 0, "totals": {}} if self._ended else super().get_state()

    def _read(self) -> None:
        unread, self._unread = self._unread, []
        for chunk in unread:
            self.seen += chunk.samples
            for name, column in chunk.logs().items():
                values = column.tolist()
                if name in self.stateful_metrics:
                    self.totals[name] = values[-1]
                else:  # one after the other, as `on_batch_end` does: the same bits
                    total = self.totals.get(name, 0.0)
                    for value, size in zip(values, chunk.sizes, strict=True):
                        total += value * size
                    self.totals[name] = total


class History(Callback, Displayed):
    """Records the epoch logs; `fit` returns it.

    `history.epoch` lists the epochs, `history.history` is `{name: [value per epoch]}` of Python floats; `acc`
    is found as `accuracy` too.

    Keras 2.2.4: keras/callbacks.py History.

    Example:
        >>> history = History()
        >>> history.on_train_begin()
        >>> history.on_epoch_end(0, {"loss": 0.5})
        >>> history.on_epoch_end(1, {"loss": 0.25})
        >>> history.epoch, history.history
        ([0, 1], {'loss': [0.5, 0.25]})
    """

    state_attributes = ("epoch", "history")
    records_only = True

    def __init__(self):
        super().__init__()
        self.epoch: list[int] = []
        self.history: dict[str, list[Any]] = MetricLogs()

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Begin a record, or go on with that of a resumed run."""
        self.epoch = []
        self.history = MetricLogs()
        self._take_up()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Append the numbers of an epoch."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(python_value(value))


class LambdaCallback(Callback):
    """A callback made of functions.

    Args:
        on_epoch_begin: `f(epoch, logs)`.
        on_epoch_end: `f(epoch, logs)`.
        on_batch_begin: `f(batch, logs)`.
        on_batch_end: `f(batch, logs)`.
        on_train_begin: `f(logs)`.
        on_train_end: `f(logs)`.
        **kwargs: further attributes of the callback.

    Keras 2.2.4: keras/callbacks.py LambdaCallback.

    Example:
        >>> shout = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))
        >>> shout.on_epoch_end(3, {"loss": 0.5})
        3 0.5
    """

    def __init__(
        self,
        on_epoch_begin: Hook | None = None,
        on_epoch_end: Hook | None = None,
        on_batch_begin: Hook | None = None,
        on_batch_end: Hook | None = None,
        on_train_begin: Callable[[Logs], object] | None = None,
        on_train_end: Callable[[Logs], object] | None = None,
        **kwargs: Any,
    ):
        super().__init__()
        self.__dict__.update(kwargs)
        hooks: dict[str, Any] = dict(
            on_epoch_begin=on_epoch_begin,
            on_epoch_end=on_epoch_end,
            on_batch_begin=on_batch_begin,
            on_batch_end=on_batch_end,
            on_train_begin=on_train_begin,
            on_train_end=on_train_end,
        )
        # Only what was given becomes an attribute: an absent batch hook must not cost single-step dispatches.
        self.__dict__.update({name: hook for name, hook in hooks.items() if hook is not None})


_FIND_THE_LAYER = (
    "Where it begins: TerminateOnNaN(locate=True) says it, or jkeras.debug.locate(model, x, y) of that "
    "batch. Common causes: a learning rate that is too high, log(0), NaN in the data."
)


class TerminateOnNaN(Callback):
    """Stops training when a batch's loss is NaN or infinite.

    Looks once per dispatch; steps of the same dispatch after the bad one do not count in the epoch's
    averages.

    Args:
        locate: whether to say where the first NaN or infinity arises: layer, phase, operation, line of code.
            It costs a copy of the weights before each step, and a dispatch for each; on one device only.

    Keras 2.2.4: keras/callbacks.py TerminateOnNaN.

    Example:
        >>> class Model:
        ...     stop_training = False
        >>> guard = TerminateOnNaN()
        >>> guard.set_model(Model())
        >>> guard.on_batch_end(7, {"loss": float("nan")})
        Batch 7: Invalid loss, terminating training
        Where it begins: TerminateOnNaN(locate=True) says it, or jkeras.debug.locate(model, x, y) ...
        >>> guard.model.stop_training
        True
    """

    def __init__(self, locate: bool = False):
        super().__init__()
        self._step: TrainingStep | None = None
        self._before: Any = (
            None  # what this step and the one before began with; of that, batch and context too
        )
        self._earlier: Any = None
        self._is_bad = False
        if locate:  # a hook of this object's own: every step is a dispatch
            self.on_batch_begin = self._keep

    def _keep(self, batch: int, logs: Logs | None = None) -> None:
        step: TrainingStep = self._step or self.model.step()
        if self._before is not None:
            self._earlier = self._before, *step.trainer.last_step()
        self._step, self._before = step, step.init()
        step.trainer.keeps_batch = True

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Stop where the loss of a batch is no number."""
        loss = (logs or {}).get("loss")
        if loss is not None and not np.isfinite(loss):
            say(f"Batch {batch:d}: Invalid loss, terminating training")
            if self._step is None:
                say(_FIND_THE_LAYER)
            self.model.stop_training = self._is_bad = True

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Stop where the loss of the epoch is no number."""
        if self._is_bad and self._step is not None:
            say(self._found(self._step))

    def _found(self, step: TrainingStep) -> str:
        """The place in this step; or in the one before, which has left weights that are NaN."""
        now = (self._before, *step.trainer.last_step())
        for carry, data, ctx in [now] if self._earlier is None else [self._earlier, now]:
            place = first_trouble(step, (data.x, data.y, data.weight), carry, ctx)
            if place is not None:
                return str(place)
        return "No operation of these steps makes it by itself."

    def close(self) -> None:
        """Let go of the copies of weights."""
        if self._step is not None:
            self._step.trainer.keeps_batch, self._step.trainer.last = False, None
        self._step = self._before = self._earlier = None
        self._is_bad = False

    def on_chunk_end(self, chunk: Chunk) -> None:
        """Look at the losses of a dispatch."""
        bad = np.flatnonzero(~np.isfinite(chunk.logs().get("loss", np.zeros(0))))
        if bad.size:
            self.on_batch_end(chunk.first + int(bad[0]), {"loss": np.nan})
            chunk.cut(int(bad[0]) + 1)


def python_value(value: Any) -> Any:
    """A Python float or list for a numpy or jax value; anything else as it is."""
    return np.asarray(value).tolist() if hasattr(value, "__array__") else value
