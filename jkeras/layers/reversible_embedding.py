"""ReversibleEmbedding: integers to vectors, and vectors to scores of the integers."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from typing import Any, Unpack

import jax.numpy as jnp

from jkeras.core.arguments import (
    ConstraintLike,
    InitializerLike,
    Integer,
    LayerArguments,
    RegularizerLike,
)
from jkeras.core.types import INFERENCE, Array, Ctx, Key, Out, Pair, Params, Shapes, State, Weights
from jkeras.engine.base_layer import draw
from jkeras.layers.embeddings import Embedding


class ReversibleEmbedding(Embedding):
    """Turns indices into vectors, `y = table[x]`; with `reverse=True` vectors into scores, `y = x · tableᵀ`.

    Args:
        input_dim: number of rows of the table: largest index + 1.
        output_dim: length of a vector.
        tie_weights: whether both ways have one table; otherwise the way back has its own, transposed.
        embeddings_initializer: how the tables start.
        embeddings_regularizer: penalty on the table.
        embeddings_constraint: rule for the table.
        mask_zero: index 0 is padding: the output carries a mask that is False there.
        reverse_dtype: dtype of the scores; None: that of the vectors.
        logit_soft_cap: bound of the scores, `cap * tanh(scores / cap)`; None: no bound.

    Call:
        `layer(indices)`, `layer(vectors, reverse=True)`.

    Input shape: `(batch, time)` of integers; in reverse `(batch, time, output_dim)`.
    Output shape: `(batch, time, output_dim)`; in reverse `(batch, time, input_dim)`.

    Raises:
        ValueError: sizes that are not positive; in a call, an index that the table does not have.

    Source: Press and Wolf 2017, arXiv:1608.05859; Keras 3: ReversibleEmbedding

    Example:
        >>> layer = ReversibleEmbedding(5, 3)
        >>> layer(layer(jnp.array([[1, 2]])), reverse=True).shape
        (1, 2, 5)
    """

    own_words = ("reverse",)

    def __init__(
        self,
        input_dim: Integer,
        output_dim: Integer,
        tie_weights: bool = True,
        embeddings_initializer: InitializerLike = "uniform",
        embeddings_regularizer: RegularizerLike = None,
        embeddings_constraint: ConstraintLike = None,
        mask_zero: bool = False,
        reverse_dtype: str | None = None,
        logit_soft_cap: float | None = None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(
            input_dim,
            output_dim,
            embeddings_initializer=embeddings_initializer,
            embeddings_regularizer=embeddings_regularizer,
            embeddings_constraint=embeddings_constraint,
            mask_zero=mask_zero,
            **kwargs,
        )
        if not {"input_shape", "batch_input_shape"} & kwargs.keys():
            del self.batch_input_shape  # an Embedding's; this one takes vectors, too
        self.tie_weights, self.reverse_dtype = tie_weights, reverse_dtype
        self.logit_soft_cap = logit_soft_cap
        self.reverse_embeddings_initializer = self.embeddings_initializer
        self.supports_masking = True

    @property
    def index_limit(self) -> int | None:
        """None: what enters a model may be vectors. A call checks indices where it knows them."""
        return None

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain values."""
        config = super().get_config()
        config.pop("input_length", None)
        return config

    def formula(self) -> Pair:
        """The pair, with the weights `embeddings` and `reverse_embeddings`."""
        table, tied, dtype = super().formula(), self.tie_weights, self.reverse_dtype
        rows, width, cap = self.input_dim, self.output_dim, self.logit_soft_cap

        def init(rng: Key, in_shape: Shapes) -> Weights:
            back = None if tied else (width, rows)
            return draw(rng, self, embeddings=(rows, width), reverse_embeddings=back), {}

        def apply(params: Params, state: State, x: Array, ctx: Ctx = INFERENCE, reverse: bool = False) -> Out:
            if not reverse:
                return table.apply(params, state, x, ctx)
            kernel = params["embeddings"].T if tied else params["reverse_embeddings"]
            x = x if ctx.dtype is None else x.astype(kernel.dtype)
            x, kernel = (a if dtype is None else a.astype(dtype) for a in (x, kernel))
            scores = x @ kernel
            return Out(scores if cap is None else jnp.tanh(scores / cap) * cap, mask=ctx.mask)

        return Pair(init, apply)
