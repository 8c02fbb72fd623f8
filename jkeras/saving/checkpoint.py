"""Checkpoints of a run: a directory from which training goes on, bit for bit, after a kill.

    RUN_DIR/run.json                              what the run was started with
    RUN_DIR/checkpoints/ckpt-<epoch>-<step>.msgpack   whole models, with the state of the run

Each checkpoint is a model file as well: `load_model` reads it.
"""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import contextlib
import json
import platform
import re
import warnings
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jkeras.core import atomic
from jkeras.core.lock import Hold
from jkeras.core.types import AnyDict, AnyList, AnyNumpy, AnyScalar, AnyTuple
from jkeras.saving import compiled, model_contents, msgpack, weights
from jkeras.saving.contents import Contents
from jkeras.saving.limits import parse_json, regular, telling

_NAME = re.compile(r"ckpt-(\d+)-(\d+)\.msgpack")


class Checkpoint(NamedTuple):
    """One checkpoint file.

    Args:
        path: of the file.
        epoch: as the run counts them.
        step: number of training steps so far.
        bytes: size of the file.
    """

    path: Path
    epoch: int
    step: int
    bytes: int


def save_checkpoint(
    model: Any, run_dir: str | Path, run_state: dict[str, Any], keep: int | None = None
) -> Path:
    """Write a checkpoint of `model` and of the run that trains it.

    Args:
        model: a compiled model.
        run_dir: directory of the run; made if missing.
        run_state: what else the run needs to go on: `epoch` and `step` (ints, they name the file), and any
            dicts, lists, text, numbers and arrays (random key, position in the epoch, seed, callbacks' states
            …).
        keep: how many checkpoints to keep, the newest first; None keeps all.

    Returns:
        Path of the checkpoint.

    Raises:
        ValueError: `run_state` has no `epoch` and `step`, or holds something that a file cannot.

    Example:
        >>> import tempfile
        >>> from jkeras.layers import Dense
        >>> from jkeras.models import Sequential
        >>> model, run_dir = Sequential([Dense(2, input_shape=(3,))]), tempfile.mkdtemp()
        >>> save_checkpoint(model, run_dir, {"epoch": 1, "step": 30}).name
        'ckpt-0001-00000030.msgpack'
    """
    if keep is not None and keep < 1:
        raise ValueError(f"keep should be at least 1, or None to keep all; got {keep}.")
    contents = snapshot(model, run_state)
    return write(contents, run_dir, keep)


def snapshot(model: Any, run_state: dict[str, Any]) -> Contents:
    """The contents of a checkpoint, which stay as they are: training may go on while `write` writes them.

    Args:
        model, run_state: as in `save_checkpoint`.

    Raises:
        ValueError: as there.
    """
    if not all(isinstance(run_state.get(key), (int, np.integer)) for key in ("epoch", "step")):
        raise ValueError(f"run_state needs whole numbers 'epoch' and 'step'; got {sorted(run_state)}.")
    contents = _record(model)
    arrays: dict[str, np.ndarray] = {}
    contents.notes["run"] = flatten(run_state, arrays)
    contents.notes["environment"] = environment()
    contents.add_section("run", arrays)
    return contents


def file_name(epoch: int, step: int) -> str:
    """The name of a checkpoint's file.

    Example:
        >>> file_name(1, 30)
        'ckpt-0001-00000030.msgpack'
    """
    return f"ckpt-{int(epoch):04d}-{int(step):08d}.msgpack"


def write(
    contents: Contents, run_dir: str | Path, keep: int | None = None, spared: Collection[str] = ()
) -> Path:
    """Write what `snapshot` took, then remove old checkpoints.

    Args:
        contents: of a checkpoint.
        run_dir: directory of the run; made if missing.
        keep: how many checkpoints to keep, the newest first; None keeps all.
        spared: names of files that stay in any case.

    Returns:
        Path of the checkpoint.
    """
    folder = Path(run_dir) / "checkpoints"
    atomic.make_folder(folder)
    path = folder / file_name(contents.notes["run"]["epoch"], contents.notes["run"]["step"])
    if path.is_dir():  # no checkpoint of ours; it is passed over when a run goes on
        path.rename(path.with_suffix(".aside"))
    with atomic.replacing(path) as temporary:
        msgpack.write_file(temporary, contents)
    files = [c.path for c in list_checkpoints(run_dir) if not c.path.is_dir()]
    for old in files[:-keep] if keep else []:
        if old != path and old.name not in spared:
            old.unlink(missing_ok=True)
    atomic.sweep(folder, age=3600)
    return path


