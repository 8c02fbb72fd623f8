"""Every example runs as a program of its own, shortened, and says that its loss went down."""

import contextlib
import importlib
import importlib.util
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from tests import flags

FOLDER = Path(__file__).parents[2] / "examples"
NEEDS = {"regression.py": "mlxtend", "cifar10_cnn.py": "mlxtend"}
# Those that share this process: they change nothing that outlives them.
HERE = {
    f"{name}.py"
    for name in (
        *("autoencoder", "diffusion", "mlp_mixer", "seq2seq_attention", "structured_data"),
        *("text_transformer", "timeseries", "vision_transformer"),
    )
}
SCRIPTS = sorted(path.name for path in FOLDER.glob("[!_]*.py") if path.name != "digits.py")


def environment() -> dict[str, str]:
    """The tests' own (with their cache of programs, compiled quickly), but with the devices of a user."""
    return {
        **{name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"},
        "XLA_FLAGS": flags.of_process(),
        "PYTHONPATH": str(FOLDER.parent),
        "PYTHONWARNINGS": "error::UserWarning,error::DeprecationWarning:__main__",
        "PYTHONIOENCODING": "utf-8",
    }


@pytest.mark.parametrize("script", SCRIPTS)
def test_smoke(script, tmp_path, monkeypatch, capsys):
    """Run from an empty folder: no example leaves files behind."""
    if script in NEEDS and importlib.util.find_spec(NEEDS[script]) is None:
        pytest.skip(f"there is no {NEEDS[script]}")
    if script in HERE:
        monkeypatch.chdir(tmp_path)
        return judge(run_here(script, monkeypatch, capsys), tmp_path)
    command = [sys.executable, FOLDER / script, "--smoke"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=1800
    )
    assert done.returncode == 0, done.stdout + done.stderr
    judge(done.stdout, tmp_path)


def run_here(script, monkeypatch, capsys) -> str:
    """What the script prints."""
    monkeypatch.setattr(sys, "argv", [script, "--smoke"])
    monkeypatch.syspath_prepend(FOLDER)
    runpy.run_path(str(FOLDER / script), run_name="__main__")
    return capsys.readouterr().out


def judge(said: str, folder: Path) -> None:
    """The last lines tell of learning, and the folder is empty."""
    *_, baseline, losses, figure = said.splitlines()
    assert float(baseline.rsplit(": ", 1)[1]) >= 0
    first, last = losses.removeprefix("loss: ").split(" -> ")
    assert float(last) <= float(first)
    assert float(figure.rsplit(": ", 1)[1]) >= 0
    assert not any(folder.iterdir())


def test_without_learning_is_a_failure(monkeypatch):
    """`Example.finish` refuses a loss that did not go down, a figure or a limit that is not good enough."""
    cases = (
        ([1.0, 1.0], {"at_least": 0.9}, ["--smoke"], True),
        ([1.0, float("nan")], {"at_least": 0.9}, ["--smoke"], True),
        ([1.0, 0.5], {"at_least": 0.9}, ["--smoke"], False),
        ([1.0, 0.5], {"at_least": 0.9}, [], True),
        ([1.0, 0.5], {"at_least": 0.5}, [], False),
        ([1.0, 0.5], {"at_least": 0.3}, [], True),
        ([1.0, 0.5], {"at_most": 0.5}, [], True),
    )
    monkeypatch.syspath_prepend(FOLDER)
    Example = importlib.import_module("_common").Example
    for losses, limits, options, refused in cases:
        monkeypatch.setattr(sys, "argv", ["example.py", *options])
        with pytest.raises(SystemExit) if refused else contextlib.nullcontext():
            Example("").finish("test accuracy", 0.5, losses, baseline=("guess", 0.4), **limits)
