"""Effects of a layer beside its output, as tensors: losses and updates.

Training reads `Out.loss` and `Out.state`; these tensors are made when somebody asks for them, to look at
(`K.eval`) or to compute with (`K.function`).
"""

# pyright: reportUnknownMemberType=false, reportPrivateUsage=false
from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from jkeras.core.dispatch import op
from jkeras.core.identity import same_objects
from jkeras.core.types import (
    INFERENCE,
    AnyList,
    AnyTuple,
    ByObject,
    Ctx,
    Function,
    Means,
    Out,
    Seen,
    Tree,
    joined,
)
from jkeras.engine.call import added_metrics
from jkeras.engine.call.discovery import masks_for, scope_of
from jkeras.engine.call.running import run_layer
from jkeras.engine.graph import Graph
from jkeras.engine.layer.nodes import NodeAccess
from jkeras.engine.layer.weights import WeightAccess
from jkeras.engine.tensors.closures import call_closing
from jkeras.engine.tensors.scope import Masked
from jkeras.engine.tensors.shapes import Spec
from jkeras.engine.tensors.symbolic import Node, Tensor, Words, mask_tensor
from jkeras.engine.tensors.variable import Read, Values, Variable, Write, current_frame
from jkeras.engine.tree import carried, flags, instances, states_of, variables_of

if TYPE_CHECKING:
    from jkeras.engine.base_layer import Layer


class Update(NamedTuple):
    """A new value for a variable, to be applied by training, or by `K.function(updates=...)`."""

    variable: Variable
    value: Any


class Increment(Update):
    """An update that adds: where several meet at one variable, all of them count."""

    __slots__ = ()


def together(updates: list[Update], values: list[Any], before: Read) -> Values:
    """The new values of the variables: all new values are computed from the old ones, what adds is added up.

    Args:
        updates: the updates.
        values: the value of each.
        before: gives the old value of a variable.
    """
    new: Values = {}
    for update, value in zip(updates, values, strict=True):
        variable = update.variable
        if variable in new and isinstance(update, Increment):
            value = new[variable] + (value - before(variable))
        new[variable] = value
    return new


class Added(NamedTuple):
    """Tensors given to `add_loss` or `add_update` outside `call`, and the inputs that it follows."""

    value: Any
    inputs: tuple[Any, ...] | None

    @classmethod
    def all(cls, values: list[Any], inputs: Tree) -> list[Added]:
        """One for each of `values`; none where there are no inputs to follow."""
        return [] if inputs is None else [cls(v, tuple(_listed(inputs))) for v in values]

    @classmethod
    def known(cls, values: list[Any], said: list[Added]) -> list[Added]:
        """The values, with the inputs that were said of them."""
        rest = list(said)
        entries: list[Added] = []
        for value in values:
            entry = next((a for a in rest if a.value is value), cls(value, None))
            rest = [a for a in rest if a is not entry]
            entries.append(entry)
        return entries

    def follows(self, inputs: Tree) -> bool:
        """Whether it was said to follow these inputs (None: none at all)."""
        if inputs is None or self.inputs is None:
            return inputs is self.inputs
        return same_objects(self.inputs, _listed(inputs))


def within(graph: Graph, entries: list[Added], own: list[Any]) -> list[Added]:
    """Those of `entries` that are in `own`, or can be computed from the inputs of the graph."""

    def fits(added: Added) -> bool:
        value = added.value.value if isinstance(added.value, Update) else added.value
        asked = any(added.value is v for v in own)
        return asked or not isinstance(value, Tensor) or graph.computes(value)

    return [added for added in entries if fits(added)]


