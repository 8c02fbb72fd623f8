"""Optimizers of files of Keras 3.15 (`*.keras`, `adam.h5`, `nadam.h5`), tf-keras 2.21 (`tf_*`) and its
first optimizers (`tfl_*`): `later/optimizers.zip` holds a model of each after two epochs, and the losses of
the next two.

The model: Dense(3, tanh), BatchNormalization, Dense(2) on inputs of 4; mse; 24 samples in batches of 8, not
shuffled.
"""

import io
import warnings
import zipfile

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


def unpacked(name, folder):
    """The file, and the arrays that were recorded for it."""
    with zipfile.ZipFile(golden.path("later/optimizers.zip")) as archive:
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
