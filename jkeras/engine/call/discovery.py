"""Tensors that the code of a call uses and leaves beside arguments and outputs, found when it is recorded."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import jax

from jkeras.core.dispatch import is_symbol
from jkeras.core.types import AnyList, AnyTuple, Array, Function, Tree
from jkeras.engine.call.checks import functions_are_ours
from jkeras.engine.call.types import KeptSpecs, Masks
from jkeras.engine.tensors.call_attributes import Kept, held_by
from jkeras.engine.tensors.frame import StrayTensorError
from jkeras.engine.tensors.scope import (
    KeptValues,
    Masked,
    NeedsTensorsError,
    Scope,
    asks_for_tensors,
    collecting_answers,
    renamed,
)
from jkeras.engine.tensors.symbolic import Node, Tensor, Words, mask_tensor

if TYPE_CHECKING:
    from jkeras.engine.base_layer import Layer

T = TypeVar("T")


def masks_for(inputs: Tree, mask_of: Callable[[Any], Any]) -> Masks:
    """The masks of one input or a list of inputs; None when there is none at all."""
    if not isinstance(inputs, (AnyList, AnyTuple)):
        return mask_of(inputs)
    masks = [mask_of(x) for x in inputs]
    return masks if any(m is not None for m in masks) else None


def users_layers(layer: Layer) -> Iterator[Layer]:
    """A layer and those in it that run a user's code; not those in graphs, which have calls of their own."""
    if not layer.is_native or not functions_are_ours(layer):
        yield layer
    if getattr(layer, "_graph", None) is None:
        for child in layer.children().values():
            yield from users_layers(child)


def scope_of(
    node: Node, x: Tree, masks: Masks, captured: Mapping[Tensor, Masked]
) -> AbstractContextManager[Scope]:
    """The scope in which the code of a recorded call runs on the values of its arguments.

    Args:
        node: the call.
        x: values of the inputs.
        masks: of the inputs, as a layer gets them.
        captured: `{tensor: (value, mask)}` of what the code closes over.
    """
    if not node.code and not node.captured:
        return _NO_CODE
    many: Sequence[Any] = masks if isinstance(masks, (AnyList, AnyTuple)) else [masks]
    pairs = list(zip(jax.tree.leaves(x), _leaves(node.args[0]), strict=True))
    symbols = [(array, t) for array, t in pairs if isinstance(t, Tensor)]
    values: dict[Tensor, Masked] = dict(captured)
    if node.as_tensors:
        values |= {t: (a, m) for (a, t), m in zip(symbols, [*many, *[None] * len(pairs)], strict=False)}
    return Scope(values, node.code, symbols, node.as_tensors, node.answers, node.starts)


_NO_CODE = nullcontext(Scope())  # of a call without a user's code: it leaves nothing


def starts_of(node: Node) -> dict[tuple[object, str], Tensor]:
    """The tensors in attributes of the node's layers that earlier calls left there, as far as they come from
    the same inputs: as in Keras, a call goes on from them. (Of another model's inputs nothing is known.)"""
    left = {
        (layer, name): entry.outside
        for layer in node.code
        for name, entry in held_by(layer).items()
        if isinstance(entry, Kept) and isinstance(entry.outside, Tensor) and entry.outside.node is not None
    }
    known = _sources(node) if left else set[Tensor]()
    return {key: tensor for key, tensor in left.items() if _sources(tensor.node) <= known}


def _sources(node: Node) -> set[Tensor]:
    """The tensors that nothing has computed, inputs above all, from which a node's values come."""
    waiting, seen, found = [node], {node}, set[Tensor]()
    while waiting:
        below = waiting.pop()
        for tensor in (*below.inputs, *below.captured):
            above = tensor.node
            if above is None or not above.args:
                found.add(tensor)
            elif above not in seen:
                seen.add(above)
                waiting.append(above)
    return found


def is_tensor(x: object) -> bool:
    """Whether a thing is a symbolic tensor."""
    return isinstance(x, Tensor)


def _leaves(tree: Tree) -> list[Any]:
    return jax.tree.leaves(tree, is_leaf=is_tensor)


def discover(node: Node, trace: Callable[[bool], T]) -> T:
    """Trace a call until all that its code closes over is known.

    Args:
        node: the call; gets what is found.
        trace: `trace(training)` runs the code on shapes.

    Returns:
        What the trace in inference returns.
    """
    while True:
        try:
            outcome = trace(False)
            break
        except StrayTensorError as error:
            _capture(node, error)
        except AttributeError as error:
            if node.as_tensors or not asks_for_tensors(error):
                raise
            node.as_tensors = True
        except NeedsTensorsError:
            if node.answers or node.owner not in node.code:
                raise
            node.answers = _answers_in(node)
            if not node.answers:
                raise  # on tensors the code asks for none, so that nothing would change
    while node.code and node.owner.uses_learning_phase:
        try:
            trace(True)
            break
        except StrayTensorError as error:
            _capture(node, error)
        except Exception:
            break  # who trains will see
    return outcome


_CHANGING: tuple[type, ...] = (list, dict, set)  # the code of a call may add to these in place


def _answers_in(node: Node) -> list[Any]:
    """The answers to the code of a call, see `Scope.answers`: the code runs on the tensors themselves."""
    layer: Layer = node.owner
    call: Function = node.code[layer]
    words: Words = {"mask": masks_for(node.args[0], mask_tensor), "training": None} | node.kwargs
    takes = inspect.signature(call).parameters
    before: dict[str, Any] = {
        name: copy.copy(value) if isinstance(value, _CHANGING) else value
        for name, value in vars(layer).items()
    }
    try:
        with collecting_answers() as answers:
            call(node.args[0], **{k: v for k, v in words.items() if k in takes or k in node.kwargs})
    finally:  # what it does beside that will be done on values
        vars(layer).clear()
        vars(layer).update(before)
    return answers


def _capture(node: Node, error: StrayTensorError) -> None:
    made = error.tensor.node
    anew = made is not None and not made.args and made.order > node.order  # an Input, made by each run
    if error.tensor in node.captured or made is None or anew:
        raise error
    node.captured[error.tensor] = renamed(error.tensor)


def arrays_in(value: Tree) -> list[Array]:
    """The arrays in an attribute."""
    return [leaf for leaf in jax.tree.leaves(value, is_leaf=is_symbol) if isinstance(leaf, jax.Array)]


def show_kept(node: Node, kept: KeptValues, specs: KeptSpecs) -> None:
    """Let the attributes in which the code has left arrays be tensors outside.

    Args:
        node: the call.
        kept: `{(layer, name): value}`.
        specs: `{(layer, name): specs of the arrays in the value}`.
    """
    for (layer, name), value in kept.items():
        tensors = [node.beside(s, f"{node.owner.name}/{name}") for s in specs.get((layer, name), [])]
        entry = held_by(layer).get(name)
        if isinstance(entry, Kept):
            node.kept[layer, name] = tensors
            entry.outside = jax.tree.map(partial(_or_next, iter(tensors)), value, is_leaf=is_symbol)


def _or_next(tensors: Iterator[Tensor], x: Any) -> Any:
    return next(tensors) if isinstance(x, jax.Array) else x
