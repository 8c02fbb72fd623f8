"""Whether data of the user are arrays or batches, how many batches, and what to do about anything else."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from jkeras.core.sequence import OwnBatches, gives_by_run, is_sequence
from jkeras.core.types import AnyDict, AnyList, AnyTuple
from jkeras.training.types import HostArray


def length_of(items: Any) -> int | None:
    """The number of batches, where it is known; loaders of other packages may have a length that raises."""
    try:
        return len(items)
    except TypeError:
        return None


def is_endless(items: Any) -> bool:
    """Whether an iterable says that it never ends, as `repeat()` of tf.data and grain makes it.

    Example:
        >>> class Repeated:
        ...     def __len__(self):
        ...         raise TypeError("The dataset is infinite.")
        >>> is_endless(Repeated()), is_endless([1])
        (True, False)
    """
    try:
        return len(items) >= sys.maxsize
    except (TypeError, OverflowError) as error:
        sources = getattr(items, "parents", ())  # what grain's iterables, which have no length, read from
        return "infinite" in str(error) or (bool(sources) and all(is_endless(s) for s in sources))


def is_stream(x: object) -> bool:
    """Whether `x` yields batches, rather than being arrays."""
    if isinstance(x, OwnBatches):
        return True
    known = isinstance(x, (list, tuple, dict, str, bytes, type))
    if x is None or known or hasattr(x, "shape") or hasattr(x, "to_numpy"):
        return False
    return hasattr(x, "__iter__") or hasattr(x, "__next__") or is_sequence(x)


def stream_only(x: Any, what: str) -> Any:
    """`x`, which must yield batches.

    Args:
        x: what was given.
        what: how the user calls it: "`generator`".

    Raises:
        TypeError: anything else, with what to do about it.

    Keras 2.2.4: keras/engine/training_generator.py (the error of `next`)
    """
    if is_stream(x):
        return x
    raise TypeError(
        f"{what} should yield batches: a generator, an iterator or a `jkeras.utils.Sequence`. A "
        f"{type(x).__name__!r} object is not an iterator of batches. {_advice(x)}"
    )


def _advice(x: Any) -> str:
    """How to make batches of what is none."""
    if callable(x):
        return f"Call it, if it is a function that makes a generator: {getattr(x, '__name__', 'f')}(...)."
    if hasattr(x, "shape") or hasattr(x, "to_numpy") or isinstance(x, dict):
        return "Arrays go to fit(x, y), evaluate(x, y) and predict(x)."
    if isinstance(x, (list, tuple)):
        return (
            "Let a list of batches be gone through with `itertools.cycle(batches)`; lists of arrays go to "
            "fit(x, y), evaluate(x, y) and predict(x)."
        )
    if hasattr(x, "__getitem__") and not isinstance(x, (str, bytes)):
        return (
            "What gives single samples by number goes through a loader that makes batches, as "
            "torch.utils.data.DataLoader(..., batch_size=32) does."
        )
    return "No data can be read from it."


def first_arrays(x: Any) -> list[HostArray]:
    """The input arrays of `x`, or of its first batch, to build a model from.

    Raises:
        ValueError: for an iterator, whose first batch cannot be looked at without losing it.
    """
    if isinstance(x, OwnBatches):
        x = x.batches
    if is_stream(x):
        if hasattr(x, "__next__") and not is_sequence(x):
            raise ValueError(
                "The model has no input shape yet, and a generator cannot be looked at without losing its "
                "first batch: give the first layer an input_shape, or call model.build(...)."
            )
        if gives_by_run(x):
            item = x.batch_of_run(0, 0, 0, 0)
        else:
            item = x[0] if is_sequence(x) else next(iter(x))
        x = item[0] if isinstance(item, (AnyTuple, AnyList)) else item
    if isinstance(x, AnyDict):
        raise ValueError(
            "The model has no input shape yet: pass its inputs as an array or a list, not as a dict."
        )
    several = isinstance(x, (AnyList, AnyTuple)) and len(x) > 0 and all(hasattr(a, "shape") for a in x)
    arrays: list[Any] = [a if hasattr(a, "shape") else np.asarray(a) for a in (x if several else [x])]
    return [a if len(a.shape) > 1 else np.asarray(a)[:, None] for a in arrays]
