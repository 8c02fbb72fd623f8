"""Objects on their way to a worker process: what it cannot import goes by value.

A worker never runs the main script, so the classes and functions of the script, of a notebook or of the
inside of a function travel as their code, with the variables that the code names. Both ends are the same
Python, on the same machine; this is no format for files.
"""

from __future__ import annotations

import abc
import contextlib
import dataclasses
import dis
import enum
import importlib
import io
import marshal
import pickle
import sys
import threading
import types
from collections.abc import Iterable, Iterator
from typing import Any, cast

from jkeras.core.snapshot import codes

_GLOBAL = {"LOAD_GLOBAL", "LOAD_NAME", "STORE_GLOBAL", "DELETE_GLOBAL"}
_LOCKS = {type(threading.Lock()): threading.Lock, type(threading.RLock()): threading.RLock}
_OF_THE_CLASS = {"__dict__", "__weakref__", "_abc_impl", "__static_attributes__", "__firstlineno__"}
_METHODS: tuple[Any, ...] = (staticmethod, classmethod)
_PLACE = ("__name__", "__package__", "__file__")  # what a module is known by
_HEADS = ("__module__", "__qualname__", "__slots__", "__doc__")  # what a class is made with


def packed(thing: object) -> bytes:
    """A thing as bytes for `pickle.loads` in a worker.

    Raises:
        Exception: it holds what cannot be sent: a generator, an open file, ….
    """
    buffer = io.BytesIO()
    _Packer(buffer, pickle.HIGHEST_PROTOCOL).dump(thing)
    return buffer.getvalue()


class _Packer(pickle.Pickler):
    """A pickler that knows functions, classes and locks."""

    def __init__(self, file: io.BytesIO, protocol: int):
        super().__init__(file, protocol)
        self._scopes: dict[
            int, dict[str, Any]
        ] = {}  # global variables of a module: those of its functions in the worker

    def reducer_override(self, obj: Any) -> Any:
        """How to make an object again, where it takes more than its module and name."""
        if isinstance(obj, types.FunctionType):
            return NotImplemented if _is_found(obj) else self._function(obj)
        if isinstance(obj, type):
            return NotImplemented if _is_found(obj) else _named_in(types, obj) or _class(obj)
        if isinstance(obj, types.ModuleType):
            return importlib.import_module, (obj.__name__,)
        if isinstance(obj, types.CellType):
            return _cell, ()  # the functions that share it fill it
        if type(obj) is property:
            return property, (obj.fget, obj.fset, obj.fdel, obj.__doc__)
        if isinstance(obj, _METHODS):
            return type(obj), (obj.__func__,)
        if isinstance(obj, types.MappingProxyType):
            return types.MappingProxyType, (dict(cast("types.MappingProxyType[Any, Any]", obj)),)
        if type(obj) in _LOCKS:
            return _LOCKS[type(obj)], ()  # free there
        if type(obj).__module__ == "dataclasses":  # its marks are known by identity
            return _named_in(dataclasses, obj) or NotImplemented
        return NotImplemented

    def _function(self, fn: types.FunctionType) -> tuple[Any, ...]:
        name = fn.__globals__.get("__name__", "__main__")
        place = {key: fn.__globals__[key] for key in _PLACE if key in fn.__globals__}
        scope = self._scopes.setdefault(id(fn.__globals__), place)
        cells = fn.__closure__ or ()
        named = {key: fn.__globals__[key] for key in _names(fn.__code__) if key in fn.__globals__}
        state = {
            "named": named,
            "modules": list(_submodules(named.values(), fn.__code__)),
            "contents": _contents(cells),
            "attributes": {
                key: getattr(fn, key)
                for key in ("__defaults__", "__kwdefaults__", "__module__", "__qualname__", "__dict__")
            },
        }
        made = marshal.dumps(fn.__code__), None if name == "__main__" else scope, fn.__name__, cells
        return _new_function, made, state, None, None, _fill_function


