"""Functions inside Keras's utilities that packages lean on; nothing in jkeras itself needs them."""

from __future__ import annotations

import hashlib

import jax


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


def _hash_file(fpath, algorithm="sha256", chunk_size=65535) -> str:
    """The checksum of a file; "auto" is sha256, and all that is neither is md5.

    Keras 2.2.4: keras/utils/data_utils.py _hash_file
    """
    with open(fpath, "rb") as file:
        return hashlib.file_digest(file, "sha256" if algorithm in ("sha256", "auto") else "md5").hexdigest()
