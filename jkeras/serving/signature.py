"""Signatures: names, shapes and dtypes of a model's inputs and outputs, and arrays held against them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jkeras.export.signature import DEFAULT
from jkeras.serving.errors import shown, wrong

Arrays = dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True)
class TensorInfo:
    """An input or output.

    Attributes:
        shape: with the batch first; None for sizes that may be any.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str

    def __str__(self) -> str:
        sizes = ", ".join("any" if size is None else str(size) for size in self.shape[1:])
        return f"{self.name!r} ({self.dtype}, rows of ({sizes}))"

    def check_axis(self, axis: int, size: int) -> None:
        """Refuses a size that does not fit."""
        wanted = self.shape[axis] if axis else None
        if wanted not in (None, size):
            raise wrong(f"Input {self}: axis {axis} should have {wanted} elements; got {size}.")


@dataclass(frozen=True)
class Signature:
    """Inputs that a request gives and outputs that it gets.

    Args:
        name: by which requests ask for it.
        inputs, outputs: in the order of the model.
    """

    name: str
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]

    def check_name(self, asked: object) -> None:
        """Refuses another signature; an empty name is the default one."""
        if asked not in (None, "", DEFAULT, self.name):
            raise wrong(f"There is no signature {shown(asked)}; this model has {self.name!r}.")

    def input(self, name: object) -> TensorInfo:
        """The input of a name."""
        for info in self.inputs:
            if info.name == name:
                return info
        raise wrong(f"There is no input {shown(name)}; this model takes {self.wanted()}.")

    def wanted(self) -> str:
        """The inputs, in words."""
        return ", ".join(map(str, self.inputs))

    def ordered(self, given: Arrays, max_rows: int) -> list[np.ndarray[Any, Any]]:
        """The arrays of a request in the order of the inputs.

        Args:
            given: an array of the right dtype for each input.
            max_rows: the most that are allowed.

        Raises:
            Refused: a name is missing or unknown, a shape does not fit, there are no rows, too many, or not
                as many in each input, or a number is not finite.
        """
        if missing := [info for info in self.inputs if info.name not in given]:
            raise wrong(f"The request lacks input {', '.join(map(str, missing))}.")
        for name in given:
            self.input(name)
        arrays = [given[info.name] for info in self.inputs]
        for info, array in zip(self.inputs, arrays, strict=True):
            if array.ndim != len(info.shape):
                raise wrong(f"Input {info} should have {len(info.shape)} axes; got {array.ndim}.")
            for axis, size in enumerate(array.shape):
                info.check_axis(axis, size)
            if array.dtype.kind not in "biu" and not np.isfinite(array).all():
                raise wrong(f"Input {info} holds NaN, infinity, or a number too large for it.")
        rows = sorted({len(array) for array in arrays})
        if len(rows) > 1:
            raise wrong(f"All inputs should have as many rows; got {rows[0]} and {rows[-1]}.")
        check_rows(rows[0], max_rows)
        return arrays


def check_rows(rows: int, most: int) -> None:
    """Refuses a request without rows, or with too many."""
    if not rows:
        raise wrong("The request has no rows.")
    if rows > most:
        raise wrong(f"The request has {rows} rows; this server takes at most {most} in one.")


def from_bytes(info: TensorInfo, content: bytes, shape: Sequence[int | None]) -> np.ndarray[Any, Any]:
    """An array from the bytes of its elements, lowest first.

    Args:
        info: of the input.
        content: the bytes.
        shape: of the array; one size may be None and follows from the number of bytes.

    Raises:
        Refused: it is not as many bytes as the shape says.

    Example:
        >>> from_bytes(TensorInfo("x", (None, 2), "float32"), bytes(16), (None, 2)).shape
        (2, 2)
    """
    dtype = np.dtype(info.dtype).newbyteorder("<")
    known = math.prod(size for size in shape if size is not None) * dtype.itemsize
    free = sum(size is None for size in shape)
    if free > 1:
        raise wrong(f"Input {info}: say the `shape` of its bytes.")
    fits = known and len(content) % known == 0 if free else len(content) == known
    if not fits:
        raise wrong(f"Input {info}: {len(content)} bytes are not as many as its shape says.")
    sizes = [len(content) // known if size is None else size for size in shape]
    return np.frombuffer(content, dtype).reshape(sizes).astype(info.dtype, copy=False)


def named(infos: Sequence[TensorInfo], names: Sequence[str] | None, what: str) -> tuple[TensorInfo, ...]:
    """Inputs or outputs of an export under the names that a user asks for.

    Raises:
        ValueError: these are not as many, or not all different.

    Example:
        >>> named([TensorInfo("input_1", (None, 2), "float32")], ["voice"], "inputs")[0].name
        'voice'
    """
    if names is None:
        return tuple(infos)
    if len(set(names)) != len(names) or len(names) != len(infos):
        own = [info.name for info in infos]
        raise ValueError(f"`{what}` should be a different name for each of {own}; got {list(names)}.")
    return tuple(TensorInfo(n, i.shape, i.dtype) for n, i in zip(names, infos, strict=True))


def infos_of(described: Mapping[str, tuple[tuple[int | None, ...], str]]) -> list[TensorInfo]:
    """Inputs or outputs as an export describes them."""
    return [TensorInfo(name, tuple(shape), dtype) for name, (shape, dtype) in described.items()]