def first_difference(a: Contents, b: Contents) -> str | None:
    """The things in which two checkpoints are not the same bit for bit; None where there are none.

    Each kind is told by its first one: the data, which may be the cause of all the others, then the layers in
    the model's order, the optimizer, and the callbacks by their classes.

    Example:
        >>> then, now = Contents(), Contents()
        >>> then.notes["run"], now.notes["run"] = {"step": 1}, {"step": 2}
        >>> first_difference(then, now)
        'step: 1 then, 2 now'
    """
    run, now = run_state(a), run_state(b)
    data = (run.pop("data", None), now.pop("data", None))
    ours, theirs = run.pop("callbacks", []), now.pop("callbacks", [])
    callbacks = zip(ours, theirs, strict=False)
    kinds = [
        _first_in_state(*data, "the data"),
        _first_of_layers(a, b),
        _first_array("the optimizer's", *(c.section("optimizer") or dict(c.optimizer or ()) for c in (a, b))),
        _first_array("the state", *(c.section("cells") for c in (a, b))),
        next(filter(None, (_first_in_state(x["state"], y["state"], x["class"]) for x, y in callbacks)), None),
        _first_in_state(run, now, ""),
    ]
    if len(ours) != len(theirs):
        kinds.append(f"the number of callbacks: {len(ours)} then, {len(theirs)} now")
    return "; also ".join(kind for kind in kinds if kind) or None


def _first_of_layers(a: Contents, b: Contents) -> str | None:
    for one, two in zip(a.layers, b.layers, strict=False):
        for (name, x), (_, y) in zip(one.weights, two.weights, strict=False):
            if not _same(x, y):
                return f"layer {one.name!r}, weight {name!r}"
    return None


