"""Compiled programs of a model, one for each size of batch and shape of row."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from jkeras.serving.errors import wrong
from jkeras.serving.signature import Signature

Rows = list[np.ndarray[Any, Any]]
Tails = tuple[tuple[int, ...], ...]  # the shape of a row, for each input

_KEPT = 32  # shapes of rows whose programs are kept, where the model takes any


class Programs:
    """A model's function on rows, compiled for batches of a few sizes; batches between are filled up.

    Args:
        run: a pure function of values and a batch for each input, to a list of outputs.
        values: its first argument: weights.
        signature: of the model.
        sizes: of batches, ascending.
    """

    def __init__(
        self, run: Callable[..., Sequence[Any]], values: Any, signature: Signature, sizes: Sequence[int]
    ):
        self.signature = signature
        fixed = {info.shape[0] for info in signature.inputs} - {None}
        self.sizes = tuple(size for size in fixed if size) or tuple(sizes)
        self._run, self._values = jax.jit(run), jax.device_put(values)
        self._compiled: OrderedDict[Tails, dict[int, Any]] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def most(self) -> int:
        """The most rows of a batch."""
        return self.sizes[-1]

    def shapes_in_use(self) -> list[Tails]:
        """The shapes of rows that programs are there for."""
        with self._lock:
            return list(self._compiled)

    def prepare(self, shapes: Sequence[Tails]) -> None:
        """Compile for all sizes of batches, and run once: for the model's own shape of rows, and others.

        Raises:
            ValueError: the outputs are not as many rows as the inputs.
        """
        own = tuple(tuple(n for n in info.shape[1:] if n is not None) for info in self.signature.inputs)
        for tails in dict.fromkeys(tails for tails in (own, *shapes) if self._fits(tails)):
            for size in self.sizes:
                program = self._program(tails, size)
                program(self._values, *self._zeros(tails, size))

    def _fits(self, tails: Tails) -> bool:
        own = [info.shape[1:] for info in self.signature.inputs]
        return len(tails) == len(own) and all(
            len(tail) == len(wanted) and all(w in (None, t) for t, w in zip(tail, wanted, strict=True))
            for tail, wanted in zip(tails, own, strict=True)
        )

    def _zeros(self, tails: Tails, size: int) -> Rows:
        infos = self.signature.inputs
        return [np.zeros((size, *tail), info.dtype) for tail, info in zip(tails, infos, strict=True)]

    def _program(self, tails: Tails, size: int) -> Any:
        with self._lock:
            sizes = self._compiled.get(tails, {})
        if size not in sizes:
            specs = [jax.ShapeDtypeStruct(x.shape, x.dtype) for x in self._zeros(tails, size)]
            lowered = self._run.lower(self._values, *specs)
            made = jax.tree.leaves(lowered.out_info)
            if any(y.shape[:1] != (size,) for y in made):
                raise ValueError(
                    f"A model can be served whose outputs have a row for each row of the inputs; {size} rows "
                    f"give {[y.shape for y in made]}."
                )
            sizes = {**sizes, size: lowered.compile()}
        with self._lock:
            self._compiled[tails] = {**self._compiled.get(tails, {}), **sizes}
            self._compiled.move_to_end(tails)
            while len(self._compiled) > _KEPT:
                self._compiled.popitem(last=False)
        return sizes[size]

    def __call__(self, parts: Sequence[Rows]) -> list[Rows]:
        """The outputs of several requests, computed as one batch.

        Args:
            parts: for each request an array for each input, all with rows of one shape, together at most
                `most` rows.

        Returns:
            For each request an array for each output.

        Raises:
            Refused: the model cannot compute rows of this shape.
        """
        counts = [len(part[0]) for part in parts]
        rows = sum(counts)
        size = next(size for size in self.sizes if size >= rows)
        tails = tuple(array.shape[1:] for array in parts[0])
        try:
            program = self._program(tails, size)
        except (ValueError, TypeError) as error:
            raise wrong(f"The model cannot compute rows of shape {', '.join(map(str, tails))}.") from error
        batch = parts[0] if rows == size and len(parts) == 1 else self._filled(parts, tails, size)
        made = [np.asarray(y) for y in program(self._values, *batch)]
        stops = np.cumsum(counts)
        return [[y[stop - n : stop] for y in made] for n, stop in zip(counts, stops, strict=True)]

    def _filled(self, parts: Sequence[Rows], tails: Tails, size: int) -> Rows:
        batch = self._zeros(tails, size)
        for whole, *arrays in zip(batch, *parts, strict=True):
            rows = sum(map(len, arrays))
            np.concatenate(arrays, out=whole[:rows])
        return batch
