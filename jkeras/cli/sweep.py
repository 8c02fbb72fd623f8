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

_HYPER = ("lr", "momentum", "rho", "beta_1", "beta_2", "decay")  # which optimizers keep in their states


def sweep(
    raw: dict[str, Any], where: str, seeds: Sequence[int], changes: Sequence[str], table: Path | None
) -> list[dict[str, Any]]:
    """Train all combinations; returns a row for each, the best first.

    Values of hyperparameters that are in the optimizer's state share a program; other values have one each.

    Args:
        raw: the configuration as it is in its file.
        where: its name, for errors.
        seeds: of weights, orders and dropout.
        changes: texts `path=value,value`.
        table: .csv file to write.

    Raises:
        UserError: a text has no values, or the configuration does not fit.
    """
    if table is not None:
        atomic.check_target(table)
    rows: list[dict[str, Any]] = []
    wanted = dict(_values(change) for change in changes)
    for values in itertools.product(*wanted.values()):
        chosen = dict(zip(wanted, values, strict=True))
        if any(_is_hyper(path) and value != wanted[path][0] for path, value in chosen.items()):
            continue  # it goes with the first one
        rows += _group(raw, where, seeds, chosen, {p: wanted[p] for p in wanted if _is_hyper(p)})
        if table is not None:
            _write(table, rows)
    return sorted(rows, key=lambda row: row.get("val_loss", row["loss"]))


def _values(change: str) -> tuple[str, list[str]]:
    path, sign, given = change.partition("=")
    values = [value.strip() for value in given.split(",")]
    if not sign or not all(values):
        raise UserError(f"--set {change}: expected path=value,value, like --set fit.batch_size=32,64.")
    return path.strip(), values


def _is_hyper(path: str) -> bool:
    """Whether a value is a number in the state of the optimizer: `compile.optimizer.Adam.lr`."""
    parts = path.split(".")
    return len(parts) == 4 and parts[:2] == ["compile", "optimizer"] and parts[3] in _HYPER


def _group(
    raw: dict[str, Any],
    where: str,
    seeds: Sequence[int],
    chosen: Mapping[str, str],
    hyper: Mapping[str, Sequence[str]],
) -> list[dict[str, Any]]:
    """The rows of all members that share a program."""
    changed = copy.deepcopy(raw)
    overrides.apply(changed, [f"{path}={value}" for path, value in chosen.items()])
    settings = config.checked(changed, where)
    model, arrays, callbacks = run.prepare(settings)
    names = {path.rpartition(".")[2]: path for path in hyper}
    stops: Any = callbacks  # others are refused
    numbers = {name: [float(value) for value in hyper[path]] for name, path in names.items()}
    x, y, held = run.training_arrays(settings, model, arrays)
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
        **held,
    )
    return [{names.get(key, key): value for key, value in row.items()} | fixed for row in many.table()]


def _write(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
