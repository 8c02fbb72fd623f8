"""From inputs and outputs to ordered nodes, and from these to a pure function."""

from __future__ import annotations

from typing import NamedTuple

import jax

from jkeras.core.types import Ctx
from jkeras.engine.call import aligned, apply_layer, masks_for
from jkeras.engine.symbolic import MaskOf, Node, Tensor, substitute
from jkeras.engine.tree import carried, gather, scatter
from jkeras.engine.variable import Frame, Variable


class Around(NamedTuple):
    """What the function of a node may want to know of the run of the graph that it belongs to.

    Args:
        ctx: of the graph.
        sites: `{id(node): place of its random numbers}`.
        taps: `{id(tensor): array}` added to tensors on their way, to differentiate with respect to them.
        keys: `{id(node): key}` of nodes that do not draw from the key of the run.
    """

    ctx: Ctx
    sites: dict
    taps: dict
    keys: dict = {}

    def at(self, node: Node, otherwise: Ctx) -> Ctx:
        """The context of a node of the run; `otherwise` for a node that has no part in it."""
        return self.ctx.at(self.sites[id(node)]) if id(node) in self.sites else otherwise


class Graph:
    """The nodes between `inputs` and `outputs`, in the order of their creation.

    Args:
        inputs, outputs: lists of tensors.

    Attributes:
        fed: the inputs that wait for data (not `Input(tensor=...)`).
        nodes: what has to run.
        sites: `{id(node): its place}` among the nodes, those inside of gradients included: a node that runs
            there and here draws the same random numbers.
        nodes_by_depth: `{distance from the outputs: nodes}`.
        layers: the layers in Keras's order (by depth, then by first visit from the outputs).
        layer_nodes: the nodes of layers, input layers included.

    Raises:
        ValueError: an output depends on an input that is not listed.
    """

    def __init__(self, inputs: list[Tensor], outputs: list[Tensor]):
        self.inputs, self.outputs = inputs, outputs
        self.fed = [t for t in inputs if getattr(t.node.owner, "input_tensor", None) is None]
        finished, first_visits = _visit(self.fed, outputs)
        self.nodes = sorted((n for n in finished if n.args), key=lambda n: n.order)
        self.known_nodes = _with_inner(self.nodes)
        self.sites = {id(n): i for i, n in enumerate(self.known_nodes)}
        self.layers, self.nodes_by_depth = _by_depth(finished, first_visits)
        self.layer_nodes = {id(n) for n in finished if n.owner is not None}

    @property
    def free_variables(self) -> list[Variable]:
        """Variables that functions of the graph use."""
        return list(dict.fromkeys(v for n in self.nodes for v in n.variables))

    @property
    def has_functions(self) -> bool:
        return any(n.owner is None for n in self.nodes)

    def run(self, values: dict, xs: list, masks: list, ctx: Ctx, write, around: Around | None = None):
        """Compute the outputs.

        Args:
            values: `{id(variable): array}` before the run: what functions and the states of stateful layers
                read. Statistics of a shared layer go on from one call to the next.
            xs, masks: one array and one mask (or None) for each input that is fed.
            ctx: of the model.
            write: called as `write(variable, array)` for each new state.
            around: the run that this one is a part of, if it is; it has its own `ctx`.

        Returns:
            (outputs, masks of the outputs, sum of the layers' losses).
        """
        around = around or Around(ctx, self.sites, {})
        ctx, sites, taps, keys = around
        found = {
            id(t): (x + taps[id(t)] if id(t) in taps else x, m)
            for t, x, m in zip(self.fed, xs, masks, strict=True)
        }
        loss, moved = 0.0, dict(values)
        values = dict(values)  # `write` may change those of the caller

        def note(variable, value):
            moved[id(variable)] = value
            write(variable, value)

        for node in self.nodes:
            if all(id(t) in found for t in node.outputs):
                continue  # an intermediate tensor that is an input of this model
            here = ctx.at(sites[id(node)])
            here = here if node.phase is None else here.replace(training=node.phase)
            if id(node) in keys:
                here = here.replace(rng=keys[id(node)], site=0)
            if node.owner is None:
                y, mask = _run_function(node, found, values, here, around)
            else:
                out = _run_layer(node, found, values, moved, here, note)
                y, mask, loss = out.y, out.mask, loss + out.loss
            for tensor, value, m in zip(node.outputs, jax.tree.leaves(y), aligned(y, mask), strict=True):
                found.setdefault(id(tensor), (value + taps[id(tensor)] if id(tensor) in taps else value, m))
        return [found[id(t)][0] for t in self.outputs], [found[id(t)][1] for t in self.outputs], loss


