"""Handwritten digits: 1,797 grey images of 8x8, inside the package, no network needed.

This is the test set of "Optical Recognition of Handwritten Digits" (E. Alpaydin and C. Kaynak, 1998) from the
UCI Machine Learning Repository, https://doi.org/10.24432/C50P49, licensed under CC BY 4.0
(https://creativecommons.org/licenses/by/4.0/), in the form that scikit-learn distributes; changed only in its
container: bytes instead of text.
"""

from __future__ import annotations

import operator
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

CLASSES = 10


def load_data(test_size: int = 360, seed: int = 0):
    """The images and their digits, split into a training and a test part.

    The split is stratified (every digit has its share of the test images) and depends on the arguments only.

    Args:
        test_size: number of test images, from 0 to 1,797.
        seed: of the split and of the order; 0 is the one that published numbers of jkeras refer to.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: images `(n, 8, 8)` with values from 0 (paper) to 16 (ink), and
        labels `(n,)` from 0 to 9, all of dtype uint8.

    Raises:
        ValueError: if there are not as many images as `test_size` asks for.
        TypeError: if an argument is not a whole number.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()
        >>> x_train.shape, y_train.shape, x_test.shape, y_test.shape
        ((1437, 8, 8), (1437,), (360, 8, 8), (360,))
    """
    x, y = _read()
    test_size = operator.index(test_size)
    if not 0 <= test_size <= len(x):
        raise ValueError(
            f"`test_size` must be from 0 to {len(x)}, the number of images. Received: {test_size}."
        )
    # RandomState, unlike Generator, promises the same numbers in every version of numpy.
    random = np.random.RandomState(operator.index(seed))
    test = np.zeros(len(x), bool)
    for digit, count in enumerate(_shares(np.bincount(y, minlength=CLASSES), test_size)):
        test[random.permutation(np.flatnonzero(y == digit))[:count]] = True
    order = random.permutation(len(x))
    x, y, test = x[order], y[order], test[order]
    return (x[~test], y[~test]), (x[test], y[test])


@cache
def _read() -> tuple[NDArray[Any], NDArray[Any]]:
    with resources.files("jkeras.datasets").joinpath("digits.npz").open("rb") as file:
        with np.load(file, allow_pickle=False) as stored:
            return stored["x"], stored["y"]


def _shares(counts: NDArray[Any], total: int) -> NDArray[Any]:
    """`total` shared out in proportion to `counts` by the method of largest remainders."""
    exact = counts * total
    shares = exact // counts.sum()
    remainders = exact - shares * counts.sum()
    shares[np.argsort(-remainders, kind="stable")[: total - shares.sum()]] += 1
    return shares
