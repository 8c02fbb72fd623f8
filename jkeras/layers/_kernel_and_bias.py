"""Attributes that most layers with weights share: one method for each group of arguments of a constructor."""

from __future__ import annotations

from jkeras import activations, constraints, initializers, regularizers
from jkeras.core.arguments import ActivationLike, ConstraintLike, InitializerLike, RegularizerLike
from jkeras.engine.base_layer import Layer


class KernelAndBias(Layer):
    """A layer with a kernel, perhaps a bias, and an activation at the end."""

    def _set_output(
        self, activation: ActivationLike, use_bias: bool, activity_regularizer: RegularizerLike = None
    ) -> None:
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.activity_regularizer = regularizers.get(activity_regularizer)

    def _set_kernel(
        self, initializer: InitializerLike, regularizer: RegularizerLike, constraint: ConstraintLike
    ) -> None:
        self.kernel_initializer = initializers.get(initializer)
        self.kernel_regularizer = regularizers.get(regularizer)
        self.kernel_constraint = constraints.get(constraint)

    def _set_bias(
        self, initializer: InitializerLike, regularizer: RegularizerLike, constraint: ConstraintLike
    ) -> None:
        self.bias_initializer = initializers.get(initializer)
        self.bias_regularizer = regularizers.get(regularizer)
        self.bias_constraint = constraints.get(constraint)
