"""The contents of a file or a run directory, and their way into another format."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from jkeras.cli import build, sources
from jkeras.cli.config import check
from jkeras.cli.errors import UserError, close_to
from jkeras.core import atomic
from jkeras.core.types import AnyDict
from jkeras.models import load_model
from jkeras.saving import Report, checkpoint, model_io
from jkeras.saving.foreign import write_places
from jkeras.saving.limits import telling

# What `model.save` writes, and endings of what it does not.
ENDINGS = (".h5", ".hdf5", ".hd5", ".msgpack", ".safetensors", ".keras")
_EXPORTS = (".onnx", ".pb", ".stablehlo", ".tflite")
_OTHERS = (*_EXPORTS, ".csv", ".json", ".npy", ".npz", ".pkl", ".pt", ".pth", ".txt", ".yaml", ".yml")


def check_model(path: Path) -> None:
    """Refuse the name of a model file that cannot be written or says another format, before any work.

    Raises:
        UserError: its ending is that of something else.
        OSError: it cannot be written.
    """
    if path.suffix in _OTHERS:
        otherwise = "; `jkeras export` writes this one from a model file" * (path.suffix in _EXPORTS)
        raise UserError(
            f"{path}: a model is written as {', '.join(ENDINGS)}, not as {path.suffix}{otherwise}."
        )
    atomic.check_target(path)


def load(source: Path, compile: bool = True, accept_changed: bool = False):
    """The model in a file, or in the newest checkpoint of a run directory.

    Raises:
        UserError: there is no such file.
        ValueError: it is no model file, or a damaged one.
    """
    return load_model(str(_file(source)), compile=compile, accept_changed=accept_changed)


def _file(source: Path) -> Path:
    """The file itself, or the newest checkpoint of a run directory."""
    if source.is_dir():
        return checkpoint.latest(source).path
    if not source.exists():
        raise UserError(f"There is no file {source}.")
    return source


def reading_of(source: Path, data_source: str, given: dict[str, Any]) -> dict[str, Any]:
    """How data are to be read: as asked, else as the run in this directory read them.

    Args:
        source: a model file, or the directory of a run.
        data_source: the data that will be read; of the run's own data the part for the test is the same.
        given: arguments of `data.load`; those that are None count as not asked for.
    """
    asked = {key: value for key, value in given.items() if value is not None}
    if not source.is_dir():
        return asked
    settings = check(checkpoint.read_run(source))["data"]
    own = settings.pop("source")
    if own not in (data_source, str(Path(data_source).absolute())):
        settings["test"] = None
    return settings | asked


def checkpoints(run_dir: Path) -> list[dict[str, Any]]:
    """The checkpoints of a run, oldest first; each is read, and what is wrong with it said as `damage`.

    Raises:
        ValueError: there are none.
    """
    kept = checkpoint.list_checkpoints(run_dir)
    if not kept:
        checkpoint.latest(run_dir)  # raises: says what is missing
    return [
        {
            "checkpoint": c.path.name,
            "epoch": c.epoch,
            "step": c.step,
            "bytes": c.bytes,
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(c.path.lstat().st_mtime)),
            "damage": checkpoint.damage(c.path),
        }
        for c in kept
    ]


def chosen(run_dir: Path, name: str | None) -> Path:
    """The file of a checkpoint by its name or epoch; None: the newest whole one; "best": that of the run."""
    if name is None:
        return checkpoint.latest(run_dir).path
    if name == "best":
        return run_dir / "checkpoints" / _best(run_dir)
    kept = checkpoint.list_checkpoints(run_dir)
    hits = [c for c in kept if name in (c.path.name, c.path.stem, str(c.epoch))]
    if not hits:
        names = ", ".join(c.path.name for c in kept) or "none"
        raise UserError(f"{run_dir} has no checkpoint {name!r}. It has: {names}.")
    return hits[-1].path


def _best(run_dir: Path) -> str:
    """The name of the checkpoint that `RunCheckpoint(best=...)` kept as the best."""
    newest = checkpoint.latest(run_dir).path
    with telling(newest, "the state of the callbacks is malformed"):
        for callback in checkpoint.run_state(checkpoint.read(newest)).get("callbacks", ()):
            if scores := callback["state"].get("scores"):
                return next(iter(scores))
    raise UserError(f"{run_dir} does not know its best checkpoint: train with output: {{best: val_loss}}.")


def convert(
    source: Path, target: Path, accept_changed: bool = False, into: str | None = None
) -> Report | None:
    """Write the model of `source` in the format that the extension of `target` names.

    Args:
        source: a model file, a run, or a file of weights.
        target: where to.
        accept_changed: as in `load_model`.
        into: of a file of weights, the model that they belong to: a model file, a .json architecture, or
            code of the user's, `module:function` or file.py.

    Returns:
        What was loaded from `source`.

    Raises:
        UserError: the extension names no format; nothing is written under a name that says another one.
    """
    known = (*ENDINGS, ".json", ".yaml", ".yml")
    if target.suffix not in known:
        raise UserError(f"{target}: unknown ending {target.suffix!r}. {close_to(target.suffix, known)}")
    atomic.check_target(target)
    path = _file(source)
    if into is None:
        model, loaded = load_model(str(path), accept_changed=accept_changed, report=True)
    else:
        model = build.architecture(into)
        loaded = model.load_weights(str(path), accept_changed=accept_changed, report=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    writers = {".json": "to_json", ".yaml": "to_yaml", ".yml": "to_yaml"}
    if target.suffix in writers:
        with atomic.replacing(target) as part:
            part.write_text(getattr(model, writers[target.suffix])() + "\n", "utf-8")
    elif target.name.endswith(".weights.h5"):
        with atomic.replacing(target) as part:
            write_places(model, part)
    else:
        model.save(str(target))
    return loaded


def summary(source: Path, accept_changed: bool = False, wide: bool = False) -> dict[str, Any]:
    """Layers and sizes of the model in a file; prints Keras's summary, or the wide one."""
    model = load(source, compile=False, accept_changed=accept_changed)
    model.summary(wide=wide)
    layers = [
        {
            "name": layer.name,
            "class": type(layer).__name__,
            "output_shape": _json_value(layer.output_shape),
            "params": int(layer.count_params()),
        }
        for layer in model.layers
    ]
    trainable = sum(w.size for w in model.trainable_weights)
    total = int(model.count_params())
    return {"name": model.name, "layers": layers, "params": total, "trainable_params": trainable}


