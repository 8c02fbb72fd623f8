"""From inputs and outputs to ordered nodes, and from these to a pure function."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from jkeras.core.types import Array, Ctx, Key, Means, Out, joined
from jkeras.engine.call.discovery import arrays_in, masks_for, scope_of
from jkeras.engine.call.running import aligned, run_layer
from jkeras.engine.tensors.frame import Frame, StrayTensorError
from jkeras.engine.tensors.scope import Masked, value_around
from jkeras.engine.tensors.symbolic import MaskOf, Node, Tensor, substitute
from jkeras.engine.tensors.variable import Values, Variable, Write, current_frame
from jkeras.engine.tree import carried, states_of

if TYPE_CHECKING:
    from jkeras.engine.base_layer import Layer

Computed: TypeAlias = dict[Tensor, Masked]  # what a run has computed so far
Visits: TypeAlias = "dict[Layer, int]"  # the number of the first visit of each layer


class Around(NamedTuple):
    """The run of a graph, as the function of a node in it may want to know it.

    Args:
        ctx: of the graph.
        sites: `{node: place of its random numbers}`.
        taps: `{tensor: array}` added to tensors on their way, to differentiate with respect to them.
        keys: `{node: key}` of nodes that do not draw from the key of the run.
    """

    ctx: Ctx
    sites: dict[Node, int]
    taps: dict[Tensor, Array]
    keys: dict[Node, Key] = {}

    def at(self, node: Node, otherwise: Ctx) -> Ctx:
        """The context of a node of the run; `otherwise` for a node that has no part in it."""
        return self.ctx.at(self.sites[node]) if node in self.sites else otherwise


class Graph:
    """The nodes between `inputs` and `outputs`, in the order of their creation.

    Args:
        inputs, outputs: lists of tensors.
        beside: tensors to compute with the outputs. What they need, and what the code of layers closes over,
            is computed but is no part of the model: as in Keras its weights are not trained, its states stay,
            and its losses do not count.

    Attributes:
        fed: the inputs that wait for data (not `Input(tensor=...)`, unless a placeholder stands behind it).
        nodes: what has to run.
        hidden: the nodes that are no part of the model.
        sites: `{node: its place}` among the nodes, those inside of gradients included: a node that runs
            there and here draws the same random numbers.
        nodes_by_depth: `{distance from the outputs: nodes}`.
        layers: the layers in Keras's order (by depth, then by first visit from the outputs).
        layer_nodes: the nodes of layers, input layers included.

    Raises:
        ValueError: an output depends on an input that is not listed.
    """

    def __init__(self, inputs: list[Tensor], outputs: list[Tensor], beside: Sequence[Tensor] = ()):
        self.inputs, self.outputs, self.beside = list(inputs), list(outputs), beside
        self.fed = [t for t in inputs if _waits(getattr(t.node.owner, "input_tensor", None))]
        finished, first_visits = _visit(self.fed, outputs)
        hidden = _hidden(self.fed, finished, beside)
        self.nodes = sorted((n for n in [*finished, *hidden] if n.args), key=lambda n: n.order)
        self.hidden = set(hidden)
        self.known_nodes = _with_inner(self.nodes)
        self.sites = {n: i for i, n in enumerate(self.known_nodes)}
        self.layers, self.nodes_by_depth = _by_depth(finished, first_visits)
        self.layer_nodes = {n for n in finished if n.owner is not None}

    @property
    def all_layers(self) -> list[Layer]:
        """The layers of the model, and those of hidden nodes."""
        hidden = [n.owner for n in self.nodes if n.owner is not None and n in self.hidden]
        return list(dict.fromkeys([*self.layers, *hidden]))

    def computes(self, tensor: Tensor) -> bool:
        """Whether the tensor depends on no other inputs than those of the graph."""
        seen = set(self.inputs)
        waiting = [tensor]
        while waiting:
            at = waiting.pop()
            if at not in seen:
                seen.add(at)
                if is_input(at.node):
                    return False
                waiting += at.node.inputs
        return True

    @property
    def free_variables(self) -> list[Variable]:
        """Variables that functions of the graph use."""
        return list(dict.fromkeys(v for n in self.nodes for v in n.variables))

    @property
    def has_functions(self) -> bool:
        return any(n.owner is None for n in self.nodes)

    def run(
        self,
        values: Values,
        xs: list[Any],
        masks: list[Any],
        ctx: Ctx,
        write: Write,
        around: Around | None = None,
    ) -> tuple[list[Any], list[Any], Array | float, Means]:
        """Compute the outputs.

        Args:
            values: `{variable: array}` before the run: what functions and the states of stateful layers
                read. Statistics of a shared layer go on from one call to the next.
            xs, masks: one array and one mask (or None) for each input that is fed.
            ctx: of the model.
            write: called as `write(variable, array)` for each new state.
            around: the run that this one is a part of, if it is; it has its own `ctx`.

        Returns:
            (outputs and what is computed beside them, their masks, sum of the layers' losses, their metrics).

        Raises:
            StrayTensorError: the code of a layer closes over a tensor that has no value here.
        """
        around = around or Around(ctx, self.sites, {})
        ctx, sites, taps, keys = around
        computed: Computed = {
            t: (x + taps[t] if t in taps else x, m) for t, x, m in zip(self.fed, xs, masks, strict=True)
        }
        loss, moved = 0.0, dict(values)
        metrics: list[Means] = []
        values = dict(values)  # `write` may change those of the caller

        def note(variable: Variable, value: Any) -> None:
            moved[variable] = value
            write(variable, value)

        for node in self.nodes:
            if all(t in computed for t in node.outputs):
                continue  # an intermediate tensor that is an input of this model
            here = ctx.at(sites[node])
            here = here if node.phase is None else here.replace(training=node.phase)
            if node in keys:
                here = here.replace(rng=keys[node], site=0)
            if node.owner is None:
                out = _run_function(node, computed, values, here, around)
            elif node in self.hidden:
                out = self._run_layer(node, computed, values, moved, here, nowhere)
            else:
                moving = self._statistics(node, computed, values, moved, here, ctx.training)
                out = self._run_layer(node, computed, values, moved, here, note)
                loss = loss + out.loss
                for variable, value in moving.items():
                    note(variable, value)
            metrics.append(out.metrics)
            outputs = zip(node.outputs, jax.tree.leaves(out.y), aligned(out.y, out.mask), strict=True)
            for tensor, value, m in outputs:
                computed.setdefault(tensor, (value + taps[tensor] if tensor in taps else value, m))
        wanted = [self._computed(t, computed) for t in (*self.outputs, *self.beside)]
        return [value for value, _ in wanted], [mask for _, mask in wanted], loss, joined(*metrics)

    def _statistics(
        self, node: Node, computed: Computed, values: Values, moved: Values, ctx: Ctx, training: bool
    ) -> Values:
        """Statistics of a call for which `K.set_learning_phase(0)` fixes the output: as in Keras they move in
        training all the same."""
        held = carried(node.owner)
        moving: Values = {}
        if training and node.phase is False and any(v not in held for v in states_of(node.owner)):
            ctx = ctx.replace(training=True)
            self._run_layer(node, dict(computed), values, moved, ctx, moving.__setitem__)
        return {v: a for v, a in moving.items() if v not in held}

    def _computed(self, tensor: Tensor, computed: Computed) -> Masked:
        if tensor not in computed:
            raise ValueError(
                f"{tensor!r} was not computed: the code of {tensor.node!r} makes it in the other phase only."
            )
        return computed[tensor]

    def _run_layer(
        self, node: Node, computed: Computed, values: Values, moved: Values, ctx: Ctx, write: Write
    ) -> Out:
        def value_of(symbol: Tensor | Variable) -> Any:
            if isinstance(symbol, Tensor):
                return computed[symbol][0]
            return values[symbol] if symbol in values else symbol._value

        inputs = node.args[0]

        def mask_of(x: Any) -> Any:
            return computed[x][1] if isinstance(x, Tensor) else None

        masks = masks_for(inputs, mask_of)
        held = carried(node.owner)

        def read(variable: Variable) -> Any:
            store = values if variable in held else moved
            return store[variable] if variable in store else variable._value

        x, kwargs = substitute((inputs, node.kwargs), value_of)
        around = {t: self._captured(real, node, computed) for t, real in node.captured.items()}
        with scope_of(node, x, masks, around) as scope:
            out = run_layer(node.owner, read, x, ctx.replace(mask=masks), write, kwargs)
        for key, tensors in node.kept.items():
            arrays = arrays_in(scope.kept[key]) if key in scope.kept else []
            computed.update((t, (a, None)) for t, a in zip(tensors, arrays, strict=False))
        if node.loss is not None:
            computed[node.loss] = jnp.asarray(out.loss, node.loss.dtype), None
        return out

    def _captured(self, tensor: Tensor, node: Node, computed: Computed) -> Masked:
        """(value, mask) of a tensor that the code of a node closes over: from here, or from further out."""
        if tensor in computed:
            return computed[tensor]
        around, frame = value_around(tensor), current_frame()
        if around is not None:
            return around
        if frame is not None and frame.knows(tensor):
            return frame.tensor(tensor), None
        raise StrayTensorError(
            tensor,
            f"Graph disconnected: the code of layer {node.owner.name!r} uses {tensor!r}, which cannot be "
            f"computed from the inputs {[t.name for t in self.inputs]} of this model. Add what it depends on "
            "to the inputs; or build the model in code on the tensors that its layers use (a layer that was "
            "loaded from a file or cloned still names the tensors of the old model), then load_weights.",
        )


def nowhere(variable: Variable, value: Any) -> None:
    """The states of what is no part of the model stay as they are."""


def _run_function(node: Node, computed: Computed, values: Values, ctx: Ctx, around: Around) -> Out:
    if isinstance(node.fn, MaskOf):
        return Out(computed[node.args[0]][1])
    with Frame(values, ctx, around=around) as frame:

        def value_of(symbol: Tensor | Variable) -> Any:
            return computed[symbol][0] if isinstance(symbol, Tensor) else frame.read(symbol)

        args, kwargs = substitute((node.args, node.kwargs), value_of)
        return Out(node.fn(*args, **kwargs), metrics=frame.metrics)


def _with_inner(nodes: list[Node]) -> list[Node]:
    """The nodes and those that their functions run again, in the order of their creation."""
    inner = [inner for n in nodes for inner in getattr(n.fn, "nodes", ())]
    return sorted({*nodes, *inner}, key=lambda n: n.order)


def _hidden(inputs: list[Tensor], finished: list[Node], beside: Sequence[Tensor]) -> list[Node]:
    """The nodes that are needed beside those of the model, where the inputs suffice for them."""
    given, known = set(inputs), set(finished)
    hidden: list[Node] = []
    waiting: list[tuple[Tensor, list[Tensor] | None]] = [(t, inputs) for t in beside]
    waiting += [(t, None) for n in finished for t in n.captured.values()]
    while waiting:
        tensor, needed = waiting.pop()
        for node in _upstream(tensor, given, needed):
            if node not in known:
                known.add(node)
                hidden.append(node)
                waiting += [(t, None) for t in node.captured.values()]
    return hidden


def _upstream(tensor: Tensor, given: set[Tensor], inputs: list[Tensor] | None) -> list[Node]:
    """The nodes that a tensor needs; none for an input that is not given, or (with `inputs`) an error."""
    nodes: list[Node] = []
    seen: set[Node] = set()
    stack = [tensor]
    while stack:
        tensor = stack.pop()
        node = tensor.node
        if tensor in given or node in seen:
            continue
        if inputs is not None:
            _refuse_unknown_input(node, tensor, inputs)
        elif node is None or is_input(node):
            return []
        seen.add(node)
        nodes.append(node)
        stack += node.inputs
    return nodes


def is_input(node: Node) -> bool:
    """Whether the node's tensor has to be fed."""
    return not node.args and not node.variables


def _waits(source: Tensor | Variable | None) -> bool:
    """Whether data have to come from outside for what an input is made of; None: for the input itself."""
    waiting = [source]
    seen: set[Any] = set()
    while waiting:
        at = waiting.pop()
        if at is None or (isinstance(at, Tensor) and is_input(at.node)):
            return True
        seen.add(at)
        waiting += [t for t in at.node.inputs if t not in seen] if isinstance(at, Tensor) else []
    return False


def _visit(inputs: list[Tensor], outputs: Sequence[object]) -> tuple[list[Node], Visits]:
    """Nodes in the order in which a search from the outputs finishes them; layers by first visit."""
    given = set(inputs)
    state: dict[Node, bool] = {}  # whether it is finished
    finished: list[Node] = []
    first_visits: Visits = {}
    for output in outputs:
        if not isinstance(output, Tensor):
            raise ValueError(
                f"Outputs of a model must be symbolic tensors (made from an Input); got {output!r}."
            )
        stack = [(output, False)]
        while stack:
            tensor, done = stack.pop()
            node = tensor.node
            if done:
                state[node] = True
                finished.append(node)
            elif node not in state:
                state[node] = False
                if node.owner is not None:
                    first_visits.setdefault(node.owner, len(first_visits))
                if tensor not in given:
                    _refuse_unknown_input(node, tensor, inputs)
                stack.append((tensor, True))
                if tensor not in given:
                    stack += [(t, False) for t in reversed(node.inputs)]
    finished += [t.node for t in inputs if t.node not in state]
    return finished, first_visits | {
        t.node.owner: i - len(inputs)  # what no output needs stands before the outputs
        for i, t in enumerate(inputs)
        if t.node.owner is not None and t.node.owner not in first_visits
    }


def _refuse_unknown_input(node: Node, tensor: Tensor, inputs: list[Tensor]) -> None:
    if is_input(node):
        raise ValueError(
            f"Graph disconnected: an output depends on {tensor!r}, which is not among the inputs "
            f"{[t.name for t in inputs]}. Add it to the inputs of the model."
        )


def _by_depth(finished: list[Node], first_visits: Visits) -> tuple[list[Layer], dict[int, list[Node]]]:
    """Layers in Keras's order (longest way to an output, then first visit), nodes by that distance."""
    node_depth: dict[Node, int] = {}
    layer_depth: dict[Layer, int] = {}
    for node in reversed(finished):
        depth = node_depth.get(node, 0)
        if node.owner is not None:
            depth = max(depth, layer_depth.get(node.owner, 0))
            layer_depth[node.owner] = depth
        node_depth[node] = depth
        for tensor in node.inputs:
            node_depth[tensor.node] = max(depth + 1, node_depth.get(tensor.node, 0))
    layers = sorted(layer_depth, key=lambda layer: (-layer_depth[layer], first_visits[layer]))
    nodes_by_depth: dict[int, list[Node]] = {}
    known = set(finished)
    for node, depth in node_depth.items():
        if node in known:
            nodes_by_depth.setdefault(depth, []).append(node)
    return layers, nodes_by_depth
