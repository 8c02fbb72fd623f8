"""The weights that a loss depends on. Keras refuses to train the others: nothing would ever change them."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from typing import Any, cast

import jax
from jax.custom_derivatives import SymbolicZero

from jkeras.core.types import Array, Function, Store

Path = tuple[str, str]  # path of the layer, name of the weight


class Reach:
    """Notes which weights gradients come back to, while a step is traced; the program is the same without it.

    Args:
        params: `{path: {name: array}}` of the weights.

    Example:
        >>> params = {"dense": {"kernel": 2.0, "bias": 3.0}}
        >>> reach = Reach(params)
        >>> _ = jax.grad(lambda live: reach.through(live)["dense"]["kernel"] ** 2)(params)
        >>> reach.missing
        {('dense', 'bias')}
    """

    def __init__(self, params: Store):
        self.missing: set[Path] = {(path, name) for path in params for name in params[path]}

    def through(self, params: Store) -> Store:
        """The same weights, for a loss that is differentiated."""
        paths = [(path, name) for path in params for name in params[path]]
        values = self._identity(paths)(*(params[path][name] for path, name in paths))
        known = dict(zip(paths, values, strict=True))
        return {path: {name: known[path, name] for name in params[path]} for path in params}

    def _identity(self, paths: list[Path]) -> Function:
        @jax.custom_vjp
        def identity(*values: Array) -> tuple[Array, ...]:
            return values

        rules = cast(Any, identity)

        def forward(*values: Any) -> tuple[tuple[Array, ...], None]:
            return tuple(v.value for v in values), None

        def backward(_: None, gradients: tuple[Array | SymbolicZero, ...]) -> tuple[Array | None, ...]:
            known = [None if isinstance(g, SymbolicZero) else g for g in gradients]
            self.missing -= {path for path, g in zip(paths, known, strict=True) if g is not None}
            return tuple(known)

        rules.defvjp(forward, backward, symbolic_zeros=True)
        return rules


def refuse(missing: set[Path], count: int) -> None:
    """Say that a loss does not depend on weights that are trained.

    Args:
        missing: those weights.
        count: how many are trained.

    Raises:
        ValueError: there are such weights, as in Keras.

    Keras 2.2.4: keras/optimizers.py Optimizer.get_gradients
    """
    if not missing:
        return
    names = [f"{path}/{name}" for path, name in sorted(missing)]
    shown = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
    raise ValueError(
        "An operation has `None` for gradient. Please make sure that all of your ops have a gradient defined "
        "(i.e. are differentiable). Common ops without gradient: K.argmax, K.round, K.stop_gradient, casts "
        f"to integers. The loss does not depend on {len(names)} of the {count} weights that are trained: "
        f"{shown}. "
        "Weights that the model does not use can be left out, or frozen (`trainable=False`) before compile."
    )
