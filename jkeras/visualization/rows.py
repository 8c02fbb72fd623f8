"""The order of the nodes within the rows of a layered drawing, with few crossings of links."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import dataclasses

from jkeras.visualization.ranks import Link

SWEEPS = 24


@dataclasses.dataclass
class Rows:
    """Nodes in rows; links lead from one row to the next.

    A link over several rows is cut into pieces, between which stand bends: further nodes without a size.

    Args:
        rows: the nodes of each row from left to right; numbers from `real` on are bends.
        real: number of nodes that are no bends.
        above, below: for each node those that it is linked with in the next row.
        chains: for each link its nodes from top to bottom.
    """

    rows: list[list[int]]
    real: int
    above: list[list[int]]
    below: list[list[int]]
    chains: list[list[int]]


def in_rows(rank: list[int], links: list[Link]) -> Rows:
    """Cut the links into pieces, and put the nodes of each row into a good order.

    Args:
        rank: the row of each node.
        links: (from, to), `to` in a lower row.
    """
    count = len(rank)
    laid_out = Rows([], count, [[] for _ in rank], [[] for _ in rank], [])
    rank = list(rank)
    for source, target in links:
        bends = list(range(len(rank), len(rank) + rank[target] - rank[source] - 1))
        rank += range(rank[source] + 1, rank[target])
        laid_out.above += [[] for _ in bends]
        laid_out.below += [[] for _ in bends]
        chain = [source, *bends, target]
        laid_out.chains.append(chain)
        for upper, lower in zip(chain, chain[1:], strict=False):
            laid_out.below[upper].append(lower)
            laid_out.above[lower].append(upper)
    laid_out.rows = _started(laid_out, rank)
    _improve(laid_out)
    return laid_out


def _started(rows: Rows, rank: list[int]) -> list[list[int]]:
    """The order in which a walk meets the nodes that goes down as soon as all above has been met."""
    waiting = [len(above) for above in rows.above]
    started: list[list[int]] = [[] for _ in range(max(rank, default=-1) + 1)]
    stack = [n for n in reversed(range(len(rank))) if not waiting[n]]
    while stack:
        node = stack.pop()
        started[rank[node]].append(node)
        for lower in reversed(rows.below[node]):
            waiting[lower] -= 1
            if not waiting[lower]:
                stack.append(lower)
    return started


def _improve(rows: Rows) -> None:
    """Sort each row by where its neighbours are, down and up in turns, and keep the best order met."""
    best, fewest = [list(row) for row in rows.rows], crossings(rows)
    since = 0
    for sweep in range(SWEEPS):
        if not fewest or since > 6:
            break
        down = sweep % 2 == 0
        neighbours = rows.above if down else rows.below
        place: dict[int, int] = {}
        for row in rows.rows if down else reversed(rows.rows):
            _sort(row, neighbours, place, keep_ties=sweep % 4 < 2)
            place |= {node: i for i, node in enumerate(row)}
        now = crossings(rows)
        since += 1
        if now < fewest:
            best, fewest, since = [list(row) for row in rows.rows], now, 0
    rows.rows = best


def _sort(row: list[int], neighbours: list[list[int]], place: dict[int, int], keep_ties: bool) -> None:
    """Order a row by the mean place of the neighbours; nodes without any stay where they are."""
    wish = {n: sum(place[m] for m in neighbours[n]) / len(neighbours[n]) for n in row if neighbours[n]}
    nodes = [n for n in row if n in wish]
    moving = iter(sorted(nodes if keep_ties else nodes[::-1], key=wish.__getitem__))
    row[:] = [next(moving) if n in wish else n for n in row]


def crossings(rows: Rows) -> int:
    """How often links cross."""
    total = 0
    for upper, lower in zip(rows.rows, rows.rows[1:], strict=False):
        place = {node: i for i, node in enumerate(lower)}
        ends = [p for node in upper for p in sorted(place[m] for m in rows.below[node])]
        total += _inversions(ends, len(lower))
    return total


def _inversions(values: list[int], size: int) -> int:
    """How many pairs stand in the wrong order (counted in a tree of sums)."""
    tree, total = [0] * (size + 1), 0
    for seen, value in enumerate(values):
        at, before = value + 1, 0
        while at:
            before += tree[at]
            at &= at - 1
        total += seen - before
        at = value + 1
        while at <= size:
            tree[at] += 1
            at += at & -at
    return total
