"""MultiHeadAttention."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Unpack

import jax.numpy as jnp

from jkeras.core.arguments import (
    ConstraintLike,
    InitializerLike,
    LayerArguments,
    RegularizerLike,
    ShapeLike,
)
from jkeras.core.types import Array, Ctx
from jkeras.layers.attention.headed import Attend, HeadedAttention, Heads, Said
from jkeras.primitives.conv_args import positive_int


class MultiHeadAttention(HeadedAttention):
    """Softmax(query · key / sqrt(key_dim)) · value in each of several heads, then a projection of all heads.

    Args:
        num_heads: how many.
        key_dim: size of a head of queries and keys.
        value_dim: size of a head of values; None: `key_dim`.
        dropout: fraction of the weights that training drops.
        use_bias: whether the projections have biases.
        output_shape: last axes of the output; None: the query's features.
        attention_axes: the axes that are attended over; None: all between batch and features.
        sliding_window: how near a key must be: `|i - j| < sliding_window`; None: at any distance.
        flash_attention: True for cuDNN's flash attention (a GPU, 16-bit numbers, no dropout). Without it,
            long sequences go in blocks, with memory linear in the length too.
        use_gate: whether a sigmoid of the query gates the heads' outputs.
        seed: layers with the same seed drop the same weights.
        kernel_initializer, bias_initializer: how the weights of the projections start.
        kernel_regularizer, bias_regularizer, activity_regularizer: losses of the projections.
        kernel_constraint, bias_constraint: projections of the weights after each update.

    Call:
        `layer(query, value, key=None, attention_mask=None, use_causal_mask=False, ...)`, see `__call__`.

    Input shape:
        `(batch, time..., features)` each.

    Output shape:
        That of the query, with `output_shape` in the place of the features.

    Raises:
        ValueError: sizes that are not positive; flash attention where it cannot be.

    Source: Vaswani et al. 2017, arXiv:1706.03762; Keras 3: MultiHeadAttention

    Example:
        >>> import numpy as np
        >>> x = np.ones((2, 4, 6))
        >>> MultiHeadAttention(2, 3)(x, x, use_causal_mask=True).shape
        (2, 4, 6)
    """

    inner_places = {
        "query": "query_dense",
        "key": "key_dense",
        "gate": "_gate_dense",
        "value": "value_dense",
        "attention_output": "output_dense",
    }

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: ShapeLike | int | None = None,
        attention_axes: int | ShapeLike | None = None,
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
        self.num_heads = positive_int(num_heads, "num_heads")
        self.key_dim = positive_int(key_dim, "key_dim")
        self.value_dim = self.key_dim if value_dim is None else positive_int(value_dim, "value_dim")
        self.made = _tuple(output_shape or None)
        self.attention_axes = _tuple(attention_axes)
        self._make_parts(1 if self.made is None else len(self.made))

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain values."""
        return super().get_config() | {"output_shape": self.made}

    def heads(self) -> Heads:
        """The sizes of the heads."""
        return Heads(self.num_heads, self.num_heads, self.key_dim, self.value_dim)

    def out_sizes(self, features: int | None) -> tuple[Any, ...]:
        return (features,) if self.made is None else self.made

    def _attention(self) -> Attend:
        """Over several axes: as if they were one."""
        attend, axes = super()._attention(), self.attention_axes

        def attend_over(
            q: Array, k: Array, v: Array, masks: list[Any], ctx: Ctx, said: Said
        ) -> tuple[Array, Array | None]:
            if q.ndim == 4:
                return attend(q, k, v, masks, ctx, said)
            over = tuple(range(1, q.ndim - 2)) if axes is None else tuple(a % (q.ndim - 1) for a in axes)
            flat, back = zip(*(_flattened(a, over) for a in (q, k, v)), strict=True)
            masks = [_flat_mask(mask, len(over)) for mask in masks]
            y, weights = attend(*flat, masks, ctx, said)
            if weights is not None:
                sizes = [tuple(a.shape[i] for i in over) for a in (q, k)]
                weights = weights.reshape((*weights.shape[:-2], *sizes[0], *sizes[1]))
            return back[0](y), weights

        return attend_over


def _flattened(x: Array, over: tuple[int, ...]) -> tuple[Array, Callable[[Array], Array]]:
    """`(batch, ..., heads, size)` with the axes `over` as one before the heads, and the way back."""
    last = tuple(range(x.ndim - 2 - len(over), x.ndim - 2))
    moved = jnp.moveaxis(x, over, last)
    free = moved.shape[: last[0]]

    def back(y: Array) -> Array:
        wide = y.reshape((*free, *(x.shape[i] for i in over), *y.shape[-2:]))
        return jnp.moveaxis(wide, last, over)

    return moved.reshape((*free, math.prod(x.shape[i] for i in over), *x.shape[-2:])), back


def _flat_mask(mask: Array, count: int) -> Array:
    """A mask `(batch, queries..., keys...)` with the axes that are attended over as one each."""
    if count == 1:
        return mask
    shape = mask.shape
    split = len(shape) - count
    sizes = math.prod(shape[split - count : split]), math.prod(shape[split:])
    return mask.reshape((*shape[: split - count], *sizes))


def _tuple(value: Any) -> tuple[Any, ...] | None:
    if value is None:
        return None
    return (value,) if isinstance(value, int) else tuple(value)
