"""Spectra, distances, segments and conversions under Keras 3's names.

Keras 3: keras/ops/math, keras/ops/core, keras/ops/linalg
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import DTypeLike

from jkeras.core.dispatch import op
from jkeras.core.types import Array, Function, Operand, Tree
from jkeras.engine.tensors.variable import Variable

Complex = tuple[Operand, Operand] | list[Operand]


def _parts(x: Array) -> tuple[Array, Array]:
    return jnp.real(x), jnp.imag(x)


def _whole(x: Complex) -> Array:
    return lax.complex(*map(jnp.asarray, x))


@op
def fft(x: Complex) -> tuple[Array, Array]:
    """The spectrum of (real, imaginary) along the last axis.

    Example:
        >>> [part.tolist() for part in fft(([1.0, 1.0], [0.0, 0.0]))]
        [[2.0, 0.0], [0.0, 0.0]]
    """
    return _parts(jnp.fft.fft(_whole(x)))


@op
def fft2(x: Complex) -> tuple[Array, Array]:
    """The spectrum of (real, imaginary) along the last two axes."""
    return _parts(jnp.fft.fft2(_whole(x)))


@op
def ifft2(x: Complex) -> tuple[Array, Array]:
    """The way back of `fft2`."""
    return _parts(jnp.fft.ifft2(_whole(x)))


@op
def rfft(x: Operand, fft_length: int | None = None) -> tuple[Array, Array]:
    """Half of the spectrum of real numbers, as (real, imaginary)."""
    return _parts(jnp.fft.rfft(jnp.asarray(x), fft_length))


@op
def irfft(x: Complex, fft_length: int | None = None) -> Array:
    """The way back of `rfft`."""
    return jnp.fft.irfft(_whole(x), fft_length)


@op
def extract_sequences(x: Operand, sequence_length: int, sequence_stride: int) -> Array:
    """The runs of a length along the last axis, one every so many numbers.

    Example:
        >>> extract_sequences([1, 2, 3, 4], 2, 2).tolist()
        [[1, 2], [3, 4]]
    """
    x = jnp.asarray(x)
    starts = np.arange((x.shape[-1] - sequence_length) // sequence_stride + 1) * sequence_stride
    return x[..., starts[:, None] + np.arange(sequence_length)]


@op
def stft(
    x: Operand,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    window: Any = "hann",
    center: bool = True,
) -> tuple[Array, Array]:
    """Spectra of the runs of a signal, each seen through a window.

    Args:
        x: `(..., time)`.
        sequence_length: of the window.
        sequence_stride: steps from one run to the next.
        fft_length: of the spectra, at least that of the window.
        window: "hann", "hamming", an array, or None.
        center: whether runs are centered at their places; the signal is reflected at its ends.

    Returns:
        (real, imaginary), `(..., runs, fft_length // 2 + 1)`.
    """
    x = jnp.asarray(x)
    left = (fft_length - sequence_length) // 2
    seen = jnp.pad(_window(window, sequence_length, x.dtype), (left, fft_length - sequence_length - left))
    if center:
        margins = [(0, 0)] * (x.ndim - 1) + [(fft_length // 2, fft_length // 2)]
        x = jnp.pad(x, margins, mode="reflect")
    runs = extract_sequences(x, fft_length, sequence_stride)
    return _parts(jnp.fft.rfft(runs * seen.reshape((1,) * (runs.ndim - 1) + (-1,)), fft_length))


def _window(window: Any, length: int, dtype: DTypeLike) -> Array:
    if window is None:
        return jnp.ones(length, dtype)
    if not isinstance(window, str):
        return jnp.asarray(window, dtype)
    share = {"hann": 0.5, "hamming": 0.54}.get(window)
    if share is None:
        raise ValueError(f"`window` should be 'hann', 'hamming', an array or None; got {window!r}.")
    turns = np.arange(length) / length  # of a period: the window that follows begins where this one ends
    return jnp.asarray(share - (1 - share) * np.cos(2 * np.pi * turns), dtype)


@op
def cdist(x: Operand, y: Operand) -> Array:
    """The distance of each row of `x` to each row of `y`.

    Example:
        >>> cdist([[0.0, 0.0]], [[3.0, 4.0], [0.0, 1.0]]).tolist()
        [[5.0, 1.0]]
    """
    x, y = jnp.asarray(x), jnp.asarray(y)
    return jnp.sqrt(jnp.sum(jnp.square(x[..., :, None, :] - y[..., None, :, :]), -1))


@op
def divide_no_nan(x1: Operand, x2: Operand) -> Array:
    """`x1 / x2`, and 0 where `x2` is 0."""
    x2 = jnp.asarray(x2)
    return jnp.where(x2 == 0, 0, jnp.divide(jnp.asarray(x1), jnp.where(x2 == 0, 1, x2)))


def array(x: Any, dtype: DTypeLike | None = None) -> Array:
    """`x` as an array."""
    return jnp.asarray(x.value if isinstance(x, Variable) else x, dtype)


@op
def view(x: Operand, dtype: DTypeLike | None = None) -> Array:
    """The bytes of `x` as another dtype."""
    return jnp.asarray(x).view(dtype)


@op
def view_as_real(x: Operand) -> Array:
    """Complex numbers as pairs of real ones, along a new last axis."""
    return jnp.stack(_parts(jnp.asarray(x)), -1)


@op
def polar(abs_: Operand, angle: Operand) -> Array:
    """The complex numbers of these absolute values and angles."""
    size, angle = jnp.asarray(abs_), jnp.asarray(angle)
    return lax.complex(size * jnp.cos(angle), size * jnp.sin(angle))


@op
def saturate_cast(x: Operand, dtype: DTypeLike) -> Array:
    """`x` in another dtype; what that does not hold becomes its largest or smallest number.

    Example:
        >>> saturate_cast([-1.0, 300.0], "uint8").tolist()
        [0, 255]
    """
    x = jnp.asarray(x)
    if jnp.issubdtype(dtype, jnp.bool_):
        return x.astype(dtype)
    limits: Any = jnp.iinfo(dtype) if jnp.issubdtype(dtype, jnp.integer) else jnp.finfo(dtype)
    held: Any = jnp.iinfo(x.dtype) if jnp.issubdtype(x.dtype, jnp.integer) else jnp.finfo(x.dtype)
    low, high = max(limits.min, held.min), min(limits.max, held.max)
    return jnp.clip(x, jnp.asarray(low, x.dtype), jnp.asarray(high, x.dtype)).astype(dtype)


@op
def segment_min(
    data: Operand, segment_ids: Operand, num_segments: int | None = None, sorted: bool = False
) -> Array:
    """The smallest of the rows of each segment."""
    return jax.ops.segment_min(jnp.asarray(data), jnp.asarray(segment_ids), num_segments, sorted)


@op
def segment_prod(
    data: Operand, segment_ids: Operand, num_segments: int | None = None, sorted: bool = False
) -> Array:
    """The product of the rows of each segment."""
    return jax.ops.segment_prod(jnp.asarray(data), jnp.asarray(segment_ids), num_segments, sorted)


def unique(x: Any, sorted: bool = True, return_index: bool = False, **words: Any) -> Any:
    """The different numbers of an array; in a compiled program `size` says how many there are.

    Args:
        x: array.
        sorted: they are, anyway.
        return_index: whether to say where each stands first.
        **words: `return_inverse`, `return_counts`, `axis`, `size`, `fill_value`.
    """
    return jnp.unique(jnp.asarray(x), return_index=return_index, **words)


def get_item(x: Any, key: Any) -> Any:
    """`x[key]`."""
    return x[key]


def vectorize(pyfunc: Function, *, excluded: Any = None, signature: str | None = None) -> Function:
    """A function of numbers as one of arrays."""
    return jnp.vectorize(pyfunc, excluded=frozenset(excluded or ()), signature=signature)


def associative_scan(f: Function, elems: Tree, reverse: bool = False, axis: int = 0) -> Tree:
    """`f` of all elements up to each one; `f` may be computed in any order.

    Example:
        >>> associative_scan(jnp.add, jnp.arange(4)).tolist()
        [0, 1, 3, 6]
    """
    return lax.associative_scan(f, elems, reverse, axis)


def custom_gradient(f: Function) -> Function:
    """A function with a gradient of its own: `f` returns its value, and a function from the gradient of that
    to those of the arguments.

    Example:
        >>> @custom_gradient
        ... def doubled(x):
        ...     return 2 * x, lambda upstream: upstream * 3
        >>> float(jax.grad(doubled)(1.0))
        3.0
    """

    @jax.custom_vjp
    def function(*args: Any) -> Any:
        return f(*args)[0]

    def forward(*args: Any) -> Any:
        value, back = f(*args)
        return value, jax.tree_util.Partial(lambda upstream: back(upstream))  # pyright: ignore[reportUnknownLambdaType]

    def backward(back: Any, upstream: Any) -> Any:
        slopes = back(upstream)
        return tuple(slopes) if isinstance(slopes, (tuple, list)) else (slopes,)

    function.defvjp(forward, backward)
    return function


def jvp(fun: Function, primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False) -> Any:
    """The value of a function, and its slope along `tangents`."""
    return jax.jvp(fun, tuple(primals), tuple(tangents), has_aux)


@op
def cholesky_inverse(x: Operand, upper: bool = False) -> Array:
    """The inverse of the matrix whose Cholesky factor is `x`."""
    x = jnp.asarray(x)
    return jax.scipy.linalg.cho_solve((x, not upper), jnp.eye(x.shape[-1], dtype=x.dtype))


@op
def lstsq(a: Operand, b: Operand, rcond: float | None = None) -> Array:
    """The `x` for which `a x` is nearest to `b`."""
    return jnp.linalg.lstsq(jnp.asarray(a), jnp.asarray(b), rcond)[0]


@op
def lu_factor(x: Operand) -> tuple[Array, Array]:
    """Lower and upper triangle of `x` in one matrix, and the order of the rows."""
    return jax.scipy.linalg.lu_factor(jnp.asarray(x))