class Whole:
    """A graph with all that is asked of it beside its outputs; what is random is drawn once for all.

    Args:
        graph: the graph of a model.
        terms: tensors, variables and numbers given to `add_loss`.
        updates: given to `add_update`; applied in training.
        measured: (layer, name, tensor) of what was given to `add_metric`.
        watched: tensors that losses and metrics close over.
    """

    def __init__(
        self,
        graph: Graph,
        terms: list[Any],
        updates: list[Update],
        measured: list[tuple[Layer, str, Tensor]],
        watched: list[Tensor],
    ):
        terms = [op(_itself)(t) if isinstance(t, Variable) else t for t in terms]
        self.terms = [t for t in terms if isinstance(t, Tensor)]
        self.fixed = sum(t for t in terms if not isinstance(t, Tensor))
        self.updates, self.measured, self.watched = updates, measured, watched
        self.count = len(graph.outputs)
        extra = [*self.terms, *(u.value for u in updates), *(t for _, _, t in measured), *watched]
        self.graph = Graph(graph.inputs, graph.outputs, extra) if extra else graph
        # Keras feeds the phase if the outputs differ by it; what is hidden is in the phase of the outputs.
        self.phased = not self.graph.hidden or any(t._uses_learning_phase for t in graph.outputs)

    def run(
        self, values: Values, xs: list[Any], masks: list[Any], ctx: Ctx, write: Write
    ) -> tuple[list[Any], list[Any], Any, Seen, Means]:
        """(outputs, their masks, loss, values of the watched tensors, metrics); see `Graph.run`."""
        phase, before = ctx.training and self.phased, dict(values)
        ys, masks, loss, metrics = self.graph.run(values, xs, masks, ctx.replace(training=phase), write)
        rest = iter(ys[self.count :])
        loss = sum((jnp.mean(next(rest)) for _ in self.terms), loss + self.fixed)
        new = together(self.updates, [next(rest) for _ in self.updates], before.__getitem__)
        for variable, value in new.items():
            if ctx.training:
                write(variable, value)
        for layer, name, _ in self.measured:
            metrics = joined(metrics, {(layer, name): [added_metrics.mean(next(rest))]})
        seen = ByObject({t: next(rest) for t in self.watched})
        return ys[: self.count], masks[: self.count], loss, seen, metrics


class EffectAccess(NodeAccess, WeightAccess):
    """Mixin of `Layer`: Keras's views of losses and updates."""

    extra_losses: list[Any]
    extra_updates: list[Update]
    follows: list[Added]
    activity_regularizer: Any

    def _calls(self) -> list[Node]:
        """The calls whose losses and updates count."""
        return [n for n in self.inbound_nodes if n.args]

    def _calls_on(self, inputs: Tree) -> list[Node]:
        wanted = _listed(inputs)
        return [n for n in self._calls() if same_objects((*n.inputs, *n.variables), wanted)]

    def _accounted(self) -> Sequence[EffectAccess]:
        """The layers whose `add_loss` and `add_update` are this one's too."""
        return [inner for _, inner in instances(self)]

    def _added(self, kind: str) -> list[Added]:
        """Tensors given to `add_loss` or `add_update` outside `call`."""
        return [a for layer in self._accounted() for a in Added.known(getattr(layer, kind), layer.follows)]

    @property
    def losses(self) -> list[Any]:
        """Weight regularizers, `add_loss` terms, then one tensor for each call that adds to the loss."""
        added = [a.value for a in self._added("extra_losses")]
        return [*_penalties(self), *added, *(t for n in self._calls() for t in _losses_of(n))]

    @property
    def updates(self) -> list[Update]:
        """New values of states: `(variable, tensor)` pairs; none for a frozen layer."""
        if not (self.trainable or self.stateful):
            return []
        added = [a.value for a in self._added("extra_updates")]
        return [*added, *(u for n in self._calls() for u in self._updates_of(n))]

    def get_losses_for(self, inputs: Tree) -> list[Any]:
        """The losses of the calls on these input tensors; for None those that depend on no input."""
        added = [a.value for a in self._added("extra_losses") if a.follows(inputs)]
        if inputs is None:
            return [*_penalties(self), *added]
        return [*added, *(t for n in self._calls_on(inputs) for t in _losses_of(n))]

    def get_updates_for(self, inputs: Tree) -> list[Update]:
        """The updates of the calls on these input tensors; for None those that depend on no input."""
        if not (self.trainable or self.stateful):
            return []
        added = [a.value for a in self._added("extra_updates") if a.follows(inputs)]
        if inputs is None:
            return added
        return [*added, *(u for n in self._calls_on(inputs) for u in self._updates_of(n))]

    def _updates_of(self, node: Node) -> list[Update]:
        moving = flags(self, _moves)
        cells = {v for _, i in instances(self) if i in moving for v in i._state.values()}
        return [u for u in _updates_of(node) if u.variable in cells]


