"""A layer and its inner layers as trees: values by variable on one side, nested views by name on the other.

`values` is `{variable: array}` wherever it occurs. An instance that stands at several places of a tree
has one set of variables; its first place counts.
"""

# pyright: reportUnknownMemberType=false, reportPrivateUsage=false
from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

import jax
import jax.numpy as jnp
import numpy as np

from jkeras.core.dispatch import is_symbol
from jkeras.core.names import renumbering, snake_case
from jkeras.core.types import AnyDict, Array, Tree
from jkeras.initializers.undrawn import Undrawn

if TYPE_CHECKING:
    from jkeras.engine.base_layer import Layer
    from jkeras.engine.layer.weights import WeightAccess
    from jkeras.engine.tensors.variable import Read, Values, Variable, Write

L = TypeVar("L", bound="WeightAccess")  # a layer, or the part of its class that is asked
Entries: TypeAlias = dict[str, Any]  # what a layer itself has, by the names of its variables
Keys: TypeAlias = tuple[Any, ...]  # the way to a leaf, as jax has it
Plan: TypeAlias = dict[str, Tree]  # trees of names, by the name of the whole


def unnamed(path: str) -> str:
    """A path with such steps, or one that goes through them, without the names: automatic ones differ between
    processes, the order of layers does not.

    Example:
        >>> unnamed("moments/0003/dense_2/kernel")
        'moments/0003/kernel'
    """
    return re.sub(r"(?<=/)(\d{4})/[^/]+", r"\1", path)


def walk(
    layer: L, path: str = "", step: Callable[[int, str], str] = "{:04d}/{}".format
) -> Iterator[tuple[str, L | Layer]]:
    """Every (path, layer) at every place, outermost first: `0003/dense_2`, `0001/model_1/0000/dense_1`.

    Args:
        layer: where to begin.
        path: its own.
        step: how an inner layer is called in the paths, by its number and its name.
    """
    yield path, layer
    for number, (name, child) in enumerate(layer.children().items()):
        yield from walk(child, f"{path}/{step(number, name)}".lstrip("/"), step)


def instances(layer: L) -> list[tuple[str, L | Layer]]:
    """Every instance once, at its first place."""
    seen: set[L | Layer] = set()
    places: list[tuple[str, L | Layer]] = []
    for path, inner in walk(layer):
        if inner not in seen:
            seen.add(inner)
            places.append((path, inner))
    return places


def variables_of(layers: Iterable[WeightAccess]) -> list[Variable]:
    """Every variable of these layers and of their inner layers."""
    return list(
        dict.fromkeys(
            v
            for layer in layers
            for _, inner in walk(layer)
            for v in (*inner._params.values(), *inner._state.values())
        )
    )


def states_of(layer: WeightAccess) -> list[Variable]:
    """Every state variable of a layer and of its inner layers."""
    return [v for _, inner in instances(layer) for v in inner._state.values()]


def carried(layer: WeightAccess) -> set[Variable]:
    """The variables that carry states from batch to batch: every call within a run starts from what
    they are before it, as in Keras, where updates come after the outputs."""
    return {v for _, inner in instances(layer) if inner.stateful for v in inner._state.values()}


def flags(layer: L, holds: Callable[[L | Layer], bool]) -> set[L | Layer]:
    """The instances that have a place where they and all around them satisfy `holds`."""
    holders: set[L | Layer] = set()
    waiting: list[L | Layer] = [layer]
    while waiting:
        inner = waiting.pop()
        if inner not in holders and holds(inner):
            holders.add(inner)
            waiting += inner.children().values()
    return holders


# --- a layer's own entries: most are arrays by name; a pair may return any tree of them -------------------


def own_entries(layer: WeightAccess, tree: Tree) -> Entries:
    """A layer's own part of a nested tree, by the names of its variables.

    An array has the name that it has in the tree, one inside of a tree in the tree its path:
    `{"blocks": [{"w": a}]}` holds `blocks/0/w`.
    """
    if not isinstance(tree, AnyDict):
        return _paths("", tree)
    own = layer._params.keys() | layer._state.keys()
    inner = set(layer.children()) - own
    mine = [_paths(name, value) for name, value in tree.items() if name not in inner]
    return {path: array for paths in mine for path, array in paths.items()}


def _paths(name: str, tree: Tree) -> Entries:
    if name and isinstance(tree, (jax.Array, Undrawn)):
        return {name: tree}
    leaves = cast("list[tuple[Keys, Any]]", jax.tree_util.tree_flatten_with_path(tree)[0])
    return {_path(name, keys): leaf for keys, leaf in leaves}


def _path(name: str, keys: Keys) -> str:
    return f"{name}/{jax.tree_util.keystr(keys, simple=True, separator='/')}".strip("/") or "values"


