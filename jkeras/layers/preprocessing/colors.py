"""Images whose colors, or a part of whose pixels, change at random in training."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

import jax.numpy as jnp

from jkeras.core.arguments import LayerArguments
from jkeras.core.types import Array, Ctx
from jkeras.layers.preprocessing.augmentation import Factor, RandomImage, between, bounds
from jkeras.layers.preprocessing.images import Picture
from jkeras.primitives import images


class RandomGrayscale(RandomImage):
    """Replace the colors of an image by their brightness at random.

    Args:
        factor: the share of images that lose their colors.
        data_format: "channels_last" or "channels_first"; None: the configured one.
        seed: layers with the same seed draw the same numbers.

    Input shape:
        `(batch, rows, columns, 3)` or one image, or channels before the rows; the output has the same.

    Raises:
        ValueError: a factor outside of [0, 1].

    Keras 3: RandomGrayscale

    Example:
        >>> RandomGrayscale(1.0)(jnp.ones((1, 4, 4, 3))).shape
        (1, 4, 4, 3)
    """

    def __init__(
        self,
        factor: float = 0.5,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(seed, data_format, **kwargs)
        if not 0 <= factor <= 1:
            raise ValueError(f"`factor` should be between 0 and 1. Received: {factor!r}")
        self.factor = factor

    def change(self) -> Picture:
        """The pictures, changed at random."""
        share = self.factor

        def fade(x: Array, ctx: Ctx) -> Array:
            gray = ctx.uniform((x.shape[0], 1, 1, 1)) < share
            return jnp.where(gray, images.brightness(x), x)

        return fade


class RandomInvert(RandomImage):
    """Replace each number of an image by its distance from the largest one, at random.

    Args:
        factor: the probability, from 0 to it; or (least, largest), between which each image draws its own.
        value_range: of the images.
        seed: layers with the same seed draw the same numbers.
        data_format: "channels_last" or "channels_first"; None: the configured one.

    Input shape:
        `(batch, rows, columns, channels)` or one image, or channels before the rows; the output has the same.

    Raises:
        ValueError: a factor outside of [0, 1].

    Keras 3: RandomInvert

    Example:
        >>> RandomInvert((1, 1))(jnp.full((1, 1, 1, 3), 55.0)).ravel().round().tolist()
        [200.0, 200.0, 200.0]
    """

    def __init__(
        self,
        factor: Factor = 1.0,
        value_range: Sequence[float] = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(seed, data_format, **kwargs)
        self.factor, self.value_range = bounds(factor, "factor", least=0), tuple(value_range)

    def change(self) -> Picture:
        """The pictures, changed at random."""
        factor, most = self.factor, self.value_range[1]

        def invert(x: Array, ctx: Ctx) -> Array:
            return jnp.where(_chosen(ctx, factor, x), most - x, x)

        return invert


class Solarization(RandomImage):
    """Add a random number to each image, and invert all numbers from a random threshold on.

    Args:
        addition_factor: the largest share of 255 that is added, or (least, largest).
        threshold_factor: the largest threshold as a share of 255, or (least, largest).
        value_range: of the images, which are brought to 0 to 255 for it, and back.
        seed: layers with the same seed draw the same numbers.
        data_format: "channels_last" or "channels_first"; None: the configured one.

    Input shape:
        `(batch, rows, columns, channels)` or one image, or channels before the rows; the output has the same.

    Raises:
        ValueError: a factor outside of [0, 1]; a range that is no pair.

    Keras 3: Solarization. (A pair's least number is not multiplied with 255, there as here.)

    Example:
        >>> Solarization()(jnp.full((1, 1, 1, 3), 55.0)).ravel().round().tolist()
        [200.0, 200.0, 200.0]
    """

    def __init__(
        self,
        addition_factor: Factor = 0.0,
        threshold_factor: Factor = 0.0,
        value_range: Sequence[float] = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(seed, data_format, **kwargs)
        if len(value_range) != 2:
            raise ValueError(f"`value_range` must be a pair. Received: {value_range!r}")
        self.addition_factor = bounds(addition_factor, "addition_factor", least=0)
        self.threshold_factor = bounds(threshold_factor, "threshold_factor", least=0)
        self.value_range = sorted(value_range)

    def change(self) -> Picture:
        """The pictures, changed at random."""
        (low, high), (below, above) = self.addition_factor, self.threshold_factor
        least, most = self.value_range

        def solarize(x: Array, ctx: Ctx) -> Array:
            added = between(ctx, low, high * 255, x, 0).reshape((-1, 1, 1, 1)).astype(x.dtype)
            threshold = between(ctx, below, above * 255, x, 1).reshape((-1, 1, 1, 1)).astype(x.dtype)
            bright = jnp.clip((x - least) / (most - least) * 255 + added, 0, 255)
            return jnp.where(bright < threshold, bright, 255 - bright) / 255 * (most - least) + least

        return solarize


class RandomErasing(RandomImage):
    """Fill a random rectangle of an image, at random.

    Args:
        factor: the probability, from 0 to it; or (least, largest), between which each image draws its own.
        scale: (least, largest) share of the area that is filled; the sides are drawn apart.
        fill_value: a number, or one per channel; None: numbers drawn for each pixel.
        value_range: of the images, to which the filling is cut.
        seed: layers with the same seed draw the same numbers.
        data_format: "channels_last" or "channels_first"; None: the configured one.

    Input shape:
        `(batch, rows, columns, channels)` or one image, or channels before the rows; the output has the same.

    Raises:
        ValueError: a factor outside of [0, 1].

    Keras 3: RandomErasing

    Example:
        >>> RandomErasing((1, 1), (1, 1), fill_value=7)(jnp.ones((1, 1, 1, 3))).ravel().tolist()
        [7.0, 7.0, 7.0]
    """

    def __init__(
        self,
        factor: Factor = 1.0,
        scale: Factor = (0.02, 0.33),
        fill_value: float | Sequence[float] | None = None,
        value_range: Sequence[float] = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(seed, data_format, **kwargs)
        self.factor, self.scale = bounds(factor, "factor", least=0), bounds(scale, "scale", least=0)
        self.fill_value, self.value_range = fill_value, tuple(value_range)

    def change(self) -> Picture:
        """The pictures, changed at random."""
        factor, (low, high), (least, most) = self.factor, self.scale, self.value_range
        fill = self.fill_value

        def inside(x: Array, ctx: Ctx, axis: int) -> Array:
            """Truth values of the places along an axis that are within the rectangle."""
            length = x.shape[axis]
            size = jnp.sqrt(between(ctx, low, high, x, 2 * axis)) * length
            start = between(ctx, 0, 1, x, 2 * axis + 1) * (length - size)
            place = jnp.arange(length)[None]
            within = (place >= start[:, None]) & (place < (start + size)[:, None])
            return jnp.expand_dims(within, (2, 3) if axis == 1 else (1, 3))

        def erase(x: Array, ctx: Ctx) -> Array:
            filling = (
                ctx.normal(x.shape, x.dtype, salt=6) * most if fill is None else jnp.asarray(fill, x.dtype)
            )
            hidden = inside(x, ctx, 1) & inside(x, ctx, 2) & _chosen(ctx, factor, x)
            return jnp.where(hidden, jnp.clip(filling, least, most), x)

        return erase


def _chosen(ctx: Ctx, factor: tuple[float, float], x: Array) -> Array:
    """Truth values of the images that change: each with a probability of its own."""
    return (between(ctx, 0, 1, x, 0) < between(ctx, *factor, x, 1)).reshape((-1, 1, 1, 1))
