"""Data sets in parts: inputs, targets and weights of a batch; a set cut in two."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from jkeras.core.types import AnyDict, AnyList, AnyTuple

Share: TypeAlias = float | int | None


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """Inputs, targets and weights as one item of a data set.

    Keras 3: keras/src/trainers/data_adapters/data_adapter_utils.py

    Example:
        >>> pack_x_y_sample_weight(1), pack_x_y_sample_weight(1, 2)
        (1, (1, 2))
    """
    if sample_weight is not None:
        return x, y, sample_weight
    if y is not None:
        return x, y
    return (x,) if isinstance(x, (AnyTuple, AnyList)) else x


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """An item of a data set as (inputs, targets, weights), None for what it lacks.

    Raises:
        ValueError: a tuple of more than three.

    Keras 3: keras/src/trainers/data_adapters/data_adapter_utils.py

    Example:
        >>> unpack_x_y_sample_weight((1, 2))
        (1, 2, None)
    """
    if not isinstance(data, (AnyTuple, AnyList)):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise ValueError(f"Data should be x, (x, y) or (x, y, sample_weight); got {len(data)} items.")
    x, y, weight = [*data, None, None][:3]
    return x, y, weight


def split_dataset(
    dataset: Any,
    left_size: Share = None,
    right_size: Share = None,
    shuffle: bool = False,
    seed: int | None = None,
) -> tuple[Any, Any]:
    """A data set of arrays cut into a first and a second part.

    Args:
        dataset: an array, or a tuple, list or dict of arrays with as many rows.
        left_size, right_size: of the parts: a share from 0 to 1, or a number of rows. One may be left out.
        shuffle: whether rows are drawn for the parts.
        seed: of that.

    Returns:
        Two data sets of the same structure.

    Raises:
        ValueError: sizes that do not fit.

    Keras 3: keras/src/utils/dataset_utils.py split_dataset

    Example:
        >>> [part.tolist() for part in split_dataset(np.arange(5), left_size=0.6)]
        [[0, 1, 2], [3, 4]]
    """
    items = dataset.values() if isinstance(dataset, AnyDict) else dataset
    arrays = list(items) if isinstance(dataset, (AnyDict, AnyTuple, AnyList)) else [dataset]
    rows = {len(array) for array in arrays}
    if len(rows) != 1:
        raise ValueError(f"split_dataset: all arrays should have as many rows; got {sorted(rows)}.")
    total = rows.pop()
    first, second = _sizes(left_size, right_size, total)
    order = np.random.RandomState(seed).permutation(total) if shuffle else np.arange(total)
    return _taken(dataset, order[:first]), _taken(dataset, order[total - second :])


def _sizes(left: Share, right: Share, total: int) -> tuple[int, int]:
    if left is None and right is None:
        raise ValueError("split_dataset: `left_size` or `right_size` should be given.")

    def rows(size: Share, rounded: Any) -> int | None:
        if size is None:
            return None
        count = rounded(size * total) if isinstance(size, float) else size
        limit = 1 if isinstance(size, float) else total
        if not 0 < size <= limit:
            raise ValueError(f"split_dataset: a size should be above 0 and at most {limit}; got {size!r}.")
        return int(count)

    first, second = rows(left, round), rows(right, math.ceil if left is None else math.floor)
    first = total - (second or 0) if first is None else first
    second = total - first if second is None else second
    if first + second > total:
        raise ValueError(
            f"split_dataset: {first} and {second} rows are more than the {total} that there are."
        )
    return first, second


def _taken(dataset: Any, places: NDArray[Any]) -> Any:
    if isinstance(dataset, AnyDict):
        return {name: np.asarray(array)[places] for name, array in dataset.items()}
    if isinstance(dataset, (AnyTuple, AnyList)):
        return type(dataset)(np.asarray(array)[places] for array in dataset)
    return np.asarray(dataset)[places]
