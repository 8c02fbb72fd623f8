"""Callbacks that report what training does: progress bar, CSV file, HTTP."""

from __future__ import annotations

import csv
import json
import os
import urllib.parse
import urllib.request
import warnings
from collections.abc import Iterable, Mapping
from typing import Any, cast

import jax
import numpy as np

from jkeras.callbacks.base import Callback, Logs
from jkeras.callbacks.basic import python_value
from jkeras.compat.as_keras import keras_version
from jkeras.core import atomic, processes
from jkeras.core.chunk import Chunk
from jkeras.core.logs import other_spelling
from jkeras.core.progbar import Progbar


class ProgbarLogger(Callback):
    """Shows the epoch's progress on standard output; `fit` adds it unless `verbose=0`.

    Reads the numbers of a dispatch only when the bar is due for a refresh.

    Args:
        count_mode: "samples" or "steps": what the bar counts.
        stateful_metrics: names of metrics that are shown as they are instead of averaged.

    Raises:
        ValueError: for another `count_mode`.

    Keras 2.2.4: keras/callbacks.py ProgbarLogger.

    Example:
        >>> logger = ProgbarLogger()
        >>> logger.set_params({"verbose": 2, "epochs": 1, "samples": 4, "metrics": ["loss"]})
        >>> logger.on_train_begin()
        >>> logger.on_epoch_begin(0)
        Epoch 1/1
        >>> logger.on_batch_end(0, {"batch": 0, "size": 4, "loss": 0.5})
        >>> logger.on_epoch_end(0, {"loss": 0.5})
         - 0s - loss: 0.5000
    """

    state_attributes = ("seen",)

    def __init__(self, count_mode: str = "samples", stateful_metrics: Iterable[str] | None = None):
        super().__init__()
        if count_mode not in ("samples", "steps"):
            raise ValueError(f"Unknown `count_mode`: {count_mode!r}; expected 'samples' or 'steps'.")
        self.use_steps = count_mode == "steps"
        self.stateful_metrics = set(stateful_metrics or ())
        self.verbose = 0
        self.seen = 0
        self.target: int | None = None
        self.progbar = Progbar(None, verbose=0)
        self._unread: list[Chunk] = []

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Learn how much is to be shown."""
        self.verbose = int(self.params["verbose"])
        self.epochs = self.params["epochs"]

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Begin the bar of an epoch."""
        self.seen = 0
        self._unread = []
        self._take_up()
        if self.verbose:
            print(f"Epoch {epoch + 1:d}/{int(self.epochs)}")
            self.target = self.params.get("steps" if self.use_steps else "samples")
            self.progbar = Progbar(self.target, verbose=self.verbose, stateful_metrics=self.stateful_metrics)

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Show a batch."""
        logs = dict(logs or {})
        size = logs.pop("size", 0)
        logs.pop("batch", None)
        self.on_chunk_end(Chunk(batch, [size], {name: np.reshape(v, 1) for name, v in logs.items()}))

    def on_chunk_end(self, chunk: Chunk) -> None:
        """Show the batches of a dispatch, if the bar is due."""
        self.seen += len(chunk) if self.use_steps else chunk.samples
        if not self.verbose:
            return
        self._unread.append(chunk)
        # The end of the epoch is drawn by on_epoch_end, with the averages.
        if self.progbar.is_due and (self.target is None or self.seen < self.target):
            self.progbar.update(self.seen, self._read())

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Show the averages and end the line."""
        seen, self.seen = self.seen, 0
        if not self.verbose:
            return
        logs = logs or {}
        self._unread = []
        final = [(name, logs[name]) for name in self.params["metrics"] if name in logs]
        # These are averages already: shown as they are.
        self.progbar.stateful_metrics = {name for name, _ in final}
        self.progbar.update(seen, final)
        self.progbar.close()

    def close(self) -> None:
        """Leave the bar of an epoch that ended by an error."""
        self.progbar = Progbar(None, verbose=0)

    def chunk_limit(self, step: int) -> int | None:
        """One step first, then as many as fit."""
        # The first batch of an epoch shows at once, as in Keras.
        return 1 if step == 0 and self.progbar.is_due else None

    @property
    def refresh_interval(self) -> float | None:
        """Seconds between two updates that show."""
        return self.progbar.refresh_interval if self.verbose == 1 else None

    def _read(self) -> list[tuple[str, float]]:
        """Mean of each metric over the unread chunks (the last value of a stateful one)."""
        chunks, self._unread = self._unread, []
        weights = np.concatenate([np.ones(len(c)) if self.use_steps else np.asarray(c.sizes) for c in chunks])
        values: list[tuple[str, float]] = []
        for name in self.params["metrics"]:
            parts = [chunk.logs()[name] for chunk in chunks if name in chunk.logs()]
            if len(parts) == len(chunks):
                series = np.concatenate(parts)
                stateful = name in self.stateful_metrics
                values.append((name, series[-1] if stateful else np.dot(series, weights) / weights.sum()))
        return values


