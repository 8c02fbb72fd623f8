"""CategoryEncoding and Discretization: numbers as categories, categories as vectors."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack, cast

import jax.numpy as jnp
import numpy as np

from jkeras.core.arguments import LayerArguments
from jkeras.core.types import INFERENCE, Array, Ctx, Out, Pair, Params, State
from jkeras.engine.base_layer import Layer
from jkeras.layers._common import floating, mask_ends, no_weights, place_of
from jkeras.primitives import encoding


class CategoryEncoding(Layer):
    """Whole numbers as vectors of length `num_tokens`.

    Args:
        num_tokens: how many categories there are, 0 to `num_tokens - 1`; others add nothing.
        output_mode: "one_hot": a vector for each number; "multi_hot": one for each sample, 1 where a category
            occurs in it; "count": likewise, how often.
        sparse: only False.

    Call:
        `layer(numbers, count_weights=None)`: for "count", what each number adds instead of 1.

    Input shape:
        `(batch, time)`; for "one_hot" any.

    Output shape:
        `(batch, num_tokens)`; for "one_hot" the input's with `num_tokens` behind (in the place of a last 1).

    Raises:
        ValueError: an unknown mode, no categories, weights without "count".

    Keras 3: CategoryEncoding

    Example:
        >>> CategoryEncoding(3)(jnp.array([[0, 2]])).tolist()
        [[1.0, 0.0, 1.0]]
    """

    supports_masking = True
    own_words = ("count_weights",)

    def __init__(
        self,
        num_tokens: int | None = None,
        output_mode: str = "multi_hot",
        sparse: bool = False,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        if num_tokens is None or num_tokens < 1:
            raise ValueError(f"`num_tokens` must be a positive whole number. Received: {num_tokens!r}")
        self.num_tokens = num_tokens
        self.output_mode = _mode(output_mode, encoding.MODES)
        self.sparse = _dense(sparse)

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain values."""
        config = super().get_config()
        del config["sparse"]
        return config

    def formula(self) -> Pair:
        """Ones at the numbers of the categories, or their counts."""
        depth, mode, where, dtype = self.num_tokens, self.output_mode, place_of(self), self.dtype

        def apply(
            params: Params, state: State, x: Array, ctx: Ctx = INFERENCE, count_weights: Any = None
        ) -> Out:
            mask_ends(where, ctx)
            if count_weights is not None and mode != "count":
                raise ValueError(f"`count_weights` are for the mode 'count', not for {mode!r}")
            weights = None if count_weights is None else jnp.asarray(count_weights)
            return Out(encoding.encode(x, mode, depth, dtype, weights))

        return Pair(no_weights, apply)


class Discretization(Layer):
    """Numbers as the bins that they fall into: bin i is `[bin_boundaries[i - 1], bin_boundaries[i])`.

    Args:
        bin_boundaries: in ascending order; or None, and `adapt(data)` finds them.
        num_bins: how many bins `adapt` makes, with about as many data in each.
        epsilon: how exact `adapt` is: by how much the part of a bin may differ.
        output_mode: "int": the bin's number; "one_hot", "multi_hot" or "count" as CategoryEncoding's.
        sparse: only False.

    Adapt the layer before it becomes part of a model: the boundaries are constants of the model.

    Input shape:
        Any. The output is as CategoryEncoding's, or for "int" the input's.

    Raises:
        ValueError: both or none of boundaries and their number; in a call, no boundaries yet.

    Keras 3: Discretization

    Example:
        >>> Discretization([0.0, 1.0])(jnp.array([[-5.0, 0.0, 7.0]])).tolist()
        [[0, 1, 2]]
    """

    supports_masking = True

    def __init__(
        self,
        bin_boundaries: Sequence[float] | None = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        sparse: bool = False,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        if (num_bins is None) == (bin_boundaries is None):
            raise ValueError(
                f"Either `num_bins` or `bin_boundaries` is needed; got {num_bins!r} and {bin_boundaries!r}."
            )
        self.bin_boundaries = None if bin_boundaries is None else np.asarray(bin_boundaries).tolist()
        self.num_bins, self.epsilon = num_bins, epsilon
        self.output_mode = _mode(output_mode, ("int", *encoding.MODES))
        self.sparse = _dense(sparse)

    @classmethod
    def from_config(cls, config: Any) -> Discretization:
        """A layer from `get_config()`, with the boundaries that `adapt` had found."""
        found = config.get("bin_boundaries") if config.get("num_bins") is not None else None
        arguments: dict[str, Any] = config if found is None else config | {"bin_boundaries": None}
        layer = cls(**arguments)
        if found is not None:
            layer.bin_boundaries = found
        return layer

    def formula(self) -> Pair:
        """The number of the bin that a value is in."""
        bounds, mode, where, name = self.bin_boundaries, self.output_mode, place_of(self), self.name

        def apply(params: Params, state: State, x: Array, ctx: Ctx = INFERENCE) -> Out:
            mask_ends(where, ctx)
            if bounds is None:
                raise ValueError(
                    f"layer {name!r} has no boundaries yet: call its `adapt(data)`, or give it some"
                )
            x = floating(x)
            numbers = jnp.digitize(x, jnp.asarray(bounds, x.dtype))
            if mode == "int":
                return Out(numbers.astype(jnp.int32))
            return Out(encoding.encode(numbers, mode, len(bounds) + 1, x.dtype))

        return Pair(no_weights, apply)

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Find the boundaries.

        Args:
            data: an array; or batches of them.
            steps: how many batches to look at; None: all.

        Raises:
            ValueError: the layer was made with boundaries.
        """
        if self.num_bins is None:
            raise ValueError(
                f"Layer {self.name!r} has its `bin_boundaries`; give it `num_bins` to find them."
            )
        summary = np.zeros((2, 0), np.float32)
        for i, batch in enumerate([data] if hasattr(data, "shape") else data):
            if steps is not None and i >= steps:
                break
            summary = _merged(_summary(np.asarray(batch, np.float32), self.epsilon), summary, self.epsilon)
        self.bin_boundaries = _compressed(summary, 1.0 / self.num_bins)[0, :-1].tolist()


# A summary is a small sample of sorted data: (values, how many data each stands for).


def _summary(values: np.ndarray, epsilon: float) -> np.ndarray:
    values = np.sort(values.reshape(-1))
    step = max(values.size * epsilon, 1)
    sample = values[int(step - 1) :: int(step)]
    return np.stack([sample, np.full_like(sample, step)])


def _merged(new: np.ndarray, old: np.ndarray, epsilon: float) -> np.ndarray:
    both = np.concatenate([new, old], axis=1)
    return _compressed(both[:, np.argsort(both[0])], epsilon)


def _compressed(summary: np.ndarray, epsilon: float) -> np.ndarray:
    if summary.shape[1] * epsilon < 1:
        return summary
    parts = epsilon + np.arange(0.0, 1.0, epsilon)
    sums: np.ndarray = summary[1].cumsum()
    shares = sums / sums[-1]
    values, at = (cast(np.ndarray, np.interp(parts, shares, row)) for row in (summary[0], sums))
    return np.stack([values, np.diff(at, prepend=0)]).astype(np.float32)


def _mode(mode: str, allowed: tuple[str, ...]) -> str:
    mode = "multi_hot" if mode == "binary" else mode
    if mode not in allowed:
        raise ValueError(f"`output_mode` must be one of {allowed}. Received: {mode!r}")
    return mode


def _dense(sparse: bool) -> bool:
    if sparse:
        raise ValueError("`sparse=True`: there are no sparse arrays here; the vectors are dense ones.")
    return False
