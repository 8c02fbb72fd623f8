"""Rescaling and Normalization: numbers times a factor, plus an offset."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Any, Unpack

import jax.numpy as jnp
import numpy as np

from jkeras import initializers
from jkeras.core import settings
from jkeras.core.arguments import LayerArguments
from jkeras.core.types import (
    INFERENCE,
    AnyList,
    AnyTuple,
    Array,
    Ctx,
    Key,
    Out,
    Pair,
    Params,
    Shapes,
    State,
    Weights,
)
from jkeras.engine.base_layer import Layer, draw
from jkeras.layers._common import elementwise, floating


class Rescaling(Layer):
    """Multiply and add: `y = x * scale + offset`.

    Args:
        scale: a number, or one for each channel.
        offset: likewise.

    Input shape:
        Any; the output has the same, in a float type.

    Raises:
        ValueError: in a call, numbers for other than as many channels as there are.

    Keras 3: Rescaling

    Example:
        >>> Rescaling(1 / 255)(jnp.array([[0, 255]])).tolist()
        [[0.0, 1.0]]
    """

    supports_masking = True

    def __init__(
        self,
        scale: float | Sequence[float],
        offset: float | Sequence[float] = 0.0,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        self.scale, self.offset = _plain(scale), _plain(offset)

    def formula(self) -> Pair:
        """`y = scale * x + offset`."""
        scale, offset = (np.asarray(value) for value in (self.scale, self.offset))
        channels_first = settings.image_data_format() == "channels_first"

        def rescale(x: Array):
            x = floating(x)
            return x * _per_channel(scale, x, channels_first) + _per_channel(offset, x, channels_first)

        return elementwise(rescale)


class Normalization(Layer):
    """Shift and scale to mean 0 and variance 1: `y = (x - mean) / sqrt(variance)`.

    Mean and variance are given, or found by `adapt(data)`.

    Args:
        axis: the axis or axes that keep their own mean and variance; None: one for all numbers.
        mean, variance: of the data, both or none.
        invert: whether to go the other way: `y = mean + x * sqrt(variance)`.

    Input shape:
        Any, with known sizes along `axis`; the output has the same, in a float type.

    Raises:
        ValueError: one of mean and variance without the other; an axis of unknown size.

    Keras 3: Normalization

    Example:
        >>> layer = Normalization(axis=None)
        >>> layer.adapt(np.array([[1.0], [3.0]]))
        >>> layer(jnp.array([[5.0]])).tolist()
        [[3.0]]
    """

    supports_masking = True
    mean_initializer = initializers.get("zeros")
    variance_initializer = initializers.get("ones")

    def __init__(
        self,
        axis: int | Sequence[int] | None = -1,
        mean: Any = None,
        variance: Any = None,
        invert: bool = False,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        if (mean is None) != (variance is None):
            raise ValueError(f"`mean` and `variance` go together. Received: mean={mean}, variance={variance}")
        self.axis = () if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        self.input_mean, self.input_variance, self.invert = _plain(mean), _plain(variance), invert

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain values."""
        return super().get_config() | {"mean": self.input_mean, "variance": self.input_variance}

    def formula(self) -> Pair:
        """The pair, with the weights `mean` and `variance`."""
        axis, invert, given = self.axis, self.invert, self.input_mean is not None
        fixed = {"mean": self.input_mean, "variance": self.input_variance}

        def init(rng: Key, in_shape: Shapes) -> Weights:
            sizes = tuple(in_shape[i] for i in _kept(axis, len(in_shape)))
            if given:
                return {}, {}
            count = {"count": np.zeros((), np.int32)}
            return {}, draw(rng, self, mean=sizes, variance=sizes) | count

        def apply(params: Params, state: State, x: Array, ctx: Ctx = INFERENCE) -> Out:
            x = floating(x)
            kept = _kept(axis, x.ndim)
            sizes = tuple(x.shape[i] for i in kept)
            column = tuple(x.shape[i] if i in kept else 1 for i in range(x.ndim))
            found = fixed if given else state
            mean, variance = (
                jnp.broadcast_to(jnp.asarray(found[name], x.dtype), sizes).reshape(column)
                for name in ("mean", "variance")
            )
            deviation = jnp.maximum(jnp.sqrt(variance), settings.epsilon())
            return Out(mean + x * deviation if invert else (x - mean) / deviation, mask=ctx.mask)

        return Pair(init, apply)

    def adapt(self, data: Any) -> None:
        """Find mean and variance of data.

        Args:
            data: an array; or batches: a list or generator of arrays, a `Sequence`. Of (x, y) x counts.

        Raises:
            ValueError: mean and variance are given already, there are no data, or other ones than the layer
                was built for.
        """
        if self.input_mean is not None:
            raise ValueError(
                f"Layer {self.name!r} has the mean and variance that it was given: none to find."
            )
        batches = iter([data] if hasattr(data, "shape") else _batches(data))
        first = next(batches, None)
        if first is None:
            raise ValueError(f"`adapt` of layer {self.name!r} got no data.")
        if not self.built:
            self.build((None, *np.shape(first)[1:]) if self.axis and 0 not in self.axis else np.shape(first))
            self.built = True
        mean, variance = _moments(itertools.chain([first], batches), self.axis, self._state["mean"].shape)
        self._state["mean"].assign(mean)
        self._state["variance"].assign(variance)


