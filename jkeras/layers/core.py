"""Core layers: Dense, Activation, the dropouts, reshaping, Masking."""

from __future__ import annotations

import math

import jax.numpy as jnp

from jkeras import activations, regularizers
from jkeras.compat.legacy_arguments import legacy
from jkeras.core import settings
from jkeras.core.types import INFERENCE, Out, Pair
from jkeras.engine.base_layer import InputSpec, Layer, draw
from jkeras.layers._common import (
    begin,
    check_axis,
    elementwise,
    floating,
    in_training,
    kept,
    no_weights,
    noise_dims,
    steps_unlike,
)
from jkeras.primitives import conv_args
from jkeras.primitives.numeric import widened


class Dense(Layer):
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
        units,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        if kwargs.get("input_dim") is not None:
            kwargs.setdefault("input_shape", (kwargs["input_dim"],))
        kwargs.pop("input_dim", None)
        begin(self, locals())
        if isinstance(units, (list, tuple)):
            raise TypeError(f"Dense takes the number of its units as one whole number; got {units!r}.")
        self.units = conv_args.positive_tuple(units, 1, "units")[0]

    def formula(self) -> Pair:
        units, use_bias, activation = self.units, self.use_bias, self.activation

        def init(rng, in_shape):
            return draw(rng, self, kernel=(in_shape[-1], units), bias=use_bias and (units,)), {}

        def apply(params, state, x, ctx=INFERENCE):
            check_axis(x, -1, params["kernel"].shape[0])
            flat = x if x.ndim < 3 else x.reshape(-1, x.shape[-1])  # twice as fast on a CPU
            y = (flat @ params["kernel"]).reshape(*x.shape[:-1], units)
            return Out(activation(y + widened(params["bias"], y) if use_bias else y), mask=ctx.mask)

        return Pair(init, apply)


class Activation(Layer):
    """An activation function as a layer: `y = activation(x)`.

    Args:
        activation: name or function.

    Input shape:
        Any; the output has the same.

    Keras 2.2.4: keras/layers/core.py Activation

    Example:
        >>> Activation("relu")(jnp.array([[-1.0, 2.0]])).tolist()
        [[0.0, 2.0]]
    """

    supports_masking = True

    def __init__(self, activation, **kwargs):
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def formula(self) -> Pair:
        return elementwise(self.activation)


class Dropout(Layer):
    """In training, set a random part `rate` of the inputs to zero, multiply the others by `1 / (1 - rate)`.

    Args:
        rate: fraction to drop; 0 and 1 switch the layer off, values outside are clipped.
        noise_shape: shape of the random mask; None entries are the input's, 1 shares one draw along an axis.
        seed: layers with the same seed draw the same masks; None: each layer of a model draws its own.

    Input shape:
        Any; the output has the same.

    Keras 2.2.4: keras/layers/core.py Dropout

    Example:
        >>> Dropout(0.5)(jnp.ones((1, 2))).tolist()  # inference
        [[1.0, 1.0]]
    """

    supports_masking = True
    call_words = ("training",)

    @legacy("dropout")
    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.rate = min(1.0, max(0.0, rate))
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)
        self.seed = seed

    @property
    def training_differs(self) -> bool:
        return 0.0 < self.rate < 1.0

    def noise_rule(self):
        """A pure function: input → shape of its random mask."""
        noise_shape = self.noise_shape
        return lambda x: noise_dims(x, noise_shape)

    def formula(self) -> Pair:
        rate, seed, dims, active = self.rate, self.seed, self.noise_rule(), self.training_differs
        noise_shape = self.noise_shape

        def drop(x, ctx):
            if not active:
                return x
            keep = kept(ctx, rate, dims(x), seed, noise_shape)
            return jnp.where(keep, floating(x) * (1 / (1 - rate)), 0)

        return in_training(drop)


class _SpatialDropout(Dropout):
    data_format = "channels_last"

    def noise_rule(self):
        format = self.data_format

        def dims(x):
            keep = (0, conv_args.channel_axis(format, x.ndim))
            return tuple(d if i in keep else 1 for i, d in enumerate(x.shape))

        return dims

    def get_config(self) -> dict:
        """As Keras, which leaves `data_format` out; kept here where it is not the default one."""
        config = super().get_config()
        if config.get("data_format") == settings.normalize_data_format(None):
            config.pop("data_format")
        return config


class SpatialDropout1D(_SpatialDropout):
    """Dropout of whole channels of a sequence.

    Args:
        rate: fraction of channels to drop.

    Input shape:
        `(batch, steps, channels)`; the output has the same.

    Keras 2.2.4: keras/layers/core.py SpatialDropout1D

    Example:
        >>> SpatialDropout1D(0.5)(jnp.ones((1, 2, 3))).shape
        (1, 2, 3)
    """

    input_spec = InputSpec(ndim=3)

    @legacy("rate")
    def __init__(self, rate, **kwargs):
        super().__init__(rate, **kwargs)


