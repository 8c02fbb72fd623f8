"""Curves of a training, with matplotlib."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import io
import os
from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from jkeras.core import atomic
from jkeras.core.extras import module
from jkeras.visualization.records import RATE, Record, record

_COLORS = {"train": "tab:blue", "validation": "tab:orange"}


def plot_history(
    history: Any,
    metrics: Sequence[str] | None = None,
    to_file: str | os.PathLike[str] | None = None,
    title: str | None = None,
    figsize: tuple[float, float] | None = None,
) -> Any:
    """Draw loss, metrics and, if it was logged, the learning rate over the epochs, with those of validation.

    Args:
        history: what `fit` returns, a model that was trained, a dict or a data frame of columns, or the path
            of a file that `CSVLogger` wrote.
        metrics: names of what to draw, without `val_`; default: all.
        to_file: where to save the figure; the ending says the format, without one it is png.
        title: above all.
        figsize: (width, height) in inches; default: by the number of panels.

    Returns:
        The `matplotlib.figure.Figure`. If it was not saved, `plt.show()` shows it.

    Raises:
        ImportError: without matplotlib (`pip install "jkeras[plots]"`).
        ValueError: there is nothing to draw, or no metric of that name.
    """
    pyplot = cast(Any, module("matplotlib.pyplot", "plots", "plot_history"))
    logs = record(history)
    panels = _chosen(logs, metrics)
    columns = _columns(len(panels))
    rows = -(-len(panels) // columns)
    size = figsize or (max(5.0, 4.4 * columns), 3.3 * rows + (0.4 if title else 0.0))
    figure = pyplot.figure(figsize=size, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.08)
    for i, (name, curves) in enumerate(panels.items()):
        _draw(figure.add_subplot(rows, columns, i + 1), name, curves, logs.epochs)
    if title:
        figure.suptitle(title)
    if to_file is not None:
        _save(figure, os.fspath(to_file))
    if to_file is not None or "inline" in pyplot.get_backend():  # a notebook shows what is returned
        pyplot.close(figure)
    return figure


def _chosen(logs: Record, metrics: Sequence[str] | None) -> dict[str, dict[str, np.ndarray]]:
    panels = logs.panels()
    if metrics is None:
        return panels
    wanted = [metrics] if isinstance(metrics, str) else list(metrics)
    unknown = [name for name in wanted if name not in panels]
    if unknown or not wanted:
        raise ValueError(f"There is no {unknown or 'metric'} to draw; there are {sorted(panels)}.")
    return {name: panels[name] for name in wanted}


def _columns(count: int) -> int:
    return count if count < 4 else 2 if count == 4 else 3 if count < 10 else 4


def _draw(axes: Any, name: str, curves: dict[str, np.ndarray], epochs: np.ndarray) -> None:
    mark = "o" if len(epochs) < 25 else None
    for label, values in curves.items():
        axes.plot(
            epochs[: len(values)], values, label=label, color=_COLORS[label], marker=mark, markersize=3.5
        )
    words = "learning rate" if name == RATE else name
    axes.set_title(words, fontsize=11 if len(name) < 36 else 8, parse_math=False)
    axes.set_xlabel("epoch")
    axes.xaxis.get_major_locator().set_params(integer=True)
    if len(epochs) == 1:
        axes.set_xlim(epochs[0] - 1, epochs[0] + 1)
        axes.set_xticks([epochs[0]])
    every = np.concatenate(list(curves.values()))
    if name == RATE and (every > 0).all() and every.max() > 10 * every.min():
        axes.set_yscale("log")
    axes.grid(alpha=0.3)
    if len(curves) > 1:
        axes.legend(frameon=False)


def _save(figure: Any, path: str) -> None:
    content = io.BytesIO()
    figure.savefig(content, format=os.path.splitext(path)[1][1:].lower() or "png", dpi=120)
    atomic.write_bytes(path, content.getvalue())
