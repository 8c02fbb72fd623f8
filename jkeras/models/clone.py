"""clone_model: the same architecture with fresh layers and weights."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import functools
from typing import Any

from jkeras.core.dispatch import op
from jkeras.core.lists import as_list
from jkeras.core.registry import CustomObjectScope
from jkeras.core.types import AnyList, AnyTuple, Tree
from jkeras.engine.base_layer import Layer
from jkeras.engine.input_layer import Input, InputLayer
from jkeras.engine.tensors.scope import renaming
from jkeras.engine.tensors.symbolic import Tensor, substitute
from jkeras.engine.tree import instances
from jkeras.models.model import Model
from jkeras.models.sequential import Sequential


def clone_model(model: Model, input_tensors: Tree = None) -> Model:
    """A new model of new layers with the same config; its weights are freshly drawn.

    Args:
        model: a functional or Sequential model.
        input_tensors: tensors (or variables, arrays) that take the place of the model's inputs.

    Returns:
        The clone; copy weights with `clone.set_weights(model.get_weights())`.

    Raises:
        ValueError: a subclassed model, which has no config, or a wrong number of tensors.

    Keras 2.2.4: keras/models.py clone_model

    Example:
        >>> from jkeras.layers import Dense
        >>> model = Sequential([Dense(2, input_shape=(3,))])
        >>> clone_model(model).count_params()
        8
    """
    given: Any = model
    if not isinstance(given, Model):
        raise ValueError(f"clone_model takes a model; got {model!r}.")
    if model._graph is None and not isinstance(model, Sequential):
        raise ValueError(
            f"Model {model.name!r} is a subclass with its own call; make a new instance of its class instead."
        )
    kinds = {type(inner) for _, inner in instances(model)}
    with CustomObjectScope({k.__name__: k for k in kinds if not k.__module__.startswith("jkeras.")}):
        if isinstance(model, Sequential):
            return _clone_chain(model, input_tensors)
        return _clone_graph(model, _inputs(model, input_tensors))


def _inputs(model: Model, given: Tree) -> list[Tensor]:
    """The clone's inputs: the tensors given, inputs around other values, or new ones like the model's."""
    if given is None:
        return [same_input(t) for t in model.inputs]
    if len(as_list(given)) != len(model.inputs):
        raise ValueError(
            f"clone_model: model {model.name!r} has {len(model.inputs)} inputs; got {len(as_list(given))} "
            "tensors."
        )
    return [
        x if isinstance(x, Tensor) else Input(tensor=x, name=f"input_wrapper_for_{t.name}")
        for x, t in zip(as_list(given), model.inputs, strict=True)
    ]


def same_input(tensor: Tensor) -> Tensor:
    layer = tensor.node.owner
    if isinstance(layer, InputLayer):
        return InputLayer.from_config(layer.get_config()).tensor
    return Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=tensor.name.split("/")[0])


def _clone_layer(layer: Layer) -> Layer:
    """A composite is cloned inside, so that classes of the user need no registration."""
    if isinstance(layer, Model) and layer._graph is not None:
        return clone_model(layer)
    return type(layer).from_config(layer.get_config())


def _clone_chain(model: Sequential, input_tensors: Tree) -> Sequential:
    clone = Sequential(name=model.name)
    if input_tensors is not None or model._graph is not None:
        clone.add(_inputs(model, input_tensors)[0].node.owner)
    for layer in model._chain:
        clone.add(_clone_layer(layer))
    return clone


def _replaced(copies: dict[Tensor, Tensor], symbol: Any) -> Any:
    return copies.get(symbol, symbol)


def _clone_graph(model: Model, inputs: list[Tensor]) -> Model:
    """Make every call of the graph again, in the same order, on new layers."""
    copies = dict(zip(model.inputs, inputs, strict=True))
    graph = model._graph
    assert graph is not None
    fresh: dict[Layer, Layer] = {}
    for node in graph.nodes:
        if all(t in copies for t in node.outputs) or (node.owner is None and not node.inputs):
            continue  # given; or the same for every model, as the learning phase
        args, kwargs = substitute((node.args, node.kwargs), functools.partial(_replaced, copies))
        if node.owner is None:
            made = op(node.fn)(*args, **kwargs)
        else:
            if node.owner not in fresh:
                fresh[node.owner] = _clone_layer(node.owner)
            with renaming(copies):
                made = fresh[node.owner](*args, **kwargs)
        outputs = made if isinstance(made, (AnyList, AnyTuple)) else [made]
        copies |= dict(zip(node.outputs, outputs, strict=True))
    clone = Model(inputs, [copies[t] for t in model.outputs], name=model.name)
    clone.output_keys = model.output_keys
    return clone
