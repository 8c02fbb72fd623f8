"""Every file made to harm is a `ValueError` that names the file: soon, in little memory, and nothing ran."""

import json
import subprocess
import sys
from pathlib import Path

from tests.saving import hostile


def test_every_hostile_file_is_refused_in_little_time_and_memory(tmp_path):
    made = hostile.write(tmp_path)
    (tmp_path / "list.json").write_text(json.dumps([str(path) for path in made]))
    root = Path(hostile.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.saving.hostile", str(tmp_path)],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, f"hangs or dies after: {done.stderr[-2000:]}"
    report = json.loads(done.stdout)
    assert len(report["outcome"]) == len(made)
    assert {name: said for name, said in report["outcome"].items() if said} == {}
    assert report["memory"] < 512
