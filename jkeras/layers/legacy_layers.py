"""Classes of Keras 1 that Keras 2.2.4 still lists: some work, the others say what took their place."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, TypeVar, Unpack

import jax.numpy as jnp

from jkeras import activations, constraints, initializers, regularizers
from jkeras.core.arguments import (
    ActivationLike,
    ConstraintLike,
    InitializerLike,
    Integer,
    RegularizerLike,
    SharedArguments,
)
from jkeras.core.types import INFERENCE, Array, Ctx, Key, Out, Pair, Params, Shape, State, Weights
from jkeras.engine.base_layer import InputSpec, Layer, draw
from jkeras.layers._common import check_axis
from jkeras.layers.convolutional.conv import Conv1D, Conv2D
from jkeras.layers.merge import Add, Average, Concatenate, Dot, Maximum, Multiply
from jkeras.layers.recurrent.legacy import Recurrent as Recurrent
from jkeras.layers.serialization import called_as_class

L = TypeVar("L", bound=Layer)


class _Keras1Layer(Layer):
    """A layer with Keras 1 argument names; `init` draws the kernels, biases start at fixed values."""

    input_spec = InputSpec(ndim=2)

    def _start(
        self,
        init: InitializerLike,
        weights: Sequence[Any] | None,
        bias: bool,
        input_dim: Integer | None,
        activity_regularizer: RegularizerLike,
        kwargs: SharedArguments,
    ) -> None:
        if input_dim:
            kwargs["input_shape"] = (input_dim,)
        super().__init__(weights=weights, **kwargs)
        self.init = self.W_initializer = initializers.get(init)
        self.b_initializer = initializers.get("zeros")
        self.bias, self.input_dim = bias, input_dim
        self.activity_regularizer = regularizers.get(activity_regularizer)
        warnings.warn(f"The `{type(self).__name__}` layer is deprecated.", stacklevel=3)

    def _set_rules(
        self,
        W_regularizer: RegularizerLike,
        b_regularizer: RegularizerLike,
        W_constraint: ConstraintLike,
        b_constraint: ConstraintLike,
    ) -> None:
        self.W_regularizer, self.b_regularizer = map(regularizers.get, (W_regularizer, b_regularizer))
        self.W_constraint, self.b_constraint = map(constraints.get, (W_constraint, b_constraint))

    def get_config(self) -> dict[str, Any]:
        """The config with Keras 1 names."""
        return super().get_config() | {"init": initializers.serialize(self.init)}


class MaxoutDense(_Keras1Layer):
    """The largest of several linear maps: `y = max over j of (x @ W[j] + b[j])`.

    Args:
        output_dim: size of the output.
        nb_feature: number of maps.
        init: how `W` starts.
        weights: initial values.
        W_regularizer, b_regularizer, W_constraint, b_constraint: of the weights.
        activity_regularizer: loss on the output.
        bias: whether to add a bias.
        input_dim: size of the input, for a first layer.

    Input shape:
        `(batch, input_dim)`.

    Output shape:
        `(batch, output_dim)`.

    Raises:
        ValueError: an unknown initializer, regularizer or constraint, or an input that is no matrix.

    Keras 2.2.4: keras/legacy/layers.py MaxoutDense

    Example:
        >>> import warnings
        >>> warnings.simplefilter("ignore")
        >>> MaxoutDense(3)(jnp.ones((2, 4))).shape
        (2, 3)
    """

    def __init__(
        self,
        output_dim: Integer,
        nb_feature: Integer = 4,
        init: InitializerLike = "glorot_uniform",
        weights: Sequence[Any] | None = None,
        W_regularizer: RegularizerLike = None,
        b_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        W_constraint: ConstraintLike = None,
        b_constraint: ConstraintLike = None,
        bias: bool = True,
        input_dim: Integer | None = None,
        **kwargs: Unpack[SharedArguments],
    ):
        self._start(init, weights, bias, input_dim, activity_regularizer, kwargs)
        self._set_rules(W_regularizer, b_regularizer, W_constraint, b_constraint)
        self.output_dim, self.nb_feature = output_dim, nb_feature

    def formula(self) -> Pair:
        """The pair, with the weights `W` and `b`."""
        output_dim, nb_feature, bias = self.output_dim, self.nb_feature, self.bias

        def init(rng: Key, in_shape: Shape) -> Weights:
            return draw(
                rng, self, W=(nb_feature, in_shape[1], output_dim), b=bias and (nb_feature, output_dim)
            ), {}

        def apply(params: Params, state: State, x: Array, ctx: Ctx = INFERENCE) -> Out:
            check_axis(x, 1, params["W"].shape[1])
            y = jnp.einsum("bi,jio->bjo", x, params["W"])
            return Out(jnp.max(y + params["b"][None] if bias else y, 1))

        return Pair(init, apply)


class HighwayArguments(SharedArguments, total=False):
    transform_bias: InitializerLike


class Highway(_Keras1Layer):
    """A gate between a layer and its input: `y = t * activation(x @ W + b) + (1 - t) * x`.

    The gate is `t = sigmoid(x @ W_carry + b_carry)`.

    Args:
        init: how the kernels start.
        activation: name or function; None is linear.
        weights: initial values.
        W_regularizer, b_regularizer, W_constraint, b_constraint: of `W` and `b`.
        activity_regularizer: loss on the output.
        bias: whether to add biases.
        input_dim: size of the input, for a first layer.

    Input shape:
        `(batch, features)`; the output has the same.

    Raises:
        ValueError: an unknown activation, initializer, regularizer or constraint, or an input that is no
            matrix.

    Keras 2.2.4: keras/legacy/layers.py Highway

    Example:
        >>> import warnings
        >>> warnings.simplefilter("ignore")
        >>> Highway()(jnp.ones((2, 4))).shape
        (2, 4)
    """

    def __init__(
        self,
        init: InitializerLike = "glorot_uniform",
        activation: ActivationLike = None,
        weights: Sequence[Any] | None = None,
        W_regularizer: RegularizerLike = None,
        b_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        W_constraint: ConstraintLike = None,
        b_constraint: ConstraintLike = None,
        bias: bool = True,
        input_dim: Integer | None = None,
        **kwargs: Unpack[HighwayArguments],
    ):
        if kwargs.pop("transform_bias", None) is not None:
            warnings.warn("`transform_bias` argument is deprecated and has been removed.", stacklevel=2)
        self._start(init, weights, bias, input_dim, activity_regularizer, kwargs)
        self._set_rules(W_regularizer, b_regularizer, W_constraint, b_constraint)
        self.activation = activations.get(activation)
        self.W_carry_initializer, self.b_carry_initializer = self.init, initializers.get("ones")

    def formula(self) -> Pair:
        """The pair, with the weights `W`, `W_carry`, `b` and `b_carry`."""
        bias, activation = self.bias, self.activation

        def init(rng: Key, in_shape: Shape) -> Weights:
            n = in_shape[1]
            return draw(rng, self, W=(n, n), W_carry=(n, n), b=bias and (n,), b_carry=bias and (n,)), {}

        def apply(params: Params, state: State, x: Array, ctx: Ctx = INFERENCE) -> Out:
            check_axis(x, 1, params["W"].shape[0])
            gate, y = x @ params["W_carry"], x @ params["W"]
            if bias:
                gate, y = gate + params["b_carry"][None], y + params["b"][None]
            gate = activations.sigmoid(gate)
            return Out(gate * activation(y) + (1 - gate) * x)

        return Pair(init, apply)


@called_as_class
def AtrousConvolution1D(*args: Any, **kwargs: Any) -> Conv1D:
    """`Conv1D` with its dilation called `atrous_rate`.

    Keras 2.2.4: keras/legacy/layers.py AtrousConvolution1D
    """
    return _atrous(Conv1D, args, kwargs)


@called_as_class
def AtrousConvolution2D(*args: Any, **kwargs: Any) -> Conv2D:
    """`Conv2D` with its dilation called `atrous_rate`.

    Keras 2.2.4: keras/legacy/layers.py AtrousConvolution2D
    """
    return _atrous(Conv2D, args, kwargs)


AtrousConv1D = AtrousConvolution1D
AtrousConv2D = AtrousConvolution2D


def _atrous(cls: type[L], args: tuple[Any, ...], kwargs: dict[str, Any]) -> L:
    name = cls.__name__
    warnings.warn(
        f"The `AtrousConvolution{name[-2:]}` layer has been deprecated. Use instead the `{name}` layer with "
        "the `dilation_rate` argument.",
        stacklevel=3,
    )
    return cls(*args, **{"dilation_rate": kwargs.pop("atrous_rate", 1), **kwargs})


@called_as_class
def Merge(
    mode: str = "sum",
    concat_axis: int = -1,
    dot_axes: int | Sequence[int] = -1,
    name: str | None = None,
    trainable: bool = True,
    **of_functions: Any,
) -> Layer:
    """The layer that took the place of Keras 1's `Merge`, in files of then; Keras 2.2.4 does not read these.

    Raises:
        ValueError: the mode is a function, or none that Keras 1 had.
    """
    kinds: dict[str, Any] = {"sum": Add, "mul": Multiply, "ave": Average, "max": Maximum}
    if mode in kinds:
        return kinds[mode](name=name, trainable=trainable)
    if mode == "concat":
        return Concatenate(concat_axis, name=name, trainable=trainable)
    if mode in ("dot", "cos"):
        return Dot(dot_axes, mode == "cos", name=name, trainable=trainable)
    raise ValueError(
        f"Merge of Keras 1 with mode={mode!r} has no layer in its place: build the model in code, with a "
        "Lambda, and load its weights."
    )


class _Gone(Layer):
    """A class that cannot be used any more."""

    instead = ""

    def __init__(self, *args: Any, **kwargs: Unpack[SharedArguments]):
        raise TypeError(
            f"`{type(self).__name__}` is a base class of Keras 1 and cannot be used. {self.instead}"
        )


class ConvRecurrent2D(_Gone):
    """The abstract convolutional recurrent layer of Keras 1; use `ConvLSTM2D`.

    Raises:
        TypeError: always.

    Keras 2.2.4: keras/legacy/layers.py ConvRecurrent2D
    """

    instead = "Use `ConvLSTM2D`, or `ConvRNN2D` with a cell."


class TimeDistributedDense(_Gone):
    """The Dense layer over time steps of Keras 1; use `TimeDistributed(Dense(...))`.

    Raises:
        TypeError: always.

    Keras 1: keras/layers/core.py TimeDistributedDense
    """

    instead = "Use `TimeDistributed(Dense(...))`; `Dense` alone also works on sequences."
