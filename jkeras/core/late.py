"""Modules that are imported when something of them is first used."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType


def late(path: str) -> ModuleType:
    """A module of jkeras that runs when one of its names is first asked for.

    Args:
        path: below `jkeras`.

    Example:
        >>> late("core.names").snake_case("AddLayer")
        'add_layer'
    """
    name = f"jkeras.{path}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.find_spec(name)
    assert spec is not None and spec.loader is not None, name
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
