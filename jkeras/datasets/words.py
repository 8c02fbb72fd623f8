"""Texts as lists of word numbers: what the loaders of imdb and reuters do alike."""

from __future__ import annotations

import json
import warnings
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jkeras.core.types import AnyDict


def limit(num_words: int | None, kwargs: dict[str, Any]):
    """`num_words`, also by its old name.

    Raises:
        TypeError: an argument that is unknown.

    Example:
        >>> limit(100, {})
        100
    """
    if "nb_words" in kwargs:
        warnings.warn(
            "The `nb_words` argument in `load_data` has been renamed `num_words`.", UserWarning, stacklevel=3
        )
        num_words = kwargs.pop("nb_words")
    if kwargs:
        raise TypeError(f"Unrecognized keyword arguments: {kwargs}")
    return num_words


def check(path: str | PathLike[str], **pairs: Any) -> None:
    """Refuse texts that are no lists of numbers, or not as many as labels.

    Args:
        path: the file, for errors.
        pairs: name of texts → (texts, labels).

    Raises:
        ValueError: see above.

    Example:
        >>> check("a.npz", x=(np.array([[1, 2]]), np.array([0])))
    """
    for name, (texts, labels) in pairs.items():
        if len(texts) != len(labels):
            raise ValueError(f"{path} has {len(texts)} texts in {name!r}, and {len(labels)} labels.")
        kinds: set[type[Any]] = {type(text) for text in texts}
        expected: tuple[type[Any], ...] = (list, tuple, np.ndarray)
        if all(issubclass(kind, expected) for kind in kinds):
            kinds, expected = {kind for text in texts for kind in map(type, text)}, (int, np.integer)
        odd = sorted(kind.__name__ for kind in kinds if not issubclass(kind, expected))
        if odd:
            raise ValueError(f"{path} should hold lists of whole numbers in {name!r}; it holds {odd}.")


def shuffled(texts: Any, labels: Any):
    """Texts and labels in an order that numpy's global generator draws.

    Example:
        >>> np.random.seed(113)
        >>> [part.tolist() for part in shuffled(np.array([[1], [2], [3]]), np.array([1, 2, 3]))]
        [[[3], [1], [2]], [3, 1, 2]]
    """
    order = np.arange(len(texts))
    np.random.shuffle(order)
    return texts[order], labels[order]


def numbered(texts: Any, start_char: int | None, index_from: int) -> list[Any]:
    """The texts with their words numbered from `index_from` on, and a mark at their start.

    Example:
        >>> numbered([[1, 2], [3]], start_char=1, index_from=3), numbered([[1, 2]], None, 3)
        ([[1, 4, 5], [1, 6]], [[4, 5]])
    """
    if start_char is not None:
        return [[start_char] + [word + index_from for word in text] for text in texts]
    if index_from:
        return [[word + index_from for word in text] for text in texts]
    return list(texts)


def limited(texts: Any, num_words: int | None, skip_top: int, oov_char: int | None) -> list[Any]:
    """The texts without the words from number `num_words` on, nor those before `skip_top`.

    Args:
        texts: lists of word numbers.
        num_words: 0 or None: the greatest number that occurs, which is left out too, as in Keras.
        skip_top: the first number that is kept.
        oov_char: stands in the place of words that are left out; None: nothing does.

    Raises:
        ValueError: `num_words` is None, and there are no texts, or empty ones.

    Example:
        >>> limited([[1, 4, 9], [5]], 6, 4, 2), limited([[1, 4, 9], [5]], None, 0, None)
        ([[2, 4, 2], [5]], [[1, 4], [5]])
    """
    if not num_words:
        if not all(len(text) for text in texts) or not len(texts):
            raise ValueError("There are no texts, or empty ones: say `num_words`, or a greater `maxlen`.")
        num_words = max(max(text) for text in texts)
    if oov_char is None:
        return [[word for word in text if skip_top <= word < num_words] for text in texts]
    return [[word if skip_top <= word < num_words else oov_char for word in text] for text in texts]


def rows(texts: list[Any]) -> NDArray[Any]:
    """An array of lists; of numbers, with two axes, if all have one length, as numpy did it in Keras's time.

    Example:
        >>> rows([[1, 2], [3]]).tolist(), rows([[1], [3]]).shape
        ([[1, 2], [3]], (2, 1))
    """
    if len({len(text) for text in texts}) <= 1:
        return np.array(texts)
    return np.fromiter(texts, object, len(texts))


def index(path: str | PathLike[str]) -> dict[str, int]:
    """The numbers of words, from a JSON file.

    Raises:
        ValueError: it holds something else.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "index.json"
        >>> _ = path.write_text('{"the": 1}')
        >>> index(path)
        {'the': 1}
    """
    with open(path, encoding="utf-8") as file:
        try:
            ranks = json.load(file)
        except ValueError as error:
            raise ValueError(f"{path} is no JSON, or not complete: {error}.") from error
    if not isinstance(ranks, AnyDict):
        raise ValueError(f"{path} should hold a dict of words; it holds a {type(ranks).__name__}.")
    return ranks
