"""The guides are true: their code runs and prints what they say, their links lead somewhere, and both
languages show the same."""

from __future__ import annotations

import ast
import contextlib
import gc
import importlib.util
import re
import shlex
import sys
from pathlib import Path

import pytest
import yaml

from jkeras.cli import app
from tests.cli.conftest import invoke
from tests.seeds.cases import BLOCKS

FOLDER = Path(__file__).parents[2] / "examples" / "guides"
PAGES = {str(path.relative_to(FOLDER).with_suffix("")): path for path in sorted(FOLDER.rglob("*.md"))}
ENGLISH = {name[3:]: path.read_text("utf-8") for name, path in PAGES.items() if name.startswith("en/")}
CHINESE = {name[3:]: path.read_text("utf-8") for name, path in PAGES.items() if name.startswith("zh/")}
# Pages whose rows, or whose commands with a server, are run by tests of their own.
ELSEWHERE = {"idioms": "tests/test_idioms.py", "serving": "tests/serving/test_guide.py"}
SCRIPTS = sorted([*FOLDER.parent.glob("[!_]*.py"), *FOLDER.parent.glob("research/[!_]*.py")])
EXAMPLES = [str(path.relative_to(FOLDER.parent)) for path in SCRIPTS if path.name != "digits.py"]
FENCE = re.compile(r"^( *)```(\w+)[^\n]*\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


def blocks(page: str, *kinds: str) -> list[tuple[int, str, str]]:
    """(line, kind, code) of a page's code."""
    return [
        (page.count("\n", 0, m.start()) + 2, m[2], re.sub(rf"^{m[1]}", "", m[3], flags=re.MULTILINE))
        for m in FENCE.finditer(page)
        if not kinds or m[2] in kinds
    ]


def console(code: str) -> None:
    """Run the commands of a block in this process; what would install something is left to `.ci/run`."""
    for line in re.sub(r"\\\n", "", code).splitlines():
        words = shlex.split(line.removeprefix("$ "), comments=True)
        if not line.startswith("$ ") or words[0] != "jkeras":
            assert not line.startswith("$ ") or words[0] in ("pip", "python3", "python", "."), line
        elif words[1:3] != ["train", "examples/digits.yaml"]:  # the main job, which `.ci/run` runs
            invoke(*words[1:])


def run(name: str, page: str) -> None:
    """Run a page from top to bottom; `print(x)  # y` has to print y."""
    scope: dict = {"__name__": f"guide_{name}"}
    expected: dict[int, str] = {}

    def checked_print(*values, **options):
        said = expected.get(sys._getframe(1).f_lineno)
        if said is not None and sys._getframe(1).f_globals is scope:
            assert " ".join(map(str, values)) == said

    scope["print"] = checked_print
    for line, kind, code in blocks(page):
        if kind == "console":
            console(code)
        if kind == "yaml":
            Path(page.splitlines()[line - 2].split('"')[1]).write_text(code)
        if kind != "python":
            continue
        expected.clear()
        for number, text in enumerate(code.splitlines()):
            if found := re.match(r"print\(.*\)  # (.+)$", text):
                expected[line + number] = found[1]
        exec(compile("\n" * (line - 1) + code, f"{name}.md", "exec"), scope)
    for row in re.findall(r"^\| .* \| (.*) \|$", page, re.MULTILINE) if name.startswith("from/") else []:
        for code in re.findall(r"`([^`]+\(.*?|[^`]*import[^`]*)`", row):
            exec(code.replace("\\|", "|"), scope)
    scope.clear()
    gc.collect()


def needs(page: str) -> set[str]:
    """Packages that a page imports and that may be missing."""
    optional = ("matplotlib", "pydot", "PIL", "pandas", "sklearn", "torch", "flax", "scipy")
    return {name for name in optional if re.search(rf"^(?:import|from) {name}\b", page, re.MULTILINE)}


@pytest.mark.parametrize("name", sorted(ENGLISH.keys() - ELSEWHERE.keys()))
@pytest.mark.broadcasts  # as a reader runs them
def test_page(name, monkeypatch, tmp_path):
    for package in needs(ENGLISH[name]):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"there is no {package}")
    monkeypatch.chdir(tmp_path)
    with contextlib.ExitStack() as put_back:
        if (package := sys.modules.get("matplotlib.pyplot")) is not None:
            put_back.callback(package.close, "all")
        run(name, ENGLISH[name])


