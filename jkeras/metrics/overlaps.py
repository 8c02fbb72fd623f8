"""Intersection over union of classes, from a confusion matrix over all samples."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
from jax.typing import DTypeLike

from jkeras.core.settings import epsilon
from jkeras.core.types import Array
from jkeras.metrics.metric import Metric


class IoU(Metric):
    """The mean over some classes of true positives / (true positives + false positives + false negatives).

    Args:
        num_classes: how many classes there are.
        target_class_ids: those whose mean is taken; those that never occur are left out.
        name: see `Metric`.
        dtype: of the confusion matrix; default int32, which weights are rounded down to.
        ignore_class: a class whose samples do not count.
        sparse_y_true, sparse_y_pred: whether targets and predictions are class indices, or scores along
            `axis`.
        axis: the axis of the scores.

    Raises:
        ValueError: there is no such class.

    Example:
        >>> metric = IoU(num_classes=2, target_class_ids=[0])
        >>> metric.update_state([0, 0, 1, 1], [0, 1, 0, 1])
        >>> round(float(metric.result()), 4)
        0.3333

    Keras 3: keras/src/metrics/iou_metrics.py IoU
    """

    rises = True

    arguments = ("num_classes", "target_class_ids", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis")

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: DTypeLike | None = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ):
        super().__init__("int32" if dtype is None else dtype, name)
        if max(target_class_ids) >= num_classes:
            raise ValueError(
                f"{type(self).__name__}: there is no class {max(target_class_ids)} among {num_classes}."
            )
        self.num_classes, self.target_class_ids = num_classes, list(target_class_ids)
        self.ignore_class, self.axis = ignore_class, axis
        self.sparse_y_true, self.sparse_y_pred = sparse_y_true, sparse_y_pred
        self.total_cm = self.add_variable((num_classes, num_classes), name="total_cm")

    def sums(self, y_true: Array, y_pred: Array, weight: Array | None) -> dict[str, Array]:
        """The numbers that are summed over the batches."""
        y_true = y_true if self.sparse_y_true else jnp.argmax(y_true, self.axis)
        y_pred = y_pred if self.sparse_y_pred else jnp.argmax(y_pred, self.axis)
        truth, found = (y.reshape(-1).astype(jnp.int32) for y in (y_true, y_pred))
        if weight is None:
            weight = jnp.ones((), self.dtype)
        elif weight.size < truth.size:
            weight = weight.reshape(len(weight), -1)[:, :1]  # of the samples, for all of their places
            weight = jnp.broadcast_to(weight, (len(weight), truth.size // len(weight)))
        weight = jnp.broadcast_to(weight.reshape(-1).astype(self.dtype), truth.shape)
        held = (truth >= 0) & (truth < self.num_classes) & (found >= 0) & (found < self.num_classes)
        if self.ignore_class is not None:
            held &= truth != self.ignore_class
        cell = jnp.where(held, truth * self.num_classes + found, self.num_classes**2)
        flat = jnp.zeros(self.num_classes**2, self.dtype).at[cell].add(weight, mode="drop")
        return {"total_cm": flat.reshape(self.num_classes, self.num_classes)}

    def of(self, sums: dict[str, Array]) -> Array:
        """The value, from the sums."""
        matrix = sums["total_cm"]
        numbers = jnp.arange(self.num_classes)
        hits: Array = matrix[numbers, numbers]
        either: Array = jnp.sum(matrix, 0) + jnp.sum(matrix, 1) - hits
        wanted = jnp.asarray(self.target_class_ids)
        hits, either = hits[wanted].astype(jnp.float32), either[wanted].astype(jnp.float32)
        occurs = either > 1e-9
        shares = jnp.where(occurs, hits / (either + epsilon()), 0.0)
        return jnp.sum(shares) / (jnp.sum(occurs) + epsilon())


class BinaryIoU(IoU):
    """`IoU` of the classes 0 and 1 of scores.

    Args:
        target_class_ids: the classes whose mean is taken.
        threshold: scores from here on are of class 1.
        name, dtype: see `IoU`.

    Example:
        >>> metric = BinaryIoU(threshold=0.3)
        >>> metric.update_state([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7])
        >>> round(float(metric.result()), 4)
        0.3333

    Keras 3: keras/src/metrics/iou_metrics.py BinaryIoU
    """

    arguments = ("target_class_ids", "threshold")

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ):
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def sums(self, y_true: Array, y_pred: Array, weight: Array | None) -> dict[str, Array]:
        """The numbers that are summed over the batches."""
        return super().sums(y_true, y_pred >= self.threshold, weight)


class MeanIoU(IoU):
    """`IoU` of all classes.

    Args:
        num_classes: how many classes there are.
        name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis: see `IoU`.

    Example:
        >>> metric = MeanIoU(num_classes=2)
        >>> metric.update_state([0, 0, 1, 1], [0, 1, 0, 1])
        >>> round(float(metric.result()), 4)
        0.3333

    Keras 3: keras/src/metrics/iou_metrics.py MeanIoU
    """

    arguments = ("num_classes", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis")

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: DTypeLike | None = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ):
        everything = range(num_classes)
        super().__init__(
            num_classes, everything, name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis
        )


class OneHotIoU(IoU):
    """`IoU` of one-hot targets, and of scores.

    Args:
        num_classes, target_class_ids, name, dtype, ignore_class, sparse_y_pred, axis: see `IoU`.

    Example:
        >>> metric = OneHotIoU(num_classes=2, target_class_ids=[0])
        >>> metric.update_state([[1, 0], [1, 0], [0, 1]], [[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]])
        >>> round(float(metric.result()), 4)
        0.5

    Keras 3: keras/src/metrics/iou_metrics.py OneHotIoU
    """

    arguments = ("num_classes", "target_class_ids", "ignore_class", "sparse_y_pred", "axis")

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: DTypeLike | None = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ):
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)


class OneHotMeanIoU(MeanIoU):
    """`MeanIoU` of one-hot targets, and of scores.

    Args:
        num_classes, name, dtype, ignore_class, sparse_y_pred, axis: see `IoU`.

    Example:
        >>> metric = OneHotMeanIoU(num_classes=2)
        >>> metric.update_state([[1, 0], [1, 0], [0, 1]], [[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]])
        >>> round(float(metric.result()), 4)
        0.5

    Keras 3: keras/src/metrics/iou_metrics.py OneHotMeanIoU
    """

    arguments = ("num_classes", "ignore_class", "sparse_y_pred", "axis")

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: DTypeLike | None = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ):
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)
