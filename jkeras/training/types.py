"""Types of training: what a user feeds, and what a step takes and gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from jkeras.core.types import Batch, Ctx

Numpy: TypeAlias = npt.NDArray[Any]


# A step: `step(carry, fixed, batch, ctx) -> (carry, result)`, see `jkeras.training.run.step`.
Step: TypeAlias = Callable[[Any, Any, Batch, Ctx], tuple[Any, Any]]


class Device(Protocol):
    """A device of jax, whose own class has no types."""

    @property
    def id(self) -> int: ...

    @property
    def platform(self) -> str: ...

    @property
    def process_index(self) -> int: ...

    def memory_stats(self) -> dict[str, int] | None: ...


class HostArray(Protocol):
    """An array on the host: numpy's, or one that can only be read by rows (HDF5, scipy.sparse)."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def __getitem__(self, rows: Any, /) -> Any: ...


class Numbered(Protocol):
    """Batches that can be asked for by number, whatever class they have."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: Any, /) -> Any: ...


Batches: TypeAlias = Numbered | Iterable[Any]  # a `Sequence`, a generator, any iterable of batches
# What a user feeds: arrays of any library, a list or dict of them, a `Sequence`, or an iterable of batches.
Data: TypeAlias = HostArray | Mapping[str, Any] | Batches | None
Outputs: TypeAlias = Numpy | Any  # an array; a list of them where the model has several outputs
Scores: TypeAlias = Any  # the loss; with metrics a list in the order of `metrics_names`
# Weights of the samples, or by class, of one output; of several a list or dict of them.
Weights: TypeAlias = HostArray | Sequence[Any] | Mapping[Any, Any] | None
