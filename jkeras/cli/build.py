"""From a checked configuration to a compiled model and its callbacks."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, cast

import jax

from jkeras import callbacks as callbacks_module
from jkeras import layers as layers_module
from jkeras import losses, metrics, optimizers
from jkeras.callbacks import Callback
from jkeras.cli import user_code
from jkeras.cli.errors import UserError, close_to
from jkeras.core import processes
from jkeras.core.types import AnyDict, AnyList
from jkeras.engine.base_layer import Layer
from jkeras.models import Model, Sequential, load_model, model_from_json

#: the positional shorthand: `Dense: 10` is `Dense: {units: 10}`
_SHORT = "the first argument"
_VARIABLE, _KEYWORDS = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD


def _classes(module: Any, base: type) -> dict[str, type]:
    """The public classes of a module that derive from `base`, by name."""
    members = {name: getattr(module, name) for name in dir(module)}
    return {n: c for n, c in members.items() if isinstance(c, type) and issubclass(c, base) and c is not base}


def model_from(config: dict[str, Any], sample_shape: tuple[int, ...] | None = None) -> Model:
    """The compiled model of a configuration.

    Args:
        config: what `config.check` returned.
        sample_shape: shape of one sample, for a first layer that does not say its input's shape.

    Raises:
        UserError: a layer, an argument, a loss, a metric or an optimizer is unknown or does not fit; the text
            names its place in the file.

    Example:
        >>> from jkeras.cli.config import check
        >>> parts = {"data": "digits", "model": ["Flatten", {"Dense": 10}], "compile": {"loss": "mse"}}
        >>> model_from(check(parts), (8, 8)).output_shape
        (None, 10)
    """
    described = config["model"]
    if user_code.is_code(described):
        model = _of_code(described)
        if model.optimizer is not None and not config["compile"]["loss"]:
            if config["fit"]["devices"] is not None:
                raise UserError(f"{described} compiles its model itself: fit.devices cannot change that.")
            return model
    elif isinstance(described, str):
        model = _of_json(Path(described))
    else:
        model = _of_layers(config, sample_shape)
    _compile(model, config)
    return model


def _of_code(text: str) -> Model:
    model = user_code.result_of(text, "build_model")
    if not isinstance(model, Model):
        raise UserError(f"{text} returned {type(model).__name__}; expected a jkeras model.")
    return model


def architecture(described: str) -> Model:
    """The model that code of the user's, an architecture or a model file describes.

    Args:
        described: `module:function`, a file.py, a .json of `to_json`, or a model file.

    Raises:
        UserError: there is no such thing.
        ValueError: it is no model file, or a damaged one.
    """
    if user_code.is_code(described):
        return _of_code(described)
    if described.endswith(".json") or not Path(described).exists():
        return _of_json(Path(described))
    return load_model(described, compile=False)


def _of_json(path: Path) -> Model:
    if not path.exists():
        raise UserError(f"There is no file {path}.")
    try:
        return model_from_json(path.read_text("utf-8"))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(f"{path} holds no architecture as `to_json` writes it: {error}") from error


def _of_layers(config: dict[str, Any], sample_shape: tuple[int, ...] | None) -> Sequential:
    model = Sequential(name=config["name"])
    for i, item in enumerate(config["model"]):
        where = f"model[{i}]"
        name, arguments = _item(item, where, layers_module, Layer)
        if i == 0 and sample_shape and not {"input_shape", "batch_input_shape", "input_dim"} & set(arguments):
            if name not in ("InputLayer", "Embedding"):
                arguments["input_shape"] = tuple(sample_shape)
        try:
            model.add(_make(name, arguments, layers_module, Layer))
        except (ValueError, TypeError) as error:
            raise UserError(f"{where} {name}: {error}") from error
    return model


def _compile(model: Model, config: dict[str, Any]) -> None:
    options = config["compile"]
    if not options["loss"]:
        raise UserError("compile.loss is missing: the model is not compiled (--set compile.loss=NAME).")
    _check_name("compile.loss", options["loss"], losses)
    for metric in options["metrics"]:
        if metric not in ("accuracy", "acc", "crossentropy", "ce"):
            _check_name("compile.metrics", metric, metrics)
    try:
        optimizer = _optimizer(options["optimizer"])
        model.compile(optimizer, options["loss"], metrics=list(options["metrics"]), devices=_devices(config))
    except (ValueError, TypeError) as error:
        raise UserError(f"compile: {error}") from error


def _check_name(where: str, name: Any, module: Any) -> None:
    try:
        module.get(name)
    except ValueError:
        known = [
            n for n, f in module.__dict__.items() if callable(f) and not n.startswith("_") and n.islower()
        ]
        raise UserError(f"{where}: unknown name {name!r}. {close_to(str(name), known)}") from None


def _optimizer(value: Any) -> Any:
    if isinstance(value, str):
        return optimizers.get(value)
    name, arguments = _item(value, "compile.optimizer", optimizers, optimizers.Optimizer)
    return _call(getattr(optimizers, name), arguments)


def _devices(config: dict[str, Any]) -> list[Any] | None:
    """The first `fit.devices` devices, of several processes of each; None leaves the choice to jkeras."""
    count = config["fit"]["devices"]
    if count is None:
        return None
    devices = cast("list[Any]", jax.local_devices())
    if count > len(devices):
        there = f"{len(devices)} devices ({devices[0].platform})"
        raise UserError(f"fit.devices is {count}, but there are {there}.")
    everywhere = (cast("list[Any]", jax.local_devices(number)) for number in range(processes.count()))
    return [device for there in everywhere for device in there[:count]]


def callbacks_from(config: dict[str, Any]) -> list[Callback]:
    """The callbacks of a configuration.

    Raises:
        UserError: a callback or an argument is unknown.

    Example:
        >>> [type(c).__name__ for c in callbacks_from({"callbacks": [{"EarlyStopping": {"patience": 3}}]})]
        ['EarlyStopping']
    """
    made: list[Callback] = []
    for i, item in enumerate(config["callbacks"]):
        where = f"callbacks[{i}]"
        name, arguments = _item(item, where, callbacks_module, Callback)
        try:
            made.append(_call(getattr(callbacks_module, name), arguments))
        except (ValueError, TypeError) as error:
            raise UserError(f"{where} {name}: {error}") from error
    return made


def _item(item: Any, where: str, module: Any, base: type) -> tuple[str, dict[str, Any]]:
    """Class name and arguments of one of the three forms: a name, `{Name: arguments}`, `{class_name,
    config}`."""
    if isinstance(item, AnyDict) and "class_name" in item:
        unknown = sorted(set(item) - {"class_name", "config"})
        if unknown:
            raise UserError(f"{where}: unknown key {unknown[0]!r}; expected class_name and config.")
        name: Any = item["class_name"]
        arguments: Any = item.get("config")
    elif isinstance(item, AnyDict) and len(item) == 1:
        [(name, arguments)] = item.items()
    elif isinstance(item, str):
        name, arguments = item, None
    else:
        forms = "a name, `Name: {arguments}`, or class_name and config"
        raise UserError(f"{where} should be {forms}; got {item!r}.")
    known = _classes(module, base)
    if name not in known:
        raise UserError(f"{where}: unknown name {name!r}. {close_to(str(name), known)}")
    if not isinstance(arguments, AnyDict):
        arguments = {} if arguments is None else {_SHORT: arguments}
    return name, {key: _value(value) for key, value in arguments.items()}


def _value(value: Any) -> Any:
    """YAML lists of numbers as the tuples that Keras's arguments are."""
    if isinstance(value, AnyList) and all(isinstance(v, (int, float, type(None))) for v in value):
        return tuple(value)
    return value


def _make(name: str, arguments: dict[str, Any], module: Any, base: type) -> Any:
    """Build a layer; arguments that are layers themselves (of wrappers) in the same forms."""
    known = _classes(module, base)
    built: dict[str, Any] = {}
    for key, value in arguments.items():
        inner = isinstance(value, AnyDict) and (
            value.get("class_name") in known or (len(value) == 1 and next(iter(value)) in known)
        )
        built[key] = _make(*_item(value, f"{name}.{key}", module, base), module, base) if inner else value
    return _call(known[name], built)


def _call(cls: Any, arguments: dict[str, Any]) -> Any:
    """Make an object, with an error that names the nearest argument for an unknown one."""
    arguments = dict(arguments)
    first = [arguments.pop(_SHORT)] if _SHORT in arguments else []
    signature = inspect.signature(cls)
    kinds = {n: p.kind for n, p in signature.parameters.items()}
    named = [n for n, kind in kinds.items() if kind not in (_VARIABLE, _KEYWORDS)]
    if _KEYWORDS not in kinds.values():
        for key in arguments:
            if key not in named:
                raise UserError(f"{cls.__name__}: unknown argument {key!r}. {close_to(key, named)}")
    return cls(*first, **arguments)
