"""Reuters: 11,228 newswires as lists of word numbers, each on one of 46 topics."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

from os import PathLike
from typing import Any

import numpy as np

from jkeras.datasets import words
from jkeras.datasets.pickles import read_npz
from jkeras.datasets.published import source
from jkeras.preprocessing.sequence import _remove_long_seq
from jkeras.utils.data_utils import get_file


def load_data(
    path: str | PathLike[str] = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
    **kwargs: Any,
):
    """The newswires, shuffled and split.

    Words are numbered by how often they occur: `num_words=10000` keeps the most frequent ones. 0 is left for
    padding. numpy's global generator is seeded, as in Keras, so what a script draws afterwards is the same.

    Args:
        path: name of the file in the cache, or an absolute path.
        num_words: words with this number or a greater one are left out; None keeps all but the last.
        skip_top: words with a smaller number are left out.
        maxlen: only newswires shorter than this.
        test_split: share of the newswires for testing.
        seed: of the order.
        start_char: number that marks the start of each newswire; None: no mark.
        oov_char: number that stands in the place of words that are left out; None: nothing does.
        index_from: what is added to the number of each word.
        **kwargs: `nb_words`, the old name of `num_words`.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: arrays of lists of numbers, and topics from 0 to 45, int64.

    Raises:
        ValueError: `test_split` is no share, no newswire is shorter than `maxlen`, or the file is not what it
            should be.
        OSError: the file is not in the cache and cannot be downloaded; the message says where to put it.
        TypeError: an unknown argument.

    Keras 2.2.4: keras/datasets/reuters.py load_data

    Example::

        (x_train, y_train), (x_test, y_test) = load_data(num_words=10000)
        len(x_train), len(x_test)  # (8982, 2246)
    """
    num_words = words.limit(num_words, kwargs)
    if not 0 <= test_split <= 1:
        raise ValueError(f"`test_split` is a share from 0 to 1. Received: {test_split}.")
    path = get_file(path, **source("reuters.npz"))
    xs, labels = read_npz(path, "x", "y")
    words.check(path, x=(xs, labels))
    np.random.seed(seed)
    xs, labels = words.shuffled(xs, labels)
    xs = words.numbered(xs, start_char, index_from)
    if maxlen:
        xs, labels = _remove_long_seq(maxlen, xs, labels)
    xs = words.limited(xs, num_words, skip_top, oov_char)
    n = int(len(xs) * (1 - test_split))
    return (words.rows(xs[:n]), np.array(labels[:n])), (words.rows(xs[n:]), np.array(labels[n:]))


def get_word_index(path: str | PathLike[str] = "reuters_word_index.json"):
    """The number of each word, before `index_from` is added.

    Args:
        path: name of the file in the cache, or an absolute path.

    Returns:
        A dict.

    Raises:
        OSError: the file is not in the cache and cannot be downloaded; the message says where to put it.

    Keras 2.2.4: keras/datasets/reuters.py get_word_index

    Example::

        get_word_index()["the"]  # 1
    """
    return words.index(get_file(path, **source("reuters_word_index.json")))