@pytest.fixture(scope="module")
def site():
    spec = importlib.util.spec_from_file_location("guides_site", FOLDER / "site.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def without_comments(code: str) -> str:
    return ast.dump(ast.parse(code))


@pytest.mark.parametrize("name", sorted(CHINESE))
def test_chinese_page_shows_the_same(name, site):
    """The same code in the same order, so that running it once is enough; as many headings and rows."""
    english, chinese = ENGLISH[name], CHINESE[name]
    if "\n{{ rows " in chinese:
        chinese = site.filled(chinese)
        assert not re.search(r"\b(works|runs|refused)\b[^|]* \|$", chinese, re.MULTILINE)
    here, there = blocks(english), blocks(chinese)
    assert [kind for _, kind, _ in here] == [kind for _, kind, _ in there]
    for (_, kind, a), (_, _, b) in zip(here, there, strict=True):
        assert without_comments(a) == without_comments(b) if kind == "python" else a == b
    for mark in (r"^#+ ", r"^\|"):
        assert len(re.findall(mark, english, re.MULTILINE)) == len(re.findall(mark, chinese, re.MULTILINE))
    assert re.search(r"[\u4e00-\u9fff]", chinese)


def anchors(page: str) -> set[str]:
    """The anchors of a page's headings, as Markdown's table of contents makes them."""
    heads = re.findall(r"^#+ (.*)$", FENCE.sub("", page), re.MULTILINE)
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", head).strip().lower()) for head in heads}


def test_every_link_leads_somewhere():
    wrong = []
    for name, path in PAGES.items():
        text = FENCE.sub("", path.read_text("utf-8"))
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if target.startswith(("http://", "https://")):
                continue
            page, _, anchor = target.partition("#")
            place = (path.parent / page).resolve() if page else path
            english = FOLDER / "en" / place.relative_to(FOLDER / name[:2]) if page else path
            if not place.exists() and not english.exists():  # where there is no translation, the original
                wrong.append(f"{name}: {target}")
            elif anchor and anchor not in anchors((place if place.exists() else english).read_text("utf-8")):
                wrong.append(f"{name}: {target}")
    assert not wrong


# The chapters of the five documents: the pages, and the lines of their code (document, first, last).
CHAPTERS = {
    "quickstart": [("003", 1, 56)],
    "faq": [("003", 57, 289)],
    "concepts": [("003", 290, 373)],
    "functional": [("003", 374, 763), ("001", 1107, 1386), ("001", 1861, 2011)],
    "sequential": [
        *(("003", 764, 1132), ("000", 1, 135), ("000", 600, 859), ("001", 184, 318), ("001", 830, 1106)),
        *(("002", 1, 60), ("004", 1, 394)),
    ],
    "about_layers": [("003", 1133, 1168)],
    "convolutional": [("003", 1169, 1267)],
    "core": [("003", 1268, 1527)],
    "embedding": [("003", 1528, 1567)],
    "local": [("003", 1568, 1573)],
    "merge": [("003", 1574, 1780)],
    "noise": [("003", 1781, 1830)],
    "normalization": [("003", 1831, 1860)],
    "pooling": [("003", 1861, 1895)],
    "recurrent": [("003", 1896, 2052)],
    "wrappers": [("003", 2053, 2109)],
    "model": [("003", 2110, 2229), ("001", 1, 183), ("001", 1387, 1860)],
    "sequential_methods": [("003", 2230, 2389), ("000", 136, 599), ("001", 319, 829), ("002", 61, 338)],
    "losses": [("003", 2390, 2472)],
    "metrics": [("003", 2473, 2502)],
    "optimizers": [("003", 2503, 2624)],
    "activations": [("003", 2625, 2797)],
    "callbacks": [("003", 2798, 2801)],
    "datasets": [("003", 2802, 2988)],
    "applications": [("003", 2989, 2991)],
    "initializers": [("003", 2992, 2994)],
    "regularizers": [("003", 2995, 3040)],
    "visualization": [("003", 3041, 3093)],
    "saving": [("001", 2012, 2636)],
    "ensembles": [("001", 2637, 2652)],
    "devices": [("001", 2653, 2903)],
}  # fmt: skip
# A name of Keras 1, which the pages leave to the tests of the snippets themselves.
FOREIGN = {"Convolution2D"}


def names(code: str) -> set[str]:
    """The functions, classes and methods of Keras that a block imports or calls."""
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return set()
    imports = [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
    imported = {a.name for n in imports if (n.module or "").startswith("keras") for a in n.names}
    called = [n.func for n in ast.walk(tree) if isinstance(n, ast.Call)]
    attributes = [f for f in called if isinstance(f, ast.Attribute)]
    ours = ("keras.", "K.", "model.", "layers.")
    return imported | {f.attr for f in attributes if ast.unparse(f).startswith(ours)}


def test_every_chapter_has_its_page_and_every_page_both_languages():
    assert {f"chapters/{name}" for name in CHAPTERS} == {n for n in ENGLISH if n.startswith("chapters/")}
    assert ENGLISH.keys() == CHINESE.keys()
    covered = [(d, a, b) for ranges in CHAPTERS.values() for d, a, b in ranges]
    assert not [(d, n) for d, n in BLOCKS if not any(d == e and a <= n <= b for e, a, b in covered)]


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_shows_what_its_snippets_use(name):
    page = ENGLISH[f"chapters/{name}"]
    wanted = {
        word
        for (document, line), code in BLOCKS.items()
        if any(document == d and a <= line <= b for d, a, b in CHAPTERS[name])
        for word in names(code)
    }
    assert not [word for word in sorted(wanted - FOREIGN) if not re.search(rf"\b{word}\b", page)]


def test_the_site_fills_in_what_the_pages_ask_for(site):
    pages = {name: site.filled(text) for name, text in ENGLISH.items() if "\n{{ " in text}
    assert not [name for name, text in pages.items() if "{{ " in text]
    commands = [c.name or c.callback.__name__ for c in app.registered_commands]
    assert len(commands) > 10
    assert not [name for name in commands if f"\n## {name}\n" not in pages["commands"]]
    assert "--epochs <int>" in pages["commands"]
    assert all(name in pages["reference/layers"] for name in ("jkeras.layers.core.Dense", ".LSTM"))
    assert all(text.count("\n::: ") > 2 for name, text in pages.items() if name.startswith("reference/"))
    assert "class " in pages["gallery"] and pages["gallery"].count("??? example") == len(EXAMPLES)
    assert pages["performance"].count("\n## ") >= 3


def test_the_gallery_names_every_example():
    """And its pictures are as large as what is drawn on them."""
    drawn = [path.read_text("utf-8") for path in (FOLDER / "en" / "pictures").glob("*.svg")]
    assert len(drawn) > 25 and all("scale(" not in text for text in drawn)
    assert not [name for name in EXAMPLES if f"`{name}`" not in ENGLISH["gallery"]]


def test_the_menu_names_every_page():
    settings = yaml.load((FOLDER.parent / "mkdocs.yml").read_text("utf-8"), yaml.SafeLoader)

    def leaves(entry):
        children = entry.values() if isinstance(entry, dict) else entry
        return [entry] if isinstance(entry, str) else [leaf for child in children for leaf in leaves(child)]

    assert {f"{name}.md" for name in ENGLISH} == set(leaves(settings["nav"]))
