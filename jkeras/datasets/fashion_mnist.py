"""Fashion-MNIST: 70,000 grey images of clothes of ten kinds, 28x28; it takes the place of MNIST."""

from __future__ import annotations

import gzip
import math
import os
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jkeras.datasets.published import source
from jkeras.utils import archives
from jkeras.utils.data_utils import get_file

_FOLDER = os.path.join("datasets", "fashion-mnist")
_SIDE = 28


def load_data():
    """The images and their kinds, 60,000 to train with and 10,000 to test.

    Kinds: 0 T-shirt/top, 1 Trouser, 2 Pullover, 3 Dress, 4 Coat, 5 Sandal, 6 Shirt, 7 Sneaker, 8 Bag,
    9 Ankle boot.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: images `(n, 28, 28)` from 0 to 255, and kinds `(n,)`, of dtype
        uint8.

    Raises:
        OSError: a file is not in the cache and cannot be downloaded; the message says where to put it.
        ValueError: a file is damaged, or not what it should be.

    Keras 2.2.4: keras/datasets/fashion_mnist.py load_data

    Example::

        (x_train, y_train), (x_test, y_test) = load_data()
        x_train.shape, x_test.shape  # ((60000, 28, 28), (10000, 28, 28))
    """
    names = [
        f"{part}-{kind}-ubyte.gz" for part in ("train", "t10k") for kind in ("labels-idx1", "images-idx3")
    ]
    paths = [get_file(name, cache_subdir=_FOLDER, **source(name)) for name in names]
    y_train, x_train, y_test, x_test = (_read(path, 3 if "idx3" in path else 1) for path in paths)
    for path, images, labels in ((paths[1], x_train, y_train), (paths[3], x_test, y_test)):
        if images.shape != (len(labels), _SIDE, _SIDE):
            raise ValueError(
                f"{path} should hold {len(labels)} images of {_SIDE}x{_SIDE}, one for each label; its shape "
                f"is {images.shape}."
            )
    return (x_train, y_train), (x_test, y_test)


def _read(path: str, ndim: int) -> NDArray[Any]:
    """The bytes of an IDX file: 0, 0, 8 (for bytes), the number of axes, their lengths, and the content."""
    try:
        most = archives.most_bytes(path)
        with gzip.open(path, "rb") as file:
            content = file.read(most + 1)
        if len(content) > most:
            raise ValueError(f"it would become more than {most:,} bytes")
        magic = content[: 4 + 4 * ndim]
        if magic[:4] != bytes([0, 0, 8, ndim]) or len(magic) < 4 + 4 * ndim:
            raise ValueError(f"it does not begin as an IDX file of bytes with {ndim} axes")
        shape = tuple(int(length) for length in np.frombuffer(magic, ">u4", offset=4))
        if len(content) != len(magic) + math.prod(shape):
            raise ValueError(
                f"it should hold {math.prod(shape)} bytes after its head; it has {len(content) - len(magic)}"
            )
    except (gzip.BadGzipFile, EOFError, zlib.error, ValueError) as error:
        raise ValueError(
            f"{path} was not read: {error}. Delete it, so that it is downloaded again."
        ) from error
    return np.frombuffer(content, np.uint8, offset=len(magic)).reshape(shape).copy()
