"""The architecture, read off the sources: floors, cycles, purity, size, dependencies."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]

# The floors, from the ground up, as CONTRIBUTING.md shows them.
FLOORS = re.search(r"```floors\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.DOTALL)[1]
FLOOR = {name: number for number, line in enumerate(FLOORS.splitlines()) for name in line.split()}

LONGEST_FILE = 500
LONGEST_FUNCTION = 40


# Modules that import by a name which is computed, and which names these are.
COMPUTED = {
    "jkeras": "its own submodules, when they are first used",
    "jkeras.cli.data": "a data set by name",
    "jkeras.cli.user_code": "the user's module",
    "jkeras.compat.as_keras": "the module behind a path of Keras",
    "jkeras.compat.imported_names": "other packages, as Keras's modules import them",
    "jkeras.compat.module_aliases": "the modules of its table",
    "jkeras.core.extras": "an optional package",
    "jkeras.training.data.pickling": "the modules of a user's function, in a worker process",
}

# Imports inside functions that are meant: what would make `import jkeras` heavy comes late.
LATE = {
    ("jkeras", "jkeras.visualization.notebook"),
    ("jkeras.compat.module_aliases", "jkeras.core.registry"),
}


class Import(NamedTuple):
    """One import of one of our modules: who, of what, in which line, and whether inside a function."""

    source: str
    target: str
    line: int
    hidden: bool

    def __str__(self):
        return f"{self.source} line {self.line} imports {self.target}"


@cache
def modules() -> dict[str, ast.Module]:
    """The parsed sources by dotted name; a package has its own name."""
    found = {}
    for path in sorted((ROOT / "jkeras").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text("utf-8"), str(path))
    return found


def top(name: str) -> str:
    """The part of the package that a module belongs to: `core` for `jkeras.core.types`."""
    return name.split(".")[1] if "." in name else ""


def floor(name: str) -> int:
    """The floor of a module: that of the longest name in the list that it begins with."""
    parts = name.split(".")
    names = [".".join(parts[1:stop]) for stop in range(len(parts), 1, -1)]
    return FLOOR[next((n for n in names if n in FLOOR), "jkeras" if name == "jkeras" else name)]


def targets(node: ast.AST) -> list[str]:
    """The dotted names that an import statement, or a call that imports by a string, mentions (absolute
    imports only, see the test)."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        # `from jkeras.core import atomic` imports the module, if there is one of that name.
        inner = [f"{node.module}.{alias.name}" for alias in node.names]
        return [name if name in modules() else node.module for name in inner]
    name = imported_by_call(node)
    return [name.value] if isinstance(name, ast.Constant) else []


def imported_by_call(node: ast.AST) -> ast.expr | None:
    """The argument of `importlib.import_module(...)` and `__import__(...)`, else None."""
    importing = isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1]
    return node.args[0] if importing in ("import_module", "__import__") else None


def is_for_types(node: ast.AST) -> bool:
    """Whether only the type checker reads a node: `if TYPE_CHECKING:`."""
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def walk(node: ast.AST, inside: bool = False):
    """All nodes below `node` that run, each with whether it stands inside a function."""
    for child in node.orelse if is_for_types(node) else ast.iter_child_nodes(node):
        yield child, inside
        yield from walk(
            child, inside or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        )


@cache
def imports() -> list[Import]:
    return [
        Import(source, target, node.lineno, hidden)
        for source, tree in modules().items()
        for node, hidden in walk(tree)
        for target in targets(node)
        if target.split(".")[0] == "jkeras"
    ]


def none(offences: list[str]) -> None:
    assert not offences, "\n".join(offences)


def functions():
    for name, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield name, node


def test_every_part_has_a_floor():
    for name in modules():
        floor(name)


