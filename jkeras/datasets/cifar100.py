"""CIFAR-100: 60,000 colour images of 32x32, of a hundred kinds in twenty groups."""

from __future__ import annotations

import os

import numpy as np

from jkeras.datasets.cifar import as_images, cached_folder, load_batch
from jkeras.datasets.published import source
from jkeras.utils.data_utils import get_file

_FOLDER = "cifar-100-python"


def load_data(label_mode: str = "fine"):
    """The images and their kinds, 50,000 to train with and 10,000 to test.

    The folder `cifar-100-python` of the cache is taken as it is if it holds both files.

    Args:
        label_mode: "fine" for the hundred kinds, "coarse" for the twenty groups.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: images `(n, 32, 32, 3)`, or `(n, 3, 32, 32)` by the image data
        format, uint8; labels `(n, 1)`, int64.

    Raises:
        ValueError: another `label_mode`, or a file that is damaged or not what it should be.
        OSError: the archive is not in the cache and cannot be downloaded; the message says where to put it.

    Keras 2.2.4: keras/datasets/cifar100.py load_data

    Example::

        (x_train, y_train), (x_test, y_test) = load_data("coarse")
        x_test.shape, y_test.shape  # ((10000, 32, 32, 3), (10000, 1))
    """
    if label_mode not in ("fine", "coarse"):
        raise ValueError(f'`label_mode` must be one of `"fine"`, `"coarse"`. Received: {label_mode!r}.')
    path = cached_folder(_FOLDER, ["train", "test"]) or get_file(_FOLDER, untar=True, **source(_FOLDER))
    (x_train, y_train), (x_test, y_test) = (
        load_batch(os.path.join(path, part), label_key=f"{label_mode}_labels") for part in ("train", "test")
    )
    train = as_images(x_train), np.reshape(y_train, (-1, 1))
    return train, (as_images(x_test), np.reshape(y_test, (-1, 1)))
