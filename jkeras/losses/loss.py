"""Loss: the base class of losses with arguments, and how the values of samples become one number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import jax.numpy as jnp
from jax.typing import DTypeLike

from jkeras.core.dispatch import op
from jkeras.core.names import auto_name, snake_case
from jkeras.core.settings import floatx
from jkeras.core.types import INFERENCE, Array, Ctx, Operand

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)


class Loss:
    """A loss as an object: `loss(y_true, y_pred, sample_weight)` is one number. Subclasses define `call`.

    Args:
        name: its name.
        reduction: how the values of the samples become one: "sum_over_batch_size" (also "mean"): their
            weighted sum divided by their number; "mean_with_sample_weight": divided by the sum of the
            weights; "sum": the weighted sum; "none" or None: they stay apart (training takes the mean).
        dtype: what targets and predictions become; default `floatx()`.

    Raises:
        ValueError: an unknown reduction.

    Example:
        >>> class Quartic(Loss):
        ...     def call(self, y_true, y_pred):
        ...         return jnp.mean((y_true - y_pred) ** 4, axis=-1)
        >>> float(Quartic()([[0.0], [0.0]], [[1.0], [2.0]]))
        8.5

    Keras 3: keras/src/losses/loss.py Loss
    """

    rowwise: bool = True  # whether the value of a sample depends on that sample only

    def __init__(
        self,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: DTypeLike | None = None,
    ):
        if reduction not in REDUCTIONS:
            raise ValueError(
                f"{type(self).__name__}: `reduction` should be one of {', '.join(map(repr, REDUCTIONS))}; "
                f"got {reduction!r}."
            )
        self.name, self.reduction = name or auto_name(snake_case(type(self).__name__)), reduction
        self.dtype = jnp.dtype(floatx() if dtype is None else dtype).name

    def __call__(self, y_true: Operand, y_pred: Operand, sample_weight: Operand = None) -> Any:
        """The loss of a batch: the values of its samples, weighted and reduced.

        Args:
            y_true: targets.
            y_pred: predictions.
            sample_weight: a weight per sample, or per sample and step; None: all count alike.
        """
        return op(self._reduced)(y_true, y_pred, sample_weight)

    def _reduced(self, y_true: Operand, y_pred: Operand, sample_weight: Operand) -> Array:
        weight = None if sample_weight is None else jnp.asarray(sample_weight, self.dtype)
        return self.share(y_true, y_pred, weight, None, INFERENCE)

    def call(self, y_true: Operand, y_pred: Operand) -> Any:
        """The values of the samples.

        Args:
            y_true: targets.
            y_pred: predictions.
        """
        raise TypeError(f"{type(self).__name__} does not define `call(y_true, y_pred)`, so it has no values.")

    def counted(self, y_true: Array, values: Array) -> Array | None:
        """The values that count in a mean, as booleans; None: all."""
        return None

    def share(
        self, y_true: Operand, y_pred: Operand, weight: Array | None, mask: Array | None, ctx: Ctx
    ) -> Array:
        """This device's share of the loss of a batch: the sum over devices is the loss.

        Args:
            y_true, y_pred: see `call`.
            weight: of the samples, or None.
            mask: of the output, or None.
            ctx: says over which devices the batch is spread.
        """
        y_true, y_pred = (jnp.asarray(y, self.dtype) for y in (y_true, y_pred))
        values = jnp.asarray(self.call(y_true, y_pred), self.dtype)
        counted = self.counted(y_true, values)
        if counted is not None:
            mask = counted if mask is None else counted & (mask != 0)
        return reduced(values, weight, mask, self.reduction, ctx)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this loss anew."""
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The loss that `get_config` described."""
        return cls(**config)


class FunctionLoss(Loss):
    """A loss whose values a function gives: `function(y_true, y_pred, **arguments)`.

    A subclass names the function and which of its attributes are the function's arguments.
    """

    function: ClassVar[Callable[..., Any]]
    arguments: ClassVar[tuple[str, ...]] = ()
    unwritten: ClassVar[dict[str, Any]] = {}  # of these Keras's config does not tell: only if they differ

    def call(self, y_true: Operand, y_pred: Operand) -> Any:
        """The values of the samples; targets and predictions may differ by a last axis of size 1."""
        y_true, y_pred = same_rank(y_true, y_pred)
        given = {name: getattr(self, name) for name in self.arguments}
        return type(self).function(y_true, y_pred, **given)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this loss anew."""
        given = {name: getattr(self, name) for name in self.arguments}
        told = {n: v for n, v in given.items() if n not in self.unwritten or v != self.unwritten[n]}
        return {**super().get_config(), **told}


