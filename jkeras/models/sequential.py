"""Sequential: a chain of layers."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from jkeras.core.types import (
    INFERENCE,
    AnyList,
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
from jkeras.engine.call.types import OverVariables
from jkeras.engine.graph import Graph
from jkeras.engine.input_layer import Input, InputLayer
from jkeras.engine.tensors.shapes import agree
from jkeras.engine.tensors.symbolic import Tensor
from jkeras.engine.tensors.variable import Values
from jkeras.engine.tree import gather, scatter
from jkeras.layers.serialization import deserialize, noted
from jkeras.models.bodies import CodeBody
from jkeras.models.model import Model
from jkeras.models.network import Network
from jkeras.training.types import Data, Outputs

_OF_GRAPH = ("_body", "inbound_nodes", "_trainer")


class NotBuiltError(AttributeError, RuntimeError):
    """A model without an input shape was asked for something that depends on it."""


class Sequential(Model):
    """A linear stack of layers.

    Args:
        layers: list of layers.
        name: default `sequential_1`, ….

    Keras 2.2.4: keras/engine/sequential.py Sequential

    Example:
        >>> from jkeras.models import Sequential
        >>> from jkeras.layers import Dense
        >>> model = Sequential([Dense(4, activation="relu", input_shape=(3,)), Dense(1)])
        >>> model.output_shape
        (None, 1)
    """

    def __init__(self, layers: Iterable[Layer | Tensor] | None = None, name: str | None = None):
        super().__init__(name=name)
        self._chain: list[Layer] = []
        self._ends: list[Tensor] = []  # the model's input, then the output of each layer
        self.build_input_shape: Shape | None = None
        self._input_layer: InputLayer | None = None  # one that was given as the first of the layers
        for layer in layers or []:
            self.add(layer)

    def add(self, layer: Layer | Tensor) -> None:
        """Append a layer.

        Raises:
            TypeError: not a layer, or a further layer makes several outputs.
            ValueError: the first layer makes several outputs, or the name is taken.
        """
        layer = _checked(layer)
        if layer.name in {other.name for other in self._chain}:
            raise ValueError(
                f"Sequential {self.name!r} already has a layer named {layer.name!r}; names must be unique."
            )
        if not self._chain and not self._ends:
            if isinstance(layer, InputLayer):
                self._input_layer, self._ends = layer, [layer.tensor]
                return
            shape = _input_shape_of(layer)
            if shape is not None:
                dtype = layer.dtype if not isinstance(layer, Network) else layer.inputs[0].dtype
                self._ends = [Input(batch_shape=shape, dtype=dtype, name=f"{layer.name}_input")]
        self._chain.append(layer)
        if self._ends:
            self._extend(layer)

    def _extend(self, layer: Layer) -> None:
        try:
            output = layer(self._ends[-1])
        except Exception:
            self._chain.pop()
            raise
        if not isinstance(output, Tensor):
            self._chain.pop()
            kind = TypeError if self._chain else ValueError  # as Keras has it
            raise kind(
                f"All layers of a Sequential make one output; {layer.name!r} makes {len(output)}. "
                "Use Model(inputs, outputs)."
            )
        self._ends.append(output)
        self.built = True
        for name in _OF_GRAPH:  # made anew when somebody asks: that takes as long as the chain is
            self.__dict__.pop(name, None)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name in _OF_GRAPH and self.__dict__.get("_ends"):
                self._init_graph([self._ends[0]], [self._ends[-1]])
                return self.__dict__[name]
            return super().__getattr__(name)

    def pop(self) -> None:
        """Remove the last layer.

        Raises:
            TypeError: there is none.
        """
        if not self._chain:
            raise TypeError(f"Sequential {self.name!r} has no layers to pop.")
        self._chain.pop()
        self._body, self._trainer, self.built = CodeBody(self), None, False
        self._ends = self._ends[:-1] if self._chain else []
        if self._ends:
            self._chain[-1].outbound_nodes = []
            self._init_graph([self._ends[0]], [self._ends[-1]])

    @property
    def layers(self) -> list[Layer]:
        """The layers, without the one that the data come in by."""
        self._body  # noqa: B018 (which finds the variables that no layer owns)
        return list(self._chain)

    def children(self) -> dict[str, Layer]:
        """The layers inside, by attribute."""
        self._body  # noqa: B018
        return {layer.name: layer for layer in self._chain}

    def build(self, input_shape: Shapes = None) -> None:
        """Build the layers for inputs of this shape (batch axis first)."""
        if self._graph is not None:
            return
        if input_shape is None or not self._chain:
            raise ValueError(f"Sequential {self.name!r} needs layers and an input shape to be built.")
        self.build_input_shape = tuple(input_shape)
        self._build_chain(Input(batch_shape=self.build_input_shape, name=f"{self._chain[0].name}_input"))

    def build_from_data(self, xs: list[Any]) -> None:
        if self._graph is None:
            if len(xs) != 1:
                raise ValueError(f"Sequential {self.name!r} takes one input array; got {len(xs)}.")
            self.build((None, *xs[0].shape[1:]))

    def _build_chain(self, tensor: Tensor) -> None:
        self._ends = [tensor]
        chain, self._chain = self._chain, []
        for layer in chain:
            self._chain.append(layer)
            self._extend(layer)

    def _graph_or_complain(self, what: str) -> Graph:
        if self._graph is None:
            raise NotBuiltError(
                f"{what}: Sequential {self.name!r} is not built yet. Give its first layer an input_shape, "
                "call model.build(batch_input_shape), or fit it on data."
            )
        return self._graph

    @property
    def model(self) -> Sequential:
        """The model itself; once a `Sequential` was a shell around a `Model`."""
        return self

    def formula(self) -> Pair:
        """One layer after the other."""
        own = super().formula
        if not self._follows_shapes():
            return own()
        twins: dict[Shape, Pair] = {}

        def meaning(shape: Shape | None) -> Pair:
            if shape is None or self._is_for(shape):
                return own()
            if shape not in twins:
                twins[shape] = self._twin(shape).formula()
            return twins[shape]

        def init(rng: Key, in_shape: Shapes = None) -> Weights:
            self.build(in_shape)
            return meaning(in_shape and (None, *in_shape[1:])).init(rng, in_shape)

        def apply(params: Params, state: State, x: Tree, ctx: Ctx = INFERENCE) -> Out:
            return meaning((None, *np.shape(x)[1:])).apply(params, state, x, ctx)

        return Pair(init, apply)

    def _follows_shapes(self) -> bool:
        """Whether the chain has no shape of its own, and follows the one it is given: `init` builds the model
        for the first; for others there are twins."""
        return self._graph is None or self.build_input_shape is not None

    def _is_for(self, shape: Shape) -> bool:
        return self.build_input_shape is None or agree(shape, self.build_input_shape)

    def over_variables(self) -> OverVariables | None:
        own = super().over_variables()
        if own is None or not (self.is_native and self._follows_shapes()):
            return own
        formula = self.formula()

        def compute(values: Values, x: Tree, ctx: Ctx, **words: Any) -> Out:
            if self._is_for((None, *np.shape(x)[1:])):
                return own(values, x, ctx, **words)
            out = formula.apply(*gather(self, values.__getitem__), x, ctx)
            changed: Any = {}  # by variable
            scatter(self, out.state, changed.__setitem__)
            return dataclasses.replace(out, state=changed)

        return compute

    def _twin(self, shape: Shape) -> Sequential:
        """The same chain for another input shape."""
        problem: Exception | None = None
        if not self._has_effects():
            try:
                twin = Sequential([type(i).from_config(i.get_config()) for i in self._chain], self.name)
                twin.build(shape)
                return twin
            except Exception as error:  # configs of the user's layers
                problem = error
        raise ValueError(
            f"Sequential {self.name!r} was built for inputs of shape {self.build_input_shape} and cannot be "
            f"made again for {shape}{'' if problem is None else f': {problem}'}. Make a new model."
        ) from problem

    def predict_proba(self, x: Data, batch_size: int = 32, verbose: int = 0) -> Outputs:
        """Class probabilities: `predict`, with a warning where the outputs are not in [0, 1]."""
        return self._probabilities(x, batch_size, verbose)

    def predict_classes(self, x: Data, batch_size: int = 32, verbose: int = 0) -> Outputs:
        """The most probable class of each sample (with one output unit: whether it exceeds 0.5)."""
        y: Any = self.predict(x, batch_size=batch_size, verbose=verbose)
        return y.argmax(axis=-1) if y.shape[-1] > 1 else (y > 0.5).astype("int32")

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain values."""
        layers = [{"class_name": type(layer).__name__, "config": layer.get_config()} for layer in self._chain]
        config: dict[str, Any] = {"name": self.name, "layers": copy.deepcopy(layers)}
        shape = self.build_input_shape
        if self._input_layer is not None:  # Keras 2.2.4 forgets it, and cannot load the weights then
            config["input_layer"], shape = self._input_layer.get_config(), self._input_layer.batch_input_shape
        return config | ({"build_input_shape": shape} if shape else {})

    @classmethod
    def from_config(cls, config: Any, custom_objects: Mapping[str, Any] | None = None) -> Self:
        """A new model; Keras 2.0 files hold the bare list of layers."""
        words: dict[str, Any] = {"layers": config} if isinstance(config, AnyList) else config
        model = cls(name=words.get("name"))
        if words.get("input_layer"):
            model.add(InputLayer.from_config(dict(words["input_layer"])))
        for layer in words["layers"]:
            made: Layer = deserialize(layer, custom_objects)
            with noted(made.name):
                model.add(made)
        if model._graph is None and words.get("build_input_shape"):
            model.build(words["build_input_shape"])
        return model


def _instead(thing: Any) -> str:
    """A guess of what was to be added."""
    if isinstance(thing, Tensor):
        return " Add the layer itself, without calling it, or use Model(inputs, outputs)."
    if isinstance(thing, str):
        return f" A function by name is Activation({thing!r})."
    return " It is a class: call it, as in Flatten()." * isinstance(thing, type)


def _checked(layer: Any) -> Layer:
    """A layer given to `add`, also by the tensor of an `Input`."""
    if isinstance(layer, Tensor) and layer.node is not None and isinstance(layer.node.owner, InputLayer):
        return layer.node.owner
    if not isinstance(layer, Layer):
        said = f"Sequential.add takes a layer; got {layer!r} of type {type(layer).__name__}."
        raise TypeError(said + _instead(layer))
    return layer


def _input_shape_of(layer: Layer) -> Shape | None:
    """The batch input shape that a first layer brings along, or None."""
    while isinstance(layer, Network):
        if layer._graph is not None:
            return layer._graph.inputs[0].shape
        if not layer.layers:
            return None
        layer = layer.layers[0]
    return getattr(layer, "batch_input_shape", None)
