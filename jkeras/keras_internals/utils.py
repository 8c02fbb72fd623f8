"""Functions inside Keras's utilities that packages lean on; nothing in jkeras itself needs them."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnusedFunction=false
from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jkeras.utils import archives

_shared: dict[str, Any] = {}  # what a worker process of one's own works on, by number


def _get_available_devices() -> list[str]:
    """The names of all devices, in TensorFlow's words.

    Keras 2.2.4: keras/utils/multi_gpu_utils.py _get_available_devices
    """
    platforms = [device.platform.upper() for device in jax.devices()]
    return [f"/device:{name}:{platforms[:i].count(name)}" for i, name in enumerate(platforms)]


def _normalize_device_name(name: str) -> str:
    """The short name of a device.

    Keras 2.2.4: keras/utils/multi_gpu_utils.py _normalize_device_name

    Example:
        >>> _normalize_device_name("/job:localhost/replica:0/task:0/device:GPU:0")
        '/gpu:0'
    """
    return "/" + ":".join(name.lower().replace("/", "").split(":")[-2:])


def _hash_file(fpath: str, algorithm: str = "sha256", chunk_size: int = 65535) -> str:
    """The checksum of a file; "auto" is sha256, and all that is neither is md5.

    Keras 2.2.4: keras/utils/data_utils.py _hash_file
    """
    with open(fpath, "rb") as file:
        return hashlib.file_digest(file, "sha256" if algorithm in ("sha256", "auto") else "md5").hexdigest()


def _extract_archive(file_path: str, path: Any = ".", archive_format: Any = "auto") -> bool:
    """Extract an archive into the folder `path`; False if it is none.

    Keras 2.2.4: keras/utils/data_utils.py _extract_archive
    """
    os.makedirs(path, exist_ok=True)
    return archives.extract(Path(file_path), archive_format, Path(path))


def init_pool(seqs: Any) -> None:
    """The initializer of a pool of processes: what `get_index` looks into.

    Keras 2.2.4: keras/utils/data_utils.py init_pool

    Example:
        >>> init_pool({0: [10, 20]})
        >>> get_index(0, 1)
        20
    """
    global _shared
    _shared = seqs


def get_index(uid: Any, i: Any):
    """Batch `i` of the `Sequence` number `uid` that `init_pool` was given.

    Keras 2.2.4: keras/utils/data_utils.py get_index
    """
    return _shared[uid][i]


def init_pool_generator(gens: Any, random_seed: int | None = None) -> None:
    """The initializer of a pool of processes: what `next_sample` asks; each gets its own random numbers.

    Keras 2.2.4: keras/utils/data_utils.py init_pool_generator

    Example:
        >>> init_pool_generator({0: iter("ab")})
        >>> next_sample(0)
        'a'
    """
    init_pool(gens)
    if random_seed is not None:
        np.random.seed(random_seed + os.getpid())


def next_sample(uid: Any):
    """The next item of the generator number `uid` that `init_pool_generator` was given.

    Keras 2.2.4: keras/utils/data_utils.py next_sample
    """
    return next(_shared[uid])
