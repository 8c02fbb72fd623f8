"""Settings under Keras 3's names; those of 2.2.4 are in `jkeras.backend`, and are the same.

Keras 3: keras/config
"""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import os
from pathlib import Path

import jax

from jkeras.compat.as_keras import backend_name as backend
from jkeras.core.settings import compute_dtype, home, set_compute_dtype
from jkeras.core.settings import epsilon as epsilon
from jkeras.core.settings import floatx as floatx
from jkeras.core.settings import image_data_format as image_data_format
from jkeras.core.settings import set_epsilon as set_epsilon
from jkeras.core.settings import set_floatx as set_floatx
from jkeras.core.settings import set_image_data_format as set_image_data_format
from jkeras.core.tracebacks import disable_traceback_filtering as disable_traceback_filtering
from jkeras.core.tracebacks import enable_traceback_filtering as enable_traceback_filtering
from jkeras.core.tracebacks import is_traceback_filtering_enabled as is_traceback_filtering_enabled

__all__ = [
    "backend",
    "disable_traceback_filtering",
    "dtype_policy",
    "enable_traceback_filtering",
    "epsilon",
    "floatx",
    "image_data_format",
    "is_traceback_filtering_enabled",
    "set_compilation_cache",
    "set_dtype_policy",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
]


def dtype_policy() -> str:
    """The name of the policy: the dtype of weights and computations, or "mixed_" and that of computations."""
    narrow = compute_dtype()
    return floatx() if narrow is None else f"mixed_{narrow}"


def set_dtype_policy(policy: str) -> None:
    """Set the dtypes of weights and computations.

    Args:
        policy: the name of a dtype, "float32", "float64", "bfloat16" or "float16", for both; or
            "mixed_bfloat16", "mixed_float16": weights are float32, and models that are compiled from now on
            compute in the other one, as `compile(compute_dtype=...)` says it of one model.

    Raises:
        ValueError: another name.

    Example:
        >>> set_dtype_policy("mixed_bfloat16")
        >>> dtype_policy(), floatx()
        ('mixed_bfloat16', 'float32')
        >>> set_dtype_policy("float32")
    """
    name = getattr(policy, "name", policy)
    mixed, _, narrow = str(name).rpartition("mixed_")
    if mixed or (str(name).startswith("mixed_") and narrow not in ("bfloat16", "float16")):
        raise ValueError(f"The policy {name!r} is not there: 'mixed_bfloat16' and 'mixed_float16' are.")
    set_floatx("float32" if str(name).startswith("mixed_") else str(name))
    set_compute_dtype(narrow if str(name).startswith("mixed_") else None)


def set_compilation_cache(path: str | os.PathLike[str] | None = None) -> Path:
    """Keep compiled programs in a folder, so that a script's first epoch begins sooner the next time.

    Call it before anything is compiled. Processes that run at the same time should have a folder each.

    Args:
        path: of the folder; None: `cache` in jkeras's home.

    Returns:
        The folder.

    Example:
        >>> import tempfile
        >>> before = jax.config.jax_compilation_cache_dir
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     set_compilation_cache(folder).is_dir()
        True
        >>> jax.config.update("jax_compilation_cache_dir", before)
    """
    folder = home() / "cache" if path is None else Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.05)
    return folder
