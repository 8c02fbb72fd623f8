"""One hook that lets functions of lower floors (losses, activations, K.*) accept symbolic tensors.

The engine fills the hook in; until then, and for plain arrays, a decorated function is itself.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any, ParamSpec, TypeAlias, TypeVar

from jkeras.core.types import AnyDict, AnyList, AnyTuple, Function

P = ParamSpec("P")
R = TypeVar("R")
Record: TypeAlias = Callable[[Function, tuple[Any, ...], dict[str, Any]], Any]


class Symbolic:
    """Base of everything that stands for an array without being one: symbolic tensors and variables."""

    __array_ufunc__ = None  # numpy operators defer to ours instead of building object arrays

    def eval(self, feed_dict: dict[Any, Any] | None = None, session: Any = None) -> Any:
        """The value, as `K.eval` gives it.

        Args:
            feed_dict: `{tensor: value}` of what is to be fed.
            session: accepted for compatibility.
        """
        assert _evaluate is not None  # the backend has filled it in
        return _evaluate(self, feed_dict or {})


class OperandError(ValueError, TypeError):
    """Operands that a function cannot take: a ValueError, as Keras has it for shapes, and jax's TypeError."""


_record: Record | None = None
_evaluate: Callable[[Any, dict[Any, Any]], Any] | None = None
_UNKNOWN = re.compile(r"\d+\*d\d+")  # how jax prints an unknown dimension


def set_recorder(record: Record) -> None:
    """Install `record(function, args, kwargs)`, called when an argument is symbolic."""
    global _record
    _record = record


def set_evaluator(evaluate: Callable[[Any, dict[Any, Any]], Any]) -> None:
    """Install `evaluate(symbol, {tensor: value})`, which computes a value."""
    global _evaluate
    _evaluate = evaluate


def recorded(function: Function, *args: Any) -> Any:
    """`function(*args)` as a node of the graph, although no argument is symbolic; computed inside a frame."""
    return function(*args) if _record is None else _record(function, args, {})


def is_symbol(value: object) -> bool:
    """Whether `value` is a symbolic tensor or a variable: for walks over trees, `is_leaf=is_symbol`.

    jax looks into variables, of which it sees the arrays; what records a graph wants the variables.
    """
    return isinstance(value, Symbolic)


def is_symbolic(value: Any) -> bool:
    """Whether a `Symbolic` occurs in `value` (looks into lists, tuples and dicts)."""
    if isinstance(value, Symbolic):
        return True
    if isinstance(value, (AnyList, AnyTuple)):
        return any(is_symbolic(v) for v in value)
    if isinstance(value, AnyDict):
        return any(is_symbolic(v) for v in value.values())
    return False


def op(function: Callable[P, Any], explain: bool = True) -> Callable[P, Any]:
    """Decorator: compute on arrays; on symbolic arguments record a node (outside frames) or unwrap them.

    Args:
        function: what computes on arrays.
        explain: whether what it raises about its operands becomes an `OperandError`; not for functions that
            call the user's code, whose errors are the user's.
    """
    compute = _explained(function) if explain else function

    @functools.wraps(function)
    def dispatched(*args: P.args, **kwargs: P.kwargs) -> Any:
        if _record is not None and (is_symbolic(args) or is_symbolic(kwargs)):
            return _record(compute, args, kwargs)
        return compute(*args, **kwargs)

    return dispatched


def _explained(function: Callable[P, R]) -> Callable[P, R]:
    @functools.wraps(function)
    def compute(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except (TypeError, IndexError) as error:
            trace = error.__traceback__
            # Subclasses say more than we could; without a frame below ours the call itself was wrong.
            if type(error) not in (TypeError, IndexError) or trace is None or trace.tb_next is None:
                raise
            given = [_shown(a) for a in args] + [f"{k}={_shown(v)}" for k, v in kwargs.items()]
            why = _UNKNOWN.sub("None", str(error))
            raise OperandError(f"{function.__name__}({', '.join(given)}): {why}") from error

    return compute


def _shown(value: Any) -> str:
    """An argument in few words: arrays by dtype and shape, with None for what is unknown."""
    if isinstance(value, (AnyList, AnyTuple)):
        return f"[{', '.join(map(_shown, value))}]"
    if not hasattr(value, "shape") or not hasattr(value, "dtype"):
        return repr(value) if isinstance(value, (int, float, str, bool, type(None))) else type(value).__name__
    return f"{value.dtype}{[d if isinstance(d, int) else None for d in value.shape]}"
