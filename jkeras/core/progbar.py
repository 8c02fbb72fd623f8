"""The progress bar of `fit`, `evaluate` and downloads."""

from __future__ import annotations

import importlib
import math
import shutil
import sys
import time
import weakref
from collections.abc import Callable, Iterable
from typing import Any

_PIPE_FACTOR = 200  # lines in a pipe or a log file come this much more rarely than redraws in a terminal
_NOTEBOOK_WIDTH = 100  # columns of a page with a list of files beside it


class Progbar:
    """A progress bar in plain text on standard output.

    In a terminal one line is redrawn and kept within its width; in a notebook one output, so that a saved
    notebook holds the last state alone; in a pipe or a log file each update is a line of its own, and they
    come 200 times more rarely than `interval` says. While a program is compiled, a line that is redrawn says
    so; the time left is reckoned without that.

    Args:
        target: number of units expected, or None if unknown; a float is shown without its fraction.
        width: width of the bar in characters.
        verbose: 0 prints nothing, 1 the bar, 2 one line when `target` is reached.
        interval: least time between two redraws, in seconds.
        stateful_metrics: names of metrics that are shown as they are; others are averaged over the units.

    Keras 2.2.4: keras/utils/generic_utils.py Progbar.

    Example:
        >>> bar = Progbar(4, verbose=2)
        >>> bar.update(2, [("loss", 1.0)])
        >>> bar.update(4, [("loss", 2.0)])
         - 0s - loss: 1.5000
    """

    def __init__(
        self,
        target: float | None,
        width: int = 30,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
    ):
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = interval
        self.stateful_metrics: set[str] = set(stateful_metrics or ())
        self._terminal: bool = getattr(sys.stdout, "isatty", lambda: False)()
        self._cell: Any = None  # the output of a notebook that is redrawn
        self._notebook = type(sys.stdout).__module__.startswith("ipykernel.")
        self._redraws = self._terminal or self._notebook
        self._sums: dict[str, tuple[float, float]] = {}
        self._seen: float = 0
        self._start = time.time()
        self._last_update = 0.0
        self._drawn, self._ended = 0, False
        self._rate_from: tuple[float, float] | None = (self._start, 0.0)  # time, units
        global _shown
        _shown = weakref.ref(self)

    @property
    def refresh_interval(self) -> float:
        """Least time between two updates that show, in seconds."""
        return self.interval if self._redraws else self.interval * _PIPE_FACTOR

    @property
    def is_due(self) -> bool:
        """Whether an update now would show."""
        return self.verbose == 1 and time.time() - self._last_update >= self.refresh_interval

    def update(self, current: float, values: Iterable[tuple[str, Any]] | None = None) -> None:
        """Show progress.

        Args:
            current: units done so far.
            values: list of `(name, value)`, each the mean over the units since the last update.
        """
        for name, value in values or []:
            if name in self.stateful_metrics:
                self._sums[name] = (float(value), 1)
            else:
                total, count = self._sums.get(name, (0.0, 0))
                units = current - self._seen
                self._sums[name] = (total + float(value) * units, count + units)
        self._seen = current
        if self._rate_from is None:
            self._rate_from = (time.time(), current)
        complete = self.target is not None and current >= self.target
        if self.verbose == 1 and (complete or self.is_due):
            self._draw(current, complete)
        elif self.verbose == 2 and (complete or self.target is None):
            elapsed = time.time() - self._start
            self._write(f" - {elapsed:.0f}s{self._metrics(lambda mean: mean > 1e-3)}\n")

    def add(self, n: float, values: Iterable[tuple[str, Any]] | None = None) -> None:
        """Show `n` more units as done."""
        self.update(self._seen + n, values)

    def close(self) -> None:
        """End the line where the target was not reached."""
        if self.verbose == 1 and (self.target is None or self._seen < self.target):
            self._draw(self._seen, True)

    def _tell(self, what: str) -> None:
        """Show words in the place of the time left and of the numbers."""
        if self.verbose == 1 and self._redraws and not self._ended:
            self._rate_from = None
            self._show(f" - {what}", self._seen, False)

    def _draw(self, current: float, last: bool) -> None:
        self._last_update = time.time()
        self._show(self._time(current) + self._metrics(lambda mean: abs(mean) > 1e-3), current, last)
        if last:
            self._ended = True
            self._write("" if self._notebook else "\n")

    def _show(self, after: str, current: float, last: bool) -> None:
        line = self._bar(current, self.width) + after
        if not self._redraws:
            self._write("\n" + line)
            return
        room = _NOTEBOOK_WIDTH if self._notebook else shutil.get_terminal_size().columns - 1
        if len(line) > room:  # the bar gives way first, in a terminal then the end of the line
            line = self._bar(current, max(5, self.width - (len(line) - room))) + after
        if self._notebook:
            self._display({"text/plain": line})
        else:
            line = line if last else line[:room]
            self._write("\r" + line + " " * (self._drawn - len(line)))
            self._drawn = len(line)

    def _display(self, output: dict[str, str]) -> None:
        if self._cell is None:
            self._cell = importlib.import_module("IPython.display").display(output, raw=True, display_id=True)
        else:
            self._cell.update(output, raw=True)

    def _bar(self, current: float, width: int) -> str:
        if self.target is None:
            return f"{current:7d}/Unknown"
        digits = len(str(int(self.target)))
        fraction = min(1.0, current / self.target) if self.target else 1.0
        done = int(width * fraction)
        tip = "=" if current >= self.target else ">"
        bar = ("=" * (done - 1) + tip if done else "") + "." * (width - done)
        return f"{current:{digits}d}/{int(self.target)} [{bar}]"

    def _time(self, current: float) -> str:
        elapsed = time.time() - self._start
        per_unit = elapsed / current if current else 0.0
        if self.target is not None and current < self.target:
            began, units = self._rate_from or (0.0, current)
            pace = (time.time() - began) / (current - units) if current > units else math.inf
            return f" - ETA: {_clock(pace * (self.target - current))}"
        if per_unit >= 1:
            return f" - {elapsed:.0f}s {per_unit:.0f}s/step"
        if per_unit >= 1e-3:
            return f" - {elapsed:.0f}s {per_unit * 1e3:.0f}ms/step"
        return f" - {elapsed:.0f}s {per_unit * 1e6:.0f}us/step"

    def _metrics(self, fixed: Callable[[float], bool]) -> str:
        text = ""
        for name, (total, count) in self._sums.items():
            mean = total / max(1, count)
            text += f" - {name}: {mean:.4f}" if fixed(mean) else f" - {name}: {mean:.4e}"
        return text

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


_shown: weakref.ref[Progbar] | None = None  # the newest bar


def announce(what: str) -> None:
    """Say on the bar that is shown, where it can be redrawn, what takes the time until its next update."""
    bar = None if _shown is None else _shown()
    if bar is not None:
        bar._tell(what)  # pyright: ignore[reportPrivateUsage]


def _clock(seconds: float) -> str:
    if not math.isfinite(seconds):
        return "?"
    whole = int(seconds)
    if whole > 3600:
        return f"{whole // 3600:d}:{whole % 3600 // 60:02d}:{whole % 60:02d}"
    if whole > 60:
        return f"{whole // 60:d}:{whole % 60:02d}"
    return f"{whole:d}s"
