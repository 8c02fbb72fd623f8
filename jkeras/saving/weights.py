"""Matching of stored weights and cells, by position or by name; all is checked before any is assigned."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import math
import re
import warnings
from typing import Any

import jax
import numpy as np

from jkeras.core.background import each
from jkeras.core.stored import Stored
from jkeras.engine.tensors.variable import numpy_views
from jkeras.engine.tree import variables_of
from jkeras.saving import legacy
from jkeras.saving.contents import Contents, LayerContents

_NUMBER = re.compile(r"_(\d+)(?=/|$)")
Plan = list[tuple[Any, Any]]  # variables and their arrays, also such as are not read yet


def layer_contents(layers: list[Any]) -> list[LayerContents]:
    """The weights of `layers` as they are now."""
    contents: list[LayerContents] = []
    for layer in layers:
        weights = layer.weights
        names = [w.name for w in weights]
        contents.append(LayerContents(layer.name, list(zip(names, numpy_views(weights), strict=True))))
    return contents


def read(plan: Plan, source: Any) -> Plan:
    """The plan with all its arrays read. Warns of NaN and infinite numbers.

    Args:
        plan: variables and their arrays.
        source: the file, for the warning.

    Raises:
        ValueError: an array cannot be read.
    """

    def array(pair: tuple[Any, Any]) -> tuple[np.ndarray, bool]:
        value = np.asarray(pair[1])
        return value, _is_finite(value)

    found = each(array, plan, sum(math.prod(value.shape) * value.dtype.itemsize for _, value in plan))
    ready: Plan = []
    strange: list[str] = []
    for (variable, stored), (value, finite) in zip(plan, found, strict=True):
        own = isinstance(stored, Stored) and value.dtype.name == variable.dtype  # nobody else holds it
        ready.append((variable, jax.device_put(value) if own else value))
        if not finite:
            strange.append(variable.name)
    if strange:
        warnings.warn(f"{source} holds NaN or infinite numbers in: {_listing(strange)}.", stacklevel=3)
    return ready


def assign(plan: Plan) -> None:
    """Carry out a plan that `read` made; nothing in it can fail any more."""
    for variable, value in plan:
        variable.assign(value)


def _is_finite(value: np.ndarray) -> bool:
    if not np.issubdtype(value.dtype, np.floating):
        return True
    with np.errstate(over="ignore", invalid="ignore"):  # a sum may overflow by itself
        return bool(np.isfinite(value.sum())) or bool(np.isfinite(value).all())


def by_position(contents: Contents, layers: list[Any], reshape: bool = False) -> Plan:
    """Match the layers that have weights one by one, in order.

    Raises:
        ValueError: the number of layers, of weights or a shape differs.
    """
    targets = [layer for layer in layers if layer.weights]
    sources = [layer for layer in contents.layers if layer.weights]
    if len(sources) != len(targets):
        raise ValueError(
            f"You are trying to load a weight file containing {len(sources)} layers into a model with "
            f"{len(targets)} layers. In the file: {_listing(s.name for s in sources)}; in the model: "
            f"{_listing(t.name for t in targets)}."
        )
    origin = _origin(contents, reshape)
    plan: Plan = []
    for position, (source, layer) in enumerate(zip(sources, targets, strict=True)):
        values = _converted(layer, source, origin)
        if len(values) != len(layer.weights):
            raise ValueError(
                f'Layer #{position} (named "{layer.name}" in the current model) was found to correspond to '
                f"layer {source.name} in the save file. However the new layer {layer.name} expects "
                f"{len(layer.weights)} weights, but the saved weights have {len(values)} elements."
            )
        for variable, value in zip(layer.weights, values, strict=True):
            if complaint := _mismatch(variable, value):
                raise ValueError(
                    f'Layer #{position} (named "{layer.name}", "{source.name}" in the file), {complaint}'
                )
            plan.append((variable, value))
    return plan


def by_name(
    contents: Contents, layers: list[Any], skip_mismatch: bool = False, reshape: bool = False
) -> Plan:
    """Match layers of the same name; layers that only one side has are left alone.

    Args:
        skip_mismatch: warn about weights that do not fit and go on, instead of raising.

    Raises:
        ValueError: the number of weights or a shape differs, and `skip_mismatch` is False.
    """
    origin = _origin(contents, reshape)
    plan: Plan = []
    for position, source in enumerate(contents.layers):
        for layer in (layer for layer in layers if layer.name == source.name):
            plan += _fill(position, source, layer, origin, skip_mismatch)
    return plan


def _fill(position: int, source: LayerContents, layer: Any, origin: legacy.Origin, skip: bool) -> Plan:
    values = _converted(layer, source, origin)
    variables = layer.weights
    if len(values) != len(variables):
        if not skip:
            raise ValueError(
                f'Layer #{position} (named "{layer.name}") expects {len(variables)} weight(s), but the saved '
                f"weights have {len(values)} element(s)."
            )
        counts = f"{len(variables)} vs {len(values)}"
        _skipped(layer, f"number of weights ({counts})")
        return []
    plan: Plan = []
    for variable, value in zip(variables, values, strict=True):
        complaint = _mismatch(variable, value)
        if not complaint:
            plan.append((variable, value))
        elif skip:
            _skipped(layer, f"shape ({tuple(variable.shape)} vs {value.shape})")
        else:
            raise ValueError(f'Layer #{position} (named "{layer.name}"), {complaint}')
    return plan


def _converted(layer: Any, source: LayerContents, origin: legacy.Origin) -> list[np.ndarray]:
    """The values of a layer in today's layout, unless they are too many for any layout of its weights."""
    values = arranged(layer, source)
    needed = sum(math.prod(weight.shape) for weight in layer.weights)
    return values if sum(v.size for v in values) > 2 * needed else legacy.convert(layer, values, origin)


