"""Callbacks that steer training by what they see: early stopping and learning rates."""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Callable
from typing import Any, TypedDict, Unpack

import jax
import numpy as np

from jkeras.callbacks.base import Callback, Logs
from jkeras.core.arguments import refuse_text
from jkeras.core.processes import say


def better(mode: str, monitor: str, owner: str, rising: tuple[str, ...] = ("acc",)) -> np.ufunc:
    """`np.less` or `np.greater` for a monitored quantity.

    Args:
        mode: "min", "max" or "auto"; anything else warns and is "auto".
        monitor: name of the quantity; with "auto" it rises if its name contains one of `rising`.
        owner: name of the callback, for the warning.
        rising: parts of names of quantities that should rise.

    Example:
        >>> better("auto", "val_acc", "EarlyStopping")
        <ufunc 'greater'>
    """
    if mode not in ("auto", "min", "max"):
        warnings.warn(f"{owner} mode {mode} is unknown, fallback to auto mode.", RuntimeWarning, stacklevel=3)
        mode = "auto"
    if mode == "auto":
        mode = "max" if any(part in monitor for part in rising) else "min"
    return np.greater if mode == "max" else np.less


def told(mode: str, monitor: str, model: Any, operation: np.ufunc) -> np.ufunc:
    """As `operation`, but `np.greater` where a metric object of the model says that more is better.

    Args:
        mode: what the callback was given; only "auto" asks the metric.
        monitor: name of the quantity.
        model: the model that trains.
        operation: what the name alone says.
    """
    name = monitor.removeprefix("val_")
    for metric in jax.tree.leaves(getattr(model, "metrics", None)):
        theirs = getattr(metric, "name", None)
        if (
            getattr(metric, "rises", False)
            and theirs is not None
            and re.search(rf"(^|_){re.escape(theirs)}$", name)
        ):
            return np.greater if mode not in ("min", "max") else operation
    return operation


def worst(operation: np.ufunc) -> float:
    """The value that every other one beats under `np.less` or `np.greater`."""
    return np.inf if operation is np.less else -np.inf


def get_lr(model: Any, owner: str) -> float:
    """The learning rate of the model's optimizer.

    Raises:
        ValueError: if the optimizer has none.
    """
    optimizer = getattr(model, "optimizer", None)
    lr = getattr(optimizer, "lr", None)
    if lr is None:
        raise ValueError(
            f'{owner}: Optimizer must have a "lr" attribute, but {type(optimizer).__name__} has none. '
            "Use an optimizer of jkeras.optimizers, or an optax one wrapped in optax.inject_hyperparams."
        )
    return float(np.asarray(getattr(lr, "value", lr)))


def set_lr(model: Any, value: Any) -> None:
    """Set the learning rate of the model's optimizer."""
    lr = model.optimizer.lr
    if hasattr(lr, "assign"):
        lr.assign(value)
    else:
        model.optimizer.lr = value