def _moves(layer: WeightAccess) -> bool:
    return layer.trainable or layer.stateful


def _listed(inputs: Tree) -> list[Any]:
    return list(inputs) if isinstance(inputs, (AnyList, AnyTuple)) else [inputs]


def _itself(x: Any) -> Any:
    return x


def _penalties(layer: WeightAccess) -> Iterator[Any]:
    for _, inner in instances(layer):
        for variable in inner._params.values():
            if variable.regularizer is not None:
                yield call_closing(variable.regularizer, (variable,), {})


class _Call:
    """A recorded call, to be run again for what it does beside its output."""

    def __init__(self, node: Node):
        self.node, self.layer = node, node.owner
        self.cells = variables_of([node.owner])
        around = (list(node.captured.values()), [_mask(t) for t in node.captured.values()])
        self.arguments = (node.args[0], node.kwargs, masks_for(node.args[0], _mask), self.cells, around)

    def run(
        self,
        training: bool,
        write: Write,
        inputs: Tree,
        kwargs: Words,
        masks: Tree,
        arrays: list[Any],
        around: tuple[list[Any], list[Any]],
    ) -> Out:
        values = dict(zip(self.cells, arrays, strict=True))
        ctx = self._context()
        ctx = ctx.replace(mask=masks, training=training or ctx.training)
        if ctx.rng is None:
            ctx = ctx.replace(rng=np.zeros(2, np.uint32))
        captured: dict[Tensor, Masked] = {
            t: (x, m) for t, x, m in zip(self.node.captured, *around, strict=True)
        }
        with scope_of(self.node, inputs, masks, captured):
            return run_layer(self.layer, values.__getitem__, inputs, ctx, write, kwargs)

    def _context(self) -> Ctx:
        """That of the call itself where it runs in the graph around: the same phase and random numbers."""
        frame = current_frame()
        if frame is None:
            return INFERENCE
        ctx = frame.ctx if frame.around is None else frame.around.at(self.node, frame.ctx)
        return ctx if self.node.phase is None else ctx.replace(training=self.node.phase)


def _mask(x: Any) -> Tensor | None:
    return mask_tensor(x) if isinstance(x, Tensor) else None


def _losses_of(node: Node) -> list[Tensor]:
    """The terms that the call adds to the loss, computed with its outputs (so that it draws once)."""
    if node.loss is None and (node.adds_loss or _penalizes(node.owner)):
        node.loss = node.beside(Spec((), "float32"), f"{node.owner.name}/loss")
    return [] if node.loss is None else [node.loss]


def _penalizes(layer: EffectAccess) -> bool:
    return any(inner.activity_regularizer is not None for _, inner in instances(layer))


def _updates_of(node: Node) -> list[Update]:
    """Statistics move in training only, so that is the phase they are computed in; what a stateful layer
    carries on is what it gives in the phase of the run."""
    if "updates" not in node.effects:
        call = _Call(node)
        moved: list[Variable] = []
        held = carried(node.owner)
        statistics = any(v not in held for v in states_of(node.owner))

        @_running_again(node)
        def updates(*arguments: Any) -> list[Any]:
            changed: Values = {}
            for training in (False,) * bool(held) + (True,) * statistics:
                call.run(training, partial(_note, changed, held, training), *arguments)
            moved[:] = [v for v in call.cells if v in changed]
            return [changed[v] for v in moved]

        tensors = op(updates)(*call.arguments)
        node.effects["updates"] = [
            (Update if v in held else Increment)(v, t) for v, t in zip(moved, tensors, strict=True)
        ]
    return node.effects["updates"]


def _note(changed: Values, held: set[Variable], training: bool, variable: Variable, value: Any) -> None:
    if (variable in held) != training:
        changed[variable] = value


def _running_again(node: Node) -> Callable[[Function], Function]:
    """Decorator: says which call a function runs again, so that the graph knows its random numbers."""

    def mark(function: Function) -> Function:
        vars(function)["nodes"] = [node]
        return function

    return mark
