"""Calling a layer: on symbolic tensors it records a node, inside a frame or on arrays it computes."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from jkeras.core import bits, phase, random
from jkeras.core.dispatch import is_symbolic, op
from jkeras.core.types import AnyList, AnyTuple, Array, ByObject, Ctx, Shapes, Tree
from jkeras.engine.call import recurring
from jkeras.engine.call.checks import MaskRefused
from jkeras.engine.call.discovery import (
    arrays_in,
    discover,
    is_tensor,
    masks_for,
    scope_of,
    show_kept,
    starts_of,
    users_layers,
)
from jkeras.engine.call.running import aligned, run_layer
from jkeras.engine.call.types import KeptSpecs, Masks, Specs
from jkeras.engine.tensors.frame import Frame, StrayTensorError
from jkeras.engine.tensors.scope import KeptValues, Masked, NeedsTensorsError
from jkeras.engine.tensors.shapes import Spec, infer, is_spec, known
from jkeras.engine.tensors.symbolic import Node, Tensor, Words, as_asked, specs_of, substitute, value_in
from jkeras.engine.tensors.variable import Variable, current_frame, outside_frames
from jkeras.engine.tree import carried, gather, variables_of

if TYPE_CHECKING:
    from jkeras.engine.base_layer import Layer


def call_layer(layer: Layer, inputs: Tree, kwargs: Words) -> Any:
    """`layer(inputs, **kwargs)`: the choice of three."""
    frame = current_frame()
    if frame is not None:
        return _call_in_frame(layer, inputs, kwargs, frame)
    if is_symbolic([inputs, kwargs]):
        return record(layer, inputs, kwargs)
    return _call_eagerly(layer, inputs, kwargs)


def own_formula(layer: Layer, formula: Callable[..., Tree], inputs: Tree, words: Words) -> Tree:
    """The output of a built-in layer, where code that extends it asks for that outside of any frame.

    Args:
        layer: the layer.
        formula: `(layer, inputs, **words)`, to be run in a frame.
        inputs: tensors, variables or arrays.
        words: of the call.
    """
    ensure_built(layer, inputs)
    if is_symbolic([inputs, words]):

        def own(inputs: Tree, words: Words, cells: list[Any]) -> Tree:
            return formula(layer, inputs, **words)

        return op(own)(inputs, words, variables_of([layer]))  # the node depends on them
    seed = np.array([0, random.next_seed()], np.uint32)
    with Frame({}, Ctx(rng=seed, training=bool(phase.fixed()))) as frame:
        y = formula(layer, inputs, **words)
    for variable, value in frame.updates.items():
        variable.assign(value)
    return y


def formula_mask(layer: Layer, inputs: Tree, mask: Masks) -> Masks:
    """The mask that the layer's own formula makes, for tensors or arrays."""
    cells = variables_of([layer])
    known = cells if current_frame() or is_symbolic([inputs, mask]) else [v.value for v in cells]

    def mask_of_call(inputs: Tree, mask: Masks, arrays: list[Any]) -> Masks:
        inputs = jax.tree.map(jnp.asarray, inputs)
        values = dict(zip(cells, arrays, strict=True))
        params, state = gather(layer, values.__getitem__)
        return layer.formula().apply(params, state, inputs, Ctx(mask=mask)).mask

    return op(mask_of_call)(inputs, mask, known)


def has_tensor(tree: Tree) -> bool:
    """Whether a symbolic tensor is among the leaves of a tree."""
    return any(is_tensor(x) for x in jax.tree.leaves(tree, is_leaf=is_tensor))


def shapes_of(inputs: Tree) -> Shapes:
    """A shape for one input, a list of shapes for a list of inputs; unknown dimensions are None."""
    if isinstance(inputs, (AnyList, AnyTuple)):
        return [shapes_of(x) for x in inputs]
    return known(inputs.shape if hasattr(inputs, "shape") else np.shape(inputs))


