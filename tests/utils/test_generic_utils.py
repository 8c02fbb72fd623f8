"""What is left over in generic_utils."""

import numpy as np
import pytest

from jkeras.utils import generic_utils as utils


def test_slice_arrays():
    x, y = np.arange(10), np.arange(10) * 2
    np.testing.assert_array_equal(utils.slice_arrays(x, 2, 4), [2, 3])
    np.testing.assert_array_equal(utils.slice_arrays(x, np.array([1, 9])), [1, 9])
    np.testing.assert_array_equal(utils.slice_arrays([x, y], [1, 9])[1], [2, 18])
    assert utils.slice_arrays(None) == [None]


def test_transpose_shape():
    assert utils.transpose_shape([16, 8, 9, 3], "channels_first", (1, 2)) == [16, 3, 8, 9]
    assert utils.transpose_shape((8, 9, 3), "channels_first", (0, 1)) == (3, 8, 9)
    assert utils.transpose_shape((8, 9, 3), "channels_last", (0, 1)) == (8, 9, 3)
    with pytest.raises(ValueError, match="Received: middle"):
        utils.transpose_shape((8, 9, 3), "middle", (0, 1))
