"""Model files, exports, runs: from a path to programs."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from pathlib import Path
from typing import Any

import jax

from jkeras.export import stablehlo
from jkeras.export.program import inference
from jkeras.export.signature import DEFAULT, signature_of
from jkeras.models import load_model
from jkeras.saving import checkpoint
from jkeras.serving.programs import Programs
from jkeras.serving.settings import Settings
from jkeras.serving.signature import Signature, TensorInfo, infos_of, named

_ENDINGS = (".h5", ".hdf5", ".hd5", ".keras", ".msgpack", ".stablehlo")


def load(path: Path, settings: Settings) -> Programs:
    """The programs of a model, not yet compiled.

    Args:
        path: a model file, an export, a run directory (its newest checkpoint counts), or a folder with one
            of these.
        settings: names, sizes of batches.

    Raises:
        ValueError: there is no model, it is damaged, or keeps states between batches.
    """
    file = file_of(path)
    return _of_export(file, settings) if _is_export(file) else _of_model(file, settings)


def is_run(path: Path) -> bool:
    """Whether a folder is one of a training run."""
    return (path / "run.json").is_file() or (path / "checkpoints").is_dir()


def file_of(path: Path) -> Path:
    """The file of a model.

    Raises:
        ValueError: there is none, or more than one.
    """
    if path.is_file():
        return path
    if not path.is_dir():
        raise ValueError(f"There is no file or folder {path}.")
    if is_run(path):
        return checkpoint.latest(path).path
    inside = sorted(p for p in path.iterdir() if p.suffix in _ENDINGS or is_run(p))
    if len(inside) == 1:
        return file_of(inside[0])
    has = ", ".join(p.name for p in sorted(path.iterdir())[:8]) or "nothing"
    raise ValueError(f"{path} should hold one model ({', '.join(_ENDINGS)}) or run; it holds {has}.")


def _is_export(file: Path) -> bool:
    with open(file, "rb") as opened:
        return stablehlo.FORMAT.encode() in opened.read(64)


def _of_export(file: Path, settings: Settings) -> Programs:
    exported = stablehlo.load(file)
    signature = Signature(
        settings.signature or exported.signature,
        named(infos_of(exported.inputs), settings.inputs, "inputs"),
        named(infos_of(exported.outputs), settings.outputs, "outputs"),
    )

    def run(values: Any, *xs: Any) -> list[Any]:
        return jax.tree.leaves(exported.program(*xs))

    return Programs(run, (), signature, settings.sizes)


def _of_model(file: Path, settings: Settings) -> Programs:
    model: Any = load_model(str(file), compile=False, accept_changed=settings.accept_changed)
    if model.stateful:
        raise ValueError(
            f"Model {model.name!r} keeps states from batch to batch, which would mix those of all clients: "
            "rebuild it with stateful=False."
        )
    own = signature_of(model, settings.inputs, settings.outputs, settings.signature or DEFAULT)
    inputs, outputs = (tuple(TensorInfo(*end) for end in ends) for ends in (own.inputs, own.outputs))
    values, run = inference(model)
    return Programs(run, values, Signature(own.name, inputs, outputs), settings.sizes)
