"""Docstrings as griffe reads them: our `Example:` is its `Examples:`, an argument is a row."""

import re
from typing import Any

import griffe

SECTION = re.compile(r"^(?:Args|Attributes):\n(?:(?:    .*)?\n?)*", re.MULTILINE)
SEVERAL = re.compile(r"^    (\w+(?:, \w+)+): (.*(?:\n     .*)*)", re.MULTILINE)


def one_by_one(docstring: str) -> str:
    """A docstring in which no two arguments share their words: griffe knows each by its name alone."""

    def entries(found: re.Match[str]) -> str:
        return "\n".join(f"    {name}: {found[2]}" for name in found[1].split(", "))

    return SECTION.sub(lambda section: SEVERAL.sub(entries, section[0]), docstring)


class Examples(griffe.Extension):
    """Called for each object of which griffe has read the docstring."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rename the section, so that its doctests are shown as code; give each argument its row."""
        if obj.docstring is not None:
            text = re.sub(r"^Example:$", "Examples:", obj.docstring.value, flags=re.MULTILINE)
            obj.docstring.value = one_by_one(text)
