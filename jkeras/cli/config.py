"""The YAML file of a training run: read safely, checked key by key, defaults filled in.

name: digits                 # of the run; default: the file's name
data: digits                 # or a file or folder, or {source: houses.csv, target: price, test: 0.2}
model:                       # a .json architecture, or a list of layers, in one of three forms
  - Conv2D: {filters: 32, kernel_size: 3, activation: relu, input_shape: [8, 8, 1]}
  - Flatten
  - {class_name: Dense, config: {units: 10, activation: softmax}}
compile: {optimizer: adam, loss: sparse_categorical_crossentropy, metrics: [accuracy]}
fit: {epochs: 20, batch_size: 32, seed: 0, validation: 0.1, shuffle: true}
callbacks:                   # of jkeras.callbacks
  - EarlyStopping: {patience: 3}
output: {run_dir: runs/digits, model: digits.h5, keep: 5}
"""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from jkeras.cli.errors import UserError, close_to
from jkeras.cli.user_code import is_code
from jkeras.core.types import AnyDict
from jkeras.saving.config import Loader
from jkeras.saving.limits import bounded, line

_NUMBER = (int, float)
_WORDS = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "a mapping",
    type(None): "null",
}

# section: {key: (allowed types, default)}
_SECTIONS: dict[str, dict[str, tuple[tuple[type, ...], Any]]] = {
    "data": {
        "source": ((str,), None),
        "scale": ((int, float, type(None)), None),
        "test": ((float, str, type(None)), None),
        "target": ((str, list, type(None)), None),
        "columns": ((list, type(None)), None),
        "classes": ((list, type(None)), None),
        "size": ((list, type(None)), None),
        "color": ((str,), "rgb"),
    },
    "compile": {
        "optimizer": ((str, dict), "adam"),
        "loss": ((str, type(None)), None),
        "metrics": ((list,), []),
    },
    "fit": {
        "epochs": ((int,), 10),
        "batch_size": ((int,), 32),
        "seed": ((int,), 0),
        "validation": ((float, str, type(None)), None),
        "shuffle": ((bool,), True),
        "devices": ((int, type(None)), None),
    },
    "output": {
        "run_dir": ((str, type(None)), None),
        "model": ((str, type(None)), None),
        "keep": ((int, type(None)), 5),
        "every_epochs": ((int, type(None)), 1),
        "every_steps": ((int, type(None)), None),
        "every_seconds": ((int, float, type(None)), 60),
        "best": ((str, type(None)), None),
        "keep_best": ((int,), 1),
    },
}
_TOP = {"name", "model", "callbacks", *_SECTIONS}


