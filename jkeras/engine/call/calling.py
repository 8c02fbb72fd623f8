"""Calling a layer: on symbolic tensors it records a node, inside a frame or on arrays it computes."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np

from jkeras.core import bits, phase, random
from jkeras.core.dispatch import is_symbolic, op
from jkeras.core.types import ByObject, Ctx
from jkeras.engine.call import recurring
from jkeras.engine.call.checks import MaskRefused
from jkeras.engine.call.discovery import arrays_in, discover, masks_for, scope_of, show_kept, users_layers
from jkeras.engine.call.running import aligned, run_layer
from jkeras.engine.tensors.scope import NeedsTensorsError
from jkeras.engine.tensors.shapes import Spec, infer, known
from jkeras.engine.tensors.symbolic import Node, Tensor, as_asked, specs_of, substitute, value_in
from jkeras.engine.tensors.variable import Frame, StrayTensorError, current_frame, outside_frames
from jkeras.engine.tree import carried, gather, variables_of


def call_layer(layer, inputs, kwargs: dict):
    """`layer(inputs, **kwargs)`: the choice of three."""
    frame = current_frame()
    if frame is not None:
        return _call_in_frame(layer, inputs, kwargs, frame)
    if is_symbolic([inputs, kwargs]):
        return record(layer, inputs, kwargs)
    return _call_eagerly(layer, inputs, kwargs)


def own_formula(layer, formula, inputs, words: dict):
    """The output of a built-in layer, where code that extends it asks for that outside of any frame.

    Args:
        layer: the layer.
        formula: `(layer, inputs, **words)`, to be run in a frame.
        inputs: tensors, variables or arrays.
        words: of the call.
    """
    ensure_built(layer, inputs)
    if is_symbolic([inputs, words]):

        def own(inputs, words, cells):
            return formula(layer, inputs, **words)

        return op(own)(inputs, words, variables_of([layer]))  # the node depends on them
    seed = np.array([0, random.next_seed()], np.uint32)
    with Frame({}, Ctx(rng=seed, training=bool(phase.fixed()))) as frame:
        y = formula(layer, inputs, **words)
    for variable, value in frame.updates.items():
        variable.assign(value)
    return y


def formula_mask(layer, inputs, mask):
    """The mask that the layer's own formula makes, for tensors or arrays."""
    cells = variables_of([layer])
    known = cells if current_frame() or is_symbolic([inputs, mask]) else [v.value for v in cells]

    def mask_of_call(inputs, mask, arrays):
        inputs = jax.tree.map(jnp.asarray, inputs)
        values = dict(zip(cells, arrays, strict=True))
        params, state = gather(layer, values.__getitem__)
        return layer.formula().apply(params, state, inputs, Ctx(mask=mask)).mask

    return op(mask_of_call)(inputs, mask, known)


def has_tensor(tree) -> bool:
    return any(isinstance(x, Tensor) for x in jax.tree.leaves(tree, is_leaf=lambda x: isinstance(x, Tensor)))


def shapes_of(inputs):
    """A shape for one input, a list of shapes for a list of inputs; unknown dimensions are None."""
    if isinstance(inputs, (list, tuple)):
        return [shapes_of(x) for x in inputs]
    return known(inputs.shape if hasattr(inputs, "shape") else np.shape(inputs))


def ensure_built(layer, inputs) -> None:
    """Check the inputs against the layer's `input_spec` and create its weights if it has none yet."""
    shapes = shapes_of(inputs)
    layer.check_inputs(shapes)
    if layer.built:
        return
    with jax.ensure_compile_time_eval(), outside_frames():
        layer.build(shapes)
    layer.built, layer.build_shape = True, shapes
    layer.set_initial_weights()


def record(layer, inputs, kwargs: dict):
    """Add a node for this call to the graph and return its output tensors."""
    ensure_built(layer, inputs)
    node = Node(layer, None, (inputs,), kwargs)
    node.code = {inner: inner.code_now() for inner in users_layers(layer)}
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