class SpatialDropout2D(_SpatialDropout):
    """Dropout of whole channels of an image.

    Args:
        rate: fraction of channels to drop.
        data_format: "channels_last", "channels_first", or None for the configured one.

    Input shape:
        `(batch, rows, cols, channels)`, or channels second; the output has the same.

    Keras 2.2.4: keras/layers/core.py SpatialDropout2D

    Example:
        >>> SpatialDropout2D(0.5)(jnp.ones((1, 2, 2, 3))).shape
        (1, 2, 2, 3)
    """

    input_spec = InputSpec(ndim=4)

    @legacy("spatial_dropout")
    def __init__(self, rate, data_format=None, **kwargs):
        super().__init__(rate, **kwargs)
        self.data_format = settings.normalize_data_format(data_format)


class SpatialDropout3D(_SpatialDropout):
    """Dropout of whole channels of a volume.

    Args:
        rate: fraction of channels to drop.
        data_format: "channels_last", "channels_first", or None for the configured one.

    Input shape:
        `(batch, dim1, dim2, dim3, channels)`, or channels second; the output has the same.

    Keras 2.2.4: keras/layers/core.py SpatialDropout3D

    Example:
        >>> SpatialDropout3D(0.5)(jnp.ones((1, 2, 2, 2, 3))).shape
        (1, 2, 2, 2, 3)
    """

    input_spec = InputSpec(ndim=5)

    @legacy("spatial_dropout")
    def __init__(self, rate, data_format=None, **kwargs):
        super().__init__(rate, **kwargs)
        self.data_format = settings.normalize_data_format(data_format)


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

    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = settings.normalize_data_format(data_format)

    def formula(self) -> Pair:
        format = self.data_format

        def init(rng, in_shape):
            if None in in_shape[1:] or 0 in in_shape[1:]:
                raise ValueError(
                    f'The shape of the input to "Flatten" is not fully defined (got {in_shape[1:]}). Pass a '
                    'complete "input_shape" or "batch_input_shape" to the first layer in your model.'
                )
            return {}, {}

        def apply(params, state, x, ctx=INFERENCE):
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

    def __init__(self, target_shape, **kwargs):
        super().__init__(**kwargs)
        self.target_shape = tuple(target_shape)
        if sum(d < 0 for d in self.target_shape) > 1:
            raise ValueError(
                f"Reshape can only take one unknown dimension (-1). Received: {self.target_shape}"
            )

    def formula(self) -> Pair:
        target = self.target_shape

        def init(rng, in_shape):
            if None not in in_shape[1:]:
                _check_sizes(math.prod(in_shape[1:]), target)
            return {}, {}

        def apply(params, state, x, ctx=INFERENCE):
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

    def __init__(self, dims, **kwargs):
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(
                f"`dims` of Permute must be a permutation of 1 ... {len(self.dims)}. Received: {self.dims}"
            )
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def formula(self) -> Pair:
        axes = (0, *self.dims)

        def apply(params, state, x, ctx=INFERENCE):
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

    Keras 2.2.4: keras/layers/core.py RepeatVector

    Example:
        >>> RepeatVector(3)(jnp.ones((5, 4))).shape
        (5, 3, 4)
    """

    input_spec = InputSpec(ndim=2)

    def __init__(self, n, **kwargs):
        super().__init__(**kwargs)
        self.n = conv_args.positive_tuple(n, 1, "n")[0]

    def formula(self) -> Pair:
        n = self.n

        def apply(params, state, x, ctx=INFERENCE):
            return Out(jnp.broadcast_to(x[:, None], (x.shape[0], n, x.shape[1])))

        return Pair(no_weights, apply)


class ActivityRegularization(Layer):
    """The identity, with the loss `l1 * sum(|x|) + l2 * sum(x²)`.

    Args:
        l1, l2: factors.

    Input shape:
        Any; the output has the same.

    Keras 2.2.4: keras/layers/core.py ActivityRegularization

    Example:
        >>> float(ActivityRegularization(l1=0.5).pure().apply({}, {}, jnp.ones((2, 2))).loss)
        2.0
    """

    supports_masking = True

    def __init__(self, l1=0.0, l2=0.0, **kwargs):
        super().__init__(**kwargs)
        self.l1, self.l2 = l1, l2
        self.activity_regularizer = regularizers.L1L2(l1=l1, l2=l2)

    def formula(self) -> Pair:
        return elementwise(lambda x: x)


class Masking(Layer):
    """Mask the steps of a sequence whose features all equal `mask_value`; they are set to zero.

    Args:
        mask_value: the value of steps to skip.

    Input shape:
        `(batch, steps, features)`; the output has the same, with a mask `(batch, steps)`.

    Keras 2.2.4: keras/layers/core.py Masking

    Example:
        >>> Masking().pure().apply({}, {}, jnp.array([[[1.0, 2.0], [0.0, 0.0]]])).mask.tolist()
        [[True, False]]
    """

    supports_masking = True

    def __init__(self, mask_value=0.0, **kwargs):
        super().__init__(**kwargs)
        self.mask_value = mask_value

    def formula(self) -> Pair:
        value = self.mask_value

        def apply(params, state, x, ctx=INFERENCE):
            mask = steps_unlike(x, value)
            return Out(x * mask[..., None].astype(x.dtype), mask=mask)

        return Pair(no_weights, apply)

    def compute_mask(self, inputs, mask=None):
        """The mask of steps that are not `mask_value`; for subclasses that write their own `call`."""
        return steps_unlike(inputs, self.mask_value)
