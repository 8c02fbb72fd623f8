"""Disks that are full or broken while a file is written: the old one stays, nothing else, and it is said."""

from __future__ import annotations

import builtins
import errno
import os

import h5py
import numpy as np
import pytest

from jkeras.layers import Dense
from jkeras.models import Sequential
from jkeras.saving import foreign, hdf5_file

resource = pytest.importorskip("resource")
NAMES = ["m.h5", "m.msgpack", "m.safetensors"]


def model() -> Sequential:
    model = Sequential([Dense(40, input_shape=(30,)), Dense(20)])
    model.compile("adam", "mse")
    model.train_on_batch(np.ones((2, 30)), np.ones((2, 20)))
    return model


def open_files() -> list[str]:
    places = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
    return sorted(os.readlink(place) for place in places if os.path.exists(place))


@pytest.mark.parametrize("name", NAMES)
def test_no_room_after_any_number_of_bytes(name, tmp_path):
    """Python ignores the signal that comes with this limit: writing fails, within HDF5 as well."""
    trained, path = model(), tmp_path / name
    trained.save(path)
    old, before = path.read_bytes(), open_files()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    for room in [0, 1, 511, 512, 600, *range(2500, len(old), len(old) // 7), len(old) - 71, len(old) - 1]:
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
            with pytest.raises(OSError, match=rf"Cannot write the file .*{name}") as raised:
                trained.save(path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert raised.value.errno == errno.EFBIG
        assert path.read_bytes() == old and os.listdir(tmp_path) == [name]
    assert open_files() == before
    trained.save(path)


class Failing:
    """A file whose writing fails after some calls."""

    left = 0

    def __init__(self, file, code):
        self._file, self._code = file, code

    def write(self, data):
        Failing.left -= 1
        if Failing.left < 0:
            raise OSError(self._code, os.strerror(self._code))
        return self._file.write(data)

    def __getattr__(self, name):
        return getattr(self._file, name)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._file.close()


@pytest.mark.parametrize("name", NAMES)
def test_an_error_at_any_write(name, tmp_path, monkeypatch):
    trained, path, plain = model(), tmp_path / name, open
    trained.save(path)
    old = path.read_bytes()

    def opened(file, mode="r", *args, **kwargs):
        found = plain(file, mode, *args, **kwargs)
        return Failing(found, (errno.EIO, errno.ENOSPC)[count % 2]) if "b" in mode and mode != "rb" else found

    monkeypatch.setattr(builtins, "open", opened)
    for count in range(0, 1000, 9 if name == "m.h5" else 1):
        Failing.left = count
        try:
            trained.save(path)
        except OSError as error:
            assert error.errno in (errno.EIO, errno.ENOSPC) and str(path) in str(error)
            assert path.read_bytes() == old and os.listdir(tmp_path) == [name]
        if Failing.left >= 0:
            break
    assert 3 < count < 1000


def test_weights_for_keras_3_too(tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, limits[1]))
        with pytest.raises(OSError, match="File too large"):
            foreign.write_places(model(), tmp_path / "a.weights.h5")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_an_error_of_the_writer_itself_is_told(tmp_path):
    with pytest.raises(KeyError, match="mine"), hdf5_file.created(tmp_path / "a.h5") as file:
        file["a"] = 1
        raise KeyError("mine")
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["a"][()] == 1
