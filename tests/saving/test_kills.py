"""Trainings that are killed at any moment go on from their files to the bits of one that is not."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_25_kills():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "benchmarks/kills.py", "-n", "25"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.startswith("25 kills") and ": 0" not in done.stdout
