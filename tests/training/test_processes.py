"""Two processes that train one model give the numbers of one."""

import contextlib
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from jkeras.core import processes
from jkeras.models import load_model
from jkeras.saving import checkpoint
from tests import flags
from tests.training import two_processes

SCRIPT = Path(__file__).with_name("two_processes.py")


def _free_port():
    with socket.socket() as found:
        found.bind(("localhost", 0))
        return found.getsockname()[1]


@contextlib.contextmanager
def _started(folder, role, number, port):
    root = str(Path(__file__).parents[2])
    environment = os.environ | {"PYTHONPATH": root, "JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags.of_process()}
    with subprocess.Popen(
        [sys.executable, SCRIPT, folder, role, str(number), str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _two(folder, role):
    """(exit code, stdout, stderr) of each of two processes."""
    port = _free_port()
    with _started(folder, role, 0, port) as first, _started(folder, role, 1, port) as second:
        said = [process.communicate(timeout=240) for process in (first, second)]
        return [(p.returncode, *words) for p, words in zip((first, second), said, strict=True)]


@pytest.mark.devices(8)
def test_two_processes_give_the_numbers_of_one(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    two_processes.numbers(tmp_path / "one")
    first, second = _two(tmp_path / "two", "numbers")
    assert (first[0], second[0]) == (0, 0), first[2] + second[2]
    one = json.loads((tmp_path / "one" / "0.json").read_text())
    both = [json.loads((tmp_path / "two" / f"{i}.json").read_text()) for i in (0, 1)]
    asked = [one.pop("asked"), *(found.pop("asked") for found in both)]
    for found in both:
        for name, expected in one.items():
            for a, b in zip(_leaves(expected), _leaves(found[name]), strict=True):
                np.testing.assert_allclose(b, a, rtol=1e-4, atol=1e-5, err_msg=name)
    assert len(one["fit"]["loss"]) == 1  # one process has asked to stop
    assert set(asked[1]) == set(range(0, 10, 2)) and set(asked[2]) == set(range(1, 10, 2))
    assert "Epoch 1/5" in first[1] and "saving model" in first[1] and "Epoch" not in second[1]
    assert (tmp_path / "two" / "log.csv").read_text().count("\n") == 2
    for name in ("m.h5", "spread-0.h5"):
        assert (tmp_path / "two" / name).exists()
    x = np.ones((2, 4), "float32")
    models = [load_model(tmp_path / folder / "m.h5", compile=False) for folder in ("one", "two")]
    np.testing.assert_allclose(models[0].predict(x), models[1].predict(x), rtol=1e-4, atol=1e-5)
    for model in models:  # a run of two processes goes on in one
        model.load_weights(tmp_path / "two" / "spread-0.h5")
    model = load_model(tmp_path / "two" / "m.h5")
    with pytest.warns(UserWarning, match="devices: 2 then, 8 now"):
        assert checkpoint.restore(model, tmp_path / "two" / "run")["epoch"] == 1


def _leaves(values):
    if not isinstance(values, (dict, list)):
        return [values]
    parts = values.values() if isinstance(values, dict) else values
    return [leaf for part in parts for leaf in _leaves(part)]


def test_a_process_that_dies_ends_the_other_with_a_message(tmp_path):
    (first, second) = _two(tmp_path, "broken")
    assert second[0] == 1 and "The disk is gone." in second[2] and "Process 1 of 2 ends" in second[2]
    assert first[0] != 0 and "has lost another process" in first[2], first[2]


def test_one_process_tells_itself():
    assert processes.count() == 1 and processes.is_first()
    np.testing.assert_array_equal(processes.told([0.1, 2**40 + 1]), [[0.1, 2**40 + 1]])
    with pytest.raises(ValueError, match="peer"), processes.together():
        raise ValueError("peer")
