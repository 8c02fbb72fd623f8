"""Pooling to an output of a given size."""

from __future__ import annotations

from typing import Any, Unpack

import jax.numpy as jnp

from jkeras.core import settings
from jkeras.core.arguments import LayerArguments, Window
from jkeras.core.types import INFERENCE, Array, Ctx, Function, Out, Pair, Params, State
from jkeras.engine.base_layer import InputSpec, Layer
from jkeras.layers._common import no_weights
from jkeras.primitives import conv_args, pool


class _AdaptivePooling(Layer):
    """A reduction over as many windows as the output has places; a subclass says which, and the rank."""

    reduce: Any = None  # a static function of (array, axis, keepdims)
    spatial: int

    def __init__(self, output_size: Window, data_format: str | None = None, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        self.output_size = conv_args.positive_tuple(output_size, self.spatial, "output_size")
        self.data_format = settings.normalize_data_format(data_format)

    def formula(self) -> Pair:
        reduce: Function = type(self).reduce
        size, format = self.output_size, self.data_format

        def apply(params: Params, state: State, x: Array, ctx: Ctx = INFERENCE) -> Out:
            return Out(pool.adaptive_pool(reduce, x, size, format))

        return Pair(no_weights, apply)


class AdaptiveAveragePooling1D(_AdaptivePooling):
    """Means over windows of a sequence, as many as the output has places.

    Args:
        output_size: how many places the output has.
        data_format: "channels_last" or "channels_first"; None: the configured one.

    Input shape:
        `(batch, steps, channels)`, or channels second.

    Output shape:
        `(batch, output_size, channels)`, or channels second.

    Raises:
        ValueError: a size of another form.

    Keras 3: AdaptiveAveragePooling1D

    Example:
        >>> import numpy as np
        >>> AdaptiveAveragePooling1D(2)(np.ones((1, 5, 3))).shape
        (1, 2, 3)
    """

    reduce = staticmethod(jnp.mean)
    spatial, input_spec = 1, InputSpec(ndim=3)


class AdaptiveAveragePooling2D(_AdaptivePooling):
    """Means over windows of an image, as many as the output has places.

    Args:
        output_size: how many places the output has, an int or one per axis.
        data_format: "channels_last" or "channels_first"; None: the configured one.

    Input shape:
        `(batch, rows, columns, channels)`, or channels second.

    Output shape:
        `(batch, *output_size, channels)`, or channels second.

    Raises:
        ValueError: a size of another form.

    Keras 3: AdaptiveAveragePooling2D

    Example:
        >>> import numpy as np
        >>> AdaptiveAveragePooling2D(2)(np.ones((1, 5, 4, 3))).shape
        (1, 2, 2, 3)
    """

    reduce = staticmethod(jnp.mean)
    spatial, input_spec = 2, InputSpec(ndim=4)


class AdaptiveAveragePooling3D(_AdaptivePooling):
    """Means over windows of a volume, as many as the output has places.

    Args:
        output_size: how many places the output has, an int or one per axis.
        data_format: "channels_last" or "channels_first"; None: the configured one.

    Input shape:
        `(batch, depth, rows, columns, channels)`, or channels second.

    Output shape:
        `(batch, *output_size, channels)`, or channels second.

    Raises:
        ValueError: a size of another form.

    Keras 3: AdaptiveAveragePooling3D

    Example:
        >>> import numpy as np
        >>> AdaptiveAveragePooling3D(2)(np.ones((1, 5, 4, 4, 3))).shape
        (1, 2, 2, 2, 3)
    """

    reduce = staticmethod(jnp.mean)
    spatial, input_spec = 3, InputSpec(ndim=5)


class AdaptiveMaxPooling1D(_AdaptivePooling):
    """Maxima over windows of a sequence, as many as the output has places.

    Args:
        output_size: how many places the output has.
        data_format: "channels_last" or "channels_first"; None: the configured one.

    Input shape:
        `(batch, steps, channels)`, or channels second.

    Output shape:
        `(batch, output_size, channels)`, or channels second.

    Raises:
        ValueError: a size of another form.

    Keras 3: AdaptiveMaxPooling1D

    Example:
        >>> import numpy as np
        >>> AdaptiveMaxPooling1D(2)(np.ones((1, 5, 3))).shape
        (1, 2, 3)
    """

    reduce = staticmethod(jnp.max)
    spatial, input_spec = 1, InputSpec(ndim=3)


class AdaptiveMaxPooling2D(_AdaptivePooling):
    """Maxima over windows of an image, as many as the output has places.

    Args:
        output_size: how many places the output has, an int or one per axis.
        data_format: "channels_last" or "channels_first"; None: the configured one.

    Input shape:
        `(batch, rows, columns, channels)`, or channels second.

    Output shape:
        `(batch, *output_size, channels)`, or channels second.

    Raises:
        ValueError: a size of another form.

    Keras 3: AdaptiveMaxPooling2D

    Example:
        >>> import numpy as np
        >>> AdaptiveMaxPooling2D(2)(np.ones((1, 5, 4, 3))).shape
        (1, 2, 2, 3)
    """

    reduce = staticmethod(jnp.max)
    spatial, input_spec = 2, InputSpec(ndim=4)


class AdaptiveMaxPooling3D(_AdaptivePooling):
    """Maxima over windows of a volume, as many as the output has places.

    Args:
        output_size: how many places the output has, an int or one per axis.
        data_format: "channels_last" or "channels_first"; None: the configured one.

    Input shape:
        `(batch, depth, rows, columns, channels)`, or channels second.

    Output shape:
        `(batch, *output_size, channels)`, or channels second.

    Raises:
        ValueError: a size of another form.

    Keras 3: AdaptiveMaxPooling3D

    Example:
        >>> import numpy as np
        >>> AdaptiveMaxPooling3D(2)(np.ones((1, 5, 4, 4, 3))).shape
        (1, 2, 2, 2, 3)
    """

    reduce = staticmethod(jnp.max)
    spatial, input_spec = 3, InputSpec(ndim=5)
