"""Pictures of models: nothing overlaps, in any direction; as SVG and with matplotlib."""

from __future__ import annotations

import struct
import xml.etree.ElementTree as ElementTree

import pytest

from jkeras.layers import Dense
from jkeras.models import Sequential
from jkeras.visualization import canvas
from jkeras.visualization.diagram import diagram
from jkeras.visualization.picture import DIRECTIONS, picture
from jkeras.visualization.svg import svg
from jkeras.visualization.texts import width_of, wrapped
from tests.visualization.models import ALL, assert_clear, branches, chain, nested

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("rankdir", DIRECTIONS)
@pytest.mark.parametrize("make", ALL.values(), ids=list(ALL))
def test_nothing_overlaps(make, rankdir):
    model = make()
    for shapes in (False, True):
        for expand in (False, True):
            p = picture(diagram(model, show_shapes=shapes, expand_nested=expand), rankdir)
            assert_clear(p.width, p.height, p.boxes, p.paths, p.texts, p.frames)


def test_direction():
    middles = {}
    for rankdir in DIRECTIONS:
        p = picture(diagram(chain()), rankdir)
        middles[rankdir] = [(x + w / 2, y + h / 2) for x, y, w, h in p.boxes]
    for rankdir, axis, sign in (("TB", 1, 1), ("BT", 1, -1), ("LR", 0, 1), ("RL", 0, -1)):
        along = [sign * point[axis] for point in middles[rankdir]]
        assert along == sorted(along) and len({round(p[1 - axis], 3) for p in middles[rankdir]}) == 1


def test_inner_models_are_frames_around_their_layers():
    p = picture(diagram(nested(), expand_nested=True))
    labels = {t.words: (t.x, t.y) for t in p.texts}
    frames = [t.words for t in p.texts if t.anchor == "start"]
    around = dict(zip(frames, p.frames, strict=True))
    assert set(around) == {"outer: Model", "inner: Sequential", "each(inner): TimeDistributed(Sequential)"}
    wanted = {"other: Dense": "outer: Model", "inner: Sequential": "outer: Model", "all: Concatenate": None}
    for inner, outer in wanted.items():
        x, y = labels[inner]
        holds = [f for f, (left, top, w, h) in around.items() if left < x < left + w and top < y < top + h]
        assert outer in holds if outer else not holds
    assert sum(t.words == "k: Dense" for t in p.texts) == 2


def test_svg_can_be_read_and_has_neither_scripts_nor_styles():
    name = "<b>&\"'\x07 模型"
    model = Sequential([Dense(2, input_shape=(3,), name=name)])
    found = svg(picture(diagram(model, show_shapes=True)), 2.0, "white", "a & b")
    root = ElementTree.fromstring(found)
    texts = [e.text for e in root.iter(f"{SVG}text")]
    assert "<b>&\"'� 模型: Dense" in texts and "(None, 3)" in texts
    assert float(root.get("width", 0)) == pytest.approx(
        2 * float(root.get("viewBox", "").split()[2]), abs=0.2
    )
    assert {e.tag.removeprefix(SVG) for e in root.iter()} == {"svg", "g", "rect", "path", "text"}
    assert not {a for e in root.iter() for a in e.keys()} & {"style", "class", "id", "href"}


def test_many_shapes_are_broken_into_lines():
    shapes = str([(None, 35, 35, 64)] * 6)
    lines = wrapped(shapes)
    assert len(lines) > 2 and max(map(len, lines)) <= 46 and " ".join(lines) == shapes
    assert width_of("模型") > 2 * width_of("i") and width_of("") == 0


@pytest.mark.parametrize("format, start", [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")])
def test_matplotlib_draws_the_same(format, start):
    pytest.importorskip("matplotlib")
    p = picture(diagram(branches(), show_shapes=True))
    found = canvas.drawn(p, format, 1.5)
    assert found.startswith(start) and canvas.can_write(format) and not canvas.can_write("xyz")
    if format == "png":
        width, height = struct.unpack(">II", found[16:24])
        assert abs(width - 1.5 * p.width) <= 1 and abs(height - 1.5 * p.height) <= 1


def test_a_very_long_picture_fits_on_a_canvas():
    pytest.importorskip("matplotlib")
    p = picture(diagram(chain()))
    p.height = 100_000.0
    width, height = struct.unpack(">II", canvas.drawn(p, "png")[16:24])
    assert height <= 2**16 and abs(width - p.width * 0.6) <= 1
