"""Callbacks that write files in the middle of training."""

from __future__ import annotations

import os
import re
import string
import warnings

from jkeras.callbacks.base import Callback, Logs
from jkeras.callbacks.schedule import better, worst


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
        fall). period: look every so many epochs.

    A file is complete or not there: it is written beside its place and renamed.

    Keras 2.2.4: keras/callbacks.py ModelCheckpoint.

    Example:
        >>> class Model:
        ...     def save(self, filepath, overwrite=True):
        ...         print("saved", filepath)
        >>> checkpoint = ModelCheckpoint("m.{epoch:02d}-{loss:.1f}.h5")
        >>> checkpoint.set_model(Model())
        >>> checkpoint.on_epoch_end(0, {"loss": 0.5})
        saved m.01-0.5.h5
    """

    state_attributes = ("best", "epochs_since_last_save")

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        period: int = 1,
    ):
        super().__init__()
        self.filepath = os.fspath(filepath)
        self.monitor = monitor
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.period = period
        self.epochs_since_last_save = 0
        _check_template(self.filepath)
        rising = ("acc", monitor) if monitor.startswith("fmeasure") else ("acc",)
        self.monitor_op = better(mode, monitor, "ModelCheckpoint", rising)
        self.best = worst(self.monitor_op)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
        self.epochs_since_last_save += 1
        if self.epochs_since_last_save < self.period:
            return
        self.epochs_since_last_save = 0
        filepath = self._filepath(epoch, logs)
        if not self.save_best_only:
            self._say(epoch, f"saving model to {filepath}")
        elif not self._improved(epoch, logs, filepath):
            return
        os.makedirs(os.path.dirname(filepath) or ".", exist_ok=True)
        save = self.model.save_weights if self.save_weights_only else self.model.save
        save(filepath, overwrite=True)

    def _filepath(self, epoch: int, logs: Logs) -> str:
        try:
            return self.filepath.format(epoch=epoch + 1, **logs)
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
            print(f"\nEpoch {epoch + 1:05d}: {text}")


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
