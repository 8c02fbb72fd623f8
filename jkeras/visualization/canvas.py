"""A picture drawn with matplotlib, for the formats that graphviz would write."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import importlib.util
import io
from types import ModuleType

from jkeras.core.extras import module
from jkeras.visualization.layout import Path
from jkeras.visualization.picture import Picture
from jkeras.visualization.texts import SIZE

MOST = 60_000  # pixels of a side
_INK, _FILL, _GREY = "black", (0, 0, 0, 0.05), (0, 0, 0, 0.6)


def can_write(format: str) -> bool:
    """Whether matplotlib is there and knows the format."""
    if importlib.util.find_spec("matplotlib") is None:
        return False
    return format in _part("backend_bases").FigureCanvasBase.get_supported_filetypes()


def _part(name: str) -> ModuleType:
    return module(f"matplotlib.{name}", "plots", "plot_model")


def drawn(picture: Picture, format: str, scale: float = 1.0) -> bytes:
    """The picture as the content of a file.

    Args:
        picture: what to draw.
        format: 'png', 'pdf', ….
        scale: pixels for one of the picture's.
    """
    scale = min(scale, MOST / max(picture.width, picture.height))
    figure = _part("figure").Figure(figsize=(picture.width / 96, picture.height / 96), facecolor="white")
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0), xlim=(0, picture.width), ylim=(picture.height, 0))
    axes.set_axis_off()
    shapes, line = _part("patches"), 72 / 96
    for x, y, w, h in picture.frames:
        axes.add_patch(shapes.Rectangle((x, y), w, h, fill=False, ec=_GREY, lw=line, ls=(0, (5, 4))))
    for x, y, w, h in picture.boxes:
        axes.add_patch(shapes.Rectangle((x, y), w, h, fc=_FILL, ec=_INK, lw=line))
    for x, y, to_x, to_y in picture.rules:
        axes.plot((x, to_x), (y, to_y), color=_GREY, lw=line)
    for path in picture.paths:
        axes.add_patch(shapes.PathPatch(_curve(path), fill=False, ec=_INK, lw=line))
        if path.head:
            axes.add_patch(shapes.Polygon(path.head, closed=True, fc=_INK, lw=0))
    for text in picture.texts:
        place = {"ha": "left" if text.anchor == "start" else "center", "va": "baseline"}
        words = {"size": SIZE * line, "color": _INK, "parse_math": False, "family": _fonts()}
        axes.text(text.x, text.y + 0.36 * SIZE, text.words, **place, **words)
    file = io.BytesIO()
    figure.savefig(file, format=format, dpi=96 * scale)
    return file.getvalue()


def _fonts() -> list[str]:
    """The font that the layout counts on, then those that the user has chosen, for other scripts."""
    known = set(_part("font_manager").get_font_names())
    chosen = module("matplotlib", "plots", "plot_model").rcParams["font.sans-serif"]
    return ["DejaVu Sans", *(f for f in chosen[:4] if f in known and f != "DejaVu Sans")]


def _curve(path: Path):
    kinds = _part("path").Path
    codes = {"M": [kinds.MOVETO], "L": [kinds.LINETO], "C": [kinds.CURVE4] * 3}
    return kinds(path.points, [code for step in path.steps for code in codes[step]])
