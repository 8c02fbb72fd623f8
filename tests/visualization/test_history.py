"""Curves of a training, from everything that holds its numbers."""

from __future__ import annotations

import numpy as np
import pytest

from jkeras.callbacks import CSVLogger, History
from jkeras.layers import Dense
from jkeras.models import Sequential
from jkeras.visualization import plot_history
from jkeras.visualization.records import record

pytest.importorskip("matplotlib")

RUN = {"val_loss": [3.0, 2.0, 2.5], "loss": [3.0, 1.0, 0.5], "acc": [0.1, 0.5, 0.9], "lr": [0.1, 0.01, 0.001]}


@pytest.fixture(autouse=True)
def headless():
    """No display, and every figure closed in the end."""
    from matplotlib import pyplot

    pyplot.switch_backend("agg")
    yield
    pyplot.close("all")


def lines(axes) -> dict[str, tuple[list, list]]:
    return {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines}


def test_panels():
    figure = plot_history(RUN, title="run")
    assert [axes.get_title() for axes in figure.axes] == ["loss", "acc", "learning rate"]
    loss, acc, rate = figure.axes
    assert lines(loss) == {"train": ([1, 2, 3], RUN["loss"]), "validation": ([1, 2, 3], RUN["val_loss"])}
    assert list(lines(acc).values()) == [([1, 2, 3], RUN["acc"])]
    assert rate.get_yscale() == "log" and loss.get_yscale() == "linear"
    assert [t.get_text() for t in loss.get_legend().get_texts()] == ["train", "validation"]
    assert acc.get_legend() is None and figure.get_suptitle() == "run"


@pytest.mark.parametrize("epochs", [1, 2, 200])
@pytest.mark.parametrize("count", [1, 4, 10])
def test_nothing_overlaps(epochs, count):
    """Titles, labels and numbers of all panels keep apart from each other."""
    from matplotlib.transforms import Bbox

    names = ["loss", *(f"the_output_{i}_mean_absolute_error" for i in range(count - 1))]
    values = np.linspace(1, 0.1, epochs)
    figure = plot_history({n: values for n in [*names, *(f"val_{n}" for n in names)]})
    assert len(figure.axes) == count
    figure.get_layout_engine().execute(figure)
    boxes = [axes.get_tightbbox() for axes in figure.axes]
    assert not any(Bbox.intersection(a, b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert all(figure.bbox.x0 <= b.x0 and b.x1 <= figure.bbox.x1 and b.y0 >= 0 for b in boxes)
    for axes in figure.axes:
        ticks = axes.get_xticks()
        assert (ticks == np.round(ticks)).all()
        assert axes.get_xlim()[0] < 1 and axes.get_xlim()[1] > epochs


def test_sources(tmp_path):
    model = Sequential([Dense(1, input_shape=(2,))])
    model.compile("sgd", "mse")
    path = tmp_path / "log.csv"
    x, y = np.ones((8, 2)), np.ones((8, 1))
    logger = CSVLogger(path, separator=";")
    history = model.fit(x, y, epochs=4, initial_epoch=1, validation_split=0.5, verbose=0, callbacks=[logger])
    for source in (history, model, path, str(path)):
        found = record(source)
        assert found.epochs.tolist() == [2, 3, 4]
        for name, values in history.history.items():
            np.testing.assert_allclose(found.values[name], values, rtol=1e-6)
    assert record(history.history).epochs.tolist() == [1, 2, 3]


def test_files_that_were_continued_or_are_being_written(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("epoch,acc,loss\n0,0.5,1.0\n1,NA,nan\nepoch,acc,loss\n0,0.75,0.5\n1,0.8")
    found = record(path)
    assert found.epochs.tolist() == [1, 2, 3]  # numbers that do not grow count nothing
    np.testing.assert_array_equal(found.values["acc"], [0.5, np.nan, 0.75])


@pytest.mark.parametrize("epoch", ["9" * 400, "x", "-5", "nan"])
def test_epochs_that_are_none_count_nothing(epoch, tmp_path):
    (tmp_path / "log.csv").write_text(f"epoch,loss\n{epoch},1\n")
    assert record(tmp_path / "log.csv").epochs.tolist() == [1]


def test_files_that_are_something_else(tmp_path):
    path = tmp_path / "log.csv"
    for text, pattern in (
        ("", "log.csv' holds no epoch"),
        ("epoch,loss\n0," + "1" * 140_000, "log.csv' is no record of a training: field larger"),
        ("epoch,loss\n", "log.csv' holds no epoch"),
        ('epoch,loss,conf\n0,1.0,"[1, 2]"\n', "log.csv' holds something in 'conf' that is no number"),
        ("some words\nand more\n", "log.csv' holds something in 'some words' that is no number"),
    ):
        path.write_text(text)
        with pytest.raises(ValueError, match=pattern):
            record(path)
    path.write_text("epoch\tloss\n0\t1.0\n", encoding="utf-8-sig")
    assert record(path).values["loss"].tolist() == [1.0]


def test_frames():
    pandas = pytest.importorskip("pandas")
    found = record(pandas.DataFrame({"epoch": [4, 5], "loss": [1.0, 0.5]}, index=["a", "b"]))
    assert found.epochs.tolist() == [5, 6] and list(found.values) == ["loss"]


def test_saved(tmp_path):
    from matplotlib import pyplot

    before = pyplot.get_fignums()
    for name, start in (("a.png", b"\x89PNG"), ("a.svg", b"<?xml"), ("a", b"\x89PNG")):
        figure = plot_history({"loss": [1.0, 0.5]}, to_file=tmp_path / name, figsize=(2, 2))
        assert (tmp_path / name).read_bytes().startswith(start) and figure.axes
    assert pyplot.get_fignums() == before
    with pytest.raises(OSError, match="nowhere"):
        plot_history(RUN, to_file=tmp_path / "nowhere" / "a.png")
    with pytest.raises(ValueError, match="xyz"):
        plot_history(RUN, to_file=tmp_path / "a.xyz")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "a.png", "a.svg"]


def test_chosen_metrics_and_values_that_are_not_finite():
    values = {"loss": [1.0, np.nan, np.inf], "$x_{1$": [np.nan] * 3, "acc": [1.0]}
    figure = plot_history(values, metrics=["$x_{1$", "loss"])
    figure.draw_without_rendering()
    assert [axes.get_title() for axes in figure.axes] == ["$x_{1$", "loss"]
    assert len(plot_history(RUN, metrics="loss").axes) == 1


@pytest.mark.parametrize(
    "history, more, pattern",
    [
        (History(), {}, "This History holds no epoch"),
        ({}, {}, "This dict holds no epoch"),
        ({"loss": [1.0, "much"]}, {}, "'loss' that is no number"),
        ({"loss": [[1.0, 2.0]]}, {}, "'loss' that is no number"),
        (3, {}, "This int is no record"),
        (Sequential(), {}, "This Sequential is no record"),
        (RUN, {"metrics": ["loss", "mae"]}, r"no \['mae'\] to draw; there are \['acc', 'loss', 'lr'\]"),
        (RUN, {"metrics": []}, "no metric to draw"),
    ],
    ids="new empty word vector number untrained unknown none".split(),
)
def test_errors(history, more, pattern):
    with pytest.raises(ValueError, match=pattern):
        plot_history(history, **more)


def test_missing_file_and_missing_matplotlib(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="log"):
        plot_history(tmp_path / "log.csv")
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r'plot_history needs matplotlib: pip install "jkeras\[plots\]"'):
        plot_history(RUN)
