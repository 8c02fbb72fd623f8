"""save_model, load_model, save_weights, load_weights: files of models by extension, by content, atomically.

Writing goes by the extension (`.msgpack`, `.safetensors`, `.keras`, everything else is HDF5), reading by the
first bytes of the file.
Beside paths, an open `h5py.Group`, a dict and a binary file object are understood.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import h5py

from jkeras.core import atomic
from jkeras.core.types import AnyDict
from jkeras.saving import (
    compiled,
    foreign,
    h5,
    matching,
    model_contents,
    msgpack,
    safetensors,
    to_keras3,
    weights,
)
from jkeras.saving.contents import Contents
from jkeras.saving.limits import is_path, regular, telling
from jkeras.saving.matching import Report

_UNFIT = "what it describes cannot be built here"


def save_model(model: Any, filepath: Any, overwrite: bool = True, include_optimizer: bool = True) -> None:
    """Save architecture, weights, training configuration and optimizer state of a model.

    Args:
        model: a `Model` or `Sequential`.
        filepath: path (`.msgpack` → msgpack, `.safetensors`, `.keras` → the zip of Keras 3, else the HDF5
            layout of Keras 2.2.4), an open `h5py.Group` or file, a dict to fill, or a binary file object
            (HDF5).
        overwrite: False: ask before an existing file is replaced (on a terminal), or refuse.
        include_optimizer: False leaves optimizer, loss and metrics out.

    Raises:
        FileExistsError: the file exists, `overwrite=False`, and there is no terminal to ask on.
        NotImplementedError: the model is a subclassed one: use `save_weights`.
        ValueError: for `.keras`: Keras 3 lacks a layer, or computes it in another way; the message names it.

    Keras 2.2.4: keras/engine/saving.py save_model

    Example:
        >>> from jkeras.layers import Dense
        >>> from jkeras.models import Sequential
        >>> model = Sequential([Dense(2, input_shape=(3,), name="d")], name="m")
        >>> file = {}
        >>> save_model(model, file)
        >>> file["format"], file["weights"][0][0]
        ('jkeras', 'd')
    """
    of = to_keras3.contents_of if _is_keras3(filepath) else model_contents.of_model
    _save(lambda: of(model, include_optimizer), filepath, overwrite)


def load_model(
    filepath: Any,
    custom_objects: dict[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
    accept_changed: bool = False,
    report: bool = False,
) -> Any:
    """A model from a file that jkeras, Keras 1 to 3 or tf.keras saved.

    Args:
        filepath: path, open `h5py.Group`, dict or binary file object; what it holds is told by its content.
        custom_objects: your own classes and functions by name.
        compile: compile the model as it was, with its optimizer's state.
        safe_mode: False allows running Python bytecode that the file holds for `Lambda` layers: only for
            files whose origin you trust.
        accept_changed: load a file that was changed after jkeras had sealed it with a digest.
        report: also return what was loaded, a `Report`.

    Returns:
        The model; with `report` a pair of it and the report.

    Raises:
        ValueError: the file is no model file, truncated or damaged, or it names something unknown.
        FileNotFoundError: there is no such file.

    Keras 2.2.4: keras/engine/saving.py load_model

    Example:
        >>> from jkeras.layers import Dense
        >>> from jkeras.models import Sequential
        >>> model = Sequential([Dense(2, input_shape=(3,), name="d")], name="m")
        >>> file = {}
        >>> save_model(model, file)
        >>> (load_model(file, compile=False).get_weights()[0] == model.get_weights()[0]).all().item()
        True
    """
    with opened(filepath, accept_changed) as contents, telling(_name(filepath), _UNFIT):
        model = model_contents.build(contents, custom_objects, safe_mode)
        contents = matching.arranged(contents, model)
        plan = model_contents.fill(model, contents)
        loaded = matching.report(plan, contents, model) if report else None
        weights.assign(weights.read(plan, "The file"))
        if compile:
            compiled.compile_as_saved(model, contents, custom_objects or {})
            if loaded is not None:
                loaded.optimizer = contents.notes.get("optimizer", contents.notes.get("later", ""))
    return (model, loaded) if report else model


def save_weights(model: Any, filepath: Any, overwrite: bool = True) -> None:
    """Save the weights of a model.

    Args:
        model: a built model.
        filepath, overwrite: as in `save_model`.

    Raises:
        FileExistsError: the file exists, `overwrite=False`, and there is no terminal to ask on.

    Keras 2.2.4: keras/engine/network.py Network.save_weights

    Example:
        >>> from jkeras.layers import Dense
        >>> from jkeras.models import Sequential
        >>> model = Sequential([Dense(2, input_shape=(3,), name="d")], name="m")
        >>> file = {}
        >>> save_weights(model, file)
        >>> [name for name, *_ in file["weights"][0][1]]
        ['d/kernel:0', 'd/bias:0']
    """
    if _is_keras3(filepath):
        raise ValueError(f"{filepath}: a .keras file holds a whole model: use save, or another ending.")
    _save(lambda: model_contents.of_weights(model), filepath, overwrite)


def load_weights(
    model: Any,
    filepath: Any,
    by_name: bool = False,
    skip_mismatch: bool = False,
    reshape: bool = False,
    accept_changed: bool = False,
    report: bool = False,
) -> Report | None:
    """Load weights into a model, from a file of weights or of a whole model; all of them, or none.

    Args:
        model: a built model.
        filepath: as in `load_model`.
        by_name: match layers by name instead of by position.
        skip_mismatch: with `by_name`, warn about layers that do not fit, and go on.
        reshape: fit convolution kernels of the right size but another shape.
        accept_changed: as in `load_model`.
        report: return what was loaded.

    Returns:
        A `Report` (loaded, missing, unused, renamed, cast), or None without `report`.

    Raises:
        ValueError: the file is no weights file or does not fit the model; nothing was changed.

    Keras 2.2.4: keras/engine/network.py Network.load_weights

    Example:
        >>> from jkeras.layers import Dense
        >>> from jkeras.models import Sequential
        >>> model = Sequential([Dense(2, input_shape=(3,), name="d")], name="m")
        >>> file = {}
        >>> save_weights(model, file)
        >>> model.set_weights([0 * w for w in model.get_weights()])
        >>> load_weights(model, file)
        >>> bool(abs(model.get_weights()[0]).sum() > 0)
        True
    """
    with opened(filepath, accept_changed) as contents, telling(_name(filepath), _UNFIT):
        contents = matching.arranged(contents, model, by_name)
        if by_name:
            plan = weights.by_name(contents, model.layers, skip_mismatch, reshape)
        else:
            plan = weights.by_position(contents, model.layers, reshape)
            plan += model_contents.cells_plan(model, contents, states=False)
        loaded = matching.report(plan, contents, model) if report else None
        weights.assign(weights.read(plan, _name(filepath)))
    return loaded


def _name(filepath: Any) -> Any:
    return filepath if is_path(filepath) else f"the {type(filepath).__name__}"


# Where to and where from ------------------------------------------------------------------------------------


def _save(contents_of: Callable[[], Contents], filepath: Any, overwrite: bool) -> None:
    if is_path(filepath):
        path = Path(filepath)
        if path.suffix in (".npz", ".onnx", ".pb", ".tflite"):
            raise ValueError(
                f"{path}: jkeras writes .h5 (and other endings as HDF5), .msgpack, .safetensors and .keras, "
                f"not {path.suffix}."
            )
        if overwrite or not path.exists() or ask_to_proceed_with_overwrite(filepath):
            contents = contents_of()
            with atomic.replacing(path) as temporary:
                _writer(path)(temporary, contents)
    elif isinstance(filepath, h5py.Group):
        h5.write_group(filepath, contents_of())
        filepath.file.flush()
    elif isinstance(filepath, AnyDict):
        content = msgpack.to_map(contents_of())
        filepath.clear()
        filepath.update(content)
    elif hasattr(filepath, "write"):
        buffer = io.BytesIO()
        with h5py.File(buffer, "w") as file:
            h5.write_group(file, contents_of())
        filepath.write(buffer.getvalue())
    else:
        raise TypeError(
            f"filepath should be a path, an h5py.Group, a dict or a binary file; got {type(filepath)}."
        )


def _is_keras3(filepath: Any) -> bool:
    return is_path(filepath) and Path(filepath).suffix == ".keras"


def _writer(path: Path) -> Callable[[Path, Contents], None]:
    if path.suffix == ".keras":
        return foreign.write_keras_zip
    if path.suffix == ".safetensors":
        return safetensors.write_file
    return msgpack.write_file if path.suffix == ".msgpack" else h5.write_file


def ask_to_proceed_with_overwrite(filepath: object) -> bool:
    """Ask on the terminal whether a file may be replaced.

    Args:
        filepath: its path.

    Raises:
        FileExistsError: there is no terminal.

    Keras 2.2.4: keras/utils/io_utils.py ask_to_proceed_with_overwrite
    """
    if not (sys.stdin and sys.stdin.isatty()):
        raise FileExistsError(
            f"{filepath} exists, and overwrite=False: save under another name or pass overwrite=True."
        )
    answer = input(f"[WARNING] {filepath} already exists - overwrite? [y/n]").strip().lower()
    while answer not in ("y", "n"):
        answer = input('Enter "y" (overwrite) or "n" (cancel).').strip().lower()
    if answer == "y":
        print("[TIP] Next time specify overwrite=True!")
    return answer == "y"


def read(filepath: Any, accept_changed: bool = False) -> Contents:
    """The record in a file with all its arrays, see `opened`."""
    with opened(filepath, accept_changed) as contents, telling(_name(filepath)):
        return contents.loaded()


@contextlib.contextmanager
def opened(filepath: Any, accept_changed: bool = False) -> Generator[Contents]:
    """The record in a file, whatever its name is; arrays are read when asked for, while it is open.

    Raises:
        ValueError: its content is nothing that jkeras knows, or damaged.
        FileNotFoundError: there is no such file.
    """
    with contextlib.closing(_open(filepath, accept_changed)) as contents:
        yield contents


def _open(filepath: Any, accept_changed: bool) -> Contents:
    if is_path(filepath):
        return _checked(_open_path(Path(filepath), accept_changed), filepath)
    if isinstance(filepath, h5py.Group):
        with telling(filepath.file.filename):
            return _checked(h5.read_group(filepath), filepath)
    if isinstance(filepath, AnyDict):
        return _checked(msgpack.from_map(filepath), "the dict")
    if hasattr(filepath, "read"):
        data = filepath.read()
        if data.startswith(msgpack.SIGNATURE):
            with telling(_name(filepath)):
                return _checked(msgpack.open_bytes(io.BytesIO(data), accept_changed), filepath)
        return _checked(h5.open_file(io.BytesIO(data), accept_changed), filepath)
    raise TypeError(
        f"filepath should be a path, an h5py.Group, a dict or a binary file; got {type(filepath)}."
    )


def _open_path(path: Path, accept_changed: bool) -> Contents:
    if path.is_dir():
        raise ValueError(
            f"{path} is a directory. Expected a model file (HDF5 or msgpack); for a run directory use "
            "`jkeras restore` or jkeras.saving.checkpoint.restore."
        )
    with open(regular(path), "rb") as file:
        head = file.read(8 * h5.USER_BLOCK)
    if path.suffix == ".npz" or foreign.is_npz(path, head):
        return foreign.read_npz(path)
    if head.startswith(foreign.ZIP):
        return foreign.read_keras_zip(path)
    if any(head[i : i + 8] == h5.SIGNATURE for i in (0, 512, 1024, 2048)):
        return h5.open_file(path, accept_changed)
    if head and head.startswith(msgpack.SIGNATURE[: len(head)]):
        return msgpack.open_file(path, accept_changed)
    if safetensors.is_one(path, head):
        return safetensors.open_file(path, accept_changed)
    if head[:1] in _MAPS and not head.startswith(_PICKLE):
        return foreign.read_flax(path)
    raise ValueError(f"{path} is no model file: expected HDF5 or jkeras msgpack, found {_describe(head)}.")


_PICKLE = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))
_MAPS = tuple(bytes([first]) for first in (*range(0x81, 0x90), 0xDE, 0xDF))  # how a msgpack tree begins


def _describe(head: bytes) -> str:
    kinds = {
        b"": "an empty file",
        b"\x80": "a Python pickle, which is never loaded because that runs code",
        b"{": "JSON text (an architecture? use model_from_json)",
        b"\x1f\x8b": "gzip (decompress it first)",
        b"\xfd7zXZ": "xz (decompress it first)",
        h5.MARK: "the beginning of a truncated HDF5 file of jkeras",
    }
    if not head:
        return kinds[b""]
    return next(
        (text for start, text in kinds.items() if start and head.startswith(start)), f"bytes {head[:8]!r}"
    )


def _checked(contents: Contents, source: Any) -> Contents:
    """Refuse a record whose configurations are not what they should be; its file is closed then."""
    with contextlib.ExitStack() as stack:
        stack.callback(contents.close)
        with telling(source, "its architecture is malformed"):
            contents = foreign.in_our_words(contents)
        _check_parts(contents, source)
        stack.pop_all()
    return contents


def _check_parts(contents: Contents, source: Any) -> None:
    config, training = contents.model, contents.training
    if config is not None and not (isinstance(config, AnyDict) and {"class_name", "config"} <= config.keys()):
        raise ValueError(f"{source}: the model's configuration has no class_name and config.")
    if not isinstance(contents.notes, AnyDict):
        raise ValueError(f"{source}: the notes of jkeras are malformed.")
    keys = {"optimizer_config", "loss", "metrics", "sample_weight_mode", "loss_weights"}
    if training is not None and not (isinstance(training, AnyDict) and keys <= training.keys()):
        raise ValueError(f"{source}: the training configuration is incomplete; expected {sorted(keys)}.")
