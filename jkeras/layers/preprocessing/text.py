"""StringLookup and TextVectorization: text as numbers, on the host, before the model."""

from __future__ import annotations

import collections
import math
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Unpack

import jax.numpy as jnp
import numpy as np

from jkeras.core.arguments import LayerArguments
from jkeras.core.dispatch import is_symbolic
from jkeras.engine.base_layer import Layer
from jkeras.engine.tensors.variable import current_frame
from jkeras.primitives import encoding

_MODES = ("int", *encoding.MODES, "tf_idf")
_STANDARDS = ("lower_and_strip_punctuation", "lower", "strip_punctuation", None)
_SPLITS = ("whitespace", "character", None)
_PUNCTUATION = re.compile(r"""[!"#$%&()*+,\-./:;<=>?@\[\\\]^_`{|}~']""")


class _OnHost(Layer):
    """A layer of text, which no device computes with: it is called before the model, on arrays of strings."""

    def __call__(self, inputs: Any, **kwargs: Any) -> Any:
        """The numbers of texts; a tensor of a model is refused."""
        if is_symbolic(inputs) or current_frame() is not None:
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}) works on text, on the host, and cannot "
                "stand inside a model, which is compiled for numbers: call it on the data first, "
                "`x = layer(texts)`, and give the model an Input for `x`."
            )
        return self.on_host(inputs)

    def on_host(self, inputs: Any) -> np.ndarray:
        """The result as a numpy array."""
        raise NotImplementedError(f"{type(self).__name__} must define on_host().")


