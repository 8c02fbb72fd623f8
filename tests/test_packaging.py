"""What is said about the package is true: extras, size, versions, papers beside it."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
import zlib
from functools import cache

import pytest
import yaml

import jkeras
from tests.test_floors import ROOT, modules

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
# Extras of packages that jkeras itself never imports, and what does.
OTHERS = {
    "cuda": "jax",
    "dev": "who changes jkeras",
    "examples": "examples/",
    "loaders": "the tests of foreign batches",
    "modules": "examples/research/",
    "safetensors": "nobody: empty since jkeras reads these files itself",
    "tensorboard": "who looks at the events that jkeras writes itself",
    "test": "the tests",
}
IMPORTED_AS = {
    "ai-edge-litert": "ai_edge_litert",
    "grpcio": "grpc",
    "mkdocs-material": "material",
    "mkdocs-static-i18n": "mkdocs_static_i18n",
    "mkdocstrings": "mkdocstrings_handlers",
    "pillow": "PIL",
    "protobuf": "google",
    "scikit-learn": "sklearn",
    "tf-keras": "tf_keras",
}
# Imported by another package, of the same extra or required, for what jkeras asks of that one.
BY_ANOTHER = {"flatbuffers": "jax", "httptools": "uvicorn", "pyarrow": "pandas"}


# A promise of SECURITY.md by the beginning of its row: the tests that hold it.
PROMISES = {
    "`load_model`": ("saving/test_hostile", "every_hostile_file_is_refused_in_little_time_and_memory"),
    "a `Lambda` layer": ("saving/test_bytecode", "bytecode_is_refused_and_the_error_says_what_to_do"),
    "classes of your own": (
        "saving/test_bytecode",
        "a_file_may_not_name_any_function_that_the_process_has_used",
    ),
    "sizes that a file claims": ("saving/test_sizes", "nothing_of_another_shape_is_read"),
    "data sets in `~/.keras`": ("datasets/test_pickles", "everything_else_is_refused"),
    "data sets and weights": ("utils/test_download", "a_redirection_does_not_leave_https"),
    "archives": ("utils/test_data_utils", "an_archive_that_is_not_safe_is_refused_whole"),
    "a configuration": ("cli/test_own_work", "a_file_never_names_code"),
    "`jkeras.export.load`": ("export/test_stablehlo", "nothing_in_it_runs_python"),
    "`jkeras serve`": ("serving/test_server", "clients_that_behave_badly"),
}


def packages(extra: str) -> set[str]:
    names = {re.match(r"[\w-]+", line)[0].lower() for line in EXTRAS[extra]} - {"jkeras"}
    return {IMPORTED_AS.get(name, name) for name in names}


def strings(tree: ast.AST) -> set[str]:
    """The first parts of all texts that could be modules' names."""
    texts = (n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str))
    return {text.partition(".")[0] for text in texts if re.fullmatch(r"[\w.]+", text)}


@cache
def imported() -> set[str]:
    """The first parts of all modules that are imported by a statement."""
    nodes = [node for tree in modules().values() for node in ast.walk(tree)]
    named = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}
    named |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return {name.partition(".")[0] for name in named if name}


def test_extras_bring_what_their_code_imports():
    """Each package is named in a module that names its extra, or imported by a statement."""
    naming: dict[str, set[str]] = {extra: set() for extra in EXTRAS.keys() - OTHERS.keys()}
    for name, tree in modules().items():
        text = (ROOT / "jkeras" / name.removeprefix("jkeras").lstrip(".").replace(".", "/")).with_suffix(
            ".py"
        )
        source = text.read_text("utf-8") if text.is_file() else ""
        for extra, names in naming.items():
            if f'"{extra}"' in source or f"jkeras[{extra}]" in source:
                names |= strings(tree)
    for extra, names in naming.items():
        missing = packages(extra) - names - imported() - BY_ANOTHER.keys()
        assert not missing, f"the extra {extra} brings {missing}, which nothing imports"
        users = {BY_ANOTHER[name] for name in packages(extra) & BY_ANOTHER.keys()}
        assert users <= packages(extra) | {"jax"}


def test_every_optional_import_names_an_extra_that_brings_it():
    found = 0
    for name, tree in modules().items():
        for call in (n for n in ast.walk(tree) if isinstance(n, ast.Call) and len(n.args) == 3):
            if getattr(call.func, "attr", getattr(call.func, "id", "")) != "module":
                continue
            what, extra, _ = call.args
            parts = what.values[:1] if isinstance(what, ast.JoinedStr) else [what]
            if isinstance(extra, ast.Constant) and isinstance(parts[0], ast.Constant):
                found += 1
                assert parts[0].value.split(".")[0] in packages(extra.value) | BY_ANOTHER.keys(), name
    assert found > 8


def test_nothing_but_dependencies_and_extras_is_imported():
    known = set().union(*map(packages, EXTRAS)) | sys.stdlib_module_names | {"jkeras", "yaml"}
    known |= {re.match(r"[\w-]+", line)[0].lower() for line in PROJECT["dependencies"]}
    assert not imported() - known


def test_the_wheel_is_small():
    """Code, the digits and nothing else; as deflated, which is what a wheel is."""
    files = [p for p in (ROOT / "jkeras").rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    assert {path.suffix for path in files} == {".py", ".pyi", ".npz", ".typed"}
    assert sum(len(zlib.compress(path.read_bytes())) for path in files) < 1_300_000
    assert ROOT / "jkeras" / "py.typed" in files


def test_the_papers_name_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert citation["version"] == jkeras.__version__ and citation["license"] == PROJECT["license"]
    assert {"title", "authors", "message", "cff-version"} <= citation.keys()


def test_the_table_of_pythons_is_that_of_the_package_and_of_ci():
    table = re.findall(r"^\| (3\.\d+) \|", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    said = [c.rsplit(" ", 1)[1] for c in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", c)]
    assert table == said and PROJECT["requires-python"] == f">={table[0]}"
    ci = (ROOT / ".ci" / "run").read_text("utf-8")
    assert all(f"fast_part {version}" in ci for version in table[1:])


@pytest.mark.parametrize("page", ["README.md", "README.zh.md"])
def test_readmes(page):
    """Both are short; the Chinese one shows code of the English one, which `.ci/run` runs."""
    text = (ROOT / page).read_text("utf-8")
    assert text.count("\n") <= 200
    blocks = re.findall(r"```\w+\n.*?```", text, re.DOTALL)
    english = (ROOT / "README.md").read_text("utf-8")
    assert len(blocks) >= 5 and all(block in english for block in blocks)
    targets = re.findall(r"\]\(([^)#:]+)\)", text)
    assert targets and not [t for t in targets if not (ROOT / t).exists()]


def test_every_promise_of_security_is_one_that_a_test_holds():
    rows = re.findall(
        r"^\| (?!\||promise|---)(.+?) \| (?!promise)", (ROOT / "SECURITY.md").read_text("utf-8"), re.M
    )
    left = [row for row in rows if not any(row.startswith(begin) for begin in PROMISES)]
    assert not left and len(rows) == len(PROMISES)
    for file, name in PROMISES.values():
        assert f"\ndef test_{name}(" in (ROOT / "tests" / f"{file}.py").read_text("utf-8"), name
