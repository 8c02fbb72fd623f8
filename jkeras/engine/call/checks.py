"""Wrapping of every layer's pair: input checks, mask refusal, errors that name the layer, activity losses."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from jax.typing import DTypeLike

from jkeras.core import bits
from jkeras.core.types import (
    AnyDict,
    AnyList,
    AnyNumpy,
    AnyTuple,
    Ctx,
    Init,
    Key,
    Out,
    Params,
    Shape,
    Shapes,
    State,
    Tree,
)
from jkeras.engine.call import told
from jkeras.engine.call.types import Check, Compute, Masks, Trees
from jkeras.engine.tensors.frame import StrayTensorError
from jkeras.engine.tensors.scope import NeedsTensorsError, code_of
from jkeras.engine.tensors.shapes import known
from jkeras.primitives.conv_args import WindowError, looks_turned

if TYPE_CHECKING:
    from jkeras.engine.base_layer import Layer
    from jkeras.engine.tensors.symbolic import Words

_WHOLE = (jax.errors.JAXTypeError, StrayTensorError, NeedsTensorsError)  # they say it all


_FUNCTIONS = ("activation", "recurrent_activation", "activity_regularizer")


class InputSpec:
    """The inputs that a layer accepts: rank and sizes of axes.

    Args:
        dtype: kept for compatibility with Keras; inputs are converted.
        shape: full shape with None for any size.
        ndim, max_ndim, min_ndim: rank.
        axes: `{axis: size}`.
    """

    def __init__(
        self,
        dtype: DTypeLike | None = None,
        shape: Sequence[int | None] | None = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: Mapping[int, int | None] | None = None,
    ):
        self.dtype = dtype
        self.shape: Shape | None = tuple(shape) if shape is not None else None
        self.ndim = len(self.shape) if self.shape is not None else ndim
        self.max_ndim, self.min_ndim = max_ndim, min_ndim
        self.axes: Mapping[int, int | None] = axes or {}

    def complaint(self, shape: Shape) -> str | None:
        """The fault of `shape`, or None."""
        n = len(shape)
        if self.ndim is not None and n != self.ndim:
            return f"expected ndim={self.ndim}, found ndim={n}"
        if self.max_ndim is not None and n > self.max_ndim:
            return f"expected max_ndim={self.max_ndim}, found ndim={n}"
        if self.min_ndim is not None and n < self.min_ndim:
            return f"expected min_ndim={self.min_ndim}, found ndim={n}"
        wanted = {**dict(enumerate(self.shape or ())), **self.axes}
        for axis, size in wanted.items():
            if size is not None and shape[axis] not in (size, None):
                return f"expected axis {axis} to have size {size}, found {shape[axis]}"
        return None

    def __repr__(self) -> str:
        return f"InputSpec(shape={self.shape}, ndim={self.ndim}, min_ndim={self.min_ndim}, axes={self.axes})"


def check_spec(layer: Layer, shapes: Shapes) -> None:
    """Raise ValueError where the shapes do not fit `layer.input_spec`."""
    if layer.input_spec is None:
        return
    specs: list[InputSpec] = _listed(layer.input_spec)
    shapes = shapes if isinstance(shapes, AnyList) else [shapes]
    states = getattr(layer, "state_spec", None)  # of recurrent layers, where states are given
    if states is not None and len(shapes) > len(specs):
        specs = [*specs, *_listed(states)]
    if len(specs) != len(shapes):
        raise ValueError(
            f"Layer {layer.name!r} ({type(layer).__name__}) expects {len(specs)} inputs, but it was called "
            f"on {len(shapes)} with shapes {shapes}."
            f"{_join(shapes) * (len(specs) == 1)}"
        )
    for i, (spec, shape) in enumerate(zip(specs, shapes, strict=True)):
        complaint = spec.complaint(shape)
        if complaint:
            raise ValueError(
                f"Input {i} is incompatible with layer {layer.name!r} ({type(layer).__name__}): {complaint}. "
                f"Full shape received: {shape}.{_guess(layer, spec, shape)}"
            )


def _join(shapes: Sequence[Any]) -> str:
    """Advice where a list came for one input."""
    if all(shape == () for shape in shapes):
        return " A list is one input for each entry: numbers of one input are an array, np.array([[...]])."
    return " Join them before, as with Concatenate()."


def _guess(layer: Layer, spec: InputSpec, shape: Shape) -> str:
    """Guess of what is missing where an axis is."""
    if spec.ndim is None or len(shape) != spec.ndim - 1:
        return ""
    return " Is the axis of channels missing? One of size 1 counts too." * (spec.ndim == 4)


def _listed(specs: Any) -> list[InputSpec]:
    return list(specs) if isinstance(specs, (AnyList, AnyTuple)) else [specs]


def refuse_second_build(layer: Layer) -> None:
    """Raise ValueError if a layer has its weights already (Keras would add new ones, which nothing uses)."""
    if layer.built and layer.is_native and layer.weights:
        raise ValueError(
            f"Layer {layer.name!r} ({type(layer).__name__}) is built already. For new values call "
            "layer.set_weights([...]), with jkeras.initializers.get('glorot_uniform')(shape) and the like; "
            "for weights of other shapes make a new layer, type(layer).from_config(layer.get_config())."
        )


class MaskRefused(TypeError):
    """A mask came to a layer that does not support masking."""


def refuse_mask(layer: Layer, mask: Masks) -> None:
    """Raise `MaskRefused` if a mask came to a layer that does not support masking."""
    if any(m is not None for m in jax.tree.leaves(mask)):
        raise MaskRefused(
            f"Layer {layer.name!r} ({type(layer).__name__}) does not support masking, but was passed an "
            "input mask. Remove Masking or mask_zero=True before it, or set supports_masking = True in a "
            "layer of your own."
        )


def checked_init(layer: Layer, init: Init, as_cell: bool = False) -> Init:
    """The `init` of a layer with Keras's checks around it; `as_cell`: see `guard`."""

    def checked(rng: Key, in_shape: Shapes = None) -> tuple[Params, State]:
        if in_shape is not None and not as_cell:
            check_spec(layer, in_shape)
        with explained(layer, in_shape):
            return init(rng, in_shape)

    return checked


