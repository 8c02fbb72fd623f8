"""From a user's `build`/`call` to a pure pair. Nothing else opens frames around layers' code."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from jax.typing import DTypeLike

from jkeras.core import random
from jkeras.core.lists import unpacked
from jkeras.core.types import (
    AnyDict,
    AnyList,
    AnyTuple,
    Ctx,
    Function,
    Init,
    Key,
    Out,
    Shapes,
    Tree,
    Weights,
)
from jkeras.engine.call.types import Specs
from jkeras.engine.tensors.call_attributes import sweeping
from jkeras.engine.tensors.frame import Frame
from jkeras.engine.tensors.scope import code_of, rewinder
from jkeras.engine.tensors.shapes import Spec, agree, infer
from jkeras.engine.tensors.symbolic import Tensor, Words, as_asked, substitute, value_in
from jkeras.engine.tensors.variable import Values, Variable, current_frame, outside_frames
from jkeras.engine.tree import by_variable, gather, scatter, variables_of, walk

if TYPE_CHECKING:
    from jkeras.engine.base_layer import Layer
    from jkeras.engine.layer.weights import WeightAccess


def init_of(layer: Layer) -> Init:
    """The `init` of a layer written as methods: weights are declared once and redrawn at each call."""

    def init(rng: Key, in_shape: Shapes) -> Weights:
        with jax.ensure_compile_time_eval():
            build_once(layer, in_shape)
            _check_fits(layer, in_shape)
        return redraw(layer, rng)

    return init


def run_code(layer: Layer, values: Values, x: Tree, ctx: Ctx, **words: Any) -> Out:
    """The computation of a layer written as methods, with values, and what changes, by variable."""
    rewind = rewinder()
    try:
        return _run(layer, values, x, ctx, words)
    except ValueError as error:
        if layer.asks_for_truth or "truth value" not in str(error):
            raise
    except jax.errors.TracerBoolConversionError:
        if layer.asks_for_truth:
            raise
    layer.asks_for_truth = True  # `if self.bias:` asks a variable, not its numbers
    rewind()
    return _run(layer, values, x, ctx, words)


def _run(layer: Layer, values: Values, x: Tree, ctx: Ctx, words: Words) -> Out:
    """A user's `call`, once, in a frame of its own."""
    if layer.fixed_phase is not None:
        ctx = ctx.replace(training=layer.fixed_phase)
    with Frame(values, ctx, owner=layer) as frame:
        if isinstance(x, (AnyList, AnyTuple)):
            for item, mask in zip(x, ctx.mask or [None] * len(x), strict=True):
                frame.note_mask(item, mask)
        else:
            frame.note_mask(x, ctx.mask)
        call = code_of(layer)
        with sweeping(layer, frame):
            y = call(as_asked(x), **call_arguments(call, ctx, words))
        y = unpacked(substitute(y, partial(value_in, frame)))
        mask = layer.compute_mask(x, ctx.mask)  # what it says counts, whatever `call` hands on
    note_use(layer, frame)
    _pass_up(frame, values)
    changed: Any = frame.updates  # by variable
    return frame.hand_on(Out(y, changed, mask))


def with_replaced(layer: Layer, params: Tree, state: Tree, frame: Frame) -> tuple[Tree, Tree]:
    """Params and state with what a user has put in place of weights (`layer.kernel = other`), as values."""
    for name in layer.replaced():
        value = getattr(layer, name)
        value = value_in(frame, value) if isinstance(value, Tensor) else unwrapped(value, frame)
        if name in layer._params:
            params = {**params, name: value}
        else:
            state = {**state, name: value}
    return params, state


def build_once(layer: Layer, in_shape: Shapes) -> None:
    """Build the shell if nobody has yet."""
    if not layer.built:
        with outside_frames():
            layer.build(in_shape)
        layer.built, layer.build_shape = True, in_shape
        layer.set_initial_weights()
    if any(not inner.built for _, inner in walk(layer)):
        trace(layer, in_shape)


def _check_fits(layer: Layer, in_shape: Shapes) -> None:
    """The weights of a layer are those of the shape that it was built for; others must do with them.

    Raises:
        ValueError: they do not.
    """
    if in_shape is None or layer.build_shape is None or agree(in_shape, layer.build_shape):
        return
    try:
        trace(layer, in_shape)
    except Exception as error:  # the user's code may fail in any way
        raise ValueError(
            f"Layer {layer.name!r} ({type(layer).__name__}) was built for inputs of shape "
            f"{layer.build_shape}, and its weights do not fit inputs of shape {in_shape}. Make a new layer."
        ) from error


def trace(
    layer: Layer, shapes: Shapes, dtypes: Sequence[DTypeLike] | None = None
) -> tuple[list[Spec], Specs]:
    """Run a user's `call` on shapes, which builds the layers in it; (specs of inputs, of outputs)."""
    many = isinstance(shapes, AnyList)
    given = shapes if isinstance(shapes, AnyList) else [shapes]
    specs = [Spec(s, d) for s, d in zip(given, dtypes or [layer.dtype] * len(given), strict=True)]

    def run(xs: list[Any]) -> Tree:
        with Frame({}, Ctx(rng=np.zeros(2, np.uint32)), owner=layer) as frame:
            with sweeping(layer, frame):
                return unpacked(
                    layer.call(xs if many else xs[0], **call_arguments(layer.call, frame.ctx, {}))
                )

    return specs, infer(run, specs)


