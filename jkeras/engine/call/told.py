"""Orders of the context to a layer: in which dtype, and whether it is made again for
gradients."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from jkeras.core.types import AnyDict, ByObject, Ctx, Out, Tree
from jkeras.engine.call.types import Once, Trees
from jkeras.engine.tensors.symbolic import Words
from jkeras.engine.tensors.variable import Values
from jkeras.engine.tree import own_entries

if TYPE_CHECKING:
    from jkeras.engine.base_layer import Layer


def in_dtype(layer: Layer, weights: Trees, x: Tree, ctx: Ctx) -> tuple[Trees, Tree, Ctx]:
    """Weights, input and context of a formula, in the dtype that the layer computes in.

    A layer's own dtype wins, for the layers in it too. Without weights a layer takes what comes. States stay
    as they are: they are sums over many steps.
    """
    params, state = weights
    own = layer.own_dtype
    if own is not None:
        return weights, cast(x, own), ctx.replace(dtype=own)
    names = own_entries(layer, params)
    if not names or not layer.narrows_weights:
        return weights, x, ctx
    params = _own_cast(layer, params, ctx.dtype)
    return (params, state), cast(x, ctx.dtype) if layer.narrows_inputs else x, ctx


def _own_cast(layer: Layer, params: Tree, dtype: Any) -> Tree:
    if not isinstance(params, AnyDict):
        return cast(params, dtype)
    inner = set(layer.children()) - layer._params.keys()  # pyright: ignore[reportPrivateUsage]
    return {name: value if name in inner else cast(value, dtype) for name, value in params.items()}


def values_in_dtype(layer: Layer, values: Values, x: Tree, ctx: Ctx) -> tuple[Values, Tree, Ctx]:
    """As `in_dtype`, of code that takes its weights by variable.

    Its inputs may be numbers of a table, which a narrow dtype would change: they stay what they are.
    """
    if layer.own_dtype is not None:
        return values, cast(x, layer.own_dtype), ctx.replace(dtype=layer.own_dtype)
    if not layer.narrows_weights:
        return values, x, ctx
    own: Any = layer._params.values()  # pyright: ignore[reportPrivateUsage]
    return {**values, **{v: cast(values[v], ctx.dtype) for v in own if v in values}}, x, ctx


def cast(tree: Tree, dtype: Any) -> Tree:
    """The floating arrays of a tree in a dtype."""

    def one(a: Any) -> Any:
        return a.astype(dtype) if jnp.issubdtype(jnp.result_type(a), jnp.floating) else a

    return jax.tree.map(one, tree)


def is_made_again(layer: Layer, ctx: Ctx) -> bool:
    """Whether the outputs of a layer are computed again for gradients."""
    return bool(ctx.remat) and any(fnmatchcase(layer.name, pattern) for pattern in ctx.remat)


def again(once: Once) -> Once:
    """A pass of a layer of which only the inputs are kept for gradients."""

    def made_again(values: Values, x: Tree, ctx: Ctx, words: Words) -> Out:
        cells = list(values)

        def compute(arrays: list[Any], x: Tree, ctx: Ctx) -> tuple[Tree, ...]:
            out = once(dict(zip(cells, arrays, strict=True)), x, ctx, words)
            state: Any = out.state
            if any(not isinstance(key, str) for key in state):
                state = ByObject(state)
            return out.y, state, out.mask, out.loss, out.seen, out.metrics

        checkpointed: Callable[..., tuple[Tree, ...]] = jax.checkpoint(compute)  # pyright: ignore
        return Out(*checkpointed(list(values.values()), x, ctx.replace(remat=())))

    return made_again
