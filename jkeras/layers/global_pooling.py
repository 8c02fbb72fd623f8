"""Pooling over all places: one value per channel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import jax.numpy as jnp

from jkeras.compat.legacy_arguments import legacy
from jkeras.core import settings
from jkeras.core.arguments import LayerArguments
from jkeras.core.types import INFERENCE, Array, Ctx, Function, Out, Pair, Params, State, Tree
from jkeras.engine.base_layer import InputSpec, Layer
from jkeras.layers._common import floating, no_weights
from jkeras.primitives import conv_args


class _GlobalPooling(Layer):
    """Reduces all spatial axes, any rank."""

    reduction: Any = None  # a static function of (x, axes, keepdims=)
    data_format: str
    keepdims: bool = False
    unwritten = {"keepdims": False}

    def formula(self) -> Pair:
        reduction: Function = type(self).reduction
        format, keepdims = self.data_format, self.keepdims

        def apply(params: Params, state: State, x: Array, ctx: Ctx = INFERENCE) -> Out:
            return Out(reduction(x, conv_args.spatial_axes(format, x.ndim), keepdims=keepdims))

        return Pair(no_weights, apply)


def _mean(x: Array, axes: int | Sequence[int], keepdims: bool = False):
    return jnp.mean(floating(x), axes, keepdims=keepdims)


class GlobalMaxPooling1D(_GlobalPooling):
    """The maximum over all of a sequence.

    Args:
        data_format: "channels_last" or "channels_first".
        keepdims: whether the axes stay, with the size 1.

    Input shape:
        `(batch, steps, features)`, or features second.

    Output shape:
        `(batch, features)`.

    Raises:
        ValueError: an input of another rank, or an unknown `data_format`.

    Keras 2.2.4: keras/layers/pooling.py GlobalMaxPooling1D

    Example:
        >>> GlobalMaxPooling1D()(jnp.ones((1, 5, 3))).shape
        (1, 3)
    """

    reduction = staticmethod(jnp.max)
    input_spec = InputSpec(ndim=3)

    def __init__(
        self,
        data_format: str | None = "channels_last",
        keepdims: bool = False,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        self.data_format, self.keepdims = settings.normalize_data_format(data_format), keepdims


class GlobalMaxPooling2D(_GlobalPooling):
    """The maximum over all of an image.

    Args:
        data_format: "channels_last" or "channels_first"; None: the configured one.
        keepdims: whether the axes stay, with the size 1.

    Input shape:
        `(batch, rows, cols, channels)`, or channels second.

    Output shape:
        `(batch, channels)`.

    Raises:
        ValueError: an input of another rank, or an unknown `data_format`.

    Keras 2.2.4: keras/layers/pooling.py GlobalMaxPooling2D

    Example:
        >>> GlobalMaxPooling2D()(jnp.ones((1, 4, 5, 3))).shape
        (1, 3)
    """

    reduction = staticmethod(jnp.max)
    input_spec = InputSpec(ndim=4)

    @legacy("global_pooling")
    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **kwargs: Unpack[LayerArguments]
    ):
        super().__init__(**kwargs)
        self.data_format, self.keepdims = settings.normalize_data_format(data_format), keepdims


class GlobalMaxPooling3D(_GlobalPooling):
    """The maximum over all of a volume.

    Args:
        data_format: "channels_last" or "channels_first"; None: the configured one.
        keepdims: whether the axes stay, with the size 1.

    Input shape:
        `(batch, dim1, dim2, dim3, channels)`, or channels second.

    Output shape:
        `(batch, channels)`.

    Raises:
        ValueError: an input of another rank, or an unknown `data_format`.

    Keras 2.2.4: keras/layers/pooling.py GlobalMaxPooling3D

    Example:
        >>> GlobalMaxPooling3D()(jnp.ones((1, 4, 4, 4, 3))).shape
        (1, 3)
    """

    reduction = staticmethod(jnp.max)
    input_spec = InputSpec(ndim=5)

    @legacy("global_pooling")
    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **kwargs: Unpack[LayerArguments]
    ):
        super().__init__(**kwargs)
        self.data_format, self.keepdims = settings.normalize_data_format(data_format), keepdims


class GlobalAveragePooling1D(_GlobalPooling):
    """The mean over all of a sequence; masked steps do not count.

    Args:
        data_format: "channels_last" or "channels_first".
        keepdims: whether the axes stay, with the size 1.

    Input shape:
        `(batch, steps, features)`, or features second.

    Output shape:
        `(batch, features)`.

    Raises:
        ValueError: an input of another rank, or an unknown `data_format`.

    Keras 2.2.4: keras/layers/pooling.py GlobalAveragePooling1D

    Example:
        >>> GlobalAveragePooling1D()(jnp.ones((1, 5, 3))).shape
        (1, 3)
    """

    supports_masking = True
    reduction = staticmethod(_mean)
    input_spec = InputSpec(ndim=3)

    def __init__(
        self,
        data_format: str | None = "channels_last",
        keepdims: bool = False,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        self.data_format, self.keepdims = settings.normalize_data_format(data_format), keepdims

    def formula(self) -> Pair:
        """The mean of the steps that are not masked."""
        format, keepdims = self.data_format, self.keepdims

        def apply(params: Params, state: State, x: Array, ctx: Ctx = INFERENCE) -> Out:
            (axis,) = conv_args.spatial_axes(format, 3)
            if ctx.mask is None:
                return Out(_mean(x, axis, keepdims))
            mask = jnp.expand_dims(ctx.mask, 3 - axis).astype(
                floating(x).dtype
            )  # (batch, steps, 1), or steps last
            return Out(jnp.sum(x * mask, axis, keepdims=keepdims) / jnp.sum(mask, axis, keepdims=keepdims))

        return Pair(no_weights, apply)

    def compute_mask(self, inputs: Tree, mask: Tree = None):
        """None: the steps are gone; for subclasses that write their own `call`."""
        return None


class GlobalAveragePooling2D(_GlobalPooling):
    """The mean over all of an image.

    Args:
        data_format: "channels_last" or "channels_first"; None: the configured one.
        keepdims: whether the axes stay, with the size 1.

    Input shape:
        `(batch, rows, cols, channels)`, or channels second.

    Output shape:
        `(batch, channels)`.

    Raises:
        ValueError: an input of another rank, or an unknown `data_format`.

    Keras 2.2.4: keras/layers/pooling.py GlobalAveragePooling2D

    Example:
        >>> GlobalAveragePooling2D()(jnp.ones((1, 4, 5, 3))).shape
        (1, 3)
    """

    reduction = staticmethod(_mean)
    input_spec = InputSpec(ndim=4)

    @legacy("global_pooling")
    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **kwargs: Unpack[LayerArguments]
    ):
        super().__init__(**kwargs)
        self.data_format, self.keepdims = settings.normalize_data_format(data_format), keepdims


class GlobalAveragePooling3D(_GlobalPooling):
    """The mean over all of a volume.

    Args:
        data_format: "channels_last" or "channels_first"; None: the configured one.
        keepdims: whether the axes stay, with the size 1.

    Input shape:
        `(batch, dim1, dim2, dim3, channels)`, or channels second.

    Output shape:
        `(batch, channels)`.

    Raises:
        ValueError: an input of another rank, or an unknown `data_format`.

    Keras 2.2.4: keras/layers/pooling.py GlobalAveragePooling3D

    Example:
        >>> GlobalAveragePooling3D()(jnp.ones((1, 4, 4, 4, 3))).shape
        (1, 3)
    """

    reduction = staticmethod(_mean)
    input_spec = InputSpec(ndim=5)

    @legacy("global_pooling")
    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **kwargs: Unpack[LayerArguments]
    ):
        super().__init__(**kwargs)
        self.data_format, self.keepdims = settings.normalize_data_format(data_format), keepdims


GlobalAvgPool1D = GlobalAveragePooling1D
GlobalMaxPool1D = GlobalMaxPooling1D
GlobalAvgPool2D = GlobalAveragePooling2D
GlobalMaxPool2D = GlobalMaxPooling2D
GlobalAvgPool3D = GlobalAveragePooling3D
GlobalMaxPool3D = GlobalMaxPooling3D