def guard(layer: Layer, as_cell: bool = False) -> Check:
    """Keras's checks around a computation of a layer, which add the activity regularizer to its loss.

    Args:
        layer: the layer.
        as_cell: whether a recurrent layer runs it, which like Keras's looks at neither.

    Returns:
        `check(compute, x, ctx, words, trees=None) -> Out`, which runs `compute(x, ctx, **words)`; `trees` are
        params and state if it has them by name.
    """
    regularizer: Callable[[Any], Any] | None = None if as_cell else layer.activity_regularizer
    refuses = layer.is_native and not layer.supports_masking
    what = f"The input of layer {layer.name!r}"

    def taken(a: Any) -> Any:
        return bits.array(a, what=what) if isinstance(a, AnyNumpy) else a

    def check(compute: Compute, x: Tree, ctx: Ctx, words: Words, trees: Trees | None = None) -> Out:
        x = jax.tree.map(taken, x)
        shapes = jax.tree.map(_known_shape, x)
        if not as_cell and not getattr(code_of(layer), "made_by_hand", False):
            check_spec(layer, shapes)
        if refuses:
            refuse_mask(layer, ctx.mask)
        with explained(layer, shapes, trees):
            out = compute(x, ctx, **words)
        if regularizer is None:
            return out
        ys = jax.tree.leaves(out.y if ctx.dtype is None else told.cast(out.y, "float32"))
        losses = [regularizer(ctx.kept(y)) for y in ys]
        return dataclasses.replace(out, loss=out.loss + sum(losses[1:], losses[0]))

    return check


def _known_shape(array: Any) -> Shape:
    return known(np.shape(array))


@contextmanager
def explained(layer: Layer, shapes: Shapes, trees: Trees | None = None) -> Generator[None]:
    """A context in which a layer computes: errors name it, and the shapes of its inputs."""
    try:
        yield
    except MaskRefused:
        raise
    except KeyError as error:
        problem = _missing(layer, error, trees)
        if problem is error:
            raise
        raise problem from error
    except (ValueError, TypeError) as error:
        if f"{layer.name!r}" in str(error) or isinstance(error, _WHOLE):
            raise
        text = re.sub(r"\b\d+\*d\d+\b", "None", str(error))  # an unknown dimension, see `shapes`
        kind = TypeError if type(error) is TypeError and "shape" not in text else ValueError
        raise kind(
            f"Layer {layer.name!r} ({type(layer).__name__}) cannot take an input of shape {shapes}: {text}"
            f"{_room(layer, shapes) if isinstance(error, WindowError) else ''}"
        ) from error


def _room(layer: Layer, shape: Any) -> str:
    """Advice where a window has no room."""
    advice = ". Take a smaller one, fewer layers that shrink the input, or padding='same' if it has that."
    format = getattr(layer, "data_format", None)
    size = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", ())
    if not looks_turned(shape[-np.size(size) - 1 :], format):
        return advice
    here, there, turn = (
        ("last", "first", "1, -1") if format == "channels_last" else ("first", "last", "-1, 1")
    )
    return (
        f"{advice} Or do the channels come {there} in the data? This layer takes them {here}, in input_shape "
        f"too: np.moveaxis(x, {turn}) turns the axes, data_format='channels_{there}' takes them as they are."
    )


def _missing(layer: Layer, error: KeyError, trees: Trees | None) -> Exception:
    """The error for a KeyError of a formula: it names the entry that is not in params or state."""
    key, trace = error.args[0] if error.args else None, error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = str(trace and trace.tb_frame.f_globals.get("__name__"))
    ours = where.startswith("jkeras.") or where in {c.__module__ for c in type(layer).__mro__}
    if trees is None or not (layer.is_native and ours):
        return error  # of code that the formula calls, as of a Lambda
    if not isinstance(key, str) or not all(isinstance(t, AnyDict) and key not in t for t in trees):
        return error
    params, state = (sorted(t, key=str) for t in trees)
    return ValueError(
        f"Layer {layer.name!r} ({type(layer).__name__}) finds no entry {key!r} in its params {params} and "
        f"state {state}; `init` makes all of them."
    )


def phases_differ(layer: Layer) -> bool:
    """Whether the layer or an inner one says that training and inference differ."""
    says = getattr(layer, "training_differs", False) or vars(layer).get("_differs")
    return bool(says) or any(phases_differ(inner) for inner in layer.children().values())


def functions_are_ours(layer: Layer) -> bool:
    """Whether activations, activity regularizers and weights are the layer's own or known ones, which treat
    every sample apart."""
    if layer.replaced():
        return False
    for name in _FUNCTIONS:
        value = getattr(layer, name, None)
        if value is not None:
            module = getattr(value, "__module__", None) or type(value).__module__
            if not module.startswith(("jkeras.", "jax", "optax")):
                return False
    return True
