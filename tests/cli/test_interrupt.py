"""A run that is killed or interrupted in the middle goes on to the same bits."""

import signal
import time
from pathlib import Path

import numpy as np
import pytest
import yaml

from jkeras.models import load_model
from jkeras.saving import list_checkpoints
from tests.cli.conftest import CONFIG, begin, write_files

LONG = {
    **CONFIG,
    "fit": {"epochs": 40, "batch_size": 1, "validation": 0.2},
    "output": {"keep": None, "every_steps": 7, "every_epochs": None},
}


def wait_for(condition, process):
    """Wait until something has happened in a process that runs, however slow the machine is."""
    while not condition():
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)


@pytest.fixture(scope="module")
def run_once(tmp_path_factory):
    """A folder with long.yaml, and the weights of the run without interruption."""
    folder = write_files(tmp_path_factory.mktemp("whole"))
    (folder / "long.yaml").write_text(yaml.safe_dump(LONG))
    process = begin("train", "long.yaml", "--run-dir", "whole", cwd=folder)
    out, err = process.communicate()
    assert process.returncode == 0, err
    return folder, load_model(str(folder / "whole" / "model.h5")).get_weights()


@pytest.fixture
def whole(run_once, monkeypatch):
    folder, weights = run_once
    monkeypatch.chdir(folder)
    return weights


def same(run_dir, weights):
    for a, b in zip(load_model(f"{run_dir}/model.h5").get_weights(), weights, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_resume_is_exact(start, whole, signal_number):
    cut = f"cut{signal_number}"
    process = start("train", "long.yaml", "--run-dir", cut)
    wait_for(lambda: len(list_checkpoints(cut)) > 10, process)
    process.send_signal(signal_number)
    out, err = process.communicate()
    assert process.returncode == {signal.SIGINT: 130}.get(signal_number, -signal_number), err
    if signal_number == signal.SIGINT:
        assert err.strip().endswith(f"Go on with: jkeras resume {cut}")
        assert "Traceback" not in err
    assert not (Path(cut) / "model.h5").exists()
    newest = list_checkpoints(cut)[-1]
    assert newest.step > 0  # nearly always inside an epoch; the signal comes when it comes
    resumed = start("resume", cut)
    out, err = resumed.communicate()
    assert resumed.returncode == 0, err
    assert f"Going on from {newest.path}" in err
    assert out.strip().splitlines()[-1].startswith("Test loss: ")
    same(cut, whole)
