"""`jkeras docs` where it cannot build the site: it says what to do."""

import pytest

from jkeras.cli import docs
from tests.cli.conftest import invoke
from tests.test_floors import ROOT


def test_a_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setattr(docs, "NEEDED", ("no_such_builder.inside", "mkdocs"))
    assert 'no_such_builder: pip install "jkeras[docs]"' in invoke("docs", code=2).err


def test_without_the_repository_it_says_where_the_guides_are(monkeypatch, tmp_path):
    monkeypatch.setattr(docs, "__file__", str(tmp_path / "jkeras" / "cli" / "docs.py"))
    assert "clone the repository" in invoke("docs", code=2).err


@pytest.mark.parametrize(("code", "words"), [(0, ""), (1, "mkdocs says why")])
def test_the_builder_is_told_what_the_command_says(code, words, monkeypatch, tmp_path):
    monkeypatch.setattr(docs, "NEEDED", ("json",))
    told = []

    def run(command, **_):
        told.extend(command)
        return type("Done", (), {"returncode": code})

    monkeypatch.setattr(docs.subprocess, "run", run)
    said = invoke("docs", "--no-open", "--strict", "--output", tmp_path / "site", code=2 if code else 0)
    assert str(ROOT / "examples" / "mkdocs.yml") in told and str(tmp_path / "site") in told
    assert told[-1] == "--strict"
    assert (words in said.err) if code else said.out.strip() == str(tmp_path / "site" / "index.html")
