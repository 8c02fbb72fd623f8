"""Metrics of numbers that are the mean of a function over all samples."""

# pyright: reportIncompatibleMethodOverride=false
from __future__ import annotations

import jax.numpy as jnp
from jax.typing import DTypeLike

from jkeras import losses
from jkeras.core.types import Array, Operand
from jkeras.losses import margins
from jkeras.losses.loss import same_rank
from jkeras.metrics import matches
from jkeras.metrics.reductions import FunctionMean, Mean


class MeanSquaredError(FunctionMean):
    """The mean of `mean_squared_error`.

    Args:
        name, dtype: see `Metric`.

    Example:
        >>> metric = MeanSquaredError()
        >>> metric.update_state([[0.0, 1.0]], [[1.0, 3.0]])
        >>> round(float(metric.result()), 4)
        2.5

    Keras 3: keras/src/metrics/regression_metrics.py MeanSquaredError
    """

    function = staticmethod(losses.mean_squared_error)

    def __init__(self, name: str | None = "mean_squared_error", dtype: DTypeLike | None = None):
        super().__init__(name, dtype)


class MeanAbsoluteError(FunctionMean):
    """The mean of `mean_absolute_error`.

    Args:
        name, dtype: see `Metric`.

    Example:
        >>> metric = MeanAbsoluteError()
        >>> metric.update_state([[0.0, 1.0]], [[1.0, 3.0]])
        >>> round(float(metric.result()), 4)
        1.5

    Keras 3: keras/src/metrics/regression_metrics.py MeanAbsoluteError
    """

    function = staticmethod(losses.mean_absolute_error)

    def __init__(self, name: str | None = "mean_absolute_error", dtype: DTypeLike | None = None):
        super().__init__(name, dtype)


class MeanAbsolutePercentageError(FunctionMean):
    """The mean of `mean_absolute_percentage_error`.

    Args:
        name, dtype: see `Metric`.

    Example:
        >>> metric = MeanAbsolutePercentageError()
        >>> metric.update_state([[1.0, 2.0]], [[2.0, 3.0]])
        >>> round(float(metric.result()), 4)
        75.0

    Keras 3: keras/src/metrics/regression_metrics.py MeanAbsolutePercentageError
    """

    function = staticmethod(losses.mean_absolute_percentage_error)

    def __init__(self, name: str | None = "mean_absolute_percentage_error", dtype: DTypeLike | None = None):
        super().__init__(name, dtype)


class MeanSquaredLogarithmicError(FunctionMean):
    """The mean of `mean_squared_logarithmic_error`.

    Args:
        name, dtype: see `Metric`.

    Example:
        >>> metric = MeanSquaredLogarithmicError()
        >>> metric.update_state([[0.0]], [[1.0]])
        >>> round(float(metric.result()), 4)
        0.4805

    Keras 3: keras/src/metrics/regression_metrics.py MeanSquaredLogarithmicError
    """

    function = staticmethod(losses.mean_squared_logarithmic_error)

    def __init__(self, name: str | None = "mean_squared_logarithmic_error", dtype: DTypeLike | None = None):
        super().__init__(name, dtype)


class LogCoshError(FunctionMean):
    """The mean of `logcosh`.

    Args:
        name, dtype: see `Metric`.

    Example:
        >>> metric = LogCoshError()
        >>> metric.update_state([[0.0]], [[1.0]])
        >>> round(float(metric.result()), 4)
        0.4338

    Keras 3: keras/src/metrics/regression_metrics.py LogCoshError
    """

    function = staticmethod(losses.logcosh)

    def __init__(self, name: str | None = "logcosh", dtype: DTypeLike | None = None):
        super().__init__(name, dtype)


class CosineSimilarity(FunctionMean):
    """The mean of the cosine between targets and predictions.

    Args:
        axis: the axis that is summed.
        name, dtype: see `Metric`.

    Example:
        >>> metric = CosineSimilarity()
        >>> metric.update_state([[1.0, 0.0]], [[2.0, 0.0]])
        >>> round(float(metric.result()), 4)
        1.0

    Keras 3: keras/src/metrics/regression_metrics.py CosineSimilarity
    """

    rises = True

    function = staticmethod(matches.cosine_similarity)
    given = ("axis",)

    def __init__(
        self, name: str | None = "cosine_similarity", dtype: DTypeLike | None = None, axis: int = -1
    ):
        super().__init__(name, dtype)
        self.axis = axis


