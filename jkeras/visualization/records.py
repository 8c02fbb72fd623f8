"""The numbers of a training, from whatever holds them."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import csv
import os
from typing import Any, NamedTuple

import numpy as np

from jkeras.core.logs import MetricLogs

RATE = "lr"  # what callbacks call the learning rate


class Record(NamedTuple):
    """The logs of a run, epoch by epoch.

    Args:
        epochs: numbers of the epochs, the first is 1.
        values: name → a value for each epoch.
    """

    epochs: np.ndarray
    values: dict[str, np.ndarray]

    def panels(self) -> dict[str, dict[str, np.ndarray]]:
        """Quantity → {"train": values, "validation": values}; the loss first, the learning rate last.

        Example:
            >>> Record(np.arange(1, 3), {"val_loss": [1, 2], "loss": [2, 1]}).panels()
            {'loss': {'train': [2, 1], 'validation': [1, 2]}}
        """
        curves: dict[str, dict[str, np.ndarray]] = {}
        for name, values in sorted(self.values.items(), key=lambda item: item[0].startswith("val_")):
            validates = name.startswith("val_")
            curves.setdefault(name.removeprefix("val_"), {})["validation" if validates else "train"] = values
        return MetricLogs(sorted(curves.items(), key=lambda item: (item[0] != "loss", item[0] == RATE)))


def record(history: Any) -> Record:
    """The numbers of a training.

    Args:
        history: what `fit` returns, a model that was trained, a dict or a data frame of columns, or the path
            of a file that `CSVLogger` wrote.

    Raises:
        ValueError: there is nothing in it, or what is no number.
        OSError: the file cannot be read.

    Example:
        >>> record({"loss": [0.5, 0.25]}).epochs
        array([1, 2])
    """
    if isinstance(history, (str, os.PathLike)):
        return _checked(_file(history), f"The file {os.fspath(history)!r}")
    what = f"This {type(history).__name__}"
    epochs = None
    for _ in range(2):  # a model has a History, which has a dict
        if not hasattr(history, "keys") and hasattr(history, "history"):
            epochs, history = getattr(history, "epoch", None), history.history
    if not hasattr(history, "keys"):
        raise ValueError(
            f"{what} is no record of a training: give what fit returns, a dict of lists, or the path of a "
            "file that CSVLogger wrote."
        )
    columns = {str(name): list(history[name]) for name in history.keys()}
    return _checked({"epoch": list(epochs)} | columns if epochs else columns, what)


def _file(path: Any) -> dict[str, list[Any]]:
    with open(path, newline="", encoding="utf-8-sig") as file:
        first = file.readline()
        named = first.startswith("epoch") and len(first.strip()) > len("epoch")
        file.seek(0)
        try:
            rows = list(csv.reader(file, delimiter=first[len("epoch")] if named else ","))
        except csv.Error as error:
            raise ValueError(f"The file {os.fspath(path)!r} is no record of a training: {error}.") from error
    names = rows[0] if rows else []
    rows = [row for row in rows[1:] if len(row) == len(names) and row != names]  # one that is being written
    return {name: [_number(row[i]) for row in rows] for i, name in enumerate(names)}


def _number(word: str) -> float | str:
    """The number, or the word itself, for a complaint that names its column."""
    try:
        return float("nan") if word in ("", "NA") else float(word)
    except ValueError:
        return word


def _checked(columns: dict[str, list[Any]], what: str) -> Record:
    epochs: list[Any] | None = columns.pop("epoch", None)
    longest = max(map(len, columns.values()), default=0)
    if not longest:
        raise ValueError(f"{what} holds no epoch to draw: train the model first.")
    values: dict[str, np.ndarray] = MetricLogs()
    for name, column in columns.items():
        try:
            values[name] = np.asarray(column, float).reshape(len(column))
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{what} holds something in {name!r} that is no number for each epoch."
            ) from error
    numbers = np.arange(1, longest + 1)
    if epochs is not None and len(epochs) == longest and _rising(epochs):
        numbers = np.asarray(epochs, int) + 1
    return Record(numbers, values)


def _rising(epochs: list[Any]) -> bool:
    """Whether these can be numbers of epochs, one after the other."""
    numbers = all(isinstance(epoch, (int, float)) and 0 <= epoch < 1 << 53 for epoch in epochs)
    return numbers and bool((np.diff(epochs) > 0).all())
