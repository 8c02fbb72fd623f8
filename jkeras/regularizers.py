"""Regularizers: penalties on weights or outputs that are added to the loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp

from jkeras.core.arguments import refuse_text
from jkeras.core.dispatch import op
from jkeras.core.registry import (
    deserialize_keras_object,
    get_configured,
    serialize_keras_object,
)
from jkeras.core.settings import cast_to_floatx
from jkeras.core.types import is_traced
from jkeras.primitives.numeric import absolute, l2_normalize


class Regularizer:
    """Base class of regularizers: a callable from an array to a scalar, here always 0.

    Example:
        >>> Regularizer()(jnp.ones(3))
        0.0

    Keras 2.2.4: keras/regularizers.py Regularizer
    """

    def __call__(self, x: Any) -> Any:
        """The penalty of `x`.

        Args:
            x: a weight or an output.

        Returns:
            A scalar.
        """
        return 0.0

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Regularizer:
        """Build from `get_config()`."""
        return cls(**config)


class L1L2(Regularizer):
    """l1 * sum(|x|) + l2 * sum(x²).

    Args:
        l1: factor of the absolute values.
        l2: factor of the squares.

    Example:
        >>> float(L1L2(l1=0.5, l2=0.25)(jnp.asarray([2.0, -4.0])))
        8.0

    Keras 2.2.4: keras/regularizers.py L1L2
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0):
        refuse_text(l1=l1, l2=l2)
        self.l1 = cast_to_floatx(l1)
        self.l2 = cast_to_floatx(l2)

    def __call__(self, x: Any):
        return _penalty(x, plain(self.l1), plain(self.l2))

    def get_config(self) -> dict[str, Any]:
        """The factors, as the float type holds them (0.01 in float32 is 0.009999999776482582)."""
        return {"l1": float(self.l1), "l2": float(self.l2)}


class L1(L1L2):
    """l1 * sum(|x|), in the words of Keras 3.

    Args:
        l1: factor.

    Example:
        >>> float(L1(0.5)(jnp.asarray([2.0, -4.0])))
        3.0

    Keras 3: keras/src/regularizers/regularizers.py L1
    """

    def __init__(self, l1: float = 0.01):
        super().__init__(l1=l1)

    def get_config(self) -> dict[str, float]:
        """The factor."""
        return {"l1": float(self.l1)}


class L2(L1L2):
    """l2 * sum(x²), in the words of Keras 3.

    Args:
        l2: factor.

    Example:
        >>> float(L2(0.5)(jnp.asarray([2.0, -4.0])))
        10.0

    Keras 3: keras/src/regularizers/regularizers.py L2
    """

    def __init__(self, l2: float = 0.01):
        super().__init__(l2=l2)

    def get_config(self) -> dict[str, float]:
        """The factor."""
        return {"l2": float(self.l2)}


class OrthogonalRegularizer(Regularizer):
    """factor * the mean of |cosine| between different rows (or columns) of a matrix, over all pairs.

    Args:
        factor: factor.
        mode: "rows" or "columns".

    Raises:
        ValueError: for another mode, and for what is no matrix.

    Example:
        >>> float(OrthogonalRegularizer(0.5)(jnp.asarray([[1.0, 0.0], [2.0, 0.0]])))
        0.5

    Keras 3: keras/src/regularizers/regularizers.py OrthogonalRegularizer
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows"):
        if mode not in ("rows", "columns"):
            raise ValueError(f"OrthogonalRegularizer: `mode` should be 'rows' or 'columns'; got {mode!r}.")
        refuse_text(factor=factor)
        self.factor, self.mode = factor, mode

    def __call__(self, x: Any) -> Any:
        return _alignment(x, plain(self.factor), self.mode == "rows")

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this regularizer anew."""
        return {"factor": float(self.factor), "mode": self.mode}


@op
def _alignment(x: Any, factor: float, by_row: bool) -> Any:
    if x.ndim != 2:
        raise ValueError(f"OrthogonalRegularizer needs a matrix; got an array of shape {x.shape}.")
    x = l2_normalize(x if by_row else x.T, axis=1)
    count = x.shape[0]
    apart = absolute(x @ x.T) * (1.0 - jnp.eye(count, dtype=x.dtype))
    return factor * 0.5 * jnp.sum(apart) / (count * (count - 1.0) / 2.0)


