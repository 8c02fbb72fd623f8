"""Sums and means over all samples, and the functions that are averaged so."""

# pyright: reportUnknownMemberType=false, reportIncompatibleMethodOverride=false
from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import jax.numpy as jnp
from jax.typing import DTypeLike

from jkeras.core.types import Array, Operand
from jkeras.losses.loss import same_rank
from jkeras.metrics.metric import Metric


def samplewise(
    values: Array, weight: Array | None, reduce: Callable[..., Array]
) -> tuple[Array, Array | None]:
    """One weighted value per sample, and its weight.

    Args:
        values: of the samples, with further axes perhaps.
        weight: of the samples, with fewer of these perhaps, or None.
        reduce: a sum or a mean, for the further axes.
    """
    if weight is not None:
        values, held = same_rank(values, weight)
        if values.ndim > held.ndim:
            values = reduce(values, tuple(range(held.ndim, values.ndim)))
        held = jnp.broadcast_to(held, values.shape)
        values = values * held
        weight = reduce(held, tuple(range(1, held.ndim))) if held.ndim > 1 else held
    return (reduce(values, tuple(range(1, values.ndim))) if values.ndim > 1 else values), weight


class Sum(Metric):
    """The weighted sum of values.

    Args:
        name, dtype: see `Metric`.

    Example:
        >>> metric = Sum()
        >>> metric.update_state([1.0, 2.0], sample_weight=[1.0, 0.5])
        >>> float(metric.result())
        2.0

    Keras 3: keras/src/metrics/reduction_metrics.py Sum
    """

    rowwise = True

    def __init__(self, name: str | None = "sum", dtype: DTypeLike | None = None):
        super().__init__(dtype, name)
        self.total = self.add_variable(name="total")

    def update_state(self, values: Operand, sample_weight: Operand = None) -> None:
        """Add values.

        Args:
            values: the values.
            sample_weight: their weights, or None.
        """
        weight = None if sample_weight is None else jnp.asarray(sample_weight, self.dtype)
        values, _ = samplewise(jnp.asarray(values, self.dtype), weight, jnp.sum)
        self._add({"total": jnp.sum(self.ctx.kept(values))})

    def of(self, sums: dict[str, Array]) -> Array:
        """The value, from the sums."""
        return sums["total"]


class Mean(Metric):
    """The weighted mean of values.

    Args:
        name, dtype: see `Metric`.

    Example:
        >>> metric = Mean()
        >>> metric.update_state([1.0, 2.0])
        >>> metric.update_state([6.0])
        >>> float(metric.result())
        3.0

    Keras 3: keras/src/metrics/reduction_metrics.py Mean
    """

    rowwise = True

    def __init__(self, name: str | None = "mean", dtype: DTypeLike | None = None):
        super().__init__(dtype, name)
        self.total = self.add_variable(name="total")
        self.count = self.add_variable(name="count")

    def update_state(self, values: Operand, sample_weight: Operand = None) -> None:
        """Count values.

        Args:
            values: the values; the mean over further axes is taken first.
            sample_weight: their weights, or None.
        """
        self._add(self._mean_sums(jnp.asarray(values, self.dtype), sample_weight))

    def _mean_sums(self, values: Array, weight: Any) -> dict[str, Array]:
        weight = None if weight is None else jnp.asarray(weight, self.dtype)
        values, weight = samplewise(values, weight, jnp.mean)
        weight = jnp.ones(values.shape, self.dtype) if weight is None else weight
        return {name: jnp.sum(self.ctx.kept(a)) for name, a in (("total", values), ("count", weight))}

    def of(self, sums: dict[str, Array]) -> Array:
        """The value, from the sums."""
        return divided(sums["total"], sums["count"])


class MeanMetricWrapper(Mean):
    """The mean of a function of (y_true, y_pred) with values per sample.

    Args:
        fn: the function.
        name, dtype: see `Metric`.
        **kwargs: further arguments of the function.

    Example:
        >>> metric = MeanMetricWrapper(lambda y_true, y_pred: jnp.abs(y_true - y_pred), name="distance")
        >>> metric.update_state([1.0, 2.0], [2.0, 4.0])
        >>> metric.name, float(metric.result())
        ('distance', 1.5)

    Keras 3: keras/src/metrics/reduction_metrics.py MeanMetricWrapper
    """

    rowwise = False  # the function may look at the whole batch

    def __init__(
        self, fn: Callable[..., Any], name: str | None = None, dtype: DTypeLike | None = None, **kwargs: Any
    ):
        super().__init__(name or getattr(fn, "__name__", None), dtype)
        self.fn, self.kwargs = fn, kwargs

    def update_state(self, y_true: Operand, y_pred: Operand, sample_weight: Operand = None) -> None:
        """Count a batch, see `Metric.update_state`."""
        values = self.fn(jnp.asarray(y_true), jnp.asarray(y_pred), **self.kwargs)
        super().update_state(values, sample_weight)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this metric anew; the function itself, which has to be found by name."""
        return {**super().get_config(), "fn": self.fn, **self.kwargs}


class FunctionMean(Mean):
    """The mean of what `function(y_true, y_pred, **arguments)` gives: the base of such metrics."""

    function: ClassVar[Callable[..., Any]]
    given: ClassVar[tuple[str, ...]] = ()  # attributes that are the function's arguments

    def update_state(self, y_true: Operand, y_pred: Operand, sample_weight: Operand = None) -> None:
        """Count a batch, see `Metric.update_state`."""
        pair = same_rank(jnp.asarray(y_true, self.dtype), jnp.asarray(y_pred, self.dtype))
        values = type(self).function(*pair, **{name: getattr(self, name) for name in self.given})
        weight = self.weight_of(pair[0], values, sample_weight)
        self._add(self._mean_sums(jnp.asarray(values, self.dtype), weight))

    def weight_of(self, y_true: Array, values: Array, weight: Any) -> Any:
        """The weight with which values count."""
        return weight


def divided(a: Array, b: Array) -> Array:
    """a / b, and 0 where b is 0."""
    return jnp.where(b != 0, a / jnp.where(b != 0, b, 1), 0)
