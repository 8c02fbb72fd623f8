"""MNIST: 70,000 grey images of handwritten digits, 28x28."""

from __future__ import annotations

from os import PathLike

from jkeras.datasets.pickles import read_npz
from jkeras.datasets.published import source
from jkeras.utils.data_utils import get_file


def load_data(path: str | PathLike[str] = "mnist.npz"):
    """The images and their digits, 60,000 to train with and 10,000 to test.

    Args:
        path: name of the file in the cache, or an absolute path.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: images `(n, 28, 28)` from 0 (paper) to 255 (ink), and digits
        `(n,)`, of dtype uint8.

    Raises:
        OSError: the file is not in the cache and cannot be downloaded; the message says where to put it.
        ValueError: the file is not what it should be.

    Keras 2.2.4: keras/datasets/mnist.py load_data

    Example::

        (x_train, y_train), (x_test, y_test) = load_data()
        x_train.shape, x_test.shape  # ((60000, 28, 28), (10000, 28, 28))
    """
    path = get_file(path, **source("mnist.npz"))
    x_train, y_train, x_test, y_test = read_npz(path, "x_train", "y_train", "x_test", "y_test")
    return (x_train, y_train), (x_test, y_test)
