"""StringLookup and IntegerLookup: tokens as their places in a vocabulary, on the host, before the model."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import collections
import math
from collections.abc import Iterable, Sequence
from typing import Any, Unpack

import jax.numpy as jnp
import numpy as np

from jkeras.core.arguments import LayerArguments
from jkeras.layers.preprocessing.on_host import OnHost, batches_of, decoded, mode_of, salt_of
from jkeras.primitives import encoding, hashing


class _Lookup(OnHost):
    """The base of both lookups; a subclass says what its tokens are."""

    encoding = "utf-8"

    def __init__(
        self,
        max_tokens: int | None,
        num_oov_indices: int,
        mask_token: Any,
        oov_token: Any,
        vocabulary: Sequence[Any] | None,
        idf_weights: Sequence[float] | None,
        invert: bool,
        output_mode: str,
        pad_to_max_tokens: bool,
        sparse: bool,
        salt: int | Sequence[int] | None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        if num_oov_indices < 0:
            raise ValueError(f"`num_oov_indices` must be at least 0. Received: {num_oov_indices!r}")
        if max_tokens is not None and max_tokens <= 1:
            raise ValueError(f"`max_tokens` must be above 1, or None. Received: {max_tokens!r}")
        if sparse:
            raise ValueError("`sparse=True`: there are no sparse arrays here; the vectors are dense ones.")
        self.max_tokens, self.num_oov_indices, self.mask_token = max_tokens, num_oov_indices, mask_token
        self.oov_token, self.invert, self.output_mode = oov_token, invert, mode_of(output_mode)
        self.pad_to_max_tokens, self.sparse, self.salt = pad_to_max_tokens, sparse, salt_of(salt)
        self.vocabulary: list[Any] | None = None
        self.idf_weights: list[float] | None = None
        self._places: dict[Any, int] = {}
        if isinstance(vocabulary, str):
            raise ValueError(
                f"{type(self).__name__} {self.name!r} takes a vocabulary as a list of tokens; it opens no "
                f"file or address: read {vocabulary!r} yourself."
            )
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)

    # --- what a subclass says

    def token(self, value: Any) -> Any:
        """A token from what stands for it in data."""
        raise NotImplementedError(f"{type(self).__name__} must define token().")

    def tokens(self, inputs: Any) -> np.ndarray:
        """An array of tokens as Python objects."""
        raise NotImplementedError(f"{type(self).__name__} must define tokens().")

    def rank(self, token: Any) -> Any:
        """The order of tokens that are equally frequent."""
        raise NotImplementedError(f"{type(self).__name__} must define rank().")

    def unknown(self, token: Any) -> int:
        """The number of an unknown token among those of unknown ones."""
        return hashing.bucket(str(token).encode(), self.num_oov_indices, self.salt)

    # --- the vocabulary

    def special_tokens(self) -> list[Any]:
        """The tokens before those of the vocabulary."""
        masks = [self.mask_token] if self.mask_token is not None and self.output_mode == "int" else []
        return masks + [self.oov_token] * self.num_oov_indices

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """The tokens, by number."""
        return (self.special_tokens() if include_special_tokens else []) + list(self.vocabulary or ())

    def vocabulary_size(self) -> int:
        """The number of tokens, with the special ones."""
        return len(self.get_vocabulary())

    def set_vocabulary(self, vocabulary: Sequence[Any], idf_weights: Sequence[float] | None = None) -> None:
        """Take a vocabulary.

        Args:
            vocabulary: tokens, with all special tokens at the beginning or without.
            idf_weights: one for each, for "tf_idf".

        Raises:
            ValueError: a token stands there twice, or there are too many.
        """
        tokens, special = [self.token(token) for token in vocabulary], self.special_tokens()
        weights = None if idf_weights is None else [float(w) for w in idf_weights]
        if special and tokens[: len(special)] == special:
            tokens = tokens[len(special) :]
            weights = None if weights is None else weights[len(special) :]
        twice = [token for token, many in collections.Counter(tokens).items() if many > 1]
        if twice or (self.mask_token is not None and self.mask_token in tokens):
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
        """Find the vocabulary: the most frequent tokens first; of equally frequent ones the last in order.

        Args:
            data: an array or list of tokens, or a generator of such batches.
            steps: how many batches to look at; None: all.
        """
        self.learn(self._rows(batch) for batch in batches_of(data, steps))

    def learn(self, batches: Iterable[list[list[Any]]]) -> None:
        """Find the vocabulary of tokens, one list for each sample."""
        counts: collections.Counter[Any] = collections.Counter()
        samples: collections.Counter[Any] = collections.Counter()
        total = 0
        for rows in batches:
            for row in rows:
                counts.update(row)
                samples.update(set(row))
                total += 1
        for token in {self.mask_token, self.oov_token} - {None}:
            counts.pop(token, None)
        tokens = sorted(counts, key=lambda token: (counts[token], self.rank(token)), reverse=True)
        if self.max_tokens is not None:
            tokens = tokens[: self.max_tokens - len(self.special_tokens())]
        idf = [math.log(1 + total / (1 + samples[token])) for token in tokens]
        self.set_vocabulary(tokens, idf if self.output_mode == "tf_idf" else None)

    def _rows(self, batch: Any) -> list[list[Any]]:
        tokens = self.tokens(batch)
        return [[token] for token in tokens] if tokens.ndim < 2 else [row.ravel().tolist() for row in tokens]

    # --- calls

    def on_host(self, inputs: Any) -> np.ndarray:
        if self.vocabulary is None:
            raise ValueError(
                f"Layer {self.name!r} has no vocabulary: call its `adapt(texts)` first, or give it one."
            )
        if self.invert:
            known = dict(enumerate(self.get_vocabulary()))
            numbers = np.asarray(inputs)
            found = [known.get(int(i), self.oov_token) for i in numbers.ravel()]
            return self._as_array(found).reshape(numbers.shape)
        tokens = self.tokens(inputs)
        numbers = np.array([self.place(token) for token in tokens.ravel()], np.int64).reshape(tokens.shape)
        return numbers if self.output_mode == "int" else self.vectors(numbers)

    def _as_array(self, tokens: list[Any]) -> np.ndarray:
        return np.asarray(tokens, object)

    def place(self, token: Any) -> int:
        """The number of a token."""
        if self.mask_token is not None and token == self.mask_token:
            return 0 if self.output_mode == "int" else -1
        place = self._places.get(token)
        if place is None and self.num_oov_indices == 0:
            raise ValueError(
                f"{token!r} is not in the vocabulary of layer {self.name!r}: set `num_oov_indices=1`."
            )
        if place is not None:
            return place
        first = len(self.special_tokens()) - self.num_oov_indices
        return first + (self.unknown(token) if self.num_oov_indices > 1 else 0)

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


class StringLookup(_Lookup):
    """Strings as their places in a vocabulary, or back.

    Args:
        max_tokens: the largest size of the vocabulary, with its special tokens; None: any.
        num_oov_indices: how many numbers unknown strings have, by a hash; 0: they are an error.
        mask_token: what stands for padding, as 0; None: nothing does.
        oov_token: what stands for unknown strings.
        vocabulary: list of strings, or None, and `adapt(data)` finds it.
        idf_weights: for "tf_idf": one for each string of the vocabulary.
        invert: whether to go from numbers to strings.
        output_mode: "int", or "one_hot", "multi_hot", "count" as CategoryEncoding's, or "tf_idf".
        pad_to_max_tokens: whether vectors have the length `max_tokens` also where fewer tokens are known.
        sparse: only False.
        encoding: of strings that are given as bytes.
        salt: a number or two, which make the hash another one.

    Input shape:
        Any array (or list) of strings; the output is a numpy array.

    Raises:
        ValueError: a call in a model; a vocabulary with repetitions.

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
        salt: int | Sequence[int] | None = None,
        **kwargs: Unpack[LayerArguments],
    ):
        self.encoding = encoding
        super().__init__(
            max_tokens,
            num_oov_indices,
            mask_token,
            oov_token,
            vocabulary,
            idf_weights,
            invert,
            output_mode,
            pad_to_max_tokens,
            sparse,
            salt,
            **kwargs,
        )

    def token(self, value: Any) -> str:
        """The token that an entry of the vocabulary is."""
        return str(value)

    def tokens(self, inputs: Any) -> np.ndarray:
        """The tokens that rows hold."""
        return decoded(inputs, self.encoding)

    def rank(self, token: str) -> bytes:
        """The place of a token in the vocabulary."""
        return token.encode()


