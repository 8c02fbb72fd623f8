"""The work of a worker, in a thread or in a process: the jobs, and the process's loop over messages."""

from __future__ import annotations

import pickle
import random
import signal
import traceback
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from jkeras.compat import as_keras
from jkeras.core.sequence import RandomSequence
from jkeras.training.types import Numbered


class END:
    """Stands for the item after the last one."""


class Fetch:
    """The job of a sequence: the batch of a number."""

    def __init__(self, items: Numbered):
        self.items = items

    def __call__(self, index: Any) -> Any:
        try:
            return self.items[index]
        except StopIteration as error:  # it would end the generators on its way to the user
            raise RuntimeError(
                f"{type(self.items).__name__}.__getitem__({index}) raised StopIteration: a `next(...)` in it "
                "is at an end, but a sequence must give as many batches as its __len__ says."
            ) from error


class FetchOfRun:
    """The job of a random sequence: the batch of a place in a run."""

    def __init__(self, items: RandomSequence):
        self.items = items

    def __call__(self, index: tuple[int, int, int, int]) -> Any:
        return self.items.batch_of_run(*index)


class Next:
    """The job of an iterable: its next item, or `END`.

    Args:
        items: an iterator, or an iterable that starts anew each time.
        endless: begin anew when an iterable is at its end.
    """

    def __init__(self, items: Any, endless: bool):
        self.items, self.endless = items, endless
        self._iterator: Iterator[Any] | None = None

    def __call__(self, anew: bool) -> Any:
        if anew or self._iterator is None:
            self._iterator = iter(self.items)
        item = next(self._iterator, END)
        if item is END and self.endless and self._iterator is not self.items:
            self._iterator = iter(self.items)
            item = next(self._iterator, END)
        return item


def serve(end: Connection[Any, Any], keras: str | None = None) -> None:
    """The life of a worker process: answer `(kind, value, seed)` with `(True, result)` or `(False, error)`.

    Args:
        end: a connection; the process ends when the other end is closed.
        keras: what `K.backend()` says where `import keras` means jkeras; None: it does not.
    """
    if keras is not None:
        as_keras.install_as_keras(replace=True, backend_name=keras)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its workers
    job: Any = None
    while True:
        try:
            kind, value, seed = end.recv()
        except (EOFError, OSError):
            return
        try:
            if kind == "job":
                job = pickle.loads(value)
                answer = pickle.dumps((True, None))
            else:
                random.seed(seed)
                np.random.seed(seed)
                answer = pickle.dumps((True, job(value)), protocol=pickle.HIGHEST_PROTOCOL)
        except Exception as error:
            answer = pickle.dumps((False, portable(error)))
        try:
            end.send_bytes(answer)
        except OSError:
            return


def portable(error: Exception) -> Exception:
    """The error as another process can read it, with its traceback as a note."""
    error.add_note("In the worker process:\n" + "".join(traceback.format_exception(error)).rstrip())
    try:
        pickle.loads(pickle.dumps(error))
        return error
    except Exception:  # errors with arguments of their own often do not survive pickling
        stand_in = RuntimeError(f"{type(error).__name__}: {error}")
        for note in error.__notes__:
            stand_in.add_note(note)
        return stand_in
