"""Docstrings say what a thing is: they begin with a noun or a verb."""

import ast
import re

from tests.test_floors import modules, none

# A question leaves the type open: "What compile makes" may be a list, a class or a context.
QUESTION = re.compile(r"(What|Where|Which)\b")


def test_docstrings_begin_with_a_noun_or_verb():
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    none(
        [
            f"{name}: {text.splitlines()[0]}"
            for name, tree in modules().items()
            for node in ast.walk(tree)
            if isinstance(node, kinds) and QUESTION.match(text := ast.get_docstring(node) or "")
        ]
    )
