"""The two natures of a network behind one interface: a graph of layers, or the `call` of a subclass."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from jkeras.core import bits, phase, random
from jkeras.core.lists import as_list, unpacked
from jkeras.core.types import (
    INFERENCE,
    AnyList,
    Array,
    Ctx,
    Key,
    Out,
    Pair,
    Params,
    Shapes,
    State,
    Tree,
    Weights,
)
from jkeras.engine.base_layer import Layer
from jkeras.engine.call import adapter
from jkeras.engine.call.calling import shapes_of
from jkeras.engine.call.checks import phases_differ
from jkeras.engine.call.running import named, over_trees
from jkeras.engine.call.types import OverVariables
from jkeras.engine.graph import Graph
from jkeras.engine.layer.effects import Added, Whole, within
from jkeras.engine.tensors.shapes import Spec, agree, is_spec
from jkeras.engine.tensors.symbolic import Node, Tensor
from jkeras.engine.tensors.variable import Values
from jkeras.engine.tree import by_variable, nested
from jkeras.models.structure import Structure


def as_declared(x: Any, tensor: Tensor) -> Array:
    """An input in the dtype that the model declares; floats of another precision stay as they are."""
    x = x if isinstance(x, jax.Array) else np.asarray(x)
    both_float = jnp.issubdtype(x.dtype, jnp.floating) and jnp.issubdtype(tensor.dtype, jnp.floating)
    return bits.array(x, None if both_float else tensor.dtype, f"The input {tensor.name!r}")


def _input_name(tensor: Tensor) -> str:
    owner = tensor.node.owner if tensor.node is not None else None
    return owner.name if owner is not None else tensor.name


class CodeBody:
    """A network that computes in its own `call`; its layers are found among its attributes.

    Args:
        network: the one whose body this is.
    """

    graph: Graph | None = None
    fed: list[Tensor] = []  # nothing is declared

    def __init__(self, network: Structure):
        self.network = network
        self._signature: tuple[list[Tensor], list[Tensor]] | None = None

    def children(self) -> dict[str, Layer]:
        """The layers inside, by attribute."""
        return adapter.tracked_layers(self.network)

    def layers(self) -> list[Layer]:
        """The layers among the attributes."""
        return list(self.network.children().values())

    def signature(self) -> tuple[list[Tensor], list[Tensor]]:
        """The tensors of inputs and of outputs."""
        if self._signature is None:
            name = self.network.name
            raise RuntimeError(f"Model {name!r} is not built yet: call fit or predict on data first.")
        return self._signature

    def input_names(self) -> list[str]:
        """Names of the inputs."""
        return [t.name for t in self.network.signature[0]]

    def fed_names(self) -> list[str]:
        """Names of the inputs that data are given for."""
        return self.network.input_names

    def output_names(self) -> list[str]:
        """Names of the outputs."""
        return [t.name for t in self.network.signature[1]]

    def nodes(self) -> list[Node]:
        """The calls in the order in which they run."""
        return []

    def calls(self) -> list[Node]:
        """The calls of layers."""
        return []

    def uses_learning_phase(self) -> bool:
        """Whether training differs."""
        return phases_differ(self.network)

    def rowwise(self) -> bool:
        """Whether each row of the outputs depends on that row of the inputs alone."""
        return False

    def added(self, entries: list[Added], own: list[Any]) -> list[Added]:
        """The losses and updates that were added."""
        return entries

    def over_variables(self) -> OverVariables | None:
        """None: there is nothing to compute yet."""
        return None

    def formula(self) -> Pair:
        """Functions that say why there are none; a graph may come before they are called."""

        def init(rng: Key, in_shape: Shapes = None) -> Weights:
            self.network._graph_or_complain("init")
            return self.network.formula().init(rng, in_shape)

        def apply(params: Params, state: State, x: Tree, ctx: Ctx = INFERENCE) -> Out:
            self.network._graph_or_complain("apply")
            return self.network.formula().apply(params, state, x, ctx)

        return Pair(init, apply)

    def build(self, shapes: Shapes, dtypes: Sequence[DTypeLike] | None = None) -> None:
        """Create the weights by tracing `call` on inputs of these shapes."""
        network = self.network
        with named(network):
            specs, outcome = adapter.trace(network, shapes, dtypes)
        outputs: list[Spec] = jax.tree.leaves(outcome, is_leaf=is_spec)
        network.built, network.build_shape, network.fixed_phase = True, shapes, phase.fixed()
        self._signature = (
            [Tensor(s.shape, s.dtype, name=f"input_{i + 1}") for i, s in enumerate(specs)],
            [Tensor(s.shape, s.dtype, name=f"output_{i + 1}") for i, s in enumerate(outputs)],
        )

    def build_from_data(self, xs: list[Any], builds_itself: bool) -> None:
        """Create the weights for these arrays (batch axis first), unless that has been done.

        Args:
            xs: the arrays.
            builds_itself: whether the class of the network has a `build` of its own; it goes first.
        """
        network = self.network
        if network.built:
            return
        shapes = unpacked([(None, *x.shape[1:]) for x in xs])
        dtypes = None
        if builds_itself:
            network.build(shapes)
        else:
            dtypes = ["int32" if x.dtype.kind in "iub" else "float32" for x in xs]
        if network._body is self:  # `build` may have made it a graph
            self.build(shapes, dtypes)
        network.built = True


class GraphBody:
    """A network that is a graph of layers.

    Args:
        network: the one whose body this is.
        graph: from its inputs to its outputs.
    """

    def __init__(self, network: Structure, graph: Graph):
        self.network, self.graph, self.fed = network, graph, graph.fed
        self._layers = list(graph.layers)

    def children(self) -> dict[str, Layer]:
        """The layers inside, by attribute."""
        return {layer.name: layer for layer in self.graph.layers}

    def layers(self) -> list[Layer]:
        """The user's list, always the same one."""
        return self._layers

    def signature(self) -> tuple[list[Tensor], list[Tensor]]:
        """The tensors of inputs and of outputs."""
        return self.fed, self.graph.outputs

    def input_names(self) -> list[str]:
        """Names of the inputs."""
        return [_input_name(t) for t in self.graph.inputs]

    def fed_names(self) -> list[str]:
        """Names of the inputs that data are given for."""
        return [_input_name(t) for t in self.fed]

    def output_names(self) -> list[str]:
        """A number is added where one layer makes several."""
        if self.network.output_keys is not None:
            return self.network.output_keys
        names: list[str] = []
        for t in self.graph.outputs:
            base = name = t.node.owner.name if t.node.owner is not None else t.name
            number = 1
            while name in names:
                name, number = f"{base}_{number}", number + 1
            names.append(name)
        return names

    def nodes(self) -> list[Node]:
        """The calls in the order in which they run."""
        return self.graph.nodes

    def calls(self) -> list[Node]:
        """The calls of layers, but not those that only stand behind the inputs of others."""
        return [n for n in self.graph.nodes if n.owner is not None and n not in self.graph.hidden]

    def uses_learning_phase(self) -> bool:
        """Whether training differs."""
        return any(t._uses_learning_phase for t in self.graph.outputs)

    def rowwise(self) -> bool:
        """Whether each row of the outputs depends on that row of the inputs alone."""
        return not self.graph.has_functions

    def added(self, entries: list[Added], own: list[Any]) -> list[Added]:
        """Not what was given to the layers for the inputs of another model."""
        return within(self.graph, entries, own)

    def build(self, shapes: Shapes, dtypes: Sequence[DTypeLike] | None = None) -> None:
        """A graph has been built with its layers."""

    def build_from_data(self, xs: list[Any], builds_itself: bool) -> None:
        """A graph has been built with its layers."""

    def formula(self) -> Pair:
        """The graph as pure functions; trees are keyed by layer names: `params["dense_1"]["kernel"]`."""

        def init(rng: Key, in_shape: Shapes = None) -> Weights:
            self._check_in_shape(in_shape)
            return self._init(rng)

        return Pair(init, over_trees(self.network, self.over_variables()))

    def over_variables(self) -> OverVariables:
        """The computation of the graph, with values, and what changes, by variable."""
        return partial(self._run, self.network._whole())

    def _init(self, rng: Key) -> Weights:
        values: Values = {}
        for i, layer in enumerate(self.graph.layers):
            node = next(n for n in layer.inbound_nodes if n in self.graph.layer_nodes)
            if node.args:
                params, state = layer.pure().init(random.fold_in(rng, i), shapes_of(node.args[0]))
                by_variable(layer, params, state, values)
        for variable in self.network._state.values():
            values.setdefault(variable, variable._value)
        return nested(self.network, values)

    def _run(self, whole: Whole, values: Values, x: Tree, ctx: Ctx) -> Out:
        changed: Any = {}  # by variable
        xs, fed = as_list(x), whole.graph.fed
        if len(xs) != len(fed):
            raise ValueError(f"Model {self.network.name!r} takes {len(fed)} inputs; got {len(xs)}.")
        masks = as_list(ctx.mask) if ctx.mask is not None else [None] * len(xs)
        xs = [as_declared(v, t) for v, t in zip(xs, fed, strict=True)]
        ys, masks, loss, seen, metrics = whole.run(values, xs, masks, ctx, changed.__setitem__)
        mask = unpacked(masks) if any(m is not None for m in masks) else None
        return Out(unpacked(ys), changed, mask, loss, seen, metrics)

    def _check_in_shape(self, in_shape: Shapes) -> None:
        declared = [t.shape for t in self.fed]
        given = in_shape if isinstance(in_shape, AnyList) else [in_shape]
        if in_shape is not None and not agree(given, declared):
            raise ValueError(
                f"Model {self.network.name!r} takes inputs of shape {unpacked(declared)}, so it has no "
                f"weights for {in_shape}."
            )
