"""The logs of a chunk: several training steps that ran in one dispatch, unread until somebody asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


class Chunk:
    """The report of a dispatch of several steps, from the training loop to the callbacks.

    Nothing is copied from the device before `logs()` is called, so a callback that does not need the numbers
    now keeps the object and reads it later.

    Args:
        first: index in the epoch of the first step.
        sizes: the `size` entry of each step's logs (samples of its batch, or 1 when `fit` counts steps).
        values: `{name: array with one entry per step}`, on the device or not; longer arrays are cut.

    Example:
        >>> chunk = Chunk(8, [4, 2], {"loss": np.array([0.5, 0.25])})
        >>> chunk.logs()["loss"].tolist()
        [0.5, 0.25]
        >>> chunk.batches()[1]
        {'batch': 9, 'size': 2, 'loss': 0.25}
    """

    def __init__(self, first: int, sizes: Sequence[int], values: Mapping[str, Any]):
        self.first = int(first)
        self.sizes = [int(size) for size in sizes]
        self._values: Mapping[str, Any] | None = values
        self._logs: dict[str, np.ndarray] = {}

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def samples(self) -> int:
        """Sum of the sizes."""
        return sum(self.sizes)

    def logs(self) -> dict[str, np.ndarray]:
        """`{name: float64 numpy array, one entry per step}`; waits for the device the first time."""
        if self._values is not None:
            self._logs = {name: np.asarray(value).astype(np.float64) for name, value in self._values.items()}
            self._values = None
        return {name: value[: len(self)] for name, value in self._logs.items()}

    def batches(self) -> list[dict[str, Any]]:
        """The logs of each step as `on_batch_end` gets them: `batch`, `size` and the metrics as floats."""
        logs = {name: value.tolist() for name, value in self.logs().items()}
        return [
            {"batch": self.first + i, "size": size, **{name: value[i] for name, value in logs.items()}}
            for i, size in enumerate(self.sizes)
        ]

    def cut(self, steps: int) -> None:
        """Forget the steps from `steps` on: they count as never made in logs and averages."""
        del self.sizes[steps:]
