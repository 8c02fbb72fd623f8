"""Losses of probabilities and masks as objects with arguments."""

from __future__ import annotations

from collections.abc import Sequence

from jax.typing import DTypeLike

from jkeras.core.types import Array
from jkeras.losses import crossentropy, overlaps
from jkeras.losses.loss import FunctionLoss

_MEAN = "sum_over_batch_size"


class KLDivergence(FunctionLoss):
    """`kullback_leibler_divergence` as an object.

    Args:
        reduction, name, dtype: see `Loss`.

    Example:
        >>> round(float(KLDivergence()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
        0.6931

    Keras 3: keras/src/losses/losses.py KLDivergence
    """

    function = staticmethod(crossentropy.kullback_leibler_divergence)

    def __init__(
        self, reduction: str | None = _MEAN, name: str = "kl_divergence", dtype: DTypeLike | None = None
    ):
        super().__init__(name, reduction, dtype)


class BinaryCrossentropy(FunctionLoss):
    """`binary_crossentropy` as an object.

    Args:
        from_logits: whether predictions are logits.
        label_smoothing: share of the targets that is spread evenly.
        axis: the axis that is averaged.
        reduction, name, dtype: see `Loss`.

    Example:
        >>> round(float(BinaryCrossentropy(from_logits=True)([[0.0, 1.0]], [[0.0, 0.0]])), 4)
        0.6931

    Keras 3: keras/src/losses/losses.py BinaryCrossentropy
    """

    function = staticmethod(crossentropy.binary_crossentropy)
    arguments = ("from_logits", "label_smoothing", "axis")

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = _MEAN,
        name: str = "binary_crossentropy",
        dtype: DTypeLike | None = None,
    ):
        super().__init__(name, reduction, dtype)
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis


class BinaryFocalCrossentropy(FunctionLoss):
    """`binary_focal_crossentropy` as an object.

    Args:
        apply_class_balancing: whether class 1 weighs `alpha` and class 0 `1 - alpha`.
        alpha: weight of class 1.
        gamma: how little counts what is known well.
        from_logits: whether predictions are logits.
        label_smoothing: share of the targets that is spread evenly.
        axis: the axis that is averaged.
        reduction, name, dtype: see `Loss`.

    Example:
        >>> round(float(BinaryFocalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
        0.1733

    Keras 3: keras/src/losses/losses.py BinaryFocalCrossentropy
    """

    function = staticmethod(crossentropy.binary_focal_crossentropy)
    arguments = ("apply_class_balancing", "alpha", "gamma", "from_logits", "label_smoothing", "axis")

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = _MEAN,
        name: str = "binary_focal_crossentropy",
        dtype: DTypeLike | None = None,
    ):
        super().__init__(name, reduction, dtype)
        self.apply_class_balancing = apply_class_balancing
        self.alpha = alpha
        self.gamma = gamma
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis


class CategoricalCrossentropy(FunctionLoss):
    """`categorical_crossentropy` as an object.

    Args:
        from_logits: whether predictions are logits.
        label_smoothing: share of the targets that is spread evenly.
        axis: the axis of the classes.
        reduction, name, dtype: see `Loss`.

    Example:
        >>> round(float(CategoricalCrossentropy(label_smoothing=0.1)([[0.0, 1.0]], [[0.5, 0.5]])), 4)
        0.6931

    Keras 3: keras/src/losses/losses.py CategoricalCrossentropy
    """

    function = staticmethod(crossentropy.categorical_crossentropy)
    arguments = ("from_logits", "label_smoothing", "axis")

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = _MEAN,
        name: str = "categorical_crossentropy",
        dtype: DTypeLike | None = None,
    ):
        super().__init__(name, reduction, dtype)
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis


class CategoricalFocalCrossentropy(FunctionLoss):
    """`categorical_focal_crossentropy` as an object.

    Args:
        alpha: weight.
        gamma: how little counts what is known well.
        from_logits: whether predictions are logits.
        label_smoothing: share of the targets that is spread evenly.
        axis: the axis of the classes.
        reduction, name, dtype: see `Loss`.

    Example:
        >>> round(float(CategoricalFocalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
        0.0433

    Keras 3: keras/src/losses/losses.py CategoricalFocalCrossentropy
    """

    function = staticmethod(crossentropy.categorical_focal_crossentropy)
    arguments = ("alpha", "gamma", "from_logits", "label_smoothing", "axis")

    def __init__(
        self,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = _MEAN,
        name: str = "categorical_focal_crossentropy",
        dtype: DTypeLike | None = None,
    ):
        super().__init__(name, reduction, dtype)
        self.alpha = alpha
        self.gamma = gamma
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis


