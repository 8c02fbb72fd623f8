"""Damaged and hostile files: each is refused in one line, or loads right; in little time and memory."""

import json
import subprocess
import sys
from pathlib import Path

from tests.saving import corpus

COUNT, SEED = 410, 11


def test_changed_files_do_no_harm(tmp_path):
    corpus.outside(tmp_path)
    made = corpus.write(tmp_path, corpus.good(tmp_path / "good"), SEED, COUNT)
    assert len({item["origin"] for item in made}) > 35
    assert len({item["change"] for item in made}) == 14
    (tmp_path / "list.json").write_text(json.dumps(made))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.saving.loading", str(tmp_path)],
        cwd=Path(corpus.__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, f"hangs or dies at: {done.stderr[-2000:]}"
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["bad"] == []
    assert report["count"] == len(made) and 20 < report["loaded"] < report["count"] / 2
