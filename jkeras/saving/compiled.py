"""How a model was compiled and where its optimizer stands, to and from the record of a file.

Keras's part of a file keeps optimizer, loss, metrics, loss weights and the optimizer's weights. It loses
weighted metrics and what some optimizers count (RMSprop's iterations, Nadam's schedule): jkeras keeps these
beside it.

A schedule and an optax transformation are code, which a file does not hold: what is kept of them is their
state. They are handed to `load_model` again, as `custom_objects={"optimizer": transformation}`.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from jkeras import optimizers
from jkeras.core.names import renumbering
from jkeras.core.types import AnyDict, AnyList
from jkeras.engine.tree import instances, unnamed
from jkeras.saving import later_optimizer
from jkeras.saving.config import json_value
from jkeras.saving.contents import Contents


def add_training(model: Any, contents: Contents) -> None:
    """Put training configuration and optimizer state of a compiled model into `contents`."""
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None:
        return
    prepare_optimizer(model)
    training = {
        "optimizer_config": _optimizer_config(optimizer),
        "loss": model.loss,
        "metrics": model.metrics,
        "sample_weight_mode": model.sample_weight_mode,
        "loss_weights": model.loss_weights,
    }
    training = json.loads(json.dumps(training, default=json_value))
    weighted = getattr(model, "weighted_metrics", None)
    if weighted:
        contents.notes["weighted_metrics"] = json.loads(json.dumps(weighted, default=json_value))
    if options := model.step_options.config():
        contents.notes["step"] = options
    if training["optimizer_config"] is None:  # Keras could not read that: it finds no training configuration
        contents.notes["training"] = training
    else:
        contents.training = training
        names = [w.name for w in optimizer.weights]
        contents.optimizer = list(zip(names, optimizer.get_views(), strict=True)) or None
    if not optimizer.portable:
        contents.notes["code"] = type(optimizer).__name__
    if optimizer.binding is not None:
        _add_state(optimizer, contents)
    lost = sum(len(layer.extra_losses) for _, layer in instances(model))
    if lost:
        contents.notes["add_loss"] = lost


def _add_state(optimizer: Any, contents: Contents) -> None:
    """Keep the state of the optimizer: of what stands in Keras's list already, the place there."""
    listed = {} if contents.optimizer is None else {cell: i for i, cell in enumerate(optimizer.weights)}
    cells = optimizer.by_path()
    contents.notes["optimizer"] = [[path, listed.get(cell)] for path, cell in cells.items()]
    contents.add_section(
        "optimizer", optimizer.state_dict([p for p, i in contents.notes["optimizer"] if i is None])
    )


def state_of(contents: Contents) -> dict[str, Any]:
    """jkeras's own record of an optimizer's state, by path; empty where the file has none.

    Raises:
        ValueError: the record is malformed.
    """
    section, listed = contents.section("optimizer"), contents.optimizer or []
    order = contents.notes.get("optimizer")
    if order is None:
        return section
    try:
        return {path: section[path] if i is None else listed[i][1] for path, i in order}
    except (ValueError, TypeError, LookupError) as e:
        raise ValueError(f"the record of the optimizer's state is malformed: {e}") from e


def _optimizer_config(optimizer: Any) -> dict[str, Any] | None:
    with warnings.catch_warnings():  # that a schedule is written as a number is said when the file is loaded
        warnings.simplefilter("ignore")
        try:
            return {"class_name": type(optimizer).__name__, "config": optimizer.get_config()}
        except (ValueError, NotImplementedError):
            return None


def compile_as_saved(model: Any, contents: Contents, custom_objects: dict[str, Any]) -> None:
    """Compile `model` as the file says and give its optimizer the state of the file.

    Raises:
        ValueError: the file names a loss, metric or optimizer that this process does not know.
    """
    training = contents.training or contents.notes.get("training")
    if contents.notes.get("later"):
        _warn(f"The model was saved by a later Keras; {contents.notes['later']}.")
    if training is None and "later" in contents.notes:
        return
    if training is None:
        _warn(
            "No training configuration found in save file: the model was *not* compiled. Compile it manually."
        )
        return
    optimizer = custom_objects.get("optimizer") if "code" in contents.notes else None
    if optimizer is None and training["optimizer_config"] is None:
        _warn(
            f"The model was compiled with an optimizer that is code ({contents.notes.get('code')}), which a "
            "file does not hold: the model was *not* compiled. Pass it, load_model(path, "
            "custom_objects={'optimizer': optimizer}), to go on with the state in the file, or compile the "
            "model afresh."
        )
        return
    try:
        _compile(model, training, contents.notes, optimizer, custom_objects)
    except (ValueError, KeyError, TypeError) as e:
        raise ValueError(
            f"The model in the file cannot be compiled as the file says ({e}). Pass what is missing by name, "
            "load_model(path, custom_objects={'name': thing}), or load it with compile=False."
        ) from e
    if optimizer is None and "code" in contents.notes:
        _warn(
            "The learning rate followed a schedule, which is code and not in the file: it stays as it was "
            "last. Pass load_model(path, custom_objects={'optimizer': optimizer}) to go on with the schedule."
        )
    if "add_loss" in contents.notes:
        _warn(
            f"The model had {contents.notes['add_loss']} loss terms given to add_loss outside a "
            "layer's call; these are code and not in the file: it now trains without them. "
            "Add them again and compile."
        )
    restore_optimizer(model, contents)


