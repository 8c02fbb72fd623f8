"""A picture as SVG: one element without scripts, styles or references, for a file or inside of a page."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from html import escape

from jkeras.visualization.layout import Path
from jkeras.visualization.picture import Picture
from jkeras.visualization.texts import SIZE, Text

FONT = "DejaVu Sans, Verdana, Arial, sans-serif"


def svg(picture: Picture, scale: float = 1.0, background: str | None = None, title: str = "") -> str:
    """The picture as an `<svg>` element, drawn in the colour of the text around it.

    Args:
        picture: what to draw.
        scale: size on the screen; 1 is the font's natural size.
        background: colour behind it; None: what is there.
        title: what a screen reader says.

    Example:
        >>> svg(Picture(10, 10, [], [], [], [Text(5, 5, "middle", "a < b")], []))[-25:]
        'a &lt; b</text></g></svg>'
    """
    w, h = _n(picture.width), _n(picture.height)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_n(picture.width * scale)}" '
        f'height="{_n(picture.height * scale)}" viewBox="0 0 {w} {h}" role="img" aria-label="{_safe(title)}" '
        f'font-family="{FONT}" font-size="{_n(SIZE)}" fill="none" stroke="currentColor">'
    ]
    if background is not None:
        parts.append(f'<rect width="{w}" height="{h}" fill="{background}" stroke="none"/>')
    parts += ['<g stroke-dasharray="5 4" stroke-opacity=".6">', *map(_rectangle, picture.frames), "</g>"]
    parts += ['<g fill="currentColor" fill-opacity=".05">', *map(_rectangle, picture.boxes), "</g>"]
    lines = "".join(f"M{_n(a)} {_n(b)}L{_n(c)} {_n(d)}" for a, b, c, d in picture.rules)
    parts += [f'<path stroke-opacity=".45" d="{lines}"/>'] if lines else []
    parts += ['<g stroke-opacity=".75">', *(f'<path d="{_data(p)}"/>' for p in picture.paths), "</g>"]
    heads = "".join(
        "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in p.head) + "Z" for p in picture.paths if p.head
    )
    parts += [f'<path fill="currentColor" stroke="none" d="{heads}"/>'] if heads else []
    parts += ['<g fill="currentColor" stroke="none">', *map(_text, picture.texts), "</g></svg>"]
    return "".join(parts)


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _safe(words: str) -> str:
    """Text for XML, which has no place for control characters."""
    return escape("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in words))


def _rectangle(rectangle: tuple[float, float, float, float]) -> str:
    x, y, w, h = map(_n, rectangle)
    return f'<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="3"/>'


def _data(path: Path) -> str:
    points = iter(path.points)
    parts: list[str] = []
    for step in path.steps:
        group = [next(points) for _ in range(3 if step == "C" else 1)]
        parts.append(step + " ".join(f"{_n(x)} {_n(y)}" for x, y in group))
    return "".join(parts)


def _text(text: Text) -> str:
    anchor = "" if text.anchor == "start" else f' text-anchor="{text.anchor}"'
    return f'<text x="{_n(text.x)}" y="{_n(text.y + 0.36 * SIZE)}"{anchor}>{_safe(text.words)}</text>'
