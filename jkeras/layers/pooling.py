"""Pooling: over windows, and over everything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jkeras.compat.legacy_arguments import legacy
from jkeras.core.types import INFERENCE, Out, Pair
from jkeras.engine.base_layer import InputSpec, Layer
from jkeras.layers._common import begin, no_weights
from jkeras.primitives import conv_args, pool


class _Pooling(Layer):
    """Pooling over windows, any rank."""

    pooling: Any = None  # a static function of (x, size, strides, padding, format)

    def start(self, arguments: dict, rank: int) -> None:
        """Take the `locals()` of `__init__`: strides default to the window."""
        if arguments["strides"] is None:
            arguments = arguments | {"strides": arguments["pool_size"]}
        begin(self, arguments, rank)
        self.padding = conv_args.padding_mode(arguments["padding"])
        self.input_spec = InputSpec(ndim=rank + 2)

    def formula(self) -> Pair:
        pooling: Callable = type(self).pooling
        size, strides, padding, format = self.pool_size, self.strides, self.padding, self.data_format

        def apply(params, state, x, ctx=INFERENCE):
            return Out(pooling(x, size, strides, padding, format))

        return Pair(no_weights, apply)


class MaxPooling1D(_Pooling):
    """The maximum over windows of a sequence.

    Args:
        pool_size: the window, an int.
        strides: its step; None: the window's size.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first".

    Input shape:
        `(batch, steps, features)`, or features second.

    Output shape:
        `(batch, new_steps, features)`, or features second.

    Raises:
        ValueError: the window is larger than the input.

    Keras 2.2.4: keras/layers/pooling.py MaxPooling1D

    Example:
        >>> import numpy as np
        >>> MaxPooling1D()(np.ones((1, 5, 3))).shape
        (1, 2, 3)
    """

    pooling = staticmethod(pool.max_pool)

    @legacy("pooling1d")
    def __init__(self, pool_size=2, strides=None, padding="valid", data_format="channels_last", **kwargs):
        self.start(locals(), 1)


class MaxPooling2D(_Pooling):
    """The maximum over windows of an image.

    Args:
        pool_size: the window, an int or one per axis.
        strides: its step; None: the window's size.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; None: the configured one.

    Input shape:
        `(batch, rows, cols, channels)`, or channels second.

    Output shape:
        `(batch, new_rows, new_cols, channels)`, or channels second.

    Raises:
        ValueError: the window is larger than the input.

    Keras 2.2.4: keras/layers/pooling.py MaxPooling2D

    Example:
        >>> import numpy as np
        >>> MaxPooling2D()(np.ones((1, 4, 5, 3))).shape
        (1, 2, 2, 3)
    """

    pooling = staticmethod(pool.max_pool)

    @legacy("pooling")
    def __init__(self, pool_size=(2, 2), strides=None, padding="valid", data_format=None, **kwargs):
        self.start(locals(), 2)


class MaxPooling3D(_Pooling):
    """The maximum over windows of a volume.

    Args:
        pool_size: the window, an int or one per axis.
        strides: its step; None: the window's size.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; None: the configured one.

    Input shape:
        `(batch, dim1, dim2, dim3, channels)`, or channels second.

    Output shape:
        `(batch, new_dim1, new_dim2, new_dim3, channels)`, or channels second.

    Raises:
        ValueError: the window is larger than the input.

    Keras 2.2.4: keras/layers/pooling.py MaxPooling3D

    Example:
        >>> import numpy as np
        >>> MaxPooling3D()(np.ones((1, 4, 4, 4, 3))).shape
        (1, 2, 2, 2, 3)
    """

    pooling = staticmethod(pool.max_pool)

    @legacy("pooling")
    def __init__(self, pool_size=(2, 2, 2), strides=None, padding="valid", data_format=None, **kwargs):
        self.start(locals(), 3)


class AveragePooling1D(_Pooling):
    """The mean over windows of a sequence (padded places are not counted).

    Args:
        pool_size: the window, an int.
        strides: its step; None: the window's size.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first".

    Input shape:
        `(batch, steps, features)`, or features second.

    Output shape:
        `(batch, new_steps, features)`, or features second.

    Raises:
        ValueError: the window is larger than the input.

    Keras 2.2.4: keras/layers/pooling.py AveragePooling1D

    Example:
        >>> import numpy as np
        >>> AveragePooling1D()(np.ones((1, 5, 3))).shape
        (1, 2, 3)
    """

    pooling = staticmethod(pool.average_pool)

    @legacy("pooling1d")
    def __init__(self, pool_size=2, strides=None, padding="valid", data_format="channels_last", **kwargs):
        self.start(locals(), 1)


class AveragePooling2D(_Pooling):
    """The mean over windows of an image (padded places are not counted).

    Args:
        pool_size: the window, an int or one per axis.
        strides: its step; None: the window's size.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; None: the configured one.

    Input shape:
        `(batch, rows, cols, channels)`, or channels second.

    Output shape:
        `(batch, new_rows, new_cols, channels)`, or channels second.

    Raises:
        ValueError: the window is larger than the input.

    Keras 2.2.4: keras/layers/pooling.py AveragePooling2D

    Example:
        >>> import numpy as np
        >>> AveragePooling2D()(np.ones((1, 4, 5, 3))).shape
        (1, 2, 2, 3)
    """

    pooling = staticmethod(pool.average_pool)

    @legacy("pooling")
    def __init__(self, pool_size=(2, 2), strides=None, padding="valid", data_format=None, **kwargs):
        self.start(locals(), 2)


class AveragePooling3D(_Pooling):
    """The mean over windows of a volume (padded places are not counted).

    Args:
        pool_size: the window, an int or one per axis.
        strides: its step; None: the window's size.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; None: the configured one.

    Input shape:
        `(batch, dim1, dim2, dim3, channels)`, or channels second.

    Output shape:
        `(batch, new_dim1, new_dim2, new_dim3, channels)`, or channels second.

    Raises:
        ValueError: the window is larger than the input.

    Keras 2.2.4: keras/layers/pooling.py AveragePooling3D

    Example:
        >>> import numpy as np
        >>> AveragePooling3D()(np.ones((1, 4, 4, 4, 3))).shape
        (1, 2, 2, 2, 3)
    """

    pooling = staticmethod(pool.average_pool)

    @legacy("pooling")
    def __init__(self, pool_size=(2, 2, 2), strides=None, padding="valid", data_format=None, **kwargs):
        self.start(locals(), 3)


AvgPool1D = AveragePooling1D
MaxPool1D = MaxPooling1D
AvgPool2D = AveragePooling2D
MaxPool2D = MaxPooling2D
AvgPool3D = AveragePooling3D
MaxPool3D = MaxPooling3D
