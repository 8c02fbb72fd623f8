"""How the builders of the package `keras_applications` are told which Keras they are to use."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from jkeras import backend, layers, models, utils


def keras_modules_injection(base_fun: Callable[..., Any]) -> Callable[..., Any]:
    """Hand a builder the modules of jkeras.

    Args:
        base_fun: function that takes `backend`, `layers`, `models` and `utils`, as those of the package
            `keras_applications` do.

    Returns:
        A function of the other arguments.

    Keras 2.2.4: keras/applications/__init__.py keras_modules_injection

    Example:
        >>> keras_modules_injection(lambda units, layers, **others: layers.Dense(units).units)(3)
        3
    """

    @functools.wraps(base_fun)
    def wrapper(*args: Any, **kwargs: Any):
        kwargs |= {"backend": backend, "layers": layers, "models": models, "utils": utils}
        return base_fun(*args, **kwargs)

    return wrapper
