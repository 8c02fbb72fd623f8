"""Layers that make one output of several inputs, and their functions in lower case."""

# pyright: reportUnknownMemberType=false, reportUnnecessaryIsInstance=false
from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Unpack

import jax.numpy as jnp

from jkeras.core.arguments import LayerArguments
from jkeras.core.types import (
    INFERENCE,
    Array,
    Ctx,
    Key,
    Out,
    Pair,
    Params,
    Shape,
    Shapes,
    State,
    Tree,
    Weights,
)
from jkeras.engine.base_layer import Layer
from jkeras.engine.tensors.shapes import Spec
from jkeras.layers._several_inputs import (
    all_masks,
    broadcast,
    check_batches,
    check_count,
    check_dot,
    check_joinable,
    check_masks,
    joined_masks,
    of_one_rank,
)
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

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        first = next(c for c in cls.__mro__ if {"formula", "_merge_function"} & set(vars(c)))
        if "formula" not in vars(first) and not first.__module__.startswith("jkeras."):
            # code of the user, which may draw numbers and mix the samples
            cls.is_native = False

    def formula(self) -> Pair:
        merge, exactly = self._merge_function, self.exactly

        def init(rng: Key, in_shape: list[Shape]) -> Weights:
            check_count(in_shape, exactly)
            check_batches(in_shape)
            functools.reduce(broadcast, (s[1:] for s in in_shape))
            return {}, {}

        def apply(params: Params, state: State, x: list[Array], ctx: Ctx = INFERENCE) -> Out:
            check_count(x, exactly)
            return Out(merge(of_one_rank(x)), mask=all_masks(ctx.mask))

        return Pair(init, apply)

    def _merge_function(self, inputs: Tree):
        """One array of a list of arrays of equal rank."""
        return functools.reduce(type(self).combine, inputs)

    def declared_output_specs(self, shapes: Shapes):
        """For a function that holds for one size of the batch, such as one that draws `(32, 1)` numbers."""
        specs = super().declared_output_specs(shapes)
        if specs is not None or self.is_native:
            return specs
        return Spec((shapes[0][0], *functools.reduce(broadcast, (s[1:] for s in shapes))), self.dtype)

    def compute_mask(self, inputs: Tree, mask: Tree = None):
        """The conjunction of all masks; None without a mask.

        Args:
            inputs: a list of tensors.
            mask: a list of as many masks, arrays or tensors, None for an input without.

        Raises:
            ValueError: no lists, or not of one length.
        """
        check_masks(inputs, mask)
        return None if mask is None else self._merged_mask(inputs, mask)

    def _merged_mask(self, inputs: Tree, masks: Tree):
        return all_masks(masks)


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

    def _merge_function(self, inputs: Tree):
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
        """The inputs side by side along `axis`."""
        axis = self.axis

        def init(rng: Key, in_shape: list[Shape]) -> Weights:
            check_count(in_shape)
            check_joinable(in_shape, axis)
            return {}, {}

        def apply(params: Params, state: State, x: list[Array], ctx: Ctx = INFERENCE) -> Out:
            check_count(x)
            check_joinable([a.shape for a in x], axis)
            return Out(jnp.concatenate(x, axis), mask=joined_masks(x, ctx.mask, axis))

        return Pair(init, apply)

    def _merged_mask(self, inputs: Tree, masks: Tree):
        return joined_masks(inputs, masks, self.axis)


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
        """Products of the inputs along `axes`."""
        axes = (self.axes, self.axes) if isinstance(self.axes, int) else tuple(self.axes)
        normalize = self.normalize

        def init(rng: Key, in_shape: list[Shape]) -> Weights:
            check_count(in_shape, 2)
            check_dot(in_shape, axes)
            return {}, {}

        def apply(params: Params, state: State, x: list[Array], ctx: Ctx = INFERENCE) -> Out:
            check_count(x, 2)
            check_dot([a.shape for a in x], axes)
            if normalize:
                x = [l2_normalize(a, axis) for a, axis in zip(x, axes, strict=True)]
            return Out(batch_dot(x[0], x[1], (axes[0] % x[0].ndim, axes[1] % x[1].ndim)))

        return Pair(init, apply)

    def compute_mask(self, inputs: Tree, mask: Tree = None):
        """None: products have no mask."""
        return None


def add(inputs: Tree, **kwargs: Any):
    """`Add(**kwargs)(inputs)`: the sum of at least two tensors.

    >>> add([jnp.ones((1, 1)), jnp.ones((1, 1))]).tolist()
    [[2.0]]
    """
    return Add(**kwargs)(inputs)


def subtract(inputs: Tree, **kwargs: Any):
    """`Subtract(**kwargs)(inputs)`: the difference of two tensors.

    >>> subtract([jnp.ones((1, 1)), jnp.ones((1, 1))]).tolist()
    [[0.0]]
    """
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Tree, **kwargs: Any):
    """`Multiply(**kwargs)(inputs)`: the product of at least two tensors.

    >>> multiply([jnp.ones((1, 1)), jnp.ones((1, 1))]).tolist()
    [[1.0]]
    """
    return Multiply(**kwargs)(inputs)


def average(inputs: Tree, **kwargs: Any):
    """`Average(**kwargs)(inputs)`: the mean of at least two tensors.

    >>> average([jnp.ones((1, 1)), jnp.zeros((1, 1))]).tolist()
    [[0.5]]
    """
    return Average(**kwargs)(inputs)


def maximum(inputs: Tree, **kwargs: Any):
    """`Maximum(**kwargs)(inputs)`: the largest of at least two tensors.

    >>> maximum([jnp.ones((1, 1)), jnp.zeros((1, 1))]).tolist()
    [[1.0]]
    """
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Tree, **kwargs: Any):
    """`Minimum(**kwargs)(inputs)`: the smallest of at least two tensors.

    >>> minimum([jnp.ones((1, 1)), jnp.zeros((1, 1))]).tolist()
    [[0.0]]
    """
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: Tree, axis: int = -1, **kwargs: Any):
    """`Concatenate(axis, **kwargs)(inputs)`.

    >>> concatenate([jnp.ones((1, 1)), jnp.zeros((1, 1))]).tolist()
    [[1.0, 0.0]]
    """
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs: Tree, axes: int | Sequence[int], normalize: bool = False, **kwargs: Any):
    """`Dot(axes, normalize, **kwargs)(inputs)`.

    >>> dot([jnp.ones((1, 3)), jnp.ones((1, 3))], 1).tolist()
    [[3.0]]
    """
    return Dot(axes=axes, normalize=normalize, **kwargs)(inputs)
