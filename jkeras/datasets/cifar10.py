"""CIFAR-10: 60,000 colour images of 32x32, of ten kinds."""

from __future__ import annotations

import os

import numpy as np

from jkeras.datasets.cifar import as_images, cached_folder, load_batch
from jkeras.datasets.published import source
from jkeras.utils.data_utils import get_file

_FOLDER = "cifar-10-batches-py"
_TRAIN = [f"data_batch_{i}" for i in range(1, 6)]
_TEST = "test_batch"


def load_data():
    """The images and their kinds, 50,000 to train with and 10,000 to test.

    Kinds: 0 airplane, 1 automobile, 2 bird, 3 cat, 4 deer, 5 dog, 6 frog, 7 horse, 8 ship, 9 truck. The
    folder `cifar-10-batches-py` of the cache is taken as it is if it holds all files.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: images `(n, 32, 32, 3)`, or `(n, 3, 32, 32)` by the image data
        format, uint8; kinds `(n, 1)`, uint8, and int64 for those to test, as in Keras.

    Raises:
        OSError: the archive is not in the cache and cannot be downloaded; the message says where to put it.
        ValueError: a file is damaged, or not what it should be.

    Keras 2.2.4: keras/datasets/cifar10.py load_data

    Example::

        (x_train, y_train), (x_test, y_test) = load_data()
        x_train.shape, y_train.shape  # ((50000, 32, 32, 3), (50000, 1))
    """
    path = cached_folder(_FOLDER, [*_TRAIN, _TEST]) or get_file(_FOLDER, untar=True, **source(_FOLDER))
    batches = [load_batch(os.path.join(path, name)) for name in _TRAIN]
    x_train = np.concatenate([x for x, _ in batches]).astype("uint8", copy=False)
    y_train = np.concatenate([y for _, y in batches]).astype("uint8").reshape(-1, 1)
    x_test, y_test = load_batch(os.path.join(path, _TEST))
    return (as_images(x_train), y_train), (as_images(x_test), np.reshape(y_test, (-1, 1)))