def plan(layer: WeightAccess, tree: Tree) -> Plan:
    """How to put a layer's own entries together again: trees of names, by the name of the whole."""
    if not isinstance(tree, AnyDict):
        return {"": _names("", tree)}
    inner = layer.children()
    return {
        name: _names(name, value)
        for name, value in tree.items()
        if name not in inner and not jax.tree_util.all_leaves([value])
    }


def _names(name: str, tree: Tree) -> Tree:
    """The names of the arrays in a tree, which is called `name`."""

    def name_of(keys: Keys, _: Any) -> str:
        return _path(name, keys)

    return jax.tree_util.tree_map_with_path(name_of, tree)


def _together(layer: WeightAccess, kind: str, entries: Entries) -> Any:
    """A layer's own entries as its pair has them; a tree of which something is missing is left out."""
    plans = layer._plans.get(kind)
    if not plans:
        return entries
    trees: Entries = {
        name: jax.tree.map(entries.__getitem__, names)
        for name, names in plans.items()
        if all(n in entries for n in jax.tree.leaves(names))
    }
    if "" in plans:
        return trees.get("", {})
    apart = {n for names in plans.values() for n in jax.tree.leaves(names)}
    return {n: a for n, a in entries.items() if n not in apart} | trees


def _inside(tree: Tree, name: str) -> Tree:
    """The part of a nested tree for an inner layer."""
    return tree.get(name, {}) if isinstance(tree, AnyDict) else {}


def _holds(tree: Tree) -> bool:
    return not (isinstance(tree, AnyDict) and not tree)


def gather(layer: WeightAccess, read: Read) -> tuple[Any, Any]:
    """The nested (params, state) of a layer, each variable replaced by `read(variable)`."""
    params = _together(layer, "params", {name: read(v) for name, v in layer._params.items()})
    state = _together(layer, "state", {name: read(v) for name, v in layer._state.items()})
    return _with_children(layer, params, state, lambda child: gather(child, read))


def by_variable(layer: WeightAccess, params: Tree, state: Tree, values: Values) -> Values:
    """Fill `values` from nested params and state; a place that is absent is skipped, a first place wins.

    Parameters come before all states: code that uses another layer's weight has a copy of it among its
    states, which would hide the parameter from a derivative.
    """
    return _fill(layer, "_state", state, _fill(layer, "_params", params, values))


def _fill(layer: WeightAccess, kind: str, tree: Tree, values: Values) -> Values:
    entries = own_entries(layer, tree)
    cells: dict[str, Variable] = getattr(layer, kind)
    for name, variable in cells.items():
        if name in entries:
            values.setdefault(variable, entries[name])
    for name, child in layer.children().items():
        _fill(child, kind, _inside(tree, name), values)
    return values


def all_by_variable(layer: WeightAccess, params: Tree, state: Tree) -> Values:
    """The values of all variables of a layer, from nested params and state; also from those of a model that
    the same code has built at another time, see `renumbered`.

    Raises:
        ValueError: one is missing; it says which, of which layer, and what there is.
    """
    values = by_variable(layer, params, state, {})
    error = _completed(layer, params, state, values)
    if error is not None:
        values = by_variable(
            layer, renumbered(layer, "_params", params), renumbered(layer, "_state", state), {}
        )
        if _completed(layer, params, state, values) is not None:
            raise error
    return values


def _completed(layer: WeightAccess, params: Tree, state: Tree, values: Values) -> ValueError | None:
    """Add what code uses and no layer owns; an error about the first other variable that has no value."""
    for path, inner in instances(layer):
        for kind, cells, tree in (("params", inner._params, params), ("state", inner._state, state)):
            for name, variable in cells.items():
                if is_hidden(name):
                    values.setdefault(variable, variable._value)
                elif variable not in values:
                    return _missing(layer, inner, path.split("/")[1::2] if path else [], kind, name, tree)
    return None


def renumbered(layer: WeightAccess, kind: str, tree: Tree) -> Tree:
    """A nested tree with the automatic names that this layer's inner layers have, see `names.renumbering`.

    Args:
        layer: whose names the tree gets.
        kind: "_params" or "_state", which the tree is of.
        tree: with names of another building.
    """
    if not isinstance(tree, AnyDict):
        return tree
    inner = layer.children()
    mine = [n for n, child in inner.items() if n.startswith(snake_case(type(child).__name__) + "_")]
    now = renumbering(set(tree) - getattr(layer, kind).keys(), [n for n in mine if _has(inner[n], kind)])
    renamed = {now.get(name, name): value for name, value in tree.items()}
    return {n: renumbered(inner[n], kind, value) if n in inner else value for n, value in renamed.items()}


def _has(layer: WeightAccess, kind: str) -> bool:
    return any(getattr(inner, kind) for _, inner in walk(layer))


def is_hidden(name: str) -> bool:
    """Whether a state is a variable that code uses and no layer owns."""
    return name.startswith(("_free_", "_captured_"))


