"""Metrics of classes and probabilities that are the mean of a function over all samples."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax.typing import DTypeLike

from jkeras import losses
from jkeras.core.types import Array
from jkeras.metrics import matches
from jkeras.metrics.reductions import FunctionMean


class KLDivergence(FunctionMean):
    """The mean of `kullback_leibler_divergence`.

    Args:
        name, dtype: see `Metric`.

    Example:
        >>> metric = KLDivergence()
        >>> metric.update_state([[0.0, 1.0]], [[0.5, 0.5]])
        >>> round(float(metric.result()), 4)
        0.6931

    Keras 3: keras/src/metrics/probabilistic_metrics.py KLDivergence
    """

    function = staticmethod(losses.kullback_leibler_divergence)

    def __init__(self, name: str | None = "kl_divergence", dtype: DTypeLike | None = None):
        super().__init__(name, dtype)


class BinaryCrossentropy(FunctionMean):
    """The mean of `binary_crossentropy`.

    Args:
        from_logits: whether predictions are logits.
        label_smoothing: share of the targets that is spread evenly.
        name, dtype: see `Metric`.

    Example:
        >>> metric = BinaryCrossentropy()
        >>> metric.update_state([[0.0, 1.0]], [[0.5, 0.5]])
        >>> round(float(metric.result()), 4)
        0.6931

    Keras 3: keras/src/metrics/probabilistic_metrics.py BinaryCrossentropy
    """

    function = staticmethod(losses.binary_crossentropy)
    given = ("from_logits", "label_smoothing")
    arguments = ("from_logits", "label_smoothing")

    def __init__(
        self,
        name: str | None = "binary_crossentropy",
        dtype: DTypeLike | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ):
        super().__init__(name, dtype)
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing


class CategoricalCrossentropy(FunctionMean):
    """The mean of `categorical_crossentropy`.

    Args:
        from_logits: whether predictions are logits.
        label_smoothing: share of the targets that is spread evenly.
        axis: the axis of the classes.
        name, dtype: see `Metric`.

    Example:
        >>> metric = CategoricalCrossentropy()
        >>> metric.update_state([[0.0, 1.0]], [[0.5, 0.5]])
        >>> round(float(metric.result()), 4)
        0.6931

    Keras 3: keras/src/metrics/probabilistic_metrics.py CategoricalCrossentropy
    """

    function = staticmethod(losses.categorical_crossentropy)
    given = ("from_logits", "label_smoothing", "axis")
    arguments = ("from_logits", "label_smoothing", "axis")

    def __init__(
        self,
        name: str | None = "categorical_crossentropy",
        dtype: DTypeLike | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ):
        super().__init__(name, dtype)
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis


class SparseCategoricalCrossentropy(FunctionMean):
    """The mean of `sparse_categorical_crossentropy`; samples of the class `ignore_class` are 0.

    They do not count where samples have weights; where they have none they do, as in Keras 3.15.

    Args:
        name, dtype: see `Metric`.
        from_logits: whether predictions are logits.
        ignore_class: a class, such as padding.
        axis: the axis of the classes.

    Example:
        >>> metric = SparseCategoricalCrossentropy()
        >>> metric.update_state([1], [[0.5, 0.5]])
        >>> round(float(metric.result()), 4)
        0.6931

    Keras 3: keras/src/metrics/probabilistic_metrics.py SparseCategoricalCrossentropy
    """

    function = staticmethod(losses.sparse_categorical_crossentropy)
    given = arguments = ("from_logits", "ignore_class", "axis")

    def __init__(
        self,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: DTypeLike | None = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ):
        super().__init__(name, dtype)
        self.from_logits, self.ignore_class, self.axis = from_logits, ignore_class, axis

    def weight_of(self, y_true: Array, values: Array, weight: Any) -> Any:
        """The weight, if there is one, without the samples of the ignored class."""
        if weight is None or self.ignore_class is None:
            return weight
        held = y_true.reshape(values.shape) != self.ignore_class
        return jnp.where(held, jnp.reshape(weight, values.shape), 0)


class Accuracy(FunctionMean):
    """How often predictions equal targets.

    Args:
        name, dtype: see `Metric`.

    Example:
        >>> metric = Accuracy()
        >>> metric.update_state([1, 2, 3], [1, 2, 4])
        >>> round(float(metric.result()), 4)
        0.6667

    Keras 3: keras/src/metrics/accuracy_metrics.py Accuracy
    """

    rises = True

    function = staticmethod(matches.accuracy)

    def __init__(self, name: str | None = "accuracy", dtype: DTypeLike | None = None):
        super().__init__(name, dtype)


class BinaryAccuracy(FunctionMean):
    """How often predictions are on the side of a threshold that the targets 0 and 1 say.

    Args:
        threshold: what is above counts as 1.
        name, dtype: see `Metric`.

    Example:
        >>> metric = BinaryAccuracy()
        >>> metric.update_state([[0.0, 1.0]], [[0.2, 0.3]])
        >>> round(float(metric.result()), 4)
        0.5

    Keras 3: keras/src/metrics/accuracy_metrics.py BinaryAccuracy
    """

    rises = True

    function = staticmethod(matches.binary_accuracy)
    given = ("threshold",)
    arguments = ("threshold",)

    def __init__(
        self, name: str | None = "binary_accuracy", dtype: DTypeLike | None = None, threshold: float = 0.5
    ):
        super().__init__(name, dtype)
        self.threshold = threshold


class CategoricalAccuracy(FunctionMean):
    """How often the largest prediction is that of the class of a one-hot target.

    Args:
        name, dtype: see `Metric`.

    Example:
        >>> metric = CategoricalAccuracy()
        >>> metric.update_state([[0.0, 1.0]], [[0.2, 0.3]])
        >>> round(float(metric.result()), 4)
        1.0

    Keras 3: keras/src/metrics/accuracy_metrics.py CategoricalAccuracy
    """

    rises = True

    function = staticmethod(matches.categorical_accuracy)

    def __init__(self, name: str | None = "categorical_accuracy", dtype: DTypeLike | None = None):
        super().__init__(name, dtype)


class SparseCategoricalAccuracy(FunctionMean):
    """How often the largest prediction is that of the target, a class index.

    Args:
        name, dtype: see `Metric`.

    Example:
        >>> metric = SparseCategoricalAccuracy()
        >>> metric.update_state([[1]], [[0.2, 0.3]])
        >>> round(float(metric.result()), 4)
        1.0

    Keras 3: keras/src/metrics/accuracy_metrics.py SparseCategoricalAccuracy
    """

    rises = True

    function = staticmethod(matches.sparse_categorical_accuracy)

    def __init__(self, name: str | None = "sparse_categorical_accuracy", dtype: DTypeLike | None = None):
        super().__init__(name, dtype)


class TopKCategoricalAccuracy(FunctionMean):
    """How often the class of a one-hot target is among the k largest predictions.

    Args:
        k: how many.
        name, dtype: see `Metric`.

    Example:
        >>> metric = TopKCategoricalAccuracy(k=1)
        >>> metric.update_state([[0.0, 1.0]], [[0.2, 0.3]])
        >>> round(float(metric.result()), 4)
        1.0

    Keras 3: keras/src/metrics/accuracy_metrics.py TopKCategoricalAccuracy
    """

    rises = True

    function = staticmethod(matches.top_k_categorical_accuracy)
    given = ("k",)
    arguments = ("k",)

    def __init__(
        self, k: int = 5, name: str | None = "top_k_categorical_accuracy", dtype: DTypeLike | None = None
    ):
        super().__init__(name, dtype)
        self.k = k


class SparseTopKCategoricalAccuracy(FunctionMean):
    """How often the target, a class index, is among the k largest predictions.

    Args:
        k: how many.
        from_sorted_ids: whether predictions are class indices, the best first.
        name, dtype: see `Metric`.

    Example:
        >>> metric = SparseTopKCategoricalAccuracy(k=1)
        >>> metric.update_state([1], [[0.2, 0.3]])
        >>> round(float(metric.result()), 4)
        1.0

    Keras 3: keras/src/metrics/accuracy_metrics.py SparseTopKCategoricalAccuracy
    """

    rises = True

    function = staticmethod(matches.sparse_top_k_categorical_accuracy)
    given = ("k", "from_sorted_ids")
    arguments = ("k",)

    def __init__(
        self,
        k: int = 5,
        name: str | None = "sparse_top_k_categorical_accuracy",
        dtype: DTypeLike | None = None,
        from_sorted_ids: bool = False,
    ):
        super().__init__(name, dtype)
        self.k = k
        self.from_sorted_ids = from_sorted_ids

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this metric anew."""
        told = super().get_config()
        return {**told, "from_sorted_ids": True} if self.from_sorted_ids else told
