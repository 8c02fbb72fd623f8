"""Trees of named arrays, matched with the layers of a model; what a file and a model had of each other."""

from __future__ import annotations

import dataclasses
import itertools
import re
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from jkeras.saving import places
from jkeras.saving.contents import Contents, LayerContents

# What others call the weights of a layer.
_NAMES = {
    "kernel": ("kernel", "weight", "w"),
    "bias": ("bias", "b"),
    "gamma": ("gamma", "scale", "weight"),
    "beta": ("beta", "bias", "offset"),
    "moving_mean": ("moving_mean", "mean", "running_mean"),
    "moving_variance": ("moving_variance", "var", "running_var"),
    "embeddings": ("embeddings", "embedding", "weight"),
}
_ROOTS = re.compile(r"^(params|batch_stats)/")
_NUMBERED = re.compile(r"(^|_|/)\d+$")


@dataclasses.dataclass
class Report:
    """Lists of what loading has done.

    Args:
        loaded: names of the weights that have got a value.
        missing: names of the model's weights that the file does not have.
        unused: names of the file's arrays that the model does not have.
        renamed: layer in the file → layer of the model, where the names differ.
        cast: weight → "type in the file → type of the weight", where they differ.
        ambiguous: weights that were matched by shape although others have the same.
        optimizer: whether it goes on or starts afresh; "" where the file says nothing.
    """

    loaded: list[str] = dataclasses.field(default_factory=list[str])
    missing: list[str] = dataclasses.field(default_factory=list[str])
    unused: list[str] = dataclasses.field(default_factory=list[str])
    renamed: dict[str, str] = dataclasses.field(default_factory=dict[str, str])
    cast: dict[str, str] = dataclasses.field(default_factory=dict[str, str])
    ambiguous: list[str] = dataclasses.field(default_factory=list[str])
    optimizer: str = ""

    def __str__(self) -> str:
        lines = [f"loaded: {len(self.loaded)} weights"]
        for name in ("missing", "unused"):
            values = getattr(self, name)
            lines.append(f"{name}: {len(values)}" + "".join(f"\n  {value}" for value in values))
        if self.ambiguous:
            lines.append("by order among equal shapes:" + "".join(f"\n  {name}" for name in self.ambiguous))
        for name, arrow in (("renamed", " → "), ("cast", ": ")):
            values = getattr(self, name)
            lines.append(f"{name}: {len(values)}" + "".join(f"\n  {k}{arrow}{v}" for k, v in values.items()))
        return "\n".join(lines + [f"optimizer: {self.optimizer}"] * bool(self.optimizer))


def report(plan: list[tuple[Any, np.ndarray]], contents: Contents, model: Any) -> Report:
    """Report of what a plan does: `contents` are those of the file, arranged for `model`."""
    targets = [variable for variable, _ in plan]
    loaded = Report([v.name for v in targets])
    loaded.missing = [w.name for w in model.weights if not any(w is v for v in targets)]
    own = {layer.name for layer in model.layers}
    holders = [layer for layer in model.layers if layer.weights]
    sources = [source for source in contents.layers if source.weights]
    for source in sources:
        if source.name not in own and len(sources) != len(holders):
            loaded.unused += [f"{source.name}: {name}" for name, _ in source.weights]
    if len(sources) == len(holders):
        pairs = zip(sources, holders, strict=True)
        loaded.renamed = {a.name: b.name for a, b in pairs if a.name != b.name and a.name not in own}
    loaded.renamed |= contents.renamed
    loaded.unused += contents.unused
    loaded.ambiguous = contents.ambiguous
    for variable, value in plan:
        if np.dtype(value.dtype) != np.dtype(str(variable.dtype)):
            loaded.cast[variable.name] = f"{value.dtype} → {variable.dtype}"
    return loaded


def arranged(contents: Contents, model: Any, by_name: bool = False) -> Contents:
    """The contents with their arrays by layer, in the order of the model's layers.

    Args:
        contents: of a file.
        model: built.
        by_name: of a tree of names, whether layers must be called alike; else shapes tell too.

    Raises:
        ValueError: the file has arrays for a part of a layer only.
    """
    if contents.places is not None:
        layers = places.arranged(contents.places, model.layers, contents.keys, model)
        used = {id(value) for layer in layers for value in layer.values}
        unused = [name for name, value in contents.places.items() if id(value) not in used]
        # Keras 3 keeps the state of a layer's random numbers as weights.
        unused = [name for name in unused if "seed_generator" not in name]
        return dataclasses.replace(contents, places=None, layers=layers, unused=unused)
    if contents.tree is not None:
        return _of_tree(contents, [layer for layer in model.layers if layer.weights], by_name)
    if contents.by_layer_name:
        order = {layer.name: i for i, layer in enumerate(model.layers)}
        if all(layer.name in order for layer in contents.layers if layer.weights):
            return dataclasses.replace(
                contents, layers=sorted(contents.layers, key=lambda layer: order.get(layer.name, -1))
            )
    return contents


