"""Images changed at random in training; in inference they stay as they are."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Unpack

import jax.numpy as jnp
from jax import lax

from jkeras.core import settings
from jkeras.core.arguments import LayerArguments
from jkeras.core.dispatch import is_symbolic
from jkeras.core.types import Array, Ctx
from jkeras.engine.tensors.variable import current_frame
from jkeras.layers._common import seeded
from jkeras.layers.preprocessing.images import ImageLayer, Picture, one_of
from jkeras.primitives import images
from jkeras.primitives.conv_args import positive_int

_MODES = ("horizontal", "vertical", "horizontal_and_vertical")
Factor = float | Sequence[float]


class RandomImage(ImageLayer):
    """The identity in inference, `change` in training; a call on arrays outside of models is training."""

    training_differs = True
    call_words = ("training",)

    def __init__(
        self, seed: int | None = None, data_format: str | None = None, **kwargs: Unpack[LayerArguments]
    ):
        super().__init__(**kwargs)
        self.seed, self.data_format = seed, settings.normalize_data_format(data_format)

    def __call__(self, inputs: Any, **kwargs: Any) -> Any:
        """Picture images; `training=False` leaves them as they are."""
        if current_frame() is None and not is_symbolic(inputs):
            kwargs.setdefault("training", True)
        return super().__call__(inputs, **kwargs)

    def change(self) -> Picture:
        """A pure function of images (batch, rows, columns, channels) and the context."""
        raise NotImplementedError(f"{type(self).__name__} must define change().")

    def picture(self) -> Picture:
        change, seed = self.change(), self.seed

        def in_training(x: Array, ctx: Ctx) -> Array:
            return change(x, seeded(ctx, seed)) if ctx.training else x

        return in_training


class RandomFlip(RandomImage):
    """Mirror images at random, each with probability 1/2.

    Args:
        mode: "horizontal", "vertical", or "horizontal_and_vertical": both at once.
        seed: layers with the same seed draw the same numbers.
        data_format: "channels_last" or "channels_first"; None: the configured one.

    Input shape:
        `(batch, rows, columns, channels)` or one image, or channels before the rows; the output has the same.

    Raises:
        ValueError: an unknown mode.

    Keras 3: RandomFlip

    Example:
        >>> RandomFlip()(jnp.ones((1, 4, 4, 3))).shape
        (1, 4, 4, 3)
    """

    def __init__(
        self,
        mode: str = "horizontal_and_vertical",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(seed, data_format, **kwargs)
        self.mode = one_of(mode, _MODES, "mode")

    def change(self) -> Picture:
        """The pictures, changed at random."""
        axes = [axis for axis, word in ((2, "horizontal"), (1, "vertical")) if word in self.mode]

        def flip(x: Array, ctx: Ctx) -> Array:
            flips = ctx.uniform((x.shape[0], 1, 1, 1)) <= 0.5
            return jnp.where(flips, jnp.flip(x, axes), x)

        return flip


class RandomCrop(RandomImage):
    """A random part of images, the same one for a batch; in inference the middle, made to fit.

    (Keras 3.15 leaves images whole in inference, other than its documentation and the shape that it states.)

    Args:
        height, width: of the output; smaller images are enlarged.
        seed: layers with the same seed draw the same numbers.
        data_format: "channels_last" or "channels_first"; None: the configured one.

    Input shape:
        `(batch, rows, columns, channels)` or one image, or channels before the rows.

    Output shape:
        The same, with `height` and `width`.

    Raises:
        ValueError: sizes that are not positive.

    Keras 3: RandomCrop

    Example:
        >>> RandomCrop(2, 3)(jnp.ones((1, 4, 4, 3))).shape
        (1, 2, 3, 3)
    """

    def __init__(
        self,
        height: int,
        width: int,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(seed, data_format, **kwargs)
        self.height, self.width = positive_int(height, "height"), positive_int(width, "width")

    def picture(self):
        """One picture, changed."""
        height, width, seed = self.height, self.width, self.seed

        def crop(x: Array, ctx: Ctx) -> Array:
            rows, columns = x.shape[1:3]
            if not ctx.training:
                return images.resize(images.cropped(x, height, width), height, width, "bilinear")
            if rows <= height or columns <= width:
                return _inner(x, height, width)
            draws = seeded(ctx, seed).replace(axis=None).uniform((2,))
            top, left = (draws * jnp.array([rows - height + 1, columns - width + 1])).astype(jnp.int32)
            return lax.dynamic_slice(x, (0, top, left, 0), (x.shape[0], height, width, x.shape[3]))

        return crop


class _Mapped(RandomImage):
    """Images seen through random affine maps; a subclass draws `maps(x, ctx)`."""

    fill_mode: str
    interpolation: str
    fill_value: float

    def _set_look(self, fill_mode: str, interpolation: str, fill_value: float) -> None:
        self.fill_mode = one_of(fill_mode, images.FILLS, "fill_mode")
        self.interpolation = one_of(interpolation, ("nearest", "bilinear"), "interpolation")
        self.fill_value = fill_value

    def maps(self) -> Picture:
        """A pure function of images and context: `(batch, 2, 3)` maps of (row, column, 1)."""
        raise NotImplementedError(f"{type(self).__name__} must define maps().")

    def change(self) -> Picture:
        maps, way, fill, value = self.maps(), self.interpolation, self.fill_mode, self.fill_value

        def seen(x: Array, ctx: Ctx) -> Array:
            return images.transformed(x, maps(x, ctx), way, fill, value).astype(x.dtype)

        return seen


class RandomRotation(_Mapped):
    """Turn images around their middle by random angles.

    Args:
        factor: the largest part of a whole turn to both sides, or (least, largest); positive is
            counter-clockwise.
        fill_mode: what is outside of the image: "reflect", "wrap", "constant" or "nearest".
        interpolation: "bilinear" or "nearest".
        seed: layers with the same seed draw the same numbers.
        fill_value: for "constant".
        data_format: "channels_last" or "channels_first"; None: the configured one.

    Input shape:
        `(batch, rows, columns, channels)` or one image, or channels before the rows; the output has the same.

    Raises:
        ValueError: a factor outside of [-1, 1], an unknown mode.

    Keras 3: RandomRotation

    Example:
        >>> RandomRotation(0.1)(jnp.ones((1, 4, 4, 3))).shape
        (1, 4, 4, 3)
    """

    def __init__(
        self,
        factor: Factor,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(seed, data_format, **kwargs)
        self.factor = bounds(factor, "factor")
        self._set_look(fill_mode, interpolation, fill_value)

    def maps(self) -> Picture:
        """The transformation of each picture, drawn."""
        low, high = self.factor

        def rotations(x: Array, ctx: Ctx) -> Array:
            angle = 2 * math.pi * between(ctx, low, high, x, 0)
            cos, sin = jnp.cos(angle), jnp.sin(angle)
            middle_row, middle_column = (x.shape[1] - 1) / 2, (x.shape[2] - 1) / 2
            row = middle_row - sin * middle_column - cos * middle_row
            column = middle_column - cos * middle_column + sin * middle_row
            return _maps([cos, sin, row], [-sin, cos, column])

        return rotations


class RandomZoom(_Mapped):
    """Enlarge or shrink images around their middle by random factors.

    Args:
        height_factor: the largest change to both sides, or (least, largest): positive shows more of what is
            around, negative less.
        width_factor: likewise; None: as the height, which keeps the proportions.
        fill_mode: what is outside of the image: "reflect", "wrap", "constant" or "nearest".
        interpolation: "bilinear" or "nearest".
        seed: layers with the same seed draw the same numbers.
        fill_value: for "constant".
        data_format: "channels_last" or "channels_first"; None: the configured one.

    Input shape:
        `(batch, rows, columns, channels)` or one image, or channels before the rows; the output has the same.

    Raises:
        ValueError: a factor outside of [-1, 1], an unknown mode.

    Keras 3: RandomZoom

    Example:
        >>> RandomZoom(0.1)(jnp.ones((1, 4, 4, 3))).shape
        (1, 4, 4, 3)
    """

    def __init__(
        self,
        height_factor: Factor,
        width_factor: Factor | None = None,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(seed, data_format, **kwargs)
        bounds(height_factor, "height_factor")
        bounds(0 if width_factor is None else width_factor, "width_factor")
        self.height_factor, self.width_factor = height_factor, width_factor
        self._set_look(fill_mode, interpolation, fill_value)

    def maps(self) -> Picture:
        """The transformation of each picture, drawn."""
        high = bounds(self.height_factor, "height_factor")
        wide = None if self.width_factor is None else bounds(self.width_factor, "width_factor")

        def zooms(x: Array, ctx: Ctx) -> Array:
            rows = 1 + between(ctx, *high, x, 0)
            columns = rows if wide is None else 1 + between(ctx, *wide, x, 1)
            zero, (top, left) = jnp.zeros_like(rows), ((n - 1) / 2 for n in x.shape[1:3])
            return _maps([rows, zero, top * (1 - rows)], [zero, columns, left * (1 - columns)])

        return zooms


class RandomTranslation(_Mapped):
    """Move images by random distances.

    Args:
        height_factor: the largest part of the height to both sides, or (least, largest); positive is down.
        width_factor: likewise of the width; positive is to the right.
        fill_mode: what is outside of the image: "reflect", "wrap", "constant" or "nearest".
        interpolation: "bilinear" or "nearest".
        seed: layers with the same seed draw the same numbers.
        fill_value: for "constant".
        data_format: "channels_last" or "channels_first"; None: the configured one.

    Input shape:
        `(batch, rows, columns, channels)` or one image, or channels before the rows; the output has the same.

    Raises:
        ValueError: a factor outside of [-1, 1], an unknown mode.

    Keras 3: RandomTranslation

    Example:
        >>> RandomTranslation(0.1, 0.2)(jnp.ones((1, 4, 4, 3))).shape
        (1, 4, 4, 3)
    """

    def __init__(
        self,
        height_factor: Factor,
        width_factor: Factor,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(seed, data_format, **kwargs)
        bounds(height_factor, "height_factor")
        bounds(width_factor, "width_factor")
        self.height_factor, self.width_factor = height_factor, width_factor
        self._set_look(fill_mode, interpolation, fill_value)

    def maps(self) -> Picture:
        """The transformation of each picture, drawn."""
        high, wide = bounds(self.height_factor, "height_factor"), bounds(self.width_factor, "width_factor")

        def moves(x: Array, ctx: Ctx) -> Array:
            down, right = (
                between(ctx, *limits, x, salt) * x.shape[1 + salt] for salt, limits in enumerate((high, wide))
            )
            one, zero = jnp.ones_like(down), jnp.zeros_like(down)
            return _maps([one, zero, -down], [zero, one, -right])

        return moves


class RandomContrast(RandomImage):
    """Multiply the distance of each number from its channel's mean by a random factor for each image.

    Args:
        factor: f for factors from 1 to `1 + f`, or (lower, upper) for `1 - lower` to `1 + upper`.
        value_range: what the results are cut to.
        seed: layers with the same seed draw the same numbers.
        data_format: "channels_last" or "channels_first"; None: the configured one.

    Input shape:
        `(batch, rows, columns, channels)` or one image, or channels before the rows; the output has the same.

    Raises:
        ValueError: a factor outside of [0, 1].

    Keras 3: RandomContrast

    Example:
        >>> RandomContrast(0.1)(jnp.ones((1, 4, 4, 3))).shape
        (1, 4, 4, 3)
    """

    def __init__(
        self,
        factor: Factor,
        value_range: Sequence[float] = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(seed, data_format, **kwargs)
        self.factor, self.value_range = bounds(factor, "factor", least=0), tuple(value_range)

    def change(self) -> Picture:
        """The pictures, changed at random."""
        (low, high), cut = self.factor, self.value_range

        def contrast(x: Array, ctx: Ctx) -> Array:
            by = (1 + between(ctx, -low, high, x, 0)).reshape((-1, 1, 1, 1)).astype(x.dtype)
            mean = jnp.mean(x, (1, 2), keepdims=True)
            return jnp.clip((x - mean) * by + mean, *cut)

        return contrast


class RandomBrightness(RandomImage):
    """Add a random number to each image.

    Args:
        factor: the largest part of the range to both sides, or (least, largest).
        value_range: of the images, and what the results are cut to.
        seed: layers with the same seed draw the same numbers.
        data_format: "channels_last" or "channels_first"; None: the configured one.

    Input shape:
        `(batch, rows, columns, channels)` or one image, or channels before the rows; the output has the same.

    Raises:
        ValueError: a factor outside of [-1, 1]; a range that is no pair.

    Keras 3: RandomBrightness

    Example:
        >>> RandomBrightness(0.1)(jnp.ones((1, 4, 4, 3))).shape
        (1, 4, 4, 3)
    """

    def __init__(
        self,
        factor: Factor,
        value_range: Sequence[float] = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(seed, data_format, **kwargs)
        if len(value_range) != 2:
            raise ValueError(f"`value_range` must be a pair. Received: {value_range!r}")
        self.factor, self.value_range = bounds(factor, "factor"), sorted(value_range)

    def change(self) -> Picture:
        """The pictures, changed at random."""
        (low, high), (least, most) = self.factor, self.value_range

        def brighten(x: Array, ctx: Ctx) -> Array:
            more = between(ctx, low, high, x, 0).reshape((-1, 1, 1, 1)) * (most - least)
            return jnp.clip(x + more.astype(x.dtype), least, most)

        return brighten


def _inner(x: Array, height: int, width: int) -> Array:
    """The part that begins where the largest middle of these proportions does, enlarged if it must be."""
    rows, columns = x.shape[1:3]
    high, wide = images.cropped(x[:1], height, width).shape[1:3]
    top, left = int((rows - high) / 2), int((columns - wide) / 2)
    part = x[:, top : top + height, left : left + width]
    return part if part.shape[1:3] == (height, width) else images.resize(part, height, width, "bilinear")


def bounds(factor: Factor, name: str, least: float = -1) -> tuple[float, float]:
    """(lowest, highest) of a factor, or of a pair."""
    if not isinstance(factor, (int, float)):
        pair = sorted(factor)
        if len(pair) == 2 and least <= pair[0] and pair[1] <= 1:
            return (pair[0], pair[1])
    elif least <= factor <= 1:
        return (max(-abs(factor), least), abs(factor))
    raise ValueError(f"`{name}` must be a number, or a pair, in the range [{least}, 1]. Received: {factor!r}")


def between(ctx: Ctx, low: float, high: float, x: Array, salt: int) -> Array:
    """A random number for each image."""
    return low + (high - low) * ctx.uniform((x.shape[0],), salt=salt)


def _maps(*rows: Sequence[Any]) -> Array:
    return jnp.stack([jnp.stack(row, -1) for row in rows], 1)