class LossFunctionWrapper(Loss):
    """A function of (y_true, y_pred) with values per sample as a loss.

    Args:
        fn: the function.
        reduction, name, dtype: see `Loss`.
        **kwargs: further arguments of the function.

    Example:
        >>> loss = LossFunctionWrapper(lambda y, p, power: jnp.abs(y - p) ** power, power=3)
        >>> float(loss([1.0], [3.0]))
        8.0

    Keras 3: keras/src/losses/losses.py LossFunctionWrapper
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: DTypeLike | None = None,
        **kwargs: Any,
    ):
        super().__init__(name, reduction, dtype)
        self.fn, self.kwargs = fn, kwargs

    def call(self, y_true: Operand, y_pred: Operand) -> Any:
        """The values of the samples."""
        return self.fn(*same_rank(y_true, y_pred), **self.kwargs)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this loss anew; the function itself, which has to be found by name."""
        return {**super().get_config(), "fn": self.fn, **self.kwargs}


def same_rank(a: Any, b: Any) -> tuple[Any, Any]:
    """Two arrays of which one may have a last axis of size 1 more: it goes, or the other gets one."""
    if a.ndim == b.ndim + 1 and a.shape[-1] == 1:
        return (a, b[..., None]) if b.ndim == 1 else (a[..., 0], b)
    if b.ndim == a.ndim + 1 and b.shape[-1] == 1:
        return (a[..., None], b) if a.ndim == 1 else (a, b[..., 0])
    return a, b


def reduced(
    values: Array, weight: Array | None, mask: Array | None, reduction: str | None, ctx: Ctx = INFERENCE
) -> Array:
    """This device's share of the values of samples as one number.

    Args:
        values: the values.
        weight: of the samples, of fewer axes perhaps, or None.
        mask: which of the values count, or None.
        reduction: see `Loss`.
        ctx: says over which devices the batch is spread.

    Example:
        >>> float(reduced(jnp.asarray([1.0, 4.0]), jnp.asarray([0.0, 2.0]), None, "sum_over_batch_size"))
        4.0

    Keras 3: keras/src/losses/loss.py reduce_weighted_values
    """
    mean = reduction in ("sum_over_batch_size", "mean")
    if mask is not None:
        held = mask.astype(values.dtype)
        if mean:
            share = ctx.mean(held, tuple(range(held.ndim)))
            held = jnp.where(share > 0, held / jnp.where(share > 0, share, 1), 0)
        weight = held if weight is None else jnp.multiply(*_aligned(held, weight))
    if weight is not None:
        values, weight = _aligned(values, weight)
        values = values * weight
    if reduction in ("none", None) or values.ndim == 0:
        return values
    if reduction == "sum":
        return jnp.sum(ctx.kept(values))
    if reduction == "mean_with_sample_weight" and weight is not None:
        whole = ctx.total(jnp.sum(ctx.kept(weight)))
        return jnp.where(whole != 0, jnp.sum(ctx.kept(values)) / jnp.where(whole != 0, whole, 1), 0)
    return ctx.share(values, tuple(range(values.ndim)))


def masked_weight(weight: Array | None, mask: Array) -> Array:
    """The weights of samples that count, and 0 for the others."""
    held = mask.astype(jnp.float32)
    return held if weight is None else jnp.multiply(*_aligned(held, weight))


def _aligned(values: Array, weight: Array) -> tuple[Array, Array]:
    """Values and their weights, which have as many axes or fewer."""
    values, weight = same_rank(values, weight)
    return values, weight.reshape(weight.shape + (1,) * (values.ndim - weight.ndim))
