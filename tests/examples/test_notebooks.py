"""The notebooks run, shortened: a line `epochs = 12  # smoke: 1` has the value for this.

`python tests/examples/test_notebooks.py transfer.ipynb` runs one in the folder where it is called: `.ci/run`
does so with the one that compiles a network of some thirty layers several times.
"""

import gc
import json
import re
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "notebooks"
SMOKE = re.compile(r"^(.*?) = .*?  # smoke: (.*)$", re.MULTILINE)


def cells(name: str) -> list[dict]:
    return [c for c in json.loads((FOLDER / name).read_text("utf-8"))["cells"] if c["cell_type"] == "code"]


def run(name: str) -> None:
    scope: dict = {"__name__": "notebook"}
    sources = ["".join(cell["source"]) for cell in cells(name)]
    assert SMOKE.search(sources[0])
    for number, source in enumerate(sources):
        exec(compile(SMOKE.sub(r"\1 = \2", source), f"{name}, cell {number}", "exec"), scope)


@pytest.mark.parametrize("name", ["digits.ipynb", "fit_many.ipynb", "gpt.ipynb"])
def test_notebook(name, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    run(name)
    gc.collect()
    assert capsys.readouterr().out


def test_all_are_executed_and_small():
    for path in FOLDER.glob("*.ipynb"):
        assert path.stat().st_size < 50_000
        outputs = [cell["outputs"] for cell in cells(path.name)]
        assert sum(map(bool, outputs)) >= 2
        assert not [o for output in outputs for o in output if o["output_type"] == "error"]
    assert {path.stem for path in FOLDER.iterdir()} == {"digits", "fit_many", "gpt", "transfer"}


if __name__ == "__main__":
    run(sys.argv[1])
