"""GroupQueryAttention: several heads of the query share a head of keys and values."""

from __future__ import annotations

from typing import Unpack

from jkeras.core.arguments import ConstraintLike, InitializerLike, LayerArguments, RegularizerLike
from jkeras.layers.attention.headed import HeadedAttention, Heads


class GroupQueryAttention(HeadedAttention):
    """Attention in which groups of query heads share their keys and values.

    As many key and value heads as query heads make it MultiHeadAttention, one makes it multi-query attention.

    Args:
        head_dim: size of a head.
        num_query_heads: of the query.
        num_key_value_heads: of keys and values; divides `num_query_heads`.
        dropout: fraction of the weights that training drops.
        use_bias: whether the projections have biases.
        sliding_window: how near a key must be: `|i - j| < sliding_window`; None: at any distance.
        flash_attention: True for cuDNN's flash attention (a GPU, 16-bit numbers, no dropout).
        use_gate: whether a sigmoid of the query gates the heads' outputs.
        seed: layers with the same seed drop the same weights.
        kernel_initializer, bias_initializer: how the weights of the projections start.
        kernel_regularizer, bias_regularizer, activity_regularizer: losses of the projections.
        kernel_constraint, bias_constraint: projections of the weights after each update.

    Call:
        `layer(query, value, key=None, attention_mask=None, use_causal_mask=False, ...)`, see `__call__`.

    Input shape:
        `(batch, time, features)` each.

    Output shape:
        That of the query.

    Raises:
        ValueError: heads that cannot be shared evenly; flash attention where it cannot be.

    Source: Ainslie et al. 2023, arXiv:2305.13245; Keras 3: GroupQueryAttention

    Example:
        >>> import numpy as np
        >>> x = np.ones((2, 4, 6))
        >>> GroupQueryAttention(3, 4, 2)(x, x).shape
        (2, 4, 6)
    """

    inner_places = {
        "query": "_query_dense",
        "key": "_key_dense",
        "gate": "_gate_dense",
        "value": "_value_dense",
        "attention_output": "_output_dense",
    }

    def __init__(
        self,
        head_dim: int,
        num_query_heads: int,
        num_key_value_heads: int,
        dropout: float = 0.0,
        use_bias: bool = True,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        use_gate: bool = False,
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ):
        if num_query_heads % num_key_value_heads:
            raise ValueError(
                f"{num_key_value_heads} key and value heads cannot serve {num_query_heads} query heads "
                "evenly: `num_query_heads` must be divisible by `num_key_value_heads`."
            )
        super().__init__(
            dropout,
            use_bias,
            sliding_window,
            flash_attention,
            kernel_initializer,
            bias_initializer,
            kernel_regularizer,
            bias_regularizer,
            activity_regularizer,
            kernel_constraint,
            bias_constraint,
            use_gate,
            seed,
            **kwargs,
        )
        self.head_dim, self.num_query_heads = head_dim, num_query_heads
        self.num_key_value_heads = num_key_value_heads
        self._make_parts()

    def heads(self) -> Heads:
        """The sizes of the heads."""
        return Heads(self.num_query_heads, self.num_key_value_heads, self.head_dim, self.head_dim)
