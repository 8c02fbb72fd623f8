"""Functions of the user's: symbolic tensors and variables that they close over, and what they get."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import jax

from jkeras.core.dispatch import is_symbol, op
from jkeras.core.types import INFERENCE, Function
from jkeras.engine.tensors.frame import Frame, StrayTensorError
from jkeras.engine.tensors.scope import Scope, asks_for_tensors, asks_tensors
from jkeras.engine.tensors.shapes import infer
from jkeras.engine.tensors.symbolic import Arguments, Tensor, Words, as_asked, as_values, specs_of
from jkeras.engine.tensors.variable import Variable, current_frame


def called_back(function: Function) -> Function:
    """A function of the user's for calls on arrays, which gets what its code asks for."""
    if not asks_tensors():
        return function
    return functools.wraps(function)(lambda *args: as_values(function(*as_asked(args))))


def closed_over(
    fn: Function,
    *specs: Any,
    symbols: Sequence[Tensor | None] = (),
    passing: tuple[type[Exception], ...] = (),
) -> tuple[list[Tensor], list[Variable]]:
    """The symbolic tensors and the variables that a function uses without getting them as arguments.

    Args:
        fn: the function; what it raises on values of these specs is ignored, whoever runs it will see.
        *specs: `Spec` of each argument.
        symbols: the symbolic tensor that each argument stands for, or None.
        passing: errors that are not ignored.
    """
    tensors: list[Tensor] = []
    variables: list[Variable] = []

    def run(arguments: Sequence[Any], values: Sequence[Any]) -> tuple[()]:
        with Frame({}, tensors=dict(zip(tensors, values, strict=True))) as frame:
            for argument, tensor in zip(arguments, symbols, strict=False):
                if tensor is not None:
                    frame.note_symbol(argument, tensor)
            for result in jax.tree.leaves(fn(*arguments), is_leaf=is_symbol):
                if isinstance(result, Variable):  # as it is: `lambda y_true, y_pred: optimizer.lr`
                    frame.read(result)
        variables[:] = frame.captured
        return ()

    while True:
        try:
            infer(run, specs, [t.spec() for t in tensors], passing=(StrayTensorError,))
        except StrayTensorError as error:
            if any(t is error.tensor for t in tensors):
                return tensors, variables
            tensors.append(error.tensor)
        except passing:
            raise
        except Exception:
            return tensors, variables
        else:
            return tensors, variables


def call_closing(function: Function, args: Arguments, kwargs: Words) -> Any:
    """`function(*args, **kwargs)` of tensors; what the function closes over is an operand, too."""

    def call(args: Arguments, kwargs: Words) -> Any:
        return function(*args, **kwargs)

    tensors, variables = closed_over(call, specs_of(args), specs_of(kwargs))

    if not tensors and not variables:
        try:
            return op(function, explain=False)(*args, **kwargs)
        except AttributeError as error:
            if not asks_for_tensors(error):
                raise
    try:
        return _within(function, tensors, variables, False)(tensors, variables, args, kwargs)
    except AttributeError as error:
        if not asks_for_tensors(error):
            raise
    return _within(function, tensors, variables, True)(tensors, variables, args, kwargs)


def _within(
    function: Function, tensors: list[Tensor], variables: list[Variable], as_tensors: bool
) -> Function:
    """A function of the values of tensors and variables beside its own arguments."""

    @functools.partial(op, explain=False)
    @functools.wraps(function)
    def within(values: list[Any], cells: list[Any], args: Arguments, kwargs: Words) -> Any:
        frame = current_frame()
        ctx = INFERENCE if frame is None else frame.ctx
        known = dict(zip(variables, cells, strict=True)), dict(zip(tensors, values, strict=True))
        scope = Scope(as_tensors=True) if as_tensors else nullcontext()
        with Frame(known[0], ctx, known[1]), scope:
            return function(*[called_back(a) if callable(a) else a for a in args], **kwargs)

    return within
