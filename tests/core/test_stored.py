"""Arrays in files: read when asked for, and not copied on the way to the device."""

import jax.numpy as jnp
import numpy as np

from jkeras.core.stored import Stored, on_device


def counting(kind="float32"):
    reads = []

    def read(room):
        reads.append(1)
        room[...] = np.arange(room.size).reshape(room.shape)

    return Stored((2, 3), np.dtype(kind), read), reads


def test_it_is_read_when_asked_for_only():
    value, reads = counting()
    assert (value.shape, value.ndim, value.size, value.dtype) == ((2, 3), 2, 6, np.float32) and not reads
    np.testing.assert_array_equal(np.asarray(value, "float64"), np.arange(6.0).reshape(2, 3))
    assert len(reads) == 1 and np.array(value).dtype == np.float32


def test_of_any_type_and_shape():
    for kind in ("bfloat16", "float8_e4m3fn", "bool", "int8"):
        assert np.asarray(counting(jnp.dtype(kind))[0]).dtype == jnp.dtype(kind)
    for shape in ((), (0, 3)):
        assert np.asarray(Stored(shape, np.dtype("float64"), lambda room: room.fill(1))).shape == shape


def test_on_the_device():
    value, _ = counting("int32")
    assert on_device(value, np.dtype("float32")).tolist() == [[0, 1, 2], [3, 4, 5]]
    host = np.zeros(1000, "float32")
    array = on_device(host, np.dtype("float32"))
    host[:] = 1
    assert not array.any()  # an array of its own
