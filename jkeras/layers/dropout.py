"""Dropout of single numbers and of whole channels."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Unpack

import jax.numpy as jnp

from jkeras.compat.legacy_arguments import legacy
from jkeras.core import settings
from jkeras.core.arguments import (
    LayerArguments,
    ShapeLike,
    refuse_text,
)
from jkeras.core.types import Array, Ctx, Pair
from jkeras.engine.base_layer import InputSpec, Layer
from jkeras.layers._common import (
    drops,
    floating,
    in_training,
    kept,
    noise_dims,
    rate_in_use,
)
from jkeras.primitives import conv_args


class Dropout(Layer):
    """In training, set a random part `rate` of the inputs to zero, multiply the others by `1 / (1 - rate)`.

    Args:
        rate: fraction to drop; 0 and 1 switch the layer off, values outside are clipped.
        noise_shape: shape of the random mask; None entries are the input's, 1 shares one draw along an axis.
        seed: layers with the same seed draw the same masks; None: each layer of a model draws its own.

    Input shape:
        Any; the output has the same.

    Raises:
        ValueError: `noise_shape` does not fit the input.

    Keras 2.2.4: keras/layers/core.py Dropout

    Example:
        >>> Dropout(0.5)(jnp.ones((1, 2))).tolist()  # inference
        [[1.0, 1.0]]
    """

    supports_masking = True
    call_words = ("training",)

    @legacy("dropout")
    def __init__(
        self,
        rate: float,
        noise_shape: ShapeLike | None = None,
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        refuse_text(rate=rate)
        if not 0 <= rate <= 1:
            warnings.warn(
                f"Dropout({rate}): the rate is a fraction; nothing is dropped outside of 0 to 1.",
                stacklevel=4,
            )
        self.rate = min(1.0, max(0.0, rate))
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)
        self.seed = seed

    @property
    def training_differs(self) -> bool:
        """Whether a call in training computes something else."""
        return drops(self.rate)

    def noise_rule(self) -> Callable[[Array], tuple[int, ...]]:
        """A pure function: input → shape of its random mask."""
        noise_shape = self.noise_shape

        def dims(x: Array) -> tuple[int, ...]:
            return noise_dims(x, noise_shape)

        return dims

    def formula(self) -> Pair:
        """In training `y = x / (1 - rate)` with a share of zeros, else `y = x`."""
        rate, seed, dims = rate_in_use(self.rate), self.seed, self.noise_rule()
        active = self.training_differs
        noise_shape = self.noise_shape

        def drop(x: Array, ctx: Ctx):
            if not active:
                return x
            keep = kept(ctx, rate, dims(x), seed, noise_shape)
            return jnp.where(keep, floating(x) * (1 / (1 - rate)), 0)

        return in_training(drop)


class _SpatialDropout(Dropout):
    data_format = "channels_last"

    def noise_rule(self) -> Callable[[Array], tuple[int, ...]]:
        format = self.data_format

        def dims(x: Array) -> tuple[int, ...]:
            keep = (0, conv_args.channel_axis(format, x.ndim))
            return tuple(d if i in keep else 1 for i, d in enumerate(x.shape))

        return dims

    def get_config(self) -> dict[str, Any]:
        """As Keras, which leaves `data_format` out; kept here where it is not the default one."""
        config = super().get_config()
        if config.get("data_format") == settings.normalize_data_format(None):
            config.pop("data_format")
        return config


class SpatialDropout1D(_SpatialDropout):
    """Dropout of whole channels of a sequence.

    Args:
        rate: fraction of channels to drop.

    Input shape:
        `(batch, steps, channels)`; the output has the same.

    Raises:
        ValueError: the input has another rank.

    Keras 2.2.4: keras/layers/core.py SpatialDropout1D

    Example:
        >>> SpatialDropout1D(0.5)(jnp.ones((1, 2, 3))).shape
        (1, 2, 3)
    """

    input_spec = InputSpec(ndim=3)

    @legacy("rate")
    def __init__(self, rate: float, **kwargs: Unpack[LayerArguments]):
        super().__init__(rate, **kwargs)


class SpatialDropout2D(_SpatialDropout):
    """Dropout of whole channels of an image.

    Args:
        rate: fraction of channels to drop.
        data_format: "channels_last", "channels_first", or None for the configured one.

    Input shape:
        `(batch, rows, cols, channels)`, or channels second; the output has the same.

    Raises:
        ValueError: an input of another rank, or an unknown `data_format`.

    Keras 2.2.4: keras/layers/core.py SpatialDropout2D

    Example:
        >>> SpatialDropout2D(0.5)(jnp.ones((1, 2, 2, 3))).shape
        (1, 2, 2, 3)
    """

    input_spec = InputSpec(ndim=4)

    @legacy("spatial_dropout")
    def __init__(self, rate: float, data_format: str | None = None, **kwargs: Unpack[LayerArguments]):
        super().__init__(rate, **kwargs)
        self.data_format = settings.normalize_data_format(data_format)


class SpatialDropout3D(_SpatialDropout):
    """Dropout of whole channels of a volume.

    Args:
        rate: fraction of channels to drop.
        data_format: "channels_last", "channels_first", or None for the configured one.

    Input shape:
        `(batch, dim1, dim2, dim3, channels)`, or channels second; the output has the same.

    Raises:
        ValueError: an input of another rank, or an unknown `data_format`.

    Keras 2.2.4: keras/layers/core.py SpatialDropout3D

    Example:
        >>> SpatialDropout3D(0.5)(jnp.ones((1, 2, 2, 2, 3))).shape
        (1, 2, 2, 2, 3)
    """

    input_spec = InputSpec(ndim=5)

    @legacy("spatial_dropout")
    def __init__(self, rate: float, data_format: str | None = None, **kwargs: Unpack[LayerArguments]):
        super().__init__(rate, **kwargs)
        self.data_format = settings.normalize_data_format(data_format)
