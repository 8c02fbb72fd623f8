"""A model as a record, and back: architecture, weights, how it was compiled, and what Keras's files lose."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from jkeras.engine.tensors.variable import numpy_copies
from jkeras.engine.tree import walk
from jkeras.saving import bytecode, compiled, config, weights
from jkeras.saving.contents import Contents


def of_model(model: Any, include_optimizer: bool = True) -> Contents:
    """Everything that a model file keeps.

    Raises:
        NotImplementedError: the model is a subclassed one, which has no config.
    """
    contents = Contents(model=config.model_config(model), layers=weights.layer_contents(model.layers))
    at = dict(places(model))
    frozen = [path for path, layer in at.items() if not layer.trainable]
    if frozen:
        contents.notes["frozen"] = frozen
    if marks := bytecode.marks_of(at.values()):
        contents.notes["functions"] = marks
    if shared := _shared(at):
        contents.notes["shared"] = shared
    if include_optimizer:
        compiled.add_training(model, contents)
    return contents


def of_weights(model: Any) -> Contents:
    """The weights alone."""
    contents = Contents(layers=weights.layer_contents(model.layers))
    add_cells(model, contents, states=False)
    return contents


def build(contents: Contents, custom_objects: dict[str, Any] | None, safe_mode: bool) -> Any:
    """A new model of the record's architecture, not compiled, with weights of its own.

    Raises:
        ValueError: the record has no architecture.
    """
    if contents.model is None:
        raise ValueError(
            "No model found in config: the file holds weights only. Build the model and call "
            "model.load_weights(path) on it (jkeras convert: --into MODEL)."
        )
    stored = config.with_marks(contents.model, contents.notes.get("functions", []))
    model = config.model_from_config(stored, custom_objects, safe_mode)
    _share(model, contents.notes.get("shared", {}))
    at = dict(places(model))
    for path in contents.notes.get("frozen", []):
        if path in at:
            at[path].trainable = False
    return model


def fill(model: Any, contents: Contents) -> weights.Plan:
    """Plan of the arrays of the record for the weights of the model that `build` made of it.

    Raises:
        ValueError: they do not fit.
    """
    return weights.by_position(contents, model.layers) + cells_plan(model, contents)


def places(layer: Any) -> list[tuple[str, Any]]:
    """Every (path, layer), outermost first; paths are positions, so that automatic names do not matter."""
    return list(walk(layer, step="{0}".format))


# Values beside the layers' weights --------------------------------------------------------------------------


def cells(model: Any, states: bool = True) -> dict[str, Any]:
    """The cells that no layer's `weights` show, by place.

    Args:
        model: a built model.
        states: also those of the hidden states of stateful recurrent layers, beside what a subclassed model
            itself owns.
    """
    cells_by_name: dict[str, Any] = {}
    for path, layer in places(model):
        for name, cell in [*layer._params.items(), *layer._state.items()]:
            wanted = states if name.startswith("_") else not path
            if wanted and all(cell is not other for other in cells_by_name.values()):
                cells_by_name[f"{path}/{name}".lstrip("/")] = cell
    return cells_by_name


def add_cells(model: Any, contents: Contents, states: bool = True) -> None:
    """Keep these too; with the hidden states training can go on as if it had never stopped."""
    at = cells(model, states)
    contents.add_section("cells", dict(zip(at, numpy_copies(at.values()), strict=True)))


def cells_plan(model: Any, contents: Contents, states: bool = True) -> list[tuple[Any, np.ndarray]]:
    """The places of these.

    Args:
        model, contents: to and from.
        states: also the hidden states.

    Raises:
        ValueError: the model has no such cell, or one of another shape.
    """
    targets = cells(model)
    plan: list[tuple[Any, np.ndarray]] = []
    for path, value in contents.section("cells").items():
        if not states and ("/" in path or path.startswith("_")):
            continue
        if path not in targets or tuple(targets[path].shape) != value.shape:
            has = f"one of shape {tuple(targets[path].shape)}" if path in targets else "none"
            raise ValueError(f"the file has a state {path!r} of shape {value.shape}, the model has {has}.")
        plan.append((targets[path], value))
    return plan


# Layers that stand at several places ------------------------------------------------------------------------


def _shared(at: dict[str, Any]) -> dict[str, str]:
    """For every further place of an instance with weights its main place, if possible in a model's layers."""
    by_instance: dict[Any, list[str]] = {}
    for path, layer in at.items():
        if layer.weights:
            by_instance.setdefault(layer, []).append(path)
    shared: dict[str, str] = {}
    for paths in by_instance.values():
        main = min(paths, key=lambda p: (_attribute(at, p) is not None, p.count("/")))

        def inside(path: str) -> bool:
            return any(path.startswith(above + "/") for above in shared)  # noqa: B023

        shared |= {path: main for path in paths if path != main and not inside(path)}
    return shared


def _share(model: Any, shared: dict[str, str]) -> None:
    """Put one instance at all the places where one stood when the model was saved."""
    apart: list[str] = []
    for path, main in shared.items():
        at = dict(places(model))
        name = _attribute(at, path)
        if name is not None and main in at:
            setattr(at[path.rpartition("/")[0]], name, at[main])
        elif path not in at or main not in at or at[path] is not at[main]:
            apart.append(f"{at[path].name if path in at else path}")
    if apart:
        warnings.warn(
            "Layers that shared their weights with others when the model was saved now have their own: "
            f"{apart}. Both start from the saved values; build the model in code and use load_weights to "
            "keep them shared.",
            stacklevel=4,
        )


def _attribute(at: dict[str, Any], path: str) -> str | None:
    """The attribute of the layer around that holds the layer at `path`, or None where it is one of a list."""
    above, _, number = path.rpartition("/")
    if not path or not number.isdigit():
        return None
    holder = at[above]
    name: str = list(holder.children())[int(number)]
    return name if holder.__dict__.get(name) is at[path] else None