def ensure_built(layer: Layer, inputs: Tree) -> None:
    """Check the inputs against the layer's `input_spec` and create its weights if it has none yet."""
    shapes = shapes_of(inputs)
    layer.check_inputs(shapes)
    if layer.built:
        return
    with jax.ensure_compile_time_eval(), outside_frames():
        layer.build(shapes)
    layer.built, layer.build_shape = True, shapes
    layer.set_initial_weights()


def record(layer: Layer, inputs: Tree, kwargs: Words) -> Tree:
    """Add a node for this call to the graph and return its output tensors."""
    ensure_built(layer, inputs)
    node = Node(layer, None, (inputs,), kwargs)
    node.code = {inner: inner.code_now() for inner in users_layers(layer)}
    node.starts = starts_of(node)
    y, masks, kept, specs = infer_call(node)
    node.stamp()  # after what its code closes over
    node.position = len(layer.inbound_nodes)
    layer.inbound_nodes.append(node)
    for tensor in node.inputs:
        if tensor.node is not None and tensor.node.owner is not None:
            tensor.node.owner.outbound_nodes.append(node)
    outputs = node.set_outputs(y, masks, name=f"{layer.name}/{type(layer).__name__}:0")
    show_kept(node, kept, specs)
    return outputs


def infer_call(node: Node) -> tuple[Specs, list[Spec | None], KeptValues, KeptSpecs]:
    """(tree of output specs, list of mask specs, what is left in attributes, specs of the arrays in that) of
    a call, found by tracing it on shapes."""
    layer, inputs, kwargs = node.owner, node.args[0], node.kwargs
    key = recurring.key_of(node)
    if (earlier := recurring.known_call(key)) is not None:
        node.adds_loss = earlier.adds_loss
        return earlier.y, list(earlier.masks), {}, {}
    kept: KeptValues = {}
    masks = masks_for(inputs, _mask_spec)

    def trace(training: bool) -> Any:
        around = [(t.spec(), t.mask_spec) for t in node.captured]
        cells = variables_of([layer])  # the last trace may have built some
        call = functools.partial(_run_recorded, node, kept, training, cells)
        weights = [Spec(v.shape, v.dtype) for v in cells]
        given = (weights, specs_of(inputs), masks, specs_of(kwargs), around)
        return infer(call, *given, passing=(StrayTensorError, NeedsTensorsError))

    try:
        y, mask_specs, kept_specs = discover(node, trace)
    except (StrayTensorError, NeedsTensorsError, MaskRefused):
        raise
    except Exception as error:
        declared = _declared_instead(layer, shapes_of(inputs), error)
        count = len(jax.tree.leaves(declared, is_leaf=is_spec))
        return declared, [None] * count, {}, {}
    y = layer.refine_output_specs(y, shapes_of(inputs))
    if not kept and not node.captured:
        recurring.note_call(key, y, mask_specs, node.adds_loss)
    return y, mask_specs, kept, kept_specs


def _run_recorded(
    node: Node,
    kept: KeptValues,
    training: bool,
    cells: list[Variable],
    arrays: list[Any],
    x: Tree,
    masks: Masks,
    kwargs: Words,
    around: list[Masked],
) -> tuple[Tree, list[Any], ByObject]:
    """Run a call; what it leaves in attributes when it infers goes into `kept`."""
    values = dict(zip(cells, arrays, strict=True))

    def read(variable: Variable) -> Any:
        return values[variable] if variable in values else variable._value

    ctx = Ctx(rng=np.zeros(2, np.uint32), mask=masks, training=training)
    captured = dict(zip(node.captured, around, strict=True))
    with scope_of(node, x, masks, captured) as scope:
        out = run_layer(node.owner, read, x, ctx, words=kwargs)
    node.adds_loss = node.adds_loss or not isinstance(out.loss, float)
    if not training:
        kept.clear()
        kept.update(scope.kept)
    return out.y, aligned(out.y, out.mask), ByObject({k: arrays_in(v) for k, v in kept.items()})