class EarlyStopping(Callback):
    """Stops training when a quantity has stopped improving.

    Args:
        start_from_epoch: epochs before this one (from 0) are not looked at.
        monitor: name of the quantity in the epoch logs.
        min_delta: what counts as an improvement is more than this.
        patience: how many epochs without improvement stop the training.
        verbose: 1 prints when it stops.
        mode: "min", "max", or "auto" (names with "acc" rise, others fall).
        baseline: value that the first epochs have to beat.
        restore_best_weights: go back to the weights of the best epoch when stopping.

    Keras 2.2.4: keras/callbacks.py EarlyStopping.

    Example:
        >>> class Model:
        ...     stop_training = False
        >>> stopping = EarlyStopping(monitor="loss", patience=1)
        >>> stopping.set_model(Model())
        >>> stopping.on_train_begin()
        >>> stopping.on_epoch_end(0, {"loss": 0.5})
        >>> stopping.on_epoch_end(1, {"loss": 0.6})
        >>> stopping.model.stop_training, stopping.stopped_epoch
        (True, 1)
    """

    state_attributes = ("wait", "stopped_epoch", "best", "best_weights")

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ):
        super().__init__()
        refuse_text(
            patience=patience, min_delta=min_delta, baseline=baseline, start_from_epoch=start_from_epoch
        )
        self.monitor = monitor
        self.start_from_epoch = start_from_epoch
        self.baseline = baseline
        self.patience = patience
        self.verbose = verbose
        self.restore_best_weights = restore_best_weights
        self.mode = mode
        self.monitor_op = better(mode, monitor, "EarlyStopping")
        self.min_delta = min_delta if self.monitor_op is np.greater else -min_delta
        self._reset()

    def _reset(self) -> None:
        self.wait = 0
        self.stopped_epoch = 0
        self.best = worst(self.monitor_op) if self.baseline is None else self.baseline
        self.best_weights: list[Any] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Begin to wait, with no best value."""
        operation = told(self.mode, self.monitor, self.model, self.monitor_op)
        if operation is not self.monitor_op:
            self.monitor_op, self.min_delta = operation, -self.min_delta
        self._reset()
        self._take_up()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Stop after `patience` epochs without progress."""
        current = self.get_monitor_value(logs or {})
        if current is None or epoch < self.start_from_epoch:
            return
        if self.monitor_op(current - self.min_delta, self.best):
            self.best = current
            self.wait = 0
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            return
        self.wait += 1
        if self.wait >= self.patience:
            self.stopped_epoch = epoch
            self.model.stop_training = True
            if self.restore_best_weights and self.best_weights is not None:
                if self.verbose > 0:
                    say("Restoring model weights from the end of the best epoch")
                self.model.set_weights(self.best_weights)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Say at which epoch it stopped."""
        if self.stopped_epoch > 0 and self.verbose > 0:
            say(f"Epoch {self.stopped_epoch + 1:05d}: early stopping")

    def get_monitor_value(self, logs: Logs) -> Any:
        """The monitored value, or None after a warning."""
        value = logs.get(self.monitor)
        if value is None:
            warnings.warn(
                f"Early stopping conditioned on metric `{self.monitor}` which is not available. "
                f"Available metrics are: {','.join(logs)}",
                RuntimeWarning,
                stacklevel=2,
            )
        return value


class LearningRateScheduler(Callback):
    """Sets the learning rate at the start of each epoch.

    Args:
        schedule: `f(epoch, lr)` or `f(epoch)`, epoch from 0; returns the new rate as a float.
        verbose: 1 prints each rate.

    Raises:
        ValueError: if the optimizer has no `lr` or the schedule does not return a float.

    The epoch logs get an entry `lr`.

    Keras 2.2.4: keras/callbacks.py LearningRateScheduler.

    Example:
        >>> class Model:
        ...     optimizer = type("Optimizer", (), {"lr": 0.1})()
        >>> scheduler = LearningRateScheduler(lambda epoch, lr: lr * 0.5)
        >>> scheduler.set_model(Model())
        >>> scheduler.on_epoch_begin(0)
        >>> Model.optimizer.lr
        0.05
    """

    state_attributes = ("begun",)

    def __init__(self, schedule: Callable[..., Any], verbose: int = 0):
        super().__init__()
        self.schedule = schedule
        self.verbose = verbose
        self.begun: int | None = None

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Set the rate of an epoch."""
        if self._take_up() and self.begun == epoch:
            return  # resumed inside this epoch: the rate was set before the run was interrupted
        self.begun = epoch
        lr = get_lr(self.model, "LearningRateScheduler")
        lr = self.schedule(epoch, lr) if self._takes_rate() else self.schedule(epoch)
        if not isinstance(lr, (float, np.floating)):
            raise ValueError(
                'The output of the "schedule" function should be float, '
                f"but for epoch {epoch} it is {lr!r} of type {type(lr).__name__}."
            )
        set_lr(self.model, lr)
        if self.verbose > 0:
            say(f"\nEpoch {epoch + 1:05d}: LearningRateScheduler setting learning rate to {lr!s}.")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Log the rate as `lr`."""
        if logs is not None:
            logs["lr"] = get_lr(self.model, "LearningRateScheduler")

    def _takes_rate(self) -> bool:
        try:
            inspect.signature(self.schedule).bind(0, 0.1)
        except TypeError:
            return False
        except ValueError:  # a builtin without a signature
            return True
        return True


class PlateauArguments(TypedDict, total=False):
    epsilon: float  # the old name of `min_delta`


class ReduceLROnPlateau(Callback):
    """Multiplies the learning rate by a factor when a quantity has stopped improving.

    Args:
        monitor: name of the quantity in the epoch logs.
        factor: the new rate is `lr * factor`; below 1.
        patience: how many epochs without improvement reduce the rate.
        verbose: 1 prints each reduction.
        mode: "min", "max", or "auto" (names with "acc" rise, others fall).
        min_delta: what counts as an improvement is more than this.
        cooldown: epochs after a reduction that do not count.
        min_lr: lower bound of the rate.
        **kwargs: `epsilon`, the old name of `min_delta`.

    Raises:
        ValueError: for `factor >= 1`, or if the optimizer has no `lr`.

    The epoch logs get an entry `lr`, the rate of the epoch that ends.

    Keras 2.2.4: keras/callbacks.py ReduceLROnPlateau.

    Example:
        >>> class Model:
        ...     optimizer = type("Optimizer", (), {"lr": 0.1})()
        >>> reduce_lr = ReduceLROnPlateau(monitor="loss", factor=0.5, patience=1)
        >>> reduce_lr.set_model(Model())
        >>> reduce_lr.on_train_begin()
        >>> for epoch in range(2):
        ...     reduce_lr.on_epoch_end(epoch, {"loss": 1.0})
        >>> Model.optimizer.lr
        0.05
    """

    state_attributes = ("best", "wait", "cooldown_counter")

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0,
        **kwargs: Unpack[PlateauArguments],
    ):
        super().__init__()
        refuse_text(factor=factor, patience=patience, cooldown=cooldown, min_delta=min_delta, min_lr=min_lr)
        if factor >= 1.0:
            raise ValueError(f"ReduceLROnPlateau does not support a factor >= 1.0, but got {factor}.")
        if "epsilon" in kwargs:
            min_delta = kwargs.pop("epsilon")
            warnings.warn("`epsilon` argument is deprecated, use `min_delta` instead.", stacklevel=2)
        if kwargs:
            raise TypeError(f"ReduceLROnPlateau got unexpected keyword arguments {sorted(kwargs)}.")
        self.monitor = monitor
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.mode = mode
        self.min_delta = min_delta
        self.cooldown = cooldown
        self.min_lr = min_lr
        self._operation = better(mode, monitor, "Learning Rate Plateau Reducing")
        self._reset()

    def _reset(self) -> None:
        self.best = worst(self._operation)
        self.wait = 0
        self.cooldown_counter = 0

    def monitor_op(self, a: Any, b: Any) -> bool:
        """Whether `a` improves on `b` by more than `min_delta`."""
        delta = self.min_delta if self._operation is np.greater else -self.min_delta
        return bool(self._operation(a, b + delta))

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Begin to wait, with no best value."""
        self._operation = told(self.mode, self.monitor, self.model, self._operation)
        self._reset()
        self._take_up()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Lower the rate after `patience` epochs without progress, and log it as `lr`."""
        logs = {} if logs is None else logs
        logs["lr"] = get_lr(self.model, "ReduceLROnPlateau")
        current = logs.get(self.monitor)
        if current is None:
            warnings.warn(
                f"Reduce LR on plateau conditioned on metric `{self.monitor}` which is not available. "
                f"Available metrics are: {','.join(logs)}",
                RuntimeWarning,
                stacklevel=2,
            )
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self.monitor_op(current, self.best):
            self.best = current
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(epoch)

    def _reduce(self, epoch: int) -> None:
        old = get_lr(self.model, "ReduceLROnPlateau")
        if old <= self.min_lr:
            return
        new = max(old * self.factor, self.min_lr)
        set_lr(self.model, new)
        if self.verbose > 0:
            say(f"\nEpoch {epoch + 1:05d}: ReduceLROnPlateau reducing learning rate to {new}.")
        self.cooldown_counter = self.cooldown
        self.wait = 0

    def in_cooldown(self) -> bool:
        """Whether a reduction was made less than `cooldown` epochs ago."""
        return self.cooldown_counter > 0
