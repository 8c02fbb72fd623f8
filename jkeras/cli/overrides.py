"""Values of a configuration, changed from the command line: `--set compile.optimizer.Adam.lr=1e-4`."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from typing import Any

from jkeras.cli.config import parsed
from jkeras.cli.errors import UserError
from jkeras.core.types import AnyDict, AnyList

# Places that hold an object as `Name: arguments`, where another name means another object.
_OBJECTS = {("compile", "optimizer")}
_LISTS = ("model", "callbacks")


def apply(config: dict[str, Any], assignments: list[str]) -> None:
    """Change `config`, as it was read from YAML, in place.

    Args:
        config: sections and keys.
        assignments: texts `path=value`: the path is of keys, class names and, in lists, numbers counted from
            0, with dots between; the value is YAML.

    Raises:
        UserError: a text has no `=`, or its path leads through something that has no parts.

    Example:
        >>> config = {"data": "digits", "model": ["Flatten", {"Dense": 10}], "compile": {"optimizer": "sgd"}}
        >>> apply(config, ["compile.optimizer.Adam.lr=1e-4", "model.1.Dense.units=5", "data.scale=16"])
        >>> config["compile"], config["model"][1], config["data"]
        ({'optimizer': {'Adam': {'lr': 0.0001}}}, {'Dense': {'units': 5}}, {'source': 'digits', 'scale': 16})
    """
    for text in assignments:
        path, sign, value = text.partition("=")
        keys = path.strip().split(".")
        if not sign or not all(keys):
            raise UserError(f"--set {text}: expected path=value, like --set fit.epochs=5.")
        if keys[0] == "data" and isinstance(config.get("data"), str):
            config["data"] = {"source": config["data"]}
        _assign(config, keys, parsed(value, f"--set {text}"), text)


def name(config: dict[str, Any], sections: dict[str, dict[str, Any]]) -> None:
    """Take values that are given (not None) into the sections of `config`, as it was read from YAML.

    Example:
        >>> config = {"data": "digits"}
        >>> name(config, {"data": {"source": None}, "fit": {"epochs": 3, "seed": None}})
        >>> config
        {'data': 'digits', 'fit': {'epochs': 3}}
    """
    for section, values in sections.items():
        given = {key: value for key, value in values.items() if value is not None}
        if given:
            now = config.get(section)
            now = {"source": now} if section == "data" and isinstance(now, str) else now
            config[section] = {**now, **given} if isinstance(now, AnyDict) else given if now is None else now


def _assign(config: dict[str, Any], keys: list[str], value: Any, text: str) -> None:
    place: Any = config
    for depth, key in enumerate(keys[:-1]):
        at = _index(place, key, text)
        inner = place[at] if isinstance(place, AnyList) else place.get(at)
        if not isinstance(inner, (AnyDict, AnyList)):
            inner = {inner: None} if isinstance(inner, str) else {}
        place[at] = _renamed(inner, tuple(keys[: depth + 1]), keys[depth + 1])
        place = place[at]
    place[_index(place, keys[-1], text)] = value


def _renamed(inner: Any, path: tuple[str, ...], key: str) -> Any:
    """The mapping `{Name: arguments}` in which `key` is the name; another name's arguments are dropped."""
    is_object = path in _OBJECTS or (len(path) == 2 and path[0] in _LISTS)
    if not is_object or not isinstance(inner, AnyDict) or "class_name" in inner or key in inner:
        return inner
    return {key: {}}


def _index(place: dict[str, Any] | list[Any], key: str, text: str) -> Any:
    """The key of a mapping, the number of an entry of a list."""
    if isinstance(place, AnyDict):
        return key
    if not key.isdecimal() or int(key) >= len(place):
        raise UserError(f"--set {text}: {key!r} is no entry of a list of {len(place)}; they count from 0.")
    return int(key)
