"""What Keras 2.2.4 was recorded to do."""

import json
import lzma
import pathlib

import pytest

GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "callbacks.json.xz"


@pytest.fixture(scope="session")
def recorded():
    with lzma.open(GOLDEN, "rt", encoding="utf-8") as file:
        return json.load(file)
