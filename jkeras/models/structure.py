"""Layers, inputs and outputs of a network, and what was added to them, whichever way it computes."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from jax.typing import DTypeLike

from jkeras.core.identity import same_objects
from jkeras.core.lists import as_list, unpacked
from jkeras.core.types import Pair, Shapes, Tree
from jkeras.engine.base_layer import Layer
from jkeras.engine.call.types import OverVariables
from jkeras.engine.graph import Graph
from jkeras.engine.layer.effects import Added, Update, Whole
from jkeras.engine.tensors.symbolic import Node, Tensor
from jkeras.engine.tensors.variable import Constant, Variable
from jkeras.engine.tree import variables_of
from jkeras.models.keras_graph import KerasGraph


class NoGraphError(NotImplementedError, AttributeError):
    """A subclassed model was asked for what only a graph of layers has."""


class Body(Protocol):
    """How a network computes, see `jkeras.models.bodies`."""

    @property
    def graph(self) -> Graph | None: ...
    @property
    def fed(self) -> list[Tensor]: ...
    def children(self) -> dict[str, Layer]: ...
    def layers(self) -> list[Layer]: ...
    def signature(self) -> tuple[list[Tensor], list[Tensor]]: ...
    def input_names(self) -> list[str]: ...
    def fed_names(self) -> list[str]: ...
    def output_names(self) -> list[str]: ...
    def nodes(self) -> list[Node]: ...
    def calls(self) -> list[Node]: ...
    def uses_learning_phase(self) -> bool: ...
    def rowwise(self) -> bool: ...
    def added(self, entries: list[Added], own: list[Any]) -> list[Added]: ...
    def over_variables(self) -> OverVariables | None: ...
    def formula(self) -> Pair: ...
    def build(self, shapes: Shapes, dtypes: Sequence[DTypeLike] | None = None) -> None: ...
    def build_from_data(self, xs: list[Any], builds_itself: bool) -> None: ...


class Structure(KerasGraph, Layer):
    """The part of a network that its body, its config and its summary know."""

    output_keys: list[str] | None = None  # of the dict that the outputs were given as
    _body: Body
    _watched: list[Tensor]

    @property
    def layers(self) -> list[Layer]:
        """The layers, in Keras's order; for a subclassed model those among its attributes.

        The list of a graph is the user's: after `model.layers.pop()` a script finds the last but one at
        `model.layers[-1]`, while the model computes what it did.
        """
        return self._body.layers()

    def children(self) -> dict[str, Layer]:
        """The layers inside, by attribute."""
        return self._body.children()

    @property
    def _graph(self) -> Graph | None:
        return self._body.graph

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """A layer by index (which wins) or by name.

        Raises:
            ValueError: there is none; the message lists the names.
        """
        layers = self.layers
        names = [layer.name for layer in layers]
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise ValueError(
                    f"Model {self.name!r} has no layer at index {index}; its {len(layers)} layers: {names}."
                )
            return layers[index]
        if name is None:
            raise ValueError("get_layer needs a layer name or an index.")
        if name not in names:
            raise ValueError(f"Model {self.name!r} has no layer {name!r}; its layers are {names}.")
        return layers[names.index(name)]

    def _graph_or_complain(self, what: str) -> Graph:
        if self._graph is None:
            raise NoGraphError(
                f"{what} needs a model that is a graph of layers; {self.name!r} ({type(self).__name__}) is a "
                "subclass with its own call. Use save_weights / load_weights, and keep the class itself in "
                "code."
            )
        return self._graph

    @property
    def inputs(self) -> list[Tensor]:
        """The input tensors."""
        return self._graph_or_complain("inputs").inputs

    @property
    def outputs(self) -> list[Tensor]:
        """The output tensors."""
        return self._graph_or_complain("outputs").outputs

    @property
    def input(self) -> Tree:
        return unpacked(self.inputs)

    @property
    def output(self) -> Tree:
        return unpacked(self.outputs)

    @property
    def input_shape(self) -> Shapes:
        return unpacked([t.shape for t in self.inputs])

    @property
    def output_shape(self) -> Shapes:
        return unpacked([t.shape for t in self.outputs])

    @property
    def signature(self) -> tuple[list[Tensor], list[Tensor]]:
        """(inputs, outputs) as tensors with names, shapes and dtypes, for any built model."""
        return self._body.signature()

    @property
    def input_names(self) -> list[str]:
        """Names of the input layers; `input_1`, … for a subclassed model."""
        return self._body.input_names()

    def _fed_names(self) -> list[str]:
        """Names of the inputs that wait for data."""
        return self._body.fed_names()

    @property
    def output_names(self) -> list[str]:
        """Names of the layers that make the outputs; a number is added where one makes several."""
        return self._body.output_names()

    def _consumers(self, tensor: Tensor) -> list[Node]:
        """The nodes of this graph that take the tensor itself."""
        return [n for n in self._body.nodes() if any(t is tensor for t in n.inputs)]

    @Layer.uses_learning_phase.getter
    def uses_learning_phase(self) -> bool:
        """Whether training and inference may give different outputs."""
        return self._body.uses_learning_phase()

    def _hold(self, layers: list[Layer], variables: list[Variable]) -> None:
        """Variables that are used and that no layer here owns are hidden state: new values take effect."""
        owned = set(variables_of([self]))
        for variable in (*variables_of(layers), *variables):
            if variable not in owned and not isinstance(variable, Constant):
                self._state[f"_free_{len(self._state)}"] = variable

    def _whole(self) -> Whole:
        """The graph with added losses, updates and watched tensors."""
        terms = [a.value for a in self._added("extra_losses")]
        updates = [a.value for a in self._added("extra_updates") if isinstance(a.value, Update)]
        graph = self._graph_or_complain("apply")
        measured = [(owner, *entry) for owner in self._accounted() for entry in owner.extra_metrics]
        whole = Whole(graph, terms, updates, measured, self._watched)
        if whole.graph is not graph:
            self._hold(whole.graph.all_layers, whole.graph.free_variables)
        return whole

    def watch(self, tensors: list[Tensor], variables: list[Variable]) -> None:
        """Give out what losses and metrics close over: tensors' values come with the outputs (`Out.seen`),
        the variables are hidden state."""
        self._watched = tensors
        self._hold([], variables)

    def _added(self, kind: str) -> list[Added]:
        """Also to the layers, but not what was given to them for the inputs of another model."""
        return self._body.added(super()._added(kind), getattr(self, kind))

    def _accounted(self) -> list[Layer]:
        """This model and its layers, except models, which account for what was given to them."""
        return [self, *dict.fromkeys(inner for layer in self.layers for inner in _up_to_models(layer))]

    def _calls(self) -> list[Node]:
        return self._body.calls()

    def _calls_on(self, inputs: Tree) -> list[Node]:
        wanted = as_list(inputs)
        if self._graph is not None and same_objects(wanted, self.inputs):
            return self._calls()
        return [n for n in self.inbound_nodes[1:] if same_objects(n.inputs, wanted)]


def _up_to_models(layer: Layer) -> Iterator[Layer]:
    """A layer and its inner layers, without models and what they hold."""
    if not isinstance(layer, Structure):
        yield layer
        for child in layer.children().values():
            yield from _up_to_models(child)
