"""A layered drawing of boxes of any size: rows, their order, places, and the ways of the links."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from jkeras.visualization.places import placed
from jkeras.visualization.ranks import acyclic, ranked
from jkeras.visualization.rows import Rows, in_rows

Sizes: TypeAlias = Sequence[tuple[float, float]]

CLEAR = 32.0  # from row to row
HEAD = 7.0  # length of an arrowhead


class Join(NamedTuple):
    """A link to be laid out.

    Args:
        source, target: numbers of boxes.
        leaves, enters: how far from the middles of the boxes, to the right.
        arrow: whether it ends with an arrowhead.
    """

    source: int
    target: int
    leaves: float = 0.0
    enters: float = 0.0
    arrow: bool = True


class Path(NamedTuple):
    """A line: its points, of which three belong to each curve; `steps` says M, L or C for what comes next.

    Args:
        steps: letters, as in SVG.
        points: one for each M and L, three for each C.
        head: the corners of the arrowhead, tip first; empty without one.
    """

    steps: str
    points: list[tuple[float, float]]
    head: list[tuple[float, float]]


@dataclasses.dataclass
class Layout:
    """The places of everything; y grows downwards, the links lead down.

    Args:
        width, height: of the whole.
        middles: of the boxes.
        paths: of the links, in their order.
    """

    width: float
    height: float
    middles: list[tuple[float, float]]
    paths: list[Path]


def layered(
    sizes: Sizes,
    joins: list[Join],
    first: Sequence[int] = (),
    last: Sequence[int] = (),
) -> Layout:
    """Lay boxes out in rows, such that links lead down, are short and rarely cross.

    Args:
        sizes: (width, height) of each box.
        joins: the links; they may go in circles.
        first, last: boxes that stand alone in the first and in the last row.

    Example:
        >>> layered([(40, 20), (40, 20)], [Join(0, 1)]).middles
        [(20.0, 10.0), (20.0, 62.0)]
    """
    count = len(sizes)
    straight = [j for j in joins if j.source != j.target]
    turned = acyclic(count, [(j.source, j.target) for j in straight])
    falls = [_turned(j, sizes) if turn else j for j, turn in zip(straight, turned, strict=True)]
    links = [(j.source, j.target) for j in falls]
    rows = in_rows(ranked(count, links, set(first), set(last)), links)
    loops = {j.source for j in joins if j.source == j.target}
    widths = [w + (4 * HEAD + 12 if i in loops else 0) for i, (w, _) in enumerate(sizes)]
    x = placed(rows, widths, _shifts(rows, falls))
    left = min((x[n] - widths[n] / 2 for n in range(count)), default=0.0)
    left = min([left, *(x[n] - 2 for n in range(count, len(x)))])
    x = [round(a - left, 1) for a in x]
    tops, bottoms = _bands(rows, sizes, x)
    row_of = {n: i for i, row in enumerate(rows.rows) for n in row}
    middles = [(x[n], (tops[row_of[n]] + bottoms[row_of[n]]) / 2) for n in range(count)]
    edges = _Edges(x, middles, sizes, tops, bottoms, row_of)
    drawn = iter(zip(rows.chains, falls, turned, strict=True))
    paths = [edges.loop(j) if j.source == j.target else edges.path(*next(drawn)) for j in joins]
    right = max([x[n] + widths[n] / 2 for n in range(count)] + [a + 2 for a in x[count:]], default=0.0)
    return Layout(right, max(bottoms, default=0.0), middles, paths)


def _turned(join: Join, sizes: Sizes) -> Join:
    """A link that leads up, told from its end; it goes beside those that lead down."""
    return Join(join.target, join.source, sizes[join.target][0] / 4, sizes[join.source][0] / 4, join.arrow)


def _shifts(rows: Rows, joins: list[Join]) -> dict[tuple[int, int], float]:
    shifts: dict[tuple[int, int], float] = {}
    for chain, join in zip(rows.chains, joins, strict=True):
        start, end = (chain[0], chain[1]), (chain[-2], chain[-1])
        shifts[start] = join.leaves
        shifts[end] = shifts.get(end, 0.0) - join.enters if end == start else -join.enters
    return shifts


def _bands(rows: Rows, sizes: Sizes, x: list[float]) -> tuple[list[float], list[float]]:
    """Top and bottom of each row; there is more room between rows where links go far to the side."""
    tops: list[float] = []
    bottoms: list[float] = []
    y = 0.0
    for row in rows.rows:
        height = max((sizes[n][1] for n in row if n < rows.real), default=0.0)
        tops.append(y)
        bottoms.append(y + height)
        aside = max((abs(x[n] - x[m]) for n in row for m in rows.below[n]), default=0.0)
        y += height + CLEAR + min(0.07 * aside, 2.5 * CLEAR)
    return tops, bottoms


class _Edges(NamedTuple):
    """Draws links through the rows: upright across a row, curved between two."""

    x: list[float]
    middles: list[tuple[float, float]]
    sizes: Sizes
    tops: list[float]
    bottoms: list[float]
    row_of: dict[int, int]

    def path(self, chain: list[int], join: Join, turned: bool) -> Path:
        """The way from box to box, over the bends."""
        upper, lower = chain[0], chain[-1]
        xs = [self.x[upper] + join.leaves, *(self.x[n] for n in chain[1:-1]), self.x[lower] + join.enters]
        start = self.middles[upper][1] + self.sizes[upper][1] / 2
        end = self.middles[lower][1] - self.sizes[lower][1] / 2
        head: list[tuple[float, float]] = []
        if join.arrow and turned:
            head, start = _head(xs[0], start, 1), start + HEAD
        elif join.arrow:
            head, end = _head(xs[-1], end, -1), end - HEAD
        steps, points = "M", [(xs[0], start)]
        for i, (here, there) in enumerate(zip(xs, xs[1:], strict=False)):
            row = self.row_of[chain[i]]
            above = max(self.bottoms[row], start) if i == 0 else self.bottoms[row]
            below = self.tops[row + 1]
            if i == len(xs) - 2:
                below = min(below, end)
            if here != there:
                middle = (above + below) / 2
                steps += "LC"
                points += [(here, above), (here, middle), (there, middle), (there, below)]
        return _tidy(steps + "L", [*points, (xs[-1], end)], head)

    def loop(self, join: Join) -> Path:
        """The way from a box to itself, at its right side."""
        (x, y), (w, h) = self.middles[join.source], self.sizes[join.source]
        right, reach = x + w / 2, x + w / 2 + 2 * HEAD + 8
        up, down = y - h / 4, y + h / 4
        head = [(right, up), (right + HEAD, up - HEAD / 2), (right + HEAD, up + HEAD / 2)]
        return Path("MC", [(right, down), (reach, down), (reach, up), (right + HEAD, up)], head)


def _head(x: float, y: float, side: int) -> list[tuple[float, float]]:
    return [(x, y), (x - HEAD / 2, y + side * HEAD), (x + HEAD / 2, y + side * HEAD)]


def _tidy(steps: str, points: list[tuple[float, float]], head: list[tuple[float, float]]) -> Path:
    """Without steps that lead nowhere."""
    kept, rest = "", iter(points)
    tidy: list[tuple[float, float]] = []
    for step in steps:
        group = [next(rest) for _ in range(3 if step == "C" else 1)]
        if not tidy or group[-1] != tidy[-1]:
            kept += step
            tidy += group
    return Path(kept, tidy, head)
