"""Scope: what the code of a recorded call is run with beside its arguments.

A call may close over tensors of the graph around it, and may keep tensors on its layer. Whoever runs the
call opens a scope, in which the frames of the code find the one and leave the other.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from jkeras.core.identity import IdentityMap
from jkeras.core.types import Function, Operand

if TYPE_CHECKING:
    from jkeras.engine.base_layer import Layer
    from jkeras.engine.tensors.symbolic import Tensor

Masked: TypeAlias = tuple[Any, Any]  # an array and its mask
KeptValues: TypeAlias = dict[tuple[object, str], Any]  # by layer and name of its attribute


class NeedsTensorsError(TypeError):
    """Code that runs on values asks for what only symbolic tensors can tell."""


class Scope:
    """Facts that are known while the code of one call runs.

    Args:
        values: `{tensor: (array, mask)}`.
        code: `{layer: call}`: the code of user's layers as it was when the call was recorded.
        symbols: (array, tensor): the arguments, and the tensors that they are the values of.
        as_tensors: whether the code gets its arguments as tensors; their values are among `values`.
        answers: what each `K.gradients` (tensors), `K.eval` and `K.get_value` (numbers) in the code gives.
        starts: `{(layer, name): tensor}`: what earlier calls in the graph have left in attributes.

    Attributes:
        kept: `{(layer, name): value}`: what the code left in attributes of layers.
    """

    def __init__(
        self,
        values: Mapping[Tensor, Masked] | None = None,
        code: Mapping[Layer, Function] | None = None,
        symbols: Sequence[tuple[Any, Tensor]] = (),
        as_tensors: bool = False,
        answers: Sequence[Any] = (),
        starts: Mapping[tuple[object, str], Tensor] | None = None,
    ):
        self.parent = current_scope()
        self.values, self.code, self.as_tensors = values or {}, code or {}, as_tensors
        self.symbols = IdentityMap(symbols)
        self.answers, self.taken = answers, 0
        self.starts = starts or {}
        self.kept: KeptValues = {}

    def __enter__(self) -> Scope:
        self._token = _current.set(self)
        return self

    def __exit__(self, *exc: object) -> None:
        _current.reset(self._token)


_current: contextvars.ContextVar[Scope | None] = contextvars.ContextVar("jkeras_scope", default=None)


def current_scope() -> Scope | None:
    """The innermost scope of this thread, or None."""
    return _current.get()


def value_around(tensor: Tensor) -> Masked | None:
    """(array, mask) of a tensor, from the innermost scope that knows it; None if none does."""
    scope = current_scope()
    while scope is not None:
        if tensor in scope.values:
            return scope.values[tensor]
        scope = scope.parent
    return None


def code_of(layer: Layer) -> Function:
    """The `call` of a user's layer: as it was when the call that runs was recorded, else as it is."""
    scope = current_scope()
    while scope is not None:
        if layer in scope.code:
            return scope.code[layer]
        scope = scope.parent
    return layer.call


def meaning_around(array: Operand) -> Operand:
    """The tensor whose value an argument of the call is; the array itself if it is none."""
    scope = current_scope()
    symbol = scope.symbols.get(array) if scope is not None else None
    return array if symbol is None else symbol


def asks_tensors() -> bool:
    """Whether the code that runs asks for what only tensors have."""
    scope = current_scope()
    return scope is not None and scope.as_tensors


_OF_TENSORS = ("_keras_history", "_keras_shape", "_uses_learning_phase", "get_shape", "as_list", "set_shape")


def asks_for_tensors(error: AttributeError) -> bool:
    """Whether code has asked an array for an attribute that only a symbolic tensor has."""
    return any(word in str(error) for word in _OF_TENSORS)


def next_answer() -> Any:
    """The answer to the next question in the code, see `Scope.answers`; None if it is not known."""
    scope = current_scope()
    if scope is None or scope.taken >= len(scope.answers):
        return None
    scope.taken += 1
    return scope.answers[scope.taken - 1]


def rewinder() -> Callable[[], None]:
    """The function to call before code that has run from here on runs a second time in the same scope."""
    scope = current_scope()
    taken = 0 if scope is None else scope.taken

    def rewind() -> None:
        if scope is not None:
            scope.taken = taken

    return rewind


_answers: contextvars.ContextVar[list[Any] | None] = contextvars.ContextVar("jkeras_answers", default=None)


@contextmanager
def collecting_answers() -> Generator[list[Any]]:
    """A context for code that runs on tensors to show what it asks for, see `Scope.answers`.

    Those of inner layers, which collect their own, are the outer code's too: it runs theirs.
    """
    answers: list[Any] = []
    outer = _answers.get()
    token = _answers.set(answers)
    try:
        yield answers
    finally:
        _answers.reset(token)
    if outer is not None:
        outer.extend(answers)


def note_answer(answer: Any) -> None:
    """Tell whoever collects them."""
    collected = _answers.get()
    if collected is not None:
        collected.append(answer)


_renamed: contextvars.ContextVar[Mapping[Tensor, Tensor] | None] = contextvars.ContextVar(
    "jkeras_renamed", default=None
)


@contextmanager
def renaming(tensors: Mapping[Tensor, Tensor]) -> Generator[None]:
    """A context for calls made again on other tensors, `{old: new}`, those their code closes over too."""
    token = _renamed.set(tensors)
    try:
        yield
    finally:
        _renamed.reset(token)


def renamed(tensor: Tensor) -> Tensor:
    """The stand-in for a tensor that code closes over."""
    return (_renamed.get() or {}).get(tensor, tensor)
