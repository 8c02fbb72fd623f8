"""Losses of numbers, and those with a margin, as objects with arguments."""

from __future__ import annotations

from jax.typing import DTypeLike

from jkeras.core.types import Array
from jkeras.losses import margins, regression
from jkeras.losses.loss import FunctionLoss

_MEAN = "sum_over_batch_size"


class MeanSquaredError(FunctionLoss):
    """`mean_squared_error` as an object.

    Args:
        reduction, name, dtype: see `Loss`.

    Example:
        >>> round(float(MeanSquaredError()([[0.0, 1.0]], [[1.0, 3.0]])), 4)
        2.5

    Keras 3: keras/src/losses/losses.py MeanSquaredError
    """

    function = staticmethod(regression.mean_squared_error)

    def __init__(
        self, reduction: str | None = _MEAN, name: str = "mean_squared_error", dtype: DTypeLike | None = None
    ):
        super().__init__(name, reduction, dtype)


class MeanAbsoluteError(FunctionLoss):
    """`mean_absolute_error` as an object.

    Args:
        reduction, name, dtype: see `Loss`.

    Example:
        >>> round(float(MeanAbsoluteError()([[0.0, 1.0]], [[1.0, 3.0]])), 4)
        1.5

    Keras 3: keras/src/losses/losses.py MeanAbsoluteError
    """

    function = staticmethod(regression.mean_absolute_error)

    def __init__(
        self, reduction: str | None = _MEAN, name: str = "mean_absolute_error", dtype: DTypeLike | None = None
    ):
        super().__init__(name, reduction, dtype)


class MeanAbsolutePercentageError(FunctionLoss):
    """`mean_absolute_percentage_error` as an object.

    Args:
        reduction, name, dtype: see `Loss`.

    Example:
        >>> round(float(MeanAbsolutePercentageError()([[1.0, 2.0]], [[2.0, 3.0]])), 4)
        75.0

    Keras 3: keras/src/losses/losses.py MeanAbsolutePercentageError
    """

    function = staticmethod(regression.mean_absolute_percentage_error)

    def __init__(
        self,
        reduction: str | None = _MEAN,
        name: str = "mean_absolute_percentage_error",
        dtype: DTypeLike | None = None,
    ):
        super().__init__(name, reduction, dtype)


class MeanSquaredLogarithmicError(FunctionLoss):
    """`mean_squared_logarithmic_error` as an object.

    Args:
        reduction, name, dtype: see `Loss`.

    Example:
        >>> round(float(MeanSquaredLogarithmicError()([[0.0]], [[1.0]])), 4)
        0.4805

    Keras 3: keras/src/losses/losses.py MeanSquaredLogarithmicError
    """

    function = staticmethod(regression.mean_squared_logarithmic_error)

    def __init__(
        self,
        reduction: str | None = _MEAN,
        name: str = "mean_squared_logarithmic_error",
        dtype: DTypeLike | None = None,
    ):
        super().__init__(name, reduction, dtype)


class CosineSimilarity(FunctionLoss):
    """`cosine_similarity` as an object.

    Args:
        axis: the axis that is summed.
        reduction, name, dtype: see `Loss`.

    Example:
        >>> round(float(CosineSimilarity()([[1.0, 0.0]], [[2.0, 0.0]])), 4)
        -1.0

    Keras 3: keras/src/losses/losses.py CosineSimilarity
    """

    function = staticmethod(regression.cosine_similarity)
    arguments = ("axis",)
    unwritten = {"axis": -1}

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = _MEAN,
        name: str = "cosine_similarity",
        dtype: DTypeLike | None = None,
    ):
        super().__init__(name, reduction, dtype)
        self.axis = axis


class Huber(FunctionLoss):
    """`huber` as an object.

    Args:
        delta: where the square becomes a line.
        reduction, name, dtype: see `Loss`.

    Example:
        >>> round(float(Huber()([[0.0, 0.0]], [[0.5, 3.0]])), 4)
        1.3125

    Keras 3: keras/src/losses/losses.py Huber
    """

    function = staticmethod(regression.huber)
    arguments = ("delta",)
    unwritten = {"delta": 1.0}

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = _MEAN,
        name: str = "huber_loss",
        dtype: DTypeLike | None = None,
    ):
        super().__init__(name, reduction, dtype)
        self.delta = delta


