"""Heads of queries, keys and values: the base of MultiHeadAttention and GroupQueryAttention."""

# pyright: reportUnknownMemberType=false, reportUnnecessaryIsInstance=false
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias, TypedDict, Unpack

import jax
import jax.numpy as jnp

from jkeras import constraints, initializers, regularizers
from jkeras.core import random
from jkeras.core.arguments import ConstraintLike, InitializerLike, LayerArguments, RegularizerLike
from jkeras.core.dispatch import is_symbolic
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
    joined,
)
from jkeras.engine.base_layer import Layer
from jkeras.layers._common import kept
from jkeras.layers.attention.projection import Projection
from jkeras.primitives import attention

Sizes: TypeAlias = tuple[Any, ...]
Attend: TypeAlias = Callable[..., tuple[Array, Array | None]]  # of queries, keys, values in heads


class Heads(NamedTuple):
    """The numbers of an attention layer.

    Args:
        query, key: how many heads queries, and keys and values, have.
        size, value_size: of a head of queries and keys, and of values.
    """

    query: int
    key: int
    size: int
    value_size: int


class Said(TypedDict, total=False):
    """Keywords of a call."""

    attention_mask: Any
    value_mask: Any
    key_mask: Any
    use_causal_mask: bool
    return_attention_scores: bool