def _plain(value: Any) -> Any:
    """A number, or lists of numbers."""
    return None if value is None else np.asarray(value).tolist()


def _per_channel(value: Any, x: Array, channels_first: bool):
    if value.ndim and channels_first:
        value = value.reshape(value.shape + (1,) * (3 - value.ndim))
    if value.ndim and value.shape[-1] not in (1, x.shape[-1]) and not channels_first:
        raise ValueError(f"{value.shape[-1]} numbers do not fit the channels of an input of shape {x.shape}")
    return jnp.asarray(value.reshape((1,) * (x.ndim - value.ndim) + value.shape), x.dtype)


def _kept(axis: tuple[int, ...], ndim: int) -> tuple[int, ...]:
    for a in axis:
        if not -ndim <= a < ndim:
            raise ValueError(f"axis {a} does not exist in an input of rank {ndim}")
    return tuple(sorted(a % ndim for a in axis))


def _batches(data: Any) -> Iterable[Any]:
    """Arrays of batches; of (x, y) the x."""
    if (
        hasattr(data, "__getitem__")
        and hasattr(data, "__len__")
        and not isinstance(data, (AnyList, AnyTuple))
    ):
        data = (data[i] for i in range(len(data)))  # a Sequence
    for batch in data:
        batch = batch[0] if isinstance(batch, AnyTuple) else batch
        if not hasattr(batch, "shape"):
            raise TypeError(
                f"`adapt` takes an array, or batches that are arrays; got {type(batch).__name__}."
            )
        yield batch


def _moments(batches: Any, axis: tuple[int, ...], sizes: tuple[int, ...]):
    """Mean and variance over all but the kept axes, of all batches together."""
    count, mean, variance = 0, 0.0, 0.0
    for batch in batches:
        x = np.asarray(batch)
        kept = _kept(axis, x.ndim)
        if tuple(x.shape[i] for i in kept) != tuple(sizes):
            raise ValueError(f"`adapt` got an array of shape {x.shape}, which has not the sizes {sizes}")
        over = tuple(i for i in range(x.ndim) if i not in kept)
        more = math.prod(x.shape[i] for i in over)
        count += more
        part, new = more / count, np.mean(x, over, dtype=np.float64)
        total = mean + (new - mean) * part
        variance = (variance + (mean - total) ** 2) * (1 - part)
        variance = variance + (np.var(x, over, dtype=np.float64) + (new - total) ** 2) * part
        mean = total
    return mean, variance
