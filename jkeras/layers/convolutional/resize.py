"""Layers that repeat, pad or cut spatial axes: UpSampling, ZeroPadding, Cropping."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import functools
from typing import Any, Unpack

import jax.numpy as jnp

from jkeras.compat.legacy_arguments import legacy
from jkeras.core import settings
from jkeras.core.arguments import (
    LayerArguments,
    Margins,
    Window,
)
from jkeras.core.types import INFERENCE, Array, Ctx, Function, Length, Out, Pair, Params, State
from jkeras.engine.base_layer import InputSpec, Layer
from jkeras.layers._common import no_weights
from jkeras.primitives import conv_args
from jkeras.primitives.resize import bilinear, repeat


class _UpSampling(Layer):
    """Repeats along every spatial axis."""

    size: tuple[int, ...]
    data_format = "channels_last"
    interpolation = "nearest"

    def formula(self) -> Pair:
        size, format = self.size, self.data_format
        stretch: Function = bilinear if self.interpolation == "bilinear" else repeat

        def apply(params: Params, state: State, x: Array, ctx: Ctx = INFERENCE) -> Out:
            axes = zip(conv_args.spatial_axes(format, x.ndim), size, strict=True)
            return Out(functools.reduce(lambda y, a: stretch(y, a[1], a[0]), reversed(list(axes)), x))

        return Pair(no_weights, apply)


class UpSampling1D(_UpSampling):
    """Every step of a sequence `size` times.

    Args:
        size: factor.

    Input shape:
        `(batch, steps, features)`.

    Output shape:
        `(batch, steps * size, features)`.

    Raises:
        ValueError: `size` is not a positive integer, or the input has another rank.

    Keras 2.2.4: keras/layers/convolutional.py UpSampling1D

    Example:
        >>> UpSampling1D(2)(jnp.ones((1, 3, 2))).shape
        (1, 6, 2)
    """

    input_spec = InputSpec(ndim=3)

    @legacy("upsampling1d")
    def __init__(self, size: Window = 2, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        self.size = conv_args.positive_tuple(size, 1, "size")

    def get_config(self) -> dict[str, Any]:
        """As Keras: `size` is a number."""
        return super().get_config() | {"size": self.size[0]}


class UpSampling2D(_UpSampling):
    """Every row and column of an image repeated, or interpolated linearly.

    Args:
        size: factors of rows and columns.
        data_format: "channels_last" or "channels_first"; None: the configured one.
        interpolation: "nearest" or "bilinear" (place `p` of the output reads place `p / size` of the input).

    Input shape:
        `(batch, rows, cols, channels)`, or channels second.

    Output shape:
        `(batch, rows * size[0], cols * size[1], channels)`, or channels second.

    Raises:
        ValueError: unknown interpolation.

    Keras 2.2.4: keras/layers/convolutional.py UpSampling2D

    Example:
        >>> UpSampling2D((2, 3))(jnp.ones((1, 3, 3, 2))).shape
        (1, 6, 9, 2)
    """

    input_spec = InputSpec(ndim=4)

    @legacy("upsampling")
    def __init__(
        self,
        size: Window = (2, 2),
        data_format: str | None = None,
        interpolation: str = "nearest",
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        self.size = conv_args.positive_tuple(size, 2, "size")
        self.data_format = settings.normalize_data_format(data_format)
        if interpolation not in ("nearest", "bilinear"):
            raise ValueError(
                f'interpolation should be one of "nearest" or "bilinear". Received: {interpolation!r}'
            )
        self.interpolation = interpolation


class UpSampling3D(_UpSampling):
    """Every plane, row and column of a volume repeated.

    Args:
        size: factors of the three axes.
        data_format: "channels_last" or "channels_first"; None: the configured one.

    Input shape:
        `(batch, dim1, dim2, dim3, channels)`, or channels second.

    Output shape:
        The same with `dim_i * size[i]`.

    Raises:
        ValueError: `size` does not hold three positive integers, or the input has another rank.

    Keras 2.2.4: keras/layers/convolutional.py UpSampling3D

    Example:
        >>> UpSampling3D()(jnp.ones((1, 2, 2, 2, 1))).shape
        (1, 4, 4, 4, 1)
    """

    input_spec = InputSpec(ndim=5)

    @legacy("upsampling")
    def __init__(
        self, size: Window = (2, 2, 2), data_format: str | None = None, **kwargs: Unpack[LayerArguments]
    ):
        super().__init__(**kwargs)
        self.size = conv_args.positive_tuple(size, 3, "size")
        self.data_format = settings.normalize_data_format(data_format)


class _ZeroPadding(Layer):
    """Zeros around every spatial axis."""

    padding: tuple[tuple[int, int], ...]
    data_format = "channels_last"

    def formula(self) -> Pair:
        widths = conv_args.spread(self.data_format, self.padding, (0, 0))

        def apply(params: Params, state: State, x: Array, ctx: Ctx = INFERENCE) -> Out:
            return Out(jnp.pad(x, widths))

        return Pair(no_weights, apply)


class ZeroPadding1D(_ZeroPadding):
    """Zero steps before and after a sequence.

    Args:
        padding: how many; an int, or (before, after).

    Input shape:
        `(batch, steps, features)`.

    Output shape:
        `(batch, steps + before + after, features)`.

    Raises:
        ValueError: `padding` has another form, or the input another rank.

    Keras 2.2.4: keras/layers/convolutional.py ZeroPadding1D

    Example:
        >>> ZeroPadding1D((0, 2))(jnp.ones((1, 3, 2))).shape
        (1, 5, 2)
    """

    input_spec = InputSpec(ndim=3)

    def __init__(self, padding: Margins = 1, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        self.padding = conv_args.margins((padding,), 1, "padding")

    def get_config(self) -> dict[str, Any]:
        """As Keras: one pair."""
        return super().get_config() | {"padding": self.padding[0]}


class ZeroPadding2D(_ZeroPadding):
    """Zero rows and columns around an image.

    Args:
        padding: an int, (rows, cols), or ((top, bottom), (left, right)).
        data_format: "channels_last" or "channels_first"; None: the configured one.

    Input shape:
        `(batch, rows, cols, channels)`, or channels second.

    Output shape:
        The same with more rows and columns.

    Raises:
        ValueError: `padding` has another form, or the input another rank.

    Keras 2.2.4: keras/layers/convolutional.py ZeroPadding2D

    Example:
        >>> ZeroPadding2D(((0, 1), (2, 0)))(jnp.ones((1, 3, 3, 1))).shape
        (1, 4, 5, 1)
    """

    input_spec = InputSpec(ndim=4)

    @legacy("zero_padding2d")
    def __init__(
        self, padding: Margins = (1, 1), data_format: str | None = None, **kwargs: Unpack[LayerArguments]
    ):
        super().__init__(**kwargs)
        self.padding = conv_args.margins(padding, 2, "padding")
        self.data_format = settings.normalize_data_format(data_format)


class ZeroPadding3D(_ZeroPadding):
    """Zero planes around a volume.

    Args:
        padding: an int, three ints, or three pairs (before, after).
        data_format: "channels_last" or "channels_first"; None: the configured one.

    Input shape:
        `(batch, dim1, dim2, dim3, channels)`, or channels second.

    Output shape:
        The same with longer axes.

    Raises:
        ValueError: `padding` has another form, or the input another rank.

    Keras 2.2.4: keras/layers/convolutional.py ZeroPadding3D

    Example:
        >>> ZeroPadding3D(1)(jnp.ones((1, 2, 2, 2, 1))).shape
        (1, 4, 4, 4, 1)
    """

    input_spec = InputSpec(ndim=5)

    @legacy("zero_padding3d")
    def __init__(
        self, padding: Margins = (1, 1, 1), data_format: str | None = None, **kwargs: Unpack[LayerArguments]
    ):
        super().__init__(**kwargs)
        self.padding = conv_args.margins(padding, 3, "padding")
        self.data_format = settings.normalize_data_format(data_format)


class _Cropping(Layer):
    """Cuts off both ends of every spatial axis."""

    cropping: tuple[tuple[int, int], ...]
    data_format = "channels_last"

    def formula(self) -> Pair:
        cropping, format = self.cropping, self.data_format
        cuts = [slice(before, -after or None) for before, after in cropping]
        index = tuple(conv_args.spread(format, cuts, slice(None)))

        def apply(params: Params, state: State, x: Array, ctx: Ctx = INFERENCE) -> Out:
            for axis, (before, after) in zip(conv_args.spatial_axes(format, x.ndim), cropping, strict=True):
                length: Length = x.shape[axis]
                if isinstance(length, int) and before + after > length:
                    raise ValueError(
                        f"the cropping is larger than the input: {before} + {after} of length {length}"
                    )
            return Out(x[index])

        return Pair(no_weights, apply)


class Cropping1D(_Cropping):
    """A sequence without its first and last steps.

    Args:
        cropping: how many steps to cut; an int, or (before, after).

    Input shape:
        `(batch, steps, features)`.

    Output shape:
        `(batch, steps - before - after, features)`.

    Raises:
        ValueError: more is cut than there is (nothing may be left).

    Keras 2.2.4: keras/layers/convolutional.py Cropping1D

    Example:
        >>> Cropping1D((0, 2))(jnp.ones((1, 3, 2))).shape
        (1, 1, 2)
    """

    input_spec = InputSpec(ndim=3)

    def __init__(self, cropping: Margins = (1, 1), **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        self.cropping = conv_args.margins((cropping,), 1, "cropping")

    def get_config(self) -> dict[str, Any]:
        """As Keras: one pair."""
        return super().get_config() | {"cropping": self.cropping[0]}


class Cropping2D(_Cropping):
    """An image without its border.

    Args:
        cropping: an int, (rows, cols), or ((top, bottom), (left, right)).
        data_format: "channels_last" or "channels_first"; None: the configured one.

    Input shape:
        `(batch, rows, cols, channels)`, or channels second.

    Output shape:
        The same with fewer rows and columns.

    Raises:
        ValueError: more is cut than there is (nothing may be left).

    Keras 2.2.4: keras/layers/convolutional.py Cropping2D

    Example:
        >>> Cropping2D(((1, 0), (1, 1)))(jnp.ones((1, 3, 3, 1))).shape
        (1, 2, 1, 1)
    """

    input_spec = InputSpec(ndim=4)

    @legacy("cropping")
    def __init__(
        self,
        cropping: Margins = ((0, 0), (0, 0)),
        data_format: str | None = None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        self.cropping = conv_args.margins(cropping, 2, "cropping")
        self.data_format = settings.normalize_data_format(data_format)


class Cropping3D(_Cropping):
    """A volume without its border.

    Args:
        cropping: an int, three ints, or three pairs (before, after).
        data_format: "channels_last" or "channels_first"; None: the configured one.

    Input shape:
        `(batch, dim1, dim2, dim3, channels)`, or channels second.

    Output shape:
        The same with shorter axes.

    Raises:
        ValueError: more is cut than there is (nothing may be left).

    Keras 2.2.4: keras/layers/convolutional.py Cropping3D

    Example:
        >>> Cropping3D()(jnp.ones((1, 3, 3, 3, 1))).shape
        (1, 1, 1, 1, 1)
    """

    input_spec = InputSpec(ndim=5)

    @legacy("cropping")
    def __init__(
        self,
        cropping: Margins = ((1, 1), (1, 1), (1, 1)),
        data_format: str | None = None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        self.cropping = conv_args.margins(cropping, 3, "cropping")
        self.data_format = settings.normalize_data_format(data_format)