def _mask_spec(x: Any) -> Spec | None:
    return x.mask_spec if isinstance(x, Tensor) else None


def _declared_instead(layer: Layer, shapes: Shapes, error: Exception) -> Specs:
    """The output specs that a layer declares, where tracing its call has failed.

    Raises:
        Exception: the error itself, if it says enough; else a ValueError that says what can be declared.
    """
    if isinstance(error, _MISTAKES):
        error.add_note(_advice(layer, error))
        raise error
    declared = layer.declared_output_specs(shapes)
    if declared is not None:
        return declared
    if layer.is_native or f"{layer.name!r}" in str(error):
        raise error  # it says already which layer, and why
    if isinstance(error, KeyError):
        error.add_note(_advice(layer, error))
        raise error
    if isinstance(error, jax.errors.TracerArrayConversionError):
        raise TypeError(
            f"The call of layer {layer.name!r} ({type(layer).__name__}) hands its tensors to numpy, which "
            "wants values: take the function of that name from jkeras.backend (K.log) or jax.numpy."
        ) from error
    raise ValueError(
        f"The output shape of layer {layer.name!r} ({type(layer).__name__}) for input shape {shapes} could "
        f"not be found by tracing its call: {error}. If the code needs a number where a dimension is "
        "unknown, give the layer a compute_output_shape method (a Lambda: output_shape=...)."
    ) from error


_MISTAKES = (AttributeError, NameError, ImportError, NotImplementedError)  # no other shape would help


def _advice(layer: Layer, error: Exception) -> str:
    text = f"(in the call of layer {layer.name!r}, {type(layer).__name__})"
    if isinstance(error, AttributeError) and any(
        word in str(error) for word in ("_keras_shape", "get_shape", "_uses_learning_phase", "'value'")
    ):
        text += " Inside `call` a tensor is a jax array: K.int_shape(x) or x.shape tells its shape."
    return text


def _call_in_frame(layer: Layer, inputs: Tree, kwargs: Words, frame: Frame) -> Tree:
    ensure_built(layer, inputs)
    inputs, kwargs = substitute((inputs, kwargs), functools.partial(value_in, frame))
    held = carried(layer)
    frame.calls += 1
    ctx = frame.ctx.at(frame.calls, masks_for(inputs, frame.mask_of))

    def read(variable: Variable) -> Any:
        return frame.before(variable) if variable in held else frame.read(variable)

    out = run_layer(layer, read, inputs, ctx, frame.write, kwargs)
    frame.absorb(out)
    masks = iter(aligned(out.y, out.mask))

    def with_mask(value: Any) -> Any:
        return frame.masked(value, next(masks), inputs)

    return as_asked(jax.tree.map(with_mask, out.y))


def _call_eagerly(layer: Layer, inputs: Tree, kwargs: Words) -> Tree:
    inputs = jax.tree.map(functools.partial(_array, layer), inputs, is_leaf=_is_none)
    ensure_built(layer, inputs)
    seed = np.array([0, random.next_seed()], np.uint32)
    ctx = Ctx(rng=seed, training=bool(phase.fixed()))
    return run_layer(layer, _value_of, inputs, ctx, Variable.assign, kwargs).y


def _is_none(x: object) -> bool:
    return x is None


def _value_of(variable: Variable) -> Array:
    return variable.value


def _array(layer: Layer, x: Any) -> Array:
    problem = None
    try:
        if x is not None:
            return bits.array(x, what=f"The input of layer {layer.name!r}")
    except TypeError as error:
        problem = error
    raise ValueError(
        f"Layer {layer.name!r} ({type(layer).__name__}) was called on {x!r}, which is neither a symbolic "
        "tensor (from Input, or the output of a layer) nor an array."
    ) from problem
