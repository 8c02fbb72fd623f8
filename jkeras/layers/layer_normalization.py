"""Normalization of every sample by itself: over its features, over groups of channels, to length 1."""

# pyright: reportUnknownMemberType=false, reportUnnecessaryIsInstance=false
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import jax.numpy as jnp
from jax import lax

from jkeras import constraints, initializers, regularizers
from jkeras.core.arguments import (
    ConstraintLike,
    InitializerLike,
    LayerArguments,
    RegularizerLike,
    refuse_text,
)
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
    Shape,
    Shapes,
    State,
    Weights,
)
from jkeras.engine.base_layer import Layer, draw
from jkeras.layers._common import check_axis, elementwise, floating, mask_ends, place_of


class _Scaled(Layer):
    """The base of LayerNormalization and GroupNormalization: `y = (x - mean) / deviation * gamma + beta`."""

    supports_masking = True
    narrows_weights = False  # it computes in float32, and gives back the dtype that comes

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: InitializerLike = "zeros",
        gamma_initializer: InitializerLike = "ones",
        beta_regularizer: RegularizerLike = None,
        gamma_regularizer: RegularizerLike = None,
        beta_constraint: ConstraintLike = None,
        gamma_constraint: ConstraintLike = None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        refuse_text(axis=axis, epsilon=epsilon)
        self.axis, self.epsilon, self.center, self.scale = _axes(axis), epsilon, center, scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)


class LayerNormalization(_Scaled):
    """Normalize each sample over axes: `y = (x - mean) / sqrt(variance + epsilon) * gamma + beta`.

    Args:
        axis: the axis or axes that mean and variance are taken over, and that `gamma` and `beta` run along.
        epsilon: added to the variance.
        center, scale: whether there is a `beta`, a `gamma`.
        beta_initializer, gamma_initializer: how the weights start.
        beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint: of the weights.

    Input shape:
        Any, with known sizes along `axis`; the output has the same.

    Raises:
        ValueError: an axis does not exist or its size is unknown.

    Source: Ba et al. 2016, arXiv:1607.06450; Keras 3: LayerNormalization

    Example:
        >>> LayerNormalization(epsilon=0.0)(jnp.array([[1.0, 3.0]])).tolist()
        [[-1.0, 1.0]]
    """

    def formula(self) -> Pair:
        """The pair, with the weights `gamma` and `beta`."""
        axis, epsilon, center, scale = self.axis, self.epsilon, self.center, self.scale

        def init(rng: Key, in_shape: Shapes) -> Weights:
            sizes = tuple(in_shape[i] for i in _places(axis, len(in_shape)))
            return draw(rng, self, gamma=scale and sizes, beta=center and sizes), {}

        def apply(params: Params, state: State, x: Array, ctx: Ctx = INFERENCE) -> Out:
            over = _places(axis, x.ndim)
            wide = _wide(x)
            mean, variance = _moments(wide, over)
            y = (wide - mean) * lax.rsqrt(variance + epsilon)
            if scale:
                y = y * _along(params["gamma"], over, x)
            if center:
                y = y + _along(params["beta"], over, x)
            return Out(y.astype(floating(x).dtype), mask=ctx.mask)

        return Pair(init, apply)


