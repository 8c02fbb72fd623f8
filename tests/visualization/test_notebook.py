"""What a notebook shows: one piece of well-formed HTML, in the page's colours, with every name escaped."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from jkeras.callbacks import History, RunCheckpoint
from jkeras.layers import LSTM, Dense, Dropout, Input, Layer
from jkeras.models import Model, Sequential
from jkeras.visualization import notebook
from tests.visualization.models import branches, chain


class Own(Model):
    """A model with its own call."""

    def __init__(self):
        super().__init__(name="own")
        self.inner = Dense(3, name="<script>alert(1)</script>")

    def call(self, x):
        return self.inner(x)


class Broken(Layer):
    """A layer whose config cannot be had."""

    def get_config(self):
        raise KeyError("no <config>")


def shown(thing) -> tuple[str, ElementTree.Element]:
    found = thing._repr_html_()
    root = ElementTree.fromstring(found)
    tags = {e.tag.rpartition("}")[2] for e in root.iter()}
    assert not tags & {"script", "style", "iframe", "img", "link"}
    assert not any(
        a.startswith("on") or a in ("id", "class", "href", "src") for e in root.iter() for a in e.keys()
    )
    assert not {e.get("fill") for e in root.iter()} - {None, "none", "currentColor", "#e07b00"}
    return " ".join(root.itertext()), root


def test_models_show_their_graph():
    model = branches()
    words, root = shown(model)
    count = model.count_params()
    assert (
        "branches" in words and "both_ways(lstm): Bidirectional(LSTM)" in words and "(None, 10, 3)" in words
    )
    assert f"{count} parameters, {count} of them trained" in words
    assert root.find(".//{http://www.w3.org/2000/svg}svg") is not None
    model = chain()
    model.layers[0].trainable = False
    assert "21 parameters, 5 of them trained" in shown(model)[0]


def test_large_models_show_a_table(monkeypatch):
    monkeypatch.setattr(notebook, "LONGEST_TABLE", 10)
    model = Sequential([Dense(1, input_shape=(1,), name="first"), *(Dropout(0.5) for _ in range(70))])
    words, root = shown(model)
    assert root.find(".//{http://www.w3.org/2000/svg}svg") is None
    assert len(root.findall(".//tr")) == 1 + 5 + 1 + 5
    assert "61 more: summary() lists all" in words and "first" in words


def test_what_is_not_built_says_so():
    for thing, advice in (
        (Sequential([Dense(2)]), "Give its first layer an input_shape"),
        (Own(), "call fit or predict on data"),
        (LSTM(2), "call it on an input"),
    ):
        assert "not built yet" in shown(thing)[0] and advice in shown(thing)[0]


def test_names_are_escaped():
    model = Own()
    model.predict(np.ones((1, 2), "float32"))
    words, _ = shown(model)
    assert "<script>alert(1)</script>" in words and "9 parameters" in words and "not built" not in words


def test_layers():
    layer = Dense(2, name="a & b", activation="relu")
    layer(Input((3,)))
    words, _ = shown(layer)
    for part in ("a & b (Dense)", "(None, 3)", "(None, 2)", "(3, 2) float32", "relu", "trainable True"):
        assert part.split()[0] in words and part.split()[-1] in words
    assert "KeyError: 'no <config>'" in shown(Broken())[0]


@pytest.mark.parametrize("epochs", [0, 1, 3, 1000])
def test_histories(epochs):
    history = History()
    history.on_train_begin()
    for i in range(epochs):
        values = {"loss": float("nan") if i == 1 else 1 / (i + 1), "val_loss": 0.25, "a<b": 1.0, "lr": 0.1}
        history.on_epoch_end(i, values)
    words, root = shown(history)
    assert f"of {epochs} epoch" in words
    assert ("Nothing is recorded yet" in words) == (epochs == 0)
    charts = root.findall(".//{http://www.w3.org/2000/svg}svg")
    assert [c.get("aria-label") for c in charts] == (["loss", "a<b", "learning rate"] if epochs else [])
    constant = [text.text for text in charts[1].iter("{http://www.w3.org/2000/svg}text")] if epochs else []
    assert constant.count("1") == bool(epochs)  # not at both ends
    assert len(history._repr_html_()) < 15_000


def test_ipython_takes_it():
    formatters = pytest.importorskip("IPython.core.formatters")
    assert "a: Dense" in formatters.HTMLFormatter()(chain())


def test_a_run_lists_its_checkpoints(tmp_path):
    run = RunCheckpoint(tmp_path / "a <run>")
    assert "a &lt;run&gt;" in run._repr_html_() and "No checkpoint" in run._repr_html_()
    (tmp_path / "a <run>" / "checkpoints").mkdir(parents=True)
    (tmp_path / "a <run>" / "checkpoints" / "ckpt-0003-00000120.msgpack").write_bytes(b"x" * 2048)
    page = run._repr_html_()
    assert all(f"<td>{word}</td>" in page for word in ("ckpt-0003-00000120.msgpack", "3", "120", "2 KiB"))
