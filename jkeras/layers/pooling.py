"""Pooling: over windows, and over everything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from jkeras.compat.legacy_arguments import legacy
from jkeras.core import settings
from jkeras.core.arguments import LayerArguments, Window
from jkeras.core.types import INFERENCE, Array, Ctx, Function, Out, Pair, Params, State
from jkeras.engine.base_layer import InputSpec, Layer
from jkeras.layers._common import no_weights
from jkeras.primitives import conv_args, pool

if TYPE_CHECKING:  # found by the table of `compat/module_aliases.py`
    from jkeras.layers.global_pooling import GlobalAveragePooling1D as GlobalAveragePooling1D
    from jkeras.layers.global_pooling import GlobalAveragePooling2D as GlobalAveragePooling2D
    from jkeras.layers.global_pooling import GlobalAveragePooling3D as GlobalAveragePooling3D
    from jkeras.layers.global_pooling import GlobalAvgPool1D as GlobalAvgPool1D
    from jkeras.layers.global_pooling import GlobalAvgPool2D as GlobalAvgPool2D
    from jkeras.layers.global_pooling import GlobalAvgPool3D as GlobalAvgPool3D
    from jkeras.layers.global_pooling import GlobalMaxPool1D as GlobalMaxPool1D
    from jkeras.layers.global_pooling import GlobalMaxPool2D as GlobalMaxPool2D
    from jkeras.layers.global_pooling import GlobalMaxPool3D as GlobalMaxPool3D
    from jkeras.layers.global_pooling import GlobalMaxPooling1D as GlobalMaxPooling1D
    from jkeras.layers.global_pooling import GlobalMaxPooling2D as GlobalMaxPooling2D
    from jkeras.layers.global_pooling import GlobalMaxPooling3D as GlobalMaxPooling3D


class _Pooling(Layer):
    """Pooling over windows, any rank."""

    pooling: Any = None  # a static function of (x, size, strides, padding, format)

    def _set_window(
        self, rank: int, pool_size: Window, strides: Window | None, padding: str, data_format: str | None
    ) -> None:
        self.pool_size = conv_args.positive_tuple(pool_size, rank, "pool_size")
        self.strides = conv_args.positive_tuple(pool_size if strides is None else strides, rank, "strides")
        self.padding = conv_args.padding_mode(padding)
        self.data_format = settings.normalize_data_format(data_format)

    def formula(self) -> Pair:
        pooling: Function = type(self).pooling
        size, strides, padding, format = self.pool_size, self.strides, self.padding, self.data_format

        def apply(params: Params, state: State, x: Array, ctx: Ctx = INFERENCE) -> Out:
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
    input_spec = InputSpec(ndim=3)

    @legacy("pooling1d")
    def __init__(
        self,
        pool_size: Window = 2,
        strides: Window | None = None,
        padding: str = "valid",
        data_format: str | None = "channels_last",
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        self._set_window(1, pool_size, strides, padding, data_format)


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
    input_spec = InputSpec(ndim=4)

    @legacy("pooling")
    def __init__(
        self,
        pool_size: Window = (2, 2),
        strides: Window | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        self._set_window(2, pool_size, strides, padding, data_format)


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
    input_spec = InputSpec(ndim=5)

    @legacy("pooling")
    def __init__(
        self,
        pool_size: Window = (2, 2, 2),
        strides: Window | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        self._set_window(3, pool_size, strides, padding, data_format)


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
    input_spec = InputSpec(ndim=3)

    @legacy("pooling1d")
    def __init__(
        self,
        pool_size: Window = 2,
        strides: Window | None = None,
        padding: str = "valid",
        data_format: str | None = "channels_last",
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        self._set_window(1, pool_size, strides, padding, data_format)


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
    input_spec = InputSpec(ndim=4)

    @legacy("pooling")
    def __init__(
        self,
        pool_size: Window = (2, 2),
        strides: Window | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        self._set_window(2, pool_size, strides, padding, data_format)


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
    input_spec = InputSpec(ndim=5)

    @legacy("pooling")
    def __init__(
        self,
        pool_size: Window = (2, 2, 2),
        strides: Window | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        self._set_window(3, pool_size, strides, padding, data_format)


AvgPool1D = AveragePooling1D
MaxPool1D = MaxPooling1D
AvgPool2D = AveragePooling2D
MaxPool2D = MaxPooling2D
AvgPool3D = AveragePooling3D
MaxPool3D = MaxPooling3D
