"""The digits inside the package and their split."""

import hashlib

import numpy as np
import pytest

from jkeras.datasets import digits


def test_the_split_is_stratified_and_complete():
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    assert x_train.shape == (1437, 8, 8) and x_test.shape == (360, 8, 8)
    assert {a.dtype for a in (x_train, y_train, x_test, y_test)} == {np.dtype("uint8")}
    assert x_train.min() == 0 and x_train.max() == 16
    train, test = np.bincount(y_train), np.bincount(y_test)
    np.testing.assert_array_equal(train + test, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180])
    assert np.all(np.abs(test - (train + test) * 360 / 1797) < 1)
    rows = np.concatenate([x_train, x_test]).reshape(1797, 64)
    assert len(np.unique(rows, axis=0)) == 1797


def test_the_split_never_changes():
    (_, y_train), (x_test, _) = digits.load_data()
    assert y_train[:10].tolist() == [2, 5, 5, 2, 1, 3, 3, 5, 4, 3]
    assert (
        hashlib.sha256(x_test.tobytes()).hexdigest()
        == "b6e95b4c905ef6798d968c6574e553cc77f3d72df45e6f6fe64aa8f332e5f9b1"
    )


def test_the_split_is_independent_of_the_global_generator():
    np.random.seed(1)
    before = np.random.get_state()[1].copy()
    (first, _), _ = digits.load_data(seed=3)
    np.testing.assert_array_equal(before, np.random.get_state()[1])
    (again, _), _ = digits.load_data(seed=3)
    np.testing.assert_array_equal(first, again)
    (other, _), _ = digits.load_data(seed=4)
    assert not np.array_equal(first, other)


def test_the_callers_own_copy():
    (x, _), _ = digits.load_data()
    x[:] = 0
    assert digits.load_data()[0][0].max() == 16


@pytest.mark.parametrize("test_size", [0, 1, 9, 1796, 1797])
def test_sizes(test_size):
    (x_train, y_train), (x_test, y_test) = digits.load_data(test_size)
    assert (len(x_train), len(y_train)) == (1797 - test_size,) * 2
    assert (len(x_test), len(y_test)) == (test_size,) * 2


def test_bad_sizes():
    with pytest.raises(ValueError, match="from 0 to 1797, the number of images. Received: 1798"):
        digits.load_data(1798)
    with pytest.raises(ValueError, match="Received: -1"):
        digits.load_data(-1)
    with pytest.raises(TypeError):
        digits.load_data(0.2)
