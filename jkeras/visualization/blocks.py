"""Straight lines for chains of nodes without a fork: the nodes of a chain are moved together, as a block."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

from jkeras.visualization.ranks import in_order
from jkeras.visualization.rows import Rows

ROUNDS = 20


class Pull(NamedTuple):
    """The place where a neighbour wants a node: so far from itself."""

    other: int
    shift: float


@dataclasses.dataclass
class _Blocks:
    """The nodes in blocks.

    Args:
        of: for each node its block.
        offset: for each node how much further right than its block it stands.
        members: for each block its nodes.
        right: for each block the blocks next to it on the right, and how far away they have to be.
        order: the blocks, each after those on its left.
    """

    of: list[int]
    offset: list[float]
    members: list[list[int]]
    right: list[dict[int, float]]
    order: list[int]


def straightened(
    rows: Rows,
    reach: Sequence[float],
    shifts: dict[tuple[int, int], float],
    pulls: list[list[Pull]],
    x: list[float],
) -> list[float]:
    """The places of the nodes, near to `x`, such that chains without a fork are straight.

    Args:
        rows: the nodes, in order.
        reach: how much room each node needs on either side.
        shifts: (upper, lower) → how much further right the lower one stands if their link is straight.
        pulls: for each node what its neighbours want.
        x: where the nodes are, in their order.
    """
    blocks = _blocks(rows, reach, shifts)
    place = [sum(x[n] - blocks.offset[n] for n in members) / len(members) for members in blocks.members]
    place = _apart(blocks, place)
    outside = [_outside(blocks, i, pulls) for i in range(len(place))]
    best, least = place, float("inf")
    for _ in range(ROUNDS):
        wishes, strain = _wishes(outside, place)
        if strain >= least:
            break
        best, least = place, strain
        place = _apart(blocks, [(wish + at) / 2 for wish, at in zip(wishes, place, strict=True)])
    return [best[b] + o for b, o in zip(blocks.of, blocks.offset, strict=True)]


def _outside(blocks: _Blocks, block: int, pulls: list[list[Pull]]) -> list[Pull]:
    """The places where other blocks want a block, for each link between its nodes and theirs."""
    return [
        Pull(blocks.of[other], blocks.offset[other] + shift - blocks.offset[node])
        for node in blocks.members[block]
        for other, shift in pulls[node]
        if blocks.of[other] != block
    ]


def _wishes(outside: list[list[Pull]], place: list[float]) -> tuple[list[float], float]:
    """The places where the neighbours want each block, and how far from there the blocks are in all."""
    wishes: list[float] = []
    strain = 0.0
    for at, pulls in zip(place, outside, strict=True):
        there = [place[other] + shift for other, shift in pulls]
        wishes.append(sum(there) / len(there) if there else at)
        strain += sum((t - at) ** 2 for t in there)
    return wishes, strain


def _apart(blocks: _Blocks, wishes: list[float]) -> list[float]:
    """Places that keep their distances: between those moved to the right only and those moved to the left."""
    rightmost, leftmost = list(wishes), list(wishes)
    for block in blocks.order:
        for other, gap in blocks.right[block].items():
            rightmost[other] = max(rightmost[other], rightmost[block] + gap)
    for block in reversed(blocks.order):
        for other, gap in blocks.right[block].items():
            leftmost[block] = min(leftmost[block], leftmost[other] - gap)
    return [(a + b) / 2 for a, b in zip(rightmost, leftmost, strict=True)]


def _blocks(rows: Rows, reach: Sequence[float], shifts: dict[tuple[int, int], float]) -> _Blocks:
    count = len(rows.above)
    joined = _joined(rows)
    of, offset = [-1] * count, [0.0] * count
    members: list[list[int]] = []
    for node in (n for row in rows.rows for n in row):
        if of[node] >= 0:
            continue
        members.append([node])
        of[node] = len(members) - 1
        while (lower := joined.get(node)) is not None:
            offset[lower] = offset[node] + shifts.get((node, lower), 0.0)
            of[lower] = of[node]
            members[-1].append(lower)
            node = lower
    right: list[dict[int, float]] = [{} for _ in members]
    for row in rows.rows:
        for a, b in zip(row, row[1:], strict=False):
            gap = reach[a] + reach[b] + offset[a] - offset[b]
            right[of[a]][of[b]] = max(gap, right[of[a]].get(of[b], gap))
    return _Blocks(of, offset, members, right, in_order(right))  # there is one, as no two of them cross


def _joined(rows: Rows) -> dict[int, int]:
    """upper → lower node, for links that are the only ones there and that cross no other such link."""
    place = {node: i for row in rows.rows for i, node in enumerate(row)}
    length = _lengths(rows)
    joined: dict[int, int] = {}
    for row in rows.rows:
        single = [(n, rows.below[n][0]) for n in row if _goes_on(rows, n)]
        kept: list[tuple[int, int]] = []
        for upper, lower in sorted(single, key=lambda link: -length[link[0]]):
            side = [(place[upper] < place[u]) == (place[lower] < place[w]) for u, w in kept]
            if all(side):
                kept.append((upper, lower))
        joined |= dict(kept)
    return joined


def _goes_on(rows: Rows, node: int) -> bool:
    """Whether a node has one link down, and what it leads to no other up."""
    return len(rows.below[node]) == 1 == len(rows.above[rows.below[node][0]])


def _lengths(rows: Rows) -> list[int]:
    """For each node how many nodes the chain without a fork has that it belongs to."""
    ways: dict[int, list[int]] = {}
    for node in (n for row in rows.rows for n in row):
        way = ways.setdefault(node, [node])
        if _goes_on(rows, node):
            way.append(rows.below[node][0])
            ways[rows.below[node][0]] = way
    return [len(ways[node]) for node in range(len(rows.above))]