class LogCosh(FunctionLoss):
    """`logcosh` as an object.

    Args:
        reduction, name, dtype: see `Loss`.

    Example:
        >>> round(float(LogCosh()([[0.0]], [[1.0]])), 4)
        0.4338

    Keras 3: keras/src/losses/losses.py LogCosh
    """

    function = staticmethod(regression.logcosh)

    def __init__(self, reduction: str | None = _MEAN, name: str = "log_cosh", dtype: DTypeLike | None = None):
        super().__init__(name, reduction, dtype)


class Poisson(FunctionLoss):
    """`poisson` as an object.

    Args:
        reduction, name, dtype: see `Loss`.

    Example:
        >>> round(float(Poisson()([[1.0]], [[1.0]])), 4)
        1.0

    Keras 3: keras/src/losses/losses.py Poisson
    """

    function = staticmethod(regression.poisson)

    def __init__(self, reduction: str | None = _MEAN, name: str = "poisson", dtype: DTypeLike | None = None):
        super().__init__(name, reduction, dtype)


class Hinge(FunctionLoss):
    """`hinge` as an object, for targets -1 and 1, or 0 and 1.

    Args:
        reduction, name, dtype: see `Loss`.

    Example:
        >>> round(float(Hinge()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
        1.0

    Keras 3: keras/src/losses/losses.py Hinge
    """

    function = staticmethod(margins.signed_hinge)

    def __init__(self, reduction: str | None = _MEAN, name: str = "hinge", dtype: DTypeLike | None = None):
        super().__init__(name, reduction, dtype)


class SquaredHinge(FunctionLoss):
    """`squared_hinge` as an object, for targets -1 and 1, or 0 and 1.

    Args:
        reduction, name, dtype: see `Loss`.

    Example:
        >>> round(float(SquaredHinge()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
        1.25

    Keras 3: keras/src/losses/losses.py SquaredHinge
    """

    function = staticmethod(margins.signed_squared_hinge)

    def __init__(
        self, reduction: str | None = _MEAN, name: str = "squared_hinge", dtype: DTypeLike | None = None
    ):
        super().__init__(name, reduction, dtype)


class CategoricalHinge(FunctionLoss):
    """`categorical_hinge` as an object.

    Args:
        reduction, name, dtype: see `Loss`.

    Example:
        >>> round(float(CategoricalHinge()([[0.0, 1.0]], [[0.3, 0.7]])), 4)
        0.6

    Keras 3: keras/src/losses/losses.py CategoricalHinge
    """

    function = staticmethod(margins.categorical_hinge)

    def __init__(
        self, reduction: str | None = _MEAN, name: str = "categorical_hinge", dtype: DTypeLike | None = None
    ):
        super().__init__(name, reduction, dtype)


class Circle(FunctionLoss):
    """`circle` as an object: labels against embeddings of length 1; samples without a loss do not count.

    Args:
        gamma: scale.
        margin: slack.
        remove_diagonal: whether a row is not compared with itself.
        reduction, name, dtype: see `Loss`.

    Example:
        >>> round(float(Circle()([0, 0, 1], [[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])), 4)
        19.2

    Keras 3: keras/src/losses/losses.py Circle
    """

    function = staticmethod(margins.circle)
    arguments = ("gamma", "margin", "remove_diagonal")

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: str | None = _MEAN,
        name: str = "circle",
        dtype: DTypeLike | None = None,
    ):
        super().__init__(name, reduction, dtype)
        self.gamma = gamma
        self.margin = margin
        self.remove_diagonal = remove_diagonal
        self.rowwise = False

    def counted(self, y_true: Array, values: Array) -> Array | None:
        """The samples that have a loss."""
        return values > 0
