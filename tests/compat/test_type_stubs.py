"""Stubs of the modules of Keras whose names the table brings: each is what the module has when it runs."""

import ast
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STUBS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "jkeras").rglob("*.pyi"))


@pytest.mark.parametrize("stub", STUBS)
def test_stub_has_the_names_of_its_module(stub):
    module = importlib.import_module(stub.removesuffix(".pyi").removesuffix("/__init__").replace("/", "."))
    for node in ast.parse((ROOT / stub).read_text("utf-8")).body:
        home = importlib.import_module(node.module)
        names = {a.asname: a.name for a in node.names}
        if names == {None: "*"}:
            names = {n: n for n in vars(home) if not n.startswith("_")}
        assert {theirs: getattr(module, theirs) for theirs in names} == {
            theirs: getattr(home, ours) for theirs, ours in names.items()
        }


def test_there_are_stubs():
    assert "jkeras/engine/topology.pyi" in STUBS
