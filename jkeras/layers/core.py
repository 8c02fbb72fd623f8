"""Core layers: Dense, Activation, reshaping, Masking; the dropouts under their path in Keras."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Unpack

import jax.numpy as jnp

from jkeras import activations, regularizers
from jkeras.compat.legacy_arguments import legacy
from jkeras.core import settings
from jkeras.core.arguments import (
    ActivationLike,
    ConstraintLike,
    InitializerLike,
    Integer,
    LayerArguments,
    RegularizerLike,
    ShapeLike,
    refuse_text,
)
from jkeras.core.types import INFERENCE, Array, Ctx, Key, Out, Pair, Params, Shape, State, Tree, Weights
from jkeras.engine.base_layer import InputSpec, Layer, draw
from jkeras.layers._common import (
    check_axis,
    elementwise,
    no_weights,
    steps_unlike,
)
from jkeras.layers._kernel_and_bias import KernelAndBias
from jkeras.layers.dropout import Dropout as Dropout
from jkeras.layers.dropout import SpatialDropout1D as SpatialDropout1D
from jkeras.layers.dropout import SpatialDropout2D as SpatialDropout2D
from jkeras.layers.dropout import SpatialDropout3D as SpatialDropout3D
from jkeras.primitives import conv_args
from jkeras.primitives.numeric import widened

if TYPE_CHECKING:  # found by the table of `compat/module_aliases.py`
    from jkeras.layers.lambda_layer import Lambda as Lambda


class DenseArguments(LayerArguments, total=False):
    input_dim: Integer | None


class Dense(KernelAndBias):
    """A fully connected layer: `y = activation(x @ kernel + bias)` over the last axis.

    Args:
        units: size of the output's last axis.
        activation: name or function; None is linear.
        use_bias: whether to add a bias.
        kernel_initializer, bias_initializer: how the weights start.
        kernel_regularizer, bias_regularizer: losses on the weights.
        activity_regularizer: loss on the output.
        kernel_constraint, bias_constraint: projections of the weights after each update.
        **kwargs: base arguments; `input_dim` is short for `input_shape=(input_dim,)`.

    Input shape:
        `(batch, ..., input_dim)`.

    Output shape:
        `(batch, ..., units)`.

    Raises:
        ValueError: an unknown activation, initializer, regularizer or constraint; `units` is not a positive
            integer; the input's last axis has no known size.

    Keras 2.2.4: keras/layers/core.py Dense

    Example:
        >>> Dense(3)(jnp.ones((2, 4))).shape
        (2, 3)
    """

    supports_masking = True
    input_spec = InputSpec(min_ndim=2)

    @legacy("dense")
    def __init__(
        self,
        units: Integer,
        activation: ActivationLike = None,
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        **kwargs: Unpack[DenseArguments],
    ):
        input_dim = kwargs.pop("input_dim", None)
        others: LayerArguments = kwargs
        if input_dim is not None:
            others.setdefault("input_shape", (input_dim,))
        super().__init__(**others)
        if isinstance(units, (list, tuple)):
            raise TypeError(f"Dense takes the number of its units as one whole number; got {units!r}.")
        self.units = conv_args.positive_int(units, "units")
        self._set_output(activation, use_bias, activity_regularizer)
        self._set_kernel(kernel_initializer, kernel_regularizer, kernel_constraint)
        self._set_bias(bias_initializer, bias_regularizer, bias_constraint)

    def formula(self) -> Pair:
        """The pair, with the weights `kernel` and `bias`."""
        units, use_bias, activation = self.units, self.use_bias, self.activation

        def init(rng: Key, in_shape: Shape) -> Weights:
            return draw(rng, self, kernel=(in_shape[-1], units), bias=use_bias and (units,)), {}

        def apply(params: Params, state: State, x: Array, ctx: Ctx = INFERENCE) -> Out:
            check_axis(x, -1, params["kernel"].shape[0])
            flat = x if x.ndim < 3 else x.reshape(-1, x.shape[-1])  # twice as fast on a CPU
            y = (flat @ params["kernel"]).reshape(*x.shape[:-1], units)
            return Out(activation(y + widened(params["bias"], y) if use_bias else y), mask=ctx.mask)

        return Pair(init, apply)


class Identity(Layer):
    """The input itself.

    Input shape:
        Any; the output has the same.

    Raises:
        TypeError: an unknown argument.

    Keras 3: Identity

    Example:
        >>> Identity()(jnp.array([[1.0]])).tolist()
        [[1.0]]
    """

    supports_masking = True

    def formula(self) -> Pair:
        """`y = x`."""
        return elementwise(lambda x: x)


class Activation(Layer):
    """An activation function as a layer: `y = activation(x)`.

    Args:
        activation: name or function.

    Input shape:
        Any; the output has the same.

    Raises:
        ValueError: an unknown name of an activation.

    Keras 2.2.4: keras/layers/core.py Activation

    Example:
        >>> Activation("relu")(jnp.array([[-1.0, 2.0]])).tolist()
        [[0.0, 2.0]]
    """

    supports_masking = True

    def __init__(self, activation: ActivationLike, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def formula(self) -> Pair:
        """`y = activation(x)`."""
        return elementwise(self.activation)


class Flatten(Layer):
    """All axes but the batch in one.

    Args:
        data_format: order of the axes of the input; with "channels_first" the channels are moved to the end
            before, so that weights of a following Dense fit both formats. None: the configured one.

    Input shape:
        `(batch, ...)`, rank 3 or more, all sizes known.

    Output shape:
        `(batch, product of the others)`.

    Raises:
        ValueError: a size of the input is unknown, or 0.

    Keras 2.2.4: keras/layers/core.py Flatten

    Example:
        >>> Flatten()(jnp.ones((2, 3, 4))).shape
        (2, 12)
    """

    input_spec = InputSpec(min_ndim=3)

    def __init__(self, data_format: str | None = None, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        self.data_format = settings.normalize_data_format(data_format)

    def formula(self) -> Pair:
        """The axes of each row in one."""
        format = self.data_format

        def init(rng: Key, in_shape: Shape) -> Weights:
            if None in in_shape[1:] or 0 in in_shape[1:]:
                raise ValueError(
                    f'The shape of the input to "Flatten" is not fully defined (got {in_shape[1:]}). Pass a '
                    'complete "input_shape" or "batch_input_shape" to the first layer in your model.'
                )
            return {}, {}

        def apply(params: Params, state: State, x: Array, ctx: Ctx = INFERENCE) -> Out:
            if format == "channels_first":
                x = jnp.moveaxis(x, 1, -1)
            return Out(x.reshape((x.shape[0], math.prod(x.shape[1:]))))

        return Pair(init, apply)


class Reshape(Layer):
    """The same elements in another shape.

    Args:
        target_shape: shape without the batch axis; one entry may be -1 (what is left).

    Input shape:
        `(batch, ...)`.

    Output shape:
        `(batch,) + target_shape`.

    Raises:
        ValueError: the sizes do not fit, or more than one -1.

    Keras 2.2.4: keras/layers/core.py Reshape

    Example:
        >>> Reshape((-1, 2))(jnp.ones((5, 6))).shape
        (5, 3, 2)
    """

    def __init__(self, target_shape: ShapeLike, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        self.target_shape: tuple[Any, ...] = tuple(target_shape)
        if sum(d < 0 for d in self.target_shape) > 1:
            raise ValueError(
                f"Reshape can only take one unknown dimension (-1). Received: {self.target_shape}"
            )

    def formula(self) -> Pair:
        """The numbers of each row in another shape."""
        target = self.target_shape

        def init(rng: Key, in_shape: Shape) -> Weights:
            sizes = [d for d in in_shape[1:] if d is not None]
            if len(sizes) == len(in_shape) - 1:
                _check_sizes(math.prod(sizes), target)
            return {}, {}

        def apply(params: Params, state: State, x: Array, ctx: Ctx = INFERENCE) -> Out:
            return Out(x.reshape((x.shape[0], *target)))

        return Pair(init, apply)


def _check_sizes(size: int, target: tuple[int, ...]) -> None:
    fixed = math.prod(d for d in target if d >= 0)
    fits = size == fixed if all(d >= 0 for d in target) else fixed > 0 and size % fixed == 0
    if not fits:
        raise ValueError(
            f"the total size must be unchanged, but {size} elements do not fit into target_shape {target}"
        )


class Permute(Layer):
    """The axes in another order.

    Args:
        dims: the old axis for each new one, counted from 1 (the batch axis stays first).

    Input shape:
        `(batch, ...)` of rank `len(dims) + 1`.

    Output shape:
        The permuted one.

    Raises:
        ValueError: `dims` is not a permutation of 1 ... n.

    Keras 2.2.4: keras/layers/core.py Permute

    Example:
        >>> Permute((2, 1))(jnp.ones((5, 3, 4))).shape
        (5, 4, 3)
    """

    def __init__(self, dims: Sequence[int], **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(
                f"`dims` of Permute must be a permutation of 1 ... {len(self.dims)}. Received: {self.dims}"
            )
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def formula(self) -> Pair:
        """The axes of each row in another order."""
        axes = (0, *self.dims)

        def apply(params: Params, state: State, x: Array, ctx: Ctx = INFERENCE) -> Out:
            return Out(jnp.transpose(x, axes))

        return Pair(no_weights, apply)


class RepeatVector(Layer):
    """The input `n` times, along a new axis 1.

    Args:
        n: how often.

    Input shape:
        `(batch, features)`.

    Output shape:
        `(batch, n, features)`.

    Raises:
        ValueError: `n` is not a positive integer, or the input is no matrix.

    Keras 2.2.4: keras/layers/core.py RepeatVector

    Example:
        >>> RepeatVector(3)(jnp.ones((5, 4))).shape
        (5, 3, 4)
    """

    input_spec = InputSpec(ndim=2)

    def __init__(self, n: Integer, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        self.n = conv_args.positive_int(n, "n")

    def formula(self) -> Pair:
        """Each row `n` times along a new axis."""
        n = self.n

        def apply(params: Params, state: State, x: Array, ctx: Ctx = INFERENCE) -> Out:
            return Out(jnp.broadcast_to(x[:, None], (x.shape[0], n, x.shape[1])))

        return Pair(no_weights, apply)


class ActivityRegularization(Layer):
    """The identity, with the loss `l1 * sum(|x|) + l2 * sum(x²)`.

    Args:
        l1, l2: factors.

    Input shape:
        Any; the output has the same.

    Raises:
        ValueError: `l1` or `l2` is not a number.

    Keras 2.2.4: keras/layers/core.py ActivityRegularization

    Example:
        >>> float(ActivityRegularization(l1=0.5).pure().apply({}, {}, jnp.ones((2, 2))).loss)
        2.0
    """

    supports_masking = True

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        self.l1, self.l2 = l1, l2
        self.activity_regularizer = regularizers.L1L2(l1=l1, l2=l2)

    def formula(self) -> Pair:
        """`y = x`, and a loss of `x`."""
        return elementwise(lambda x: x)


class Masking(Layer):
    """Mask the steps of a sequence whose features all equal `mask_value`; they are set to zero.

    Args:
        mask_value: the value of steps to skip.

    Input shape:
        `(batch, steps, features)`; the output has the same, with a mask `(batch, steps)`.

    Raises:
        ValueError: `mask_value` is not a number.

    Keras 2.2.4: keras/layers/core.py Masking

    Example:
        >>> Masking().pure().apply({}, {}, jnp.array([[[1.0, 2.0], [0.0, 0.0]]])).mask.tolist()
        [[True, False]]
    """

    supports_masking = True

    def __init__(self, mask_value: float = 0.0, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        refuse_text(mask_value=mask_value)
        self.mask_value = mask_value

    def formula(self) -> Pair:
        """`y = x` with a mask of the steps that differ from `mask_value`."""
        value = self.mask_value

        def apply(params: Params, state: State, x: Array, ctx: Ctx = INFERENCE) -> Out:
            mask = steps_unlike(x, value)
            return Out(x * mask[..., None].astype(x.dtype), mask=mask)

        return Pair(no_weights, apply)

    def compute_mask(self, inputs: Tree, mask: Tree = None):
        """The mask of steps that are not `mask_value`; for subclasses that write their own `call`."""
        return steps_unlike(inputs, self.mask_value)
