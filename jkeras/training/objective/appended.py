"""Additions of a script to the results of `compile`: `model.metrics_tensors.append(kl)`, an entry of
`model.metrics_updates`. Each step computes these tensors with its own losses and metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import jax.numpy as jnp

from jkeras.core.dispatch import is_symbol
from jkeras.core.types import Array, Batch, Ctx
from jkeras.engine.call.added_metrics import mean
from jkeras.engine.graph import Graph, is_input, nowhere
from jkeras.engine.layer.effects import Update, together
from jkeras.engine.tensors.frame import Frame
from jkeras.engine.tensors.symbolic import Tensor
from jkeras.engine.tensors.variable import Variable
from jkeras.engine.tree import variables_of

Value: TypeAlias = Tensor | Variable
Given: TypeAlias = dict[Tensor, Callable[[Sequence[Array], Batch], Array]]  # from outputs and the batch


class Appended:
    """Tensors of a model, of its targets and of its sample weights, computed in a step.

    What follows from the inputs alone is computed with the outputs, so that what is random is drawn once.

    Args:
        columns: the values in their order: the number of one of the objective's own, or one that is
            appended.
        updates: what each step of training and of testing does beside.
        given: tensors that a step knows, and what gives their values.
        model: the graph of the model.

    Attributes:
        watched: tensors to be computed with the outputs.
        variables: the variables that are read or moved.

    Raises:
        ValueError: a tensor depends on something else.
    """

    def __init__(
        self,
        columns: Sequence[int | Value],
        updates: Sequence[Update],
        given: Given,
        model: Graph,
    ):
        self.columns, self.updates, self.given = list(columns), list(updates), given
        wanted = [*(c for c in columns if not isinstance(c, int)), *(u.value for u in updates)]
        tensors = list(dict.fromkeys(t for t in wanted if isinstance(t, Tensor)))
        self.watched = _edge(tensors, given, model)
        self.graph = Graph([*given, *self.watched], tensors)
        self.variables = list(
            dict.fromkeys(
                [
                    *(v for v in wanted if isinstance(v, Variable)),
                    *(u.variable for u in updates),
                    *self.graph.free_variables,
                    *variables_of(self.graph.layers),
                ]
            )
        )

    def values(
        self, own: Sequence[Array], ys: Sequence[Array], batch: Batch, frame: Frame, ctx: Ctx
    ) -> list[Array]:
        """This device's share of all values of a step; the updates are noted in the frame.

        Args:
            own: those of the objective.
            ys: outputs of the model.
            batch: of the step.
            frame: in which the tensors that are watched have values.
            ctx: says over which devices the batch is spread.
        """
        known = [value(ys, batch) for value in self.given.values()]
        known += [frame.tensor(t) for t in self.watched]
        values = {v: frame.read(v) for v in self.variables}
        masks = [None] * len(known)
        results, *_ = self.graph.run(values, known, masks, ctx.at("appended"), nowhere)
        found: dict[Any, Any] = values | dict(zip(self.graph.outputs, results, strict=True))
        news = [found[u.value] if is_symbol(u.value) else u.value for u in self.updates]
        for variable, value in together(self.updates, news, frame.before).items():
            frame.write(variable, value)
        return [own[c] if isinstance(c, int) else mean(found[c]) / ctx.total(1) for c in self.columns]


def of_target(slot: int, output: int, fed: int | None, target: Any, weight: Tensor, temporal: bool) -> Given:
    """The tensors that stand for a target and its sample weights, with their values.

    Args:
        slot: number of the target.
        output: number of its output.
        fed: its number among those that are fed; None: it is not.
        target, weight: the tensors.
        temporal: whether there is a weight for each time step.
    """

    def y(ys: Sequence[Array], batch: Batch) -> Array:
        return batch.y[fed]

    def weights(ys: Sequence[Array], batch: Batch) -> Array:
        known = batch.weight[slot]
        return jnp.ones(ys[output].shape[: 1 + temporal]) if known is None else known

    return {weight: weights} if fed is None else {target: y, weight: weights}


def _edge(wanted: list[Tensor], given: Iterable[Tensor], model: Graph) -> list[Tensor]:
    """The tensors nearest to the wanted ones that follow from the model's inputs."""
    seen, edge, waiting = set(given), list[Tensor](), list(wanted)
    while waiting:
        tensor = waiting.pop()
        if tensor in seen:
            continue
        seen.add(tensor)
        if model.computes(tensor):
            edge += [t for t in tensor.node.outputs if t not in edge]
        elif is_input(tensor.node):
            raise ValueError(
                f"An entry of `metrics_tensors` or `metrics_updates` depends on {tensor!r}, which is no "
                "input, target or sample weight of the model: make it from `model.inputs`, `model.targets` "
                "and what follows from them."
            )
        else:
            waiting += tensor.node.inputs
    return edge
