"""One-hot rows and norms, against the recordings of Keras 2.2.4."""

import numpy as np
import pytest

from jkeras.utils import normalize, to_categorical
from tests import golden

RECORDED = golden.json("np_utils")


@pytest.mark.parametrize("case", [c for c in RECORDED["to_categorical"] if "result" in c], ids=str)
def test_to_categorical_as_recorded(case):
    result = to_categorical(**case["args"])
    assert result.dtype == case["result"]["dtype"]
    np.testing.assert_array_equal(result, case["result"]["value"])


def test_to_categorical_refuses_what_keras_refuses():
    (case,) = [c for c in RECORDED["to_categorical"] if "error" in c]
    with pytest.raises(IndexError, match=case["message"] + ".*labels from 0 to num_classes - 1 = 1"):
        to_categorical(**case["args"])


def test_to_categorical_more():
    np.testing.assert_array_equal(to_categorical([1.0, 0.0]), [[0, 1], [1, 0]])
    np.testing.assert_array_equal(to_categorical(2), [0, 0, 1])
    assert to_categorical([], 3).shape == (0, 3)
    with pytest.raises(IndexError, match="index -1 is out of bounds"):
        to_categorical([-1, 1])
    with pytest.raises(ValueError, match="`y` is empty; pass `num_classes`"):
        to_categorical([])


@pytest.mark.parametrize("case", RECORDED["normalize"], ids=lambda c: str({**c["args"], "x": "..."}))
def test_normalize_as_recorded(case):
    np.testing.assert_allclose(normalize(**case["args"]), case["result"], rtol=1e-12)


def test_normalize_returns_a_new_array_of_the_same_type():
    x = np.ones((2, 4), "float32")
    y = normalize(x)
    assert y.dtype == "float32" and y is not x
    np.testing.assert_array_equal(y, np.full((2, 4), 0.5))
