"""A diagram laid out: rectangles, lines and texts with their places, for any pen to draw."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

from jkeras.visualization.diagram import Diagram, Edge, End
from jkeras.visualization.layout import Join, Path, layered
from jkeras.visualization.texts import LINE, PAD, SIZE, Face, Text, face, width_of

MARGIN = 8.0
INSET = 12.0  # between the border of an inner model and what is in it
DIRECTIONS = ("TB", "BT", "LR", "RL")

Rectangle = tuple[float, float, float, float]  # x, y, width, height
Point = tuple[float, float]


@dataclasses.dataclass
class Picture:
    """The things to draw, in pixels from the upper left corner.

    Args:
        width, height: of the whole.
        frames: rectangles around inner models, the outer ones first.
        boxes: rectangles of layers.
        rules: lines (x, y, x, y) inside of boxes.
        texts: what stands in boxes and frames.
        paths: lines between boxes.
    """

    width: float
    height: float
    frames: list[Rectangle]
    boxes: list[Rectangle]
    rules: list[Rectangle]
    texts: list[Text]
    paths: list[Path]


def picture(diagram: Diagram, rankdir: str = "TB") -> Picture:
    """Lay a diagram out.

    Args:
        diagram: the model.
        rankdir: 'TB' from top to bottom, 'BT', 'LR' or 'RL'.
    """
    plan = _planned(diagram, rankdir, [], [])
    turn = _Turn(rankdir, plan.width + 2 * MARGIN, plan.height + 2 * MARGIN)
    result = Picture(*turn.size, [], [], [], [], [])
    _draw(plan, (MARGIN, MARGIN), turn, result)
    return result


class _Turn(NamedTuple):
    """From a layout, in which links lead down, to a picture in which they lead to any side."""

    rankdir: str
    width: float
    height: float

    @property
    def size(self) -> tuple[float, float]:
        upright = self.rankdir in ("TB", "BT")
        return (self.width, self.height) if upright else (self.height, self.width)

    def point(self, x: float, y: float) -> Point:
        if self.rankdir in ("BT", "RL"):
            y = self.height - y
        return (x, y) if self.rankdir in ("TB", "BT") else (y, x)

    def rectangle(self, x: float, y: float, width: float, height: float) -> Rectangle:
        (x0, y0), (x1, y1) = self.point(x, y), self.point(x + width, y + height)
        return min(x0, x1), min(y0, y1), abs(x1 - x0), abs(y1 - y0)


@dataclasses.dataclass
class _Plan:
    """A diagram laid out for itself.

    Args:
        width, height: of the layout.
        label: of the frame.
        parts: (face of a box or plan of an inner model, x, y, width, height).
        paths: of the links.
        entries, exits: slot → where along the upper and the lower side the links come in and go out.
    """

    width: float
    height: float
    label: str
    parts: list[tuple[Face | _Plan, float, float, float, float]]
    paths: list[Path]
    entries: dict[int, float]
    exits: dict[int, float]


def _planned(diagram: Diagram, rankdir: str, entries: list[int], exits: list[int]) -> _Plan:
    """Lay out the parts, then what holds them.

    Args:
        diagram: the model.
        rankdir: which side is up in the end.
        entries, exits: the inputs and outputs that are linked with what is outside.
    """
    ways = [
        *(Edge(End("", ~s), diagram.port(s, True)) for s in entries),
        *diagram.edges,
        *(Edge(diagram.port(s, False), End("", s)) for s in exits),
    ]
    contents = {key: _content(diagram, key, ways, rankdir) for key in diagram.parts}
    sizes = [_size(content, rankdir) for content in contents.values()]
    numbers = {key: i for i, key in enumerate(contents)}
    doors = [("in", s) for s in entries] + [("out", s) for s in exits]
    numbers |= {f"{kind}{s}": len(contents) + i for i, (kind, s) in enumerate(doors)}
    joins = list(dict.fromkeys(_join(way, contents, numbers) for way in ways))
    count = len(contents)
    first, last = range(count, count + len(entries)), range(count + len(entries), count + len(doors))
    layout = layered([*sizes, *((0.0, 0.0) for _ in doors)], joins, first, last)
    parts = [
        (content, x - w / 2, y - h / 2, w, h)
        for content, (x, y), (w, h) in zip(contents.values(), layout.middles, sizes, strict=False)
    ]
    places = [layout.middles[i][0] for i in range(count, count + len(doors))]
    plan = _Plan(layout.width, layout.height, diagram.label, parts, layout.paths, {}, {})
    plan.entries = dict(zip(entries, places, strict=False))
    plan.exits = dict(zip(exits, places[len(entries) :], strict=True))
    return plan


def _content(diagram: Diagram, key: str, ways: list[Edge], rankdir: str) -> Face | _Plan:
    part = diagram.parts[key]
    if not isinstance(part, Diagram):
        return face(part, rankdir in ("LR", "RL"))
    entries = sorted({w.target.slot for w in ways if w.target.key == key})
    exits = sorted({w.source.slot for w in ways if w.source.key == key})
    return _framed(_planned(part, rankdir, entries, exits), rankdir)


def _size(content: Face | _Plan, rankdir: str) -> tuple[float, float]:
    upright = isinstance(content, _Plan) or rankdir in ("TB", "BT")
    return (content.width, content.height) if upright else (content.height, content.width)


def _join(way: Edge, contents: Mapping[Any, Face | _Plan], numbers: dict[str, int]) -> Join:
    source, target = contents.get(way.source.key), contents.get(way.target.key)
    return Join(
        numbers[way.source.key or f"in{~way.source.slot}"],
        numbers[way.target.key or f"out{way.target.slot}"],
        source.exits[way.source.slot] - source.width / 2 if isinstance(source, _Plan) else 0.0,
        target.entries[way.target.slot] - target.width / 2 if isinstance(target, _Plan) else 0.0,
        isinstance(target, Face),
    )


def _framed(plan: _Plan, rankdir: str) -> _Plan:
    """With room for a frame and its label, which no link comes through.

    Links lead from the border to the first row, so there is room above and below already.
    """
    label = width_of(plan.label) + PAD
    if rankdir in ("LR", "RL"):
        left, right = LINE + INSET, INSET
        top, bottom = (0.0 if plan.entries else INSET), (0.0 if plan.exits else INSET)
        missing = max(0.0, label + INSET - plan.height - top - bottom)
        top, bottom = top + missing / 2, bottom + missing / 2
    else:
        doors = plan.entries if rankdir == "TB" else plan.exits
        beside = min(doors.values(), default=label + INSET)
        left = max(INSET, label + PAD - beside)
        right = max(INSET, label + INSET - plan.width - left)
        ends = [INSET + LINE, INSET] if rankdir == "TB" else [INSET, INSET + LINE]
        top = 0.0 if plan.entries else ends[0]
        bottom = 0.0 if plan.exits else ends[1]
    parts = [(content, x + left, y + top, w, h) for content, x, y, w, h in plan.parts]
    paths = [_extended(_moved(p, left, top), top, bottom, plan, top + plan.height) for p in plan.paths]
    return _Plan(
        plan.width + left + right,
        plan.height + top + bottom,
        plan.label,
        parts,
        paths,
        {slot: x + left for slot, x in plan.entries.items()},
        {slot: x + left for slot, x in plan.exits.items()},
    )


def _extended(path: Path, top: float, bottom: float, plan: _Plan, lowest: float) -> Path:
    """A path that comes from the border, or leads to it, also where the frame is further out."""
    points = list(path.points)
    if plan.entries and points[0][1] == top:
        points[0] = (points[0][0], 0.0)
    if plan.exits and points[-1][1] == lowest:
        points[-1] = (points[-1][0], lowest + bottom)
    return path._replace(points=points)


def _moved(path: Path, dx: float, dy: float) -> Path:
    points, head = ([(x + dx, y + dy) for x, y in group] for group in (path.points, path.head))
    return Path(path.steps, points, head)


def _draw(plan: _Plan, at: Point, turn: _Turn, drawn: Picture) -> None:
    left, top = at
    for path in plan.paths:
        moved = _moved(path, left, top)
        points, head = ([turn.point(*p) for p in group] for group in (moved.points, moved.head))
        drawn.paths.append(Path(path.steps, points, head))
    for content, x, y, width, height in plan.parts:
        rectangle = turn.rectangle(x + left, y + top, width, height)
        x0, y0 = rectangle[:2]
        if isinstance(content, _Plan):
            drawn.frames.append(rectangle)
            drawn.texts.append(Text(x0 + PAD, y0 + PAD / 2 + SIZE / 2 + 2, "start", content.label))
            _draw(content, (x + left, y + top), turn, drawn)
        else:
            drawn.boxes.append(rectangle)
            drawn.rules += [(a + x0, b + y0, c + x0, d + y0) for a, b, c, d in content.rules]
            drawn.texts += [t._replace(x=t.x + x0, y=t.y + y0) for t in content.texts]
