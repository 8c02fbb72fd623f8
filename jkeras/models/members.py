"""The members of `fit_many`: what each of many models came to."""

# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jkeras.core.logs import MetricLogs
from jkeras.core.types import Tree
from jkeras.models.model import Model
from jkeras.training.types import Data, Numpy


class Member(NamedTuple):
    """One of the models.

    Args:
        seed: of its weights, orders and random numbers.
        hyper: its hyperparameters, by the names given.
        history: `{name: [value of each epoch]}` as its own `fit` would have it.
        params, state: its weights, as `model.put` takes them.
        fold: the number of the part of the rows that it was validated on, in a cross-validation.
    """

    seed: int
    hyper: dict[str, float]
    history: MetricLogs
    params: Tree
    state: Tree
    fold: int | None = None


class Members(list[Member]):
    """The result of `fit_many`: a list of members, for one model."""

    def __init__(self, model: Model, members: Sequence[Member]):
        super().__init__(members)
        self.model = model

    def table(self) -> list[dict[str, Any]]:
        """A row for each member: seed, hyperparameters, fold, epochs, the last value of every quantity."""
        return [
            {
                "seed": m.seed,
                **m.hyper,
                **({} if m.fold is None else {"fold": m.fold}),
                "epochs": len(m.history["loss"]),
                **{n: v[-1] for n, v in m.history.items()},
            }
            for m in self
        ]

    def best(self, metric: str = "val_loss", mode: str = "min") -> int:
        """The number of the member whose best epoch in `metric` is the best of all.

        Args:
            metric: a name in the histories.
            mode: "min" or "max": which is better.

        Raises:
            ValueError: no member has such a quantity, or it is NaN everywhere.
        """
        return int(np.argmin(self._values(metric, mode)))

    def compared(self, metric: str = "val_loss", mode: str = "min") -> list[dict[str, Any]]:
        """A row for each combination of hyperparameters, the best first: over its seeds and folds the mean of
        the best epochs in `metric`, their standard deviation, and how many members these are.

        Args:
            metric, mode: as in `best`.

        Raises:
            ValueError: as in `best`.
        """
        values, sign = self._values(metric, mode), 1 if mode == "min" else -1
        groups: dict[tuple[float, ...], list[int]] = {}
        for i, member in enumerate(self):
            groups.setdefault(tuple(member.hyper.values()), []).append(i)
        rows = [
            {
                **self[of[0]].hyper,
                "mean": sign * float(values[of].mean()),
                "deviation": float(values[of].std()),
                "members": len(of),
            }
            for of in groups.values()
        ]
        return sorted(rows, key=lambda row: sign * row["mean"])

    def _values(self, metric: str, mode: str) -> Numpy:
        """Of each member the best value, for `mode` "max" the negative one."""
        if mode not in ("min", "max"):
            raise ValueError(f"`mode` should be 'min' or 'max'; got {mode!r}.")
        if not self or metric not in self[0].history:
            raise ValueError(
                f"There is no {metric!r} in the histories: {list(self[0].history) if self else []}."
            )
        sign = 1 if mode == "min" else -1
        values = [min((sign * v for v in m.history[metric] if v == v), default=np.inf) for m in self]
        if np.min(values) == np.inf:
            raise ValueError(f"{metric!r} is NaN in every epoch of every member.")
        return np.asarray(values)

    def put(self, number: int) -> Model:
        """Give the model the weights of a member; returns the model."""
        self.model.put(self[number].params, self[number].state)
        return self.model

    def predict(self, x: Data, batch_size: int | None = None) -> Any:
        """The predictions of each member, one below the other: `(members, rows, ...)`; `.mean(0)` is the
        ensemble's.

        The model has its own weights again afterwards.
        """
        before = jax.tree.map(jnp.copy, self.model.values())
        try:
            outputs = [self.put(i).predict(x, batch_size=batch_size) for i in range(len(self))]
        finally:
            self.model.put(*before)
        return jax.tree.map(lambda *columns: np.stack(columns), *outputs)
