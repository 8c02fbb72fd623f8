"""Noise that is added in training only."""

from __future__ import annotations

import math
from typing import Any, Unpack

import jax.numpy as jnp

from jkeras.compat.legacy_arguments import legacy
from jkeras.core.arguments import (
    LayerArguments,
    ShapeLike,
    refuse_text,
)
from jkeras.core.types import Array, Ctx, Pair, is_traced
from jkeras.engine.base_layer import Layer
from jkeras.layers._common import drops, floating, in_training, kept, noise_dims, rate_in_use

_SELU_FLOOR = -1.6732632423543772848170429916717 * 1.0507009873554804934193349852946  # where SELU saturates


class GaussianNoise(Layer):
    """In training, add normal noise: `y = x + stddev * n`.

    Args:
        stddev: standard deviation of the noise.

    Input shape:
        Any; the output has the same.

    Raises:
        TypeError: `stddev` is not a number.

    Keras 2.2.4: keras/layers/noise.py GaussianNoise

    Example:
        >>> GaussianNoise(1.0)(jnp.ones((1, 2))).tolist()  # inference
        [[1.0, 1.0]]
    """

    supports_masking = True
    call_words = ("training",)
    training_differs = True

    @legacy("gaussian_noise")
    def __init__(self, stddev: float, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        refuse_text(stddev=stddev)
        self.stddev = stddev

    def formula(self) -> Pair:
        """In training `y = x + noise`, else `y = x`."""
        stddev = self.stddev

        def noised(x: Array, ctx: Ctx):
            x = floating(x)
            return x + stddev * ctx.normal(x.shape, x.dtype)

        return in_training(noised)


class GaussianDropout(Layer):
    """In training, multiply by normal noise around 1: `y = x * (1 + n * sqrt(rate / (1 - rate)))`.

    Args:
        rate: the drop probability of a Dropout of the same strength; outside (0, 1) the layer is off.

    Input shape:
        Any; the output has the same.

    Raises:
        TypeError: `rate` is not a number.

    Keras 2.2.4: keras/layers/noise.py GaussianDropout

    Example:
        >>> GaussianDropout(0.5)(jnp.ones((1, 2))).tolist()  # inference
        [[1.0, 1.0]]
    """

    supports_masking = True
    call_words = ("training",)

    @legacy("rate")
    def __init__(self, rate: float, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        refuse_text(rate=rate)
        self.rate = rate

    @property
    def training_differs(self) -> bool:
        """Whether a call in training computes something else."""
        return drops(self.rate)

    def formula(self) -> Pair:
        """In training `y = x * noise` about 1, else `y = x`."""
        rate, active = rate_in_use(self.rate), self.training_differs
        stddev = jnp.sqrt(rate / (1 - rate)) if is_traced(rate) else math.sqrt(rate / (1 - rate))

        def noised(x: Array, ctx: Ctx):
            if not active:
                return x
            x = floating(x)
            return x * (1 + stddev * ctx.normal(x.shape, x.dtype))

        return in_training(noised)


class AlphaDropout(Layer):
    """Dropout for SELU networks: dropped inputs get SELU's floor `f`, an affine map keeps mean 0, variance 1.

    `y = a * where(kept, x, f) + b` with `a = ((1 - rate) * (1 + rate * f²)) ** -0.5` and `b = -a * f * rate`.

    Args:
        rate: fraction to drop; outside (0, 1) the layer is off.
        noise_shape: shape of the random mask, as in Dropout.
        seed: as in Dropout.

    Input shape:
        Any; the output has the same.

    Raises:
        ValueError: `noise_shape` does not fit the input.

    Keras 2.2.4: keras/layers/noise.py AlphaDropout

    Example:
        >>> AlphaDropout(0.5)(jnp.ones((1, 2))).tolist()  # inference
        [[1.0, 1.0]]
    """

    supports_masking = True
    call_words = ("training",)

    def __init__(
        self,
        rate: float,
        noise_shape: ShapeLike | None = None,
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        refuse_text(rate=rate)
        self.rate = rate
        self.noise_shape = tuple(noise_shape) if noise_shape else None
        self.seed = seed

    @property
    def training_differs(self) -> bool:
        """Whether a call in training computes something else."""
        return drops(self.rate)

    def formula(self) -> Pair:
        """In training a share at the value of SELU far below 0, scaled back; else `y = x`."""
        rate, noise_shape, seed = rate_in_use(self.rate), self.noise_shape, self.seed
        active = self.training_differs
        a = ((1 - rate) * (1 + rate * _SELU_FLOOR**2)) ** -0.5 if active else 1.0
        b = -a * _SELU_FLOOR * rate

        def drop(x: Array, ctx: Ctx):
            if not active:
                return x
            keep = kept(ctx, rate, noise_dims(x, noise_shape), seed, noise_shape)
            return a * jnp.where(keep, floating(x), _SELU_FLOOR) + b

        return in_training(drop)

    def get_config(self) -> dict[str, Any]:
        """As Keras, which keeps the rate only; the other arguments are kept here where they are given."""
        config = super().get_config()
        return {k: v for k, v in config.items() if v is not None or k not in ("noise_shape", "seed")}
