"""Models to be drawn, and what has to hold for every drawing."""

from __future__ import annotations

import itertools

from jkeras import backend as K
from jkeras.layers import (
    LSTM,
    Bidirectional,
    Dense,
    Dropout,
    Embedding,
    Input,
    TimeDistributed,
    add,
    concatenate,
)
from jkeras.models import Model, Sequential
from jkeras.visualization.texts import SIZE, width_of


def chain():
    return Sequential([Dense(4, input_shape=(3,), name="a"), Dropout(0.5, name="b"), Dense(1, name="c")])


def branches():
    """Several inputs and outputs, links that skip layers, a wrapper, a function over tensors."""
    words, numbers = Input((10,), name="words"), Input((5,), name="numbers")
    x = Bidirectional(LSTM(2, name="lstm"), name="both_ways")(Embedding(9, 3, name="embedding")(words))
    aside = Dense(1, name="aside")(x)
    first = Dense(6, name="first")(K.concatenate([x, numbers]))
    second = Dense(6, name="second")(first)
    y = add([first, second, add([first, second], name="inner_sum")], name="sum")
    return Model([words, numbers], [Dense(1, name="main")(y), aside], name="branches")


def repeated():
    """A layer called on its own output, one of a circle, and a tensor taken twice."""
    x = Input((4,), name="x")
    again, other = Dense(4, name="again"), Dense(4, name="other")
    y = again(other(again(again(x))))
    return Model(x, add([y, y], name="twice"), name="repeated")


def nested():
    """A model called twice, which holds another, and the inner one again in a wrapper."""
    x = Input((6,), name="x")
    inner = Sequential([Dense(3, input_shape=(6,), name="k")], name="inner")
    outer = Model(x, [inner(x), Dense(2, name="other")(x)], name="outer")
    left, right, series = Input((6,), name="left"), Input((6,), name="right"), Input((4, 6), name="series")
    parts = [outer(left)[0], outer(right)[1], LSTM(2, name="l")(TimeDistributed(inner, name="each")(series))]
    return Model([left, right, series], concatenate(parts, name="all"), name="nested")


ALL = {make.__name__: make for make in (chain, branches, repeated, nested)}


def points_of(path):
    """Points along a path, close to each other."""
    rest, here = iter(path.points), (0.0, 0.0)
    for step in path.steps:
        group = [next(rest) for _ in range(3 if step == "C" else 1)]
        if step == "M":
            yield group[0]
        for i in range(1, 21) if step != "M" else ():
            t, corners = i / 20, [here, *group]
            while len(corners) > 1:  # de Casteljau
                corners = [
                    ((1 - t) * a + t * c, (1 - t) * b + t * d)
                    for (a, b), (c, d) in zip(corners, corners[1:], strict=False)
                ]
            yield corners[0]
        here = group[-1]


def apart(a, b, least: float = -0.2) -> bool:
    """Whether two rectangles (x, y, width, height) have nothing in common."""
    return any(a[i] + a[i + 2] + least <= b[i] or b[i] + b[i + 2] + least <= a[i] for i in (0, 1))


def inside(point, rectangle, edge: float = 0.3) -> bool:
    x, y, w, h = rectangle
    return x + edge < point[0] < x + w - edge and y + edge < point[1] < y + h - edge


def assert_clear(width, height, boxes, paths, texts=(), frames=()) -> None:
    """Nothing overlaps, all is on the sheet, texts are in boxes or frames, no line runs through any."""
    words = [
        (
            t.x - (width_of(t.words) / 2 if t.anchor == "middle" else 0),
            t.y - SIZE / 2,
            width_of(t.words),
            SIZE,
        )
        for t in texts
    ]
    assert all(apart(a, b) for a, b in itertools.combinations(boxes, 2))
    assert all(apart(a, b) for a, b in itertools.combinations(words, 2))
    sheet = (-0.5, -0.5, width + 1, height + 1)
    for x, y, w, h in [*boxes, *frames, *words]:
        assert inside((x, y), sheet, 0) and inside((x + w, y + h), sheet, 0)
    for x, y, w, h in words:
        assert any(
            inside((x, y), place, 0) and inside((x + w, y + h), place, 0) for place in [*boxes, *frames]
        )
    for point in (p for path in paths for p in points_of(path)):
        assert inside(point, sheet, 0)
        assert not any(inside(point, place) for place in [*boxes, *words])
