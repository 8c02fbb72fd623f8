"""Process-wide settings: float type, epsilon, image data format, and the home folder with `keras.json`."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import jax
import numpy as np

_FLOATS = ("bfloat16", "float16", "float32", "float64")
_FORMATS = ("channels_first", "channels_last")
_DEFAULTS: dict[str, Any] = {"floatx": "float32", "epsilon": 1e-7, "image_data_format": "channels_last"}
_ORDERINGS = {"tf": "channels_last", "th": "channels_first"}

_values: dict[str, Any] = {}  # empty until the first read, which honours keras.json


def floatx() -> str:
    """The default float type: "bfloat16", "float16", "float32" or "float64".

    Returns:
        The numpy name.

    Example:
        >>> floatx()
        'float32'

    Keras 2.2.4: keras/backend/common.py floatx
    """
    return _settings()["floatx"]


def set_floatx(floatx: str) -> None:
    """Set the default float type; "float64" switches on jax's 64-bit mode, which stays on.

    Args:
        floatx: "bfloat16", "float16", "float32" or "float64".

    Raises:
        ValueError: for any other value.

    Example:
        >>> set_floatx("float32")

    Keras 2.2.4: keras/backend/common.py set_floatx
    """
    _settings()["floatx"] = _checked_floatx(floatx)
    if floatx == "float64":
        jax.config.update("jax_enable_x64", True)


def dtype_name(dtype: Any) -> str:
    """The name of a dtype of weights; `floatx` for None.

    Raises:
        ValueError: a mixed policy, which says of whole models how they compute.
    """
    if isinstance(dtype, str) and dtype.startswith("mixed_"):
        raise ValueError(
            f"dtype={dtype!r} says of a whole model how it computes: set_dtype_policy({dtype!r}) of "
            "jkeras.config, or compile(compute_dtype=...); the dtype of a layer is that of its weights."
        )
    return np.dtype(dtype).name if dtype else floatx()


def compute_dtype() -> str | None:
    """The dtype that layers compute in where it is another than `floatx`, by a mixed policy; else None."""
    return _settings().get("compute_dtype")


def set_compute_dtype(dtype: str | None) -> None:
    """Set the dtype that layers of models compute in which are compiled from now on."""
    _settings()["compute_dtype"] = dtype


def epsilon() -> float:
    """The fuzz factor that keeps logarithms and quotients finite.

    Returns:
        A float.

    Example:
        >>> epsilon()
        1e-07

    Keras 2.2.4: keras/backend/common.py epsilon
    """
    return _settings()["epsilon"]


def set_epsilon(e: float) -> None:
    """Set the fuzz factor; programs that are already compiled keep the old one.

    Args:
        e: the new value.

    Raises:
        ValueError: if it is not a number.

    Example:
        >>> set_epsilon(1e-07)

    Keras 2.2.4: keras/backend/common.py set_epsilon
    """
    _settings()["epsilon"] = _checked_epsilon(e)


def image_data_format() -> str:
    """The place of an image's channels when a layer is not told.

    Returns:
        "channels_last" or "channels_first".

    Example:
        >>> image_data_format()
        'channels_last'

    Keras 2.2.4: keras/backend/common.py image_data_format
    """
    return _settings()["image_data_format"]


def set_image_data_format(data_format: str) -> None:
    """Set where images have their channels.

    Args:
        data_format: "channels_last" or "channels_first".

    Raises:
        ValueError: for any other value.

    Example:
        >>> set_image_data_format("channels_last")

    Keras 2.2.4: keras/backend/common.py set_image_data_format
    """
    _settings()["image_data_format"] = _checked_format(data_format)


def normalize_data_format(value: str | None) -> str:
    """The data format that the argument `value` of a layer means: in lower case, None for the default.

    Args:
        value: "channels_last", "channels_first" or None.

    Returns:
        "channels_last" or "channels_first".

    Raises:
        ValueError: for any other value.

    Example:
        >>> normalize_data_format(None), normalize_data_format("Channels_First")
        ('channels_last', 'channels_first')

    Keras 2.2.4: keras/backend/common.py normalize_data_format
    """
    data_format = image_data_format() if value is None else str(value).lower()
    if data_format not in _FORMATS:
        raise ValueError(
            'The `data_format` argument must be one of "channels_first", "channels_last", or None. '
            f"Received: {value!r}."
        )
    return data_format


def cast_to_floatx(x: Any) -> np.ndarray:
    """A numpy array of `x` in the default float type.

    Args:
        x: a number or an array.

    Returns:
        The array.

    Example:
        >>> cast_to_floatx([1, 2]).dtype
        dtype('float32')

    Keras 2.2.4: keras/backend/common.py cast_to_floatx
    """
    return np.asarray(x, dtype=floatx())


def image_dim_ordering() -> str:
    """The old name of the image data format: "tf" for channels last, "th" for channels first.

    Returns:
        "tf" or "th".

    Example:
        >>> image_dim_ordering()
        'tf'

    Keras 2.2.4: keras/backend/common.py image_dim_ordering
    """
    return "th" if image_data_format() == "channels_first" else "tf"


def set_image_dim_ordering(dim_ordering: str) -> None:
    """Set the image data format by its old name.

    Args:
        dim_ordering: "tf" or "th".

    Raises:
        ValueError: for any other value.

    Example:
        >>> set_image_dim_ordering("tf")

    Keras 2.2.4: keras/backend/common.py set_image_dim_ordering
    """
    if dim_ordering not in _ORDERINGS:
        raise ValueError(f'Unknown dim_ordering: {dim_ordering!r}. Expected "tf" or "th".')
    set_image_data_format(_ORDERINGS[dim_ordering])


def home() -> Path:
    """The folder of settings, data sets and weights: `$JKERAS_HOME`, else `$KERAS_HOME`, else `~/.keras`.

    The environment is read at each call. The folder need not exist. Where the user's home cannot be written,
    the folder is in the temporary directory, as in Keras.

    Returns:
        The path.

    Example:
        >>> home().name in ("", ".keras") or "KERAS_HOME" in str(os.environ)
        True
    """
    wanted, named = preferred_home()
    return wanted if named or os.access(wanted.parent, os.W_OK) else temporary_home()


def preferred_home() -> tuple[Path, bool]:
    """The folder that `home` is if it can be written, and whether the environment names it.

    Example:
        >>> preferred_home()[0] == home() or not os.access(Path.home(), os.W_OK)
        True
    """
    named = os.environ.get("JKERAS_HOME") or os.environ.get("KERAS_HOME")
    return Path(named or "~/.keras").expanduser(), bool(named)


def temporary_home() -> Path:
    """The folder that stands in for a home that cannot be written.

    Example:
        >>> temporary_home().name
        '.keras'
    """
    return Path(tempfile.gettempdir()) / ".keras"


def reset() -> None:
    """Forget all settings: the next read starts from `keras.json` again.

    Example:
        >>> reset()
        >>> epsilon()
        1e-07
    """
    _values.clear()


def _settings() -> dict[str, Any]:
    if not _values:
        _values.update(_DEFAULTS | _from_file(home() / "keras.json"))
        if _values["floatx"] == "float64":
            jax.config.update("jax_enable_x64", True)
    return _values


def _from_file(path: Path) -> dict[str, Any]:
    """The settings in `keras.json`; a missing or broken file says nothing, as in Keras."""
    try:
        entries = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    checks = {"floatx": _checked_floatx, "epsilon": _checked_epsilon, "image_data_format": _checked_format}
    try:
        return {key: check(entries[key]) for key, check in checks.items() if key in entries}
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error


def _checked_floatx(value: str) -> str:
    if value not in _FLOATS:
        raise ValueError(f"Unknown floatx type: {value!r}. Expected one of {', '.join(_FLOATS)}.")
    return str(value)


def _checked_epsilon(value: Any) -> float:
    if not _is_number(value):
        raise ValueError(f"`epsilon` must be a number. Received: {value!r}.")
    return float(value)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


def _checked_format(value: str) -> str:
    if value not in _FORMATS:
        raise ValueError(f'Unknown data_format: {value!r}. Expected "channels_first" or "channels_last".')
    return str(value)