def _is_found(obj: Any) -> bool:
    """Whether a worker finds a class or function by its module and name."""
    name = getattr(obj, "__module__", None)
    if name in ("__main__", "__mp_main__") or name is None:
        return False
    value: Any = sys.modules.get(name)
    if getattr(value, "__spec__", None) is None:
        return False  # a module that was made by hand
    for part in obj.__qualname__.split("."):
        value = getattr(value, part, None)
    return value is obj


def _named_in(module: types.ModuleType, obj: object) -> tuple[Any, ...] | None:
    """How to make what a module has under some name."""
    return next(((getattr, (module, name)) for name, value in vars(module).items() if value is obj), None)


def _names(code: types.CodeType) -> set[str]:
    """The global variables that a code names."""
    return {
        step.argval for part in codes(code) for step in dis.get_instructions(part) if step.opname in _GLOBAL
    }


def _submodules(values: Iterable[Any], code: types.CodeType) -> Iterator[str]:
    """Modules that the code reaches as attributes, as `scipy.ndimage` after `import scipy.ndimage`."""
    words = {name for part in codes(code) for name in part.co_names}
    for value in values:
        if isinstance(value, types.ModuleType):
            inside = value.__name__ + "."
            for name in list(sys.modules):
                if name.startswith(inside) and words.issuperset(name[len(inside) :].split(".")):
                    yield name


def _contents(cells: tuple[types.CellType, ...]) -> dict[int, Any]:
    """The contents of the cells of a closure; one whose variable is not yet set is empty."""
    contents: dict[int, Any] = {}
    for i, cell in enumerate(cells):
        with contextlib.suppress(ValueError):
            contents[i] = cell.cell_contents
    return contents


def _class(cls: type) -> tuple[Any, ...]:
    own = {key: value for key, value in vars(cls).items() if key not in _OF_THE_CLASS}
    if isinstance(cls, enum.EnumMeta):
        members: dict[str, Any] = {name: vars(member)["_value_"] for name, member in cls.__members__.items()}
        return _new_enum, (type(cls), cls.__name__, cls.__bases__, members, cls.__module__)
    slots = own.get("__slots__", ())
    slots = {slots} if isinstance(slots, str) else set(slots)
    heads = {key: own[key] for key in _HEADS if key in own} | {"__qualname__": cls.__qualname__}
    state = {key: value for key, value in own.items() if key not in slots and key not in heads}
    return _new_class, (type(cls), cls.__name__, cls.__bases__, heads), state, None, None, _fill_class


# The other end: first everything is made, then it is filled, for things may refer to one another.


def _cell() -> types.CellType:
    return types.CellType()


def _new_function(
    code: bytes, scope: dict[str, Any] | None, name: str, cells: tuple[types.CellType, ...]
) -> types.FunctionType:
    scope = vars(sys.modules["__main__"]) if scope is None else scope
    return types.FunctionType(marshal.loads(code), scope, name, None, cells)


def _fill_function(fn: types.FunctionType, state: dict[str, Any]) -> None:
    for name in state["modules"]:
        importlib.import_module(name)
    fn.__globals__.update(state["named"])
    cells: Any = fn.__closure__
    for i, value in state["contents"].items():
        cells[i].cell_contents = value
    for key, value in state["attributes"].items():
        setattr(fn, key, value)


def _new_class(metaclass: type, name: str, bases: tuple[type, ...], heads: dict[str, Any]) -> type:
    return _known(types.new_class(name, bases, {"metaclass": metaclass}, lambda body: body.update(heads)))


def _fill_class(cls: type, state: dict[str, Any]) -> None:
    for key, value in state.items():
        type.__setattr__(cls, key, value)
    abc.update_abstractmethods(cls)


def _new_enum(
    metaclass: Any, name: str, bases: tuple[type, ...], members: dict[str, Any], module: str
) -> type:
    body = metaclass.__prepare__(name, bases)
    for key, value in ({"__module__": module} | members).items():
        body[key] = value
    return _known(metaclass(name, bases, body))


def _known(cls: type) -> type:
    """The class, known by its name: answers of the worker refer to it so."""
    if cls.__module__ == "__main__" and "." not in cls.__qualname__:
        setattr(sys.modules["__main__"], cls.__name__, cls)
    return cls
