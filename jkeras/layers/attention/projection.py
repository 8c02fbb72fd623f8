"""The products with which attention makes heads of features, and features of heads."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import string
from typing import Any, Unpack

import jax.numpy as jnp

from jkeras.core.arguments import (
    ActivationLike,
    ConstraintLike,
    InitializerLike,
    LayerArguments,
    RegularizerLike,
)
from jkeras.core.types import INFERENCE, Array, Ctx, Key, Out, Pair, Params, Shapes, State, Weights
from jkeras.engine.base_layer import draw
from jkeras.initializers.fans import over
from jkeras.layers._kernel_and_bias import KernelAndBias
from jkeras.primitives.einsum import shapes
from jkeras.primitives.numeric import widened


class Projection(KernelAndBias):
    """A product over the last axes of the input, for attention, which says the sizes when it draws weights.

    Args:
        summed: how many axes of the input it sums over.
        made: how many axes it makes of them.
        use_bias: whether it has a bias.
        activation: name or function; None is linear.
        kernel_initializer, bias_initializer: how the weights start.
        kernel_regularizer, bias_regularizer, activity_regularizer: losses.
        kernel_constraint, bias_constraint: projections of the weights after each update.
    """

    def __init__(
        self,
        summed: int,
        made: int,
        use_bias: bool = True,
        activation: ActivationLike = None,
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
        self.summed, self.made = summed, made
        self._set_output(activation, use_bias, activity_regularizer)
        self._set_kernel(kernel_initializer, kernel_regularizer, kernel_constraint)
        self._set_bias(bias_initializer, bias_regularizer, bias_constraint)

    @property
    def equation(self) -> str:
        """The product, such as `...a,abc->...bc`."""
        inside = string.ascii_letters[: self.summed]
        outside = string.ascii_letters[self.summed : self.summed + self.made]
        return f"...{inside},{inside}{outside}->...{outside}"

    def drawn(self, rng: Key, inside: tuple[Any, ...], outside: tuple[Any, ...]) -> dict[str, Any]:
        """Weights for these sizes of the axes that it sums over, and of those that it makes."""
        axes = self.equation.rpartition(".")[2] if self.use_bias else None
        found = shapes(self.equation, axes, (None, *inside), outside)
        special = {"kernel": over(self.kernel_initializer, found.fans)}
        return draw(rng, self, special, kernel=found.kernel, bias=found.bias or None)

    def formula(self) -> Pair:
        """A sum of products along the axes that are contracted."""
        equation, use_bias, activation = self.equation, self.use_bias, self.activation

        def init(rng: Key, in_shape: Shapes) -> Weights:
            *_, inside, outside = in_shape
            return self.drawn(rng, inside, outside), {}

        def apply(params: Params, state: State, x: Array, ctx: Ctx = INFERENCE) -> Out:
            y = jnp.einsum(equation, x, params["kernel"])
            return Out(activation(y + widened(params["bias"], y) if use_bias else y))

        return Pair(init, apply)
