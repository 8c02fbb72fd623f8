"""Shapes and indices: reshaping, padding, gathering, repeating."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from jkeras.core import settings
from jkeras.core.dispatch import op
from jkeras.ops.conv_args import data_format as format_of
from jkeras.ops.conv_args import spatial_axes
from jkeras.ops.resize import bilinear
from jkeras.ops.resize import repeat as enlarge


@op
def reshape(x, shape):
    """The same values in another shape (one entry may be -1, or None of an unknown static shape)."""
    shape = tuple(shape)
    if shape.count(None) + shape.count(-1) == 1:
        shape = tuple(-1 if d is None else d for d in shape)
    return jnp.reshape(jnp.asarray(x), shape)


@op
def flatten(x):
    """All values in one axis."""
    return jnp.ravel(jnp.asarray(x))


@op
def batch_flatten(x):
    """Each sample in one axis: `(batch, product of the rest)`."""
    return jnp.reshape(x, (-1, int(np.prod(x.shape[1:]))))


@op
def transpose(x):
    """Axes in reverse order."""
    return jnp.transpose(jnp.asarray(x))


@op
def permute_dimensions(x, pattern):
    """Axes in the order of `pattern`."""
    return jnp.transpose(jnp.asarray(x), tuple(pattern))


@op
def expand_dims(x, axis=-1):
    """A new axis of size 1."""
    return jnp.expand_dims(jnp.asarray(x), axis)


@op
def squeeze(x, axis):
    """Without an axis of size 1."""
    return jnp.squeeze(jnp.asarray(x), axis)


@op
def concatenate(tensors, axis=-1):
    """Tensors one after the other along an axis."""
    return jnp.concatenate(tensors, axis)


@op
def stack(x, axis=0):
    """A list of tensors along a new axis."""
    return jnp.stack(x, axis)


@op
def gather(reference, indices):
    """Rows `reference[indices]`."""
    return jnp.take(jnp.asarray(reference), jnp.asarray(indices, jnp.int32), axis=0)


@op
def one_hot(indices, num_classes):
    """A new last axis that is 1 at the index and 0 elsewhere."""
    return jax.nn.one_hot(jnp.asarray(indices, jnp.int32), num_classes, dtype=settings.floatx())


@op
def reverse(x, axes):
    """Values in reverse order along axes."""
    return jnp.flip(jnp.asarray(x), axes if isinstance(axes, int) else tuple(axes))


@op
def slice(x, start, size):
    """The block that begins at `start` and has shape `size` (-1: to the end)."""
    start, size = tuple(start), tuple(size)
    if any(not isinstance(b, (int, np.integer)) for b in start):
        return jax.lax.dynamic_slice(x, start, size)
    ends = [d if n == -1 else b + n for b, n, d in zip(start, size, jnp.shape(x), strict=True)]
    return jax.lax.slice(x, start, ends)


@op
def repeat(x, n):
    """`(batch, dim)` → `(batch, n, dim)`."""
    if jnp.ndim(x) != 2:
        raise ValueError(f"K.repeat takes a tensor with 2 axes; got shape {jnp.shape(x)}.")
    return jnp.repeat(x[:, None], n, axis=1)


@op
def repeat_elements(x, rep, axis):
    """Each element `rep` times along an axis."""
    return jnp.repeat(jnp.asarray(x), rep, axis)


@op
def tile(x, n):
    """The whole tensor `n` times along each axis."""
    return jnp.tile(jnp.asarray(x), tuple(n) if isinstance(n, (list, tuple)) else n)


@op
def arange(start, stop=None, step=1, dtype="int32"):
    """Evenly spaced numbers."""
    return jnp.arange(start, stop, step, dtype) if stop is not None else jnp.arange(0, start, step, dtype)


@op
def resize_images(x, height_factor, width_factor, data_format, interpolation="nearest"):
    """Images enlarged by whole factors, by repetition or bilinearly."""
    if interpolation not in ("nearest", "bilinear"):
        raise ValueError(f"interpolation is 'nearest' or 'bilinear'; got {interpolation!r}.")
    stretch = bilinear if interpolation == "bilinear" else enlarge
    first = spatial_axes(format_of(data_format), 4)[0]
    return stretch(stretch(x, width_factor, first + 1), height_factor, first)


@op
def resize_volumes(x, depth_factor, height_factor, width_factor, data_format):
    """Volumes enlarged by whole factors, by repetition."""
    first = spatial_axes(format_of(data_format), 5)[0]
    for i, factor in enumerate((depth_factor, height_factor, width_factor)):
        x = enlarge(x, factor, first + i)
    return x


@op
def temporal_padding(x, padding=(1, 1)):
    """Zeros before and after axis 1."""
    return jnp.pad(x, ((0, 0), tuple(padding), (0, 0)))


@op
def spatial_2d_padding(x, padding=((1, 1), (1, 1)), data_format=None):
    """Zeros around the two spatial axes."""
    return _pad_spatial(x, padding, data_format)


@op
def spatial_3d_padding(x, padding=((1, 1), (1, 1), (1, 1)), data_format=None):
    """Zeros around the three spatial axes."""
    return _pad_spatial(x, padding, data_format)


def _pad_spatial(x, padding, data_format):
    inner = [tuple(p) for p in padding]
    last = format_of(data_format) == "channels_last"
    return jnp.pad(x, [(0, 0), *inner, (0, 0)] if last else [(0, 0), (0, 0), *inner])
