"""How the steps of a block of data are divided among dispatches, and what comes back of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any

import jax
import numpy as np

from jkeras.core import processes
from jkeras.core.types import Array
from jkeras.training.batching import Span
from jkeras.training.data.source import Block
from jkeras.training.devices import Flight
from jkeras.training.run.trainer import ROOM, Trainer
from jkeras.training.types import Numpy

_DISPATCH_SECONDS = 0.5  # no dispatch should take longer, so that Ctrl-C and the progress bar are looked at


class Dispatches:
    """How many steps go into a dispatch: as many as fit into a time, once it is known how long one takes.

    Args:
        trainer: keeps what was measured.
        kind: "train" or "test".
        seconds: aim for the duration of a dispatch.
        single: whether every step must be a dispatch of its own.
    """

    def __init__(self, trainer: Trainer, kind: str, seconds: float | None = None, single: bool = False):
        self.trainer, self.kind, self.single = trainer, kind, single
        self.seconds = min(_DISPATCH_SECONDS, seconds or _DISPATCH_SECONDS)
        # What processes tell one another must not overtake a dispatch: that order is theirs in all of them.
        self.several = processes.count() > 1
        self.flight = Flight(0 if self.several else 2)

    def spans(
        self,
        block: Block,
        seed: int,
        epoch: int,
        start: int = 0,
        limit: Callable[[int], int | None] | None = None,
        begin: Callable[[int, dict[str, int]], None] | None = None,
    ) -> Iterator[tuple[Span, Any]]:
        """Make the steps of a block from `start` on; yields each dispatch's span and its logs on the device.

        Args:
            block: the data.
            seed, epoch: what random numbers depend on.
            start: first step in the block.
            limit: function from a step of the epoch to the most steps that may follow, or to None.
            begin: called before a dispatch with what batch hooks are told, where each step is one.
        """
        rows: list[tuple[int, ...]] = [a.shape[1:] for a in jax.tree.leaves(tuple(block.data))]
        key = (self.kind, block.cut.size, *rows)
        while start < block.steps:
            most = limit(block.before + start) if limit else None
            if begin is not None:
                begin(block.before + start, about(block, start))
            count = min(self._count(key, block, start), block.steps - start, most or ROOM)
            if self.several:
                count = int(processes.told([count]).min())  # the first one has a progress bar
            span = Span(seed, epoch, start, start + count, block.before)
            began, traces = time.perf_counter(), self.trainer.compilations
            logs = self.trainer.run(self.kind, block, span)
            self.flight.add(logs)
            if key not in self.trainer.step_seconds:
                self.flight.wait()
                if self.trainer.compilations == traces:  # not the dispatch that compiled
                    seconds = (time.perf_counter() - began) / count
                    self.trainer.step_seconds[key] = float(processes.told([seconds])[0, 0])
            yield span, logs
            start += count

    def _count(self, key: Hashable, block: Block, start: int) -> int:
        seconds = self.trainer.step_seconds.get(key)
        if self.single or seconds is None:
            return 1
        return max(1, min(self.trainer.reach(self.kind, block, start), int(self.seconds / seconds)))


class Columns(Mapping[str, Numpy]):
    """The logs of a dispatch by name; nothing is read from the device before somebody asks for a column."""

    def __init__(self, names: list[str], logs: Array | Numpy):
        self.names, self.logs = names, logs

    def __getitem__(self, name: str) -> Numpy:
        if not isinstance(self.logs, np.ndarray):
            self.logs = np.asarray(self.logs)
        return self.logs[:, self.names.index(name)]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


def about(block: Block, step: int) -> dict[str, int]:
    """The logs of batch hooks before a step: its number in the epoch and its samples."""
    return {"batch": block.before + step, "size": block.sizes(step, step + 1)[0]}