def test_imports_are_absolute():
    relative = [
        f"{name} line {node.lineno}"
        for name, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    none(relative)


def test_no_import_goes_up():
    none([str(i) for i in imports() if floor(i.target) > floor(i.source)])


def test_types_look_up_to_nothing_but_layers():
    """What only the checker reads may name a higher floor where the thing itself goes around: the engine runs
    layers, whose class stands on it."""
    up = {
        i.target
        for name, tree in modules().items()
        for block in ast.walk(tree)
        if is_for_types(block)
        for node in block.body
        for i in (Import(name, target, node.lineno, False) for target in targets(node))
        if i.target in modules() and floor(i.target) > floor(name)
    }
    assert up == {"jkeras.engine.base_layer", "jkeras.engine.graph", "jkeras.engine.layer.weights"}


def test_no_import_hides_in_a_function():
    # The command line may be lazy, so that its --help is quick; it is the highest floor, no cycle passes it.
    hidden = [i for i in imports() if i.hidden and top(i.source) != "cli"]
    none([str(i) for i in hidden if (i.source, i.target) not in LATE])
    assert LATE <= {(i.source, i.target) for i in hidden}


def test_imports_by_a_computed_name():
    computing = {
        name
        for name, tree in modules().items()
        for node in ast.walk(tree)
        if imported_by_call(node) is not None and not isinstance(imported_by_call(node), ast.Constant)
    }
    assert computing == set(COMPUTED)


def test_no_cycle():
    graph: dict[str, set[str]] = {name: set() for name in modules()}
    for i in imports():
        graph[i.source].add(i.target)
    done: set[str] = set()

    def visit(name, path):
        assert name not in path, " -> ".join([*path[path.index(name) :], name])
        if name not in done:
            for target in sorted(graph.get(name, ())):
                visit(target, [*path, name])
            done.add(name)

    for name in graph:
        visit(name, [])


def test_pure_functions_see_no_shell():
    """In a layer's `formula()`, `apply` and its helpers read hyperparameters from locals, not from `self`.

    (A model's `apply` runs its graph, which is the model itself.)
    """
    impure = [
        f"{name} line {node.lineno}: {function.name} reads `self`"
        for name, method in functions()
        if top(name) == "layers" and method.name == "formula"
        for function in ast.walk(method)
        if isinstance(function, ast.FunctionDef) and function is not method and function.name != "init"
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and node.id == "self"
    ]
    none(impure)


def test_apply_has_no_clock_and_no_global_randomness():
    impure = [
        f"{name} line {node.lineno}: {ast.unparse(node)}"
        for name, function in functions()
        if function.name == "apply"
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute)
        and re.match(r"(np|numpy)\.random|time\.|random\.random", ast.unparse(node))
    ]
    none(impure)


@pytest.mark.parametrize(
    "name, home",
    [
        ("pmap", "jkeras.training.devices"),
        ("device_put_replicated", None),
        ("device_put_sharded", None),
        ("_src", None),
    ],
)
def test_what_has_one_home_or_none(name, home):
    found = {
        module
        for module, tree in modules().items()
        for node in ast.walk(tree)
        if name in (getattr(node, "attr", None), getattr(node, "id", None))
        or isinstance(node, ast.ImportFrom | ast.Import)
        and any(name in alias.name.split(".") for alias in node.names)
        or isinstance(node, ast.ImportFrom)
        and name in (node.module or "").split(".")
    }
    assert found <= {home}


def test_files_and_functions_are_small():
    long_files = [
        f"{path.relative_to(ROOT)}: {lines} lines"
        for folder in ("jkeras", "tests", "examples", "benchmarks")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if (lines := path.read_text("utf-8").count("\n")) > LONGEST_FILE
    ]
    long_functions = []
    for name, node in functions():
        body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
        lines = (node.end_lineno or 0) - body[0].lineno + 1
        if lines > LONGEST_FUNCTION:
            long_functions.append(f"{name} line {node.lineno} {node.name}: {lines} lines")
    none(long_files + long_functions)


def test_optional_packages_are_imported_late():
    """At import time only the standard library and what pyproject.toml requires."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    required = {re.match(r"[\w-]+", line)[0].lower() for line in project["dependencies"]}
    allowed = (
        {"yaml" if name == "pyyaml" else name for name in required} | {"jkeras"} | sys.stdlib_module_names
    )
    early = [
        f"{name} line {node.lineno}: {target}"
        for name, tree in modules().items()
        for node, hidden in walk(tree)
        if not hidden
        for target in targets(node)
        if target.split(".")[0] not in allowed
    ]
    none(early)
