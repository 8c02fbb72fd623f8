"""A small run: its data, its configuration, and commands in this process or in one of their own."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from jkeras.cli import app
from tests import flags

CONFIG = {
    "name": "small",
    "data": "data.npz",
    "model": [
        {"Dense": {"units": 8, "activation": "relu"}},
        {"Dropout": 0.2},
        {"Dense": {"units": 3, "activation": "softmax"}},
    ],
    "compile": {"optimizer": "adam", "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]},
    "fit": {"epochs": 3, "batch_size": 8, "validation": 0.2},
    "callbacks": [{"ReduceLROnPlateau": {"patience": 1, "factor": 0.5}}],
    "output": {"keep": None},
}


def write_files(folder):
    """Write data.npz and small.yaml."""
    random = np.random.default_rng(0)
    x = random.normal(size=(50, 4)).astype("float32")
    y = np.argmax(x[:, :3], axis=1)
    np.savez(folder / "data.npz", x_train=x, y_train=y, x_test=x[:20], y_test=y[:20])
    (folder / "small.yaml").write_text(yaml.safe_dump(CONFIG))
    return folder


def invoke(*arguments, code=0):
    """Run a command in this process: `invoke("train", "small.yaml").out`."""
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, (result.stdout, result.stderr)
    answer = json.loads(result.stdout) if "--json" in arguments and code == 0 else None
    return SimpleNamespace(out=result.stdout, err=result.stderr, json=answer)


def begin(*arguments, cwd=None):
    """Start a command in a process of its own, on one device."""
    return subprocess.Popen(
        [sys.executable, "-m", "jkeras", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env={**os.environ, "XLA_FLAGS": flags.of_process(), "PYTHONPATH": os.pathsep.join(sys.path)},
    )


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with data.npz and small.yaml."""
    monkeypatch.chdir(write_files(tmp_path))
    return tmp_path


@pytest.fixture
def call():
    return invoke


@pytest.fixture
def start():
    """Start a command in a process of its own; it is ended with the test."""
    started = []

    def run(*arguments):
        started.append(begin(*arguments))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.communicate()
