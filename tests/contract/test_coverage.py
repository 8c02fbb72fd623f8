"""Every exported layer stands in the table, or says here why it does not."""

from __future__ import annotations

import inspect

from jkeras import layers
from jkeras.layers import Layer
from tests.contract.cases import CASES

GONE = "only says what took its place (tests/compat/test_legacy_arguments.py)"
WARNS = "warns whenever it is made (tests/layers/test_legacy_layers.py)"
TEXT = "works on text, on the host (tests/layers/preprocessing/test_text.py)"
EXCEPTIONS = {
    "StringLookup": TEXT,
    "IntegerLookup": TEXT,
    "Hashing": TEXT,
    "HashedCrossing": TEXT,
    "TextVectorization": TEXT,
    "Layer": "the base class: subclasses of users in tests/engine",
    "Wrapper": "the base class of TimeDistributed and Bidirectional",
    "InputLayer": "a source, not a function: every graph has one (tests/engine)",
    "MaxoutDense": WARNS,
    "Highway": WARNS,
    "Recurrent": GONE,
    "ConvRecurrent2D": GONE,
    "TimeDistributedDense": GONE,
}


def exported() -> dict[str, type[Layer]]:
    """The layer classes of `jkeras.layers`; an alias is the class that it stands for."""
    found = vars(layers).values()
    return {c.__name__: c for c in found if inspect.isclass(c) and issubclass(c, Layer)}


def test_every_layer_has_a_row_or_a_reason():
    rows = {type(case.make()).__name__ for case in CASES}
    missing = exported().keys() - rows - EXCEPTIONS.keys()
    assert not missing, f"add a row to tests/contract/cases.py for {sorted(missing)}"


def test_exceptions_are_layers_without_a_row():
    rows = {type(case.make()).__name__ for case in CASES}
    assert exported().keys() >= EXCEPTIONS.keys()
    assert not rows & EXCEPTIONS.keys()
