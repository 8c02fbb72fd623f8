"""Addresses and hashes of the data sets, as Keras publishes them."""

from __future__ import annotations

from typing import Any, NamedTuple

_KERAS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_TORONTO = "https://www.cs.toronto.edu/~kriz/"


class Published(NamedTuple):
    """A file: its URL, and its hash (SHA-256, or MD5 where Keras knows no other; None: it publishes none)."""

    origin: str
    file_hash: str | None


# Name in the cache (of an archive: the folder that is in it) → file.
FILES = {
    "boston_housing.npz": Published(
        f"{_KERAS}boston_housing.npz", "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"
    ),
    "cifar-10-batches-py": Published(
        f"{_TORONTO}cifar-10-python.tar.gz",
        "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    ),
    "cifar-100-python": Published(
        f"{_TORONTO}cifar-100-python.tar.gz",
        "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
    ),
    "imdb.npz": Published(
        f"{_KERAS}imdb.npz", "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"
    ),
    "imdb_word_index.json": Published(f"{_KERAS}imdb_word_index.json", "bfafd718b763782e994055a2d397834f"),
    "mnist.npz": Published(
        f"{_KERAS}mnist.npz", "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
    ),
    "reuters.npz": Published(
        f"{_KERAS}reuters.npz", "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"
    ),
    "reuters_word_index.json": Published(
        f"{_KERAS}reuters_word_index.json", "4d44cc38712099c9e383dc6e5f11a921"
    ),
    # Their own checksums (of gzip), numbers of rows and sizes are looked at instead.
    "train-labels-idx1-ubyte.gz": Published(f"{_KERAS}train-labels-idx1-ubyte.gz", None),
    "train-images-idx3-ubyte.gz": Published(f"{_KERAS}train-images-idx3-ubyte.gz", None),
    "t10k-labels-idx1-ubyte.gz": Published(f"{_KERAS}t10k-labels-idx1-ubyte.gz", None),
    "t10k-images-idx3-ubyte.gz": Published(f"{_KERAS}t10k-images-idx3-ubyte.gz", None),
}


def source(name: str) -> dict[str, Any]:
    """The arguments of `get_file` for a file.

    Example:
        >>> source("imdb_word_index.json")["file_hash"]
        'bfafd718b763782e994055a2d397834f'
    """
    return FILES[name]._asdict()