def _json_value(value: Any) -> Any:
    return json.loads(json.dumps(value))


def inspect(source: Path) -> dict[str, Any]:
    """Describe a file or run directory and its contents, without building a model.

    Returns:
        For a run: its configuration and checkpoints; for a .npz file: its arrays; for a model or weights
        file: the version of Keras, the training configuration, and the name and shape of every weight.
    """
    if source.is_dir():
        config = checkpoint.read_run(source)
        return {"kind": "run", "config": config, "checkpoints": checkpoints(source)}
    if not source.exists():
        raise UserError(f"There is no file {source}.")
    if source.suffix in (".npz", ".npy"):
        arrays = sources.arrays(str(source))
        return {
            "kind": "arrays",
            "arrays": {k: {"shape": v.shape, "dtype": str(v.dtype)} for k, v in arrays.items()},
        }
    contents = model_io.read(str(source))
    run = checkpoint.run_state(contents)
    return {
        "kind": "checkpoint" if run else "model" if contents.model else "weights",
        "bytes": source.stat().st_size,
        "keras_version": contents.keras_version,
        "backend": contents.backend,
        "class_name": (contents.model or {}).get("class_name"),
        "training": contents.training,
        "has_optimizer_state": contents.optimizer is not None,
        "layers": {layer.name: {name: w.shape for name, w in layer.weights} for layer in contents.layers},
        "params": sum(int(w.size) for layer in contents.layers for w in layer.values),
        **({"epoch": run["epoch"], "step": run["step"]} if run else {}),
    }


def as_text(value: Any, indent: int = 0) -> str:
    """Nested dicts and lists as indented lines.

    Example:
        >>> print(as_text({"kind": "weights", "layers": {"d1": {"kernel": (2, 3)}}}))
        kind: weights
        layers:
          d1:
            kernel: (2, 3)
    """
    lines: list[str] = []
    for key, item in value.items():
        if isinstance(item, AnyDict) and item:
            lines += [" " * indent + f"{key}:", as_text(item, indent + 2)]
        else:
            lines.append(" " * indent + f"{key}: {item}")
    return "\n".join(lines)
