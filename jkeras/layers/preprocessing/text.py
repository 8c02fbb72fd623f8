"""TextVectorization: text as numbers, on the host, before the model."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Unpack

import numpy as np

from jkeras.core.arguments import LayerArguments
from jkeras.core.types import AnyNumpy
from jkeras.layers.preprocessing.lookup import StringLookup
from jkeras.layers.preprocessing.on_host import OnHost, batches_of, decoded

_STANDARDS = ("lower_and_strip_punctuation", "lower", "strip_punctuation", None)
_SPLITS = ("whitespace", "character", None)
_PUNCTUATION = re.compile(r"""[!"#$%&()*+,\-./:;<=>?@\[\\\]^_`{|}~']""")


class TextVectorization(OnHost):
    """Texts as sequences of numbers, or as vectors: standardized, split into tokens, looked up.

    Args:
        max_tokens: the largest size of the vocabulary; None: any.
        standardize: "lower_and_strip_punctuation", "lower", "strip_punctuation", None, or a function of an
            array of strings.
        split: "whitespace", "character", None, or a function of a string.
        ngrams: n for all runs of 1 to n tokens, or a tuple of lengths; None: single tokens.
        output_mode: "int": numbers, 0 for padding and 1 for unknown; or "multi_hot", "count", "tf_idf".
        output_sequence_length: to cut and pad sequences to; None: the longest one's.
        pad_to_max_tokens: whether vectors have the length `max_tokens` also where fewer tokens are known.
        vocabulary: list of strings, or None, and `adapt(texts)` finds it.
        idf_weights: for "tf_idf": one for each string of the vocabulary.
        sparse, ragged: only False.
        encoding: of texts that are given as bytes.

    Input shape:
        `(batch,)` or `(batch, 1)` strings, or a list of them; the output is a numpy array.

    Raises:
        ValueError: a call in a model; an unknown mode.

    Keras 3: TextVectorization

    Example:
        >>> TextVectorization(vocabulary=["cat", "the"])(["The cat!", "the dog sat"]).tolist()
        [[3, 2, 0], [3, 1, 1]]
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: str | Callable[[Any], Any] | None = "lower_and_strip_punctuation",
        split: str | Callable[[Any], Any] | None = "whitespace",
        ngrams: int | Sequence[int] | None = None,
        output_mode: str = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: Sequence[str] | None = None,
        idf_weights: Sequence[float] | None = None,
        sparse: bool = False,
        ragged: bool = False,
        encoding: str = "utf-8",
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        for value, allowed, name in ((standardize, _STANDARDS, "standardize"), (split, _SPLITS, "split")):
            if value not in allowed and not callable(value):
                raise ValueError(f"`{name}` must be one of {allowed} or a function. Received: {value!r}")
        if ragged:
            raise ValueError("`ragged=True`: there are no ragged arrays here; sequences are padded.")
        self.standardize, self.split, self.ngrams = standardize, split, ngrams
        self.output_sequence_length, self.ragged = output_sequence_length, ragged
        self.lookup = StringLookup(
            max_tokens,
            mask_token="",
            vocabulary=vocabulary,
            idf_weights=idf_weights,
            output_mode=output_mode,
            pad_to_max_tokens=pad_to_max_tokens,
            sparse=sparse,
            encoding=encoding,
        )
        self.get_vocabulary, self.vocabulary_size = self.lookup.get_vocabulary, self.lookup.vocabulary_size
        self.set_vocabulary = self.lookup.set_vocabulary

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain values."""
        names = "max_tokens output_mode pad_to_max_tokens vocabulary idf_weights sparse encoding".split()
        return super().get_config() | {name: getattr(self.lookup, name) for name in names}

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Find the vocabulary of texts.

        Args:
            data: an array or list of texts, or a generator of such batches.
            batch_size: has no effect.
            steps: how many batches to look at; None: all.
        """
        self.lookup.learn(self.tokens(batch) for batch in batches_of(data, steps))

    def on_host(self, inputs: Any) -> np.ndarray:
        """The values of rows, computed by Python."""
        if self.lookup.vocabulary is None:
            raise ValueError(
                f"Layer {self.name!r} has no vocabulary: call its `adapt(texts)` first, or give it one."
            )
        rows = [[self.lookup.place(token) for token in row] for row in self.tokens(inputs)]
        whole = self.lookup.output_mode != "int"
        length = None if whole else self.output_sequence_length
        length = max((len(row) for row in rows), default=0) if length is None else length
        numbers = np.full((len(rows), length), -1 if whole else 0, np.int64)
        for i, row in enumerate(rows):
            numbers[i, : len(row)] = row[:length]
        return self.lookup.vectors(numbers) if whole else numbers

    def tokens(self, inputs: Any) -> list[list[str]]:
        """The tokens of each text."""
        texts = decoded(inputs, self.lookup.encoding)
        if texts.ndim == 0 or (texts.ndim > 1 and self.split is not None):
            texts = texts.reshape(-1)
        texts = np.asarray(self.standardize(texts.astype(str))) if callable(self.standardize) else texts
        return [self._tokens_of(text) for text in texts]

    def _tokens_of(self, text: Any) -> list[str]:
        if isinstance(text, AnyNumpy):  # split already
            tokens = [self._standard(token) for token in text.ravel()]
        else:
            tokens = self._parts(self._standard(text))
        if self.ngrams is None:
            return tokens
        sizes = range(1, self.ngrams + 1) if isinstance(self.ngrams, int) else self.ngrams
        return [" ".join(tokens[i : i + n]) for n in sizes for i in range(len(tokens) - n + 1)]

    def _standard(self, text: str) -> str:
        how = self.standardize if isinstance(self.standardize, str) else ""
        text = text.lower() if "lower" in how else text
        return _PUNCTUATION.sub("", text) if "strip" in how else text

    def _parts(self, text: str) -> list[str]:
        if callable(self.split):
            return list(self.split(text))
        return text.split() if self.split == "whitespace" else list(text) if self.split else [text]
