"""The user's losses and metrics: what they use beside their arguments, and what they ask these for."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import functools
from typing import Any

from jax.errors import TracerBoolConversionError

from jkeras.core.snapshot import as_now
from jkeras.core.types import Array, Function
from jkeras.engine.tensors.closures import closed_over
from jkeras.engine.tensors.scope import NeedsTensorsError, Scope, asks_for_tensors, collecting_answers
from jkeras.engine.tensors.symbolic import Node, Tensor, value_in
from jkeras.engine.tensors.variable import Variable, current_frame

_ABOUT_TENSORS = (AttributeError, NeedsTensorsError, TracerBoolConversionError)


class Observed:
    """A loss or metric that gets symbolic tensors, which stand for the values, or that differentiates them.

    Args:
        fn: takes (y_true, y_pred).
        tensors: what the arguments are the values of.

    Attributes:
        as_tensors: whether `fn` gets the tensors, to look at what arrays do not have (`_keras_history`), or
            to find that `==` compares objects, as in Keras.
        answers: what each `K.gradients` and `K.get_value` in `fn` gives.
    """

    def __init__(self, fn: Function, *tensors: Tensor):
        functools.update_wrapper(self, fn)
        self.fn, self.tensors = fn, tensors
        self.as_tensors = False
        self.answers: list[Any] = []

    def __call__(self, *arrays: Array) -> Any:
        frame = current_frame()
        if frame is None:
            return self.fn(*arrays)
        values = {t: (array, None) for array, t in zip(arrays, self.tensors, strict=True)}
        symbols = zip(arrays, self.tensors, strict=True)
        with Scope(values if self.as_tensors else {}, {}, [*symbols], self.as_tensors, self.answers):
            result = self.fn(*(self.tensors if self.as_tensors else arrays))
            return value_in(frame, result) if isinstance(result, Tensor) else result

    def find_out(self) -> tuple[list[Tensor], list[Variable]]:
        """The tensors and variables that `fn` closes over; other errors will come again in the step."""
        specs, symbols = [self.tensors[1].spec()] * 2, (None, self.tensors[1])
        try:
            return closed_over(self, *specs, symbols=symbols, passing=_ABOUT_TENSORS)
        except (AttributeError, TracerBoolConversionError) as error:
            compares = isinstance(error, TracerBoolConversionError)  # `K.sum(y_true) == 0`: no tensor is 0
            if self.as_tensors or not (compares or asks_for_tensors(error)):
                return closed_over(self, *specs, symbols=symbols)
            self.as_tensors = True
        except NeedsTensorsError:
            if self.answers:
                return closed_over(self, *specs, symbols=symbols)
            with collecting_answers() as answers:
                self.fn(*self.tensors)
            self.answers = answers
        return self.find_out()


def observed(fn: Function, target: str, y_pred: Tensor) -> tuple[Function, list[Tensor], list[Variable]]:
    """A loss or metric as it is now, with the tensors of the graph and the variables that it closes over.

    Args:
        fn: takes (y_true, y_pred).
        target: name of what stands for y_true.
        y_pred: the output of the model.
    """
    fn = as_now(fn)
    y_true = Node(None, observed, (), {}).set_outputs(y_pred.spec(), name=target)
    observer = Observed(fn, y_true, y_pred)
    tensors, variables = observer.find_out()
    return observer if observer.as_tensors or observer.answers else fn, tensors, variables