def infer_call(node: Node):
    """(tree of output specs, list of mask specs, what is left in attributes, specs of the arrays in that) of
    a call, found by tracing it on shapes."""
    layer, inputs, kwargs = node.owner, node.args[0], node.kwargs
    key = recurring.key_of(node)
    if (earlier := recurring.known_call(key)) is not None:
        node.adds_loss = earlier.adds_loss
        return earlier.y, list(earlier.masks), {}, {}
    kept: dict = {}
    masks = masks_for(inputs, lambda t: t.mask_spec if isinstance(t, Tensor) else None)

    def run(training, cells, arrays, x, masks, kwargs, around):
        values = dict(zip(cells, arrays, strict=True))
        ctx = Ctx(rng=np.zeros(2, np.uint32), mask=masks, training=training)
        captured = dict(zip(node.captured, around, strict=True))
        with scope_of(node, x, masks, captured) as scope:
            out = run_layer(layer, lambda v: values[v] if v in values else v._value, x, ctx, words=kwargs)
        node.adds_loss = node.adds_loss or not isinstance(out.loss, float)
        if not training:
            kept.clear()
            kept.update(scope.kept)
        return out.y, aligned(out.y, out.mask), ByObject({k: arrays_in(v) for k, v in kept.items()})

    def trace(training):
        around = [(t.spec(), t.mask_spec) for t in node.captured]
        cells = variables_of([layer])  # the last trace may have built some
        call = functools.partial(run, training, cells)
        weights = [Spec(v.shape, v.dtype) for v in cells]
        given = (weights, specs_of(inputs), masks, specs_of(kwargs), around)
        return infer(call, *given, passing=(StrayTensorError, NeedsTensorsError))

    try:
        y, mask_specs, kept_specs = discover(node, trace)
    except (StrayTensorError, NeedsTensorsError, MaskRefused):
        raise
    except Exception as error:
        declared = _declared_instead(layer, shapes_of(inputs), error)
        count = len(jax.tree.leaves(declared, is_leaf=lambda s: isinstance(s, Spec)))
        return declared, [None] * count, {}, {}
    y = layer.refine_output_specs(y, shapes_of(inputs))
    if not kept and not node.captured:
        recurring.note_call(key, y, mask_specs, node.adds_loss)
    return y, mask_specs, kept, kept_specs


def _declared_instead(layer, shapes, error: Exception):
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
    raise ValueError(
        f"The output shape of layer {layer.name!r} ({type(layer).__name__}) for input shape {shapes} could "
        f"not be found by tracing its call: {error}. If the code needs a number where a dimension is "
        "unknown, give the layer a compute_output_shape method (a Lambda: output_shape=...)."
    ) from error


_MISTAKES = (AttributeError, NameError, ImportError, NotImplementedError)  # no other shape would help


def _advice(layer, error: Exception) -> str:
    text = f"(in the call of layer {layer.name!r}, {type(layer).__name__})"
    if isinstance(error, AttributeError) and any(
        word in str(error) for word in ("_keras_shape", "get_shape", "_uses_learning_phase", "'value'")
    ):
        text += " Inside `call` a tensor is a jax array: K.int_shape(x) or x.shape tells its shape."
    return text


def _call_in_frame(layer, inputs, kwargs: dict, frame):
    ensure_built(layer, inputs)
    inputs, kwargs = substitute((inputs, kwargs), lambda s: value_in(frame, s))
    held = carried(layer)
    frame.calls += 1
    ctx = frame.ctx.at(frame.calls, masks_for(inputs, frame.mask_of))

    def read(variable):
        return frame.before(variable) if variable in held else frame.read(variable)

    out = run_layer(layer, read, inputs, ctx, frame.write, kwargs)
    frame.absorb(out)
    masks = iter(aligned(out.y, out.mask))
    return as_asked(jax.tree.map(lambda value: frame.masked(value, next(masks), inputs), out.y))


def _call_eagerly(layer, inputs, kwargs: dict):
    inputs = jax.tree.map(lambda x: _array(layer, x), inputs, is_leaf=lambda x: x is None)
    ensure_built(layer, inputs)
    seed = np.array([0, random.next_seed()], np.uint32)
    ctx = Ctx(rng=seed, training=bool(phase.fixed()))
    out = run_layer(
        layer, lambda v: v.value, inputs, ctx, lambda variable, value: variable.assign(value), kwargs
    )
    return out.y


def _array(layer, x):
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
