"""Tables and curves as text."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jkeras.core.types import AnyDict, AnyList, AnyNumpy, AnyScalar, AnyTuple

_MARKS = {"train": "•", "validation": "o"}


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows below the names of their columns; numbers stand to the right.

    Example:
        >>> print(table([{"run": "a", "loss": 0.25}, {"run": "long", "loss": 12}]))
        run     loss
        a     0.2500
        long      12
    """
    columns = list(dict.fromkeys(name for row in rows for name in row))
    cells = [columns, *([_cell(row.get(name, "")) for name in columns] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    numeric = [any(isinstance(row.get(name), (int, float)) for row in rows) for name in columns]
    lines: list[str] = []
    for row in cells:
        parts = [
            c.rjust(w) if right else c.ljust(w) for c, w, right in zip(row, widths, numeric, strict=True)
        ]
        lines.append("  ".join(parts).rstrip())
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4f}" if 1e-3 <= abs(value) < 1e5 or not value else f"{value:.3g}"
    return str(value)


def as_json(value: Any, indent: int | None = None) -> str:
    """The JSON text of a command's result; null in the place of NaN and infinity, which JSON does not have.

    Example:
        >>> as_json({"loss": [float("nan"), np.float32(0.5)]})
        '{"loss": [null, 0.5]}'
    """
    return json.dumps(_plain(value), indent=indent, allow_nan=False)


def _plain(value: Any) -> Any:
    value = value.tolist() if isinstance(value, (AnyScalar, AnyNumpy)) else value
    if isinstance(value, AnyDict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (AnyList, AnyTuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, (str, int, type(None))) else str(value)


def differences(compared: Mapping[str, Any]) -> str:
    """The result of `compare.difference` as a text for people."""
    parts: list[str] = []
    for key, title in (("arrays", "Arrays that differ"), ("settings", "Settings that differ")):
        if compared[key]:
            parts.append(f"{title}:\n{table(compared[key])}")
    for key, title in (("only_in_a", "Only in the first"), ("only_in_b", "Only in the second")):
        if compared[key]:
            parts.append(f"{title}: {', '.join(compared[key])}")
    equal = f"{compared['same']} arrays are equal bit for bit."
    return "\n\n".join([*parts, equal])


def chart(
    name: str, curves: Mapping[str, np.ndarray], epochs: np.ndarray, width: int = 72, height: int = 12
) -> str:
    """Curves over the epochs, drawn with characters.

    Args:
        name: of the quantity.
        curves: "train" and "validation" → a value for each epoch; what is not finite is left out, one value
            for all epochs is a line in the middle.
        epochs: their numbers.
        width, height: of the drawing, in characters, without the figures at its side.

    Example:
        >>> print(chart("loss", {"train": np.array([4.0, 2.0, 1.0])}, np.arange(1, 4), width=9, height=3))
        loss   • train
          4.0000 ┤•
          2.5000 ┤    •
          1.0000 ┤        •
                  1       3
        >>> print(chart("acc", {"train": np.ones(2)}, np.arange(1, 3), width=9, height=3))
        acc   • train
                 ┤
          1.0000 ┤•       •
                 ┤
                  1       2
    """
    finite = np.concatenate([values[np.isfinite(values)] for values in curves.values()] or [np.zeros(0)])
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    grid = [[" "] * width for _ in range(height)]
    span, length, middle = high - low, max(int(epochs[-1] - epochs[0]), 1), height // 2
    for which, values in curves.items():
        for epoch, value in zip(epochs, values, strict=True):
            if np.isfinite(value):
                row = round((high - float(value)) / span * (height - 1)) if span else middle
                grid[row][round(int(epoch - epochs[0]) / length * (width - 1))] = _MARKS[which]
    marked = {0, middle, height - 1} if span else {middle} if finite.size else set[int]()
    figures = [_cell(high - span * i / (height - 1)) if i in marked else "" for i in range(height)]
    side = max(map(len, figures)) + 2
    title = f"{name}   " + "   ".join(f"{_MARKS[which]} {which}" for which in curves)
    lines = [
        f"{figure.rjust(side)} ┤{''.join(row)}".rstrip() for figure, row in zip(figures, grid, strict=True)
    ]
    first, last = str(int(epochs[0])), str(int(epochs[-1])) if len(epochs) > 1 else ""
    below = " " * (side + 2) + first + last.rjust(width - len(first))
    return "\n".join([title, *lines, below])
