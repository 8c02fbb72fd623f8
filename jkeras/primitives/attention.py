"""Dot-product attention as pure functions: whole, in blocks of queries, or with its weights shown.

Queries, keys and values are `(batch, time, heads, size)`. Masks are a list of arrays of truth values that
broadcast to `(batch, heads, queries, keys)`: what all of them allow is seen.
"""

# pyright: reportUnknownMemberType=false, reportUnnecessaryIsInstance=false
from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, cast

import jax
import jax.numpy as jnp
from jax import lax

from jkeras.core.types import Array, Function

_BLOCK = 256  # queries that are compared with all keys at once, where memory counts
_LONG = 1 << 20  # pairs of a query and a key, from which on it does


def attend(
    query: Array,
    key: Array,
    value: Array,
    masks: Sequence[Array] = (),
    *,
    scale: float,
    causal: bool = False,
    window: int | None = None,
    flash: bool = False,
) -> Array:
    """Softmax(scale * query · key) · value, by `jax.nn.dot_product_attention`.

    Long sequences go through it in blocks of queries, whose weights are computed again for the gradient: the
    memory is linear in the length. So it is with cuDNN's flash attention.

    Args:
        query: `(batch, queries, heads, size)`.
        key, value: `(batch, keys, heads, size)`, or with fewer heads that several of the query share.
        masks: see the head of this file. A query that may see no key sees all of them alike.
        scale: factor of the products.
        causal: whether query i sees the keys 0 to i only.
        window: how near a key must be: `|i - j| < window`.
        flash: whether to use cuDNN's flash attention, which needs a GPU and 16-bit numbers.

    Returns:
        An array of the query's shape.

    Example:
        >>> x = jnp.ones((1, 2, 1, 4))
        >>> attend(x, x, x, scale=0.5, causal=True).shape
        (1, 2, 1, 4)
    """
    queries, keys = query.shape[1], key.shape[1]
    whole = functools.partial(_whole, scale=scale)
    if flash:
        mask = conjunction([*masks, *places(queries, keys, False, window)])
        return whole(query, key, value, mask=mask, is_causal=causal, implementation="cudnn")
    known = isinstance(queries, int) and isinstance(keys, int)
    if known and queries * keys >= _LONG and queries > _BLOCK:
        return _in_blocks(whole, query, key, value, masks, causal, window)
    mask = conjunction([*masks, *places(queries, keys, causal, window)])
    return whole(query, key, value, mask=mask)


def weighted(
    query: Array, key: Array, value: Array, mask: Array | None, scale: float, drop: Function
) -> tuple[Array, Array]:
    """Attention with its weights.

    Args:
        query, key, value: `(batch..., time, heads, size)`; the size of values may be another one.
        mask: truth values that broadcast to the weights, or None. A query that may see no key gets zeros.
        scale: factor of the products.
        drop: a function of the weights: dropout.

    Returns:
        The output, and the weights `(batch..., heads, queries, keys)` before dropout.

    Example:
        >>> x = jnp.ones((1, 2, 1, 4))
        >>> weighted(x, x, x, None, 0.5, lambda weights: weights)[1].tolist()
        [[[[0.5, 0.5], [0.5, 0.5]]]]
    """
    scores = jnp.einsum("...tnh,...snh->...nts", query * jnp.asarray(scale, query.dtype), key)
    if mask is not None:
        scores = jnp.where(mask, scores, -3e4 if scores.dtype == jnp.float16 else -1e9)
    weights = jax.nn.softmax(scores, axis=-1)
    if mask is not None:
        weights = jnp.where(mask, weights, 0)
    return jnp.einsum("...nts,...snh->...tnh", drop(weights), value), weights


def places(queries: int, keys: int, causal: bool, window: int | None, first: Array | int = 0) -> list[Array]:
    """The masks `(1, 1, queries, keys)` that depend on the places alone; the first query's place is `first`.

    Example:
        >>> places(2, 3, True, None)[0][0, 0].astype(int).tolist()
        [[1, 0, 0], [1, 1, 0]]
    """
    row = first + jnp.arange(queries)[:, None]
    column = jnp.arange(keys)[None, :]
    masks = ([row >= column] if causal else []) + ([] if window is None else [abs(row - column) < window])
    return [mask[None, None] for mask in masks]


def conjunction(masks: Sequence[Array]) -> Array | None:
    """The mask of what all masks allow; None without any."""
    return functools.reduce(jnp.logical_and, masks) if masks else None


def _whole(query: Array, key: Array, value: Array, **words: Any) -> Array:
    """jax's function, which asks for a product of halves that a CPU does not have."""
    dtype = query.dtype
    if query.shape[2] == key.shape[2] and "implementation" not in words:
        return _plain(query, key, value, words["mask"], words["scale"])
    if dtype == jnp.float16 and jax.default_backend() == "cpu":
        query, key, value = (a.astype(jnp.float32) for a in (query, key, value))
    y = cast(Array, jax.nn.dot_product_attention(query, key, value, **words))
    return y.astype(dtype)


def _plain(query: Array, key: Array, value: Array, mask: Array | None, scale: float) -> Array:
    """The same formula with the scale on the queries, which are fewer numbers than the products."""
    wide = jnp.promote_types(query.dtype, jnp.float32)
    q, k = query.astype(wide) * jnp.asarray(scale, wide), key.astype(wide)
    scores = jnp.einsum("btnh,bsnh->bnts", q, k)
    if mask is not None:
        least = -0.7 * float(cast(Any, jnp.finfo(wide)).max)
        scores = jnp.where(mask, scores, jnp.asarray(least, wide))
    weights = jax.nn.softmax(scores, axis=-1).astype(query.dtype)
    return jnp.einsum("bnts,bsnh->btnh", weights.astype(wide), value.astype(wide)).astype(query.dtype)


def _in_blocks(
    whole: Function,
    query: Array,
    key: Array,
    value: Array,
    masks: Sequence[Array],
    causal: bool,
    window: int | None,
) -> Array:
    """Blocks of queries one after the other; of the weights only those of one block are there at a time."""
    length, keys = query.shape[1], key.shape[1]
    count = -(-length // _BLOCK)
    rest = count * _BLOCK - length

    def cut(a: Array, axis: int) -> Array:
        padded = jnp.pad(a, [(0, rest if i == axis else 0) for i in range(a.ndim)])
        split = padded.reshape((*a.shape[:axis], count, _BLOCK, *a.shape[axis + 1 :]))
        return jnp.moveaxis(split, axis, 0)

    rows = [cut(mask, 2) for mask in masks if mask.shape[2] > 1]
    shared = [mask for mask in masks if mask.shape[2] == 1]

    @jax.checkpoint
    def block(at: tuple[Array, Array, list[Array]]) -> Array:
        first, q, own = at
        mask = conjunction([*own, *shared, *places(_BLOCK, keys, causal, window, first)])
        return whole(q, key, value, mask=mask)

    blocks = cast(Array, lax.map(block, (jnp.arange(count) * _BLOCK, cut(query, 1), rows)))
    y = jnp.moveaxis(blocks, 0, 1)
    return y.reshape((y.shape[0], count * _BLOCK, *y.shape[3:]))[:, :length]
