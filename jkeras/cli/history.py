"""The records of runs: a history for each, a list of many."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path
from typing import Any

from jkeras.callbacks import History
from jkeras.cli import text
from jkeras.cli.errors import UserError, close_to
from jkeras.core import atomic, processes
from jkeras.core.types import AnyDict
from jkeras.saving import checkpoint
from jkeras.saving.limits import regular
from jkeras.visualization import plot_history
from jkeras.visualization.records import Record, record

HISTORY, RESULT = "history.csv", "result.json"


class HistoryFile(History):
    """A History that is a CSV file too, a row for each epoch.

    After a resume the file goes on from the epochs of the checkpoint: no row is missing or there twice.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path):
        super().__init__()
        self._path = path
        self._titles: list[str] = []

    def on_train_begin(self, logs: Any = None):
        """Write the rows of epochs before a resume."""
        super().on_train_begin(logs)
        self._write()

    def on_epoch_end(self, epoch: int, logs: Any = None):
        """Append a row."""
        super().on_epoch_end(epoch, logs)
        if self._titles != list(self.history):  # a quantity that was not there before
            self._write()
        elif processes.is_first():
            with open(self._path, "a", newline="", encoding="utf-8") as file:
                csv.writer(file).writerow([epoch, *(values[-1] for values in self.history.values())])

    def _write(self) -> None:
        self._titles = list(self.history)
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(["epoch", *self._titles])
        for i, epoch in enumerate(self.epoch):
            late = [
                [""] * (len(self.epoch) - len(self.history[name])) + self.history[name]
                for name in self._titles
            ]
            writer.writerow([epoch, *(column[i] for column in late)])
        if processes.is_first():
            atomic.write_text(self._path, text.getvalue())


def write_result(run_dir: Path, result: dict[str, Any]) -> None:
    """Keep what a finished run said last, as `result.json`."""
    atomic.write_text(run_dir / RESULT, text.as_json(result, indent=2) + "\n")


def of_run(run_dir: Path) -> Record:
    """The history of a run.

    Raises:
        UserError: the directory is of no run, or the run has not finished an epoch.
    """
    checkpoint.read_run(run_dir)  # says what is wrong with a directory of something else
    try:
        return record(regular(run_dir / HISTORY))
    except (OSError, ValueError) as error:
        raise UserError(f"{run_dir} has no history yet: no epoch of it is finished.") from error


def plot(run_dir: Path, output: Path | None, metrics: list[str]) -> None:
    """Draw the history of a run into a picture, or, without `output`, into the terminal."""
    history = of_run(run_dir)
    panels = history.panels()
    for name in metrics:
        if name not in panels:
            raise UserError(f"{run_dir} has recorded no {name!r}. {close_to(name, panels)}")
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        plot_history(str(run_dir / HISTORY), metrics or None, to_file=str(output), title=run_dir.name)
        return
    width = min(max(shutil.get_terminal_size().columns - 12, 20), 100)
    for name in metrics or panels:
        print(text.chart(name, panels[name], history.epochs, width) + "\n")


def runs(folder: Path, sort: str | None) -> list[dict[str, Any]]:
    """A row for each run below `folder`: epochs, whether it is finished, and its last numbers.

    Args:
        folder: where to look, in the folders below too.
        sort: a quantity; the rows get its best value and are in the order of it.

    Raises:
        UserError: there is no such folder, no run in it, or none has recorded `sort`.
    """
    if not folder.is_dir():
        raise UserError(f"There is no folder {folder}.")
    rows = [_row(path.parent, folder, sort) for path in sorted(folder.rglob("run.json"))]
    if not rows:
        raise UserError(
            f"{folder} holds no run: a run is a directory with run.json, which jkeras train writes."
        )
    if sort is None:
        return rows
    best = f"best {sort}"
    if not any(best in row for row in rows):
        known = {name for row in rows for name in row} - {"run", "epochs", "state"}
        raise UserError(f"No run has recorded {sort!r}. {close_to(sort, known)}")
    sign = -1 if _rises(sort) else 1
    return sorted(rows, key=lambda row: (best not in row, sign * row.get(best, 0.0)))


def _rises(name: str) -> bool:
    return "acc" in name  # Keras's rule of `mode="auto"`


def _row(run_dir: Path, folder: Path, sort: str | None) -> dict[str, Any]:
    row: dict[str, Any] = {"run": str(run_dir.relative_to(folder)) if run_dir != folder else run_dir.name}
    try:
        fit = checkpoint.read_run(run_dir).get("fit")
    except ValueError:
        return {**row, "epochs": "?", "state": "damaged"}
    planned = fit.get("epochs", "?") if isinstance(fit, AnyDict) else "?"
    try:
        history = record(regular(run_dir / HISTORY))
    except (OSError, ValueError):
        return {**row, "epochs": f"0/{planned}", "state": "begun"}
    done = (run_dir / RESULT).exists()
    row |= {"epochs": f"{len(history.epochs)}/{planned}", "state": "finished" if done else "unfinished"}
    row |= {name: float(values[-1]) for name, values in history.values.items()}
    if sort in history.values:
        row[f"best {sort}"] = float(max(history.values[sort]) if _rises(sort) else min(history.values[sort]))
    return row
