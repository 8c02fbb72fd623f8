"""Every code block of the five documents, through `import keras`."""

from __future__ import annotations

import ast
import contextlib
import gc
import importlib.util
import inspect
import sys
import unittest.mock

import pytest

import jkeras
from jkeras.compat.legacy_arguments import FAMILIES
from jkeras.core import settings
from tests.datasets import small
from tests.seeds.cases import BLOCKS, CASES, NOT_RUN, PRELUDE, SMALLER, Case


def key(code: str) -> str:
    """What a block says, comments aside."""
    try:
        return ast.dump(ast.parse(code))
    except SyntaxError:
        return code


def is_signature(code: str) -> bool:
    """Whether a block shows how something is called, with the names of its parameters for arguments."""
    try:
        (statement,) = ast.parse(code).body
    except (SyntaxError, ValueError):
        return False
    call = statement.value if isinstance(statement, ast.Expr) else None
    if (
        not isinstance(call, ast.Call)
        or isinstance(call.func, ast.Call)
        or ast.unparse(call.func).startswith("model.")
    ):
        return False
    return all(isinstance(arg, ast.Name) for arg in call.args)


SIGNATURES = {key(code): (place, code) for place, code in BLOCKS.items() if is_signature(code)}


def program(case: Case, line: int) -> str:
    code = BLOCKS[case.document, line]
    for old, new in case.change:
        code = code.replace(old, new)
    for old, new in SMALLER:
        code = code.replace(old, new)
    return code


@pytest.fixture
def keras_is_jkeras(monkeypatch, tmp_path):
    """A folder of one's own, and everything as it was afterwards.

    `replace`: other tests may have imported TensorFlow (`tensorboard` does), and with it another Keras.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    before = settings.image_data_format()
    with jkeras.install_as_keras(replace=True):
        yield
    settings.set_image_data_format(before)


def fetch(needs: tuple[str, ...], monkeypatch, folder) -> None:
    """Skip where a module is missing; data sets are small ones."""
    for name in needs:
        if name.startswith("jkeras.datasets."):
            small.use(folder, monkeypatch)
        if name.endswith("(a stand-in)"):
            monkeypatch.setitem(sys.modules, name.split()[0], unittest.mock.MagicMock())
        elif importlib.util.find_spec(name) is None:
            pytest.skip(f"there is no module {name}")


# Some blocks leave the closing of a file to the garbage collector.
# One document compiles a crossentropy over a layer without an activation.
@pytest.mark.filterwarnings("ignore:Layer .* is the last one and has no activation:UserWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_block(case, keras_is_jkeras, monkeypatch, tmp_path):
    fetch(case.needs, monkeypatch, tmp_path)
    names: dict = {"__name__": "script"}
    exec(PRELUDE + case.given, names)
    warning = pytest.warns(UserWarning, match=case.warns) if case.warns else contextlib.nullcontext()
    with warning:
        for line in case.lines:
            code = compile(program(case, line), f"{case.document}, line {line}", "exec")
            if line not in case.error:
                exec(code, names)
                continue
            kind, pattern = case.error[line]
            with pytest.raises(kind, match=pattern) as caught:
                exec(code, names)
            assert all(isinstance(caught.value, k) for k in (kind if isinstance(kind, tuple) else (kind,)))
    exec(case.then, names)
    names.clear()
    gc.collect()  # here, where the warning is expected, not in a later test


def test_every_block_has_its_place():
    known = {key(BLOCKS[c.document, line]) for c in CASES for line in c.lines} | SIGNATURES.keys()
    known |= {key(BLOCKS[place]) for places in NOT_RUN.values() for place in places}
    missing = [place for place, code in BLOCKS.items() if key(code) not in known]
    assert not missing


def called(function: ast.expr):
    """What a signature of the documents means: a path below `keras`, or a method of a model."""
    path = ast.unparse(function).removeprefix("keras.").split(".")
    if len(path) == 1:
        return getattr(jkeras.models.Sequential, path[0]), True
    thing = jkeras
    for name in path:
        thing = getattr(thing, name)
    return thing, False


@pytest.mark.parametrize(
    "place, code", SIGNATURES.values(), ids=[f"{d}-{n}" for (d, n), _ in SIGNATURES.values()]
)
def test_signature(place, code):
    call = ast.parse(code).body[0].value  # type: ignore[attr-defined]
    thing, method = called(call.func)
    if thing is jkeras.layers.Recurrent:
        with pytest.raises(TypeError, match="LSTM"):  # it refuses to be made, as in Keras 2.2.4
            thing(3)
        return
    here = inspect.signature(thing).parameters
    old = FAMILIES["generator"].renames
    shown = [(a.id, None) for a in call.args if isinstance(a, ast.Name)]
    shown += [(k.arg, k.value) for k in call.keywords]
    for name, value in shown:
        parameter = here.get(name) or here.get(old.get(name, name))
        assert parameter is not None, name
        # Two of the documents are about Keras 1, whose methods had other defaults.
        if value is not None and not method:
            assert parameter.default == ast.literal_eval(value), name
