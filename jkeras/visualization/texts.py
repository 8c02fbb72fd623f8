"""How much room text takes, and how a box arranges it."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import unicodedata
from typing import NamedTuple, TypeAlias

from jkeras.visualization.diagram import Box

Rows: TypeAlias = list[tuple[str, list[str]]]  # of a table: a word, and lines
Line: TypeAlias = tuple[float, float, float, float]  # x, y, x, y

SIZE = 13.0  # of the font, in pixels
LINE = 18.0  # from one line to the next
PAD = 9.0  # between text and border
WIDEST = 46  # characters of a line of shapes

# Widths of characters in sizes of the font, as in DejaVu Sans and Verdana; others that stand in are narrower.
_WIDTHS = {
    character: width
    for width, characters in (
        (0.34, "'ijlIJ ,./:;\\|"),
        (0.41, "f-()[]t!r"),
        (0.53, '"*_`sz?'),
        (0.71, "KAVBRXZC"),
        (0.80, "UHNDG&OQw"),
        (0.87, "#+<=>^~M"),
        (1.00, "%mW@"),
    )
    for character in characters
}


class Text(NamedTuple):
    """A line of text: where its middle is from top to bottom, and its `anchor` from left to right.

    Args:
        x, y: place.
        anchor: what of the text is at x: 'start', 'middle'.
        words: the text.
    """

    x: float
    y: float
    anchor: str
    words: str


class Face(NamedTuple):
    """A box as it looks: its size, texts and dividing lines (x, y, x, y), from its upper left corner."""

    width: float
    height: float
    texts: list[Text]
    rules: list[Line]


def width_of(words: str) -> float:
    """Pixels that a line of text takes at most.

    Example:
        >>> width_of("dense_1: Dense") < 14 * SIZE
        True
    """
    return SIZE * sum(_WIDTHS.get(c) or _other_width(c) for c in words)


def _other_width(character: str) -> float:
    if unicodedata.combining(character):
        return 0.0
    wide = unicodedata.east_asian_width(character) in "WF"
    return 1.05 if wide else 0.65 if character.isascii() else 0.85


def wrapped(words: str, widest: int = WIDEST) -> list[str]:
    """A text in lines, broken behind commas and colons where it is too long.

    Example:
        >>> wrapped("[(None, 2), (None, 3)]", 12)
        ['[(None, 2),', '(None, 3)]']
    """
    lines, line = [], ""
    for piece in words.replace("), (", "),\n(").replace(": ", ":\n").split("\n"):
        joined = f"{line} {piece}" if line else piece
        if line and len(joined) > widest:
            lines.append(line)
            joined = piece
        line = joined
    return [*lines, line]


def face(box: Box, stacked: bool) -> Face:
    """The look of a box.

    Args:
        box: what it says.
        stacked: whether shapes are shown below the label (for drawings that go from side to side).
    """
    label = wrapped(box.label)
    if box.shapes is None:
        width = max(map(width_of, label)) + 2 * PAD
        height = LINE * len(label) + PAD
        return Face(width, height, _column(label, width / 2, 0.0, height), [])
    rows = [("input:", wrapped(box.shapes[0])), ("output:", wrapped(box.shapes[1]))]
    heights = [LINE * len(lines) + PAD / 2 for _, lines in rows]
    words = max(width_of(word) for word, _ in rows) + 2 * PAD
    shapes = max(width_of(line) for _, lines in rows for line in lines) + 2 * PAD
    return (_stacked if stacked else _beside)(label, rows, heights, words, shapes)


def _beside(label: list[str], rows: Rows, heights: list[float], words: float, shapes: float) -> Face:
    height = max(sum(heights), LINE * len(label) + PAD)
    heights = [h * height / sum(heights) for h in heights]
    first = max(map(width_of, label)) + 2 * PAD
    width = first + words + shapes
    texts, rules = _table(rows, heights, first, 0.0, words, shapes)
    texts = [*_column(label, first / 2, 0.0, height), *texts]
    return Face(width, height, texts, [(first, 0.0, first, height), *rules])


def _stacked(label: list[str], rows: Rows, heights: list[float], words: float, shapes: float) -> Face:
    top = LINE * len(label) + PAD / 2
    width = max(max(map(width_of, label)) + 2 * PAD, words + shapes)
    texts, rules = _table(rows, heights, 0.0, top, words, width - words)
    texts = [*_column(label, width / 2, 0.0, top), *texts]
    return Face(width, top + sum(heights), texts, [(0.0, top, width, top), *rules])


def _table(
    rows: Rows,
    heights: list[float],
    left: float,
    top: float,
    words: float,
    shapes: float,
) -> tuple[list[Text], list[Line]]:
    """Texts and lines of the rows for inputs and outputs."""
    right, split, bottom = left + words + shapes, top + heights[0], top + sum(heights)
    texts: list[Text] = []
    for (word, lines), at, height in zip(rows, (top, split), heights, strict=True):
        texts += _column([word], left + words / 2, at, height)
        texts += _column(lines, left + words + shapes / 2, at, height)
    return texts, [(left + words, top, left + words, bottom), (left, split, right, split)]


def _column(lines: list[str], x: float, top: float, height: float) -> list[Text]:
    first = top + (height - LINE * (len(lines) - 1)) / 2
    return [Text(x, first + LINE * i, "middle", line) for i, line in enumerate(lines)]