def _run_layer(node: Node, found: dict, values: dict, moved: dict, ctx: Ctx, write):
    def value_of(symbol):
        return found[id(symbol)][0] if isinstance(symbol, Tensor) else values.get(id(symbol), symbol._value)

    inputs = node.args[0]
    masks = masks_for(inputs, lambda t: found[id(t)][1] if isinstance(t, Tensor) else None)
    held = carried(node.owner)
    params, state = gather(node.owner, lambda v: (values if id(v) in held else moved)[id(v)])
    x, kwargs = substitute((inputs, node.kwargs), value_of)
    out = apply_layer(node.owner, params, state, x, ctx.replace(mask=masks), kwargs)
    scatter(node.owner, out.state, write)
    return out


def _run_function(node: Node, found: dict, values: dict, ctx: Ctx, around: Around):
    if isinstance(node.fn, MaskOf):
        return found[id(node.args[0])][1], None
    with Frame(values, ctx, around=around) as frame:
        args, kwargs = substitute(
            (node.args, node.kwargs), lambda s: found[id(s)][0] if isinstance(s, Tensor) else frame.read(s)
        )
        return node.fn(*args, **kwargs), None


def _with_inner(nodes: list[Node]) -> list[Node]:
    """The nodes and those that their functions run again, in the order of their creation."""
    inner = [inner for n in nodes for inner in getattr(n.fn, "nodes", ())]
    return sorted({*nodes, *inner}, key=lambda n: n.order)


def _visit(inputs: list[Tensor], outputs: list[Tensor]) -> tuple[list[Node], dict]:
    """Nodes in the order in which a search from the outputs finishes them; layers by first visit."""
    given = {id(t) for t in inputs}
    state: dict[int, bool] = {}  # id(node) → finished?
    finished: list[Node] = []
    first_visits: dict = {}
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
                state[id(node)] = True
                finished.append(node)
            elif id(node) not in state:
                state[id(node)] = False
                if node.owner is not None:
                    first_visits.setdefault(node.owner, len(first_visits))
                if id(tensor) not in given:
                    _refuse_unknown_input(node, tensor, inputs)
                stack.append((tensor, True))
                if id(tensor) not in given:
                    stack += [(t, False) for t in reversed(node.inputs)]
    finished += [t.node for t in inputs if id(t.node) not in state]
    return finished, first_visits | {
        t.node.owner: len(first_visits) + i
        for i, t in enumerate(inputs)
        if t.node.owner is not None and t.node.owner not in first_visits
    }


def _refuse_unknown_input(node: Node, tensor: Tensor, inputs: list[Tensor]) -> None:
    if not node.args and not node.variables:
        raise ValueError(
            f"Graph disconnected: an output depends on {tensor!r}, which is not among the inputs "
            f"{[t.name for t in inputs]}. Add it to the inputs of the model."
        )


def _by_depth(finished: list[Node], first_visits: dict) -> tuple[list, dict]:
    """Layers in Keras's order (longest way to an output, then first visit), nodes by that distance."""
    node_depth: dict[int, int] = {}
    layer_depth: dict = {}
    for node in reversed(finished):
        depth = node_depth.get(id(node), 0)
        if node.owner is not None:
            depth = max(depth, layer_depth.get(node.owner, 0))
            layer_depth[node.owner] = depth
        node_depth[id(node)] = depth
        for tensor in node.inputs:
            node_depth[id(tensor.node)] = max(depth + 1, node_depth.get(id(tensor.node), 0))
    layers = sorted(layer_depth, key=lambda layer: (-layer_depth[layer], first_visits[layer]))
    nodes_by_depth: dict[int, list[Node]] = {}
    known = {id(n): n for n in finished}
    for key, depth in node_depth.items():
        if key in known:
            nodes_by_depth.setdefault(depth, []).append(known[key])
    return layers, nodes_by_depth
