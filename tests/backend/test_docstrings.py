"""Every K function says what it takes, what it gives and where it comes from; doctests run the examples."""

from __future__ import annotations

import inspect
import re

import pytest

from jkeras import backend as K

NAMES = sorted(n for n, f in vars(K).items() if inspect.isfunction(f) and not n.startswith("_"))


@pytest.mark.parametrize("name", NAMES)
def test_docstring(name):
    function = getattr(K, name)
    text = inspect.getdoc(function)
    assert re.search(rf"^(Source: .*)?Keras (2\.2\.4|3): keras/[\w/.]+ .*\b{name}\b", text, re.M)
    assert "\nExample:\n    >>> " in text
    # `x, y: arrays` says two parameters at once.
    said = {p for line in re.findall(r"^    ([*\w, ]+): ", text, re.M) for p in line.split(", ")}
    assert {p.lstrip("*") for p in said} >= set(inspect.signature(function).parameters)