def _of_tree(contents: Contents, layers: list[Any], by_name: bool) -> Contents:
    """Arrays by name: places that are called as a layer, then, unless by name, those whose shapes fit."""
    tree = contents.tree or {}
    if all(re.fullmatch(r"arr_\d+", name) for name in tree):
        return dataclasses.replace(contents, tree=None, layers=_in_order(list(tree.values()), layers))
    groups = _groups(tree)
    called = {name.split("/")[-1]: name for name in groups}
    chosen = {
        layer: called[layer.name]
        for layer in layers
        if layer.name in called and _fitting(layer, groups[called[layer.name]]) is not None
    }
    ambiguous: list[str] = []
    unsure = False
    for layer in [] if by_name else [layer for layer in layers if layer not in chosen]:
        rest = [name for name in groups if name not in chosen.values()]
        fits = [name for name in rest if _fitting(layer, groups[name]) is not None]
        if fits:
            chosen[layer] = fits[0]
        if len(fits) > 1:
            ambiguous.append(f"{fits[0]} → {layer.name} ({', '.join(fits[1:])} would fit too)")
            unsure = unsure or not _NUMBERED.search(fits[0])  # numbers are an order that the writer meant
    if unsure:
        warnings.warn(
            "Layers of equal shapes whose names are not in the file were taken in its order: "
            f"{'; '.join(ambiguous[:4])}. Give the model's layers the names of the file to be sure.",
            stacklevel=4,
        )
    found: list[LayerContents] = []
    used: set[int] = set()
    for layer in filter(chosen.__contains__, layers):
        values = _fitting(layer, groups[chosen[layer]]) or []
        used |= {id(value) for value in values}
        found.append(_named(layer, values))
    renamed = {name: layer.name for layer, name in chosen.items() if name.split("/")[-1] != layer.name}
    unused = [name for name, value in tree.items() if id(value) not in used]
    return dataclasses.replace(
        contents, tree=None, layers=found, renamed=renamed, unused=unused, ambiguous=ambiguous
    )


def _named(layer: Any, values: list[np.ndarray]) -> LayerContents:
    return LayerContents(layer.name, [(w.name, v) for w, v in zip(layer.weights, values, strict=True)])


def _in_order(values: list[np.ndarray], layers: list[Any]) -> list[LayerContents]:
    """`np.savez(file, *model.get_weights())`."""
    counts = [len(layer.weights) for layer in layers]
    if len(values) != sum(counts):
        raise ValueError(f"the file has {len(values)} arrays without names, the model {sum(counts)} weights.")
    ends = itertools.accumulate(counts)
    return [
        _named(la, values[end - count : end]) for la, end, count in zip(layers, ends, counts, strict=True)
    ]


def _groups(tree: Mapping[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    """Arrays by the place that they share, `params` and `batch_stats` of flax together."""
    groups: dict[str, dict[str, np.ndarray]] = {}
    for name, value in tree.items():
        place, _, leaf = _ROOTS.sub("", name).rpartition("/")
        groups.setdefault(place, {})[leaf.split(":")[0]] = value
    if not all(_NUMBERED.search(place) for place in groups):
        return groups
    # jax sorts the keys of a tree: Dense_10 stands before Dense_2 there.
    order = sorted(groups, key=lambda name: [int(p) if p.isdigit() else p for p in re.split(r"(\d+)", name)])
    return {place: groups[place] for place in order}


def _fitting(layer: Any, group: Mapping[str, np.ndarray]) -> list[np.ndarray] | None:
    """The arrays of a place in the order of the layer's weights, if they are all there and no other is."""
    values: list[np.ndarray] = []
    for weight in layer.weights:
        leaf = weight.name.split("/")[-1].split(":")[0]
        names = _NAMES.get(leaf, (leaf,))
        value = next((group[n] for n in names if n in group and group[n].shape == tuple(weight.shape)), None)
        if value is None:
            return None
        values.append(value)
    return values if len(values) == len(group) else None
