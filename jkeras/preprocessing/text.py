"""Texts made into numbers."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from jkeras.core.arguments import refuse_text
from jkeras.core.types import AnyList, AnyTuple

_FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'


def text_to_word_sequence(
    text: str, filters: str = _FILTERS, lower: bool = True, split: str = " "
) -> list[str]:
    """The words of a text.

    Args:
        text: a str.
        filters: characters that separate words, beside `split`.
        lower: whether to make it lowercase.
        split: what separates words.

    Returns:
        List of words.

    Keras 2.2.4: keras_preprocessing/text.py text_to_word_sequence

    Example:
        >>> text_to_word_sequence("Hello, world!")
        ['hello', 'world']
    """
    text = text.lower() if lower else text
    words = text.translate(str.maketrans(dict.fromkeys(filters, split))).split(split)
    return [word for word in words if word]


def one_hot(text: str, n: int, filters: str = _FILTERS, lower: bool = True, split: str = " ") -> list[int]:
    """The words of a text as numbers from 1 to n-1, by Python's `hash`.

    Different words may get the same number, and unless `PYTHONHASHSEED` is set each process has its own.

    Args:
        text: a str.
        n: one more than the largest number.
        filters, lower, split: see `text_to_word_sequence`.

    Returns:
        List of ints.

    Keras 2.2.4: keras_preprocessing/text.py one_hot

    Example:
        >>> one_hot("to be or not to be", 2)
        [1, 1, 1, 1, 1, 1]
    """
    return hashing_trick(text, n, hash, filters, lower, split)


def hashing_trick(
    text: str,
    n: int,
    hash_function: Callable[[str], int] | str | None = None,
    filters: str = _FILTERS,
    lower: bool = True,
    split: str = " ",
) -> list[int]:
    """The words of a text as numbers from 1 to n-1, by a hash.

    Args:
        text: a str.
        n: one more than the largest number.
        hash_function: str → int; "md5", which is the same in every process; None: Python's `hash`.
        filters, lower, split: see `text_to_word_sequence`.

    Returns:
        List of ints; different words may get the same one.

    Raises:
        ValueError: if `n` is below 2, or the function unknown.

    Keras 2.2.4: keras_preprocessing/text.py hashing_trick

    Example:
        >>> hashing_trick("to be or not to be", 50, "md5")
        [15, 5, 8, 36, 15, 5]
    """
    refuse_text(n=n)
    if n < 2:
        raise ValueError(f"`n` should be at least 2: word numbers are from 1 to n-1. Got {n!r}.")
    known: dict[Any, Callable[[str], int]] = {None: hash, "md5": _md5}
    function: Any = known.get(hash_function, hash_function)
    if not callable(function):
        raise ValueError(f"`hash_function` should be a function, 'md5' or None; got {hash_function!r}.")
    hashed = cast(Callable[[str], int], function)
    return [hashed(word) % (n - 1) + 1 for word in text_to_word_sequence(text, filters, lower, split)]


def _md5(word: str) -> int:
    return int(hashlib.md5(word.encode(), usedforsecurity=False).hexdigest(), 16)


class Tokenizer:
    """Texts as word numbers, after it has counted the words of some texts: 1 is the most frequent word.

    0 is the number of no word. A list in the place of a text is taken for its words.

    Args:
        num_words: words from this number on are left out of what it returns; None: all are in.
        filters, lower, split: how words are found, see `text_to_word_sequence`.
        char_level: every character is a word.
        oov_token: stands for unknown words, as number 1; None: these are left out.
        document_count: number of texts seen so far.

    Attributes:
        word_counts: how often each word was seen, in the order of its first occurrence.
        word_docs, index_docs: in how many texts each word, each number was seen.
        word_index, index_word: word → number, number → word.

    Raises:
        TypeError: for an unknown argument.

    Keras 2.2.4: keras_preprocessing/text.py Tokenizer

    Example:
        >>> tokenizer = Tokenizer()
        >>> tokenizer.fit_on_texts(["The cat sat on the mat.", "The dog"])
        >>> tokenizer.texts_to_sequences(["the dog sat"])
        [[1, 6, 3]]
    """

    def __init__(
        self,
        num_words: int | None = None,
        filters: str = _FILTERS,
        lower: bool = True,
        split: str = " ",
        char_level: bool = False,
        oov_token: str | None = None,
        document_count: int = 0,
        **kwargs: Any,
    ):
        if "nb_words" in kwargs:
            warnings.warn(
                "The `nb_words` argument in `Tokenizer` has been renamed `num_words`.", stacklevel=2
            )
            num_words = kwargs.pop("nb_words")
        if kwargs:
            raise TypeError(f"Unrecognized keyword arguments: {kwargs}")
        refuse_text(num_words=num_words)
        self.word_counts: dict[str, int] = OrderedDict()
        self.word_docs: dict[str, int] = defaultdict(int)
        self.filters = filters
        self.split = split
        self.lower = lower
        self.num_words = num_words
        self.document_count = document_count
        self.char_level = char_level
        self.oov_token = oov_token
        self.index_docs: dict[int, int] = defaultdict(int)
        self.word_index: dict[str, int] = {}
        self.index_word: dict[int, str] = {}

    def _words(self, text: str) -> list[str]:
        if isinstance(text, (AnyList, AnyTuple)):
            return [word.lower() for word in text] if self.lower else list(text)
        if self.char_level:
            return list(text.lower() if self.lower else text)
        return text_to_word_sequence(text, self.filters, self.lower, self.split)

    def fit_on_texts(self, texts: Iterable[Any]) -> None:
        """Count the words of texts and number them anew.

        Args:
            texts: strings or lists of words, in a list or from a generator.
        """
        for text in texts:
            self.document_count += 1
            for word, count in Counter(self._words(text)).items():
                self.word_counts[word] = self.word_counts.get(word, 0) + count
                self.word_docs[word] += 1
        known = sorted(self.word_counts, key=lambda word: -self.word_counts[word])
        words = known if self.oov_token is None else [self.oov_token, *known]
        self.word_index = {word: i for i, word in enumerate(words, 1)}
        self.index_word = {i: word for word, i in self.word_index.items()}
        for word, count in self.word_docs.items():
            self.index_docs[self.word_index[word]] = count

    def fit_on_sequences(self, sequences: Any) -> None:
        """Count in how many lists of word numbers each number is.

        Args:
            sequences: a list of lists of ints.
        """
        self.document_count += len(sequences)
        for sequence in sequences:
            for i in set(sequence):
                self.index_docs[i] += 1

    def texts_to_sequences(self, texts: Iterable[Any]) -> list[list[int]]:
        """Texts as lists of word numbers.

        Args:
            texts: strings or lists of words.
        """
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts: Iterable[Any]) -> Iterator[list[int]]:
        """Like `texts_to_sequences`, one by one."""
        unknown = self.word_index.get(self.oov_token)  # type: ignore[arg-type]
        for text in texts:
            indices = (self.word_index.get(word) for word in self._words(text))
            numbers = (unknown if i is None or self._is_rare(i) else i for i in indices)
            yield [i for i in numbers if i is not None]

    def _is_rare(self, number: int) -> bool:
        return bool(self.num_words) and number >= self.num_words

    def sequences_to_texts(self, sequences: Any) -> list[str]:
        """Lists of word numbers as texts.

        Args:
            sequences: lists of ints.
        """
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences: Any) -> Iterator[str]:
        """Like `sequences_to_texts`, one by one."""
        unknown = self.oov_token if self.oov_token in self.word_index else None
        for sequence in sequences:
            known = (None if self._is_rare(i) else self.index_word.get(i) for i in sequence)
            words = (unknown if word is None else word for word in known)
            yield " ".join(word for word in words if word is not None)

    def texts_to_matrix(self, texts: Iterable[Any], mode: str = "binary") -> NDArray[Any]:
        """Texts as a matrix, see `sequences_to_matrix`."""
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)

    def sequences_to_matrix(self, sequences: Any, mode: str = "binary") -> NDArray[Any]:
        """Lists of word numbers as a matrix: a row for each list, a column for each number.

        Args:
            sequences: list of lists of ints.
            mode: what stands where a list holds a number: "binary" 1; "count" how often; "freq" the share of
                the list; "tfidf" `(1 + log(how often)) * log(1 + texts / (1 + texts with this word))`.

        Returns:
            An array `(len(sequences), num_words)`.

        Raises:
            ValueError: for another mode; if the number of words or of texts is not known yet.
        """
        if mode not in ("binary", "count", "freq", "tfidf"):
            raise ValueError(f"Unknown vectorization mode: {mode}; use 'binary', 'count', 'freq' or 'tfidf'.")
        if not self.num_words and not self.word_index:
            raise ValueError("Specify a dimension (`num_words` argument), or fit on some text data first.")
        if mode == "tfidf" and not self.document_count:
            raise ValueError("Fit the Tokenizer on some data before using tfidf mode.")
        matrix = np.zeros((len(sequences), self.num_words or len(self.word_index) + 1))
        for row, sequence in zip(matrix, sequences, strict=True):
            for i, count in Counter(i for i in sequence if i < len(row)).items():
                if mode == "binary":
                    row[i] = 1
                elif mode == "tfidf":
                    documents = 1 + self.index_docs.get(i, 0)
                    row[i] = (1 + np.log(count)) * np.log(1 + self.document_count / documents)
                else:
                    row[i] = count if mode == "count" else count / len(sequence)
        return matrix

    def get_config(self) -> dict[str, Any]:
        """The arguments, and what was counted, each as JSON."""
        return {
            "num_words": self.num_words,
            "filters": self.filters,
            "lower": self.lower,
            "split": self.split,
            "char_level": self.char_level,
            "oov_token": self.oov_token,
            "document_count": self.document_count,
            **{name: json.dumps(getattr(self, name)) for name in _COUNTED},
        }

    def to_json(self, **kwargs: Any) -> str:
        """JSON that `tokenizer_from_json` reads; `kwargs` go to `json.dumps`."""
        return json.dumps({"class_name": type(self).__name__, "config": self.get_config()}, **kwargs)


_COUNTED = ("word_counts", "word_docs", "index_docs", "index_word", "word_index")


def tokenizer_from_json(json_string: str) -> Tokenizer:
    """The tokenizer that `to_json` wrote; it can count further texts.

    Args:
        json_string: the JSON.

    Returns:
        A Tokenizer.

    Keras 2.2.4: keras_preprocessing/text.py tokenizer_from_json

    Example:
        >>> tokenizer = Tokenizer(num_words=10)
        >>> tokenizer.fit_on_texts(["to be or not to be"])
        >>> tokenizer_from_json(tokenizer.to_json()).word_index
        {'to': 1, 'be': 2, 'or': 3, 'not': 4}
    """
    config = json.loads(json_string)["config"]
    counted = {name: json.loads(config.pop(name)) for name in _COUNTED}
    tokenizer = Tokenizer(**config)
    for name, values in counted.items():
        is_by_number = name.startswith("index_")  # JSON has made the numbers strings
        getattr(tokenizer, name).update({int(k): v for k, v in values.items()} if is_by_number else values)
    return tokenizer
