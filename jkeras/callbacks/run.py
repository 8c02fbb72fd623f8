"""RunCheckpoint: a run directory from which training goes on, bit for bit, after an interruption."""

from __future__ import annotations

import os
import signal
import threading
import time
import warnings
import zlib
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import numpy as np

from jkeras.callbacks.base import Callback, CallbackList, Logs
from jkeras.callbacks.schedule import better, told
from jkeras.core import processes
from jkeras.core.background import BackgroundJob
from jkeras.core.display import Displayed
from jkeras.core.lock import Hold
from jkeras.core.processes import say
from jkeras.saving import checkpoint
from jkeras.saving.contents import Contents
from jkeras.saving.limits import telling


class Proof(NamedTuple):
    """Two checkpoints of one run: the one to train on from, and the one to come to, with what it holds."""

    start: checkpoint.Checkpoint
    then: checkpoint.Checkpoint
    contents: Contents

    @property
    def place(self) -> tuple[int, int]:
        """The epoch and its step, to come to: the end of an epoch is not the beginning of the next."""
        run = self.contents.notes["run"]
        return run["epoch"], run["step_in_epoch"]


class RunCheckpoint(Callback, Displayed):
    """Saves the whole state of training into a run directory, and goes on from there.

    Files are written by a thread while training goes on; a write that fails is raised after the next steps.
    A checkpoint holds the model, the optimizer's state, the position in the epoch, what decides shuffling and
    random numbers, and the state of all callbacks. It is complete or not there: a kill at any moment leaves
    the one before.

    Arrays and a `Sequence` go on exactly (a fresh one has its `on_epoch_end` called as often as then), and so
    does a stream with a state: `get_state` and `set_state`, or `state_dict` and `load_state_dict`, as grain's
    iterators and torchdata's loaders have, or a torch `DataLoader` with a `generator`. States are kept as
    plain values. Of an iterable without a state, the batches of the begun pass are passed over; a generator
    goes on with what it gives then. A warning says so.

    On SIGINT (Ctrl-C) and SIGTERM the callback saves as soon as the running steps are done and then lets the
    signal take effect (Ctrl-C raises KeyboardInterrupt); a second one takes effect at once. Signals are
    watched in the main thread only, and only while `fit` runs; one that the process ignores (`nohup`, a
    shell's background job) stays ignored.

    Args:
        run_dir: the directory; checkpoints go to `run_dir/checkpoints`.
        every_epochs: save at the end of every so many epochs; None: do not.
        every_steps: save every so many training steps; None: do not.
        every_seconds: save when so many seconds have passed since the last time; None: do not.
        keep: how many checkpoints to keep, the newest; None: all.
        resume: start from the newest checkpoint if there is one. `fit` must then be called with the same data
            and arguments on a model built and compiled in the same way.
        verify: start from the newest checkpoint but one instead, and compare what training comes to at the
            newest with it, bit by bit: the proof that a resumed run is the uninterrupted one. Nothing is
            written before. `verified` tells then.
        best: name of a logged quantity: of the checkpoints at the ends of epochs those in which it was best
            are kept too.
        keep_best: how many of these.
        mode: "min" or "max" says what is best; "auto": "max" for accuracies, "min" for others.

    Raises:
        ValueError: for intervals, `keep` or `keep_best` below 1.
        BlockingIOError: another process, or another `fit` of this one, writes into `run_dir`.
        RuntimeError: with `verify`, where the bits differ; the message names the first layer, optimizer's
            array or callback that does.

    Example:
        >>> checkpoint = RunCheckpoint("runs/a", every_steps=500, keep=3, resume=True)
        >>> checkpoint.chunk_limit(step=0)
        500
    """

    state_attributes = ("steps", "scores")
    keeps_data = True

    def __init__(
        self,
        run_dir: str | os.PathLike[str],
        every_epochs: int | None = 1,
        every_steps: int | None = None,
        every_seconds: float | None = None,
        keep: int | None = None,
        resume: bool = False,
        verify: bool = False,
        best: str | None = None,
        keep_best: int = 1,
        mode: str = "auto",
    ):
        super().__init__()
        whole = dict(every_epochs=every_epochs, every_steps=every_steps, keep=keep, keep_best=keep_best)
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
        self.resumes = resume or verify
        self.verifies = verify
        #: whether `verify` has found the same bits; None: not compared
        self.verified: bool | None = None
        self.best = best
        self.keep_best = keep_best
        self.mode = mode
        self.is_better = better(mode, best, "RunCheckpoint") if best is not None else np.less
        #: value of `best` at the checkpoints that are kept for it, by name of the file
        self.scores: dict[str, float] = {}
        #: training steps so far, over all parts of the run
        self.steps = 0
        self._at = (0, 0)
        self._saved_at: tuple[int, int] | None = None
        self._saved_steps = 0
        self._saved_time = 0.0
        self._callbacks = CallbackList()
        self._score: tuple[int, Any] = (0, None)
        self._signal: int | None = None
        self._handlers: dict[int, Any] = {}
        self._writing = BackgroundJob()
        self._proof: Proof | None = None
        self._lock: Hold | None = None

    def resume(self, callbacks: CallbackList) -> dict[str, Any] | None:
        """Put back what the newest checkpoint holds; returns where to go on."""
        self._callbacks = callbacks
        self._at, self.steps = (0, 0), 0
        if processes.is_first():
            self._lock = checkpoint.hold(self.run_dir)
        checkpoints = checkpoint.list_checkpoints(self.run_dir)
        if processes.count() > 1:
            _check_seen(self.run_dir, checkpoints)
        if checkpoints and not self.resumes:
            raise FileExistsError(
                f"{self.run_dir} holds {len(checkpoints)} checkpoints of an earlier run: go on from there "
                "with RunCheckpoint(run_dir, resume=True), or take another directory."
            )
        if not checkpoints:
            return None
        state = checkpoint.restore(self.model, self._source(checkpoints))
        with telling(self.run_dir, "the state of the run in its checkpoint is malformed"):
            callbacks.set_state(state["callbacks"])
            start = {
                "epoch": state["epoch"],
                "step": state["step_in_epoch"],
                "fit": state["fit"],
                "data": state.get("data"),
            }
            if state["stopped"]:  # by EarlyStopping or the like: there is nothing left to train
                start["epoch"] = max(start["epoch"], self.params["epochs"])
            self._at = self._saved_at = (state["epoch"], state["step_in_epoch"])
        return start

    def _source(self, found: list[checkpoint.Checkpoint]) -> Path:
        """The place to go on from: the run, or with `verify` the last checkpoint but one."""
        if not self.verifies:
            return self.run_dir
        # An epoch's last step and its end are two checkpoints with no step between them.
        earlier = [one for one in found if one.step < found[-1].step]
        if not earlier:
            warnings.warn(
                f"RunCheckpoint(verify=True): {self.run_dir} holds one checkpoint: nothing to compare.",
                stacklevel=2,
            )
            return self.run_dir
        self._proof = Proof(earlier[-1], found[-1], checkpoint.read(found[-1].path))
        return earlier[-1].path

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Begin to count steps and time, and to wait for signals."""
        if self.best is not None:
            self.is_better = told(self.mode, self.best, self.model, self.is_better)
        self._take_up()
        self._saved_steps = self.steps
        self._saved_time = time.monotonic()
        self._signal = None
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                if signal.getsignal(number) != signal.SIG_IGN:
                    self._handlers[number] = signal.signal(number, self._on_signal)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Write the first checkpoint, before any step."""
        if epoch != self._at[0]:
            self._at = (epoch, 0)
        if self._saved_at is None:
            self.save()  # so that a kill in the first epoch leaves a run to go on with

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Note the end of an epoch and its numbers."""
        if self.best is not None:
            self._score = (epoch + 1, (logs or {}).get(self.best))

    def on_boundary(self, epoch: int, step: int) -> None:
        """Write a checkpoint where one is due or a signal has come."""
        self._writing.check()
        if epoch == self._at[0]:
            self.steps += step - self._at[1]
        self._at = (epoch, step)
        if self._proof is not None and self._at >= self._proof.place:
            self._compare(*self._proof)
        if self._signal is not None:
            self.save()
            number = self._signal
            self.close()  # which waits for the file
            signal.raise_signal(number)
        elif self._is_due(epoch, step):
            self.save()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Write the last checkpoint."""
        self.save()
        self.close()

    def chunk_limit(self, step: int) -> int | None:
        """Steps until the next checkpoint."""
        limits: list[int] = []
        if self.every_steps is not None:
            limits.append(self.every_steps - (self.steps - self._saved_steps))
        if self._proof is not None:
            limits.append(self._proof.then.step - self.steps)
        return max(1, min(limits)) if limits else None

    def _compare(self, start: checkpoint.Checkpoint, then: checkpoint.Checkpoint, contents: Contents) -> None:
        """Whether the bits are those of the checkpoint `then`, to which training has come from `start`."""
        self._proof = None
        self._saved_at, self._saved_steps = self._at, self.steps
        difference = checkpoint.first_difference(contents, checkpoint.snapshot(self.model, self._state()))
        self.verified = difference is None
        if difference is not None:
            raise RuntimeError(
                f"RunCheckpoint: from {start.path.name} training did not come to {then.path.name}: "
                f"first of all, {difference}. Data, arguments, code and machine should be those of then, and "
                "all random numbers should come from jkeras's or numpy's seeds. Nothing was written."
            )
        say(f"Verified: training from {start.path.name} came to the very bits of {then.path.name}.")

    def _is_due(self, epoch: int, step: int) -> bool:
        if self.every_epochs is not None and step == 0 and epoch % self.every_epochs == 0:
            return True
        if self.every_steps is not None and self.steps - self._saved_steps >= self.every_steps:
            return True
        if self.every_seconds is None:
            return False
        return bool(processes.told([time.monotonic() - self._saved_time >= self.every_seconds])[0, 0])

    def save(self) -> Path | None:
        """Begin to write a checkpoint, unless this very point has been saved; returns its path to be."""
        if self._at == self._saved_at or self._proof is not None:
            return None
        self._writing.wait()
        name = checkpoint.file_name(self._at[0], self.steps)
        self._rank(name)
        contents = checkpoint.snapshot(self.model, self._state())
        if processes.is_first():
            self._writing.start(checkpoint.write, contents, self.run_dir, self.keep, tuple(self.scores))
        self._saved_at = self._at
        self._saved_steps = self.steps
        self._saved_time = time.monotonic()
        return self.run_dir / "checkpoints" / name

    def _state(self) -> dict[str, Any]:
        """The state of the run beside the model."""
        epoch, step = self._at
        return {
            "epoch": epoch,
            "step": self.steps,
            "step_in_epoch": step,
            "stopped": bool(self.model.stop_training),
            "fit": self._callbacks.fit_state,
            "data": self._callbacks.data_state(epoch, step),
            "callbacks": self._callbacks.get_state(),
        }

    def _rank(self, name: str) -> None:
        """Keep the checkpoint of an epoch's end in mind while it is among the best."""
        epoch, value = self._score
        if value is None or self._at != (epoch, 0):
            return
        self.scores[name] = float(value)
        sign = 1 if self.is_better is np.less else -1
        order = sorted(self.scores, key=lambda name: sign * self.scores[name])
        self.scores = {name: self.scores[name] for name in order[: self.keep_best]}

    def close(self) -> None:
        """Wait for the file that is being written, and give the signal handlers and the directory back."""
        try:
            self._writing.wait()
        finally:
            self._give_back()
            if self._lock is not None:
                self._lock.release()

    def _give_back(self) -> None:
        handlers, self._handlers = self._handlers, {}
        for number, handler in handlers.items():
            if signal.getsignal(number) == self._on_signal:  # else somebody has set another one since
                signal.signal(number, handler if handler is not None else signal.SIG_DFL)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._signal is not None:  # asked twice: do not wait for the running steps
            self._give_back()
            signal.raise_signal(number)
        self._signal = number


def _check_seen(run_dir: Path, found: list[checkpoint.Checkpoint]) -> None:
    """Several processes go on from the same checkpoint, before the first one writes another."""
    newest = zlib.crc32(found[-1].path.name.encode()) if found else 0
    said = processes.told([len(found), newest])
    if (said != said[0]).any():
        raise ValueError(
            f"The {len(said)} processes of this run see {said[:, 0].astype(int).tolist()} checkpoints in "
            f"{run_dir}: it must be on a disk that they share."
        )
