"""The base classes and helpers inside Keras's layer modules, for packages that subclass or ask for them.

Here one base serves all ranks, so that of Keras for one rank counts the layers of that rank as its own:
`isinstance(MaxPooling2D(), _Pooling2D)`.
"""

# pyright: reportPrivateUsage=false, reportUnusedClass=false, reportUnusedFunction=false
from __future__ import annotations

from typing import Any, Unpack

from jkeras import backend as K
from jkeras.core import settings
from jkeras.core.arguments import (
    ActivationLike,
    ConstraintLike,
    InitializerLike,
    Integer,
    LayerArguments,
    Margins,
    RegularizerLike,
    Window,
)
from jkeras.core.types import AnyList, AnyTuple
from jkeras.engine.base_layer import InputSpec
from jkeras.layers import global_pooling, pooling
from jkeras.layers.convolutional import conv, resize, separable
from jkeras.primitives.conv_args import positive_int, positive_tuple


class _Kin(type):
    """Counts the layers in `kin`, and what is derived from them, as subclasses."""

    def __subclasscheck__(cls, other: Any) -> bool:
        return super().__subclasscheck__(other) or issubclass(other, vars(cls).get("kin", ()))

    def __instancecheck__(cls, thing: Any) -> bool:
        return issubclass(type(thing), cls)


