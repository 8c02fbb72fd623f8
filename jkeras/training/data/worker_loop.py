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
from jkeras.training.data import positions
from jkeras.training.types import Numbered


class END:
    """Stands for the item after the last one."""


class Fetch:
    """The job of a sequence: the batch of a number."""

    def __init__(self, items: Numbered):
        self.items = items

    def __call__(self, index: Any) -> Any:
        if index is None:  # the others have one in this step, this process has none
            return END
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

    def __call__(self, index: tuple[int, int, int, int] | None) -> Any:
        return END if index is None else self.items.batch_of_run(*index)


class Next:
    """The job of an iterable: `(its next item or `END`, where it stands then)`.

    Args:
        items: an iterator, or an iterable that starts anew each time.
        endless: begin anew when an iterable is at its end.
        share: which of how many items that follow one another is given; the others are passed over.
    """

    def __init__(self, items: Any, endless: bool, share: tuple[int, int] = (0, 1)):
        self.items, self.endless, self.share = items, endless, share
        self.keeps = False  #: whether it tells where it stands
        self._iterator: Iterator[Any] | None = None
        self._is_over = False
        self._taken = 0  # items of this pass
        self._of: str | None = None  # what has the state: the items, their iterator, their random generator
        self._before: Any = None  # the state of the random generator before this pass
        self._start: dict[str, Any] | None = None

    def __call__(self, anew: bool) -> tuple[Any, dict[str, Any] | None]:
        number, count = self.share
        own = END
        for i in range(count):
            item = self._draw(anew and i == 0)
            own = item if i == number else own
            if item is END:
                break
        return own, self.position() if self.keeps else None

    def _draw(self, anew: bool) -> Any:
        if self._start is not None:
            self._go(self._start)
        if anew or (self._iterator is None and not self._is_over):
            self._begin()
        item = END if self._is_over else next(self._iterator, END)  # type: ignore[arg-type]
        if item is END and self.endless and self._iterator is not self.items:
            self._begin()
            item = next(self._iterator, END)  # type: ignore[arg-type]
        self._is_over = item is END
        self._taken = 0 if self._is_over else self._taken + 1
        return item

    def _begin(self) -> None:
        generator = getattr(self.items, "generator", None)
        if positions.has_state(self.items):
            self._of = "items"
        elif positions.has_state(generator):
            self._of, self._before = "generator", positions.state_of(generator) if self.keeps else None
        self._iterator = iter(self.items)
        if self._of is None and positions.has_state(self._iterator):
            self._of = "iterator"
        self._taken, self._is_over = 0, False

    def position(self) -> dict[str, Any]:
        """The place: what has the state, the state, and how many items of this pass are taken."""
        state, of = None, self._of
        if of is None and self._iterator is None:
            generator = getattr(self.items, "generator", None)
            of = "items" if positions.has_state(self.items) else None
            of = "generator" if of is None and positions.has_state(generator) else of
        if of == "items":
            state = positions.state_of(self.items)
        elif of == "generator":
            begun = self._iterator is not None and not self._is_over
            state = self._before if begun else positions.state_of(self.items.generator)
        elif of == "iterator" and not self._is_over:
            state = positions.state_of(self._iterator)
        return {"of": of, "taken": self._taken, "state": state}

    def start_at(self, position: dict[str, Any]) -> None:
        """Go on from a position with the first item that is asked for."""
        self._start = position

    def _go(self, position: dict[str, Any]) -> None:
        self._start = None
        of, taken = position["of"], position["taken"]
        if of == "items":
            positions.put_state(self.items, position["state"])
        elif of == "generator":
            positions.put_state(getattr(self.items, "generator", None), position["state"])
        if not taken:
            return
        self._begin()
        if of == "iterator":
            positions.put_state(self._iterator, position["state"])
        elif of != "items" and self._iterator is not self.items:
            for i in range(taken):
                if next(self._iterator, END) is END:  # type: ignore[arg-type]
                    raise ValueError(
                        f"The {type(self.items).__name__} gave {i} batches in a pass; the run that is "
                        f"resumed had got {taken} in it: the data are others now."
                    )
        self._taken = taken


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
