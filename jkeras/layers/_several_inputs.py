"""Number, shapes and masks of several inputs: what one layer wants of them together."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import functools
from collections.abc import Sequence

import jax.numpy as jnp

from jkeras.core.dispatch import op
from jkeras.core.types import AnyList, AnyTuple, Array, Shape, Shapes, Tree


def check_count(inputs: Tree, exactly: int | None = None) -> None:
    if not isinstance(inputs, (AnyList, AnyTuple)) or (
        inputs and not isinstance(inputs[0], (AnyList, AnyTuple)) and not hasattr(inputs[0], "shape")
    ):
        raise ValueError("a merge layer should be called on a list of inputs")
    if exactly is not None and len(inputs) != exactly:
        raise ValueError(f"this layer should be called on exactly {exactly} inputs, got {len(inputs)}")
    if len(inputs) < 2:
        raise ValueError(f"a merge layer should be called on a list of at least 2 inputs, got {len(inputs)}")


def check_batches(shapes: Shapes) -> None:
    sizes = {s[0] for s in shapes} - {None}
    if len(sizes) > 1:
        raise ValueError(f"cannot merge tensors with different batch sizes; got shapes {shapes}")


def broadcast(a: Shape, b: Shape) -> Shape:
    """Shape of an element-wise operation, aligned at the end; None is unknown."""
    long, short = (a, b) if len(a) >= len(b) else (b, a)
    tail: list[int | None] = []
    for m, n in zip(long[len(long) - len(short) :], short, strict=True):
        if None not in (m, n) and m != n and 1 not in (m, n):
            raise ValueError(
                f"operands could not be broadcast together with shapes {a} and {b} (batch axis left out)"
            )
        tail.append(None if m is None or n is None else max(m, n))
    return long[: len(long) - len(short)] + tuple(tail)


def of_one_rank(arrays: list[Array]) -> list[Array]:
    """Arrays of lower rank with axes of length 1 after the batch axis."""
    ndim = max(x.ndim for x in arrays)
    return [x.reshape(x.shape[:1] + (1,) * (ndim - x.ndim) + x.shape[1:]) for x in arrays]


def check_masks(inputs: Tree, mask: Tree) -> None:
    for name, value in (("mask", mask), ("inputs", inputs)):
        if mask is not None and not isinstance(value, (list, tuple)):
            raise ValueError(f"`{name}` should be a list; got {value!r}.")
    if mask is not None and len(mask) != len(inputs):
        raise ValueError(
            f"The lists `inputs` and `mask` should have the same length; got {len(inputs)} and {len(mask)}."
        )


def all_masks(masks: Tree) -> Tree:
    """The conjunction of those that are there."""
    present = [m for m in masks or () if m is not None]
    return _conjunction(present) if present else None


@op
def _conjunction(masks: Tree):
    return functools.reduce(jnp.logical_and, masks, jnp.asarray(True))


def check_joinable(shapes: Shapes, axis: int) -> None:
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


def joined_masks(arrays: Tree, masks: Tree, axis: int) -> Tree:
    """The mask of arrays that are joined along an axis, None if none has one."""
    if all(m is None for m in masks or ()):
        return None
    unmasked = [x if m is None else None for x, m in zip(arrays, masks, strict=True)]
    return _joined(unmasked, masks, len(arrays[0].shape), axis)


@op
def _joined(unmasked: Tree, masks: Tree, rank: int, axis: int):
    """The masks one after the other; all of an unmasked input counts. A mask that has fewer axes than its
    input stands for whole rows."""

    def full(x: Array, mask: Tree) -> Array:
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


def check_dot(shapes: Sequence[Shape], axes: tuple[int, ...]) -> None:
    if any(not -len(s) <= a < len(s) for s, a in zip(shapes, axes, strict=True)):
        raise ValueError(f"axes {axes} do not exist in inputs of shapes {shapes}")
    a, b = (s[axis] for s, axis in zip(shapes, axes, strict=True))
    if a != b and None not in (a, b):
        raise ValueError(f"dimension incompatibility along axes {axes}: {a} != {b}; input shapes {shapes}")
