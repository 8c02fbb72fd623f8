"""Layered drawings: whatever the graph, nothing overlaps, and links lead down."""

from __future__ import annotations

import random

import pytest

from jkeras.visualization.layout import Join, layered
from jkeras.visualization.ranks import acyclic, ranked
from jkeras.visualization.rows import crossings, in_rows
from tests.visualization.models import assert_clear


def graph(seed: int, circles: bool):
    """Boxes of many sizes, random links; some of them back, and to the box itself."""
    draw = random.Random(seed)
    count = draw.randint(1, 25)
    sizes = [(draw.choice([20, 80, 300]), draw.choice([20, 40, 200])) for _ in range(count)]
    joins = []
    for _ in range(draw.randint(0, 2 * count)):
        a, b = draw.randrange(count), draw.randrange(count)
        if not circles or draw.random() < 0.8:
            a, b = min(a, b), max(a, b)
        if circles or a != b:
            joins.append(Join(a, b, draw.choice([0, sizes[a][0] / 5]), draw.choice([0, -sizes[b][0] / 5])))
    return sizes, list(dict.fromkeys(joins))


@pytest.mark.parametrize("circles", [False, True], ids=["acyclic", "circles"])
def test_nothing_overlaps(circles):
    for seed in range(40):
        sizes, joins = graph(seed, circles)
        found = layered(sizes, joins)
        boxes = [(x - w / 2, y - h / 2, w, h) for (x, y), (w, h) in zip(found.middles, sizes, strict=True)]
        assert_clear(found.width, found.height, boxes, found.paths)
        for path, join in zip(found.paths, joins, strict=True):
            tops = [boxes[i][1] for i in (join.source, join.target)]
            assert circles or tops[0] < tops[1]
            if not circles:  # from the lower side of one to the upper side of the other
                assert path.points[0][1] == pytest.approx(tops[0] + boxes[join.source][3])
                assert path.head[0][1] == pytest.approx(tops[1])


def test_a_way_without_a_fork_is_straight():
    """A box that splits into three ways of different length, which meet again."""
    ways = [(0, 1), (1, 2), (2, 7), (0, 3), (3, 4), (4, 5), (5, 7), (0, 6), (6, 7)]
    found = layered([(30 + 40 * (i % 3), 20) for i in range(8)], [Join(*w) for w in ways])
    x = [round(x, 1) for x, _ in found.middles]
    assert x[1] == x[2] and x[3] == x[4] == x[5] and len({x[1], x[3], x[6]}) == 3
    long = found.paths[2]  # over the row in which the longest way still goes on
    assert len({x for x, _ in long.points[:2]}) == 1


def test_inputs_stand_near_to_what_takes_them():
    links = [(0, 1), (1, 2), (2, 3), (3, 4), (5, 6), (6, 4)]
    assert ranked(7, links, set(), set()) == [0, 1, 2, 3, 4, 2, 3]
    assert ranked(9, [*links, (7, 0), (4, 8)], {7}, {8}) == [1, 2, 3, 4, 5, 3, 4, 0, 6]


def test_circles_are_cut_at_the_last_link():
    assert acyclic(4, [(0, 1), (1, 2), (2, 3), (3, 1)]) == [False, False, False, True]
    assert sum(acyclic(3, [(0, 1), (1, 0), (2, 1), (1, 2)])) == 2


def test_crossings_that_can_be_avoided_are():
    # Two trees whose leaves are named in turns.
    links = [(0, 2), (1, 3), (0, 4), (1, 5), (0, 6), (1, 7)]
    assert crossings(in_rows([0, 0, 1, 1, 1, 1, 1, 1], links)) == 0
    # The complete graph of 3 and 3: 9 is the least.
    links = [(a, b) for a in range(3) for b in range(3, 6)]
    assert crossings(in_rows([0, 0, 0, 1, 1, 1], links)) == 9
