"""SwapEMAWeights: the moving averages of the weights in their place, while the model is evaluated."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from jkeras.callbacks.base import Callback, Logs


class SwapEMAWeights(Callback):
    """Lets a model have the moving averages of its weights while it is evaluated or predicts.

    Args:
        swap_on_epoch: whether it has them at the end of epochs too, for callbacks that save or validate then;
            stand this callback before those.

    Raises:
        ValueError: when training begins, if there are no averages: `Adam(use_ema=True)`, or
            `compile(..., ema=0.999)`.

    Keras 3: keras/src/callbacks/swap_ema_weights.py SwapEMAWeights

    Example:
        >>> SwapEMAWeights(swap_on_epoch=True).swap_on_epoch
        True
    """

    def __init__(self, swap_on_epoch: bool = False):
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._before: list[Any] | None = None

    def _pairs(self) -> list[Any]:
        optimizer: Any = self.model.optimizer
        binding = getattr(optimizer, "binding", None)
        return [] if binding is None else binding.averages()

    def _swap(self) -> None:
        if self._before is None:
            pairs = self._pairs()
            self._before = [weight.take() for weight, _ in pairs]
            for weight, average in pairs:
                weight.put(jnp.copy(average.take()))

    def _back(self) -> None:
        if self._before is not None:
            for (weight, _), array in zip(self._pairs(), self._before, strict=True):
                weight.put(array)
        self._before = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Begin with the weights of training in place."""
        model: Any = self.model
        if model.step_options.ema is None and not getattr(model.optimizer, "use_ema", False):
            raise ValueError(
                "SwapEMAWeights: the model keeps no averages; make its optimizer with use_ema=True, or pass "
                "ema=0.999 to compile."
            )

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Put the weights of training back."""
        self._back()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Put the averages in their place, for what comes after an epoch."""
        if self.swap_on_epoch:
            self._swap()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Leave the averages in the model."""
        self._before = None

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Evaluate with the averages."""
        self._swap()

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Go back to the weights of training."""
        self._back()

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Predict with the averages."""
        self._swap()

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Go back to the weights of training."""
        self._back()
