"""Programs that a trainer has compiled: why each of them was, and what it costs."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import functools
import warnings
from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple

import jax

from jkeras.core.types import Array, Function, Shape, Tree

_MANY = 16  # programs of one kind that differ in a shape, after which there is a warning

Shapes = Mapping[str, Shape]  # of the arrays of the data by name


class Trace(NamedTuple):
    """A compiled program.

    Args:
        kind: "train", "test" or "predict".
        shapes: of the data.
        reason: why it was compiled.
        seconds: tracing, compilation and the first run.
        run: the program.
        specs: its arguments without values.
    """

    kind: str
    shapes: Shapes
    reason: str
    seconds: float
    run: Function
    specs: Tree


class Cost(NamedTuple):
    """The costs of a program as XLA counts them: of a loop, over batches or over time, those of one turn.

    Args:
        flops: operations with numbers.
        traffic: bytes that are read and written.
        peak: bytes of memory at most, arguments and results among them.
    """

    flops: float
    traffic: float
    peak: int

    @classmethod
    def of(cls, compiled: Any) -> Cost:
        """The cost of what `jax.jit(...).lower(...).compile()` gives."""
        counted: Any = compiled.cost_analysis() or {}
        counted = counted[0] if isinstance(counted, list) else counted
        sizes = compiled.memory_analysis()
        peak = 0 if sizes is None else sizes.argument_size_in_bytes + sizes.output_size_in_bytes
        peak += 0 if sizes is None else sizes.temp_size_in_bytes - sizes.alias_size_in_bytes
        return cls(float(counted.get("flops", 0)), float(counted.get("bytes accessed", 0)), int(peak))


class CompileReport(list[dict[str, Any]]):
    """A row for each compiled program: kind, reason, seconds, flops, traffic and peak memory in bytes.

    Example:
        >>> print(CompileReport([{"kind": "train", "seconds": 0.5, "reason": "the first one"}]))
        kind   seconds  reason
        train  0.5      the first one
    """

    def __str__(self) -> str:
        if not self:
            return "Nothing has been compiled."
        names = list(self[0])
        lines = [names, *([_cell(row[name]) for name in names] for row in self)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        rows = ("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) for line in lines)
        return "\n".join(row.rstrip() for row in rows)


def _cell(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


class Traces:
    """The programs that a trainer has compiled, the newest last."""

    def __init__(self) -> None:
        self.kept: list[Trace] = []
        self._warned: set[tuple[str, str]] = set()

    def add(
        self, kind: str, shapes: Shapes, key: Hashable, seconds: float, run: Function, specs: Tree
    ) -> None:
        """Note a program; where many differ in the shape of one array, a warning names it."""
        same = [trace for trace in self.kept if trace.kind == kind]
        self.kept.append(Trace(kind, shapes, _reason(same, shapes, key), seconds, run, specs))
        for name, shape in shapes.items():
            seen = {trace.shapes.get(name, ())[1:] for trace in same} | {shape[1:]}
            if len(seen) >= _MANY and (kind, name) not in self._warned:
                self._warned.add((kind, name))
                warnings.warn(
                    f"{len(same) + 1} programs have been compiled for {kind!r}, because {name!r} comes in "
                    f"{len(seen)} shapes, the last {shape[1:]}: pad it to a few lengths. "
                    "model.compile_report() has all of them.",
                    stacklevel=6,
                )

    def report(self) -> CompileReport:
        """The rows; what a program costs is found by compiling it once more."""
        return CompileReport(_row(trace) for trace in self.kept)


def specs_of(tree: Tree) -> Tree:
    """Arguments of a program without their values."""

    def spec(a: Any) -> jax.ShapeDtypeStruct:
        sharding = a.sharding if isinstance(a, Array) and len(a.sharding.device_set) > 1 else None
        return jax.ShapeDtypeStruct(a.shape, a.dtype, sharding=sharding)

    return jax.tree.map(spec, tree)


def _reason(before: list[Trace], shapes: Shapes, key: Hashable) -> str:
    if not before:
        return "the first one"
    then = before[-1].shapes
    changed = [f"{n!r} was {then[n]}, is {s}" for n, s in shapes.items() if n in then and then[n] != s]
    if changed:
        return "; ".join(changed)
    return f"batches are cut in another way: {key}"


def _row(trace: Trace) -> dict[str, Any]:
    run: Any = trace.run
    mapped = isinstance(run, functools.partial)
    program: Any = run.func if mapped else run
    lowered = program.lower(*(run.args if mapped else ()), *trace.specs)
    cost = Cost.of(lowered.compile())
    row = {"kind": trace.kind, "seconds": trace.seconds, **cost._asdict()}
    return row | {"reason": trace.reason}
