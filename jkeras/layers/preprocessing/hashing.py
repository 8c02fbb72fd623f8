"""Hashing and HashedCrossing: strings and whole numbers in bins, without a vocabulary."""

# pyright: reportUnnecessaryIsInstance=false
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import jax.numpy as jnp
import numpy as np

from jkeras.core import settings
from jkeras.core.arguments import LayerArguments
from jkeras.core.types import AnyList, AnyTuple
from jkeras.layers.preprocessing.on_host import OnHost, decoded, salt_of
from jkeras.primitives import encoding, hashing

_MODES = ("int", *encoding.MODES)


class _Hashed(OnHost):
    """The base of layers that put values into bins."""

    modes = _MODES

    def __init__(self, num_bins: int, output_mode: str, sparse: bool, **kwargs: Unpack[LayerArguments]):
        if output_mode not in self.modes:
            raise ValueError(f"`output_mode` must be one of {self.modes}. Received: {output_mode!r}")
        if sparse:
            raise ValueError("`sparse=True`: there are no sparse arrays here; the vectors are dense ones.")
        if not isinstance(num_bins, int) or num_bins <= 0:
            raise ValueError(f"`num_bins` must be a whole number above 0. Received: {num_bins!r}")
        kwargs.setdefault("dtype", "int64" if output_mode == "int" else settings.floatx())
        super().__init__(**kwargs)
        self.num_bins, self.output_mode, self.sparse = num_bins, output_mode, sparse

    def coded(self, bins: np.ndarray) -> np.ndarray:
        """Bins as the mode says."""
        if self.output_mode == "int":
            return bins.astype(self.dtype)
        vectors = encoding.encode(jnp.asarray(bins, np.int32), self.output_mode, self.num_bins, "float32")
        return np.asarray(vectors).astype(self.dtype)


class Hashing(_Hashed):
    """Strings and whole numbers in bins, by a hash: a value is always in the same bin.

    Args:
        num_bins: how many bins there are.
        mask_value: the value that alone is in bin 0; None: there is no such.
        salt: a number or two, which make the hash another one; None: the fast hash.
        output_mode: "int", or "one_hot", "multi_hot", "count" as CategoryEncoding's.
        sparse: only False.

    Input shape:
        Any array (or list) of strings or numbers (of fractions the whole part counts); the output is a numpy
        array.

    Raises:
        ValueError: a call in a model; an unknown mode; no bins.

    Source: FarmHash's fingerprint, SipHash with a salt; Keras 3: Hashing

    Example:
        >>> Hashing(num_bins=3)([["A"], ["B"], ["C"], ["D"], ["E"]]).tolist()
        [[1], [0], [1], [1], [2]]
    """

    def __init__(
        self,
        num_bins: int,
        mask_value: Any = None,
        salt: int | Sequence[int] | None = None,
        output_mode: str = "int",
        sparse: bool = False,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(num_bins, output_mode, sparse, **kwargs)
        self.mask_value, self.salt = mask_value, salt_of(salt)

    def on_host(self, inputs: Any) -> np.ndarray:
        """The values of rows, computed by Python."""
        values = _values(inputs)
        masked = 1 if self.mask_value is not None and self.num_bins > 1 else 0

        def bin_of(value: Any) -> int:
            if masked and value == self.mask_value:
                return 0
            text = str(int(value)) if isinstance(value, float) else str(value)
            return masked + hashing.bucket(text.encode(), self.num_bins - masked, self.salt)

        bins = np.array([bin_of(value) for value in values.ravel()], np.int64).reshape(values.shape)
        return self.coded(bins)


class HashedCrossing(_Hashed):
    """Combinations of values in bins, by a hash.

    Args:
        num_bins: how many bins there are.
        output_mode: "int" or "one_hot".
        sparse: only False.

    Input shape:
        A list of two or more arrays `()`, `(batch,)` or `(batch, 1)` of strings or whole numbers; the output
        is a numpy array.

    Raises:
        ValueError: a call in a model; shapes that differ; an unknown mode.

    Source: TensorFlow's `sparse.cross_hashed`; Keras 3: HashedCrossing

    Example:
        >>> HashedCrossing(num_bins=5)([["A", "B", "A"], [101, 101, 101]]).tolist()
        [1, 4, 1]
    """

    modes = ("int", "one_hot")

    def __init__(
        self, num_bins: int, output_mode: str = "int", sparse: bool = False, **kwargs: Unpack[LayerArguments]
    ):
        super().__init__(num_bins, output_mode, sparse, **kwargs)

    def on_host(self, inputs: Any) -> np.ndarray:
        """The values of rows, computed by Python."""
        columns = [_values(column) for column in inputs] if isinstance(inputs, (AnyList, AnyTuple)) else []
        shapes = [column.shape for column in columns]
        if len(columns) < 2 or len(set(shapes)) > 1 or len(shapes[0]) > 2 or shapes[0][1:] not in ((), (1,)):
            raise ValueError(
                f"Layer {self.name!r} crosses two or more arrays of one shape, (batch,) or (batch, 1); "
                f"got {shapes}."
            )
        rows = zip(*(column.ravel() for column in columns), strict=True)
        bins = [hashing.crossed([_part(value) for value in row], self.num_bins) for row in rows]
        return self.coded(np.array(bins, np.int64).reshape(shapes[0]))


def _values(inputs: Any) -> np.ndarray:
    """An array of Python strings and numbers."""
    array = np.asarray(inputs)
    if array.dtype.kind in "USO":
        return decoded(array, "utf-8")
    return np.asarray([*array.ravel().tolist(), None], object)[:-1].reshape(array.shape)


def _part(value: Any) -> bytes | int:
    if isinstance(value, float):
        raise ValueError(f"HashedCrossing crosses strings and whole numbers; got {value!r}.")
    return value.encode() if isinstance(value, str) else int(value)
