"""What is left over in generic_utils."""

import base64
import marshal

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


def _with_closure(n):
    return lambda x, k=4: x * k + n


def test_functions_apart_and_together():
    dumped = utils.func_dump(_with_closure(3))
    assert dumped[1:] == ((4,), (3,))
    assert utils.func_load(dumped)(2) == 11
    assert utils.func_load(list(dumped))(2, 1) == 5
    assert utils.func_load(dumped[0], dumped[1], dumped[2], {})(2) == 11
    uses_k = utils.func_load(utils.func_dump(lambda: K.epsilon() + np.pi))  # noqa: F821
    assert uses_k() > 3


def test_bytecode_from_elsewhere_is_not_run():
    code = compile("1 / 0", "other", "eval")
    text = base64.encodebytes(marshal.dumps(code)).decode("ascii")
    with pytest.raises(
        ValueError, match=r"not made by func_dump in this process .*custom_objects.*safe_mode=False"
    ):
        utils.func_load(text)
    with pytest.raises(ZeroDivisionError):
        utils.func_load(text, safe_mode=False)()


def test_uid():
    x, y = object(), object()
    assert utils.object_list_uid([x, y]) == f"{id(x)}, {id(y)}"
    assert utils.object_list_uid(x) == str(id(x))
