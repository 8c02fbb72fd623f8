"""Types of arguments: what the documentation of Keras names, and numpy's scalars beside Python's numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, TypedDict

import numpy as np
from jax.typing import DTypeLike

Integer: TypeAlias = int | np.integer[Any]
Window: TypeAlias = Integer | Sequence[Integer]  # one for all spatial axes, or one for each
Margins: TypeAlias = Integer | Sequence[Integer | Sequence[Integer]]  # likewise, or (before, after) for each
ShapeLike: TypeAlias = Sequence[Integer | None]

ActivationLike: TypeAlias = str | Callable[..., Any] | None
InitializerLike: TypeAlias = str | Mapping[str, Any] | Callable[..., Any]
RegularizerLike: TypeAlias = str | Mapping[str, Any] | Callable[..., Any] | None
ConstraintLike: TypeAlias = str | Mapping[str, Any] | Callable[..., Any] | None


class SharedArguments(TypedDict, total=False):
    """The arguments that every layer takes as its `**kwargs`, but for `weights`."""

    name: str | None
    trainable: bool
    dtype: DTypeLike | None
    input_shape: ShapeLike | Integer | None
    batch_input_shape: Sequence[Any] | None
    batch_size: Integer | None
    input_dtype: DTypeLike | None


class LayerArguments(SharedArguments, total=False):
    """The arguments that every layer takes as its `**kwargs`."""

    weights: Sequence[Any] | np.ndarray[Any, Any] | None


class Cell(Protocol):
    """Anything that an `RNN` can carry over time."""

    @property
    def state_size(self) -> Any: ...

    @property
    def call(self) -> Callable[..., Any]: ...


def refuse_text(**values: object) -> None:
    """Complain of text in the place of a number.

    Args:
        **values: arguments by name.

    Raises:
        ValueError: one is text; the message names it.

    Example:
        >>> refuse_text(size=3, rate="0.5")
        Traceback (most recent call last):
        ...
        ValueError: `rate` should be a number; got the text '0.5'.
    """
    for name, value in values.items():
        if isinstance(value, (str, bytes)):
            raise ValueError(f"`{name}` should be a number; got the text {value!r}.")
