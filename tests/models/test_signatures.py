"""What a type checker says of scripts: each mistake is an error, and what is right is none."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.models.mistaken_script import MISTAKES
from tests.models.right_script import RIGHT

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def errors(tmp_path_factory):
    """`{script: {(line, rule)}}`, where the package is another one's, as for who has installed it."""
    pytest.importorskip("pyright")
    folder = tmp_path_factory.mktemp("scripts")
    scripts = {"right.py": RIGHT, "mistakes.py": MISTAKES}
    for name, text in scripts.items():
        (folder / name).write_text(text)
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--outputjson", *scripts]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)
    found = {name: set() for name in scripts}
    for told in json.loads(run.stdout)["generalDiagnostics"]:
        if told["severity"] == "error":
            name = Path(told["file"]).name
            line = scripts[name].splitlines()[told["range"]["start"]["line"]]
            found[name].add((line, told["rule"]))
    return found


def test_right_scripts_have_no_errors(errors):
    assert errors["right.py"] == set()


def test_each_mistake_is_an_error_of_its_rule(errors):
    assert errors["mistakes.py"] == {
        (line, rule) for line in MISTAKES.splitlines() for rule in re.findall(r"# (report\w+)$", line)
    }
