"""Every module of engine, training and backend has tests: of its name, or where it is said here."""

from __future__ import annotations

import pytest

from tests.test_floors import ROOT

RECORDED = "tests/backend/test_recorded.py"  # every function of K against Keras
ENGINE = "tests/engine/test_engine.py"
ELSEWHERE = {
    "backend/activation": RECORDED,
    "backend/assignment": "tests/backend/test_function_states.py",
    "backend/conversion": "tests/backend/test_symbols.py",
    "backend/convolution": RECORDED,
    "backend/creation": "tests/backend/test_values.py",
    "backend/crossentropy": RECORDED,
    "backend/elementwise": RECORDED,
    "backend/images": RECORDED,
    "backend/inspection": "tests/backend/test_values.py",
    "backend/nn": RECORDED,
    "backend/products": RECORDED,
    "backend/random_tensors": "tests/backend/test_values.py",
    "backend/reductions": RECORDED,
    "backend/shaping": RECORDED,
    "engine/base_layer": ENGINE,
    "engine/call/adapter": ENGINE,
    "engine/call/calling": ENGINE,
    "engine/call/checks": "tests/engine/test_errors.py",
    "engine/call/discovery": "tests/engine/test_closures.py",
    "engine/call/told": "tests/training/run/test_options.py",
    "engine/call/types": "tests/engine/call/test_running.py",  # of what its runs pass on
    "engine/graph": ENGINE,
    "engine/input_layer": ENGINE,
    "engine/layer/config": "tests/contract/test_properties.py",
    "engine/program": "tests/models/test_pure.py",
    "engine/tensors/frame": "tests/engine/tensors/test_variable.py",
    "engine/tensors/node_words": "tests/engine/layer/test_nodes.py",
    "engine/tensors/operators": "tests/backend/test_symbols.py",
    "engine/tensors/shapes": ENGINE,
    "engine/tensors/symbolic": ENGINE,
    "engine/tree": "tests/contract/test_properties.py",
    "training/batching": "tests/training/data/test_source.py",
    "training/data/arrays": "tests/training/test_contract.py",
    "training/data/doubts": "tests/test_mistakes.py",
    "training/data/enqueuers": "tests/training/data/test_workers.py",
    "training/data/recognition": "tests/training/test_generators.py",
    "training/data/sample_weights": "tests/training/test_contract.py",
    "training/data/samples": "tests/training/data/test_source.py",
    "training/data/worker_loop": "tests/training/data/test_workers.py",
    "training/objective/arguments": "tests/training/objective/test_function.py",
    "training/objective/closures": "tests/training/test_tensors.py",
    "training/objective/endpoints": "tests/training/objective/test_function.py",
    "training/objective/symbolic": "tests/models/test_keras_internals.py",
    "training/run/cells": "tests/training/test_mesh.py",  # of their places; of their values, every training
    "training/run/chunks": "tests/training/run/test_loop.py",
    "training/run/delayed_callbacks": "tests/training/run/test_loop.py",
    "training/run/dispatches": "tests/training/run/test_loop.py",
    "training/objective/appended": "tests/models/test_results.py",
    "training/run/extras": "tests/training/run/test_options.py",
    "training/run/one_batch": "tests/training/run/test_loop.py",
    "training/run/step": "tests/training/run/test_loop.py",
    "training/run/replay": "tests/test_debug.py",
    "training/run/trouble": "tests/test_debug.py",
    "training/run/trainer": "tests/training/run/test_loop.py",
    "training/types": "tests/training/run/test_loop.py",  # of what its loop passes on
    "training/run/user_steps": "tests/models/test_functions.py",
}


def own_tests(module: str) -> str:
    folder, _, name = module.rpartition("/")
    return f"tests/{folder}/test_{name}.py"


@pytest.mark.parametrize("room", ["backend", "engine", "training"])
def test_every_module_has_tests_of_its_name_or_a_line(room):
    paths = [p for p in (ROOT / "jkeras" / room).rglob("*.py") if p.name != "__init__.py"]
    modules = {str(p.relative_to(ROOT / "jkeras").with_suffix("")) for p in paths}
    without = {m for m in modules if not (ROOT / own_tests(m)).exists()}
    assert without == {m for m in ELSEWHERE if m.startswith(f"{room}/")}
    assert not [m for m in without if not (ROOT / ELSEWHERE[m]).exists()]
