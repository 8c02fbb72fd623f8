"""Named data sets and .npz files."""

import random
from types import SimpleNamespace

import numpy as np
import pytest

from jkeras.cli import data, sources
from jkeras.cli.errors import UserError
from tests.saving import mutations


def test_digits_and_scale():
    plain, scaled = data.load("digits"), data.load("digits", scale=16)
    assert plain.x_train.shape == (1437, 8, 8) and plain.y_test.shape == (360,)
    assert scaled.x_test.dtype == np.float32 and scaled.x_test.max() == 1.0


def test_npz_with_parts_or_whole(tmp_path):
    path = str(tmp_path / "d.npz")
    np.savez(path, x_train=np.zeros((4, 2)), y_train=np.zeros(4), x_test=np.ones((2, 2)))
    found = data.load(path)
    assert found.x_train.shape == (4, 2) and found.x_test.shape == (2, 2) and found.y_test is None
    np.savez(path, x=np.zeros((3, 2)), y=np.zeros(3))
    found = data.load(path)
    assert found.x_train.shape == found.x_test.shape == (3, 2) and found.y_test.shape == (3,)


def test_npy_is_x(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((3, 2)))
    assert data.load(str(tmp_path / "x.npy")).x_test.shape == (3, 2)


@pytest.mark.parametrize("change", [mutations.damaged, mutations.wrong_npz])
def test_damaged_arrays_are_told(change, tmp_path):
    rng, path = random.Random(3), tmp_path / "a.npz"
    np.savez(path, x=np.ones((4, 3), "f"), y=np.arange(4))
    content, refused = path.read_bytes(), 0
    for _ in range(60):
        path.write_bytes(change(content, rng))
        try:
            sources.arrays(str(path))
        except UserError as error:
            refused += "a.npz is not a .npz file of plain arrays" in str(error)
    assert refused > 20


def test_bad_sources(tmp_path):
    with pytest.raises(UserError, match=r"Unknown data set 'digit'\. Did you mean 'digits'\?"):
        data.load("digit")
    with pytest.raises(UserError, match="There is no file nothing.npz"):
        data.load("nothing.npz")
    (tmp_path / "bad.npz").write_bytes(b"no zip")
    with pytest.raises(UserError, match="bad.npz is not a .npz file of plain arrays"):
        data.load(str(tmp_path / "bad.npz"))
    np.savez(tmp_path / "other.npz", a=np.zeros(2))
    with pytest.raises(UserError, match=r"other.npz holds the arrays \['a'\]; expected x_train"):
        data.load(str(tmp_path / "other.npz"))


@pytest.mark.parametrize(
    "given, wanted, result",
    [
        ((5, 8, 8), (None, 8, 8, 1), (5, 8, 8, 1)),
        ((5, 8, 8, 1), (None, 8, 8), (5, 8, 8)),
        ((5, 8, 8), (None, 64), (5, 8, 8)),
        ((5, 8, 8), (None, None, 8, 1), (5, 8, 8)),
        ((5, 4), (None, 4), (5, 4)),
    ],
)
def test_axes_of_size_one(given, wanted, result):
    assert data.inputs_for(SimpleNamespace(input_shape=wanted), np.zeros(given)).shape == result


def test_labels_become_one_hot_for_the_categorical_loss():
    model = SimpleNamespace(loss="categorical_crossentropy", output_shape=(None, 4))
    assert data.targets_for(model, np.array([1, 3])).tolist() == [[0, 1, 0, 0], [0, 0, 0, 1]]
    model.loss = "mse"
    assert data.targets_for(model, np.array([1, 3])).tolist() == [1, 3]


def test_save(tmp_path):
    data.save(tmp_path / "new" / "y.npz", {"y": np.arange(3)})
    with np.load(tmp_path / "new" / "y.npz") as contents:
        assert contents["y"].tolist() == [0, 1, 2]
    data.save(tmp_path / "y.npy", {"y": np.arange(3)})
    assert np.load(tmp_path / "y.npy").tolist() == [0, 1, 2]
