"""The progress bar in a terminal, a narrow one, and a pipe."""

import io
import re
import sys
from types import SimpleNamespace

import pytest

from jkeras.core.progbar import Progbar, announce


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 1000.0

    monkeypatch.setattr("time.time", lambda: Clock.now)
    return Clock


def draw(monkeypatch, clock, stream, target=100, columns=80, seconds=1.0, interval=0.05):
    monkeypatch.setattr("sys.stdout", stream)
    monkeypatch.setenv("COLUMNS", str(columns))
    bar = Progbar(target, interval=interval)
    for i in range(1, target + 1):
        clock.now += seconds / target
        bar.update(i, [("loss", 1.0), ("acc", 0.5)])
    return stream.getvalue()


def test_a_terminal_line_is_redrawn(monkeypatch, clock):
    text = draw(monkeypatch, clock, Terminal())
    lines = text.split("\r")
    assert text.count("\n") == 1 and text.endswith("- loss: 1.0000 - acc: 0.5000\n")
    assert 15 <= len(lines) <= 25  # every 0.05 s of one second


@pytest.mark.parametrize("columns", [20, 40, 60])
def test_a_narrow_terminal_is_not_overrun(monkeypatch, clock, columns):
    text = draw(monkeypatch, clock, Terminal(), columns=columns)
    assert "\b" not in text
    *redraws, last = text.split("\r")[1:]
    assert max(len(part) for part in redraws) < columns
    assert last.endswith("acc: 0.5000\n")


def test_a_pipe_gets_few_lines(monkeypatch, clock):
    text = draw(monkeypatch, clock, io.StringIO(), target=10_000, seconds=60.0)
    lines = [line for line in text.split("\n") if line]
    assert "\b" not in text and "\r" not in text and "\x1b" not in text
    assert 6 <= len(lines) <= 8


def test_interval_zero_shows_every_update(monkeypatch, clock):
    assert draw(monkeypatch, clock, io.StringIO(), target=10, interval=0).count("\n") == 11


def test_times(monkeypatch, clock):
    stream = io.StringIO()
    monkeypatch.setattr("sys.stdout", stream)
    for units, seconds in ((1, 7200), (1, 100), (1, 2), (1000, 2), (1_000_000, 2)):
        bar = Progbar(units * 2, interval=0)
        clock.now += seconds
        bar.update(units)
        bar.update(units * 2)
    text = stream.getvalue()
    for part in ("ETA: 2:00:00", "ETA: 1:40", "ETA: 2s", " 3600s/step", " 1ms/step", " 1us/step"):
        assert part in text


def test_add_and_unknown_target(monkeypatch, clock):
    stream = io.StringIO()
    monkeypatch.setattr("sys.stdout", stream)
    bar = Progbar(None, interval=0, stateful_metrics=["count"])
    bar.add(3, [("count", 7.0), ("loss", 1e-5)])
    bar.add(1, [("count", 9.0), ("loss", 1e-5)])
    bar.close()
    assert stream.getvalue().split("\n")[1:] == [
        "      3/Unknown - 0s 0us/step - count: 7.0000 - loss: 1.0000e-05",
        "      4/Unknown - 0s 0us/step - count: 9.0000 - loss: 1.0000e-05",
        "      4/Unknown - 0s 0us/step - count: 9.0000 - loss: 1.0000e-05",
        "",
    ]


def test_a_line_that_is_redrawn_says_what_takes_the_time(monkeypatch, clock):
    monkeypatch.setattr("sys.stdout", stream := Terminal())
    bar = Progbar(100)
    announce("compiling")
    clock.now += 60
    bar.update(1)
    clock.now += 1
    bar.update(2)
    bar.update(100)
    announce("compiling")  # for something else: this bar is at its end
    parts = [re.sub(r"^\S* *\S+ \[.*\]|  +", "", part) for part in stream.getvalue().split("\r")[1:]]
    assert parts == [" - compiling", " - ETA: ?", " - ETA: 1:38", " - 61s 610ms/step\n"]
    monkeypatch.setattr("sys.stdout", log := io.StringIO())
    Progbar(2)
    announce("compiling")
    assert log.getvalue() == ""


def test_a_notebook_has_one_output_for_a_bar(monkeypatch, clock):
    class Output(io.StringIO):
        __module__ = "ipykernel.iostream"

    shown = []
    display = SimpleNamespace(
        display=lambda text, raw, display_id: shown.append([text]) or SimpleNamespace(update=again)
    )

    def again(text, raw):
        shown[-1].append(text)

    monkeypatch.setitem(sys.modules, "IPython.display", display)
    assert draw(monkeypatch, clock, Output(), columns=20) == ""
    assert len(shown) == 1 and 15 <= len(shown[0]) <= 25
    assert shown[0][-1]["text/plain"].startswith("100/100 [==============================] - ")
    Progbar(100).update(100, [(f"val_metric_{n}", 1.0) for n in range(3)])
    line = shown[-1][-1]["text/plain"]  # the page would break it in the middle of a word
    assert len(line) == 100 and line.endswith("- val_metric_2: 1.0000")


def test_silent(monkeypatch, clock):
    stream = io.StringIO()
    assert draw(monkeypatch, clock, stream) != ""
    monkeypatch.setattr("sys.stdout", quiet := io.StringIO())
    Progbar(2, verbose=0).update(2)
    assert quiet.getvalue() == ""