class SparseCategoricalCrossentropy(FunctionLoss):
    """`sparse_categorical_crossentropy` as an object; samples of the class `ignore_class` do not count.

    Args:
        from_logits: whether predictions are logits.
        ignore_class: a class whose samples do not count, such as padding.
        axis: the axis of the classes.
        reduction, name, dtype: see `Loss`.

    Example:
        >>> loss = SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
        >>> round(float(loss([1, -1], [[0.0, 0.0], [9.0, 0.0]])), 4)
        0.6931

    Keras 3: keras/src/losses/losses.py SparseCategoricalCrossentropy
    """

    function = staticmethod(crossentropy.sparse_categorical_crossentropy)
    arguments = ("from_logits", "ignore_class", "axis")
    unwritten = {"axis": -1}

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = _MEAN,
        axis: int = -1,
        name: str = "sparse_categorical_crossentropy",
        dtype: DTypeLike | None = None,
    ):
        super().__init__(name, reduction, dtype)
        self.from_logits = from_logits
        self.ignore_class = ignore_class
        self.axis = axis

    def counted(self, y_true: Array, values: Array) -> Array | None:
        """The samples of other classes than `ignore_class`."""
        return None if self.ignore_class is None else y_true.reshape(values.shape) != self.ignore_class


class CategoricalGeneralizedCrossEntropy(FunctionLoss):
    """`categorical_generalized_cross_entropy` as an object.

    Args:
        q: between 0 (the crossentropy) and 1 (the mean absolute error).
        reduction, name, dtype: see `Loss`.

    Example:
        >>> round(float(CategoricalGeneralizedCrossEntropy()([1], [[0.75, 0.25]])), 4)
        1.0

    Keras 3: keras/src/losses/losses.py CategoricalGeneralizedCrossEntropy
    """

    function = staticmethod(crossentropy.categorical_generalized_cross_entropy)
    arguments = ("q",)

    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = _MEAN,
        name: str = "categorical_generalized_cross_entropy",
        dtype: DTypeLike | None = None,
    ):
        super().__init__(name, reduction, dtype)
        self.q = q
        if not 0 < q < 1:
            raise ValueError(f"CategoricalGeneralizedCrossEntropy: `q` must be between 0 and 1; got {q!r}.")


class CTC(FunctionLoss):
    """`ctc` as an object: labels against logits, 0 is the blank.

    Args:
        reduction, name, dtype: see `Loss`.

    Example:
        >>> round(float(CTC()([[1, 0]], [[[0.0, 0.0], [0.0, 0.0]]])), 4)
        0.2877

    Keras 3: keras/src/losses/losses.py CTC
    """

    function = staticmethod(crossentropy.ctc)

    def __init__(self, reduction: str | None = _MEAN, name: str = "ctc", dtype: DTypeLike | None = None):
        super().__init__(name, reduction, dtype)


class Dice(FunctionLoss):
    """`dice` as an object.

    Args:
        axis: what is summed; None: everything, the batch too.
        reduction, name, dtype: see `Loss`.

    Example:
        >>> round(float(Dice()([[1.0, 0.0]], [[0.5, 0.5]])), 4)
        0.5

    Keras 3: keras/src/losses/losses.py Dice
    """

    function = staticmethod(overlaps.dice)
    arguments = ("axis",)

    def __init__(
        self,
        reduction: str | None = _MEAN,
        name: str = "dice",
        axis: int | Sequence[int] | None = None,
        dtype: DTypeLike | None = None,
    ):
        super().__init__(name, reduction, dtype)
        self.axis = axis
        self.rowwise = False


class Tversky(FunctionLoss):
    """`tversky` as an object.

    Args:
        alpha: weight of what is missed.
        beta: weight of what is wrongly there.
        axis: what is summed; None: everything, the batch too.
        reduction, name, dtype: see `Loss`.

    Example:
        >>> round(float(Tversky()([[1.0, 0.0]], [[0.5, 0.5]])), 4)
        0.5

    Keras 3: keras/src/losses/losses.py Tversky
    """

    function = staticmethod(overlaps.tversky)
    arguments = ("alpha", "beta", "axis")

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = _MEAN,
        name: str = "tversky",
        axis: int | Sequence[int] | None = None,
        dtype: DTypeLike | None = None,
    ):
        super().__init__(name, reduction, dtype)
        self.alpha = alpha
        self.beta = beta
        self.axis = axis
        self.rowwise = False
