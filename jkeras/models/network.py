"""Network: layers put together into one layer; everything of a model that needs no training."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Never, Self, TypeAlias

import jax
import numpy as np

from jkeras.compat.legacy_arguments import legacy
from jkeras.core.lists import as_list, unpacked
from jkeras.core.names import snake_case, unique_name
from jkeras.core.types import INFERENCE, AnyDict, AnyNumpy, Array, Ctx, Out, Pair, Params, Shapes, State, Tree
from jkeras.core.words import unknown_arguments
from jkeras.engine.call.added_metrics import reported_by
from jkeras.engine.call.calling import has_tensor
from jkeras.engine.call.running import aligned, run_layer
from jkeras.engine.call.types import Masks, OverVariables
from jkeras.engine.graph import Graph
from jkeras.engine.layer.effects import Update
from jkeras.engine.program import Program
from jkeras.engine.tensors.symbolic import Node, Tensor, mask_tensor
from jkeras.engine.tensors.variable import Numpy, Variable, current_frame, numpy_copies
from jkeras.engine.tree import instances, nested, put_values, variables_of
from jkeras.models import config as configs
from jkeras.models.bodies import CodeBody, GraphBody, as_declared
from jkeras.models.costs import print_costs
from jkeras.models.files import Files
from jkeras.models.masks import marked
from jkeras.models.structure import Structure
from jkeras.models.summary import print_summary

Tensors: TypeAlias = Tensor | Sequence[Tensor] | Mapping[str, Tensor] | None


class Network(Files, Structure):
    """A graph of layers (`Network(inputs, outputs)`), or a subclass that computes in its own `call`.

    Args:
        inputs, outputs: tensor, list of tensors or dict of tensors. Keys of inputs are the names of the input
            layers; those of outputs name the outputs in losses, metrics and the dict that comes out.
        name: default `model_1`, ….

    Keras 2.2.4: keras/engine/network.py Network
    """

    supports_masking = True

    @legacy("model")
    def __init__(
        self,
        inputs: Tensors = None,
        outputs: Tensors = None,
        name: str | None = None,
        trainable: bool = True,
        **kwargs: Never,
    ):
        if kwargs:
            known = ("inputs", "outputs", "name", "trainable")
            raise unknown_arguments(type(self).__name__, kwargs, known, f" It takes {', '.join(known)}.")
        name = name or unique_name(self._prefix())
        super().__init__(name=name, trainable=trainable)
        self._body, self._watched = CodeBody(self), []
        if inputs is not None or outputs is not None:
            if inputs is None or outputs is None:
                raise ValueError(f"Model {name!r} needs both inputs and outputs.")
            if isinstance(outputs, AnyDict):
                self.output_keys, outputs = list(outputs), list(outputs.values())
            self._init_graph(self._listed_inputs(inputs), as_list(outputs))

    def _listed_inputs(self, inputs: Any) -> list[Any]:
        """The tensors of a dict by the names of their layers."""
        if not isinstance(inputs, AnyDict):
            return as_list(inputs)
        for key, tensor in inputs.items():
            if getattr(tensor, "name", key) != key:
                raise ValueError(
                    f"Model {self.name!r}: the input with the key {key!r} is the tensor {tensor.name!r}; "
                    f"data are fed by the names of input layers: Input(..., name={key!r})."
                )
        return list(inputs.values())

    def __call__(self, inputs: Any, **kwargs: Any) -> Any:
        if isinstance(inputs, AnyDict) and self._graph is not None:
            missing = [name for name in self._fed_names() if name not in inputs]
            if missing:
                raise ValueError(
                    f"Model {self.name!r} was called without its inputs {missing}; got {list(inputs)}."
                )
            inputs = unpacked([inputs[name] for name in self._fed_names()])
        given: Any = inputs
        return self._by_key(super().__call__(given, **kwargs))

    def _by_key(self, outputs: Any) -> Any:
        """Outputs as a dict, where they were given as one."""
        return (
            outputs
            if self.output_keys is None
            else dict(zip(self.output_keys, as_list(outputs), strict=True))
        )

    @classmethod
    def _prefix(cls) -> str:
        return snake_case(cls.__name__)

    def _init_graph(self, inputs: list[Tensor], outputs: list[Tensor]) -> None:
        given: list[Any] = inputs
        for t in given:
            if not isinstance(t, Tensor):
                raise ValueError(
                    f"Inputs of model {self.name!r} must be tensors made by Input(); got {_told(t)}."
                )
        if len(set(inputs)) != len(inputs):
            raise ValueError(
                f"The inputs of model {self.name!r} must be different tensors; one is listed twice."
            )
        graph = Graph(inputs, outputs)
        names = collections.Counter(layer.name for layer in graph.layers)
        twice = sorted(n for n, times in names.items() if times > 1)
        if twice:
            raise ValueError(
                f"Layer names in a model must be unique; in {self.name!r} these occur twice: {twice}."
            )
        self._body, self.built = GraphBody(self, graph), True
        self._hold(graph.all_layers, graph.free_variables)
        node = Node(self, None, (inputs if len(inputs) > 1 else inputs[0],), {})
        node.outputs = outputs
        self.inbound_nodes = [node]

    @Structure.inputs.setter
    def inputs(self, inputs: Sequence[Tensor]) -> None:
        """Refuse others: Keras would take the list, and go on with the inputs that the model was made of.

        Raises:
            ValueError: other tensors than the model has.
        """
        if [*map(id, as_list(inputs))] != [*map(id, self.inputs)]:
            raise ValueError(
                f"The inputs of model {self.name!r} cannot be replaced: it computes its outputs from "
                f"{[t.name for t in self.inputs]}. Make another model, Model(inputs, model.outputs)."
            )

    @Structure.outputs.setter
    def outputs(self, outputs: Sequence[Tensor]) -> None:
        """Let the model end elsewhere: `model.layers.pop(); model.outputs = [model.layers[-1].output]`.

        Raises:
            ValueError: the model stands in other graphs, which have the outputs that it had.
        """
        if len(self.inbound_nodes) > 1:
            raise ValueError(
                f"Model {self.name!r} has been called in other graphs, so its outputs cannot be replaced: "
                "make another model of its tensors, Model(model.inputs, outputs)."
            )
        self._init_graph(self.inputs, as_list(outputs))

    @property
    def stateful(self) -> bool:
        """Whether a layer carries state from batch to batch."""
        return any(layer.stateful for layer in self.layers)

    def reset_states(self) -> None:
        """Set the states of all stateful layers to zero."""
        for layer in self.layers:
            reset = getattr(layer, "reset_states", None)
            if layer.stateful and reset is not None:
                reset()

    # --- meaning ---------------------------------------------------------------------------------------

    def pure(self) -> Pair:
        """This model as two pure functions; see `Layer.pure`. `Out.state` is the whole state."""
        pair = super().pure()
        apply: Callable[..., Out] = pair.apply

        def whole(params: Params, state: State, x: Tree, ctx: Ctx = INFERENCE, **kwargs: Any) -> Out:
            xs, fed = as_list(x), self._body.fed
            if len(xs) == len(fed):
                x = unpacked([as_declared(v, t) for v, t in zip(xs, fed, strict=True)])
            out = apply(params, state, x, ctx, **kwargs)
            return dataclasses.replace(out, state=out.merged(state))

        return Pair(pair.init, whole)

    def formula(self) -> Pair:
        """The graph as pure functions; trees are keyed by layer names: `params["dense_1"]["kernel"]`."""
        return self._body.formula()

    def over_variables(self) -> OverVariables | None:
        """The computation of the graph, or that of the user's `call`."""
        return self._body.over_variables() if self.is_native else super().over_variables()

    def call(self, inputs: Tree, mask: Masks = None) -> Tree:
        """The outputs for other inputs."""
        return super().call(inputs, mask=mask)

    def run_internal_graph(
        self, inputs: Sequence[Any], masks: Sequence[Any] | None = None
    ) -> tuple[Tree, Masks, Shapes]:
        """The outputs for a list of other tensors or arrays, their masks and their shapes."""
        masks = list(masks or [None] * len(inputs))
        if has_tensor((inputs, masks)):
            outputs = as_list(self(unpacked([marked(x, m) for x, m in zip(inputs, masks, strict=True)])))
            out_masks = [mask_tensor(t) for t in outputs]
        else:
            frame = current_frame()
            read, ctx = (frame.read, frame.ctx) if frame else (_value_of, INFERENCE)
            out = run_layer(self, read, unpacked(list(inputs)), ctx.at("masks", unpacked(masks)))
            outputs, out_masks = as_list(out.y), aligned(out.y, out.mask)
        return unpacked(outputs), unpacked(out_masks), unpacked([t.shape for t in outputs])

    def compute_mask(self, inputs: Tree, mask: Masks = None) -> Masks:
        """The masks of the outputs, for tensors; a model with its own `call` makes none."""
        if self._graph is None:
            return None
        return self.run_internal_graph(as_list(inputs), None if mask is None else as_list(mask))[1]

    @property
    def state_updates(self) -> list[Update]:
        """The updates of stateful layers."""
        return [u for layer in self.layers if layer.stateful for u in layer.updates]

    @property
    def rowwise(self) -> bool:
        """Whether every sample's output depends on that sample only (no functions over tensors)."""
        return self._body.rowwise() and not self._has_effects() and not reported_by(self)

    def _has_effects(self) -> bool:
        return any(layer.extra_losses or layer.extra_updates for _, layer in instances(self))

    def build(self, input_shape: Shapes = None) -> None:
        """Create the weights of a subclassed model by tracing its `call` on inputs of this shape."""
        self._body.build(input_shape)

    def build_from_data(self, xs: list[Any]) -> None:
        """Build a model that has no input shape yet for these arrays (batch axis first)."""
        self._body.build_from_data(xs, type(self).build is not Network.build)

    def program(self) -> Program:
        """This model as pure functions over flat stores; `trainable` is read now."""
        return Program(self)

    # --- weights ---------------------------------------------------------------------------------------

    @property
    def weights(self) -> list[Variable]:
        # A layer that two inner models share may be frozen in the one and not in the other: it counts once.
        return list(dict.fromkeys([*self.trainable_weights, *self.non_trainable_weights]))

    def values(self) -> tuple[Params, State]:
        """The weights as they are now, as `model.pure()` takes them: `(params, state)`, nested by layer name.

        Example:
            >>> import jkeras, numpy as np
            >>> model = jkeras.Sequential([jkeras.Input((3,)), jkeras.layers.Dense(2, name="head")])
            >>> params, state = model.values()
            >>> params["head"]["kernel"].shape, model.pure().apply(params, state, np.ones((1, 3))).y.shape
            ((3, 2), (1, 2))
        """
        return nested(self, {v: v.value for v in variables_of([self])})

    def put(self, params: Params, state: State | None = None) -> None:
        """Take weights as `model.values()` or `init` of `model.pure()` gives them.

        Args:
            params: nested by layer name.
            state: likewise; None: what changes in calls stays as it is.

        Raises:
            ValueError: an entry is missing, unknown, or of another shape; nothing was changed.
        """
        put_values(self, params, state)

    def get_weights(self) -> list[Numpy]:
        """Copies of all weights, layer by layer."""
        return numpy_copies(self._weights_by_layer())

    def _weights_by_layer(self) -> list[Variable]:
        own = [*self._params.values(), *(v for n, v in self._state.items() if not n.startswith("_"))]
        return list(dict.fromkeys([*own, *(v for layer in self.layers for v in layer.weights)]))

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Replace all weights, given layer by layer as `get_weights` returns them.

        Raises:
            ValueError: wrong number or shapes; nothing was changed.
        """
        cells = self._weights_by_layer()
        self._assign_all(cells, weights)

    # --- words -----------------------------------------------------------------------------------------

    def summary(
        self,
        line_length: int | None = None,
        positions: Sequence[float] | None = None,
        print_fn: Callable[[str], object] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        wide: bool = False,
    ) -> None:
        """Print the layers, their output shapes and parameter counts.

        Args:
            line_length: width in characters.
            positions: relative or absolute column ends.
            print_fn: called with each line; default `print`.
            expand_nested: whether the layers of a model inside follow it, set in.
            show_trainable: whether a last column says if a layer is trained: Y or N.
            wide: print shapes, parameters, operations and bytes of each layer in the place of Keras's text.

        Raises:
            ValueError: the model is not built, so there are no shapes.
        """
        if not self.built:
            raise ValueError(
                f"Model {self.name!r} is not built yet, so it has no shapes to summarize. Give the first "
                "layer an input_shape, call model.build(batch_input_shape), or fit it on data first."
            )
        if wide:
            print_costs(self, print_fn)
        else:
            print_summary(self, line_length, positions, print_fn, expand_nested, show_trainable)

    def get_config(self) -> dict[str, Any]:
        """Layers, their connections, inputs and outputs as plain Python values."""
        return configs.graph_config(self, self._graph_or_complain("get_config"))

    @classmethod
    def from_config(cls, config: Any, custom_objects: Mapping[str, Any] | None = None) -> Self:
        """A new model from `get_config()`."""
        return configs.graph_from_config(cls, config, custom_objects)


def _value_of(variable: Variable) -> Array:
    return variable.value


def _told(given: Any) -> str:
    """Something for an error, an array by its shape."""
    is_array = isinstance(given, (AnyNumpy, jax.Array))
    return f"an array of shape {np.shape(given)}" if is_array else repr(given)