class _Loader(Loader):
    """Safe YAML in which `1e-4` is a number, as YAML 1.2 has it; PyYAML takes it for text."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+"), list("-+0123456789.")
)


def parsed(text: str, where: str) -> Any:
    """The value of a YAML text.

    Raises:
        UserError: it is no YAML; the message begins with `where`.

    Example:
        >>> parsed("{lr: 1e-4}", "here")
        {'lr': 0.0001}
    """
    try:
        return bounded(yaml.load(text, _Loader))
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(
            f"{where} is not valid YAML: {line(error)}".replace('in "<unicode string>", ', "at ")
        ) from error


def read(path: Path) -> dict[str, Any]:
    """The checked configuration in a YAML file.

    Raises:
        UserError: as `raw` and `check`; the text names the file.
    """
    return checked(raw(path), str(path))


def checked(values: dict[str, Any], where: str) -> dict[str, Any]:
    """`check`, whose complaints begin with `where`."""
    try:
        return check(values)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None


def raw(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file, not checked yet; its name is the file's, unless it says another.

    Raises:
        UserError: the file is missing, no YAML, no mapping, or it names Python code.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise UserError(f"Cannot read the configuration {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not valid YAML: {error}") from error
    values = parsed(text, str(path))
    _expect(values, (dict,), f"{path}: the file")
    return {"name": path.stem, **refuse_code(values, str(path))}


def refuse_code(values: dict[str, Any], where: str) -> dict[str, Any]:
    """`values`, unless they name Python code: only a command line does that.

    Raises:
        UserError: its data or model is `module:function` or a `.py` file.
    """
    data = values.get("data")
    source = data.get("source") if isinstance(data, AnyDict) else data
    for option, value in (("data", source), ("model", values.get("model"))):
        if is_code(value):
            raise UserError(
                f"{where}: {option} names Python code, {value!r}, which a file never makes jkeras run. "
                f"Name it on the command line: --{option} {value}"
            )
    return values


def check(raw: Any, default_name: str = "run") -> dict[str, Any]:
    """Check a configuration and fill in its defaults; the result is plain JSON values.

    Raises:
        UserError: an unknown key or a value of the wrong kind; the text names the key and what was expected.

    Example:
        >>> config = check({"data": "digits", "model": ["Flatten"], "compile": {"loss": "mse"}})
        >>> config["fit"]["epochs"], config["output"]["run_dir"]
        (10, 'runs/run')
        >>> check({"data": "digits", "modell": []})
        Traceback (most recent call last):
        jkeras.cli.errors.UserError: unknown key 'modell'. Did you mean 'model'?
    """
    _expect(raw, (dict,), "the file")
    _known(raw, _TOP, "")
    config: dict[str, Any] = {"name": str(raw.get("name", default_name))}
    data = raw.get("data")
    sections = {**raw, "data": {"source": data} if isinstance(data, str) else data}
    for section, keys in _SECTIONS.items():
        config[section] = _section(section, sections.get(section), keys)
    for key, kinds, why in (
        ("model", (list, str), "a list of layers, or a .json file"),
        ("callbacks", (list,), "a list of callbacks"),
    ):
        config[key] = raw.get(key) or []
        _expect(config[key], kinds, key, why)
    if isinstance(config["model"], str) and not (
        config["model"].endswith(".json") or is_code(config["model"])
    ):
        raise UserError(f"model should be a list of layers, or a .json file; got {config['model']!r}.")
    _required(config)
    config["output"]["run_dir"] = config["output"]["run_dir"] or f"runs/{config['name']}"
    return config


def _section(name: str, raw: Any, keys: dict[str, Any]) -> dict[str, Any]:
    raw = {} if raw is None else raw
    _expect(raw, (dict,), name)
    _known(raw, keys, f" in {name}")
    values: dict[str, Any] = {}
    for key, (kinds, default) in keys.items():
        values[key] = raw.get(key, default)
        if key in raw:
            _expect(raw[key], kinds, f"{name}.{key}")
    return values


def _expect(value: Any, kinds: tuple[type, ...], where: str, what: str | None = None) -> None:
    """Complain unless `value` is of one of `kinds` (a whole number is a number, true is none)."""
    right = isinstance(value, kinds) or (float in kinds and isinstance(value, int))
    if isinstance(value, bool) and bool not in kinds:
        right = False
    if not right:
        what = what or " or ".join(_WORDS[kind] for kind in kinds)
        raise UserError(f"{where} should be {what}; got {value!r}.")


def _known(raw: dict[str, Any], known: Any, where: str) -> None:
    for key in raw:
        if key not in known:
            raise UserError(f"unknown key {key!r}{where}. {close_to(str(key), known)}")


def _required(config: dict[str, Any]) -> None:
    """Check the entries without a default, and the numbers that must lie in a range."""
    if not config["data"]["source"]:
        raise UserError("data.source is missing: write `data: digits`.")
    if not config["compile"]["loss"] and not is_code(config["model"]):  # code may compile its model itself
        raise UserError("compile.loss is missing: write `compile: {loss: sparse_categorical_crossentropy}`.")
    if not config["model"]:
        raise UserError(
            "model is missing: list its layers, for example `model: [Flatten, {Dense: {units: 10}}]`."
        )
    for section, key in (
        ("fit", "epochs"),
        ("fit", "batch_size"),
        ("fit", "devices"),
        ("output", "keep"),
        ("output", "keep_best"),
        ("output", "every_epochs"),
        ("output", "every_steps"),
    ):
        value = config[section][key]
        if value is not None and value < 1:
            raise UserError(f"{section}.{key} should be at least 1; got {value}.")
    seconds = config["output"]["every_seconds"]
    if seconds is not None and seconds <= 0:
        raise UserError(f"output.every_seconds should be above 0; got {seconds}.")
    validation = config["fit"]["validation"]
    if isinstance(validation, str) and validation != "test":
        raise UserError(
            f"fit.validation should be a fraction of the training data, or 'test'; got {validation!r}."
        )
    if isinstance(validation, _NUMBER) and not 0 < validation < 1:
        raise UserError(f"fit.validation should lie between 0 and 1; got {validation}.")
    if config["data"]["scale"] == 0:
        raise UserError("data.scale divides the inputs; it cannot be 0.")
    if isinstance(config["data"]["test"], _NUMBER) and not 0 < config["data"]["test"] < 1:
        raise UserError(f"data.test should lie between 0 and 1, or be a path; got {config['data']['test']}.")
