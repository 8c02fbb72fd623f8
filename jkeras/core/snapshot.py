"""A function as it is now: names that it closes over keep today's values.

Keras runs the code of a layer once, when the layer is called. Here it runs again for every program that is
compiled, and by then a script may have given a name to something else:

    for k in range(3):
        parts.append(Lambda(lambda x: x[:, k])(x))  # each part has its own k
    x = Lambda(lambda y: y + x)(parts[0])           # adds the old x
"""

from __future__ import annotations

import dis
import functools
import types
from collections.abc import Iterator
from typing import Any, TypeVar

from jkeras.core.types import Function

F = TypeVar("F", bound=Function)

_STORES = ("STORE_GLOBAL", "DELETE_GLOBAL", "STORE_DEREF", "DELETE_DEREF")
_LOOKS_AROUND = {"globals", "eval", "exec", "vars"}


def as_now(function: F) -> F:
    """A twin of a function whose free names, local and global, keep the values that they have now.

    Functions of the same module that it names are treated likewise. Values are not copied: a list or an
    object that changes is seen to change. A function that itself gives values to outer names stays as it is.

    Args:
        function: a Python function, a method or a `functools.partial`; anything else is returned as it is.

    Example:
        >>> k = 1
        >>> f = as_now(lambda x: x + k)
        >>> k = 10
        >>> f(1)
        2
    """
    inner: Any = function
    while isinstance(inner, (types.MethodType, functools.partial)):
        inner = inner.__func__ if isinstance(inner, types.MethodType) else inner.func
    return _Snapshot(inner.__globals__).of(function) if isinstance(inner, types.FunctionType) else function


def settled(function: F) -> F:
    """`as_now` of a lambda or an inner function that names data, which a loop may change; others are returned
    as they are, so that they can be compared and pickled."""
    inner: Any = function
    local = isinstance(inner, types.FunctionType) and "<" in inner.__qualname__
    return as_now(function) if local and _names_data(inner) else function


def _names_data(function: types.FunctionType) -> bool:
    named = {name for code in codes(function.__code__) for name in code.co_names}
    values = [function.__globals__[name] for name in named if name in function.__globals__]
    values += [cell.cell_contents for cell in function.__closure__ or () if _is_set(cell)]
    kinds = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, type)
    return not all(isinstance(value, kinds) for value in values)


class _Names(dict[str, Any]):
    """Global names of a twin; what was not there when it was made is looked up where it would be."""

    def __init__(self, home: dict[str, Any]):
        super().__init__((k, v) for k, v in home.items() if k.startswith("__"))
        self.home = home

    def __missing__(self, name: str) -> Any:
        return self.home[name]


class _Snapshot:
    """The twins of the functions of one module, made at one time."""

    def __init__(self, home: dict[str, Any]):
        self.home, self.names = home, _Names(home)
        self.made: dict[types.FunctionType, Any] = {}

    def of(self, value: Any) -> Any:
        if type(value) is types.MethodType:
            return types.MethodType(self.of(value.__func__), value.__self__)
        if type(value) is functools.partial:
            return functools.partial(self.of(value.func), *value.args, **value.keywords)
        if type(value) is not types.FunctionType or value.__globals__ is not self.home:
            return value
        if value not in self.made:
            self.made[value] = value if _writes_outside(value.__code__) else self._twin(value)
        return self.made[value]

    def _twin(self, function: types.FunctionType) -> types.FunctionType:
        cells = tuple(types.CellType() if _is_set(c) else c for c in function.__closure__ or ())
        twin = types.FunctionType(
            function.__code__, self.names, function.__name__, function.__defaults__, cells or None
        )
        twin.__kwdefaults__, twin.__qualname__ = function.__kwdefaults__, function.__qualname__
        twin.__dict__.update(function.__dict__)
        self.made[function] = twin  # it may name itself
        for new, old in zip(cells, function.__closure__ or (), strict=True):
            if new is not old:
                new.cell_contents = self.of(old.cell_contents)
        for name in {n for code in codes(function.__code__) for n in code.co_names}:
            if name in self.home and name not in self.names:
                self.names[name] = self.home[name]
                self.names[name] = self.of(self.home[name])
        return twin


def _is_set(cell: types.CellType) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:  # not set yet: it will be, and then counts
        return False


def codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """A code and those of the functions that are defined in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from codes(constant)


def _writes_outside(code: types.CodeType) -> bool:
    """Whether a function gives values to names outside of it, or looks at them by ways of its own."""
    free = set(code.co_freevars)
    for part in codes(code):
        if _LOOKS_AROUND & set(part.co_names):
            return True
        if any(dis.opmap[name] in part.co_code[::2] for name in _STORES) and any(
            i.opname.endswith("_GLOBAL") or i.argval in free
            for i in dis.get_instructions(part)
            if i.opname in _STORES
        ):
            return True
    return False
