"""The guide of serving is true: its commands start what its requests are answered by."""

import dataclasses
import importlib
import re
import shlex
import shutil
from pathlib import Path

import typer

from jkeras import Sequential, layers
from jkeras.cli import app
from tests.cli.conftest import invoke
from tests.serving.conftest import Client
from tests.serving.test_server import EXAMPLE

PAGE = (EXAMPLE.parents[2] / "examples" / "guides" / "en" / "serving.md").read_text("utf-8")


def test_the_commands_of_the_guide(files, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("digits.h5", "models/1/model.h5", "better/model.h5"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Sequential([layers.Dense(2, input_shape=(3,))]).save(name)
    shutil.copy(files.folder / "voice.h5", "voice.h5")
    started = []
    monkeypatch.setattr(
        importlib.import_module("jkeras.cli.serve"), "run", lambda settings, _: started.append(settings)
    )
    client = None
    for line in "\n".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)).splitlines():
        match shlex.split(line):
            case ["jkeras", *words]:
                invoke(*words)
                client = Client(dataclasses.replace(started[-1], max_batch=1))
            case ["curl", *_, "-d", body, address] | ["curl", address, *body]:
                method = "POST" if body else "GET"
                path = re.sub("^http://127.0.0.1:8501", "", address)
                answer = client.run(client.ask(method, path, str(body or "").encode()))
                assert answer.status == 200, answer.said
            case ["cp", "-r", source, target]:
                shutil.copytree(source, target)
                (served,) = client.get("/v1/models/digits").said["model_version_status"][:1]
                assert (served["version"], served["state"]) == ("2", "AVAILABLE")
            case ["python", script, "--server", _]:  # run by tests/serving/test_server.py
                assert (EXAMPLE.parents[2] / script).samefile(EXAMPLE)
    assert len(started) == 3
    assert started[1].signature == "voice_classification" and started[1].outputs == ("scores",)


def test_the_bodies_of_the_guide(two):
    (bodies,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    rows, columns = (two.predict(body.encode()).said for body in bodies.splitlines())
    assert columns["outputs"]["y"] == [row["y"] for row in rows["predictions"]]


def test_the_defaults_of_the_guide():
    known = {p.opts[0]: p.default for p in typer.main.get_command(app).commands["serve"].params}
    told = re.findall(r"`(--[\w-]+)`[^`(.]{0,20}\((\d+)(\s*s)?", PAGE)
    assert len(told) >= 7
    for option, number, seconds in told:
        assert known[option] == int(number) * (1000 if seconds and option.endswith("-ms") else 1), option