def _missing(
    layer: WeightAccess, inner: WeightAccess, names: list[str], kind: str, name: str, tree: Tree
) -> ValueError:
    place, subtree = kind, tree
    for n in names:
        place, subtree = f"{place}[{n!r}]", _inside(subtree, n)
    there = sorted(subtree, key=str) if isinstance(subtree, AnyDict) else type(subtree).__name__
    return ValueError(
        f"Layer {inner.name!r} ({type(inner).__name__}) needs its weight {name!r}: {place} should hold it, "
        f"but holds {there}. `init` of {layer.name!r} makes the whole {kind}."
    )


def put_values(layer: WeightAccess, params: Tree, state: Tree | None = None) -> None:
    """Assign nested params and state (None: which stays) to the variables of a layer, also those of a model
    that the same code has built at another time, see `renumbered`. States that no layer owns, as metrics
    have, are assigned where both have them.

    Raises:
        ValueError: an entry is missing, unknown, or of another shape; nothing was changed.
    """
    cells = nested(layer, {v: v for v in variables_of([layer])})
    new: dict[Variable, Any] = {}
    for kind, tree, known in zip(("params", "state"), (params, state), cells, strict=True):
        if tree is not None:
            new |= _fitting(layer, kind, tree, _by_place(known))
    for variable, value in new.items():
        variable.assign(value)


def _fitting(layer: WeightAccess, kind: str, tree: Tree, wanted: Mapping[str, Any]) -> dict[Variable, Any]:
    """The values by variable, of a tree that holds one for each of `wanted`."""
    given = _by_place(tree)
    missing, unknown = _beyond(wanted, given), _beyond(given, wanted)
    if missing or unknown:
        given = _by_place(renumbered(layer, f"_{kind}", tree))
        if _beyond(wanted, given) or _beyond(given, wanted):
            raise ValueError(
                f"This tree of {kind} does not fit {layer.name!r}: missing {missing[:5]}, unknown "
                f"{unknown[:5]}. `values()` of a model shows what it has."
            )
    for place in wanted.keys() & given.keys():
        shape = np.shape(given[place])
        if shape != wanted[place].shape:
            raise ValueError(f"{kind}{place} of {layer.name!r} has shape {wanted[place].shape}; got {shape}.")
    return {variable: given[place] for place, variable in wanted.items() if place in given}


def _beyond(some: Mapping[str, Any], others: Mapping[str, Any]) -> list[str]:
    """The places that others lack and should have."""
    return [place for place in some if place not in others and not is_hidden(place.rpartition("['")[2])]


def _by_place(tree: Tree) -> dict[str, Any]:
    leaves = cast("list[tuple[Keys, Any]]", jax.tree_util.tree_flatten_with_path(tree, is_leaf=is_symbol)[0])
    return {jax.tree_util.keystr(keys): leaf for keys, leaf in leaves}


def scatter(layer: WeightAccess, state: Tree, write: Write) -> None:
    """Call `write(variable, array)` for every entry of a nested state that a layer returned."""
    for name, value in own_entries(layer, state).items():
        if name not in layer._state:
            raise ValueError(
                f"Layer {layer.name!r} returned a state {name!r} that it did not declare in init."
            )
        variable = layer._state[name]
        write(variable, _like(layer, name, variable, value))
    for name, child in layer.children().items():
        inner = _inside(state, name)
        if name not in layer._state and _holds(inner):
            scatter(child, inner, write)


def write_states(layer: WeightAccess, changed: Mapping[Any, Any], write: Write) -> None:
    """Call `write(variable, array)` for every state of a layer among the variables that have changed."""
    for _, inner in instances(layer):
        for name, variable in inner._state.items():
            if variable in changed:
                write(variable, _like(inner, name, variable, changed[variable]))


def _like(layer: WeightAccess, name: str, variable: Variable, value: Any) -> Array:
    """A new state in the dtype of the old one; another shape (it would recompile) is refused."""
    if np.shape(value) != variable.shape:
        raise ValueError(
            f"The state {name!r} of layer {layer.name!r} has shape {variable.shape}, but the layer returned "
            f"{np.shape(value)} for it."
        )
    return jnp.asarray(value, variable.dtype)


def nested(layer: WeightAccess, values: Values, seen: set[WeightAccess] | None = None) -> tuple[Any, Any]:
    """The nested (params, state) of the variables in `values`, every instance at its first place only."""
    seen = set() if seen is None else seen
    if layer in seen:
        return {}, {}
    seen.add(layer)
    params, state = (
        _together(layer, kind, {name: values[v] for name, v in cells.items() if v in values})
        for kind, cells in (("params", layer._params), ("state", layer._state))
    )
    return _with_children(layer, params, state, lambda child: nested(child, values, seen))


def _with_children(
    layer: WeightAccess, params: Any, state: Any, of: Callable[[WeightAccess], tuple[Any, Any]]
) -> tuple[Any, Any]:
    """A layer's own (params, state) with those of its children in them, as far as they hold anything."""
    for name, child in layer.children().items():
        for own, inner in zip((params, state), of(child), strict=True):
            if _holds(inner):
                own[name] = inner
    return params, state
