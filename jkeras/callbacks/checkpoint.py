"""Callbacks that write files in the middle of training."""

from __future__ import annotations

import os
import re
import string
import tempfile
import warnings
from typing import Any, Literal

from jkeras.callbacks.base import Callback, Logs
from jkeras.callbacks.schedule import better, told, worst
from jkeras.core import atomic, processes
from jkeras.core.logs import MetricLogs
from jkeras.core.processes import say


class ModelCheckpoint(Callback):
    """Saves the model at the end of epochs.

    Args:
        filepath: name of the file; `{epoch}` (from 1) and the names of the epoch logs are filled in, as in
            `weights.{epoch:02d}-{val_loss:.2f}.h5`. Its folder is created.
        monitor: the quantity that `save_best_only` compares.
        verbose: 1 prints what is saved.
        save_best_only: save only when `monitor` has improved.
        save_weights_only: `model.save_weights` instead of `model.save`.
        mode: "min", "max", or "auto" (names with "acc" and those that start with "fmeasure" rise, others
            fall).
        period: look every so many epochs.
        save_freq: "epoch", or a number of batches: save whenever so many have been trained on; `{batch}` in
            `filepath` is their number in the epoch.
        initial_value_threshold: the value of `monitor` that the first save has to improve on.

    Raises:
        ValueError: a `save_freq` that is neither, or one of batches with `save_best_only`; a `filepath` that
            reads more than names.

    A file is complete or not there: it is written beside its place and renamed.

    Keras 2.2.4: keras/callbacks.py ModelCheckpoint; `save_freq` and `initial_value_threshold` of Keras 3.

    Example:
        >>> class Model:
        ...     def save(self, filepath, overwrite=True):
        ...         print("saved", filepath)
        >>> checkpoint = ModelCheckpoint("m.{epoch:02d}-{loss:.1f}.h5")
        >>> checkpoint.set_model(Model())
        >>> checkpoint.on_epoch_end(0, {"loss": 0.5})
        saved m.01-0.5.h5
    """

    state_attributes = ("best", "epochs_since_last_save", "batches_since_last_save")

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        period: int = 1,
        save_freq: int | Literal["epoch"] = "epoch",
        initial_value_threshold: float | None = None,
    ):
        super().__init__()
        self.filepath = os.fspath(filepath)
        self.monitor = monitor
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.period = period
        self.epochs_since_last_save = 0
        self.save_freq = save_freq
        self.batches_since_last_save = 0
        self._done = 0
        self._every = None if save_freq == "epoch" else save_freq  # batches
        given: Any = save_freq
        if self._every is not None and not (isinstance(given, int) and given > 0):
            raise ValueError(
                f"ModelCheckpoint: `save_freq` should be 'epoch' or a number of batches; got {save_freq!r}."
            )
        if self._every is not None and save_best_only:
            raise ValueError(
                "ModelCheckpoint: `save_best_only` compares the logs of epochs: leave `save_freq='epoch'`."
            )
        _check_template(self.filepath)
        rising = ("acc", monitor) if monitor.startswith("fmeasure") else ("acc",)
        self.mode = mode
        self.monitor_op = better(mode, monitor, "ModelCheckpoint", rising)
        self.best = worst(self.monitor_op) if initial_value_threshold is None else initial_value_threshold

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Try the place of the file, and learn from the metric which way is better."""
        if processes.is_first():
            atomic.check_target(self.filepath)
        operation = told(self.mode, self.monitor, self.model, self.monitor_op)
        if operation is not self.monitor_op:
            fresh = self.best == worst(self.monitor_op)
            self.monitor_op, self.best = operation, worst(operation) if fresh else self.best

    def chunk_limit(self, step: int) -> int | None:
        """Steps until the next file."""
        return None if self._every is None else self._every - self.batches_since_last_save

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Count the batches of an epoch anew."""
        self._done = 0

    def on_boundary(self, epoch: int, step: int) -> None:
        """Save where `save_freq` batches have passed."""
        if self._every is None or step == 0:
            return
        self.batches_since_last_save += step - self._done
        self._done = step
        if self.batches_since_last_save >= self._every:
            self.batches_since_last_save = 0
            self._save(epoch, self._filepath(epoch, {"batch": step}))

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Save after `period` epochs, or the best."""
        logs = logs or {}
        if self._every is not None:
            return
        self.epochs_since_last_save += 1
        if self.epochs_since_last_save < self.period:
            return
        self.epochs_since_last_save = 0
        filepath = self._filepath(epoch, logs)
        if not self.save_best_only or self._improved(epoch, logs, filepath):
            self._save(epoch, filepath)

    def _save(self, epoch: int, filepath: str) -> None:
        if not self.save_best_only:
            self._say(epoch, f"saving model to {filepath}")
        save = self.model.save_weights if self.save_weights_only else self.model.save
        if processes.is_first():
            atomic.make_folder(os.path.dirname(filepath) or ".")
            save(filepath, overwrite=True)
        elif any(processes.is_parted(variable.value) for variable in self.model.weights):
            with tempfile.TemporaryDirectory() as folder:  # the first one cannot write it without the others
                save(os.path.join(folder, "model.h5"), overwrite=True)

    def _filepath(self, epoch: int, logs: Logs) -> str:
        try:
            return self.filepath.format_map(MetricLogs(logs, epoch=epoch + 1))
        except KeyError as error:
            raise KeyError(
                f"ModelCheckpoint: `filepath` {self.filepath!r} asks for {error}, "
                f"but epoch {epoch + 1} has only {['epoch', *logs]}."
            ) from None

    def _improved(self, epoch: int, logs: Logs, filepath: str) -> bool:
        current = logs.get(self.monitor)
        if current is None:
            warnings.warn(
                f"Can save best model only with {self.monitor} available, skipping.",
                RuntimeWarning,
                stacklevel=3,
            )
            return False
        if not self.monitor_op(current, self.best):
            self._say(epoch, f"{self.monitor} did not improve from {self.best:0.5f}")
            return False
        self._say(
            epoch,
            f"{self.monitor} improved from {self.best:0.5f} to {current:0.5f}, saving model to {filepath}",
        )
        self.best = current
        return True

    def _say(self, epoch: int, text: str) -> None:
        if self.verbose > 0:
            say(f"\nEpoch {epoch + 1:05d}: {text}")


def _check_template(template: str) -> None:
    """Refuse what reads more than plain names, or makes names of any length."""
    for _, field, how, _ in string.Formatter().parse(template):
        if field is None:
            continue
        widths = [int(n) for n in re.findall(r"\d+", how or "")]
        if not field.isidentifier() or max(widths, default=0) > 20 or "{" in (how or ""):
            raise ValueError(
                f"ModelCheckpoint: `filepath` {template!r} may hold plain names of the logs with a width of "
                f"at most 20, as in {{val_loss:.2f}}; got {{{field}{':' + how if how else ''}}}."
            )
