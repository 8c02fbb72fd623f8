"""Boston housing: 506 neighbourhoods with 13 figures each, and the price of their houses in 1,000 dollars."""

from __future__ import annotations

from os import PathLike

import numpy as np

from jkeras.datasets.pickles import read_npz
from jkeras.datasets.published import source
from jkeras.utils.data_utils import get_file


def load_data(path: str | PathLike[str] = "boston_housing.npz", test_split: float = 0.2, seed: int = 113):
    """The figures and prices, shuffled and split.

    numpy's global generator is seeded, as in Keras, so what a script draws afterwards is the same.

    Args:
        path: name of the file in the cache, or an absolute path.
        test_split: share of the rows for testing, below 1.
        seed: of the order.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: figures `(n, 13)` and prices `(n,)`, float64.

    Raises:
        AssertionError: `test_split` is no such share.
        OSError: the file is not in the cache and cannot be downloaded; the message says where to put it.
        ValueError: the file is not what it should be.

    Keras 2.2.4: keras/datasets/boston_housing.py load_data

    Example::

        (x_train, y_train), (x_test, y_test) = load_data()
        x_train.shape, x_test.shape  # ((404, 13), (102, 13))
    """
    if not 0 <= test_split < 1:
        raise AssertionError(f"`test_split` is a share, from 0 to less than 1. Received: {test_split}.")
    path = get_file(path, **source("boston_housing.npz"))
    x, y = read_npz(path, "x", "y")
    np.random.seed(seed)
    order = np.arange(len(x))
    np.random.shuffle(order)
    x, y = x[order], y[order]
    n = int(len(x) * (1 - test_split))
    return (x[:n].copy(), y[:n].copy()), (x[n:].copy(), y[n:].copy())
