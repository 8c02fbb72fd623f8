"""A model as one function of arrays, and the sizes that it is written for."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

import jax
import numpy as np
from jax import export

from jkeras.core.lists import unpacked
from jkeras.export.signature import Signature

Made = TypeVar("Made")
LEAST = (1, 4, 32, 75, 139)  # what unknown sizes are supposed to be at least, where jax must know


def inference(model: Any) -> tuple[Any, Callable[..., list[Any]]]:
    """`(values, run)`: `run(values, *inputs)` gives the outputs as a list."""
    params, state = model.values()
    apply = model.pure().apply

    def run(values: Any, *xs: Any) -> list[Any]:
        return jax.tree.leaves(apply(*values, unpacked(list(xs))).y)

    return (params, state), run


class Sizes(NamedTuple):
    """Sizes that may be any, as jax writes them.

    Args:
        shapes: of the inputs, as "batch, n0_1, 3".
        constraints: on these names, as "n0_1 >= 8".
    """

    shapes: tuple[str, ...]
    constraints: tuple[str, ...]

    def specs(self, signature: Signature) -> list[jax.ShapeDtypeStruct]:
        scope = export.SymbolicScope(self.constraints)
        return [
            jax.ShapeDtypeStruct(export.symbolic_shape(shape, scope=scope), np.dtype(end.dtype))
            for shape, end in zip(self.shapes, signature.inputs, strict=True)
        ]


def _ways(signature: Signature) -> Iterator[Sizes]:
    """The freest sizes first: all different; at least 4, 32, ...; the same along an axis of all inputs."""
    unknown = [n for n, end in enumerate(signature.inputs) if None in end.shape[1:]]
    shared = (False, True) if len(unknown) > 1 else (False,)
    for same, least in itertools.product(shared, LEAST if unknown else LEAST[:1]):
        shapes: list[str] = []
        names: set[str] = set()
        for number, end in enumerate(signature.inputs):
            own = [f"n_{axis}" if same else f"n{number}_{axis}" for axis in range(len(end.shape))]
            own[0] = "batch"
            names |= {n for n, d in zip(own[1:], end.shape[1:], strict=True) if d is None}
            shapes.append(", ".join(n if d is None else str(d) for n, d in zip(own, end.shape, strict=True)))
        yield Sizes(tuple(shapes), tuple(f"{n} >= {least}" for n in sorted(names) if least > 1))


def for_any_sizes(signature: Signature, make: Callable[[Sizes], Made]) -> tuple[Made, Sizes]:
    """The thing that `make` makes for the freest sizes for which it can.

    Raises:
        Exception: that of the first try.
    """
    first: Exception | None = None
    for sizes in _ways(signature):
        try:
            return make(sizes), sizes
        except Exception as error:  # jax has many: comparisons of sizes, products, reshapes
            first = first or error
    assert first is not None
    raise first