class _Conv(conv._Conv, metaclass=_Kin):
    """A convolution of any rank.

    Args:
        rank: number of spatial axes.
        filters, kernel_size, ...: as of `Conv2D`.

    Keras 2.2.4: keras/layers/convolutional.py _Conv
    """

    kin = (conv._Conv,)

    def __init__(
        self,
        rank: int,
        filters: Integer,
        kernel_size: Window,
        strides: Window = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Window = 1,
        activation: ActivationLike = None,
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        self.rank, self.input_spec = rank, InputSpec(ndim=rank + 2)
        self._set_window(rank, kernel_size, strides, padding, data_format, ("valid", "same", "causal"))
        self._set_output(activation, use_bias, activity_regularizer)
        self._set_kernel(kernel_initializer, kernel_regularizer, kernel_constraint)
        self._set_bias(bias_initializer, bias_regularizer, bias_constraint)
        self.filters = positive_int(filters, "filters")
        self.dilation_rate = positive_tuple(dilation_rate, rank, "dilation_rate")


class _SeparableConv(separable._SeparableConv, metaclass=_Kin):
    """A separable convolution of any rank.

    Args:
        rank: number of spatial axes.
        filters, kernel_size, ...: as of `SeparableConv2D`.

    Keras 2.2.4: keras/layers/convolutional.py _SeparableConv
    """

    kin = (separable._SeparableConv,)

    def __init__(
        self,
        rank: int,
        filters: Integer,
        kernel_size: Window,
        strides: Window = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Window = 1,
        depth_multiplier: Integer = 1,
        activation: ActivationLike = None,
        use_bias: bool = True,
        depthwise_initializer: InitializerLike = "glorot_uniform",
        pointwise_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        depthwise_regularizer: RegularizerLike = None,
        pointwise_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        depthwise_constraint: ConstraintLike = None,
        pointwise_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        self.rank, self.input_spec = rank, InputSpec(ndim=rank + 2)
        self._set_window(rank, kernel_size, strides, padding, data_format)
        self._set_output(activation, use_bias, activity_regularizer)
        self._set_depthwise(depthwise_initializer, depthwise_regularizer, depthwise_constraint)
        self._set_pointwise(pointwise_initializer, pointwise_regularizer, pointwise_constraint)
        self._set_bias(bias_initializer, bias_regularizer, bias_constraint)
        self.filters = positive_int(filters, "filters")
        self.dilation_rate = positive_tuple(dilation_rate, rank, "dilation_rate")
        self.depth_multiplier = positive_int(depth_multiplier, "depth_multiplier")

    def get_config(self) -> dict[str, Any]:
        """As Keras: without the rank."""
        return {key: value for key, value in super().get_config().items() if key != "rank"}


def _for_each_axis(layer: Any, values: Any, data_format: str | None) -> tuple[Any, ...]:
    """Values for each spatial axis, whose number makes the rank of the layer."""
    layer.data_format = settings.normalize_data_format(data_format)
    layer.rank, layer.input_spec = len(values), InputSpec(ndim=len(values) + 2)
    return tuple(values)


class _UpSampling(resize._UpSampling, metaclass=_Kin):
    """Repeats along every spatial axis; `size` has one factor for each.

    Keras 2.2.4: keras/layers/convolutional.py _UpSampling
    """

    kin = (resize._UpSampling,)

    def __init__(self, size: Window, data_format: str | None = None, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        self.size = _for_each_axis(self, size, data_format)


class _ZeroPadding(resize._ZeroPadding, metaclass=_Kin):
    """Zeros around every spatial axis; `padding` has a pair (before, after) for each.

    Keras 2.2.4: keras/layers/convolutional.py _ZeroPadding
    """

    kin = (resize._ZeroPadding,)

    def __init__(self, padding: Margins, data_format: str | None = None, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        self.padding = _for_each_axis(self, padding, data_format)


class _Cropping(resize._Cropping, metaclass=_Kin):
    """Cuts off both ends of every spatial axis; `cropping` has a pair (before, after) for each.

    Keras 2.2.4: keras/layers/convolutional.py _Cropping
    """

    kin = (resize._Cropping,)

    def __init__(self, cropping: Margins, data_format: str | None = None, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        self.cropping = _for_each_axis(self, cropping, data_format)


class _Windows(pooling._Pooling, metaclass=_Kin):
    """Pooling by the `_pooling_function(inputs, pool_size, strides, padding, data_format)` of a subclass."""

    def call(self, inputs: Any) -> Any:
        """The subclass's result for the windows."""
        return self._pooling_function(  # type: ignore[attr-defined]
            inputs=inputs,
            pool_size=self.pool_size,
            strides=self.strides,
            padding=self.padding,
            data_format=self.data_format,
        )


class _Pooling1D(_Windows):
    """Pooling over a sequence; `_pooling_function` gets it as an image of width 1, with windows of width 1.

    Keras 2.2.4: keras/layers/pooling.py _Pooling1D
    """

    kin = (pooling.MaxPooling1D, pooling.AveragePooling1D)
    input_spec = InputSpec(ndim=3)

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

    def call(self, inputs: Any) -> Any:
        """The subclass's result for the windows."""
        axis = 2 if self.data_format == "channels_last" else 3
        output = self._pooling_function(  # type: ignore[attr-defined]
            inputs=K.expand_dims(inputs, axis),
            pool_size=(*self.pool_size, 1),
            strides=(*self.strides, 1),
            padding=self.padding,
            data_format=self.data_format,
        )
        return K.squeeze(output, axis)


class _Pooling2D(_Windows):
    """Pooling over an image.

    Keras 2.2.4: keras/layers/pooling.py _Pooling2D
    """

    kin = (pooling.MaxPooling2D, pooling.AveragePooling2D)
    input_spec = InputSpec(ndim=4)

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


class _Pooling3D(_Windows):
    """Pooling over a volume.

    Keras 2.2.4: keras/layers/pooling.py _Pooling3D
    """

    kin = (pooling.MaxPooling3D, pooling.AveragePooling3D)
    input_spec = InputSpec(ndim=5)

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


class _Everything(global_pooling._GlobalPooling, metaclass=_Kin):
    """Pooling over all spatial axes, as the `call` of a subclass says."""

    rank: int

    def __init__(self, data_format: str | None = None, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        self.data_format = settings.normalize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)


class _GlobalPooling1D(_Everything):
    """Pooling over all of a sequence.

    Keras 2.2.4: keras/layers/pooling.py _GlobalPooling1D
    """

    kin = (global_pooling.GlobalMaxPooling1D, global_pooling.GlobalAveragePooling1D)
    rank = 1

    def __init__(self, data_format: str | None = "channels_last", **kwargs: Unpack[LayerArguments]):
        super().__init__(data_format, **kwargs)


class _GlobalPooling2D(_Everything):
    """Pooling over all of an image.

    Keras 2.2.4: keras/layers/pooling.py _GlobalPooling2D
    """

    kin = (global_pooling.GlobalMaxPooling2D, global_pooling.GlobalAveragePooling2D)
    rank = 2


class _GlobalPooling3D(_Everything):
    """Pooling over all of a volume.

    Keras 2.2.4: keras/layers/pooling.py _GlobalPooling3D
    """

    kin = (global_pooling.GlobalMaxPooling3D, global_pooling.GlobalAveragePooling3D)
    rank = 3


def _generate_dropout_mask(ones: Any, rate: Any, training: Any = None, count: int = 1):
    """The factors of a cell: `ones`, a share of `rate` of them dropped in training; `count` times.

    Returns:
        A tensor; a list of them for a `count` above 1.

    Keras 2.2.4: keras/layers/recurrent.py _generate_dropout_mask
    """
    masks = [K.in_train_phase(lambda: K.dropout(ones, rate), ones, training=training) for _ in range(count)]
    return masks if count > 1 else masks[0]


def _standardize_args(inputs: Any, initial_state: Any, constants: Any, num_constants: int | None):
    """The arguments of a recurrent layer's call apart: a list of inputs ends in the state and the constants.

    Args:
        inputs: tensor; or a list that starts with it.
        initial_state, constants: tensor, list or None.
        num_constants: how many tensors at the end of a list of inputs are constants; None for none.

    Returns:
        (inputs, initial_state, constants): a tensor and two lists or None.

    Keras 2.2.4: keras/layers/recurrent.py _standardize_args

    Example:
        >>> _standardize_args(["x", "h", "c"], None, None, 1)
        ('x', ['h'], ['c'])
    """
    if isinstance(inputs, AnyList):
        assert initial_state is None and constants is None
        if num_constants is not None:
            inputs, constants = inputs[:-num_constants], inputs[-num_constants:]
        inputs, *states = inputs
        initial_state = states or None
    return inputs, _list_or_none(initial_state), _list_or_none(constants)


def _list_or_none(x: Any) -> list[Any] | None:
    if x is None or isinstance(x, AnyList):
        return x
    return list(x) if isinstance(x, AnyTuple) else [x]
