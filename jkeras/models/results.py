"""Results: what `compile` has made, as lists that a script may read, change and append to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from jkeras.core.dispatch import is_symbol
from jkeras.core.identity import same_objects
from jkeras.engine.graph import Graph
from jkeras.engine.layer.effects import Update
from jkeras.training import Objective
from jkeras.training.objective.appended import Appended, Given, of_target
from jkeras.training.objective.symbolic import Symbols


class Results:
    """The lists of a compiled model: `metrics_names`, `metrics_tensors` and their like.

    Args:
        objective: of the model as it was compiled.
        make_symbols: makes the objective as tensors, when somebody asks for them.

    Attributes:
        names, running, keepers, updates: see `KerasInternals`.

    Keras 2.2.4: keras/engine/training.py Model.compile
    """

    def __init__(self, objective: Objective, make_symbols: Callable[[], Symbols]):
        self.objective, self._make_symbols = objective, make_symbols
        self._own = objective
        self.names, self.running = list(objective.names), list(objective.running)
        self.keepers, self.updates = objective.keepers, list[Any]()
        self._symbols: Symbols | None = None
        self._tensors: list[Any] | None = None
        self._taken: list[Any] = []  # what the objective reports and does now

    @property
    def symbols(self) -> Symbols:
        if self._symbols is None:
            self._symbols = self._make_symbols()
        return self._symbols

    @property
    def tensors(self) -> list[Any]:
        if self._tensors is None:
            self._tensors = list(self.symbols.values)
            self._taken = list(self._tensors)
        return self._tensors

    @tensors.setter
    def tensors(self, tensors: Sequence[Any]) -> None:
        assert self.tensors is not None  # made before they are replaced, so that the change is seen
        self._tensors = tensors if isinstance(tensors, list) else list(tensors)

    @property
    def changed(self) -> bool:
        """Whether steps should report or do something that they do not yet."""
        return not same_objects(self._taken, [*(self._tensors or []), *self.updates])

    def appended(self, graph: Graph) -> Appended:
        """The content of the lists now, for the steps.

        Args:
            graph: of the model.

        Raises:
            TypeError: an entry is no tensor or no update.
        """
        for entry in self.tensors:
            if not is_symbol(entry):
                raise TypeError(
                    f"model.metrics_tensors holds tensors and variables (K.constant makes one of a number); "
                    f"got {entry!r}."
                )
        updates = [u if isinstance(u, Update) else Update(*u) for u in self.updates]
        return Appended(self._columns(), updates, self._given(), graph)

    def take(self, objective: Objective) -> None:
        """Note that steps now report and do what the lists hold."""
        self.objective, self._taken = objective, [*self.tensors, *self.updates]

    def name(self) -> None:
        """Let the objective use the names of the lists; an entry without a name has that of its tensor."""
        count = len(self._own.names) if self._tensors is None else len(self._columns()) + 1
        names = self.names[:count]
        names += [t.name for t in self.tensors[len(names) - count :]] if len(names) < count else []
        objective = self.objective
        objective.names[:], objective.running[:] = names, [n for n in self.running if n in names]
        objective.foreign_keepers = [
            k for k in self.keepers if all(k is not own for own in objective.keepers)
        ]

    def _columns(self) -> list[int | Any]:
        """Of each value its number in the objective as it was compiled, or its tensor."""
        own, reported = self.symbols.values, len(self._own.added)
        columns: list[int | Any] = [
            next((i for i, t in enumerate(own) if t is entry), entry) for entry in self.tensors
        ]
        beside = range(len(own), len(own) + reported)  # of `add_metric`: they have no tensors
        return [*columns[: len(own)], *beside, *columns[len(own) :]]

    def _given(self) -> Given:
        symbols, fed = self.symbols, self._own.fed
        given: Given = {}
        for slot, (term, target) in enumerate(zip(self._own.terms, self._own.targets, strict=True)):
            y, weight = symbols.targets[term.output], symbols.weights[term.output]
            number = fed.index(target) if target in fed else None
            assert weight is not None
            given |= of_target(slot, term.output, number, y, weight, target.mode == "temporal")
        return given
