"""The three products of a convolution (output, gradient of the input, gradient of the kernel), channels last.

On a CPU, XLA has fast convolutions in one layout alone: `(batch, spatial..., in)` by `(spatial..., in, out)`.
Any other, such as the derivatives of `lax` ask for, it brings into that layout outside of loops only; in a
loop those take 4 to 40 times as long. So each product is written here as a convolution in that layout, of
arrays that are transposed beforehand. `benchmarks/convolutions.py` measures them beside the others there are.
"""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
from jax import lax

from jkeras.core.types import Array, Length
from jkeras.primitives.conv_args import effective

MOST_TAPS = 64  # above, slices one by one cost more than they save
MOST_BYTES = 2**28  # above, the patches of one layer take too much memory


Slopes = Sequence[tuple[Any, Callable[[Array], Array]]]  # tangents, and the transposes of what moves them


class Geometry(NamedTuple):
    """The elements of input, kernel and output that meet: one entry per spatial axis."""

    lengths: tuple[Length, ...]  # of the input
    size: tuple[int, ...]
    strides: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]

    def axes(self) -> list[tuple[Any, int, int, tuple[int, int], int]]:
        """(length, taps, stride, (before, after), dilation) of each axis."""
        return list(zip(*self, strict=True))

    def places(self) -> tuple[Length, ...]:
        """The spatial shape of the output."""
        return tuple((n + sum(p) - effective(k, d)) // s + 1 for n, k, s, p, d in self.axes())


def output(x: Array, kernel: Array, at: Geometry) -> Array:
    """`y[p, o] = sum over k and i of x[p * stride + k * dilation - pad, i] * kernel[k, i, o]`."""
    return _convolution(x, kernel, at.strides, at.pads, rhs_dilation=at.dilation)


def kept_output(x: Array, kernel: Array, at: Geometry) -> Array:
    """`output`, where it is kept for the derivatives and so cannot become one with what follows it."""
    if len(at.size) == 2 and at.strides[0] == 1 and not any(map(sum, at.pads)):
        # What XLA has for arrays without padding is 3 times slower (jaxlib 0.10): a row more, and off again.
        y = _convolution(x, kernel, at.strides, [(0, 1), (0, 0)], rhs_dilation=at.dilation)
        return lax.slice_in_dim(y, 0, y.shape[1] - 1, axis=1)
    return output(x, kernel, at)


def input_gradient(g: Array, kernel: Array, at: Geometry) -> Array:
    """The transpose of `output` in its first argument: a convolution of `g` with the flipped kernel."""
    turned = jnp.swapaxes(jnp.flip(kernel, range(len(at.size))), -1, -2)
    pads: list[tuple[int, int]] = []
    for places, (length, taps, stride, (before, _), apart) in zip(at.places(), at.axes(), strict=True):
        margin = effective(taps, apart) - 1
        pads.append((margin - before, length + before - effective(places, stride)))
    ones = (1,) * len(pads)
    return _convolution(g, turned, ones, pads, lhs_dilation=at.strides, rhs_dilation=at.dilation)


def kernel_gradient(x: Array, g: Array, at: Geometry) -> Array:
    """The transpose of `output` in its second argument: a convolution whose window is all of `g`."""
    if max(at.strides) == 1:
        return _gradient_by_rows(x, g, at)
    if patches_pay(x, at):
        kernel = jax.ShapeDtypeStruct((*at.size, x.shape[-1], g.shape[-1]), x.dtype)
        return _transposed_product(lambda kernel: by_patches(x, kernel, at), kernel, g)
    x, g = _transposed(_that_meets(x, at), g)
    taps = _convolution(x, g, at.dilation, [(0, 0)] * len(at.size), rhs_dilation=at.strides)
    return jnp.moveaxis(taps, 0, -2)


def by_patches(x: Array, kernel: Array, at: Geometry) -> Array:
    """`output`, as one matrix product of all windows."""
    columns = list(taps_of(x, at))
    patches = columns[0] if len(columns) == 1 else jnp.concatenate(columns, -1)
    return patches @ kernel.reshape((-1, kernel.shape[-1]))


def patches_pay(x: Array | jax.ShapeDtypeStruct, at: Geometry) -> bool:
    """Whether to make patches: for windows and arrays that are not too large."""
    taps = math.prod(at.size)
    if not all(isinstance(d, int) for d in x.shape):
        return taps <= MOST_TAPS
    most = MOST_BYTES * math.prod(at.strides)
    return taps <= MOST_TAPS and x.size * taps * x.dtype.itemsize <= most


def taps_of(x: Array, at: Geometry) -> Iterator[Array]:
    """For every tap of the window, row-major, the elements that it meets: one strided slice of `x` each."""
    x = _padded(x, at.pads)
    for offset in itertools.product(*map(range, at.size)):
        start = [i * apart for i, apart in zip(offset, at.dilation, strict=True)]
        stop = [i + effective(n, s) for i, n, s in zip(start, at.places(), at.strides, strict=True)]
        yield lax.slice(x, (0, *start, 0), (x.shape[0], *stop, x.shape[-1]), (1, *at.strides, 1))


def _gradient_by_rows(x: Array, g: Array, at: Geometry) -> Array:
    """`kernel_gradient` for strides of one, over all spatial axes in a row.

    The rows of the input follow upon each other in one axis, and so do those of `g`, with zeros between them:
    the taps of a column are then as many steps apart as a row has. What XLA has for windows of that size over
    two axes is up to 6 times slower (jaxlib 0.10 to 0.12), and patches are twice as slow.
    """
    x, g = _transposed(_that_meets(x, at), g)
    if len(at.size) == 1:
        return jnp.moveaxis(_convolution(x, g, at.dilation, [(0, 0)]), 0, -2)
    channels, height, width, batch = x.shape
    (rows, columns), (down, across) = at.size, at.dilation
    places = effective(g.shape[0], width) + g.shape[1] - 1
    g = jnp.pad(g, [(0, 0), (0, width - g.shape[1]), (0, 0), (0, 0)])
    g = lax.slice_in_dim(g.reshape((g.shape[0] * width, *g.shape[2:])), 0, places)
    x, met = x.reshape((channels, height * width, batch)), places + (rows - 1) * down * width
    shifted = [lax.slice_in_dim(x, i * across, i * across + met, axis=1) for i in range(columns)]
    taps = _convolution(jnp.concatenate(shifted), g, (down * width,), [(0, 0)])
    return taps.reshape((columns, channels, rows, g.shape[-1])).transpose((2, 0, 1, 3))


def is_fast_in_loops(params: dict[str, Any], dtype: Any) -> bool:
    """Whether XLA has the same fast convolution for these parameters of `lax.conv_general_dilated` in a loop.

    >>> x, kernel = jnp.ones((1, 4, 3)), jnp.ones((2, 3, 5))
    >>> jaxpr = jax.make_jaxpr(lambda x: output(x, kernel, Geometry((4,), (2,), (1,), ((0, 0),), (1,))))(x)
    >>> is_fast_in_loops(jaxpr.eqns[0].params, x.dtype)
    True
    """
    layout = params["dimension_numbers"]
    rank = len(layout.lhs_spec) - 2
    data, kernel = (0, rank + 1, *range(1, rank + 1)), (rank + 1, rank, *range(rank))
    alone = params["feature_group_count"] == params["batch_group_count"] == 1
    in_place = tuple(layout.lhs_spec) == tuple(layout.out_spec) == data and tuple(layout.rhs_spec) == kernel
    return alone and in_place and is_fast(rank, dtype)


def is_fast(rank: int, dtype: Any) -> bool:
    """Whether XLA has a fast convolution on a CPU: not in double precision, and not over three axes."""
    return rank <= 2 and jnp.issubdtype(dtype, jnp.floating) and dtype.itemsize <= 4


def _that_meets(x: Array, at: Geometry) -> Array:
    """The padded input without what no window reaches."""
    pads = [
        (before, effective(places, stride) + effective(taps, apart) - 1 - length - before)
        for places, (length, taps, stride, (before, _), apart) in zip(at.places(), at.axes(), strict=True)
    ]
    return _padded(x, pads)


def _padded(x: Array, pads: Sequence[tuple[Length, Length]]) -> Array:
    """`x` with zeros at both ends of its spatial axes; where a number is negative, with less."""
    if not any(before or after for before, after in pads):
        return x
    edges = [(0, 0, 0), *((before, after, 0) for before, after in pads), (0, 0, 0)]
    return lax.pad(x, jnp.zeros((), x.dtype), edges)


def _transposed(x: Array, g: Array) -> tuple[Array, Array]:
    """Input and gradient with the batch where the channels of a convolution are, which it sums over."""
    rank = x.ndim - 2
    inner = tuple(range(1, rank + 1))
    return x.transpose((rank + 1, *inner, 0)), g.transpose((*inner, 0, rank + 1))


def _convolution(
    x: Array,
    kernel: Array,
    strides: Sequence[int],
    pads: Sequence[tuple[Length, Length]],
    lhs_dilation: Sequence[int] | None = None,
    rhs_dilation: Sequence[int] | None = None,
) -> Array:
    names = "DHW"[5 - x.ndim :]
    layout = (f"N{names}C", f"{names}IO", f"N{names}C")
    return lax.conv_general_dilated(x, kernel, strides, pads, lhs_dilation, rhs_dilation, layout)


@functools.partial(jax.custom_jvp, nondiff_argnums=(2,))
def convolution(x: Array, kernel: Array, at: Geometry) -> Array:
    """`output`, whose derivatives (of any order, in any mode) are the products of this file."""
    return output(x, kernel, at)


@functools.partial(jax.custom_jvp, nondiff_argnums=(2,))
def kept_convolution(x: Array, kernel: Array, at: Geometry) -> Array:
    """`convolution` with `kept_output`."""
    return kept_output(x, kernel, at)


@functools.partial(kept_convolution.defjvp, symbolic_zeros=True)
@functools.partial(convolution.defjvp, symbolic_zeros=True)
def _convolution_with_slopes(at: Geometry, primals: Any, tangents: Any) -> tuple[Array, Array]:
    x, kernel = primals
    y = cast(Array, kept_convolution(x, kernel, at))
    slopes: Slopes = (
        (tangents[0], lambda g: input_gradient(g, kernel, at)),
        (tangents[1], lambda g: kernel_gradient(x, g, at)),
    )
    return y, _sum_of_transposes(slopes, y)


@functools.partial(jax.custom_jvp, nondiff_argnums=(2,))
def transposed_convolution(g: Array, kernel: Array, at: Geometry) -> Array:
    """`input_gradient`, likewise."""
    return input_gradient(g, kernel, at)


@functools.partial(transposed_convolution.defjvp, symbolic_zeros=True)
def _transposed_convolution_with_slopes(at: Geometry, primals: Any, tangents: Any) -> tuple[Array, Array]:
    g, kernel = primals
    x = cast(Array, transposed_convolution(g, kernel, at))
    slopes: Slopes = (
        (tangents[0], lambda x: output(x, kernel, at)),
        (tangents[1], lambda x: kernel_gradient(x, g, at)),
    )
    return x, _sum_of_transposes(slopes, x)


def _transposed_product(product: Callable[[Array], Array], like: Any, value: Array) -> Array:
    """The transpose of a linear function of arrays like `like`, at `value`."""
    return cast(Any, jax.linear_transpose(product, like))(value)[0]


def _sum_of_transposes(slopes: Slopes, like: Array) -> Array:
    """The sum of transposed products: transposed again, they are the products as they are written above."""
    moved: list[Array] = [
        _transposed_product(product, like, tangent)
        for tangent, product in slopes
        if not isinstance(tangent, jax.custom_derivatives.SymbolicZero)
    ]
    return functools.reduce(jnp.add, moved) if moved else jnp.zeros_like(like)
