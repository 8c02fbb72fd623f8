"""The scripts of examples/research: short, and each learns. They share one process."""

import importlib.util
import runpy
import sys

import pytest

from tests.examples.test_examples import FOLDER

RESEARCH = FOLDER / "research"
SCRIPTS = sorted(path.name for path in RESEARCH.glob("[!_]*.py"))
NEEDS = {"flax_layer.py": "flax", "haiku_layer.py": "haiku", "equinox_layer.py": "equinox"}


@pytest.mark.parametrize("script", SCRIPTS)
def test_smoke(script, monkeypatch, capsys):
    """It ends by itself where the loss has not gone down."""
    if script in NEEDS and importlib.util.find_spec(NEEDS[script]) is None:
        pytest.skip(f"there is no {NEEDS[script]}")
    monkeypatch.setattr(sys, "argv", [script, "--smoke"])
    monkeypatch.syspath_prepend(str(RESEARCH))
    try:
        runpy.run_path(str(RESEARCH / script), run_name="__main__")
    finally:
        sys.modules.pop("_research", None)
    first, last = capsys.readouterr().out.splitlines()[-1].removeprefix("loss: ").split(" -> ")
    assert float(last) < float(first)


@pytest.mark.parametrize("script", SCRIPTS)
def test_less_than_forty_lines(script):
    lines = (RESEARCH / script).read_text(encoding="utf-8").splitlines()
    assert sum(bool(line.strip()) for line in lines) < 40
