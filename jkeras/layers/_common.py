"""Common parts of the layers: pairs without weights, checks of arguments, the seed of a random layer."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from jkeras.core import settings
from jkeras.core.arguments import ShapeLike, refuse_text
from jkeras.core.dispatch import op
from jkeras.core.types import (
    INFERENCE,
    AnyDict,
    Array,
    Ctx,
    Key,
    Out,
    Pair,
    Params,
    Shape,
    State,
    Weights,
    is_traced,
)
from jkeras.engine.base_layer import Layer


def no_weights(rng: Key, in_shape: Shape) -> Weights:
    """The `init` of a layer without weights."""
    return {}, {}


def elementwise(function: Callable[[Array], Array]) -> Pair:
    """The pair of a layer without weights: `y = function(x)`, mask passed on."""

    def apply(params: Params, state: State, x: Array, ctx: Ctx = INFERENCE) -> Out:
        return Out(function(x), mask=ctx.mask)

    return Pair(no_weights, apply)


def in_training(function: Callable[[Array, Ctx], Array]) -> Pair:
    """The pair of a layer that is the identity in inference and `y = function(x, ctx)` in training."""

    def apply(params: Params, state: State, x: Array, ctx: Ctx = INFERENCE) -> Out:
        return Out(function(x, ctx) if ctx.training else x, mask=ctx.mask)

    return Pair(no_weights, apply)


def place_of(layer: Layer) -> str:
    """How messages name a layer."""
    return f"layer {layer.name!r} ({type(layer).__name__})"


def mask_ends(place: str, ctx: Ctx) -> None:
    """Say that the input's mask goes no further, where Keras 3 drops it at a layer that cannot keep it."""
    if ctx.mask is not None:
        warnings.warn(
            f"The mask of the input ends at {place}: as in Keras 3, the layers after it do not see it.",
            stacklevel=2,
        )


def check_axis(x: Array, axis: int, size: int) -> None:
    """Raise ValueError when an axis of the input has not the size that the weights were made for."""
    if x.shape[axis] != size:
        raise ValueError(f"expected axis {axis} of the input shape to have value {size}, got shape {x.shape}")


def check_range(layer: Layer, name: str, low: float, high: float) -> None:
    """Raise ValueError when a number argument is outside [low, high]."""
    value = getattr(layer, name)
    if not low <= value <= high:
        raise ValueError(
            f"`{name}` of {type(layer).__name__} must be between {low} and {high}. Received: {value!r}"
        )


def number(value: Any, name: str) -> float:
    """A number rounded to the default float type, as Keras keeps it; also Keras's JSON form of an array.

    >>> number(0.3, "alpha"), number({"type": "ndarray", "value": 6.0}, "alpha")
    (0.30000001192092896, 6.0)
    """
    if isinstance(value, AnyDict):
        value = value["value"]
    refuse_text(**{name: value})
    return float(np.asarray(value, settings.floatx()))


def seeded(ctx: Ctx, seed: int | None) -> Ctx:
    """The context of a random layer: its place in the model picks the numbers, unless it has its own seed."""
    return ctx if seed is None else ctx.replace(site=zlib.crc32(f"seed/{seed}".encode()))


def kept(
    ctx: Ctx, rate: float, shape: tuple[int, ...], seed: int | None, noise_shape: ShapeLike | None = None
):
    """A boolean mask of `shape`, False with probability `rate`.

    A 1 in front of `noise_shape` asks for one draw for the whole batch, on all devices. (A 1 in front of
    `shape` alone may be the single row that a device got.)
    """
    ctx = seeded(ctx, seed)
    ctx = ctx.replace(axis=None) if noise_shape is not None and noise_shape[0] == 1 else ctx
    if is_traced(rate):
        return ctx.bits(shape) >= jnp.round(rate * 2.0**32).astype(jnp.uint32)
    return ctx.bits(shape) >= np.uint32(min(round(rate * 2**32), 2**32 - 1))


def drops(rate: Any) -> bool:
    """Whether a rate of dropout is between 0 and 1; one that is data, as in `fit_many`, may be.

    Example:
        >>> drops(0.5), drops(1)
        (True, False)
    """
    return is_traced(rate) or 0 < rate < 1


def rate_in_use(rate: Any) -> Any:
    """A rate of dropout, and 0 for what drops nothing.

    Example:
        >>> rate_in_use(0.5), rate_in_use(1)
        (0.5, 0.0)
    """
    if is_traced(rate):
        return jnp.where((rate > 0) & (rate < 1), rate, 0.0)
    return rate if drops(rate) else 0.0


def noise_dims(x: Array, noise_shape: ShapeLike | None) -> tuple[Any, ...]:
    """The shape of the random mask for `x`: None (and a batch size) stand for the input's own dimension.

    Raises:
        ValueError: another rank, or a size that is neither 1 nor the input's.
    """
    if noise_shape is None:
        return x.shape
    dims = tuple(
        x.shape[i] if d is None or (i == 0 and d != 1) else d for i, d in enumerate(noise_shape[: x.ndim])
    )
    if len(noise_shape) != x.ndim or any(d not in (1, n) for d, n in zip(dims, x.shape, strict=True)):
        raise ValueError(
            f"noise_shape {tuple(noise_shape)} does not fit: each entry must be None, 1 or the input's size"
        )
    return dims


def floating(x: Array):
    """`x`, integers turned into the default float type."""
    return x if jnp.issubdtype(x.dtype, jnp.inexact) else x.astype(settings.floatx())


@op
def steps_unlike(x: Array, value: Any):
    """The mask that `Masking` makes: steps of a sequence with other features than `value`."""
    x = jnp.asarray(x)
    return jnp.any(x != np.asarray(value, x.dtype), -1)