class Hinge(FunctionMean):
    """The mean of the loss `Hinge`.

    Args:
        name, dtype: see `Metric`.

    Example:
        >>> metric = Hinge()
        >>> metric.update_state([[0.0, 1.0]], [[0.5, 0.5]])
        >>> round(float(metric.result()), 4)
        1.0

    Keras 3: keras/src/metrics/hinge_metrics.py Hinge
    """

    function = staticmethod(margins.signed_hinge)

    def __init__(self, name: str | None = "hinge", dtype: DTypeLike | None = None):
        super().__init__(name, dtype)


class SquaredHinge(FunctionMean):
    """The mean of the loss `SquaredHinge`.

    Args:
        name, dtype: see `Metric`.

    Example:
        >>> metric = SquaredHinge()
        >>> metric.update_state([[0.0, 1.0]], [[0.5, 0.5]])
        >>> round(float(metric.result()), 4)
        1.25

    Keras 3: keras/src/metrics/hinge_metrics.py SquaredHinge
    """

    function = staticmethod(margins.signed_squared_hinge)

    def __init__(self, name: str | None = "squared_hinge", dtype: DTypeLike | None = None):
        super().__init__(name, dtype)


class CategoricalHinge(FunctionMean):
    """The mean of the loss `CategoricalHinge`.

    Args:
        name, dtype: see `Metric`.

    Example:
        >>> metric = CategoricalHinge()
        >>> metric.update_state([[0.0, 1.0]], [[0.3, 0.7]])
        >>> round(float(metric.result()), 4)
        0.6

    Keras 3: keras/src/metrics/hinge_metrics.py CategoricalHinge
    """

    function = staticmethod(losses.categorical_hinge)

    def __init__(self, name: str | None = "categorical_hinge", dtype: DTypeLike | None = None):
        super().__init__(name, dtype)


class Poisson(FunctionMean):
    """The mean of `poisson`.

    Args:
        name, dtype: see `Metric`.

    Example:
        >>> metric = Poisson()
        >>> metric.update_state([[1.0]], [[1.0]])
        >>> round(float(metric.result()), 4)
        1.0

    Keras 3: keras/src/metrics/probabilistic_metrics.py Poisson
    """

    function = staticmethod(losses.poisson)

    def __init__(self, name: str | None = "poisson", dtype: DTypeLike | None = None):
        super().__init__(name, dtype)


class PearsonCorrelation(FunctionMean):
    """The mean of the correlation of targets and predictions along an axis.

    Args:
        axis: the axis.
        name, dtype: see `Metric`.

    Example:
        >>> metric = PearsonCorrelation()
        >>> metric.update_state([[0.0, 1.0]], [[1.0, 3.0]])
        >>> round(float(metric.result()), 4)
        1.0

    Keras 3: keras/src/metrics/correlation_metrics.py PearsonCorrelation
    """

    rises = True

    function = staticmethod(matches.pearson_correlation)
    given = ("axis",)
    arguments = ("axis",)

    def __init__(
        self, name: str | None = "pearson_correlation", dtype: DTypeLike | None = None, axis: int = -1
    ):
        super().__init__(name, dtype)
        self.axis = axis


class ConcordanceCorrelation(FunctionMean):
    """The mean of the concordance of targets and predictions along an axis.

    Args:
        axis: the axis.
        name, dtype: see `Metric`.

    Example:
        >>> metric = ConcordanceCorrelation()
        >>> metric.update_state([[0.0, 1.0]], [[0.0, 1.0]])
        >>> round(float(metric.result()), 4)
        1.0

    Keras 3: keras/src/metrics/correlation_metrics.py ConcordanceCorrelation
    """

    rises = True

    function = staticmethod(matches.concordance_correlation)
    given = ("axis",)
    arguments = ("axis",)

    def __init__(
        self, name: str | None = "concordance_correlation", dtype: DTypeLike | None = None, axis: int = -1
    ):
        super().__init__(name, dtype)
        self.axis = axis


class RootMeanSquaredError(Mean):
    """The root of the mean of squared errors over all samples.

    Args:
        name, dtype: see `Metric`.

    Example:
        >>> metric = RootMeanSquaredError()
        >>> metric.update_state([[0.0, 0.0]], [[3.0, 4.0]])
        >>> round(float(metric.result()), 4)
        3.5355

    Keras 3: keras/src/metrics/regression_metrics.py RootMeanSquaredError
    """

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: DTypeLike | None = None):
        super().__init__(name, dtype)

    def update_state(self, y_true: Operand, y_pred: Operand, sample_weight: Operand = None) -> None:
        """Count a batch, see `Metric.update_state`."""
        y_true, y_pred = same_rank(jnp.asarray(y_true, self.dtype), jnp.asarray(y_pred, self.dtype))
        self._add(self._mean_sums(jnp.square(y_pred - y_true), sample_weight))

    def of(self, sums: dict[str, Array]) -> Array:
        """The value, from the sums."""
        return jnp.sqrt(super().of(sums))
