"""The place of each node of a layered drawing in its row: links are to be straight, nothing may overlap."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Sequence

from jkeras.visualization.blocks import Pull, straightened
from jkeras.visualization.rows import Rows

ROUNDS = 4
GAP = 28.0  # between two boxes of a row
LANE = 14.0  # between a line and what is beside it


def placed(rows: Rows, widths: Sequence[float], shifts: dict[tuple[int, int], float]) -> list[float]:
    """The middle of each node along its row.

    All neighbours count alike, bends too: so the nodes of a row have the mean place of those above, and a
    long drawing does not lean.

    Args:
        rows: the nodes, in order.
        widths: of the nodes that are no bends.
        shifts: (upper, lower) → how much further right the lower one stands if their link is straight.
    """
    count = len(rows.above)
    half = [w / 2 for w in widths] + [0.0] * (count - rows.real)
    lane = [GAP / 2] * rows.real + [LANE / 2] * (count - rows.real)
    up = [[Pull(m, shifts.get((m, n), 0.0)) for m in rows.above[n]] for n in range(count)]
    down = [[Pull(m, -shifts.get((n, m), 0.0)) for m in rows.below[n]] for n in range(count)]
    both = [a + b for a, b in zip(up, down, strict=True)]
    x = [0.0] * count
    for row in rows.rows:
        _spread(row, [0.0] * len(row), [1.0] * len(row), half, lane, x)
    for pulls, order in [(up, 1), (down, -1)] * 2 + [(both, 1), (both, -1)] * ROUNDS:
        for row in rows.rows[::order]:
            _relax(row, pulls, half, lane, x)
    reach = [h + g for h, g in zip(half, lane, strict=True)]
    return straightened(rows, reach, shifts, both, x)


def _relax(
    row: list[int], pulls: list[list[Pull]], half: list[float], lane: list[float], x: list[float]
) -> None:
    """Move the nodes of a row to where their neighbours want them, as far as the order allows."""
    wishes: list[float] = []
    weights: list[float] = []
    for node in row:
        there = [x[other] + shift for other, shift in pulls[node]]
        wishes.append(sum(there) / len(there) if there else x[node])
        weights.append(1.0 if there else 0.01)
    _spread(row, wishes, weights, half, lane, x)


def _spread(
    row: list[int],
    wishes: list[float],
    weights: list[float],
    half: list[float],
    lane: list[float],
    x: list[float],
) -> None:
    """The places nearest to the wishes (least squares) at which the nodes of a row keep their distance.

    Neighbours that want to be closer than they may form a block, which stands at the mean of its wishes.
    """
    blocks: list[tuple[float, float, int]] = []  # mean, weight, number of nodes
    offsets: list[float] = []
    offset = 0.0
    for i, node in enumerate(row):
        if i:
            offset += half[row[i - 1]] + lane[row[i - 1]] + lane[node] + half[node]
        offsets.append(offset)
        block = (wishes[i] - offset, weights[i], 1)
        while blocks and blocks[-1][0] > block[0]:
            mean, weight, size = blocks.pop()
            total = weight + block[1]
            block = ((mean * weight + block[0] * block[1]) / total, total, size + block[2])
        blocks.append(block)
    at = 0
    for mean, _, size in blocks:
        for i in range(at, at + size):
            x[row[i]] = mean + offsets[i]
        at += size
