"""Pages for notebooks, of a model, layer, history or run: HTML without scripts, in the page's colours."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np

from jkeras.callbacks.basic import History
from jkeras.callbacks.run import RunCheckpoint
from jkeras.models.network import Network
from jkeras.models.sequential import Sequential
from jkeras.saving import checkpoint
from jkeras.visualization.diagram import diagram, graph_of, why_no_graph
from jkeras.visualization.picture import picture
from jkeras.visualization.records import RATE, record
from jkeras.visualization.svg import svg

LARGEST_GRAPH = 60  # boxes; larger models are shown as a table
LONGEST_TABLE = 300  # rows
MOST_CHARTS = 8
_WIDTH, _HEIGHT = 230, 110  # of a chart
_ORANGE = "#e07b00"  # for validation; readable on light and on dark


def html(thing: Any) -> str:
    """The HTML of a model, a layer, a history or a run.

    Example:
        >>> from jkeras.layers import Dense
        >>> "a &lt;b&gt;" in html(Dense(2, name="a <b>"))
        True
    """
    if isinstance(thing, History):
        parts = _history(thing)
    elif isinstance(thing, RunCheckpoint):
        parts = _run(thing)
    else:
        parts = _model(thing) if isinstance(thing, Network) else _layer(thing)
    return f'<div style="max-width:100%;overflow:auto">{"".join(parts)}</div>'


def _model(model: Any) -> Iterable[str]:
    yield _heading(model)
    graph = graph_of(model)
    if not model.built and graph is None:
        is_chain = isinstance(model, Sequential)
        words = why_no_graph(model) if is_chain else "it is not built yet: call fit or predict on data first."
        yield _line(words[0].upper() + words[1:])
    elif model.built:
        trained = sum(w.size for w in dict.fromkeys(model.trainable_weights))
        yield _line(f"{model.count_params():,} parameters, {trained:,} of them trained")
    if graph is not None and len(graph.nodes) <= LARGEST_GRAPH:
        yield svg(picture(diagram(model, show_shapes=True)), title=f"Graph of the model {model.name}")
    elif model.layers:
        yield _layers(model.layers)


def _layers(layers: Sequence[Any]) -> str:
    """A table of many layers."""
    rows = [[x.name, type(x).__name__, _shape(x, "output_shape"), _count(x)] for x in layers]
    if len(rows) > LONGEST_TABLE:
        half = LONGEST_TABLE // 2
        left_out = ["…", f"{len(rows) - 2 * half} more: summary() lists all", "", ""]
        rows = [*rows[:half], left_out, *rows[-half:]]
    table = _table(rows, ["layer", "class", "output shape", "parameters"])
    return f'<div style="max-height:30em;overflow:auto">{table}</div>'


def _layer(layer: Any) -> Iterable[str]:
    yield _heading(layer)
    if not layer.built:
        yield _line("It is not built yet: call it on an input, or add it to a model.")
    shapes = [[what, _shape(layer, f"{what}_shape")] for what in ("input", "output") if layer.inbound_nodes]
    weights = [[w.name, f"{tuple(w.shape)} {w.dtype}"] for w in layer.weights]
    yield _table([*shapes, *weights, ["trainable", str(layer.trainable)]])
    try:
        config = layer.get_config()
    except Exception as error:  # the code of a user's layer; it is to be shown all the same
        config = {"get_config()": f"{type(error).__name__}: {error}"}
    rows = [[name, _short(value)] for name, value in config.items() if name not in ("name", "trainable")]
    if rows:
        yield f"<details><summary>arguments</summary>{_table(rows)}</details>"


def _history(history: History) -> Iterable[str]:
    count = len(history.epoch)
    yield f"<div><b>History</b> of {count} epoch{'' if count == 1 else 's'}</div>"
    if not history.history:
        yield _line("Nothing is recorded yet: fit fills it in.")
        return
    panels = record(history).panels()
    rows = [
        [("val_" if kind == "validation" else "") + name, *_figures(values)]
        for name, curves in panels.items()
        for kind, values in curves.items()
    ]
    charts = [_chart(name, curves) for name, curves in list(panels.items())[:MOST_CHARTS]]
    yield f'<div style="display:flex;flex-wrap:wrap;gap:12px">{"".join(charts)}</div>'
    yield _table(rows, ["", "last", "lowest", "highest"])


def _run(run: RunCheckpoint) -> Iterable[str]:
    found = checkpoint.list_checkpoints(run.run_dir)
    yield f"<div><b>Run</b> in {escape(str(run.run_dir))}</div>"
    if not found:
        yield _line("No checkpoint is written yet: fit writes them.")
        return
    if len(found) > LONGEST_TABLE:
        yield _line(f"{len(found) - LONGEST_TABLE} earlier checkpoints")
    rows = [
        [one.path.name, str(one.epoch), str(one.step), f"{one.bytes / 1024:,.0f} KiB"]
        for one in found[-LONGEST_TABLE:]
    ]
    yield _table(rows, ["checkpoint", "epoch", "step", "size"])


def _figures(values: np.ndarray) -> list[str]:
    known = values[np.isfinite(values)]
    ends = (known.min(), known.max()) if known.size else (np.nan, np.nan)
    return [f"{v:.4g}" for v in (values[-1], *ends)]


def _chart(name: str, curves: dict[str, np.ndarray]) -> str:
    """Small curves of one quantity, training in the colour of the text, validation in orange."""
    every = np.concatenate(list(curves.values()))
    every = every[np.isfinite(every)]
    low, high = (every.min(), every.max()) if every.size else (0.0, 0.0)
    title = escape("learning rate" if name == RATE else _short(name, 36))
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT + 40}" role="img" '
        f'aria-label="{title}" font-family="sans-serif" font-size="11" fill="currentColor">'
        f'<text y="12" font-weight="bold">{title}</text>'
        f'<text x="{_WIDTH}" y="{_HEIGHT + 36}" text-anchor="end" fill="{_ORANGE}">'
        f"{'validation' if 'validation' in curves else ''}</text>"
        + "".join(f'<text y="{y:.0f}" opacity=".7">{value:.4g}</text>' for y, value in _ends(low, high))
    ]
    for kind, values in curves.items():
        color = _ORANGE if kind == "validation" else "currentColor"
        lines.append(_curve(values, low, high, color))
    return "".join([*lines, "</svg>"])


def _ends(low: float, high: float) -> list[tuple[float, float]]:
    """Places and values at the ends of an axis; one number is in the middle, as its curve is."""
    return [(30, high), (_HEIGHT + 36, low)] if high > low else [(38 + (_HEIGHT - 16) / 2, low)]


def _curve(values: np.ndarray, low: float, high: float, color: str) -> str:
    """A line, or dots where a value has no neighbour; at most some 200 points."""
    step = max(1, len(values) // 200)
    numbers = sorted({*range(0, len(values), step), len(values) - 1})
    wide, tall, top = _WIDTH - 52, _HEIGHT - 16, 34
    runs: list[list[str]] = [[]]
    for i in numbers:
        if np.isfinite(values[i]):
            x = 46 + wide * (i / (len(values) - 1) if len(values) > 1 else 0.5)
            y = top + tall * (1 - ((values[i] - low) / (high - low) if high > low else 0.5))
            runs[-1].append(f"{x:.1f} {y:.1f}")
        elif runs[-1]:
            runs.append([])
    lines = "".join("M" + "L".join(run) for run in runs if len(run) > 1)
    dots = "".join(f"M{run[0]}h.01" for run in runs if len(run) == 1)
    return "".join(
        f'<path d="{data}" fill="none" stroke="{color}" stroke-width="{width}" stroke-linecap="round"/>'
        for data, width in ((lines, 2), (dots, 6))
        if data
    )


def _heading(layer: Any) -> str:
    return f"<div><b>{escape(layer.name)}</b> ({escape(type(layer).__name__)})</div>"


def _line(words: str) -> str:
    return f"<div>{escape(words)}</div>"


def _table(rows: list[list[str]], titles: Sequence[str] = ()) -> str:
    head = f"<tr>{''.join(f'<th>{escape(t)}</th>' for t in titles)}</tr>" if titles else ""
    body = "".join(f"<tr>{''.join(f'<td>{escape(word)}</td>' for word in row)}</tr>" for row in rows)
    return f"<table>{head}{body}</table>"


def _shape(layer: Any, what: str) -> str:
    try:
        return str(getattr(layer, what))
    except (AttributeError, NotImplementedError):
        return "several" if layer.inbound_nodes else "?"


def _count(layer: Any) -> str:
    return f"{layer.count_params():,}" if layer.built else "not built"


def _short(value: Any, longest: int = 80) -> str:
    words = value if isinstance(value, str) else repr(value)
    return words if len(words) <= longest else f"{words[: longest - 1]}…"
