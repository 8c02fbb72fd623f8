"""Cells that go into a program as arrays and come back: what its steps change, and what they only read."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import jax

from jkeras.core import processes
from jkeras.core.dispatch import is_symbol
from jkeras.core.types import Array, Store, Tree
from jkeras.engine.program import Program
from jkeras.engine.tensors.variable import Variable, put_all, take_all
from jkeras.training.devices import Layout
from jkeras.training.run.step import Carry, Fixed, Lent

_INDEX = re.compile(r"\b\d{4}/")  # which a path in a store has before each name


class Cells:
    """A tree of `Variable` cells that goes into a program and comes back.

    Args:
        tree: the cells.
        shardings: the place of each, where they are not whole on every device.
    """

    def __init__(self, tree: Tree, shardings: list[Any] | None = None):
        self.cells: list[Variable]
        self.shardings = shardings
        self.treedef: Any
        self.cells, self.treedef = jax.tree.flatten(tree, is_leaf=is_symbol)
        self._seen: list[Any] = [None] * len(self.cells)  # what the cells held last time
        self._placed: list[Any] = [None] * len(self.cells)  # the same on the devices of the layout

    def specs(self) -> Any:
        """The tree with the shapes and dtypes of what its cells hold."""
        return self.treedef.unflatten(
            [jax.ShapeDtypeStruct(cell.shape, cell.take().dtype) for cell in self.cells]
        )

    def put_back(self, arrays: list[Array]) -> None:
        """Put back what a program was given that has failed."""
        put_all(self.cells, arrays)

    def take(self, place: Callable[[Tree, Any], Tree], donate: bool) -> list[Array]:
        """The arrays; those that were not there last time are put on the devices first."""
        arrays = take_all(self.cells, donate)
        if self._placed and all(array is None for array in self._placed):  # each may have drawn its own
            arrays = processes.of_first(arrays)
        strange = [i for i, array in enumerate(arrays) if array is not self._seen[i]]
        if strange:
            where = self.shardings and [self.shardings[i] for i in strange]
            for i, array in zip(strange, place([arrays[i] for i in strange], where), strict=True):
                self._placed[i] = array
        self._seen = arrays
        return self._placed

    def left(self) -> dict[Variable, Any]:
        """The arrays as the last program left them."""
        return dict(zip(self.cells, self._seen, strict=True))

    def put(self, arrays: list[Array]) -> None:
        """Accept what a program made of them."""
        put_all(self.cells, arrays)
        self._seen, self._placed = arrays, list(arrays)


def of_program(
    program: Program, layout: Layout, training: bool, slots: Tree, lent: Lent
) -> tuple[Cells, Cells]:
    """The cells that the steps of a program change (`Carry`), and those that they only read (`Fixed`).

    Args:
        program: of the model.
        layout: where arrays lie.
        training: whether the steps train.
        slots: the state of the optimizer; () without training.
        lent: variables of the optimizer that the program reads from there.
    """
    live = program.live if training else frozenset[str]()
    params = [{p: c for p, c in program.params.items() if (p in live) == want} for want in (True, False)]

    def moves(path: str, name: str) -> bool:
        return path in program.moving if training else name.startswith("_")

    def part(want: bool) -> Store:
        """The states that move, or those that do not; of no path without any."""
        cells = {
            path: {n: v for n, v in c.items() if moves(path, n) == want and (path, n) not in lent}
            for path, c in program.state.items()
        }
        return {path: c for path, c in cells.items() if c}

    carry, fixed = Carry(params[0], part(True), slots), Fixed(params[1], part(False))
    return Cells(carry, _places(program, layout, carry)), Cells(fixed, _places(program, layout, fixed))


def _places(program: Program, layout: Layout, tree: Tree) -> list[Any] | None:
    """The places of cells where the user has a rule: those of its slots are those of a weight."""
    if layout.shard is None:
        return None
    known = dict[str, Any]()
    for path, cells in (*program.params.items(), *program.state.items()):
        for name, cell in cells.items():
            label = "/".join([*_INDEX.sub("", path).split("/"), name]).lstrip("./")
            known[f"{path}/{name}"] = (cell.shape, layout.sharding(label, cell.shape))

    def place(path: Any, cell: Variable) -> Any:
        entries = [str(getattr(k, "key", getattr(k, "name", k))) for k in path]
        shape, sharding = known.get("/".join(entries[-2:]), (None, None))
        return sharding if shape == cell.shape else layout.replicated

    return jax.tree.leaves(jax.tree_util.tree_map_with_path(place, tree, is_leaf=is_symbol))
