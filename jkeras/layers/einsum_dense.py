"""EinsumDense: a product with a kernel along any axes."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from typing import Any, Unpack

import jax.numpy as jnp

from jkeras.core.arguments import (
    ActivationLike,
    ConstraintLike,
    InitializerLike,
    LayerArguments,
    RegularizerLike,
    ShapeLike,
)
from jkeras.core.types import INFERENCE, Array, Ctx, Key, Out, Pair, Params, Shapes, State, Weights
from jkeras.engine.base_layer import draw
from jkeras.initializers.fans import over
from jkeras.layers._common import mask_ends, place_of
from jkeras.layers._kernel_and_bias import KernelAndBias
from jkeras.primitives import einsum
from jkeras.primitives.numeric import widened


class EinsumDense(KernelAndBias):
    """Product with a kernel along any axes: `y = activation(einsum(equation, x, kernel) + bias)`.

    Args:
        equation: `inputs,kernel->outputs` with a letter for each axis, the batch axis too, or dots for any.
        output_shape: sizes of the output without the batch axis and the axes of the dots; None where the
            input tells them.
        activation: name or function; None is linear.
        bias_axes: letters of the outputs that the bias runs along; None: no bias.
        kernel_initializer, bias_initializer: how the weights start.
        kernel_regularizer, bias_regularizer: losses on the weights.
        kernel_constraint, bias_constraint: projections of the weights after each update.
        activity_regularizer: loss on the output.

    Input shape:
        Of as many axes as the equation names. A mask ends here.

    Raises:
        ValueError: an equation of another form, or that the sizes contradict.

    Keras 3: EinsumDense

    Example:
        >>> EinsumDense("abc,cd->abd", output_shape=(None, 5), bias_axes="d")(jnp.ones((2, 3, 4))).shape
        (2, 3, 5)
    """

    supports_masking = True

    def __init__(
        self,
        equation: str,
        output_shape: ShapeLike | int,
        activation: ActivationLike = None,
        bias_axes: str | None = None,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        activity_regularizer: RegularizerLike = None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        self.equation, self.bias_axes = equation, bias_axes
        self.partial_output_shape = (output_shape,) if isinstance(output_shape, int) else tuple(output_shape)
        self._set_output(activation, bias_axes is not None, activity_regularizer)
        self._set_kernel(kernel_initializer, kernel_regularizer, kernel_constraint)
        self._set_bias(bias_initializer, bias_regularizer, bias_constraint)

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain values."""
        return super().get_config() | {"output_shape": self.partial_output_shape}

    def formula(self) -> Pair:
        """The pair, with the weights `kernel` and `bias`."""
        equation, axes, sizes = self.equation, self.bias_axes, self.partial_output_shape
        activation, where = self.activation, place_of(self)

        def init(rng: Key, in_shape: Shapes) -> Weights:
            found = einsum.shapes(equation, axes, in_shape, sizes)
            special = {"kernel": over(self.kernel_initializer, found.fans)}
            return draw(rng, self, special, kernel=found.kernel, bias=found.bias or None), {}

        def apply(params: Params, state: State, x: Array, ctx: Ctx = INFERENCE) -> Out:
            mask_ends(where, ctx)
            y = jnp.einsum(equation, x, params["kernel"])
            return Out(activation(y + widened(params["bias"], y) if axes else y))

        return Pair(init, apply)
