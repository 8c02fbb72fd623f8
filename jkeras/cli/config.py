"""The YAML file of a training run: read safely, checked key by key, defaults filled in.

name: digits                 # of the run; default: the file's name
data: digits                 # or a .npz path, or {source: digits, scale: 16}
model:                       # a list of layers, in one of three forms
  - Conv2D: {filters: 32, kernel_size: 3, activation: relu, input_shape: [8, 8, 1]}
  - Flatten
  - {class_name: Dense, config: {units: 10, activation: softmax}}
compile: {optimizer: adam, loss: sparse_categorical_crossentropy, metrics: [accuracy]}
fit: {epochs: 20, batch_size: 32, seed: 0, validation: 0.1, shuffle: true}
callbacks:                   # of jkeras.callbacks
  - EarlyStopping: {patience: 3}
output: {run_dir: runs/digits, model: digits.h5, keep: 5}
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from jkeras.cli.errors import UserError, close_to

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
    "data": {"source": ((str,), None), "scale": ((int, float, type(None)), None)},
    "compile": {
        "optimizer": ((str, dict), "adam"),
        "loss": ((str,), None),
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
    },
}
_TOP = {"name", "model", "callbacks", *_SECTIONS}


def read(path: Path) -> dict[str, Any]:
    """The checked configuration in a YAML file.

    Raises:
        UserError: the file is missing, no YAML, or has an unknown key or a value of the wrong kind; the text
            names the file, the key and what was expected.
    """
    try:
        raw = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise UserError(f"Cannot read the configuration {path}: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid YAML: {error}") from error
    try:
        return check(raw, default_name=path.stem)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def check(raw: Any, default_name: str = "run") -> dict[str, Any]:
    """Check a configuration and fill in its defaults; the result is plain JSON values.

    Raises:
        UserError: as `read`.

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
    for key, why in (("model", "a list of layers"), ("callbacks", "a list of callbacks")):
        config[key] = raw.get(key) or []
        _expect(config[key], (list,), key, why)
    _required(config)
    config["output"]["run_dir"] = config["output"]["run_dir"] or f"runs/{config['name']}"
    return config


def _section(name: str, raw: Any, keys: dict) -> dict[str, Any]:
    raw = {} if raw is None else raw
    _expect(raw, (dict,), name)
    _known(raw, keys, f" in {name}")
    values = {}
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


def _known(raw: dict, known, where: str) -> None:
    for key in raw:
        if key not in known:
            raise UserError(f"unknown key {key!r}{where}. {close_to(str(key), known)}")


def _required(config: dict[str, Any]) -> None:
    """What has no default, and numbers that must lie in a range."""
    for section, key, example in (
        ("data", "source", "data: digits"),
        ("compile", "loss", "compile: {loss: sparse_categorical_crossentropy}"),
    ):
        if not config[section][key]:
            raise UserError(f"{section}.{key} is missing: write `{example}`.")
    if not config["model"]:
        raise UserError(
            "model is missing: list its layers, for example `model: [Flatten, {Dense: {units: 10}}]`."
        )
    for section, key in (
        ("fit", "epochs"),
        ("fit", "batch_size"),
        ("fit", "devices"),
        ("output", "keep"),
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
