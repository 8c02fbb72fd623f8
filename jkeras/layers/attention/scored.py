"""Attention and AdditiveAttention: one head, no projections."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

import jax
import jax.numpy as jnp

from jkeras import initializers
from jkeras.core.arguments import LayerArguments
from jkeras.core.types import (
    INFERENCE,
    AnyList,
    AnyTuple,
    Array,
    Ctx,
    Key,
    Out,
    Pair,
    Params,
    Shapes,
    State,
    Tree,
    Weights,
    is_traced,
)
from jkeras.engine.base_layer import Layer, draw
from jkeras.layers._common import kept
from jkeras.primitives.attention import conjunction, places
from jkeras.primitives.numeric import widened

_MODES = ("dot", "concat")


class Attention(Layer):
    """Softmax(scores) · value, where the scores compare query and key: `query · key`, or of their sum a tanh.

    Args:
        use_scale: whether a trained number scales the scores.
        score_mode: "dot": `query · key`; "concat": `weight * sum(tanh(scale * (query + key)))`.
        dropout: fraction of the weights that training drops.
        seed: layers with the same seed drop the same weights.

    Call:
        `layer([query, value], mask=[query_mask, value_mask], return_attention_scores=False,
        use_causal_mask=False)`, perhaps with a key as the third input. With the weights the result is
        `[output, weights]`.

    Input shape:
        `(batch, queries, features)`, and `(batch, keys, features)` for value and key. Keys that the value's
        mask hides are not seen; outputs of queries that their own mask hides are 0.

    Output shape:
        `(batch, queries, features of the value)`.

    Raises:
        ValueError: an unknown mode, or other than two or three inputs.

    Source: Luong et al. 2015, arXiv:1508.04025; Keras 3: Attention

    Example:
        >>> import numpy as np
        >>> Attention()([np.ones((2, 3, 4)), np.ones((2, 5, 4))]).shape
        (2, 3, 4)
    """

    supports_masking = True
    takes_list = True
    call_words = ("mask", "training")
    own_words = ("return_attention_scores", "use_causal_mask")
    scale_initializer: Any = initializers.get("ones")
    concat_score_weight_initializer = initializers.get("ones")

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        if score_mode not in _MODES:
            raise ValueError(f"`score_mode` must be one of {_MODES}. Received: {score_mode!r}")
        self.use_scale, self.score_mode, self.dropout, self.seed = use_scale, score_mode, dropout, seed

    @property
    def training_differs(self) -> bool:
        """Whether a call in training computes something else."""
        return self.dropout > 0

    def _weights(self, rng: Key, in_shape: Shapes) -> dict[str, Any]:
        mixed = self.score_mode == "concat"
        return draw(
            rng, self, scale=() if self.use_scale else None, concat_score_weight=() if mixed else None
        )

    def _scores(self) -> Callable[[Params, Array, Array], Array]:
        """A pure function: parameters, queries and keys → scores."""
        mode = self.score_mode

        def scores(params: Params, query: Array, key: Array) -> Array:
            scale = params.get("scale", 1)
            if mode == "dot":
                return query @ jnp.swapaxes(key, -2, -1) * scale
            total = jnp.tanh(scale * (query[..., :, None, :] + key[..., None, :, :]))
            return params["concat_score_weight"] * jnp.sum(total, axis=-1)

        return scores

    def formula(self) -> Pair:
        """Scores of queries and keys, their softmax, and the sum of values."""
        scores, rate, seed = self._scores(), self.dropout, self.seed

        def init(rng: Key, in_shape: Shapes) -> Weights:
            _check_count(in_shape)
            return self._weights(rng, in_shape), {}

        def apply(
            params: Params,
            state: State,
            x: Tree,
            ctx: Ctx = INFERENCE,
            return_attention_scores: bool = False,
            use_causal_mask: bool = False,
        ) -> Out:
            _check_count(x)
            query, value, key = x[0], x[1], x[-1]
            seen, masks = scores(params, query, key), list(ctx.mask or (None, None))
            hides = [] if masks[1] is None else [masks[1][..., None, :]]
            hides += [place[0] for place in places(seen.shape[-2], seen.shape[-1], use_causal_mask, None)]
            mask = conjunction(hides)
            if mask is not None:
                far = 65504.0 if seen.dtype == jnp.float16 else 1e9
                seen = jnp.where(mask, seen, seen - far)
            weights = jax.nn.softmax(seen, axis=-1)
            used = weights
            if ctx.training and (is_traced(rate) or rate > 0):
                used = jnp.where(kept(ctx, rate, weights.shape, seed), weights / (1 - rate), 0)
            y = used @ value
            y = y if masks[0] is None else jnp.where(masks[0][..., None], y, 0)
            return (
                Out([y, weights], mask=[masks[0], None]) if return_attention_scores else Out(y, mask=masks[0])
            )

        return Pair(init, apply)


class AdditiveAttention(Attention):
    """Softmax(scores) · value with the scores `sum(scale * tanh(query + key))`.

    Args:
        use_scale: whether a trained vector scales the features.
        dropout: fraction of the weights that training drops.
        **kwargs: `seed` and base arguments.

    Call, input and output:
        As `Attention`.

    Raises:
        ValueError: other than two or three inputs.

    Source: Bahdanau et al. 2014, arXiv:1409.0473; Keras 3: AdditiveAttention

    Example:
        >>> import numpy as np
        >>> AdditiveAttention()([np.ones((2, 3, 4)), np.ones((2, 5, 4))]).shape
        (2, 3, 4)
    """

    scale_initializer = initializers.get("glorot_uniform")

    def __init__(
        self,
        use_scale: bool = True,
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(use_scale=use_scale, dropout=dropout, seed=seed, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain values."""
        config = super().get_config()
        del config["score_mode"]
        return config

    def _weights(self, rng: Key, in_shape: Shapes) -> dict[str, Any]:
        return draw(rng, self, scale=in_shape[0][-1:] if self.use_scale else None)

    def _scores(self) -> Callable[[Params, Array, Array], Array]:
        def scores(params: Params, query: Array, key: Array) -> Array:
            total = jnp.tanh(query[..., :, None, :] + key[..., None, :, :])
            scale = widened(params["scale"], total) if "scale" in params else 1
            return jnp.sum(scale * total, axis=-1)

        return scores


def _check_count(inputs: Tree) -> None:
    if not isinstance(inputs, (AnyList, AnyTuple)) or len(inputs) not in (2, 3):
        raise ValueError("this layer should be called on a list [query, value] or [query, value, key]")