class GroupNormalization(_Scaled):
    """Normalize each sample over its places and over groups of its channels.

    `y = (x - mean) / sqrt(variance + epsilon) * gamma + beta` with mean and variance of a group.

    Args:
        groups: how many; -1 makes each channel a group (instance normalization), 1 makes all of them one.
        axis: of the channels.
        epsilon: added to the variance.
        center, scale: whether there is a `beta`, a `gamma` for each channel.
        beta_initializer, gamma_initializer: how the weights start.
        beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint: of the weights.

    Input shape:
        Any, with a known size along `axis`; the output has the same.

    Raises:
        ValueError: the groups do not divide the channels.

    Source: Wu and He 2018, arXiv:1803.08494; Keras 3: GroupNormalization

    Example:
        >>> GroupNormalization(2, epsilon=0.0)(jnp.array([[1.0, 3.0, 5.0, 9.0]])).tolist()
        [[-1.0, 1.0, -1.0, 1.0]]
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: InitializerLike = "zeros",
        gamma_initializer: InitializerLike = "ones",
        beta_regularizer: RegularizerLike = None,
        gamma_regularizer: RegularizerLike = None,
        beta_constraint: ConstraintLike = None,
        gamma_constraint: ConstraintLike = None,
        **kwargs: Unpack[LayerArguments],
    ):
        if not isinstance(groups, int) or (groups < 1 and groups != -1):
            raise ValueError(f"`groups` must be a positive whole number, or -1. Received: {groups!r}")
        super().__init__(
            axis,
            epsilon,
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **kwargs,
        )
        self.groups = groups

    def formula(self) -> Pair:
        """The pair, with the weights `gamma` and `beta`."""
        groups, axis, epsilon, center, scale = self.groups, self.axis, self.epsilon, self.center, self.scale

        def init(rng: Key, in_shape: Shapes) -> Weights:
            (place,) = _places(axis, len(in_shape))
            _check_groups(groups, in_shape[place], in_shape)
            sizes = (in_shape[place],)
            return draw(rng, self, gamma=scale and sizes, beta=center and sizes), {}

        def apply(params: Params, state: State, x: Array, ctx: Ctx = INFERENCE) -> Out:
            (place,) = _places(axis, x.ndim)
            size, wide = x.shape[place], _wide(x)
            parts = size if groups == -1 else groups
            split = wide.reshape((*x.shape[:place], parts, size // parts, *x.shape[place + 1 :]))
            mean, variance = _moments(split, tuple(i for i in range(1, split.ndim) if i != place))
            y = ((split - mean) * lax.rsqrt(variance + epsilon)).reshape(x.shape)
            if scale:
                y = y * _along(params["gamma"], (place,), x)
            if center:
                y = y + _along(params["beta"], (place,), x)
            return Out(y.astype(floating(x).dtype), mask=ctx.mask)

        return Pair(init, apply)


class RMSNormalization(Layer):
    """Divide each sample by the root of its mean square: `y = x / sqrt(mean(x²) + epsilon) * scale`.

    Args:
        axis: the axis or axes that the mean is taken over, and that `scale` runs along.
        epsilon: added to the mean square.

    Input shape:
        Any, with known sizes along `axis`; the output has the same. A mask ends here.

    Raises:
        ValueError: an axis does not exist or its size is unknown.

    Source: Zhang and Sennrich 2019, arXiv:1910.07467; Keras 3: RMSNormalization

    Example:
        >>> RMSNormalization(epsilon=0.0)(jnp.array([[3.0, 3.0]])).tolist()
        [[1.0, 1.0]]
    """

    supports_masking = True
    narrows_weights = False  # it computes in float32, and gives back the dtype that comes
    scale_initializer = initializers.get("ones")

    def __init__(
        self, axis: int | Sequence[int] = -1, epsilon: float = 1e-6, **kwargs: Unpack[LayerArguments]
    ):
        super().__init__(**kwargs)
        refuse_text(axis=axis, epsilon=epsilon)
        self.axis, self.epsilon = _axes(axis), epsilon

    def formula(self) -> Pair:
        """The pair, with the weight `scale`."""
        axis, epsilon, where = self.axis, self.epsilon, place_of(self)

        def init(rng: Key, in_shape: Shapes) -> Weights:
            sizes = tuple(in_shape[i] for i in _places(axis, len(in_shape)))
            return draw(rng, self, scale=sizes), {}

        def apply(params: Params, state: State, x: Array, ctx: Ctx = INFERENCE) -> Out:
            mask_ends(where, ctx)
            over, wide = _places(axis, x.ndim), _wide(x)
            y = wide * lax.rsqrt(jnp.mean(jnp.square(wide), over, keepdims=True) + epsilon)
            return Out((y * _along(params["scale"], over, x)).astype(floating(x).dtype))

        return Pair(init, apply)


class UnitNormalization(Layer):
    """Scale each sample to the length 1: `y = x / sqrt(sum(x²))`.

    Args:
        axis: the axis or axes of the sum.

    Input shape:
        Any; the output has the same.

    Raises:
        ValueError: an axis does not exist.

    Keras 3: UnitNormalization

    Example:
        >>> UnitNormalization()(jnp.array([[3.0, 4.0]])).tolist()
        [[0.6000000238418579, 0.800000011920929]]
    """

    supports_masking = True
    narrows_weights = False  # it computes in float32, and gives back the dtype that comes

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        self.axis = _axes(axis)

    def formula(self) -> Pair:
        """`y = x / |x|` along `axis`."""
        axis = self.axis

        def unit(x: Array) -> Array:
            wide = _wide(x)
            square = jnp.sum(jnp.square(wide), _places(axis, x.ndim), keepdims=True)
            return (wide * lax.rsqrt(jnp.maximum(square, _LEAST_SQUARE))).astype(floating(x).dtype)

        return elementwise(unit)


_LEAST_SQUARE = 1e-24  # of a length: Keras 3 compares the length itself with 1e-12


def _axes(axis: Any) -> int | list[int]:
    """An axis as a Python integer, several as a list of them."""
    if isinstance(axis, (AnyList, AnyTuple)):
        return [int(a) for a in axis]
    if not isinstance(axis, int):
        raise TypeError(f"`axis` must be a whole number, or a list of them. Received: {axis!r}")
    return axis


def _places(axis: int | Sequence[int], ndim: int) -> tuple[int, ...]:
    """The positions of axes in an array of rank `ndim`, in order."""
    axes = [axis] if isinstance(axis, int) else axis
    for a in axes:
        if not -ndim <= a < ndim:
            raise ValueError(f"axis {a} does not exist in an input of rank {ndim}")
    return tuple(sorted(a % ndim for a in axes))


def _wide(x: Array) -> Array:
    """The input in at least float32: sums of many halves lose everything."""
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def _moments(x: Array, over: tuple[int, ...]) -> tuple[Array, Array]:
    mean = jnp.mean(x, over, keepdims=True)
    return mean, jnp.mean(jnp.square(x - mean), over, keepdims=True)


def _along(weight: Array, places: tuple[int, ...], x: Array) -> Array:
    """A weight with one axis for each of `places`, shaped to broadcast with `x`."""
    for place, size in zip(places, weight.shape, strict=True):
        check_axis(x, place, size)
    return weight.reshape(tuple(n if i in places else 1 for i, n in enumerate(x.shape)))


def _check_groups(groups: int, channels: int | None, shape: Shape) -> None:
    if channels is None:
        raise ValueError(f"the channels of the input must be known; got shape {shape}")
    if groups != -1 and channels % groups:
        raise ValueError(
            f"{channels} channels cannot be divided into {groups} groups: choose `groups` that divide them"
        )
