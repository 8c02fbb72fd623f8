"""`sweep`: one configuration from several seeds and with several values, as few programs as can be."""

from __future__ import annotations

import copy
import csv
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jkeras.cli import config, overrides, run
from jkeras.cli.errors import UserError, say
from jkeras.core import atomic
from jkeras.models import fit_many

_OF_OPTIMIZER = (
    *("lr", "learning_rate", "momentum", "rho", "beta_1", "beta_2", "decay", "epsilon"),
    *("weight_decay", "clipnorm", "global_clipnorm", "clipvalue"),
)
_OF_LAYER = ("rate", "stddev", "dropout", "recurrent_dropout")


def sweep(
    raw: dict[str, Any],
    where: str,
    seeds: Sequence[int],
    changes: Sequence[str],
    table: Path | None,
    folds: int | None = None,
) -> list[dict[str, Any]]:
    """Train all combinations; returns a row for each, the best first.

    Values of hyperparameters that are data, rates and the like, share a program; other values have one each.

    Args:
        raw: the configuration as it is in its file.
        where: its name, for errors.
        seeds: of weights, orders and dropout.
        changes: texts `path=value,value`.
        table: .csv file to write.
        folds: parts of the rows for a cross-validation, in the place of the configuration's validation.

    Raises:
        UserError: a text has no values, or the configuration does not fit.
    """
    if table is not None:
        atomic.check_target(table)
    rows: list[dict[str, Any]] = []
    wanted = dict(_values(change) for change in changes)
    shared = {path: values for path, values in wanted.items() if _is_hyper(path, values)}
    for values in itertools.product(*wanted.values()):
        chosen = dict(zip(wanted, values, strict=True))
        if any(path in shared and value != wanted[path][0] for path, value in chosen.items()):
            continue  # it goes with the first one
        rows += _group(raw, where, seeds, chosen, shared, folds)
        if table is not None:
            _write(table, rows)
    return sorted(rows, key=lambda row: row.get("val_loss", row["loss"]))


def _values(change: str) -> tuple[str, list[str]]:
    path, sign, given = change.partition("=")
    values = [value.strip() for value in given.split(",")]
    if not sign or not all(values):
        raise UserError(f"--set {change}: expected path=value,value, like --set fit.batch_size=32,64.")
    return path.strip(), values


def _is_hyper(path: str, values: Sequence[str]) -> bool:
    """Whether values are numbers that can be data: `compile.optimizer.Adam.lr`, `model.2.Dropout.rate`."""
    parts = path.split(".")
    if len(parts) != 4 or not all(map(_is_number, values)):
        return False
    if parts[0] == "model":
        return parts[1].isdecimal() and parts[3] in _OF_LAYER
    return parts[:2] == ["compile", "optimizer"] and parts[3] in _OF_OPTIMIZER


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _name(path: str, model: Any) -> str:
    """The hyperparameter of `fit_many` that a path of the configuration is."""
    section, at, kind, name = path.split(".")
    if section != "model":
        return name
    of_kind = [i for i, layer in enumerate(model.layers) if type(layer).__name__ == kind]
    if int(at) not in of_kind:
        raise UserError(f"--set {path}: layer {at} of the model is no {kind}; there are {of_kind}.")
    return f"{model.layers[int(at)].name}/{name}"


def _group(
    raw: dict[str, Any],
    where: str,
    seeds: Sequence[int],
    chosen: Mapping[str, str],
    hyper: Mapping[str, Sequence[str]],
    folds: int | None,
) -> list[dict[str, Any]]:
    """The rows of all members that share a program."""
    changed = copy.deepcopy(raw)
    values = {path: float(value) if path in hyper else value for path, value in chosen.items()}
    overrides.apply(changed, [f"{path}={value}" for path, value in values.items()])
    settings = config.checked(changed, where)
    model, arrays, callbacks = run.prepare(settings)
    names = {_name(path, model): path for path in hyper}
    stops: Any = callbacks  # others are refused
    numbers = {name: [float(value) for value in hyper[path]] for name, path in names.items()}
    x, y, held = run.training_arrays(settings, model, arrays)
    held = held if folds is None else {}
    fixed = {path: value for path, value in chosen.items() if path not in hyper}

    def tell(epoch: int, logs: Sequence[Mapping[str, float]]) -> None:
        quantity = "val_loss" if "val_loss" in logs[0] else "loss"
        best = min(range(len(logs)), key=lambda i: logs[i][quantity])
        say(f"epoch {epoch + 1}: {len(logs)} members, best {quantity} {logs[best][quantity]:.4f} ({best})")

    many = fit_many(
        model,
        x,
        y,
        batch_size=settings["fit"]["batch_size"],
        epochs=settings["fit"]["epochs"],
        shuffle=settings["fit"]["shuffle"],
        seeds=seeds,
        hyper=numbers,
        callbacks=stops,
        on_epoch_end=tell,
        folds=folds,
        **held,
    )
    return [{names.get(key, key): value for key, value in row.items()} | fixed for row in many.table()]


def _write(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
