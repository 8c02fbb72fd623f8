"""Building a model and drawing its weights compiles next to nothing, whatever its layers and shapes are."""

from __future__ import annotations

import subprocess
import sys

import pytest

_SCRIPT = """
from jkeras import applications
from jkeras.engine.input_layer import Input
from jkeras.models import Model
from tests.compilations import counted
from tests.contract.cases import CASES, IDS

def row(case):
    shapes = case.in_shape if isinstance(case.in_shape, list) else [case.in_shape]
    inputs = [Input(batch_shape=shape) for shape in shapes]
    x = inputs if isinstance(case.in_shape, list) else inputs[0]
    return Model(inputs, case.make()(x))

def network(name):
    return lambda: getattr(applications, name)(weights=None, input_shape=(64, 64, 3), classes=3)

builders = {name: lambda case=case: row(case) for name, case in zip(IDS, CASES)}
builders |= {name: network(name) for name in ("MobileNet", "ResNet50")}
with counted() as every:
    for name, build in builders.items():
        with counted() as count:
            build().get_weights()
        if count[0]:
            print(name, count[0])
print("all", every[0])
"""


@pytest.fixture(scope="module")
def counts():
    run = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True)
    return {name: int(count) for name, count in map(str.split, run.stdout.splitlines())}


def test_all_models_together_need_no_more_than_three_programs(counts):
    assert counts["all"] <= 3, counts


def test_weights_are_drawn_by_compiled_programs(counts):
    assert counts["all"] >= 1, counts  # else this test would count nothing
