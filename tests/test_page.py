"""CONTRIBUTING.md is true: what it names exists, its layer works."""

from __future__ import annotations

import re

import numpy as np
import pytest

import jkeras
from tests.test_floors import ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)
CODE = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL))
PATHS = {
    p for code in CODE for p in re.findall(r"(?<![\w./-])[\w.]*\w/[\w./-]*|[\w/-]+\.(?:py|md|toml)\b", code)
}


def exists(path: str) -> bool:
    return (ROOT / path).exists() or (ROOT / "jkeras" / path).exists()


def test_every_path_named_exists():
    assert len(PATHS) > 50
    assert not [path for path in sorted(PATHS) if not exists(path)]


def test_every_link_leads_somewhere():
    for page in ("CONTRIBUTING.md", "README.md"):
        targets = re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text("utf-8"))
        assert targets and not [t for t in targets if not (ROOT / t).exists()]
    assert "(CONTRIBUTING.md)" in (ROOT / "README.md").read_text("utf-8")


def test_the_page_is_short():
    assert PAGE.count("\n") <= 200


def test_names_named_beside_a_file_are_in_it():
    """`draw` of `engine/base_layer.py`: said of a file, true of the file."""
    said = re.findall(r"`(\w+)`(?: and `(\w+)`)? (?:of|in) `([\w/]+\.py)`", PAGE)
    assert said
    for *names, path in said:
        source = (ROOT / "jkeras" / path).read_text("utf-8")
        assert not [
            n for n in names if n and not re.search(rf"^(?:def|class) {n}\b|^{n}\b.* = ", source, re.M)
        ]


@pytest.fixture
def scale():
    """The layer of the page, made by its very text."""
    source = next(text for kind, text in BLOCKS if kind == "python")
    head = (
        "from jkeras import initializers\n"
        "from jkeras.core.types import INFERENCE, Out, Pair\n"
        "from jkeras.engine.base_layer import Layer, draw\n"
        "from jkeras.primitives.numeric import widened\n"
    )
    scope: dict = {"__name__": __name__}
    exec(head + source, scope)
    return scope["Scale"]


def test_the_layer_works(scale, tmp_path):
    model = jkeras.Sequential([scale("zeros", input_shape=(3,)), jkeras.layers.Dense(2)])
    assert model.layers[0].get_config()["factor_initializer"]["class_name"] == "Zeros"
    model.compile("sgd", "mse")
    x = np.ones((4, 3), "float32")
    assert not model.predict(x).any()
    model.fit(x, np.ones((4, 2)), verbose=0)
    model.save(tmp_path / "scaled.h5")
    again = jkeras.models.load_model(tmp_path / "scaled.h5", {"Scale": scale})
    np.testing.assert_array_equal(again.predict(x), model.predict(x))


def test_the_version_has_a_heading_with_a_date():
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    headings = re.findall(r"^## \[(.*?)\](?: - (\d{4}-\d\d-\d\d))?$", text, re.MULTILINE)
    assert headings[0] == ("Unreleased", "")
    assert headings[1][0] == jkeras.__version__ and headings[1][1]
    kinds = re.findall(r"^### (.*)$", text, re.MULTILINE)
    assert kinds[-3:] == ["Added", "Changed", "Fixed"]
    released = text[text.index("## [0.") :]
    in_areas = re.sub(r"^[A-Z][^\n]*\n(?:[- ] [^\n]*\n)+", "", released, flags=re.MULTILINE)
    assert "\n- " not in in_areas, "an entry without an area"
