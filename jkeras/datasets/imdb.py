"""IMDB: 50,000 film reviews as lists of word numbers, and whether they are positive."""

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
    path: str | PathLike[str] = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
    **kwargs: Any,
):
    """The reviews, 25,000 to train with and 25,000 to test, shuffled.

    Words are numbered by how often they occur: `num_words=10000` keeps the most frequent ones. 0 is left for
    padding. numpy's global generator is seeded, as in Keras, so what a script draws afterwards is the same.

    Args:
        path: name of the file in the cache, or an absolute path.
        num_words: words with this number or a greater one are left out; None keeps all but the last.
        skip_top: words with a smaller number are left out.
        maxlen: only reviews shorter than this; the first 25,000 that are left are for training, as in Keras.
        seed: of the order.
        start_char: number that marks the start of each review; None: no mark.
        oov_char: number that stands in the place of words that are left out; None: nothing does.
        index_from: what is added to the number of each word.
        **kwargs: `nb_words`, the old name of `num_words`.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: arrays of lists of numbers, and labels 0 or 1, int64.

    Raises:
        ValueError: no review is shorter than `maxlen`, or the file is not what it should be.
        OSError: the file is not in the cache and cannot be downloaded; the message says where to put it.
        TypeError: an unknown argument.

    Keras 2.2.4: keras/datasets/imdb.py load_data

    Example::

        (x_train, y_train), _ = load_data(num_words=10000)
        x_train[0][:6], y_train[0]  # ([1, 14, 22, 16, 43, 530], 1)
    """
    num_words = words.limit(num_words, kwargs)
    path = get_file(path, **source("imdb.npz"))
    x_train, y_train, x_test, y_test = read_npz(path, "x_train", "y_train", "x_test", "y_test")
    words.check(path, x_train=(x_train, y_train), x_test=(x_test, y_test))
    np.random.seed(seed)
    x_train, y_train = words.shuffled(x_train, y_train)
    x_test, y_test = words.shuffled(x_test, y_test)
    xs = words.numbered([*x_train, *x_test], start_char, index_from)
    labels = np.concatenate([y_train, y_test])
    if maxlen:
        xs, labels = _remove_long_seq(maxlen, xs, labels)
        if not xs:
            raise ValueError(
                f"After filtering for sequences shorter than maxlen={maxlen}, no sequence was kept. "
                "Increase maxlen."
            )
    xs = words.limited(xs, num_words, skip_top, oov_char)
    n = len(x_train)
    return (words.rows(xs[:n]), np.array(labels[:n])), (words.rows(xs[n:]), np.array(labels[n:]))


def get_word_index(path: str | PathLike[str] = "imdb_word_index.json"):
    """The number of each word, before `index_from` is added.

    Args:
        path: name of the file in the cache, or an absolute path.

    Returns:
        A dict.

    Raises:
        OSError: the file is not in the cache and cannot be downloaded; the message says where to put it.

    Keras 2.2.4: keras/datasets/imdb.py get_word_index

    Example::

        get_word_index()["the"]  # 1
    """
    return words.index(get_file(path, **source("imdb_word_index.json")))
