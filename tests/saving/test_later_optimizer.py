"""Optimizers of files of Keras 3.15 (`*.keras`, `adam.h5`, `nadam.h5`), tf-keras 2.21 (`tf_*`) and its
first optimizers (`tfl_*`): `later/optimizers.zip` holds a model of each after two epochs, and the losses of
the next two.

The model: Dense(3, tanh), BatchNormalization, Dense(2) on inputs of 4; mse; 24 samples in batches of 8, not
shuffled.
"""

import io
import warnings
import zipfile

import h5py
import numpy as np
import pytest

from jkeras.models import load_model
from jkeras.saving import later_optimizer
from tests import golden

FILES = {
    *(f"{name}.keras" for name in ("sgd", "momentum", "adam", "amsgrad", "rmsprop", "adagrad1", "adadelta")),
    *("adamax.keras", "nadam.keras", "adam.h5", "nadam.h5"),
    *("tf_amsgrad.h5", "tf_adagrad.h5", "tfl_adam.h5", "tfl_nadam.h5"),
}


def unpacked(name, folder, source="optimizers"):
    """The file, and the arrays that were recorded for it."""
    with zipfile.ZipFile(golden.path(f"later/{source}.zip")) as archive:
        archive.extract(name, folder)
        with np.load(io.BytesIO(archive.read(f"{name.split('.')[0]}.npz"))) as arrays:
            return str(folder / name), dict(arrays)


@pytest.mark.parametrize("name", sorted(FILES))
def test_it_goes_on(name, tmp_path):
    path, then = unpacked(name, tmp_path)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        model, report = load_model(path, report=True)
    assert not told and report.optimizer == "goes on after 6 steps"
    history = model.fit(then["x"], then["y"], 8, 2, shuffle=False, verbose=0).history
    np.testing.assert_allclose(history["loss"], then["loss"], rtol=1e-5)


LOST = {"each_clipped": "norm of each gradient", "muon": "freshly", "adafactor": "freshly"}
WAYS = "adamw lion lamb decayed clipped schedule ftrl free smooth logits".split()


@pytest.mark.parametrize("name", [*WAYS, *LOST])
def test_ways_to_compile_that_came_later(name, tmp_path):
    """Optimizers, losses and metrics of Keras 3 with arguments; two of them are trained on with."""
    path, then = unpacked(f"{name}.keras", tmp_path, "compiled")
    if name in LOST:
        with pytest.warns(UserWarning, match=LOST[name]):
            load_model(path)
        return
    model, report = load_model(path, report=True)
    assert report.optimizer == "goes on after 6 steps" and not report.unused
    with zipfile.ZipFile(path) as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
        stored = [np.asarray(value) for value in file["optimizer/vars"].values()]
    ours = {w.numpy().tobytes() for w in model.optimizer.weights}
    assert {value.tobytes() for value in stored if value.ndim and value.any()} <= ours
    if name in ("lion", "logits"):
        values = model.evaluate(then["x"], then["y"], 24, verbose=0)
        np.testing.assert_allclose(values, then["values"], rtol=1e-5)
        history = model.fit(then["x"], then["y"], 8, 2, shuffle=False, verbose=0).history
        np.testing.assert_allclose(history["loss"], then["loss"], rtol=1e-5)


def test_models_whose_outputs_are_those_of_inner_ones(tmp_path):
    path, then = unpacked("inner.keras", tmp_path, "compiled")
    outputs = load_model(path, compile=False).predict([then["x0"], then["x1"]])
    for number, y in enumerate(outputs):
        np.testing.assert_allclose(y, then[f"y{number}"], rtol=1e-5, atol=1e-6)


def test_a_state_that_does_not_fit_is_told(tmp_path):
    model = load_model(unpacked("adam.keras", tmp_path)[0])
    state = [("0", np.int32(6)), ("1", np.float32(1)), ("2", np.zeros((4, 3)))]
    before = model.optimizer.get_weights()
    with pytest.raises(ValueError, match="it has 1 slots, and this model needs 12"):
        later_optimizer.restore(model.optimizer, state)
    with pytest.raises(ValueError, match="first entry is not the number of steps"):
        later_optimizer.restore(model.optimizer, state[1:])
    swapped = state[:2] + [(str(i), np.zeros(3)) for i in range(12)]
    with pytest.raises(ValueError, match=r"a slot has shape \(3,\), its weight here \(4, 3\)"):
        later_optimizer.restore(model.optimizer, swapped)
    for a, b in zip(before, model.optimizer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