class HeadedAttention(Layer):
    """Attention of a query to keys and values that are cut into heads; a subclass says how many."""

    supports_masking = True
    named_children = True
    own_words = tuple(Said.__annotations__)
    inner_places: dict[str, str]  # how Keras 3's files call the parts

    def __init__(
        self,
        dropout: float,
        use_bias: bool,
        sliding_window: int | None,
        flash_attention: bool | None,
        kernel_initializer: InitializerLike,
        bias_initializer: InitializerLike,
        kernel_regularizer: RegularizerLike,
        bias_regularizer: RegularizerLike,
        activity_regularizer: RegularizerLike,
        kernel_constraint: ConstraintLike,
        bias_constraint: ConstraintLike,
        use_gate: bool,
        seed: int | None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        self.dropout, self.use_bias, self.use_gate, self.seed = dropout, use_bias, use_gate, seed
        self.sliding_window, self.flash_attention = sliding_window, flash_attention
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.part_regularizer = regularizers.get(activity_regularizer)  # of the parts' outputs
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self._check()

    def _check(self) -> None:
        window = self.sliding_window
        if window is not None and (not isinstance(window, int) or window < 1):
            raise ValueError(f"`sliding_window` must be a positive whole number. Received: {window!r}")
        if self.flash_attention and self.dropout > 0:
            raise ValueError("Flash attention has no dropout: set `dropout=0.0`, or `flash_attention=None`.")

    @property
    def training_differs(self) -> bool:
        """Whether a call in training computes something else."""
        return self.dropout > 0

    def _make_parts(self, made: int = 1) -> None:
        """The inner layers; the output has `made` axes in the place of the features."""
        common: dict[str, Any] = dict(
            use_bias=self.use_bias,
            kernel_initializer=self.kernel_initializer,
            bias_initializer=self.bias_initializer,
            kernel_regularizer=self.kernel_regularizer,
            bias_regularizer=self.bias_regularizer,
            activity_regularizer=self.part_regularizer,
            kernel_constraint=self.kernel_constraint,
            bias_constraint=self.bias_constraint,
            dtype=self.dtype,
        )
        self.query_dense = Projection(1, 2, name="query", **common)
        self.key_dense = Projection(1, 2, name="key", **common)
        self.value_dense = Projection(1, 2, name="value", **common)
        self.output_dense = Projection(2, made, name="attention_output", **common)
        if self.use_gate:
            self.gate_dense = Projection(1, 2, name="gate", activation="sigmoid", **common)

    def children(self) -> dict[str, Any]:
        """The projections by name."""
        parts = {"query": self.query_dense, "key": self.key_dense}
        parts |= {"gate": self.gate_dense} if self.use_gate else {}
        return parts | {"value": self.value_dense, "attention_output": self.output_dense}

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain values."""
        config = super().get_config()
        config.pop("flash_attention", None)  # of the machine, not of the model, as in Keras 3
        return config | {"activity_regularizer": regularizers.serialize(self.part_regularizer)}

    # --- calls ----------------------------------------------------------------------------------------------

    def __call__(
        self,
        query: Any,
        value: Any = None,
        key: Any = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        training: bool | None = None,
        use_causal_mask: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Attend.

        Args:
            query: `(batch, queries, features)`; or a list of query, value and perhaps key and mask.
            value: `(batch, keys, features)`.
            key: likewise; None: the value.
            query_mask: as in Keras 3, one that is given here does not count: the query's own does.
            value_mask, key_mask: `(batch, keys)`, in the place of the masks that go with them.
            attention_mask: `(batch, queries, keys)`: what each query may see.
            return_attention_scores: whether to return the weights too: the result is `[output, weights]`.
            training: the phase.
            use_causal_mask: whether query i sees the keys 0 to i only.
        """
        inputs = list(query) if isinstance(query, (AnyList, AnyTuple)) else [query, value]
        if len(inputs) < 2 or inputs[1] is None:
            raise TypeError(f"{type(self).__name__} is called on a query and a value: `layer(query, value)`.")
        inputs += [] if key is None else [key]
        if is_symbolic(attention_mask):
            inputs += [inputs[1], attention_mask] if len(inputs) == 2 else [attention_mask]
            attention_mask = None
        said = dict(
            attention_mask=attention_mask, value_mask=value_mask, key_mask=key_mask, training=training
        )
        kwargs |= {name: word for name, word in said.items() if word is not None}
        flags = dict(use_causal_mask=use_causal_mask, return_attention_scores=return_attention_scores)
        kwargs |= {name: True for name, flag in flags.items() if flag}
        return super().__call__(inputs, **kwargs)

    # --- meaning --------------------------------------------------------------------------------------------

    def heads(self) -> Heads:
        """How many heads there are, and their sizes."""
        raise NotImplementedError(f"{type(self).__name__} must define heads().")

    def out_sizes(self, features: int | None) -> tuple[Any, ...]:
        """The last axes of the output, where the query has so many features."""
        return (features,)

    def formula(self) -> Pair:
        """Projections, attention of each head, and the projection of all."""
        parts = {name: part.checked_formula().apply for name, part in self.children().items()}
        attend, gated = self._attention(), self.use_gate

        def init(rng: Key, in_shape: Shapes) -> Weights:
            sizes = self._sizes([shape[-1] for shape in in_shape])
            drawn: Params = {}
            for i, (name, part) in enumerate(self.children().items()):
                drawn[name] = part.drawn(random.fold_in(rng, i), *sizes[name])
            return drawn, {}

        def apply(params: Params, state: State, x: Tree, ctx: Ctx = INFERENCE, **said: Unpack[Said]) -> Out:
            outs: list[Out] = []

            def project(name: str, x: Array) -> Array:
                outs.append(parts[name](params[name], {}, x, ctx.at(name)))
                return outs[-1].y

            query, value, *others = x
            masks = [*ctx.mask, None] if isinstance(ctx.mask, (AnyList, AnyTuple)) else [None] * 3
            gate = project("gate", query) if gated else None
            q, k = project("query", query), project("key", others[0] if others else value)
            v = project("value", value)
            given = _said_masks(masks, others, said)
            y, weights = attend(q, k, v, given, ctx, said)
            y = project("attention_output", y if gate is None else y * gate)
            loss, metrics = sum((o.loss for o in outs), 0.0), joined(*(o.metrics for o in outs))
            if said.get("return_attention_scores"):
                return Out([y, weights], {}, [masks[0], None], loss, metrics=metrics)
            return Out(y, {}, masks[0], loss, metrics=metrics)

        return Pair(init, apply)

    def _sizes(self, features: list[Any]) -> dict[str, tuple[Sizes, Sizes]]:
        """Of each part the sizes of the axes that it sums over, and of those that it makes."""
        heads = self.heads()
        query, value = features[:2]
        key = features[2] if len(features) > 2 else value
        made = (heads.query, heads.value_size)
        return {
            "query": ((query,), (heads.query, heads.size)),
            "key": ((key,), (heads.key, heads.size)),
            "value": ((value,), (heads.key, heads.value_size)),
            "gate": ((query,), made),
            "attention_output": (made, self.out_sizes(query)),
        }

    def _attention(self) -> Attend:
        """A pure function of queries, keys and values in heads: (output, weights or None)."""
        heads, window, flash = self.heads(), self.sliding_window, bool(self.flash_attention)
        rate, seed, scale = self.dropout, self.seed, 1 / math.sqrt(heads.size)

        def attend(
            q: Array, k: Array, v: Array, masks: list[Any], ctx: Ctx, said: Said
        ) -> tuple[Array, Array | None]:
            shown, causal = said.get("return_attention_scores", False), said.get("use_causal_mask", False)
            if flash:
                _check_flash(q, shown)
            if q.ndim == 4 and rate == 0 and not shown and heads.size == heads.value_size:
                masks = [_under_heads(mask, 4) for mask in masks]
                return attention.attend(
                    q, k, v, masks, scale=scale, causal=causal, window=window, flash=flash
                ), None
            k, v = (jnp.repeat(a, heads.query // heads.key, axis=-2) for a in (k, v))
            masks = [*masks, *attention.places(q.shape[-3], k.shape[-3], causal, window)]
            mask = attention.conjunction([_under_heads(mask, q.ndim) for mask in masks])

            def drop(weights: Array) -> Array:
                return _dropped(weights, ctx, rate, seed)

            return attention.weighted(q, k, v, mask, scale, drop)

        return attend


def _said_masks(masks: list[Any], others: list[Any], said: Said) -> list[Any]:
    """The masks of a call, each of which broadcasts to (batch, queries, keys)."""
    query, value = masks[0], said.get("value_mask", masks[1])
    key = said.get("key_mask", masks[2] if others else None)
    given = [None if query is None else jnp.asarray(query, bool)[..., None]]
    given += [None if mask is None else jnp.asarray(mask, bool)[..., None, :] for mask in (value, key)]
    by_hand = others[1] if len(others) > 1 else said.get("attention_mask")
    return [
        mask for mask in (*given, None if by_hand is None else jnp.asarray(by_hand, bool)) if mask is not None
    ]


def _under_heads(mask: Array, ndim: int) -> Array:
    """A mask with axes of size 1 for the heads, and for what stands before them."""
    missing = ndim - mask.ndim
    return mask.reshape((*mask.shape[:-2], *(1,) * missing, *mask.shape[-2:]))


def _dropped(weights: Array, ctx: Ctx, rate: float, seed: int | None) -> Array:
    if not ctx.training or (not is_traced(rate) and rate == 0):
        return weights
    return jnp.where(kept(ctx, rate, weights.shape, seed), weights / (1 - rate), 0)


def _check_flash(query: Array, shown: bool) -> None:
    if shown:
        raise ValueError("Flash attention does not keep its weights: set `flash_attention=None` to see them.")
    if jax.default_backend() != "gpu":
        raise ValueError(
            f"`flash_attention=True` is cuDNN's, which needs a GPU; this is {jax.default_backend()!r}: leave "
            "it None. Long sequences take memory linear in their length without it, too."
        )
    if query.dtype not in (jnp.float16, jnp.bfloat16):
        raise ValueError(f"`flash_attention=True` needs float16 or bfloat16 numbers; got {query.dtype}.")
