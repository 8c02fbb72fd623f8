"""The functions that make a model's steps, under Keras's names: `model.train_function` and its like.

A script may call them, or put its own in their place: `fit`, `evaluate`, `predict` and the `_on_batch` forms
then call that one for every batch. A subclass may define `_make_train_function`, which sets it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jkeras.core import phase
from jkeras.training import Objective, StepFunction, Trainer

if TYPE_CHECKING:
    from jkeras.models.network import Network as Base
else:
    Base = object

_KINDS = ("train", "test", "predict")


class StepFunctions(Base):
    """Mixin of `Compiled`.

    Keras 2.2.4: keras/engine/training.py Model._make_train_function
    """

    _trainer: Trainer | None
    _predicting: Callable[[Any], Trainer]
    _objective: Callable[[], Objective]
    _take_results: Callable[[], None]

    def _make_train_function(self) -> None:
        """Set `train_function`, unless it is set; the optimizer gets its weights."""
        self._set_function("train", self._compiled_trainer())

    def _make_test_function(self) -> None:
        """Set `test_function`, unless it is set."""
        self._set_function("test", self._compiled_trainer())

    def _make_predict_function(self) -> None:
        """Set `predict_function`, unless it is set. Any thread may call it."""
        self._set_function("predict", self._predicting(None))

    def _compiled_trainer(self) -> Trainer:
        self._objective()  # or its error
        self._take_results()
        assert self._trainer is not None
        return self._trainer

    def _set_function(self, kind: str, trainer: Trainer) -> None:
        if getattr(self, f"{kind}_function", None) is None:
            if kind == "train":
                trainer.prepare()
            setattr(self, f"{kind}_function", StepFunction(trainer, kind))

    def _forget_functions(self) -> None:
        for kind in _KINDS:
            setattr(self, f"{kind}_function", None)

    def _use_function(self, kind: str, trainer: Trainer) -> Trainer:
        """Let the trainer make its steps of a kind with the function of the model, if that is the user's."""
        make, function = f"_make_{kind}_function", getattr(self, f"{kind}_function", None)
        if function is None and (
            make in vars(self) or getattr(type(self), make) is not getattr(StepFunctions, make)
        ):
            getattr(self, make)()
            function = getattr(self, f"{kind}_function", None)
        if function is None or isinstance(function, StepFunction):
            trainer.replaced.pop(kind, None)
        else:

            def call(arrays: list[Any]) -> Any:
                return function([*arrays, *self._phase_fed(kind)])

            trainer.replaced[kind] = call
        return trainer

    def _uses_dynamic_learning_phase(self) -> bool:
        """Whether functions of the model are fed the learning phase."""
        return bool(self.uses_learning_phase) and phase.fixed() is None

    @property
    def _function_kwargs(self) -> dict[str, Any]:
        """The arguments of `compile` for sessions: none."""
        return {}

    def _phase_fed(self, kind: str) -> list[Any]:
        return [float(kind == "train")] if self._uses_dynamic_learning_phase() else []