def _first_array(what: str, a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> str | None:
    pairs = zip(a.items(), b.values(), strict=False)
    return next((f"{what} {name!r}" for (name, x), y in pairs if not _same(x, y)), None)


def _same(x: Any, y: Any) -> bool:
    x, y = np.asarray(x), np.asarray(y)
    return x.shape == y.shape and x.dtype == y.dtype and x.tobytes() == y.tobytes()


def _first_in_state(a: Any, b: Any, place: str) -> str | None:
    if isinstance(a, AnyDict) and isinstance(b, AnyDict) and a.keys() == b.keys():
        pairs = [(f"{place}.{key}".lstrip("."), a[key], b[key]) for key in a]
    elif isinstance(a, AnyList) and isinstance(b, AnyList) and len(a) == len(b):
        pairs = [(f"{place}[{i}]", x, y) for i, (x, y) in enumerate(zip(a, b, strict=True))]
    elif isinstance(a, AnyNumpy) and isinstance(b, AnyNumpy):
        return None if _same(a, b) else place
    else:
        same = a is b or a == b or (a != a and b != b)
        return None if same else f"{place}: {a!r:.200} then, {b!r:.200} now"
    return next((found for where, x, y in pairs if (found := _first_in_state(x, y, where))), None)


def hold(run_dir: str | Path) -> Hold:
    """Lock a run directory, which is made if it is missing, and remove what a killed writer has left there.

    Returns:
        The lock, to be released when nothing is written any more.

    Raises:
        BlockingIOError: another process, or this one, is writing there; the message says which.

    Example:
        >>> import tempfile
        >>> hold(tempfile.mkdtemp()).release()
    """
    folder = Path(run_dir)
    atomic.make_folder(folder)
    lock = Hold(folder / ".lock", f"The run directory {folder}")
    for place in (folder, folder / "checkpoints"):
        atomic.sweep(place)
    return lock


def _record(model: Any) -> Contents:
    """The whole model; of a subclassed one, which has no config, weights and optimizer."""
    try:
        contents = model_contents.of_model(model)
    except NotImplementedError:
        contents = model_contents.of_weights(model)
        compiled.add_training(model, contents)
    model_contents.add_cells(model, contents)
    return contents


def list_checkpoints(run_dir: str | Path) -> list[Checkpoint]:
    """The checkpoints of a run, oldest first, as their names say (none is opened)."""
    folder = Path(run_dir) / "checkpoints"
    checkpoints: list[Checkpoint] = []
    files = list(folder.iterdir()) if folder.is_dir() else []
    for path in files:
        if match := _NAME.fullmatch(path.name):
            checkpoints.append(Checkpoint(path, int(match[1]), int(match[2]), path.lstat().st_size))
    return sorted(checkpoints, key=lambda c: (c.step, c.epoch, c.path.name))


def latest(run_dir: str | Path) -> Checkpoint:
    """The newest checkpoint that is whole; damaged ones are passed over with a warning.

    Raises:
        ValueError: there is no such directory, or no whole checkpoint in it.

    Example:
        >>> import tempfile
        >>> from jkeras.layers import Dense
        >>> from jkeras.models import Sequential
        >>> model, run_dir = Sequential([Dense(2, input_shape=(3,))]), tempfile.mkdtemp()
        >>> path = save_checkpoint(model, run_dir, {"epoch": 1, "step": 30})
        >>> path = save_checkpoint(model, run_dir, {"epoch": 2, "step": 60})
        >>> latest(run_dir).step, [c.step for c in list_checkpoints(run_dir)]
        (60, [30, 60])
    """
    for path, contents in _whole(run_dir):
        contents.close()
        return next(c for c in list_checkpoints(run_dir) if c.path == path)
    raise _nothing(run_dir)


def _whole(run_dir: str | Path) -> Iterator[tuple[Path, Contents]]:
    """The checkpoints of a run that are whole, the newest first, each open; others with a warning not."""
    for checkpoint in reversed(list_checkpoints(run_dir)):
        try:
            contents = msgpack.open_file(checkpoint.path)
        except (ValueError, OSError) as e:
            warnings.warn(f"Skipping a checkpoint that cannot be read: {e}", stacklevel=4)
        else:
            yield checkpoint.path, contents


def _nothing(run_dir: str | Path) -> ValueError:
    if checkpoints := list_checkpoints(run_dir):
        return ValueError(
            f"{run_dir}: none of the {len(checkpoints)} checkpoints can be read; start the run anew."
        )
    what = "has no checkpoints" if Path(run_dir).is_dir() else "does not exist"
    return ValueError(
        f"{run_dir} {what}: expected files checkpoints/ckpt-<epoch>-<step>.msgpack, as jkeras train writes "
        "them into its run directory."
    )


def damage(path: Path) -> str | None:
    """The reason why a checkpoint cannot be read; None where it is whole.

    Example:
        >>> import tempfile
        >>> (folder := Path(tempfile.mkdtemp()) / "ckpt-0001-00000001.msgpack").mkdir()
        >>> damage(folder).split(" is ")[1]
        'a directory, no plain file.'
    """
    try:
        msgpack.open_file(path).close()
    except (ValueError, OSError) as e:
        return str(e)
    return None


def read(path: str | Path) -> Contents:
    """The contents of a checkpoint file.

    Raises:
        ValueError: it is damaged, or none.
    """
    return msgpack.read_file(path)


def restore(model: Any, source: str | Path) -> dict[str, Any]:
    """Bring a compiled model to the state of a checkpoint, and hand back the state of the run.

    Everything is checked before anything is changed.

    Args:
        model: the model of the run, built and compiled as then.
        source: the run's directory (its newest whole checkpoint), or one checkpoint file.

    Returns:
        The `run_state` that `save_checkpoint` got (tuples have become lists).

    Raises:
        ValueError: there is no whole checkpoint, or it does not fit the model or its optimizer.

    Example:
        >>> import tempfile
        >>> from jkeras.layers import Dense
        >>> from jkeras.models import Sequential
        >>> model, run_dir = Sequential([Dense(2, input_shape=(3,))]), tempfile.mkdtemp()
        >>> path = save_checkpoint(model, run_dir, {"epoch": 1, "step": 30, "note": "half way"})
        >>> restore(model, run_dir)["note"]
        'half way'
    """
    path = Path(source)
    unfit: list[ValueError] = []
    for at, contents in [(path, msgpack.open_file(path))] if path.is_file() else _whole(path):
        with contextlib.closing(contents):
            try:
                state = _put_back(model, contents, at)
            except ValueError as e:
                unfit.append(e)
                continue
        for e in unfit:
            warnings.warn(f"Skipping a checkpoint: {e}", stacklevel=2)
        _compare_environment(contents.notes.get("environment", {}), at)
        return state
    raise unfit[0] if unfit else _nothing(path)


def _put_back(model: Any, contents: Contents, path: Path) -> dict[str, Any]:
    with telling(f"{path} does not fit the model"):
        plan = weights.by_position(contents, model.layers) + model_contents.cells_plan(model, contents)
        plan = weights.read(plan, path)
        state = run_state(contents)
        optimizer = compiled.state_of(contents)
        if optimizer and getattr(model, "optimizer", None) is None:
            raise ValueError(
                "it holds the state of an optimizer, but the model is not compiled: compile it first."
            )
        if optimizer:
            compiled.prepare_optimizer(model)
            compiled.load_state(model.optimizer, contents)
        weights.assign(plan)
        return state


def run_state(contents: Contents) -> dict[str, Any]:
    """The state of the run in a checkpoint's record; empty in other files.

    Raises:
        ValueError: it is malformed.
    """
    with telling("the state of the run is malformed"):
        state = unflatten(contents.notes.get("run", {}), contents.section("run"))
        return dict(state)


def write_run(run_dir: str | Path, config: dict[str, Any]) -> Path:
    """Keep what a run was started with, as `run.json`."""
    path = Path(run_dir) / "run.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic.replacing(path) as temporary:
        Path(temporary).write_text(json.dumps(config, indent=2) + "\n")
    return path


def read_run(run_dir: str | Path) -> dict[str, Any]:
    """The record that `write_run` kept.

    Raises:
        ValueError: there is no `run.json`, or it is not JSON.
    """
    path = Path(run_dir) / "run.json"
    try:
        text = regular(path).read_bytes()
    except OSError as e:
        raise ValueError(
            f"{run_dir} is not a run directory: it has no run.json, which jkeras train writes."
        ) from e
    config = parse_json(text, str(path))
    if not isinstance(config, AnyDict):
        raise ValueError(f"{path} should hold a JSON object; got {type(config).__name__}.")
    return config


def environment() -> dict[str, Any]:
    """The facts, beside the run itself, that the bits of a result depend on."""
    return {
        "jax": jax.__version__,
        "devices": jax.device_count(),
        "platform": jax.default_backend(),
        "machine": platform.machine(),
    }


def _compare_environment(then: dict[str, Any], path: Path) -> None:
    now = environment()
    changed = [
        f"{key}: {then[key]} then, {now[key]} now" for key in now if key in then and then[key] != now[key]
    ]
    if changed:
        warnings.warn(
            f"{path} was written in another environment ({'; '.join(changed)}): training goes on correctly, "
            "but not bit for bit as it would have there.",
            stacklevel=3,
        )


# The state of a run: any nesting of dicts, lists, plain values and arrays -----------------------------------


def flatten(value: Any, arrays: dict[str, np.ndarray], path: str = "") -> Any:
    """`value` as JSON values, its arrays moved to `arrays` and replaced by `{"__array__": path}`.

    Raises:
        ValueError: it holds something else; the error says where.
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, AnyScalar):
        return value.item()
    if isinstance(value, AnyDict):
        if not all(isinstance(key, str) for key in value):
            raise ValueError(
                f"run_state: the keys of {path or 'the state'} should be text; got {list(value)}."
            )
        return {key: flatten(v, arrays, f"{path}/{key}".lstrip("/")) for key, v in value.items()}
    if isinstance(value, (AnyList, AnyTuple)):
        return [flatten(v, arrays, f"{path}/{i}".lstrip("/")) for i, v in enumerate(value)]
    if isinstance(value, (AnyNumpy, jax.Array)):
        typed = jnp.issubdtype(value.dtype, jax.dtypes.prng_key)
        while path in arrays:
            path += "'"
        arrays[path] = np.array(jax.random.key_data(value) if typed else value)
        return {"__array__": path}
    raise ValueError(f"run_state: {path!r} is {type(value).__name__}, which a checkpoint cannot hold.")


def unflatten(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    """Undo `flatten`; random keys come back as their numbers (`jax.random.wrap_key_data`)."""
    if isinstance(value, AnyDict):
        if set(value) == {"__array__"}:
            return np.array(arrays[value["__array__"]])
        return {key: unflatten(v, arrays) for key, v in value.items()}
    return [unflatten(v, arrays) for v in value] if isinstance(value, AnyList) else value
