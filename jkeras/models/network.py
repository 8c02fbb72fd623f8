"""Network: layers put together into one layer; everything of a model that needs no training."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

from jkeras.compat.legacy_arguments import legacy
from jkeras.core import bits, phase
from jkeras.core.names import snake_case, unique_name
from jkeras.core.types import INFERENCE, Out, Pair
from jkeras.engine.base_layer import Layer
from jkeras.engine.call import adapter
from jkeras.engine.call.added_metrics import reported_by
from jkeras.engine.call.calling import aligned, has_tensor, shapes_of
from jkeras.engine.call.checks import phases_differ
from jkeras.engine.graph import Graph
from jkeras.engine.layer.effects import Added, Update, Whole, within
from jkeras.engine.program import Program
from jkeras.engine.tensors.shapes import Spec, agree
from jkeras.engine.tensors.symbolic import Node, Tensor, mask_tensor
from jkeras.engine.tensors.variable import Constant, Variable, current_frame
from jkeras.engine.tree import bind, bound, collect, gather, instances, variables_of
from jkeras.models import config as configs
from jkeras.models.files import Files
from jkeras.models.keras_graph import KerasGraph
from jkeras.models.masks import marked
from jkeras.models.summary import print_summary


def as_list(x) -> list:
    return list(x) if isinstance(x, (list, tuple)) else [x]


def _single(items: list):
    return items[0] if len(items) == 1 else items


def _input_name(tensor: Tensor) -> str:
    owner = tensor.node.owner if tensor.node is not None else None
    return owner.name if owner is not None else tensor.name


def _as_declared(x, tensor: Tensor):
    """An input in the dtype that the model declares; floats of another precision stay as they are."""
    x = x if isinstance(x, jax.Array) else np.asarray(x)
    both_float = jnp.issubdtype(x.dtype, jnp.floating) and jnp.issubdtype(tensor.dtype, jnp.floating)
    return bits.array(x, None if both_float else tensor.dtype, f"The input {tensor.name!r}")


class NoGraphError(NotImplementedError, AttributeError):
    """A subclassed model was asked for what only a graph of layers has."""


class Network(KerasGraph, Files, Layer):
    """A graph of layers (`Network(inputs, outputs)`), or a subclass that computes in its own `call`.

    Args:
        inputs, outputs: tensor or list of tensors.
        name: default `model_1`, ….

    Keras 2.2.4: keras/engine/network.py Network
    """

    supports_masking = True

    @legacy("model")
    def __init__(self, *args, name: str | None = None, **kwargs):
        words = dict(zip(("inputs", "outputs", "name"), args, strict=False)) | kwargs
        name = words.pop("name", None) or name or unique_name(self._prefix())
        unknown = sorted(set(words) - {"inputs", "outputs", "trainable"})
        if unknown:
            raise TypeError(
                f"{type(self).__name__}() got unknown arguments {unknown}; it takes inputs, outputs, name."
            )
        super().__init__(name=name, trainable=words.get("trainable", True))
        self._graph: Graph | None = None
        self._watched: list[Tensor] = []
        self._signature: tuple[list[Tensor], list[Tensor]] | None = None
        if "inputs" in words or "outputs" in words:
            if words.get("inputs") is None or words.get("outputs") is None:
                raise ValueError(f"Model {name!r} needs both inputs and outputs.")
            self._init_graph(as_list(words["inputs"]), as_list(words["outputs"]))

    @classmethod
    def _prefix(cls) -> str:
        return snake_case(cls.__name__)

    def _init_graph(self, inputs: list[Tensor], outputs: list[Tensor]) -> None:
        for t in inputs:
            if not isinstance(t, Tensor):
                raise ValueError(f"Inputs of model {self.name!r} must be tensors made by Input(); got {t!r}.")
        if len({id(t) for t in inputs}) != len(inputs):
            raise ValueError(
                f"The inputs of model {self.name!r} must be different tensors; one is listed twice."
            )
        graph = Graph(inputs, outputs)
        names = [layer.name for layer in graph.layers]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise ValueError(
                f"Layer names in a model must be unique; in {self.name!r} these occur twice: {twice}."
            )
        self._graph, self.built = graph, True
        self._hold(graph.all_layers, graph.free_variables)
        self._layers = list(graph.layers)
        node = Node(self, None, (inputs if len(inputs) > 1 else inputs[0],), {})
        node.outputs = outputs
        self.inbound_nodes = [node]

    def _hold(self, layers: list, variables: list[Variable]) -> None:
        """Variables that are used and that no layer here owns are hidden state: new values take effect."""
        owned = {id(v) for v in variables_of([self])}
        for variable in (*variables_of(layers), *variables):
            if id(variable) not in owned and not isinstance(variable, Constant):
                self._state[f"_free_{len(self._state)}"] = variable

    # --- structure -------------------------------------------------------------------------------------

    @property
    def layers(self) -> list[Layer]:
        """The layers, in Keras's order; for a subclassed model those among its attributes.

        The list of a graph is the user's: after `model.layers.pop()` a script finds the last but one at
        `model.layers[-1]`, while the model computes what it did.
        """
        return list(self.children().values()) if self._graph is None else self._layers

    def children(self) -> dict:
        if self._graph is None:
            return adapter.tracked_layers(self)
        return {layer.name: layer for layer in self._graph.layers}

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
    def input(self):
        return _single(self.inputs)

    @property
    def output(self):
        return _single(self.outputs)

    @property
    def input_shape(self):
        return _single([t.shape for t in self.inputs])

    @property
    def output_shape(self):
        return _single([t.shape for t in self.outputs])

    @property
    def signature(self) -> tuple[list[Tensor], list[Tensor]]:
        """(inputs, outputs) as tensors with names, shapes and dtypes, for any built model."""
        if self._graph is not None:
            return self._graph.fed, self._graph.outputs
        if self._signature is None:
            raise RuntimeError(f"Model {self.name!r} is not built yet: call fit or predict on data first.")
        return self._signature

    @property
    def input_names(self) -> list[str]:
        """Names of the input layers; `input_1`, … for a subclassed model."""
        if self._graph is None:
            return [f"input_{i + 1}" for i in range(len(self.signature[0]))]
        return [_input_name(t) for t in self.inputs]

    def _fed_names(self) -> list[str]:
        """Names of the inputs that wait for data."""
        return self.input_names if self._graph is None else [_input_name(t) for t in self._graph.fed]

    @property
    def output_names(self) -> list[str]:
        """Names of the layers that make the outputs; a number is added where one makes several."""
        if self._graph is None:
            return [f"output_{i + 1}" for i in range(len(self.signature[1]))]
        names: list[str] = []
        for t in self.outputs:
            base = name = t.node.owner.name if t.node.owner is not None else t.name
            number = 1
            while name in names:
                name, number = f"{base}_{number}", number + 1
            names.append(name)
        return names

    def _consumers(self, tensor: Tensor) -> list[Node]:
        """The nodes of this graph that take the tensor itself."""
        return (
            [n for n in self._graph.nodes if any(t is tensor for t in n.inputs)]
            if self._graph is not None
            else []
        )

    @Layer.uses_learning_phase.getter
    def uses_learning_phase(self) -> bool:
        """Whether training and inference may give different outputs."""
        if self._graph is None:
            return phases_differ(self)
        return any(t._uses_learning_phase for t in self._graph.outputs)

    @property
    def stateful(self) -> bool:
        """Whether a layer carries state from batch to batch."""
        return any(layer.stateful for layer in self.layers)

    def reset_states(self) -> None:
        """Set the states of all stateful layers to zero."""
        for layer in self.layers:
            if layer.stateful and hasattr(layer, "reset_states"):
                layer.reset_states()

    # --- meaning ---------------------------------------------------------------------------------------

    def pure(self) -> Pair:
        """This model as two pure functions; see `Layer.pure`. `Out.state` is the whole state."""
        init, apply = super().pure()

        def whole(params, state, x, ctx=INFERENCE, **kwargs):
            xs, fed = as_list(x), [] if self._graph is None else self._graph.fed
            if len(xs) == len(fed):
                x = _single([_as_declared(v, t) for v, t in zip(xs, fed, strict=True)])
            out = apply(params, state, x, ctx, **kwargs)
            return dataclasses.replace(out, state=out.merged(state))

        return Pair(init, whole)

    def formula(self) -> Pair:
        """The graph as pure functions; trees are keyed by layer names: `params["dense_1"]["kernel"]`."""
        known = self._whole() if self._graph is not None else None

        def init(rng, in_shape=None):
            values: dict = {}
            graph = self._graph_or_complain("init")
            self._check_in_shape(in_shape)
            for i, layer in enumerate(graph.layers):
                node = next(n for n in layer.inbound_nodes if id(n) in graph.layer_nodes)
                if node.args:
                    shapes = shapes_of(node.args[0])
                    params, state = layer.pure().init(jax.random.fold_in(rng, i), shapes)
                    bind(layer, params, state, values)
            for variable in self._state.values():
                values.setdefault(id(variable), variable._value)
            return collect(self, values)

        def apply(params, state, x, ctx=INFERENCE):
            whole = known or self._whole()
            values, changed = bound(self, params, state), {}

            def write(variable, value):
                values[id(variable)] = changed[id(variable)] = value

            xs = as_list(x)
            fed = whole.graph.fed
            if len(xs) != len(fed):
                raise ValueError(f"Model {self.name!r} takes {len(fed)} inputs; got {len(xs)}.")
            masks = as_list(ctx.mask) if ctx.mask is not None else [None] * len(xs)
            xs = [_as_declared(v, t) for v, t in zip(xs, fed, strict=True)]
            ys, masks, loss, seen = whole.run(values, xs, masks, ctx, write)
            mask = _single(masks) if any(m is not None for m in masks) else None
            return Out(_single(ys), collect(self, changed)[1], mask, loss, seen)

        return Pair(init, apply)

    def _check_in_shape(self, in_shape) -> None:
        declared = [t.shape for t in self._graph_or_complain("init").fed]
        given = in_shape if isinstance(in_shape, list) else [in_shape]
        if in_shape is not None and not agree(given, declared):
            raise ValueError(
                f"Model {self.name!r} takes inputs of shape {_single(declared)}, so it has no weights for "
                f"{in_shape}."
            )

    def call(self, inputs, mask=None):
        """The outputs for other inputs."""
        return super().call(inputs, mask=mask)

    def run_internal_graph(self, inputs, masks=None) -> tuple:
        """The outputs for a list of other tensors or arrays, their masks and their shapes."""
        masks = list(masks or [None] * len(inputs))
        if has_tensor((inputs, masks)):
            outputs = as_list(self(_single([marked(x, m) for x, m in zip(inputs, masks, strict=True)])))
            found = [mask_tensor(t) for t in outputs]
        else:
            frame = current_frame()
            read, ctx = (frame.read, frame.ctx) if frame else (lambda v: v.value, INFERENCE)
            out = self.checked_formula().apply(
                *gather(self, read), _single(list(inputs)), ctx.at("masks", _single(masks))
            )
            outputs, found = as_list(out.y), aligned(out.y, out.mask)
        return _single(outputs), _single(found), _single([t.shape for t in outputs])

    def compute_mask(self, inputs, mask=None):
        """The masks of the outputs, for tensors; a model with its own `call` makes none."""
        if self._graph is None:
            return None
        return self.run_internal_graph(as_list(inputs), None if mask is None else as_list(mask))[1]

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
        """What losses and metrics close over: the tensors' values come with the outputs (`Out.seen`), the
        variables are hidden state."""
        self._watched = tensors
        self._hold([], variables)

    def _added(self, kind: str) -> list[Added]:
        """Also to the layers, but not what was given to them for the inputs of another model."""
        found = super()._added(kind)
        return found if self._graph is None else within(self._graph, found, getattr(self, kind))

    def _accounted(self) -> list[Layer]:
        """This model and its layers, except models, which account for what was given to them."""
        return [self, *dict.fromkeys(inner for layer in self.layers for inner in _up_to_models(layer))]

    def _calls(self) -> list[Node]:
        if self._graph is None:
            return []
        hidden = self._graph.hidden
        return [n for n in self._graph.nodes if n.owner is not None and id(n) not in hidden]

    def _calls_on(self, inputs) -> list[Node]:
        same = self._graph is not None and [id(t) for t in as_list(inputs)] == [id(t) for t in self.inputs]
        wanted = [id(t) for t in as_list(inputs)]
        calls = [n for n in self.inbound_nodes[1:] if [id(t) for t in n.inputs] == wanted]
        return self._calls() if same else calls

    @property
    def state_updates(self) -> list:
        """The updates of stateful layers."""
        return [u for layer in self.layers if layer.stateful for u in layer.updates]

    @property
    def rowwise(self) -> bool:
        """Whether every sample's output depends on that sample only (no functions over tensors)."""
        apart = self._graph is not None and not self._graph.has_functions
        return apart and not self._has_effects() and not reported_by(self)

    def _has_effects(self) -> bool:
        return any(layer.extra_losses or layer.extra_updates for _, layer in instances(self))

    def build(self, input_shape=None) -> None:
        """Create the weights of a subclassed model by tracing its `call` on inputs of this shape."""
        if self._graph is None:
            self._build_subclass(input_shape, None)

    def _build_subclass(self, shapes, dtypes) -> None:
        specs, found = adapter.trace(self, shapes, dtypes)
        outputs = jax.tree.leaves(found, is_leaf=lambda s: isinstance(s, Spec))
        self.built, self.build_shape, self.fixed_phase = True, shapes, phase.fixed()
        self._signature = (
            [Tensor(s.shape, s.dtype, name=f"input_{i + 1}") for i, s in enumerate(specs)],
            [Tensor(s.shape, s.dtype, name=f"output_{i + 1}") for i, s in enumerate(outputs)],
        )

    def build_from_data(self, xs: list) -> None:
        """Build a model that has no input shape yet for these arrays (batch axis first)."""
        if not self.built:
            shapes = [(None, *x.shape[1:]) for x in xs]
            if type(self).build is Network.build:
                dtypes = ["int32" if x.dtype.kind in "iub" else "float32" for x in xs]
                self._build_subclass(_single(shapes), dtypes)
            else:
                self.build(_single(shapes))
                if self._graph is None:
                    self._build_subclass(_single(shapes), None)
            self.built = True

    def program(self) -> Program:
        """This model as pure functions over flat stores; `trainable` is read now."""
        return Program(self)

    # --- weights ---------------------------------------------------------------------------------------

    @property
    def weights(self) -> list[Variable]:
        return [*self.trainable_weights, *self.non_trainable_weights]

    def get_weights(self):
        """Copies of all weights, layer by layer."""
        return [v.numpy() for v in self._weights_by_layer()]

    def _weights_by_layer(self) -> list[Variable]:
        own = [*self._params.values(), *(v for n, v in self._state.items() if not n.startswith("_"))]
        return list(dict.fromkeys([*own, *(v for layer in self.layers for v in layer.weights)]))

    def set_weights(self, weights) -> None:
        """Replace all weights, given layer by layer as `get_weights` returns them.

        Raises:
            ValueError: wrong number or shapes; nothing was changed.
        """
        cells = self._weights_by_layer()
        self._assign_all(cells, weights)

    # --- words -----------------------------------------------------------------------------------------

    def summary(self, line_length: int | None = None, positions=None, print_fn=None) -> None:
        """Print the layers, their output shapes and parameter counts.

        Args:
            line_length: width in characters.
            positions: relative or absolute column ends.
            print_fn: called with each line; default `print`.

        Raises:
            ValueError: the model is not built, so there are no shapes.
        """
        if not self.built:
            raise ValueError(
                f"Model {self.name!r} is not built yet, so it has no shapes to summarize. Give the first "
                "layer an input_shape, call model.build(batch_input_shape), or fit it on data first."
            )
        print_summary(self, line_length, positions, print_fn)

    def get_config(self) -> dict:
        """Layers, their connections, inputs and outputs as plain Python values."""
        return configs.graph_config(self, self._graph_or_complain("get_config"))

    @classmethod
    def from_config(cls, config: dict, custom_objects: dict | None = None):
        """A new model from `get_config()`."""
        return configs.graph_from_config(cls, config, custom_objects)


def _up_to_models(layer) -> Iterator[Layer]:
    """A layer and its inner layers, without models and what they hold."""
    if not isinstance(layer, Network):
        yield layer
        for child in layer.children().values():
            yield from _up_to_models(child)
