"""The report of what was compiled, and the warning of arrays in many shapes."""

import numpy as np
import pytest

import jkeras
from jkeras import layers
from jkeras.training.run.report import Traces


def test_every_program_has_its_reason_and_costs():
    model = jkeras.Sequential([jkeras.Input((None, 2)), layers.GlobalAveragePooling1D(), layers.Dense(3)])
    model.compile("adam", "mse", devices=1)
    assert str(model.compile_report()) == "Nothing has been compiled."
    for length in (4, 5):
        model.train_on_batch(np.ones((8, length, 2)), np.ones((8, 3)))
        model.train_on_batch(np.ones((8, length, 2)), np.ones((8, 3)))
    model.predict(np.ones((8, 4, 2)))
    report = model.compile_report()
    assert [row["kind"] for row in report] == ["train", "train", "predict"]
    assert report[0]["reason"] == report[2]["reason"] == "the first one"
    assert "was (8, 4, 2), is (8, 5, 2)" in report[1]["reason"]
    for row in report:
        assert row["flops"] > 8 * 2 * 3 and row["peak"] > 0 and row["traffic"] > 0 and row["seconds"] > 0
    assert "reason" in str(report) and len(str(report).splitlines()) == 4


def test_an_array_in_many_shapes_is_named():
    traces = Traces()
    with pytest.warns(UserWarning, match="because 'x' comes in 16 shapes, the last \\(15,\\)"):
        for length in range(20):
            traces.add("train", {"x": (8, length), "y": (8, 1)}, (), 0.1, lambda: None, ())
    assert len(traces.kept) == 20
