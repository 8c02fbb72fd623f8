"""Docstrings as griffe reads them: our `Example:` is its `Examples:`."""

import re
from typing import Any

import griffe


class Examples(griffe.Extension):
    """Called for each object of which griffe has read the docstring."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rename the section, so that its doctests are shown as code."""
        if obj.docstring is not None:
            obj.docstring.value = re.sub(r"^Example:$", "Examples:", obj.docstring.value, flags=re.MULTILINE)