# Order within a layer ---------------------------------------------------------------------------------------


def arranged(layer: Any, source: LayerContents) -> list[np.ndarray]:
    """The values of a layer in the file, in the order that its weights have now.

    Keras lists what trains before what is frozen, so the order of the weights of a nested model depends on
    what was frozen when the file was written; Keras itself swaps weights of equal shape then. Names tell.
    """
    stored, wanted = _keys([name for name, _ in source.weights]), _keys([v.name for v in layer.weights])
    known = dict(zip(stored, source.values, strict=True))
    if stored == wanted or len(known) < len(stored) or known.keys() != set(wanted):
        return source.values
    if any(rank for _, rank, _ in wanted):  # names that differ by a number only
        place = {variable: i for i, variable in enumerate(variables_of([layer]))}
        natural = sorted(zip(map(place.__getitem__, layer.weights), wanted, strict=True))
        if not _rising([key for _, key in natural]):
            return source.values
        warnings.warn(
            f'The file lists the weights of layer "{layer.name}" as '
            f"{_listing(n for n, _ in source.weights)}: layers in it were frozen when the file was written "
            "that are not now, or the other way round. The weights are taken by the numbers in these names; "
            "give the layers names of their own to be sure.",
            stacklevel=6,
        )
    return [known[key] for key in wanted]


def _keys(names: list[str]) -> list[tuple[str, int, str]]:
    """The names of weights, without what depends on what else the process had made.

    `inner/dense_7/kernel:0` → (`inner/dense`, 0, `kernel`), where 7 is the lowest number among these names.
    """
    scopes, _, kinds = zip(*(name.rpartition("/") for name in names), strict=True) if names else ((), (), ())
    numbers = {scope: [int(n) for n in _NUMBER.findall(scope)] for scope in scopes}
    stems = {scope: _NUMBER.sub("", scope) for scope in scopes}
    rank = {
        scope: sum(stems[other] == stems[scope] and numbers[other] < numbers[scope] for other in numbers)
        for scope in numbers
    }
    return [(stems[s], rank[s], kind.split(":")[0]) for s, kind in zip(scopes, kinds, strict=True)]


def _rising(keys: list[tuple[str, int, str]]) -> bool:
    """Whether layers whose names differ by a number only stand in the order of these numbers."""
    last: dict[str, int] = {}
    for stem, rank, _ in keys:
        if rank < last.get(stem, 0):
            return False
        last[stem] = rank
    return True


def _skipped(layer: Any, what: str) -> None:
    warnings.warn(
        f"Skipping loading of weights for layer {layer.name} due to mismatch in {what}.", stacklevel=6
    )


def _mismatch(variable: Any, value: np.ndarray) -> str:
    if tuple(variable.shape) == value.shape:
        return ""
    return (
        f"weight {variable.name} has shape {tuple(variable.shape)}, but the saved weight has shape "
        f"{value.shape}. Load by_name=True with skip_mismatch=True to leave such weights as they are."
    )


def _origin(contents: Contents, reshape: bool) -> legacy.Origin:
    return legacy.Origin(contents.keras_version, contents.backend, reshape)


def _listing(names: Any, limit: int = 12) -> str:
    names = list(names)
    return ", ".join(names[:limit]) + (", …" if len(names) > limit else "") if names else "none"
