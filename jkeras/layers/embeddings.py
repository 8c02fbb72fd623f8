"""Embedding: integers to vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import jax.numpy as jnp

from jkeras import constraints, initializers, regularizers
from jkeras.compat.legacy_arguments import legacy
from jkeras.core.arguments import (
    ConstraintLike,
    InitializerLike,
    Integer,
    LayerArguments,
    RegularizerLike,
    Window,
)
from jkeras.core.dispatch import op
from jkeras.core.types import (
    INFERENCE,
    AnyList,
    AnyTuple,
    Array,
    Ctx,
    Key,
    Operand,
    Out,
    Pair,
    Params,
    Shape,
    State,
    Weights,
)
from jkeras.engine.base_layer import Layer, draw
from jkeras.primitives import lookup
from jkeras.primitives.conv_args import positive_int


class Embedding(Layer):
    """Turns indices into vectors: y = table[x].

    Args:
        input_dim: number of rows of the table: largest index + 1.
        output_dim: length of a vector.
        embeddings_initializer: how the table starts.
        embeddings_regularizer: penalty on the table.
        activity_regularizer: penalty on the output.
        embeddings_constraint: rule for the table.
        mask_zero: index 0 is padding: the output carries a mask that is False there.
        input_length: length of the sequences (a tuple for inputs of higher rank), where it is always the
            same.

    Input shape: `(batch, time)` of integers (numbers of another type are cut to integers).
    Output shape: `(batch, time, output_dim)`.

    Raises:
        ValueError: the input does not have `input_length`.

    An index outside of the table is an error where its value is known: when data enters a model, and in a
    call on arrays. One that is computed in a compiled program gives a row of NaN, as `K.gather` does.

    Keras 2.2.4: keras/layers/embeddings.py Embedding

    Example:
        >>> import numpy as np
        >>> Embedding(4, 2, weights=[np.arange(8).reshape(4, 2)])(np.array([[3, 0]])).tolist()
        [[[6.0, 7.0], [0.0, 1.0]]]
    """

    embeddings: Any  # the table, once it is drawn
    narrows_inputs = False  # they are indices

    @legacy("embedding")
    def __init__(
        self,
        input_dim: Integer,
        output_dim: Integer,
        embeddings_initializer: InitializerLike = "uniform",
        embeddings_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        embeddings_constraint: ConstraintLike = None,
        mask_zero: bool = False,
        input_length: Window | None = None,
        **kwargs: Unpack[LayerArguments],
    ):
        given = kwargs.get("batch_input_shape")
        if given is not None:
            kwargs.update({"batch_input_shape": _flat(given)})
        else:
            kwargs.setdefault("input_shape", _flat([input_length or None]))
        super().__init__(**kwargs)
        self.input_dim = positive_int(input_dim, "input_dim")
        self.output_dim = positive_int(output_dim, "output_dim")
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero, self.input_length = mask_zero, input_length
        self.supports_masking = bool(mask_zero)

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain values."""
        config = super().get_config()
        if isinstance(self.input_length, (AnyList, AnyTuple)) and "batch_input_shape" in config:
            batch, *lengths = config["batch_input_shape"]
            if lengths == list(self.input_length):  # Keras nests them here, and reads nothing else
                config["batch_input_shape"] = (batch, tuple(lengths))
        return config

    @property
    def index_limit(self) -> int | None:
        """Indices must lie below this; models check their inputs for it on the host."""
        return self.input_dim

    def formula(self) -> Pair:
        """The pair, with the weight `embeddings`."""
        rows, width, mask_zero = self.input_dim, self.output_dim, self.mask_zero
        lengths = None if self.input_length is None else _flat([self.input_length])

        def init(rng: Key, in_shape: Shape) -> Weights:
            _check_lengths(in_shape, lengths)
            return draw(rng, self, embeddings=(rows, width)), {}

        def apply(params: Params, state: State, x: Array, ctx: Ctx = INFERENCE) -> Out:
            _check_lengths(x.shape, lengths)
            return Out(lookup.rows(params["embeddings"], x), mask=(x != 0) if mask_zero else None)

        return Pair(init, apply)

    def attend(self, vectors: Operand):
        """The scores of all rows for each vector, by the table itself: `vectors · tableᵀ` (tied weights).

        Args:
            vectors: `(..., output_dim)`, arrays or tensors.

        Returns:
            `(..., input_dim)`.

        Raises:
            ValueError: the layer has no table yet.

        Source: Press and Wolf 2017, arXiv:1608.05859

        Example:
            >>> layer = Embedding(5, 3)
            >>> layer.attend(layer(jnp.array([[1, 2]]))).shape
            (1, 2, 5)
        """
        if not self.built:
            raise ValueError(f"Layer {self.name!r} has no table yet: call it on indices before `attend`.")
        return _scores(vectors, self.embeddings)

    def compute_mask(self, inputs: Any, mask: Any = None):
        """The mask of indices other than 0, with `mask_zero`; for subclasses that write their own `call`."""
        return _is_index(inputs) if self.mask_zero else None


@op
def _scores(vectors: Array, table: Array):
    return jnp.asarray(vectors) @ table.T


@op
def _is_index(x: Array):
    return jnp.asarray(x) != 0


def _flat(shape: Sequence[Any]) -> tuple[Any, ...]:
    """Sizes in one tuple, where one of them may be a tuple itself (as configs of Keras have it)."""
    return tuple(d for item in shape for d in (item if isinstance(item, (AnyList, AnyTuple)) else (item,)))


def _check_lengths(shape: Shape, lengths: tuple[Any, ...] | None) -> None:
    if lengths is None:
        return
    given = tuple(shape[1:])
    fits = len(given) == len(lengths) and all(
        want is None or not isinstance(got, int) or got == want
        for want, got in zip(lengths, given, strict=True)
    )
    if not fits:
        raise ValueError(f"`input_length` is {lengths}, but the input has shape {tuple(shape)}")