def _refuse_nan(config: Any, place: str) -> None:
    if isinstance(config, AnyDict):
        for key, value in config.items():
            _refuse_nan(value, f"{place}/{key}")
    elif isinstance(config, float) and not math.isfinite(config):
        raise ValueError(f"{place} is {config}, which no optimizer can use")


def _compile(
    model: Any,
    training: dict[str, Any],
    notes: dict[str, Any],
    optimizer: Any,
    custom_objects: dict[str, Any],
) -> None:
    weighted = notes.get("weighted_metrics") or training.get("weighted_metrics")
    if optimizer is None:
        _refuse_nan(training["optimizer_config"], "optimizer_config")
        optimizer = optimizers.deserialize(training["optimizer_config"], custom_objects=custom_objects)
    model.compile(
        optimizer=optimizer,
        loss=_custom(training["loss"], custom_objects),
        metrics=_custom(training["metrics"], custom_objects),
        loss_weights=training["loss_weights"],
        sample_weight_mode=training["sample_weight_mode"],
        **({"weighted_metrics": _custom(weighted, custom_objects)} if weighted else {}),
        **notes.get("step", {}),
    )


def prepare_optimizer(model: Any) -> None:
    """Make the optimizer show its state for this very model: one optimizer may serve several."""
    trainer = getattr(model, "_trainer", None)  # None: not compiled, or not built yet
    if trainer is not None:
        trainer.prepare()


def restore_optimizer(model: Any, contents: Contents) -> None:
    """Give the optimizer of a compiled model the state of the file, or warn that it starts afresh."""
    prepare_optimizer(model)
    try:
        if "later" in contents.notes and contents.optimizer:
            steps = later_optimizer.restore(model.optimizer, contents.optimizer)
            contents.notes["optimizer"] = f"goes on after {steps} steps"
        elif state_of(contents):
            load_state(model.optimizer, contents)
        elif contents.optimizer is not None:
            model.optimizer.set_weights([value for _, value in contents.optimizer])
    except ValueError as e:
        contents.notes["optimizer"] = f"starts afresh: {e}"
        _warn(
            "Error in loading the saved optimizer state. As a result, your model is starting with a freshly "
            f"initialized optimizer. ({e})"
        )


def load_state(optimizer: Any, contents: Contents) -> None:
    """Put jkeras's own record of an optimizer's state back.

    Raises:
        ValueError: it does not fit; nothing is changed then.
    """
    optimizer.load_state_dict(_renamed(state_of(contents), optimizer.by_path()))


def _renamed(saved: dict[str, np.ndarray], current: dict[str, Any]) -> dict[str, np.ndarray]:
    """The saved state under today's paths: automatic names differ between processes, order does not. Where
    names alone are in the paths (optax sorts them), as many of a class are the same in order of number."""
    if [unnamed(path) for path in saved] == [unnamed(path) for path in current]:
        return dict(zip(current, saved.values(), strict=True))
    now = renumbering(_steps(saved), _steps(current))
    moved = {"/".join(now.get(step, step) for step in path.split("/")): a for path, a in saved.items()}
    return moved if moved.keys() == current.keys() else saved


def _steps(paths: Iterable[str]) -> set[str]:
    return {step for path in paths for step in path.split("/")}


def _custom(value: Any, custom_objects: dict[str, Any]) -> Any:
    """Replace names by custom objects, inside lists and dicts too."""
    if isinstance(value, AnyList):
        return [_custom(v, custom_objects) for v in value]
    if isinstance(value, AnyDict):
        return {k: _custom(v, custom_objects) for k, v in value.items()}
    return custom_objects.get(value, value) if isinstance(value, str) else value


def _warn(text: str) -> None:
    warnings.warn(text, stacklevel=5)
