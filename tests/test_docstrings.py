"""Docstrings say what a thing is: they begin with a noun or a verb."""

import ast
import inspect
import re

import pytest

from jkeras import layers
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


def public(node: ast.AST) -> list[ast.AST]:
    """What has a public name in a module or a class, with what is in it."""
    kinds = (ast.ClassDef, ast.FunctionDef)
    inside = [n for n in ast.iter_child_nodes(node) if isinstance(n, kinds) and not n.name.startswith("_")]
    deeper = [found for n in inside if isinstance(n, ast.ClassDef) for found in public(n)]
    return [node, *inside, *(n for n in deeper if n not in inside)]


def test_public_names_have_docstrings():
    """As `interrogate jkeras` counts, which pyproject.toml configures."""
    things = [thing for tree in modules().values() for thing in public(tree)]
    assert sum(ast.get_docstring(thing) is not None for thing in things) >= 0.95 * len(things) > 3000


LAYERS = {c for c in vars(layers).values() if inspect.isclass(c) and issubclass(c, layers.Layer)}
GONE = (layers.ConvRecurrent2D, layers.TimeDistributedDense)  # say only what took their place
NO_EXAMPLE = (layers.InputLayer,)  # never called


@pytest.mark.parametrize("layer", sorted(LAYERS - set(GONE), key=lambda c: c.__name__))
def test_every_layer_says_what_it_takes_raises_and_gives(layer):
    text = inspect.getdoc(layer)
    assert re.search(r"^Raises:\n    \w+Error\b", text, re.MULTILINE)
    assert re.search(r"Keras (2\.2\.4|3): ", text)
    takes = inspect.signature(layer.__init__).parameters.keys() - {"self", "kwargs"}
    assert not takes or "Args:\n" in text
    assert layer in NO_EXAMPLE or "Example:\n    >>> " in text
