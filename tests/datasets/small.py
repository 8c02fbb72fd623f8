"""Small files in the formats of the data sets, by formulas, and the calls that were recorded with them."""

from __future__ import annotations

import gzip
import json
import os
import pickle

import numpy as np
import pytest

from jkeras.utils import data_utils, download

CASES = [
    ("mnist.load_data", {}),
    ("fashion_mnist.load_data", {}),
    ("cifar10.load_data", {}),
    ("cifar10.load_data", {"data_format": "channels_first"}),
    ("cifar100.load_data", {}),
    ("cifar100.load_data", {"label_mode": "coarse"}),
    ("cifar100.load_data", {"label_mode": "fine", "data_format": "channels_first"}),
    ("cifar100.load_data", {"label_mode": "other"}),
    ("boston_housing.load_data", {}),
    ("boston_housing.load_data", {"test_split": 0.35, "seed": 7}),
    ("boston_housing.load_data", {"test_split": 0}),
    ("boston_housing.load_data", {"test_split": 1}),
    ("boston_housing.load_data", {"test_split": -0.1}),
    ("imdb.get_word_index", {}),
    ("reuters.get_word_index", {}),
    *(
        (f"{name}.load_data", kwargs)
        for name in ("imdb", "reuters")
        for kwargs in (
            {},
            {"num_words": 20},
            {"num_words": 20, "skip_top": 6},
            {"num_words": 20, "skip_top": 6, "oov_char": None},
            {"oov_char": 0},
            {"maxlen": 6},
            {"maxlen": 7, "num_words": 30, "seed": 5},
            {"maxlen": 4, "start_char": None},
            {"maxlen": 1},
            {"maxlen": 1, "num_words": 5},
            {"start_char": None},
            {"start_char": None, "index_from": 0},
            {"start_char": None, "index_from": None, "oov_char": None},
            {"start_char": 7, "index_from": 10},
            {"start_char": 1, "index_from": None},
            {"index_from": 0, "num_words": 10},
            {"num_words": 0},
            {"nb_words": 12},
            {"nb_words": 12, "num_words": 30},
            {"words": 12},
        )
    ),
    ("reuters.load_data", {"test_split": 0.5}),
    ("reuters.load_data", {"test_split": 0}),
    ("reuters.load_data", {"test_split": 1.0, "seed": 0}),
    ("reuters.load_data", {"test_split": 0.99, "maxlen": 6}),
]


def objects(rows: list) -> np.ndarray:
    """An array of lists."""
    made = np.empty(len(rows), object)
    for i, row in enumerate(rows):
        made[i] = row
    return made


def text(i: int) -> list[int]:
    """A text of 2 to 8 word numbers, from 1 to 40."""
    return [(i * 7 + j * 3) % 40 + 1 for j in range(2 + i * 5 % 7)]


def pixels(n: int, size: int, step: int) -> np.ndarray:
    """`n` rows of bytes."""
    return (np.arange(n * size) * step % 251).astype("uint8").reshape(n, size)


def write(folder, cifar_rows: int = 4) -> None:
    """All files, as they are in the cache; a batch of CIFAR-10 has 10,000 rows, or else Keras refuses it."""
    place = os.path.join(str(folder), "datasets")
    for name in ("", "fashion-mnist", "cifar-10-batches-py", "cifar-100-python"):
        os.makedirs(os.path.join(place, name), exist_ok=True)
    images = {"x_train": pixels(6, 784, 3).reshape(6, 28, 28), "x_test": pixels(2, 784, 5).reshape(2, 28, 28)}
    labels = {"y_train": np.arange(6, dtype="uint8"), "y_test": np.arange(2, dtype="uint8")}
    np.savez(os.path.join(place, "mnist.npz"), **images, **labels)
    for part, new in (("train", "train"), ("test", "t10k")):
        shape = (len(labels[f"y_{part}"]), 28, 28)
        for kind, content in (("labels-idx1", labels[f"y_{part}"]), ("images-idx3", images[f"x_{part}"])):
            axes = shape[: content.ndim]
            head = bytes([0, 0, 8, len(axes)]) + np.array(axes, ">u4").tobytes()
            with gzip.open(os.path.join(place, "fashion-mnist", f"{new}-{kind}-ubyte.gz"), "wb") as file:
                file.write(head + content.tobytes())
    _write_cifar(place, cifar_rows)
    np.savez(
        os.path.join(place, "imdb.npz"),
        x_train=objects([text(i) for i in range(25)]),
        y_train=np.arange(25) % 2,
        x_test=objects([text(i) for i in range(25, 40)]),
        y_test=np.arange(15) % 2,
    )
    np.savez(os.path.join(place, "reuters.npz"), x=objects([text(i) for i in range(30)]), y=np.arange(30))
    for name in ("imdb", "reuters"):
        with open(os.path.join(place, f"{name}_word_index.json"), "w") as file:
            json.dump({"the": 1, "caf\u00e9": 2, name: 3}, file)
    x = np.arange(20 * 13, dtype="float64").reshape(20, 13) / 8
    np.savez(os.path.join(place, "boston_housing.npz"), x=x, y=np.arange(20) / 4)


def use(folder, monkeypatch) -> None:
    """Make `folder` the cache, with all files, which count as the true ones."""
    if not os.path.exists(os.path.join(str(folder), "datasets")):
        write(folder)
    monkeypatch.setenv("JKERAS_HOME", str(folder))
    monkeypatch.setattr(data_utils, "validate_file", lambda *args, **kwargs: True)
    monkeypatch.setattr(download, "fetch", lambda *args: pytest.fail("downloads"))


def _write_cifar(place: str, cifar_rows: int) -> None:
    for i, name in enumerate([*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]):
        rows = cifar_rows if name != "test_batch" else 3
        batch = {b"data": pixels(rows, 3072, i + 1), b"labels": [(i + j) % 10 for j in range(rows)]}
        with open(os.path.join(place, "cifar-10-batches-py", name), "wb") as file:
            pickle.dump(batch, file, protocol=2)
    for name, rows in (("train", 4), ("test", 2)):
        batch = {b"data": pixels(rows, 3072, rows), b"fine_labels": list(range(rows))}
        batch[b"coarse_labels"] = [9 - i for i in range(rows)]
        with open(os.path.join(place, "cifar-100-python", name), "wb") as file:
            pickle.dump(batch, file, protocol=2)


def describe(result):
    """A result of a loader, for JSON: arrays by dtype, shape and content (large ones by sums)."""
    if isinstance(result, dict):
        return sorted(map(list, result.items()))
    if isinstance(result, tuple):
        return [describe(part) for part in result]
    large = result.dtype != object and result.size > 300
    weights = np.arange(result.size) % 1009 if large else None
    return {
        "dtype": str(result.dtype),
        "shape": list(result.shape),
        "content": int((result.reshape(-1).astype("int64") * weights).sum()) if large else result.tolist(),
    }