class CSVLogger(Callback):
    """Writes the epoch logs to a CSV file, a row per epoch, columns sorted by name.

    The columns of `metrics=["accuracy"]` are `acc` and `val_acc`, as in Keras 2.2.4; after
    `install_as_keras(version=3)` they are `accuracy` and `val_accuracy`. `plot_history` and the command line
    read both under both names.

    Args:
        filename: the file.
        separator: between two values.
        append: continue an existing file instead of replacing it.

    Keras 2.2.4: keras/callbacks.py CSVLogger.

    Example:
        >>> import tempfile, pathlib
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "log.csv"
        >>> logger = CSVLogger(path)
        >>> logger.set_model(type("Model", (), {"stop_training": False})())
        >>> logger.on_train_begin()
        >>> logger.on_epoch_end(0, {"loss": 0.5, "acc": 1.0})
        >>> logger.on_train_end()
        >>> path.read_text().split()
        ['epoch,acc,loss', '0,1.0,0.5']
    """

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False):
        super().__init__()
        self.sep = separator
        self.filename = os.fspath(filename)
        self.append = append
        self.writer: Any = None
        self.keys: list[str] | None = None
        self.append_header = True
        self.csv_file: Any = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Open the file."""
        if self.append and os.path.exists(self.filename):
            self.append_header = os.path.getsize(self.filename) == 0
        if processes.is_first():
            atomic.check_target(self.filename)
            atomic.make_folder(os.path.dirname(self.filename) or ".")
        path = self.filename if processes.is_first() else os.devnull
        self.csv_file = open(path, "a" if self.append else "w", newline="")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write a row, before the first one the header."""
        logs = logs or {}
        if self.keys is None:
            self.keys = sorted(logs)
        if self.writer is None:
            self.writer = csv.writer(self.csv_file, delimiter=self.sep)
            if self.append_header:
                self.writer.writerow(["epoch", *map(self._title, self.keys)])
        missing = [key for key in self.keys if key not in logs]
        if missing and not self.model.stop_training:
            raise KeyError(
                f"CSVLogger: epoch {epoch} has no value for {missing}; its logs are {sorted(logs)}."
            )
        # A run that was stopped inside an epoch has no validation: NA keeps the columns.
        self.writer.writerow([epoch, *(_cell(logs.get(key, "NA")) for key in self.keys)])
        self.csv_file.flush()

    def _title(self, key: str) -> str:
        """A column's name: that of Keras 2.2.4, but in a script of Keras 3 the one that it asked for."""
        asked = jax.tree.leaves(getattr(self.model, "metrics", None))
        today = keras_version() >= 3 and "accuracy" in asked and "acc" not in asked
        return other_spelling(key) or key if today else key

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Close the file."""
        if self.csv_file is not None:
            self.csv_file.close()
        self.writer = None


def _cell(value: Any) -> Any:
    """One CSV cell: lists and arrays as `"[1, 2]"`."""
    value = python_value(value)
    if isinstance(value, Iterable) and not isinstance(value, str):
        return '"[{}]"'.format(", ".join(map(str, cast("Iterable[Any]", value))))
    return value


class RemoteMonitor(Callback):
    """Posts the epoch logs to a server.

    Args:
        root: address of the server.
        path: path on the server.
        field: form field that holds the JSON text (with `send_as_json=False`).
        headers: further HTTP headers, a dict.
        send_as_json: post the JSON itself, as `application/json`, instead of a form.

    A server that cannot be reached is a warning, not an error.

    Keras 2.2.4: keras/callbacks.py RemoteMonitor.

    Example:
        >>> RemoteMonitor(root="http://localhost:9000").path
        '/publish/epoch/end/'
    """

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: Mapping[str, str] | None = None,
        send_as_json: bool = False,
    ):
        super().__init__()
        self.root = root
        self.path = path
        self.field = field
        self.headers = headers
        self.send_as_json = send_as_json

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Post the numbers of an epoch."""
        if not processes.is_first():
            return
        values = {name: python_value(value) for name, value in (logs or {}).items()}
        text = json.dumps({"epoch": epoch, **values})
        if self.send_as_json:
            body, kind = text, "application/json"
        else:
            body, kind = urllib.parse.urlencode({self.field: text}), "application/x-www-form-urlencoded"
        headers = {"Content-Type": kind, **(self.headers or {})}
        request = urllib.request.Request(self.root + self.path, body.encode(), headers, method="POST")
        try:
            urllib.request.urlopen(request, timeout=30).close()
        except OSError as error:
            warnings.warn(f"Could not reach RemoteMonitor root server at {self.root}: {error}", stacklevel=2)
