"""Tensors that a user's `call` leaves in attributes of its layer: `self.attention = K.softmax(...)`.

Inside the run that made it, the attribute is that array. Outside it is a tensor of the recorded call (or, for
a call on arrays, the array), and the next run begins with what the attribute was before: an array of one run
never gets into another.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import jax

from jkeras.core.dispatch import is_symbol
from jkeras.core.identity import same_objects
from jkeras.core.types import AnyDict, AnyList, AnyTuple, Function, Tree, is_traced

if TYPE_CHECKING:
    from jkeras.engine.tensors.frame import Frame
    from jkeras.engine.tensors.scope import KeptValues


class MISSING:
    """Stands for no value; the class itself, which a copy of a layer shares."""


class Kept:
    """An attribute to which `call` gives an array.

    Args:
        before: what it was before any call; a run begins with it.
        outside: what it is outside of all runs.
    """

    def __init__(self, before: Any, outside: Any = MISSING):
        self.before, self.outside = before, outside

    def __reduce__(self) -> tuple[type[Kept], tuple[Any]]:
        return Kept, (self.before,)  # what is outside belongs to the original

    def read(self, layer: object, name: str, frame: Frame | None) -> Any:
        """The value of the attribute; `MISSING` if it has none."""
        if frame is None:
            return self.outside if self.outside is not MISSING else self.before
        value, running = frame.kept_around(layer, name)
        if value is not MISSING:
            return value
        if running and isinstance(self.before, (AnyList, AnyDict)):
            frame.kept[layer, name] = _copied(self.before)  # to which the code may add
            return frame.kept[layer, name]
        return self.before if running or self.outside is MISSING else self.outside


class _Default:
    """An attribute of a class (`cache = None`) for which layers keep arrays: theirs come first."""

    def __init__(self, name: str, value: Any):
        self.name, self.value = name, value

    def __get__(self, layer: object, cls: type | None = None) -> Any:
        if layer is not None and self.name in held_by(layer):
            return cast("Any", layer).__getattr__(self.name)
        if layer is not None and self.name in vars(layer):
            return vars(layer)[self.name]
        get: Function | None = getattr(self.value, "__get__", None)
        return self.value if get is None else get(layer, cls)

    def __set__(self, layer: object, value: Any) -> None:
        vars(layer)[self.name] = value


def held_by(layer: object) -> dict[str, Any]:
    """The attributes of a layer that are something else inside a run: variables, lists and dicts, `Kept`."""
    return vars(layer).get("_held", {})


def holds_array(value: Tree) -> bool:
    """Whether a value is an array, or a list, tuple or dict with arrays in it."""
    if isinstance(value, (AnyList, AnyTuple)):
        return any(holds_array(v) for v in value)
    if isinstance(value, AnyDict):
        return any(holds_array(v) for v in value.values())
    return isinstance(value, jax.Array)


def keep(layer: object, name: str, value: Any, frame: Frame) -> None:
    """Note an array for an attribute, in the frame of the code that sets it."""
    held, default = vars(layer).setdefault("_held", {}), getattr(type(layer), name, MISSING)
    if default is not MISSING:
        setattr(type(layer), name, _Default(name, default))
    if not isinstance(held.get(name), Kept):
        held[name] = Kept(vars(layer).pop(name, held.get(name, default)))
    frame.kept[layer, name] = value


def show(kept: KeptValues) -> None:
    """After a run on arrays: let what it left be seen outside."""
    for (layer, name), value in kept.items():
        entry = held_by(layer).get(name)
        if isinstance(entry, Kept) and not any(
            is_traced(leaf) for leaf in jax.tree.leaves(value, is_leaf=is_symbol)
        ):
            entry.outside = value


def keeps(layer: object, name: str, value: Any) -> bool:
    """Whether an attribute that code sets belongs to the run of the code only."""
    return holds_array(value) or isinstance(held_by(layer).get(name), Kept)


@contextmanager
def sweeping(layer: object, frame: Frame) -> Generator[None]:
    """A context for a run of `call`: what it adds to lists and dicts belongs to this run, also to one that
    fails (another one follows, with other sizes)."""
    marked = _mark(layer)
    try:
        yield
    finally:
        _sweep(layer, marked, frame)


def _mark(layer: object) -> dict[str, Any]:
    """Copies of the lists and dicts among a layer's attributes, to see later what `call` adds to them."""
    return {name: _copied(value) for name, value in held_by(layer).items() if isinstance(value, (list, dict))}


def _sweep(layer: object, marked: dict[str, Any], frame: Frame) -> None:
    """Keep the arrays that `call` has put into lists and dicts, and leave these as they were."""
    for name, value in list(held_by(layer).items()):
        if isinstance(value, (AnyList, AnyDict)) and holds_array(value):
            now, before = _copied(value), marked.get(name, type(value)())
            value.clear()
            value.extend(before) if isinstance(value, AnyList) else value.update(before)
            if not _same(now, before):
                keep(layer, name, now, frame)
    _forget_unchanged(layer, frame)


def _forget_unchanged(layer: object, frame: Frame) -> None:
    """Lists and dicts that `call` has only read are none that it leaves behind."""
    for (owner, name), value in list(frame.kept.items()):
        entry = held_by(layer).get(name) if owner is layer else None
        if isinstance(entry, Kept) and isinstance(value, (list, dict)) and _same(value, entry.before):
            del frame.kept[owner, name]


def _copied(value: Tree) -> Tree:
    """A copy of lists and dicts, also of those in them."""
    if not isinstance(value, (AnyList, AnyDict)):
        return value
    twin = value.copy()
    for key in range(len(value)) if isinstance(value, AnyList) else value:
        twin[key] = _copied(value[key])
    return twin


def _same(a: Tree, b: Tree) -> bool:
    return same_objects(*(jax.tree.leaves(x, is_leaf=is_symbol) for x in (a, b)))
