"""Activations with parameters, as layers."""

from __future__ import annotations

from typing import Unpack

import jax
import jax.numpy as jnp

from jkeras import activations, constraints, initializers, regularizers
from jkeras.compat.legacy_arguments import legacy
from jkeras.core.arguments import (
    ConstraintLike,
    InitializerLike,
    LayerArguments,
    RegularizerLike,
    Window,
    refuse_text,
)
from jkeras.core.lists import as_list
from jkeras.core.types import INFERENCE, Array, Ctx, Key, Out, Pair, Params, Shape, State, Weights
from jkeras.engine.base_layer import Layer, draw
from jkeras.layers._common import elementwise, number
from jkeras.primitives.numeric import widened


class LeakyReLU(Layer):
    """`y = x` where `x > 0`, else `alpha * x`.

    Args:
        alpha: slope of the negative part.
        negative_slope: Keras 3's word for it.

    Input shape:
        Any; the output has the same.

    Raises:
        ValueError: `alpha` is not a number.

    Keras 2.2.4: keras/layers/advanced_activations.py LeakyReLU

    Example:
        >>> LeakyReLU(0.5)(jnp.array([[-2.0, 2.0]])).tolist()
        [[-1.0, 2.0]]
    """

    supports_masking = True

    def __init__(
        self, alpha: float = 0.3, negative_slope: float | None = None, **kwargs: Unpack[LayerArguments]
    ):
        super().__init__(**kwargs)
        self.alpha = number(alpha if negative_slope is None else negative_slope, "alpha")

    def formula(self) -> Pair:
        """`y = x` where `x > 0`, else `alpha * x`."""
        alpha = self.alpha
        return elementwise(lambda x: jnp.where(x > 0, x, alpha * x))


class PReLU(Layer):
    """LeakyReLU with learned slopes: `y = max(x, 0) - alpha * max(-x, 0)`.

    Args:
        alpha_initializer, alpha_regularizer, alpha_constraint: of the slopes.
        shared_axes: axes (counted from 1) along which one slope is shared, as `[1, 2]` for images.

    Input shape:
        `(batch, ...)`, sizes of axes that are not shared known; the output has the same.

    Raises:
        ValueError: an unknown initializer, regularizer or constraint, or an axis without a size that is
            not shared.

    Keras 2.2.4: keras/layers/advanced_activations.py PReLU

    Example:
        >>> PReLU(shared_axes=[1])(jnp.array([[-2.0, 2.0]])).tolist()
        [[0.0, 2.0]]
    """

    supports_masking = True

    @legacy("prelu")
    def __init__(
        self,
        alpha_initializer: InitializerLike = "zeros",
        alpha_regularizer: RegularizerLike = None,
        alpha_constraint: ConstraintLike = None,
        shared_axes: Window | None = None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        self.shared_axes = None if shared_axes is None else as_list(shared_axes)

    def formula(self) -> Pair:
        """The pair, with the weight `alpha`."""
        shared = self.shared_axes or ()

        def init(rng: Key, in_shape: Shape) -> Weights:
            rank = len(in_shape)
            if missing := [a for a in shared if not -rank <= a < rank]:
                raise ValueError(f"`shared_axes`: there is no axis {missing[0]}")
            axes = {a % rank for a in shared}
            return draw(rng, self, alpha=tuple(1 if i in axes else d for i, d in enumerate(in_shape))[1:]), {}

        def apply(params: Params, state: State, x: Array, ctx: Ctx = INFERENCE) -> Out:
            return Out(jax.nn.relu(x) - widened(params["alpha"], x) * jax.nn.relu(-x), mask=ctx.mask)

        return Pair(init, apply)


class ELU(Layer):
    """`y = x` where `x > 0`, else `alpha * (exp(x) - 1)`.

    Args:
        alpha: scale of the negative part.

    Input shape:
        Any; the output has the same.

    Raises:
        ValueError: `alpha` is not a number.

    Keras 2.2.4: keras/layers/advanced_activations.py ELU

    Example:
        >>> ELU()(jnp.array([[0.0, 2.0]])).tolist()
        [[0.0, 2.0]]
    """

    supports_masking = True

    def __init__(self, alpha: float = 1.0, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        self.alpha = number(alpha, "alpha")

    def formula(self) -> Pair:
        """`y = x` where `x > 0`, else `alpha * (exp(x) - 1)`."""
        alpha = self.alpha
        return elementwise(lambda x: activations.elu(x, alpha))


class ThresholdedReLU(Layer):
    """`y = x` where `x > theta`, else 0.

    Args:
        theta: the threshold.

    Input shape:
        Any; the output has the same.

    Raises:
        ValueError: `theta` is not a number.

    Keras 2.2.4: keras/layers/advanced_activations.py ThresholdedReLU

    Example:
        >>> ThresholdedReLU(1.0)(jnp.array([[0.5, 2.0]])).tolist()
        [[0.0, 2.0]]
    """

    supports_masking = True

    def __init__(self, theta: float = 1.0, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        self.theta = number(theta, "theta")

    def formula(self) -> Pair:
        """`y = x` where `x > theta`, else 0."""
        theta = self.theta
        return elementwise(lambda x: x * (x > theta).astype(x.dtype))


class Softmax(Layer):
    """`y = exp(x) / sum(exp(x))` along one axis.

    Args:
        axis: the axis that sums to one.

    Input shape:
        Any of rank 2 or more; the output has the same.

    Raises:
        ValueError: the input is a vector, or has no axis `axis`.

    Keras 2.2.4: keras/layers/advanced_activations.py Softmax

    Example:
        >>> Softmax()(jnp.zeros((1, 2))).tolist()
        [[0.5, 0.5]]
    """

    supports_masking = True

    def __init__(self, axis: int = -1, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        refuse_text(axis=axis)
        self.axis = axis

    def formula(self) -> Pair:
        """`y = exp(x) / sum(exp(x))` along `axis`."""
        axis = self.axis
        return elementwise(lambda x: activations.softmax(x, axis=axis))


class ReLU(Layer):
    """`y = max_value` above it, `x` above `threshold`, else `negative_slope * (x - threshold)`.

    Args:
        max_value: upper limit, or None.
        negative_slope: slope below the threshold.
        threshold: where the layer starts to pass its input on.

    Input shape:
        Any; the output has the same.

    Raises:
        ValueError: `max_value` or `negative_slope` is negative.

    Keras 2.2.4: keras/layers/advanced_activations.py ReLU

    Example:
        >>> ReLU(max_value=6.0)(jnp.array([[-1.0, 2.0, 9.0]])).tolist()
        [[0.0, 2.0, 6.0]]
    """

    supports_masking = True

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        self.max_value = None if max_value is None else number(max_value, "max_value")
        self.negative_slope, self.threshold = (
            number(negative_slope, "negative_slope"),
            number(threshold, "threshold"),
        )
        for name in ("max_value", "negative_slope"):
            if (getattr(self, name) or 0) < 0:
                raise ValueError(f"`{name}` of ReLU cannot be negative. Received: {getattr(self, name)}")

    def formula(self) -> Pair:
        """`y = max(0, x)` with a slope below `threshold` and a limit."""
        slope, top, threshold = self.negative_slope, self.max_value, self.threshold
        return elementwise(lambda x: activations.relu(x, alpha=slope, max_value=top, threshold=threshold))
