"""Pickles that hold nothing but data, and .npz files with such pickles: read without running anything.

A pickle is a program: it names functions, which are called while it is read. Here it gets classes of this
file in their place, which only note what an array or a number is made of; every other name is refused.
"""

from __future__ import annotations

import contextlib
import io
import math
import os
import pickle
import zipfile
from collections.abc import Generator, Iterator
from typing import IO, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from jkeras.core.types import AnyDict, AnyList, AnyNumpy, AnyTuple
from jkeras.utils import archives

_DATA = "numbers, bytes, texts, lists, dicts and numpy arrays"
_PLAIN: tuple[type[Any], ...] = (int, float, str, bytes, bytearray, type(None), np.generic)


def read_pickle(file: IO[bytes], path: str | os.PathLike[str]) -> Any:
    """Read a pickle of numbers, bytes, texts, lists, dicts and numpy arrays. Texts of Python 2 are bytes.

    Args:
        file: the open file.
        path: where it is, for errors.

    Raises:
        ValueError: the pickle is damaged, or holds something else.

    Example:
        >>> file = io.BytesIO(pickle.dumps({b"labels": [1, 2], b"data": np.ones(2)}))
        >>> read_pickle(file, "batch")
        {b'labels': [1, 2], b'data': array([1., 1.])}
    """
    with _named(path):
        return _load(file)


def read_npz(path: str | os.PathLike[str], *names: str) -> list[NDArray[Any]]:
    """Arrays of an .npz file; arrays of objects may hold what `read_pickle` reads.

    Args:
        path: the file.
        names: of the arrays.

    Raises:
        ValueError: it is no such file, it is damaged, an array is missing or holds something else.

    Example:
        >>> import tempfile
        >>> path = os.path.join(tempfile.mkdtemp(), "a.npz")
        >>> rows = np.array([None, None])
        >>> rows[:] = [1, 2], [3]
        >>> np.savez(path, x=rows, y=np.arange(2))
        >>> read_npz(path, "x", "y")
        [array([list([1, 2]), list([3])], dtype=object), array([0, 1])]
    """
    with _named(path), zipfile.ZipFile(path) as archive:
        there = [name.removesuffix(".npy") for name in archive.namelist()]
        missing = [name for name in names if name not in there]
        if missing:
            raise _Refused(f"it has no array {missing[0]!r}, only {there}")
        most = archives.most_bytes(path)
        if sum(archive.getinfo(f"{name}.npy").file_size for name in names) > most:
            raise _Refused(f"it would become more than {most:,} bytes")
        return [_read_array(archive.read(f"{name}.npy")) for name in names]


def _read_array(content: bytes) -> NDArray[Any]:
    file = io.BytesIO(content)
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise _Refused(f"an array in it has the unknown version {version}")
    header = "read_array_header_1_0" if version == (1, 0) else "read_array_header_2_0"
    shape, _, dtype = getattr(np.lib.format, header)(file)
    if not dtype.hasobject:
        size, found = math.prod(shape) * dtype.itemsize, len(content) - file.tell()
        if size != found:
            raise _Refused(f"an array of the shape {shape} in it has {found} bytes instead of {size}")
        file.seek(0)
        return np.lib.format.read_array(file, allow_pickle=False)
    array = _load(file)
    if not isinstance(array, AnyNumpy) or array.shape != shape:
        raise _Refused(f"it holds {type(array).__name__} where an array of the shape {shape} should be")
    return array


@contextlib.contextmanager
def _named(path: str | os.PathLike[str]) -> Generator[None]:
    """Errors name the file; a damaged pickle is a damaged program, and may fail with anything."""
    try:
        yield
    except OSError as error:
        if error.filename is not None:
            raise
        raise ValueError(f"{os.fspath(path)} was not read: {error}. It is damaged; delete it.") from error
    except MemoryError as error:
        raise ValueError(
            f"{os.fspath(path)} was not read: what it says to hold needs more memory."
        ) from error
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise ValueError(
            f"{os.fspath(path)} was not read: {reason}. Delete it, so that it is downloaded again."
        ) from error


def _load(file: IO[bytes]) -> Any:
    return _Plain().of(_Reader(file, encoding="bytes").load())


class _Refused(Exception):
    """The content of a pickle is no data."""


class _StandIn:
    """Nothing can be put into one of these, nor into the class, but as its own methods have it."""

    def __setstate__(self, state: Any) -> None:
        raise _Refused("it puts a state where none belongs")


