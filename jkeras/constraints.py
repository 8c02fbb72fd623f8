"""Constraints: functions that put weights back into bounds after each update."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp

from jkeras.core.arguments import refuse_text
from jkeras.core.dispatch import op
from jkeras.core.registry import (
    deserialize_keras_object,
    get_configured,
    serialize_keras_object,
)
from jkeras.core.settings import epsilon
from jkeras.core.types import AnyList, AnyTuple


class Constraint:
    """Base class of constraints: a callable from an array to an array, here the same one.

    Example:
        >>> Constraint()(3)
        3

    Keras 2.2.4: keras/constraints.py Constraint
    """

    def __call__(self, w: Any) -> Any:
        """The weight `w`, put back into bounds.

        Args:
            w: a weight.

        Returns:
            An array of the same shape.
        """
        return w

    def get_config(self) -> dict[str, Any]:
        """The arguments that build this constraint again."""
        return {}


class MaxNorm(Constraint):
    """w * clip(‖w‖, 0, max_value) / (epsilon + ‖w‖), with norms along `axis`.

    Args:
        max_value: the largest norm.
        axis: axis or axes to sum over: 0 for the incoming weights of a `Dense` unit, [0, 1, 2] for a
            filter of a `Conv2D`.

    Example:
        >>> print(MaxNorm(1.0)(jnp.asarray([3.0, 4.0])))
        [0.6 0.8]

    Source: Srivastava et al. 2014 (dropout). Keras 2.2.4: keras/constraints.py MaxNorm
    """

    def __init__(self, max_value: float = 2, axis: int | Sequence[int] = 0):
        refuse_text(max_value=max_value)
        self.max_value = max_value
        self.axis = axis

    def __call__(self, w: Any):
        return _rescale(w, self.axis, 0, self.max_value, 1)

    def get_config(self):
        """The arguments as plain values."""
        return {"max_value": self.max_value, "axis": self.axis}


class NonNeg(Constraint):
    """w * (w >= 0).

    Example:
        >>> NonNeg()(jnp.asarray([3.0, -4.0])).tolist()
        [3.0, -0.0]

    Keras 2.2.4: keras/constraints.py NonNeg
    """

    def __call__(self, w: Any):
        return _non_negative(w)


class UnitNorm(Constraint):
    """w / (epsilon + ‖w‖), with norms along `axis`.

    Args:
        axis: axis or axes to sum over, as in `MaxNorm`.

    Example:
        >>> print(UnitNorm()(jnp.asarray([3.0, 4.0])))
        [0.6 0.8]

    Keras 2.2.4: keras/constraints.py UnitNorm
    """

    def __init__(self, axis: int | Sequence[int] = 0):
        self.axis = axis

    def __call__(self, w: Any):
        return _unit(w, self.axis)

    def get_config(self):
        """The arguments as plain values."""
        return {"axis": self.axis}


class MinMaxNorm(Constraint):
    """w * (rate * clip(‖w‖, min_value, max_value) + (1 - rate) * ‖w‖) / (epsilon + ‖w‖), norms along `axis`.

    Args:
        min_value: the smallest norm.
        max_value: the largest norm.
        rate: how much of the way into the bounds one update goes: 1 all, less a part.
        axis: axis or axes to sum over, as in `MaxNorm`.

    Example:
        >>> print(MinMaxNorm(max_value=1.0, rate=0.5)(jnp.asarray([0.0, 4.0])))
        [0.  2.5]

    Keras 2.2.4: keras/constraints.py MinMaxNorm
    """

    def __init__(
        self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: int | Sequence[int] = 0
    ):
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def __call__(self, w: Any):
        return _rescale(w, self.axis, self.min_value, self.max_value, self.rate)

    def get_config(self):
        """The arguments as plain values."""
        return {
            "min_value": self.min_value,
            "max_value": self.max_value,
            "rate": self.rate,
            "axis": self.axis,
        }


def _norms(w: Any, axis: Any):
    axis = tuple(axis) if isinstance(axis, (AnyList, AnyTuple)) else axis
    return jnp.sqrt(jnp.sum(jnp.square(w), axis=axis, keepdims=True))


@op
def _rescale(w: Any, axis: Any, low: Any, high: Any, rate: float):
    norms = _norms(w, axis)
    desired = jnp.clip(norms, low, max(low, high))  # K.clip raises an upper bound that is below the lower one
    if rate != 1:
        desired = rate * desired + (1 - rate) * norms
    return w * (desired / (epsilon() + norms))


@op
def _unit(w: Any, axis: Any):
    return w / (epsilon() + _norms(w, axis))


@op
def _non_negative(w: Any):
    return w * (w >= 0).astype(w.dtype)


max_norm = maxnorm = MaxNorm
non_neg = nonneg = NonNeg
unit_norm = unitnorm = UnitNorm
min_max_norm = MinMaxNorm

_BUILT_IN = {
    "Constraint": Constraint,
    "MaxNorm": MaxNorm,
    "max_norm": MaxNorm,
    "maxnorm": MaxNorm,
    "MinMaxNorm": MinMaxNorm,
    "min_max_norm": MinMaxNorm,
    "NonNeg": NonNeg,
    "non_neg": NonNeg,
    "nonneg": NonNeg,
    "UnitNorm": UnitNorm,
    "unit_norm": UnitNorm,
    "unitnorm": UnitNorm,
}


def serialize(constraint: Any) -> Any:
    """Write a constraint down.

    Args:
        constraint: a constraint, a named function, or None.

    Returns:
        `{"class_name", "config"}`, the function's name, or None.

    Example:
        >>> serialize(UnitNorm())
        {'class_name': 'UnitNorm', 'config': {'axis': 0}}

    Keras 2.2.4: keras/constraints.py serialize
    """
    return serialize_keras_object(constraint)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Build a constraint from what `serialize` wrote.

    Args:
        config: `{"class_name", "config"}`, or a name, which gives the class or function itself.
        custom_objects: names of your own.

    Returns:
        The constraint.

    Raises:
        ValueError: if the name is unknown.

    Example:
        >>> deserialize({"class_name": "MaxNorm", "config": {"max_value": 3}}).max_value
        3

    Keras 2.2.4: keras/constraints.py deserialize
    """
    return deserialize_keras_object(config, _BUILT_IN, custom_objects, "constraint")


def get(identifier: Any) -> Any:
    """The constraint that an argument `kernel_constraint=...` means.

    Args:
        identifier: None, a name, a config dictionary, a `Constraint`, or a function of an array.

    Returns:
        The constraint, or None.

    Raises:
        ValueError: if the name is unknown or `identifier` is something else.

    Example:
        >>> get("maxnorm").max_value
        2

    Keras 2.2.4: keras/constraints.py get
    """
    return None if identifier is None else get_configured(identifier, _BUILT_IN, "constraint", Constraint)
