"""RunCheckpoint: a run directory from which training goes on, bit for bit, after an interruption."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path
from typing import Any

from jkeras.callbacks.base import Callback, CallbackList
from jkeras.saving import checkpoint


class RunCheckpoint(Callback):
    """Saves the whole state of training into a run directory, and goes on from there.

    A checkpoint holds the model, the optimizer's state, the position in the epoch, what decides shuffling and
    random numbers, and the state of all callbacks. It is complete or not there: a kill at any moment leaves
    the one before. On SIGINT (Ctrl-C) and SIGTERM the callback saves as soon as the running steps are done
    and then lets the signal take effect (Ctrl-C raises KeyboardInterrupt); a second one takes effect at once.
    Signals are watched in the main thread only, and only while `fit` runs; one that the process ignores
    (`nohup`, a shell's background job) stays ignored.

    Args:
        run_dir: the directory; checkpoints go to `run_dir/checkpoints`.
        every_epochs: save at the end of every so many epochs; None: do not.
        every_steps: save every so many training steps; None: do not.
        every_seconds: save when so many seconds have passed since the last time; None: do not.
        keep: how many checkpoints to keep, the newest; None: all.
        resume: start from the newest checkpoint if there is one. `fit` must then be called with the same data
        and
            arguments on a model built and compiled in the same way.

    Raises:
        ValueError: for intervals or `keep` below 1.

    Example:
        >>> checkpoint = RunCheckpoint("runs/a", every_steps=500, keep=3, resume=True)
        >>> checkpoint.chunk_limit(step=0)
        500
    """

    state_attributes = ("steps",)

    def __init__(
        self, run_dir, every_epochs=1, every_steps=None, every_seconds=None, keep=None, resume=False
    ):
        super().__init__()
        whole = dict(every_epochs=every_epochs, every_steps=every_steps, keep=keep)
        if every_seconds is not None and every_seconds <= 0:
            raise ValueError(f"RunCheckpoint: `every_seconds` should be above 0; got {every_seconds!r}.")
        for name, value in whole.items():
            if value is not None and value < 1:
                raise ValueError(f"RunCheckpoint: `{name}` should be at least 1, or None; got {value!r}.")
        self.run_dir = Path(run_dir)
        self.every_epochs = every_epochs
        self.every_steps = every_steps
        self.every_seconds = every_seconds
        self.keep = keep
        self.resumes = resume
        #: training steps so far, over all parts of the run
        self.steps = 0
        self._at = (0, 0)
        self._saved_at: tuple[int, int] | None = None
        self._saved_steps = 0
        self._saved_time = 0.0
        self._callbacks = CallbackList()
        self._signal: int | None = None
        self._handlers: dict[int, Any] = {}

    def resume(self, callbacks):
        self._callbacks = callbacks
        self._at, self.steps = (0, 0), 0
        found = checkpoint.list_checkpoints(self.run_dir)
        if found and not self.resumes:
            raise FileExistsError(
                f"{self.run_dir} holds {len(found)} checkpoints of an earlier run: go on from there with "
                "RunCheckpoint(run_dir, resume=True), or take another directory."
            )
        if not found:
            return None
        state = checkpoint.restore(self.model, self.run_dir)
        callbacks.set_state(state["callbacks"])
        start = {"epoch": state["epoch"], "step": state["step_in_epoch"], "fit": state["fit"]}
        if state["stopped"]:  # by EarlyStopping or the like: there is nothing left to train
            start["epoch"] = max(start["epoch"], self.params["epochs"])
        self._at = self._saved_at = (state["epoch"], state["step_in_epoch"])
        return start

    def on_train_begin(self, logs=None):
        self._take_up()
        self._saved_steps = self.steps
        self._saved_time = time.monotonic()
        self._signal = None
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                if signal.getsignal(number) != signal.SIG_IGN:
                    self._handlers[number] = signal.signal(number, self._on_signal)

    def on_epoch_begin(self, epoch, logs=None):
        if epoch != self._at[0]:
            self._at = (epoch, 0)
        if self._saved_at is None:
            self.save()  # so that a kill in the first epoch leaves a run to go on with

    def on_boundary(self, epoch, step):
        if epoch == self._at[0]:
            self.steps += step - self._at[1]
        self._at = (epoch, step)
        if self._signal is not None:
            self.save()
            number = self._signal
            self.close()
            signal.raise_signal(number)
        elif self._is_due(epoch, step):
            self.save()

    def on_train_end(self, logs=None):
        self.save()
        self.close()

    def chunk_limit(self, step):
        if self.every_steps is None:
            return None
        return max(1, self.every_steps - (self.steps - self._saved_steps))

    def _is_due(self, epoch: int, step: int) -> bool:
        if self.every_epochs is not None and step == 0 and epoch % self.every_epochs == 0:
            return True
        if self.every_steps is not None and self.steps - self._saved_steps >= self.every_steps:
            return True
        return self.every_seconds is not None and time.monotonic() - self._saved_time >= self.every_seconds

    def save(self) -> Path | None:
        """Write a checkpoint now, unless this very point has been saved; returns its path."""
        if self._at == self._saved_at:
            return None
        epoch, step = self._at
        state = {
            "epoch": epoch,
            "step": self.steps,
            "step_in_epoch": step,
            "stopped": bool(self.model.stop_training),
            "fit": self._callbacks.fit_state,
            "callbacks": self._callbacks.get_state(),
        }
        path = checkpoint.save_checkpoint(self.model, self.run_dir, state, keep=self.keep)
        self._saved_at = self._at
        self._saved_steps = self.steps
        self._saved_time = time.monotonic()
        return path

    def close(self):
        """Give the signal handlers back."""
        handlers, self._handlers = self._handlers, {}
        for number, handler in handlers.items():
            if signal.getsignal(number) == self._on_signal:  # else somebody has set another one since
                signal.signal(number, handler if handler is not None else signal.SIG_DFL)

    def _on_signal(self, number, frame):
        if self._signal is not None:  # asked twice: do not wait for the running steps
            self.close()
            signal.raise_signal(number)
        self._signal = number
