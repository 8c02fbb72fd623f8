"""The one way to the members of an HDF5 file, which anybody may have made.

Only what lies in the file itself is reached: links of any kind but the plain one, data kept in other files
and virtual data sets are refused. Nothing is read before its declared size is known to be honest.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import math
from typing import Any

import h5py
import numpy as np

from jkeras.core.stored import Stored
from jkeras.saving.hdf5_file import Reading
from jkeras.saving.limits import allowance


class Access:
    """Reads members of one file, as many bytes as a file of its size may stand for.

    Args:
        group: any open group of the file.
        file: the file, as HDF5 itself reads it; None where that is not known. Numbers that lie in it as the
            memory wants them are taken from there, without HDF5 and its lock.
    """

    def __init__(self, group: h5py.Group, file: Reading | None = None):
        self._file = file
        self._size = group.file.id.get_filesize()
        self._left = allowance(self._size)

    def find(self, group: h5py.Group, name: str) -> Any:
        """The member called `name`, or None.

        Raises:
            ValueError: the way to it leads through a link.
        """
        at: Any = group
        for part in name.split("/"):
            link = at.get(part, getlink=True) if part and isinstance(at, h5py.Group) else None
            if link is None:
                return None
            if isinstance(link, h5py.ExternalLink):
                raise ValueError(
                    f"{name!r} in {group.name} is a link to another file, which is not followed."
                )
            if not isinstance(link, h5py.HardLink):
                raise ValueError(f"{name!r} in {group.name} is a soft link, which is not followed.")
            at = at[part]
        return at

    def member(self, group: h5py.Group, name: str, kind: type[Any]) -> Any:
        """The member called `name`.

        Raises:
            ValueError: it is missing, of another kind or reached through a link.
        """
        found = self.find(group, name)
        if found is None:
            raise ValueError(f"{name!r} is listed in {group.name} but missing.")
        if not isinstance(found, kind):
            raise ValueError(
                f"{name!r} in {group.name} should be a {kind.__name__.lower()}, not {type(found).__name__}."
            )
        return found

    def array(self, dataset: h5py.Dataset) -> Stored:
        """The numbers of a data set, to be read.

        Raises:
            ValueError: they lie in another file, are no real numbers, or more than the file can hold.
        """
        if dataset.external or dataset.is_virtual:
            raise ValueError(f"{dataset.name} keeps its data in another file, which is not read.")
        if dataset.dtype.kind not in "fiub" or dataset.shape is None:
            raise ValueError(f"{dataset.name} should hold numbers, not {dataset.dtype}.")
        size = dataset.dtype.itemsize
        needed = math.prod(dataset.shape) * size
        stored = dataset.id.get_storage_size()
        if dataset.chunks is None and stored < needed:
            raise ValueError(
                f"{dataset.name} is declared with shape {dataset.shape}, which needs {needed} bytes, but "
                f"{stored} are stored."
            )
        self._spend(dataset, needed, math.prod(dataset.chunks or (0,)) * size)
        start, file = self._plain_start(dataset, needed), self._file

        def read(room: np.ndarray) -> None:
            if file is None or start is None:
                _read(dataset, room)
            elif file.into(start, room.reshape(-1).view(np.uint8).data) != needed:
                raise ValueError(f"{dataset.name} is damaged: the file ends within it")

        return Stored(dataset.shape, dataset.dtype.newbyteorder("="), read)

    def _plain_start(self, dataset: h5py.Dataset, needed: int) -> int | None:
        """Place of numbers that lie in one piece of the file, just as they are in memory; or None."""
        dtype, start = dataset.dtype, dataset.id.get_offset()
        if self._file is None or start is None or not 0 <= start <= self._file.size - needed:
            return None
        in_memory = dtype.kind in "fiu" and dataset.id.get_type().equal(h5py.h5t.py_create(dtype))
        one_piece = dataset.id.get_create_plist().get_layout() == h5py.h5d.CONTIGUOUS
        there = dataset.id.get_space_status() == h5py.h5d.SPACE_STATUS_ALLOCATED
        return start if dtype.isnative and in_memory and one_piece and there and needed else None

    def _spend(self, dataset: h5py.Dataset, needed: int, chunk: int) -> None:
        if max(needed, chunk) > self._left:
            raise ValueError(
                f"{dataset.name} is declared with shape {dataset.shape} in pieces of {dataset.chunks}: with "
                f"it the arrays need more than {allowance(self._size)} bytes, far above what a file of "
                f"{self._size} bytes holds. It is damaged, or made to fill the memory."
            )
        self._left -= needed


def _read(dataset: h5py.Dataset, room: np.ndarray) -> None:
    try:
        if room.size:
            dataset.read_direct(room)
    except OSError as e:
        raise ValueError(f"{dataset.name} is damaged: {e}") from e
