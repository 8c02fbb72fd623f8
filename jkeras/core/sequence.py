"""Sequence: batches that can be asked for by number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class Sequence:
    """Base of data sets that give their batches by number: the safe way to load data with many workers.

    Define `__len__` (how many batches) and `__getitem__` (batch number `index`, a whole `(x, y)` or
    `(x, y, sample_weight)`). `fit` takes each batch once per epoch, in a new order each time if it shuffles.
    Define `on_epoch_end` to change something between epochs: it is called in the main thread when all batches
    of an epoch have been fetched and none of the next one. `__getitem__` is called in worker threads or
    processes, several of them at a time if `workers` says so.

    Keras 2.2.4: keras/utils/data_utils.py Sequence

    Example:
        >>> class Squares(Sequence):
        ...     def __len__(self):
        ...         return 2
        ...     def __getitem__(self, index: int) -> Any:
        ...         return [index, index + 1], [index**2, (index + 1) ** 2]
        >>> [x for x, y in Squares()]
        [[0, 1], [1, 2]]
    """

    def __getitem__(self, index: int) -> Any:
        """Batch number `index`."""
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__(self, index): a batch.")

    def __len__(self) -> int:
        """How many batches there are."""
        raise NotImplementedError(f"{type(self).__name__} must define __len__(self): its number of batches.")

    def on_epoch_end(self) -> None:
        """Called after each pass over the batches."""

    def __iter__(self) -> Iterator[Any]:
        """The batches of one pass, in order."""
        return (self[i] for i in range(len(self)))


class PyDataset(Sequence):
    """A `Sequence` that says itself how its batches are fetched: Keras 3's name of it.

    Args:
        workers, use_multiprocessing, max_queue_size: as in `fit`, which takes them from here.

    Keras 3: keras/trainers/data_adapters/py_dataset_adapter.py

    Example:
        >>> class Ones(PyDataset):
        ...     def __len__(self):
        ...         return 3
        ...     def __getitem__(self, index: int) -> Any:
        ...         return [1.0], [1.0]
        >>> Ones(workers=2).workers
        2
    """

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10):
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    @property
    def num_batches(self) -> int:
        """How many batches there are."""
        return len(self)


class OwnBatches:
    """Batches that are this process's own share: where several processes train one model, each of them feeds
    what it is given here. Without it they deal the batches out among themselves.

    Args:
        batches: what yields them: a `Sequence`, a loader, a generator.

    Example:
        >>> [batch for batch in OwnBatches([1, 2])]
        [1, 2]
    """

    def __init__(self, batches: Any):
        self.batches = batches

    def __iter__(self) -> Iterator[Any]:
        """The batches."""
        return iter(self.batches)


class RandomSequence(Sequence):
    """Base of sequences that draw their batches at random, and can say which one a run has at which place.

    `fit` and its kin ask `batch_of_run` instead of `__getitem__`, and never call `on_epoch_end`: a batch then
    does not depend on the thread or process that makes it, nor on those that were made before in this
    process, so that a resumed run gets the batches it would have had. A subclass that has a `__getitem__` or
    an `on_epoch_end` of its own is asked like every `Sequence`.
    """

    total_batches_seen = 0  #: batches of earlier runs, or taken otherwise

    def batch_of_run(self, index: int, first: int, number: int, seed: int) -> Any:
        """Batch `index`, as a function of the arguments.

        Args:
            index: number of the batch in its pass over the data.
            first: `number` of the first batch of this pass.
            number: batches taken before this one, in this run and in those before.
            seed: of the run.
        """
        raise NotImplementedError(f"{type(self).__name__} must define batch_of_run(...).")

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "batch_of_run" not in vars(cls) and {"__getitem__", "on_epoch_end"} & vars(cls).keys():
            cls.batch_of_run = None  # type: ignore[assignment]


def gives_by_run(x: object) -> bool:
    """Whether `x` is to be asked for its batches by `batch_of_run`.

    Example:
        >>> gives_by_run(Sequence()), gives_by_run(RandomSequence())
        (False, True)
    """
    return callable(getattr(x, "batch_of_run", None))


def is_sequence(x: object) -> bool:
    """Whether batches can be asked for by number: a `Sequence`, or what looks like one.

    Example:
        >>> is_sequence(Sequence()), is_sequence([1, 2])
        (True, False)
    """
    return hasattr(x, "__getitem__") and hasattr(x, "__len__") and hasattr(x, "on_epoch_end")