def plain(factor: Any) -> Any:
    """A factor as a Python number, which takes the dtype of what it multiplies, unless it is data.

    Example:
        >>> plain(jnp.float32(0.5))
        0.5
    """
    return factor if is_traced(factor) else float(factor)


@op
def _penalty(x: Any, l1: float, l2: float):
    total = 0.0
    if is_traced(l1) or l1:
        total += jnp.sum(l1 * absolute(x))
    if is_traced(l2) or l2:
        total += jnp.sum(l2 * jnp.square(x))
    return total


def l1(l: float = 0.01) -> L1L2:  # noqa: E741 (Keras's argument)
    """l * sum(|x|).

    Args:
        l: factor.

    Returns:
        The regularizer.

    Example:
        >>> float(l1(0.5)(jnp.asarray([2.0, -4.0])))
        3.0

    Keras 2.2.4: keras/regularizers.py l1
    """
    return L1L2(l1=l)


def l2(l: float = 0.01) -> L1L2:  # noqa: E741 (Keras's argument)
    """l * sum(x²).

    Args:
        l: factor.

    Returns:
        The regularizer.

    Example:
        >>> float(l2(0.5)(jnp.asarray([2.0, -4.0])))
        10.0

    Keras 2.2.4: keras/regularizers.py l2
    """
    return L1L2(l2=l)


def l1_l2(l1: float = 0.01, l2: float = 0.01) -> L1L2:
    """l1 * sum(|x|) + l2 * sum(x²).

    Args:
        l1: factor of the absolute values.
        l2: factor of the squares.

    Returns:
        The regularizer.

    Example:
        >>> float(l1_l2(0.5, 0.25)(jnp.asarray([2.0, -4.0])))
        8.0

    Keras 2.2.4: keras/regularizers.py l1_l2
    """
    return L1L2(l1=l1, l2=l2)


orthogonal_regularizer = OrthogonalRegularizer
_BUILT_IN = {
    "Regularizer": Regularizer,
    "L1L2": L1L2,
    "L1": L1,
    "L2": L2,
    "OrthogonalRegularizer": OrthogonalRegularizer,
    "orthogonal_regularizer": OrthogonalRegularizer,
    "l1": l1,
    "l2": l2,
    "l1_l2": l1_l2,
}


def serialize(regularizer: Any) -> Any:
    """Write a regularizer down.

    Args:
        regularizer: a regularizer, a named function, or None.

    Returns:
        `{"class_name", "config"}`, the function's name, or None.

    Example:
        >>> serialize(l1(0.5))
        {'class_name': 'L1L2', 'config': {'l1': 0.5, 'l2': 0.0}}

    Keras 2.2.4: keras/regularizers.py serialize
    """
    return serialize_keras_object(regularizer)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Build a regularizer from what `serialize` wrote.

    Args:
        config: `{"class_name", "config"}`, or a name, which gives the class or function itself.
        custom_objects: names of your own.

    Returns:
        The regularizer.

    Raises:
        ValueError: if the name is unknown.

    Example:
        >>> deserialize({"class_name": "L1L2", "config": {"l2": 0.5}}).get_config()
        {'l1': 0.0, 'l2': 0.5}

    Keras 2.2.4: keras/regularizers.py deserialize
    """
    return deserialize_keras_object(config, _BUILT_IN, custom_objects, "regularizer")


def get(identifier: Any) -> Any:
    """The regularizer that an argument `kernel_regularizer=...` means.

    Args:
        identifier: None, a name, a config dictionary, a `Regularizer`, or a function of an array.

    Returns:
        The regularizer, or None.

    Raises:
        ValueError: if the name is unknown or `identifier` is something else.

    Example:
        >>> get("l2").get_config()["l1"]
        0.0

    Keras 2.2.4: keras/regularizers.py get
    """
    return None if identifier is None else get_configured(identifier, _BUILT_IN, "regularizer", Regularizer)