class StringLookup(_OnHost):
    """Strings as their places in a vocabulary, or back.

    Args:
        max_tokens: the largest size of the vocabulary, with its special tokens; None: any.
        num_oov_indices: 1: unknown strings have one number; 0: they are an error.
        mask_token: what stands for padding, as 0; None: nothing does.
        oov_token: what stands for unknown strings.
        vocabulary: list of strings, or None, and `adapt(data)` finds it.
        idf_weights: for "tf_idf": one for each string of the vocabulary.
        invert: whether to go from numbers to strings.
        output_mode: "int", or "one_hot", "multi_hot", "count" as CategoryEncoding's, or "tf_idf".
        pad_to_max_tokens: whether vectors have the length `max_tokens` also where fewer tokens are known.
        sparse: only False.
        encoding: of strings that are given as bytes.

    Input shape:
        Any array (or list) of strings; the output is a numpy array.

    Raises:
        ValueError: a call in a model; several numbers for unknown strings; a vocabulary with repetitions.

    Keras 3: StringLookup

    Example:
        >>> StringLookup(vocabulary=["a", "b"])([["b", "c"]]).tolist()
        [[2, 0]]
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str = "[UNK]",
        vocabulary: Sequence[str] | None = None,
        idf_weights: Sequence[float] | None = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        sparse: bool = False,
        encoding: str = "utf-8",
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        if num_oov_indices not in (0, 1):
            raise ValueError(
                f"`num_oov_indices` must be 0 or 1: several are told apart by a hash of TensorFlow's. "
                f"Received: {num_oov_indices!r}"
            )
        if sparse:
            raise ValueError("`sparse=True`: there are no sparse arrays here; the vectors are dense ones.")
        self.max_tokens, self.num_oov_indices, self.mask_token = max_tokens, num_oov_indices, mask_token
        self.oov_token, self.invert, self.output_mode = oov_token, invert, mode_of(output_mode)
        self.pad_to_max_tokens, self.sparse, self.encoding = pad_to_max_tokens, sparse, encoding
        self.vocabulary: list[str] | None = None
        self.idf_weights: list[float] | None = None
        self._places: dict[str, int] = {}
        if isinstance(vocabulary, str):
            raise ValueError(
                f"{type(self).__name__} {self.name!r} takes a vocabulary as a list of words; it opens no "
                f"file or address: read {vocabulary!r} yourself."
            )
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)

    def special_tokens(self) -> list[Any]:
        """The tokens before those of the vocabulary."""
        masks = [self.mask_token] if self.mask_token is not None and self.output_mode == "int" else []
        return masks + [self.oov_token] * self.num_oov_indices

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[str]:
        """The tokens, by number."""
        return (self.special_tokens() if include_special_tokens else []) + list(self.vocabulary or ())

    def vocabulary_size(self) -> int:
        """The number of tokens, with the special ones."""
        return len(self.get_vocabulary())

    def set_vocabulary(self, vocabulary: Sequence[str], idf_weights: Sequence[float] | None = None) -> None:
        """Take a vocabulary.

        Args:
            vocabulary: tokens, with all special tokens at the beginning or without.
            idf_weights: one for each, for "tf_idf".

        Raises:
            ValueError: a token stands there twice, or there are too many.
        """
        tokens, special = [str(token) for token in vocabulary], self.special_tokens()
        weights = None if idf_weights is None else [float(w) for w in idf_weights]
        if special and tokens[: len(special)] == special:
            tokens = tokens[len(special) :]
            weights = None if weights is None else weights[len(special) :]
        twice = [token for token, many in collections.Counter(tokens).items() if many > 1]
        if twice or self.mask_token in tokens:
            raise ValueError(
                f"The vocabulary of {self.name!r} holds {twice or self.mask_token!r} more than once."
            )
        if self.max_tokens is not None and len(tokens) + len(special) > self.max_tokens:
            raise ValueError(
                f"{len(tokens)} tokens and {len(special)} special ones exceed {self.max_tokens}."
            )
        self.vocabulary, self.idf_weights = tokens, weights
        self._places = {token: i + len(special) for i, token in enumerate(tokens)}

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Find the vocabulary: the most frequent tokens first; of equally frequent ones the last by alphabet.

        Args:
            data: an array or list of strings, or a generator of such batches.
            steps: how many batches to look at; None: all.
        """
        self.learn(self._rows(batch) for batch in batches_of(data, steps))

    def learn(self, batches: Iterable[list[list[str]]]) -> None:
        """Find the vocabulary of tokens, one list for each sample."""
        counts: collections.Counter[str] = collections.Counter()
        samples: collections.Counter[str] = collections.Counter()
        total = 0
        for rows in batches:
            for row in rows:
                counts.update(row)
                samples.update(set(row))
                total += 1
        for token in {self.mask_token, self.oov_token} - {None}:
            counts.pop(str(token), None)
        tokens = sorted(counts, key=lambda token: (counts[token], token.encode()), reverse=True)
        if self.max_tokens is not None:
            tokens = tokens[: self.max_tokens - len(self.special_tokens())]
        idf = [math.log(1 + total / (1 + samples[token])) for token in tokens]
        self.set_vocabulary(tokens, idf if self.output_mode == "tf_idf" else None)

    def on_host(self, inputs: Any) -> np.ndarray:
        if self.vocabulary is None:
            raise ValueError(
                f"Layer {self.name!r} has no vocabulary: call its `adapt(texts)` first, or give it one."
            )
        if self.invert:
            known = dict(enumerate(self.get_vocabulary()))
            numbers = np.asarray(inputs)
            found = [known.get(int(i), self.oov_token) for i in numbers.ravel()]
            return np.asarray(found, object).reshape(numbers.shape)
        texts = decoded(inputs, self.encoding)
        numbers = np.array([self.place(text) for text in texts.ravel()], np.int64).reshape(texts.shape)
        return numbers if self.output_mode == "int" else self.vectors(numbers)

    def place(self, token: str) -> int:
        """The number of a token."""
        if token == self.mask_token:
            return 0 if self.output_mode == "int" else -1
        place = self._places.get(token)
        if place is None and self.num_oov_indices == 0:
            raise ValueError(
                f"{token!r} is not in the vocabulary of layer {self.name!r}: set `num_oov_indices=1`."
            )
        return len(self.special_tokens()) - 1 if place is None else place

    def vectors(self, numbers: np.ndarray) -> np.ndarray:
        """Numbers as vectors, as the mode says."""
        depth = self.max_tokens if self.pad_to_max_tokens and self.max_tokens else self.vocabulary_size()
        mode = "count" if self.output_mode == "tf_idf" else self.output_mode
        found = np.asarray(encoding.encode(jnp.asarray(numbers, np.int32), mode, depth, "float32"))
        if self.output_mode != "tf_idf":
            return found
        weights = np.asarray(self.idf_weights, np.float32)
        factors = np.zeros(depth, np.float32)
        special = len(self.special_tokens())
        factors[:special], factors[special : special + len(weights)] = weights.mean(), weights
        return found * factors

    def _rows(self, batch: Any) -> list[list[str]]:
        texts = decoded(batch, self.encoding)
        return [[text] for text in texts] if texts.ndim < 2 else [row.ravel().tolist() for row in texts]


class TextVectorization(_OnHost):
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

    def get_config(self) -> dict:
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
        if isinstance(text, np.ndarray):  # split already
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


def mode_of(mode: str) -> str:
    """The output mode by its present name.

    Raises:
        ValueError: an unknown one.
    """
    mode = {"binary": "multi_hot", "tf-idf": "tf_idf"}.get(mode, mode)
    if mode not in _MODES:
        raise ValueError(f"`output_mode` must be one of {_MODES}. Received: {mode!r}")
    return mode


def decoded(texts: Any, encoding: str) -> np.ndarray:
    """An array of Python strings."""
    array = np.asarray(texts)
    found = [t.decode(encoding) if isinstance(t, bytes) else str(t) for t in array.ravel().tolist()]
    return np.asarray([*found, None], object)[:-1].reshape(array.shape)


def batches_of(data: Any, steps: int | None) -> Iterable[Any]:
    """Batches of data: an array or a list is one."""
    batches = [data] if hasattr(data, "shape") or isinstance(data, (list, tuple, str)) else data
    for i, batch in enumerate(batches):
        if steps is not None and i >= steps:
            return
        yield batch
