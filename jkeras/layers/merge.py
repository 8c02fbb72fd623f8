"""Layers that make one output of several inputs, and their functions in lower case."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Unpack

import jax.numpy as jnp

from jkeras.core.arguments import (
    LayerArguments,
)
from jkeras.core.dispatch import op
from jkeras.core.types import INFERENCE, Out, Pair
from jkeras.engine.base_layer import Layer
from jkeras.engine.tensors.shapes import Spec
from jkeras.primitives.dot import batch_dot
from jkeras.primitives.numeric import l2_normalize
from jkeras.primitives.pool import first_maximum, first_minimum


class _Merge(Layer):
    """Element by element over inputs of equal or broadcastable shapes.

    Inputs of lower rank get axes of length 1 after the batch axis. The output mask holds where all masks do.

    A subclass of the user defines `_merge_function(self, inputs)`, a function of the list of inputs of equal
    rank, as in Keras.
    """

    supports_masking = True
    exactly: int | None = None  # number of inputs, where it is fixed
    combine: Any = None  # a static function of two arrays

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        first = next(c for c in cls.__mro__ if {"formula", "_merge_function"} & set(vars(c)))
        if "formula" not in vars(first) and not first.__module__.startswith("jkeras."):
            # code of the user, which may draw numbers and mix the samples
            cls.is_native = False

    def formula(self) -> Pair:
        merge, exactly = self._merge_function, self.exactly

        def init(rng, in_shape):
            _check_count(in_shape, exactly)
            _check_batches(in_shape)
            functools.reduce(_broadcast, (s[1:] for s in in_shape))
            return {}, {}

        def apply(params, state, x, ctx=INFERENCE):
            _check_count(x, exactly)
            return Out(merge(_same_rank(x)), mask=_all_masks(ctx.mask))

        return Pair(init, apply)

    def _merge_function(self, inputs):
        """One array of a list of arrays of equal rank."""
        return functools.reduce(type(self).combine, inputs)

    def declared_output_specs(self, shapes):
        """For a function that holds for one size of the batch, such as one that draws `(32, 1)` numbers."""
        specs = super().declared_output_specs(shapes)
        if specs is not None or self.is_native:
            return specs
        return Spec((shapes[0][0], *functools.reduce(_broadcast, (s[1:] for s in shapes))), self.dtype)

    def compute_mask(self, inputs, mask=None):
        """The conjunction of all masks; None without a mask.

        Args:
            inputs: a list of tensors.
            mask: a list of as many masks, arrays or tensors, None for an input without.

        Raises:
            ValueError: no lists, or not of one length.
        """
        _check_masks(inputs, mask)
        return None if mask is None else self._merged_mask(inputs, mask)

    def _merged_mask(self, inputs, masks):
        return _all_masks(masks)


def _check_count(inputs, exactly: int | None = None) -> None:
    if not isinstance(inputs, (list, tuple)) or (
        inputs and not isinstance(inputs[0], (list, tuple)) and not hasattr(inputs[0], "shape")
    ):
        raise ValueError("a merge layer should be called on a list of inputs")
    if exactly is not None and len(inputs) != exactly:
        raise ValueError(f"this layer should be called on exactly {exactly} inputs, got {len(inputs)}")
    if len(inputs) < 2:
        raise ValueError(f"a merge layer should be called on a list of at least 2 inputs, got {len(inputs)}")


def _check_batches(shapes) -> None:
    sizes = {s[0] for s in shapes} - {None}
    if len(sizes) > 1:
        raise ValueError(f"cannot merge tensors with different batch sizes; got shapes {shapes}")


def _broadcast(a: tuple, b: tuple) -> tuple:
    """Shape of an element-wise operation, aligned at the end; None is unknown."""
    long, short = (a, b) if len(a) >= len(b) else (b, a)
    tail = []
    for m, n in zip(long[len(long) - len(short) :], short, strict=True):
        if None not in (m, n) and m != n and 1 not in (m, n):
            raise ValueError(
                f"operands could not be broadcast together with shapes {a} and {b} (batch axis left out)"
            )
        tail.append(None if None in (m, n) else max(m, n))
    return long[: len(long) - len(short)] + tuple(tail)


def _same_rank(arrays) -> list:
    ndim = max(x.ndim for x in arrays)
    return [x.reshape(x.shape[:1] + (1,) * (ndim - x.ndim) + x.shape[1:]) for x in arrays]


def _check_masks(inputs, mask) -> None:
    for name, value in (("mask", mask), ("inputs", inputs)):
        if mask is not None and not isinstance(value, (list, tuple)):
            raise ValueError(f"`{name}` should be a list; got {value!r}.")
    if mask is not None and len(mask) != len(inputs):
        raise ValueError(
            f"The lists `inputs` and `mask` should have the same length; got {len(inputs)} and {len(mask)}."
        )


def _all_masks(masks):
    present = [m for m in masks or () if m is not None]
    return _conjunction(present) if present else None


@op
def _conjunction(masks):
    return functools.reduce(jnp.logical_and, masks, jnp.asarray(True))


class Add(_Merge):
    """The sum of its inputs.

    Input shape:
        A list of at least two broadcastable shapes.

    Output shape:
        The broadcast one.

    Raises:
        ValueError: fewer than two inputs, or shapes that do not broadcast.

    Keras 2.2.4: keras/layers/merge.py Add

    Example:
        >>> Add()([jnp.ones((1, 2)), jnp.ones((1, 2))]).tolist()
        [[2.0, 2.0]]
    """

    combine = staticmethod(jnp.add)


class Subtract(_Merge):
    """The first input minus the second.

    Input shape:
        A list of two broadcastable shapes.

    Output shape:
        The broadcast one.

    Raises:
        ValueError: not exactly two inputs, or shapes that do not broadcast.

    Keras 2.2.4: keras/layers/merge.py Subtract

    Example:
        >>> Subtract()([jnp.ones((1, 2)), jnp.ones((1, 2))]).tolist()
        [[0.0, 0.0]]
    """

    combine = staticmethod(jnp.subtract)
    exactly = 2


class Multiply(_Merge):
    """The product of its inputs, element by element.

    Input shape:
        A list of at least two broadcastable shapes.

    Output shape:
        The broadcast one.

    Raises:
        ValueError: fewer than two inputs, or shapes that do not broadcast.

    Keras 2.2.4: keras/layers/merge.py Multiply

    Example:
        >>> Multiply()([2 * jnp.ones((1, 2)), 3 * jnp.ones((1, 2))]).tolist()
        [[6.0, 6.0]]
    """

    combine = staticmethod(jnp.multiply)


class Average(_Merge):
    """The mean of its inputs.

    Input shape:
        A list of at least two broadcastable shapes.

    Output shape:
        The broadcast one.

    Raises:
        ValueError: fewer than two inputs, or shapes that do not broadcast.

    Keras 2.2.4: keras/layers/merge.py Average

    Example:
        >>> Average()([jnp.ones((1, 2)), 3 * jnp.ones((1, 2))]).tolist()
        [[2.0, 2.0]]
    """

    def _merge_function(self, inputs):
        return functools.reduce(jnp.add, inputs) / len(inputs)


class Maximum(_Merge):
    """The largest of its inputs, element by element.

    Input shape:
        A list of at least two broadcastable shapes.

    Output shape:
        The broadcast one.

    Raises:
        ValueError: fewer than two inputs, or shapes that do not broadcast.

    Keras 2.2.4: keras/layers/merge.py Maximum

    Example:
        >>> Maximum()([jnp.zeros((1, 2)), jnp.ones((1, 2))]).tolist()
        [[1.0, 1.0]]
    """

    combine = staticmethod(first_maximum)


class Minimum(_Merge):
    """The smallest of its inputs, element by element.

    Input shape:
        A list of at least two broadcastable shapes.

    Output shape:
        The broadcast one.

    Raises:
        ValueError: fewer than two inputs, or shapes that do not broadcast.

    Keras 2.2.4: keras/layers/merge.py Minimum

    Example:
        >>> Minimum()([jnp.zeros((1, 2)), jnp.ones((1, 2))]).tolist()
        [[0.0, 0.0]]
    """

    combine = staticmethod(first_minimum)


class Concatenate(_Merge):
    """Its inputs one after the other along one axis.

    Args:
        axis: the axis along which sizes may differ.

    Input shape:
        A list of at least two shapes that agree in all other axes.

    Output shape:
        The same, with the sum along `axis`.

    Raises:
        ValueError: other axes differ.

    Keras 2.2.4: keras/layers/merge.py Concatenate

    Example:
        >>> Concatenate()([jnp.ones((1, 2)), jnp.ones((1, 3))]).shape
        (1, 5)
    """

    def __init__(self, axis: int = -1, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        self.axis = axis

    def formula(self) -> Pair:
        axis = self.axis

        def init(rng, in_shape):
            _check_count(in_shape)
            _check_joinable(in_shape, axis)
            return {}, {}

        def apply(params, state, x, ctx=INFERENCE):
            _check_count(x)
            _check_joinable([a.shape for a in x], axis)
            return Out(jnp.concatenate(x, axis), mask=_joined_masks(x, ctx.mask, axis))

        return Pair(init, apply)

    def _merged_mask(self, inputs, masks):
        return _joined_masks(inputs, masks, self.axis)


def _check_joinable(shapes, axis: int) -> None:
    first = shapes[0]
    place = axis % len(first) if -len(first) <= axis < len(first) else None
    for shape in shapes[1:]:
        pairs = zip(first, shape, strict=False)
        differ = any(i != place and a != b and None not in (a, b) for i, (a, b) in enumerate(pairs))
        if place is None or len(shape) != len(first) or differ:
            raise ValueError(
                "a `Concatenate` layer requires inputs with matching shapes except for the concat axis "
                f"{axis}; got input shapes {list(shapes)}"
            )


def _joined_masks(arrays, masks, axis: int):
    if all(m is None for m in masks or ()):
        return None
    unmasked = [x if m is None else None for x, m in zip(arrays, masks, strict=True)]
    return _joined(unmasked, masks, len(arrays[0].shape), axis)


@op
def _joined(unmasked, masks, rank: int, axis: int):
    """The masks one after the other; all of an unmasked input counts. A mask that has fewer axes than its
    input stands for whole rows."""

    def full(x, mask):
        if mask is None:
            return jnp.ones(x.shape, bool)
        mask = jnp.asarray(mask, bool)
        return mask.reshape(mask.shape + (1,) * (rank - mask.ndim))

    parts = [full(x, m) for x, m in zip(unmasked, masks, strict=True)]
    place = axis % rank
    before, after = slice(0, place), slice(place + 1, rank)
    common = jnp.broadcast_shapes(*((*p.shape[before], 1, *p.shape[after]) for p in parts))
    whole = [jnp.broadcast_to(p, (*common[before], p.shape[place], *common[after])) for p in parts]
    return jnp.concatenate(whole, axis).all(-1)


class Dot(_Merge):
    """The products of two inputs, sample by sample, contracted over one axis of each.

    Args:
        axes: the axis of both, or a pair of axes (the batch axis is 0).
        normalize: divide by the norms along these axes first (cosine proximity).

    Input shape:
        A list of two shapes of equal size along `axes`.

    Output shape:
        `(batch,)` + the other axes of the first + those of the second; `(batch, 1)` when there are none.

    Raises:
        TypeError, ValueError: `axes` has another form, or the sizes differ.

    Keras 2.2.4: keras/layers/merge.py Dot

    Example:
        >>> Dot(1)([jnp.ones((1, 2)), jnp.ones((1, 2))]).tolist()
        [[2.0]]
    """

    exactly = 2

    def __init__(self, axes: int | Sequence[int], normalize: bool = False, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        if not isinstance(axes, int):
            if not isinstance(axes, (list, tuple)):
                raise TypeError(f"Invalid type for `axes`: should be a list or an int. Received: {axes!r}")
            if len(axes) != 2 or not all(isinstance(a, int) for a in axes):
                raise ValueError(f"Invalid format for `axes`: should contain two ints. Received: {axes!r}")
        self.axes = axes
        self.normalize = normalize

    def formula(self) -> Pair:
        axes = (self.axes, self.axes) if isinstance(self.axes, int) else tuple(self.axes)
        normalize = self.normalize

        def init(rng, in_shape):
            _check_count(in_shape, 2)
            _check_dot(in_shape, axes)
            return {}, {}

        def apply(params, state, x, ctx=INFERENCE):
            _check_count(x, 2)
            _check_dot([a.shape for a in x], axes)
            if normalize:
                x = [l2_normalize(a, axis) for a, axis in zip(x, axes, strict=True)]
            return Out(batch_dot(x[0], x[1], (axes[0] % x[0].ndim, axes[1] % x[1].ndim)))

        return Pair(init, apply)

    def compute_mask(self, inputs, mask=None):
        """None: products have no mask."""
        return None


def _check_dot(shapes, axes) -> None:
    if any(not -len(s) <= a < len(s) for s, a in zip(shapes, axes, strict=True)):
        raise ValueError(f"axes {axes} do not exist in inputs of shapes {shapes}")
    a, b = (s[axis] for s, axis in zip(shapes, axes, strict=True))
    if a != b and None not in (a, b):
        raise ValueError(f"dimension incompatibility along axes {axes}: {a} != {b}; input shapes {shapes}")


def add(inputs, **kwargs):
    """`Add(**kwargs)(inputs)`: the sum of at least two tensors.

    >>> add([jnp.ones((1, 1)), jnp.ones((1, 1))]).tolist()
    [[2.0]]
    """
    return Add(**kwargs)(inputs)


def subtract(inputs, **kwargs):
    """`Subtract(**kwargs)(inputs)`: the difference of two tensors.

    >>> subtract([jnp.ones((1, 1)), jnp.ones((1, 1))]).tolist()
    [[0.0]]
    """
    return Subtract(**kwargs)(inputs)


def multiply(inputs, **kwargs):
    """`Multiply(**kwargs)(inputs)`: the product of at least two tensors.

    >>> multiply([jnp.ones((1, 1)), jnp.ones((1, 1))]).tolist()
    [[1.0]]
    """
    return Multiply(**kwargs)(inputs)


def average(inputs, **kwargs):
    """`Average(**kwargs)(inputs)`: the mean of at least two tensors.

    >>> average([jnp.ones((1, 1)), jnp.zeros((1, 1))]).tolist()
    [[0.5]]
    """
    return Average(**kwargs)(inputs)


def maximum(inputs, **kwargs):
    """`Maximum(**kwargs)(inputs)`: the largest of at least two tensors.

    >>> maximum([jnp.ones((1, 1)), jnp.zeros((1, 1))]).tolist()
    [[1.0]]
    """
    return Maximum(**kwargs)(inputs)


def minimum(inputs, **kwargs):
    """`Minimum(**kwargs)(inputs)`: the smallest of at least two tensors.

    >>> minimum([jnp.ones((1, 1)), jnp.zeros((1, 1))]).tolist()
    [[0.0]]
    """
    return Minimum(**kwargs)(inputs)


def concatenate(inputs, axis=-1, **kwargs):
    """`Concatenate(axis, **kwargs)(inputs)`.

    >>> concatenate([jnp.ones((1, 1)), jnp.zeros((1, 1))]).tolist()
    [[1.0, 0.0]]
    """
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs, axes, normalize=False, **kwargs):
    """`Dot(axes, normalize, **kwargs)(inputs)`.

    >>> dot([jnp.ones((1, 3)), jnp.ones((1, 3))], 1).tolist()
    [[3.0]]
    """
    return Dot(axes=axes, normalize=normalize, **kwargs)(inputs)
