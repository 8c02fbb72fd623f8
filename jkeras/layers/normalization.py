"""Batch normalization."""

from __future__ import annotations

from typing import Unpack

import jax.numpy as jnp
from jax import lax

from jkeras import constraints, initializers, regularizers
from jkeras.compat.legacy_arguments import legacy
from jkeras.core import random
from jkeras.core.arguments import (
    ConstraintLike,
    InitializerLike,
    LayerArguments,
    RegularizerLike,
    refuse_text,
)
from jkeras.core.types import INFERENCE, Array, Ctx, Key, Out, Pair, Params, Shape, State, Weights
from jkeras.engine.base_layer import Layer, draw
from jkeras.layers._common import check_axis, floating

_FUSED_EPSILON = 1.001e-5  # the smallest one TensorFlow's fused kernel takes


class BatchNormalization(Layer):
    """Normalize each channel over the batch: `y = (x - mean) / sqrt(variance + epsilon) * gamma + beta`.

    Training uses mean and (biased) variance of the whole batch, on all devices, and moves the stored ones:
    `moving = momentum * moving + (1 - momentum) * value`. Inference uses the stored ones. (Keras 2.2.4 on
    TensorFlow corrects that average for its start; a file does not keep how far it is.)

    Args:
        axis: the axis that keeps its statistics (1 after a channels-first convolution).
        momentum: of the moving statistics.
        epsilon: added to the variance.
        center, scale: whether there is a `beta`, a `gamma`.
        beta_initializer, gamma_initializer: how the trainable weights start.
        moving_mean_initializer, moving_variance_initializer: how the statistics start.
        beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint: of the trainable weights.

    Input shape:
        Any, with a known size along `axis`; the output has the same.

    Raises:
        ValueError: `axis` does not exist or its size is unknown.

    Keras 2.2.4: keras/layers/normalization.py BatchNormalization

    Example:
        >>> BatchNormalization(epsilon=0.0)(jnp.array([[1.0, 2.0]])).tolist()  # statistics 0 and 1
        [[1.0, 2.0]]
    """

    supports_masking = True
    call_words = ("training",)
    training_differs = True
    narrows_weights = False  # it computes in float32, and gives back the dtype that comes

    @legacy("batch_norm")
    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: InitializerLike = "zeros",
        gamma_initializer: InitializerLike = "ones",
        moving_mean_initializer: InitializerLike = "zeros",
        moving_variance_initializer: InitializerLike = "ones",
        beta_regularizer: RegularizerLike = None,
        gamma_regularizer: RegularizerLike = None,
        beta_constraint: ConstraintLike = None,
        gamma_constraint: ConstraintLike = None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        refuse_text(axis=axis, momentum=momentum, epsilon=epsilon)
        self.axis, self.momentum, self.epsilon = axis, momentum, epsilon
        self.center, self.scale = center, scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)

    def formula(self) -> Pair:
        """The pair, with the weights `gamma`, `beta`, `moving_mean` and `moving_variance`."""
        axis, momentum, epsilon, scale, center = (
            self.axis,
            self.momentum,
            self.epsilon,
            self.scale,
            self.center,
        )

        def init(rng: Key, in_shape: Shape) -> Weights:
            if not -len(in_shape) <= axis < len(in_shape):
                raise ValueError(f"axis {axis} does not exist")
            dim = (in_shape[axis],)
            params = draw(rng, self, gamma=scale and dim, beta=center and dim)
            return params, draw(random.fold_in(rng, 2), self, moving_mean=dim, moving_variance=dim)

        def apply(params: Params, state: State, x: Array, ctx: Ctx = INFERENCE) -> Out:
            check_axis(x, axis, state["moving_mean"].shape[0])
            place = axis % x.ndim
            over = tuple(i for i in range(x.ndim) if i != place)
            fused = x.ndim == 4 and place == 3
            mean, variance, moved = state["moving_mean"], state["moving_variance"], {}
            wide = _wide(x)
            if ctx.training:
                mean = ctx.mean(wide, over)
                variance = ctx.mean(jnp.square(wide - _column(mean, place, x.ndim)), over)
                sample = variance * _sample_factor(x, over, ctx, epsilon, fused)
                moved = {
                    "moving_mean": _moved(state["moving_mean"], mean, momentum),
                    "moving_variance": _moved(state["moving_variance"], sample, momentum),
                }
            factor = lax.rsqrt(variance + (max(epsilon, _FUSED_EPSILON) if fused else epsilon))
            if scale:
                factor = factor * params["gamma"]
            y = (wide - _column(mean, place, x.ndim)) * _column(factor, place, x.ndim)
            if center:
                y = y + _column(params["beta"], place, x.ndim)
            return Out(y.astype(floating(x).dtype), moved, ctx.mask)

        return Pair(init, apply)


def _wide(x: Array):
    """The input in at least float32: sums of many halves lose everything."""
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def _column(v: Array, place: int, ndim: int):
    """A vector over axis `place`, shaped to broadcast."""
    return v.reshape((1,) * place + (-1,) + (1,) * (ndim - 1 - place))


def _moved(old: Array, new: Array, momentum: float):
    return momentum * old + (1 - momentum) * lax.stop_gradient(new)


def _sample_factor(x: Array, over: tuple[int, ...], ctx: Ctx, epsilon: float, fused: bool):
    """The factor of the biased variance before it is averaged, as in Keras.

    Kept from Keras 2.2.4: `n / (n - (1 + epsilon))`; TensorFlow's fused kernel (rank 4, channels last)
    returns the variance times `n / (n - 1)` already, so there both factors apply.
    """
    n = ctx.count(x, over)
    factor = n / (n - (1 + epsilon))
    return factor * n / jnp.maximum(n - 1, 1) if fused else factor