def redraw(layer: Layer, rng: Key) -> Weights:
    """Fresh values for every weight that has an initializer; the others (K.variable) keep theirs."""
    from_initializer: Values = {}
    for i, (_, inner) in enumerate(walk(layer)):
        if inner is not layer and inner.is_native and inner.build_shape is not None:
            params, state = inner.pure().init(random.fold_in(rng, i), inner.build_shape)
            by_variable(inner, params, state, from_initializer)
        else:
            _redraw_own(inner, random.fold_in(rng, i), from_initializer)

    def read(variable: Variable) -> Any:
        return from_initializer[variable] if variable in from_initializer else variable._value

    return gather(layer, read)


def _redraw_own(layer: Layer, rng: Key, values: Values) -> None:
    for i, variable in enumerate([*layer._params.values(), *layer._state.values()]):
        if variable.initializer is not None and variable not in values:
            key = random.fold_in(rng, i)
            values[variable] = variable.draw(key)


def call_arguments(call: Function, ctx: Ctx, kwargs: Words) -> Words:
    """Add `training` and `mask` where the user's `call` asks for them."""
    parameters = inspect.signature(call).parameters
    wanted = {"training": ctx.training, "mask": ctx.mask}
    added = {k: v for k, v in wanted.items() if k in parameters and k not in kwargs}
    frame = current_frame()
    if frame is not None and "training" in added:
        frame.asked_for_phase = True
    return kwargs | added


def takes_mask(layer: Layer) -> bool:
    """Whether the user's `call` asks for the mask."""
    return not layer.is_native and "mask" in inspect.signature(layer.call).parameters


def overrides(layer: Layer, method: str) -> bool:
    """Whether a user's class defines the method itself."""
    owner = next((c for c in type(layer).__mro__ if method in vars(c)), None)
    return owner is not None and not owner.__module__.startswith("jkeras.")


def note_use(layer: Layer, frame: Frame) -> None:
    """Variables that the code read without owning them become hidden state: a new value takes effect. And the
    layer is one that differs in training, if the code has asked for the phase."""
    if frame.asked_for_phase:
        layer._differs = True  # `uses_learning_phase` may be a property of the user's
    if frame.parent is not None:
        frame.parent.captured.extend(frame.captured)  # whoever runs this layer in a call of its own
        return
    owned = set(variables_of([layer]))
    for variable in dict.fromkeys(frame.captured):
        if variable not in owned:
            layer._state[f"_captured_{len(layer._state)}"] = variable


def _pass_up(frame: Frame, values: Values) -> None:
    """Updates of variables that belong to somebody further out reach the frame around this one."""
    if frame.parent is not None:
        others = {v: value for v, value in frame.updates.items() if v not in values}
        frame.parent.updates.update(others)


def absorb(layer: Layer, out: Out, frame: Frame) -> None:
    """Put what a layer's own formula returned into the frame of the call around it."""
    scatter(layer, out.state, frame.write)
    frame.absorb(out)


def unwrapped(value: Any, frame: Frame) -> Any:
    """Variables in an attribute (also in lists and dicts of them) as the frame's arrays."""
    if isinstance(value, Variable):
        return frame.read(value)
    if isinstance(value, AnyList):
        return [unwrapped(v, frame) for v in value] if _has_variable(value) else value
    if isinstance(value, AnyDict) and _has_variable(value.values()):
        return {k: unwrapped(v, frame) for k, v in value.items()}
    return value


def _has_variable(values: Iterable[Any]) -> bool:
    return any(
        isinstance(v, Variable)
        or (isinstance(v, AnyList) and _has_variable(v))
        or (isinstance(v, AnyDict) and _has_variable(v.values()))
        for v in values
    )


def tracked_layers(layer: WeightAccess) -> dict[str, Layer]:
    """Layers among the attributes of a user's layer, also in lists and dicts, in the order of assignment."""
    layers: dict[str, Layer] = {}

    def visit(name: str, value: Any) -> None:
        if hasattr(value, "pure") and hasattr(value, "children") and value is not layer:
            layers[name] = value
        elif isinstance(value, (AnyList, AnyTuple)):
            for i, item in enumerate(value):
                visit(f"{name}_{i}", item)
        elif isinstance(value, AnyDict):
            for key, item in value.items():
                visit(f"{name}_{key}", item)

    private = ("inbound_nodes", "outbound_nodes", "extra_losses", "extra_updates", "follows")
    for name, value in [*vars(layer).items(), *vars(layer).get("_held", {}).items()]:
        if not name.startswith("_own") and name not in private and name != "_held":
            visit(name, value)
    return layers


def declared(layer: Layer, shapes: Shapes) -> Specs | None:
    """Output specs by a user's own `compute_output_shape`, or None."""
    if not overrides(layer, "compute_output_shape"):
        return None
    return specs_for(layer.compute_output_shape(shapes), layer.dtype)


def specs_for(shape: Shapes, dtype: DTypeLike) -> Specs:
    """The `Spec` of a shape, or of each of a list of shapes (a list of one is that one)."""
    if isinstance(shape, AnyList) and shape and isinstance(shape[0], (tuple, list)):
        return unpacked([Spec(s, dtype) for s in shape])
    return Spec(shape, dtype)


def refine(specs: Specs, user_specs: Specs | None) -> Specs:
    """Unknown dimensions of the traced specs filled in from what the user declared."""
    if user_specs is None:
        return specs

    def merge(spec: Spec, said: Spec) -> Spec:
        if len(spec.shape) != len(said.shape):
            return spec
        return Spec(
            [d if d is not None else e for d, e in zip(spec.shape, said.shape, strict=True)], spec.dtype
        )

    said = jax.tree.structure(user_specs, is_leaf=_is_described)
    if jax.tree.structure(specs, is_leaf=_is_described) != said:
        return specs
    return jax.tree.map(merge, specs, user_specs, is_leaf=_is_described)


def _is_described(x: object) -> bool:
    """Whether `x` is what has a shape and a dtype."""
    return isinstance(x, (Spec, Tensor))
