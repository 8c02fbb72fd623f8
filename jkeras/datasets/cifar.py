"""Common parts of CIFAR-10 and CIFAR-100: batches of small images, as pickles of Python 2."""

from __future__ import annotations

import os
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jkeras.core import settings
from jkeras.core.types import AnyDict, AnyList, AnyNumpy, AnyTuple
from jkeras.datasets.pickles import read_pickle
from jkeras.utils.data_utils import cache_folders


def load_batch(fpath: str | PathLike[str], label_key: str = "labels"):
    """The images and labels of one batch. Nothing in the file is run; what is no data is refused.

    Args:
        fpath: the file.
        label_key: which labels: "labels", for CIFAR-100 "fine_labels" or "coarse_labels".

    Returns:
        `(data, labels)`: images `(n, 3, 32, 32)`, uint8, and a list.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, or not what it should be.

    Keras 2.2.4: keras/datasets/cifar.py load_batch

    Example:
        >>> import pickle, tempfile
        >>> path = os.path.join(tempfile.mkdtemp(), "batch")
        >>> with open(path, "wb") as file:
        ...     pickle.dump({b"data": np.zeros((2, 3072), "uint8"), b"labels": [3, 5]}, file, protocol=2)
        >>> images, labels = load_batch(path)
        >>> images.shape, labels
        ((2, 3, 32, 32), [3, 5])
    """
    with open(fpath, "rb") as file:
        entries = read_pickle(file, fpath)
    if not isinstance(entries, AnyDict):
        raise ValueError(f"{fpath} should hold a dict; it holds a {type(entries).__name__}.")
    batch = {key.decode("utf-8") if isinstance(key, bytes) else key: value for key, value in entries.items()}
    for key in ("data", label_key):
        if key not in batch:
            raise ValueError(f"{fpath} has no {key!r}; it has {sorted(map(str, batch))}.")
    data, labels = batch["data"], batch[label_key]
    count = len(labels) if isinstance(labels, (AnyList, AnyTuple, AnyNumpy)) else 0
    if not isinstance(data, AnyNumpy) or data.shape[:1] != (count,) or data.size != count * 3072:
        raise ValueError(
            f"{fpath} should hold images of 3x32x32, and a label for each; its data are of the shape "
            f"{np.shape(data)}, for {count} labels."
        )
    return data.reshape(len(data), 3, 32, 32), labels


def cached_folder(folder: str, names: list[str]) -> str | None:
    """The folder of the cache where all these files are, if there is one.

    Example:
        >>> cached_folder("cifar-0", ["data"]) is None
        True
    """
    places = [os.path.join(base, folder) for base in cache_folders()]
    full = (place for place in places if all(os.path.isfile(os.path.join(place, n)) for n in names))
    return next(full, None)


def as_images(x: NDArray[Any]) -> NDArray[Any]:
    """The images, whose channels come first, in the default data format.

    Example:
        >>> as_images(np.zeros((1, 3, 32, 32))).shape
        (1, 32, 32, 3)
    """
    return x.transpose(0, 2, 3, 1) if settings.image_data_format() == "channels_last" else x
