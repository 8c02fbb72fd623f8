"""The row of a layered drawing that each node stands in."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

Link = tuple[int, int]


class Way(NamedTuple):
    """Links one after the other whose inner nodes have no others: they count as one long link."""

    start: int
    end: int
    inner: list[int]

    @property
    def length(self) -> int:
        return len(self.inner) + 1


def acyclic(count: int, links: list[Link]) -> list[bool]:
    """For each link whether it has to be turned round so that no walk comes back (layers called repeatedly).

    Example:
        >>> acyclic(3, [(0, 1), (1, 2), (2, 1)])
        [False, False, True]
    """
    leaving: list[list[int]] = [[] for _ in range(count)]
    for i, (source, _) in enumerate(links):
        leaving[source].append(i)
    turned, state = [False] * len(links), [0] * count  # 0 not met, 1 on the way, 2 left
    entered = {target for _, target in links}
    for root in sorted(range(count), key=lambda n: n in entered):
        stack = [(root, iter(leaving[root]))] if not state[root] else []
        state[root] = state[root] or 1
        while stack:
            node, rest = stack[-1]
            link = next(rest, None)
            if link is None:
                state[node] = 2
                stack.pop()
            elif state[links[link][1]] == 1:
                turned[link] = True
            elif not state[target := links[link][1]]:
                state[target] = 1
                stack.append((target, iter(leaving[target])))
    return turned


def ranked(count: int, links: list[Link], first: set[int], last: set[int]) -> list[int]:
    """The row of each node, such that links lead downwards and are short.

    Args:
        count: number of nodes.
        links: (from, to) without a cycle.
        first, last: nodes that stand in the first and in the last row, alone there.

    Example:
        >>> ranked(5, [(0, 1), (1, 2), (2, 3), (4, 3)], set(), set())
        [0, 1, 2, 3, 2]
    """
    links = list(dict.fromkeys(links))
    ways, ends = _ways(count, links)
    rank = _lowest(ends, ways)
    _settle(rank, ends, ways)
    for way in ways:
        for step, node in enumerate(way.inner, 1):
            rank[node] = rank[way.start] + step
    between = [r for n, r in rank.items() if n not in first and n not in last]
    top, bottom = min(between, default=0) - (1 if first else 0), max(between, default=0) + 1
    rank |= {n: top for n in first} | {n: bottom for n in last}
    return [rank[n] - top for n in range(count)]


def _ways(count: int, links: list[Link]) -> tuple[list[Way], list[int]]:
    """The ways, and the nodes at which they begin and end, each after those that lead to it."""
    after: list[list[int]] = [[] for _ in range(count)]
    before: list[list[int]] = [[] for _ in range(count)]
    for source, target in links:
        after[source].append(target)
        before[target].append(source)
    passed = [len(after[n]) == 1 == len(before[n]) for n in range(count)]
    order = in_order(after)
    ways: list[Way] = []
    for start in (n for n in order if not passed[n]):
        for node in after[start]:
            inner: list[int] = []
            while passed[node]:
                inner.append(node)
                node = after[node][0]
            ways.append(Way(start, node, inner))
    return ways, [n for n in order if not passed[n]]


def in_order(after: Sequence[Iterable[int]]) -> list[int]:
    """The nodes, each after those that lead to it.

    Args:
        after: for each node those that it leads to; no walk comes back.

    Example:
        >>> in_order([[2], [2], []])
        [1, 0, 2]
    """
    waiting = [0] * len(after)
    for targets in after:
        for target in targets:
            waiting[target] += 1
    ready = [node for node, number in enumerate(waiting) if not number]
    order: list[int] = []
    while ready:
        node = ready.pop()
        order.append(node)
        for target in after[node]:
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    return order


def _lowest(ends: list[int], ways: list[Way]) -> dict[int, int]:
    """Every node as far up as it can be."""
    arriving: dict[int, list[Way]] = {n: [] for n in ends}
    for way in ways:
        arriving[way.end].append(way)
    rank: dict[int, int] = {}
    for node in ends:
        rank[node] = max((rank[way.start] + way.length for way in arriving[node]), default=0)
    return rank


def _settle(rank: dict[int, int], ends: list[int], ways: list[Way], passes: int = 8) -> None:
    """Move nodes along their slack while that makes the links shorter in all."""
    arriving: dict[int, list[Way]] = {n: [] for n in ends}
    leaving: dict[int, list[Way]] = {n: [] for n in ends}
    for way in ways:
        arriving[way.end].append(way)
        leaving[way.start].append(way)
    for _ in range(passes):
        moved = False
        for node in reversed(ends):
            pull = len(leaving[node]) - len(arriving[node])
            if pull > 0:
                target = min(rank[way.end] - way.length for way in leaving[node])
            elif pull < 0:
                target = max(rank[way.start] + way.length for way in arriving[node])
            else:
                continue
            moved |= target != rank[node]
            rank[node] = target
        if not moved:
            return
