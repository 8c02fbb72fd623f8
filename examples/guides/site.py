"""The parts of the site that jkeras writes about itself: mkdocs fills in the `{{ name }}` of a page.

`{{ commands }}` stands for all commands with their arguments and options, `{{ reference jkeras.layers }}` for
the docstrings of a module's public names, `{{ examples }}` for pictures and code of the examples, and
`{{ figures FILE }}` for a page of measurements. In a Chinese page `{{ rows PAGE }}` stands for the tables of
the English one that a test or a script keeps true, with the words of `zh/rows.yml`.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from pathlib import Path
from typing import Any

import typer
import yaml

from jkeras.cli import app

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


def commands() -> str:
    """Every command: its text, how it is called, its arguments and options with their help."""
    known = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    return "\n\n".join(_command(name, command) for name, command in sorted(known.items()))


def _command(name: str, command: Any) -> str:
    context = command.context_class(command, info_name=name)
    usage = " ".join(command.collect_usage_pieces(context))
    records = [p.get_help_record(context) for p in command.get_params(context)]
    rows = [f"| `{of}` | {' '.join(words.split())} |" for of, words in filter(None, records)]
    table = "\n".join(["| | |", "|---|---|", *rows])
    return f"## {name}\n\n{command.help}\n\n```text\njkeras {name} {usage}\n```\n\n{table}"


def public(module: str) -> list[str]:
    """The names that a module exports or defines, where their docstrings are: `jkeras.layers.core.Dense`."""
    found = importlib.import_module(module)
    tree = ast.parse(inspect.getsource(found))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names = {a.name for node in imports for a in node.names if a.asname == a.name}
    names |= {node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    things = {name: getattr(found, name) for name in names if not name.startswith("_")}
    return [
        f"{thing.__module__}.{name}"
        for name, thing in sorted(things.items(), key=lambda item: item[0].lower())
        if (inspect.isclass(thing) or inspect.isfunction(thing)) and thing.__name__ == name and thing.__doc__
    ]


def reference(module: str) -> str:
    """Directives of mkdocstrings for the public names of a module."""
    return "\n\n".join(f"::: {name}" for name in public(module))


def examples(label: str = "The script") -> str:
    """A heading, the words of the script, its picture and its code below a label, for each example."""
    scripts = sorted(EXAMPLES.glob("[!_]*.py")) + sorted((EXAMPLES / "research").glob("[!_]*.py"))
    return "\n\n".join(_example(path, label) for path in scripts if path.name != "digits.py")


def _example(path: Path, label: str) -> str:
    code = path.read_text("utf-8")
    words = inspect.cleandoc(ast.get_docstring(ast.parse(code)) or "")
    picture = EXAMPLES / "guides" / "en" / "pictures" / f"{path.stem}.svg"
    shown = f"![{path.stem}](pictures/{picture.name})\n\n" if picture.exists() else ""
    inside = "\n".join(f"    {line}".rstrip() for line in code.splitlines())
    head = f"## {path.relative_to(EXAMPLES)}\n\n{words}\n\n{shown}"
    return f'{head}??? example "{label}"\n\n    ```python\n{inside}\n    ```'


def figures(file: str) -> str:
    """A page of measurements as a part of another: a level deeper, without links to its neighbours."""
    text = re.sub(r"\[([^]]+)\]\((?!http)[^)]+\)", r"\1", (ROOT / file).read_text("utf-8"))
    return re.sub(r"^#", "##", text, flags=re.MULTILINE)


def rows(page: str) -> str:
    """The tables of an English page, or what a script has written into it, in Chinese words."""
    guides = EXAMPLES / "guides"
    text = (guides / "en" / page).read_text("utf-8")
    written = re.search(r"<!-- rows -->\n+(.*?)\n+<!-- end of rows -->", text, re.DOTALL)
    table = written[1] if written else "\n".join(re.findall(r"^\|.*\|$", text, re.MULTILINE))
    words = yaml.safe_load((guides / "zh" / "rows.yml").read_text("utf-8"))
    phrase = re.compile("|".join(map(re.escape, sorted(words, key=len, reverse=True))))
    ends = re.compile(r"(?<=\| )[^|]*(?= \|$)|^#+ .*$|^\| [^|`]+(?= \|)", re.MULTILINE)
    return ends.sub(lambda m: phrase.sub(lambda p: words[p[0]], m[0]), table)


FILLED = {fill.__name__: fill for fill in (commands, examples, figures, reference, rows)}

PLACE = re.compile(r"^\{\{ (\w+)(?: ([\w./]+))? \}\}$", re.MULTILINE)


def filled(markdown: str) -> str:
    """A page with everything that stands between double braces written out."""
    return PLACE.sub(lambda m: FILLED[m[1]](*([m[2]] if m[2] else [])), markdown)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Called by mkdocs for each page."""
    return filled(markdown)