class IntegerLookup(_Lookup):
    """Whole numbers as their places in a vocabulary, or back.

    Args:
        max_tokens: the largest size of the vocabulary, with its special tokens; None: any.
        num_oov_indices: how many places unknown numbers have; 0: they are an error.
        mask_token: the number that stands for padding, as 0; None: nothing does.
        oov_token: what stands for unknown numbers.
        vocabulary: list of numbers, or None, and `adapt(data)` finds it.
        vocabulary_dtype: only "int64".
        idf_weights: for "tf_idf": one for each number of the vocabulary.
        invert: whether to go from places to numbers.
        output_mode: "int", or "one_hot", "multi_hot", "count" as CategoryEncoding's, or "tf_idf".
        sparse: only False.
        pad_to_max_tokens: whether vectors have the length `max_tokens` also where fewer tokens are known.
        oov_method: how an unknown number finds its place: "floormod", or "farmhash", a hash.
        salt: a number or two, which make the hash another one.

    Input shape:
        Any array (or list) of whole numbers; the output is a numpy array.

    Raises:
        ValueError: a call in a model; a vocabulary with repetitions.

    Keras 3: IntegerLookup

    Example:
        >>> IntegerLookup(vocabulary=[12, 36, 1138])([[12, 7, 36]]).tolist()
        [[1, 0, 2]]
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int = -1,
        vocabulary: Sequence[int] | None = None,
        vocabulary_dtype: str = "int64",
        idf_weights: Sequence[float] | None = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: str = "floormod",
        salt: int | Sequence[int] | None = None,
        **kwargs: Unpack[LayerArguments],
    ):
        if vocabulary_dtype != "int64":
            raise ValueError(f"`vocabulary_dtype` can only be 'int64'. Received: {vocabulary_dtype!r}")
        if oov_method not in ("floormod", "farmhash"):
            raise ValueError(f"`oov_method` must be 'floormod' or 'farmhash'. Received: {oov_method!r}")
        if salt is not None and oov_method != "farmhash":
            raise ValueError("`salt` belongs to `oov_method='farmhash'`: 'floormod' has none.")
        self.vocabulary_dtype, self.oov_method = vocabulary_dtype, oov_method
        super().__init__(
            max_tokens,
            num_oov_indices,
            mask_token,
            oov_token,
            vocabulary,
            idf_weights,
            invert,
            output_mode,
            pad_to_max_tokens,
            sparse,
            salt,
            **kwargs,
        )

    def token(self, value: Any) -> int:
        """The token that an entry of the vocabulary is."""
        return int(value)

    def tokens(self, inputs: Any) -> np.ndarray:
        """The tokens that rows hold."""
        numbers = np.asarray(inputs)
        if not np.issubdtype(numbers.dtype, np.integer):
            raise ValueError(f"Layer {self.name!r} looks up whole numbers; got an array of {numbers.dtype}.")
        return np.asarray([*numbers.ravel().tolist(), None], object)[:-1].reshape(numbers.shape)

    def rank(self, token: int) -> int:
        """The place of a token in the vocabulary."""
        return token

    def unknown(self, token: int) -> int:
        return token % self.num_oov_indices if self.oov_method == "floormod" else super().unknown(token)

    def _as_array(self, tokens: list[Any]) -> np.ndarray:
        return np.asarray(tokens, np.int64)