class _Dtype(_StandIn):
    """Stands for a numpy dtype."""

    def __init__(self, name: str, *_: Any):
        self.dtype = np.dtype(name.decode("ascii") if isinstance(name, bytes) else name)
        if self.dtype.kind not in "biufSUO":
            raise _Refused(f"it holds an array of {self.dtype}, and not only {_DATA}")

    def __setstate__(self, state: Any) -> None:
        order, subdtype, names, fields = state[1:5]
        if (subdtype, names, fields) != (None, None, None):
            raise _Refused(f"it holds an array of records, and not only {_DATA}")
        order = order.decode("ascii") if isinstance(order, bytes) else order
        if order not in ("<", ">", "|", "="):
            raise _Refused(f"it holds numbers in the unknown order {order!r}")
        if order in ("<", ">"):
            self.dtype = np.dtype(order + self.dtype.str[1:])

    def of_bytes(self, content: Any) -> NDArray[Any]:
        """The numbers in a buffer."""
        if self.dtype.kind == "O":
            raise _Refused("it holds objects by their addresses")
        return np.frombuffer(bytes(content), self.dtype).copy()


class _Array(_StandIn):
    """Stands for a numpy array, and for the class; its content comes after it."""

    def __init__(self, *_: Any):
        self.array: NDArray[Any] | None = None

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, by_columns, content = state
        if isinstance(content, AnyList):
            array = np.fromiter(content, object, len(content))
        else:
            array = dtype.of_bytes(content)
        self.array = array.reshape(shape, order="F" if by_columns else "C")


class _FromBuffer(_StandIn):
    """Stands for the function that makes a numpy array of a buffer."""

    def __new__(cls, content: bytes, dtype: _Dtype, shape: Any, order: str, *_: Any) -> Any:
        made = _Array()
        made.__setstate__((1, shape, dtype, order == "F", bytes(content)))
        return made


class _Scalar(_StandIn):
    """Stands for the function that makes a number of numpy."""

    def __new__(cls, dtype: _Dtype, content: bytes) -> Any:
        return dtype.of_bytes(content)[0]


class _Latin1(_StandIn):
    """Stands for the function that makes bytes of a text: Python 3 writes bytes so for Python 2."""

    def __new__(cls, text: str, encoding: str) -> Any:
        return text.encode({"latin1": "latin1"}[encoding])


class _NoBytes(_StandIn):
    """Stands for `bytes`, which makes empty ones."""

    def __new__(cls) -> Any:
        return b""


_MADE_BY_NUMPY = {"_reconstruct": _Array, "scalar": _Scalar, "_frombuffer": _FromBuffer}
_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _Latin1,
    ("__builtin__", "bytes"): _NoBytes,
    ("builtins", "bytes"): _NoBytes,
} | {
    (f"numpy.{core}.{module}", name): stand_in
    for core in ("core", "_core")
    for module in ("multiarray", "numeric")
    for name, stand_in in _MADE_BY_NUMPY.items()
}


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise _Refused(f"it holds {module}.{name}, and not only {_DATA}")
        return _ALLOWED[module, name]

    def persistent_load(self, pid: Any) -> NoReturn:
        raise _Refused(f"it holds a reference to something outside, and not only {_DATA}")


class _Plain:
    """Values with arrays in the place of what stands for them. What is there many times is made once: a list
    of lists of lists can be larger than any memory."""

    def __init__(self):
        self._made: dict[int, Any] = {}

    def of(self, value: Any) -> Any:
        """The plain value."""
        if isinstance(value, (AnyList, AnyTuple, AnyDict, _Array)):
            if id(value) not in self._made:
                self._made[id(value)] = self._new(value)
            return self._made[id(value)]
        if not isinstance(value, _PLAIN):
            raise _Refused(f"it holds {type(value).__name__}, and not only {_DATA}")
        return value

    def _new(self, value: Any) -> Any:
        if isinstance(value, AnyList):
            return value if set(map(type, value)) <= {int} else [self.of(item) for item in value]
        if isinstance(value, AnyTuple):
            return tuple(self.of(item) for item in value)
        if isinstance(value, AnyDict):
            return {self.of(key): self.of(item) for key, item in value.items()}
        if value.array is None:
            raise _Refused("it holds an array without a content")
        if value.array.dtype.kind != "O":
            return value.array
        items: Iterator[Any] = map(self.of, value.array.reshape(-1))
        return np.fromiter(items, object, value.array.size).reshape(value.array.shape)
