"""Packages that only some functions need: imported when these are used."""

from __future__ import annotations

import importlib
from types import ModuleType

# Packages whose modules have another name.
_PACKAGES = {"PIL": "Pillow", "sklearn": "scikit-learn", "grpc": "grpcio", "google": "protobuf"}


def module(name: str, extra: str, what: str) -> ModuleType:
    """A module of an optional package.

    Args:
        name: of the module: "PIL.Image".
        extra: the extra of jkeras that installs the package.
        what: what the user called that needs it.

    Returns:
        The module.

    Raises:
        ImportError: the package is missing; the message says how to install it.

    Example:
        >>> module("json.decoder", "images", "load_img").__name__
        'json.decoder'
        >>> module("no_such_package.inside", "images", "load_img")
        Traceback (most recent call last):
        ImportError: load_img needs no_such_package: pip install "jkeras[images]"
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        package = _PACKAGES.get(top := name.partition(".")[0], top)
        raise ImportError(f'{what} needs {package}: pip install "jkeras[{extra}]"', name=name) from error
