"""How a model was compiled: from the words of tf.keras 2 and Keras 3 to those of Keras 2.2.4, and back.

A loss or metric without arguments of its own is the function of its name, as Keras 2.2.4 writes it, else the
class of jkeras that has the name and the arguments of Keras 3's.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from jkeras import losses, metrics, optimizers
from jkeras.core.types import AnyDict, AnyList
from jkeras.optimizers import COMMON, schedules
from jkeras.saving.contents import Contents
from jkeras.saving.keras3 import value_in_our_words
from jkeras.saving.places import snake_case

_OPTIMIZERS = (
    *("SGD", "RMSprop", "Adagrad", "Adadelta", "Adam", "Adamax", "Nadam"),
    *("AdamW", "Lion", "Lamb", "Adafactor", "Ftrl", "Muon", "ScheduleFreeAdamW"),
)
# What these optimizers have beside, with the values that change nothing.
_PLAIN: dict[str, tuple[Any, ...]] = {
    "momentum": (0.0,),
    "centered": (False,),
    "initial_accumulator_value": (0.0,),
    "decay": (None, 0.0),
    "is_legacy_optimizer": (False,),
    "jit_compile": (False, True),
}
# Where Keras 3 has a function of Keras 2.2.4 under another name.
_FUNCTIONS = {
    "cosine_proximity": "cosine_similarity",
    "cosine": "cosine_similarity",
    "logcosh": "log_cosh",
    "kullback_leibler_divergence": "kl_divergence",
    "kld": "kl_divergence",
    "KLD": "kl_divergence",
    **{name.upper(): name for name in ("mse", "mae", "mape", "msle", "bce")},
}
_KINDS: dict[str, Any] = {"loss": losses, "metric": metrics}
_NOT_SAID = ("name", "dtype", "fn")
_DEFAULTS = {
    "reduction": (None, "auto", "sum_over_batch_size"),
    "axis": (None, -1),
    "from_logits": (None, False),
    "label_smoothing": (None, 0, 0.0),
    "ignore_class": (None,),
}


def read(config: Mapping[str, Any], begun: bool = False) -> dict[str, Any]:
    """The training configuration of a later Keras in the words of Keras 2.2.4.

    Args:
        config: `compile_config` of a .keras file, `training_config` of an .h5 file.
        begun: whether the file holds the optimizer's state: where it began does not matter then.

    Raises:
        ValueError: it holds what has no counterpart; the message names it.
    """
    return {
        "optimizer_config": _optimizer(config.get("optimizer", config.get("optimizer_config")), begun),
        "loss": _several(config.get("loss"), "loss"),
        "metrics": _metrics(config.get("metrics")),
        "weighted_metrics": _metrics(config.get("weighted_metrics")),
        "sample_weight_mode": None,
        "loss_weights": config.get("loss_weights"),
    }


def _optimizer(config: Any, begun: bool) -> dict[str, Any]:
    if not isinstance(config, AnyDict):
        config = {"class_name": config, "config": {}}
    config = value_in_our_words(config, "the optimizer")
    word, values = str(config["class_name"]).removeprefix("Custom>"), dict(config["config"])
    name = {name.lower(): name for name in _OPTIMIZERS}.get(word.lower())
    if name is None:
        raise ValueError(f"the optimizer {word} is not one of {', '.join(_OPTIMIZERS)}")
    cls = getattr(optimizers, name)
    rate = values.pop("learning_rate", values.pop("lr", 0.01 if name == "SGD" else 0.001))
    if not isinstance(rate, (int, float)):
        schedules.deserialize(rate)  # or it says what is wrong
    if values.get("clipnorm") and not cls.later:
        raise ValueError(
            f"the optimizer {name} has clipnorm={values['clipnorm']!r}, which limits the norm of each "
            "gradient by itself in later Kerases, and that of all of them together here"
        )
    decay = values.pop("decay", None) or 0.0
    if begun and name != "Ftrl":
        values.pop("initial_accumulator_value", None)
    taken = {key: values.pop(key) for key in cls.config if key in values}
    taken |= {key: value for key in COMMON if (value := values.pop(key, COMMON[key])) != COMMON[key]}
    for key, value in values.items():
        if key != "name" and value not in _PLAIN.get(key, (None, False)):
            raise ValueError(f"the optimizer {name} has {key}={value!r}")
    if name == "Nadam":  # whose momentum warms up at once in later Kerases
        taken["schedule_decay"] = decay or 1.0
    elif decay:
        taken["decay"] = decay
    return {"class_name": name, "config": {"lr": rate, **taken}}


def _several(value: Any, kind: str) -> Any:
    """Losses or metrics in lists and by output."""
    if isinstance(value, AnyList):
        return [_several(item, kind) for item in value]
    if isinstance(value, AnyDict) and "class_name" not in value:
        return {key: _several(item, kind) for key, item in value.items()}
    return _one(value, kind)


def _metrics(value: Any) -> Any:
    if isinstance(value, AnyList) and len(value) == 1 and isinstance(value[0], AnyList):
        value = value[0]
    return [] if value is None else _several(value, "metric")


def _one(value: Any, kind: str) -> Any:
    """A loss or metric: the name of its function where it is no more than that, else its class."""
    if not isinstance(value, AnyDict):
        return value
    name = value["class_name"]
    if name == "function":
        return value["config"]
    config: dict[str, Any] = value["config"] if isinstance(value["config"], AnyDict) else {}
    if name in ("MeanMetricWrapper", "LossFunctionWrapper"):
        inner: Any = config.get("fn", config.get("name"))
        name = inner["config"] if isinstance(inner, AnyDict) else inner
    said = {key: v for key, v in config.items() if key not in _NOT_SAID and v not in _DEFAULTS.get(key, ())}
    if not said:
        return snake_case(str(name))
    cls = getattr(_KINDS[kind], str(name), None)
    if not inspect.isclass(cls):
        raise ValueError(f"the {kind} {name} has arguments that jkeras lacks: {said}")
    taken = inspect.signature(cls).parameters
    unknown = {key: v for key, v in said.items() if key not in taken and v not in (None, False)}
    if unknown:
        raise ValueError(f"the {kind} {name} has arguments that jkeras lacks: {unknown}")
    words = {key: v for key, v in config.items() if key in taken and key not in ("dtype", "fn")}
    return {"class_name": name, "config": value_in_our_words(words, f"the {kind}")}


# In the words of Keras 3 ------------------------------------------------------------------------------------


def written(contents: Contents) -> dict[str, Any]:
    """The `compile_config` of a .keras file.

    Args:
        contents: with the training configuration in the words of Keras 2.2.4.

    Raises:
        ValueError: it holds what Keras 3 does not have; the message names it.
    """
    training = contents.training
    if training is None or "code" in contents.notes:
        raise ValueError(f"its optimizer is code ({contents.notes.get('code')})")
    if "step" in contents.notes:
        raise ValueError(f"its step has options that Keras 3 does not have: {contents.notes['step']}")
    return {
        "optimizer": _optimizer_there(training["optimizer_config"]),
        "loss": _there(training["loss"], "loss"),
        "loss_weights": training["loss_weights"],
        "metrics": _there(training["metrics"], "metric") or None,
        "weighted_metrics": _there(contents.notes.get("weighted_metrics"), "metric") or None,
        "run_eagerly": False,
        "steps_per_execution": 1,
        "jit_compile": True,
    }


def _optimizer_there(config: Mapping[str, Any]) -> dict[str, Any]:
    name, values = config["class_name"], dict(config["config"])
    if name not in _OPTIMIZERS:
        raise ValueError(f"its optimizer {name} is not one of {', '.join(_OPTIMIZERS)}")
    rate, decay = values.pop("lr" if "lr" in values else "learning_rate"), values.pop("decay", 0.0)
    if isinstance(rate, AnyDict):
        rate = _words("keras.optimizers.schedules", rate["class_name"], rate["config"])
    elif decay:
        said = {"initial_learning_rate": rate, "decay_steps": 1, "decay_rate": decay, "staircase": False}
        rate = _words("keras.optimizers.schedules", "InverseTimeDecay", {**said, "name": "InverseTimeDecay"})
    if (warming := values.pop("schedule_decay", 1.0)) != 1.0:
        raise ValueError(f"its Nadam has schedule_decay={warming}, which is 1 in Keras 3")
    if values.get("clipnorm") and not getattr(optimizers, name).later:  # of all gradients together
        values["global_clipnorm"] = values.pop("clipnorm")
    return _words("keras.optimizers", name, {"learning_rate": rate, **values})


def _there(value: Any, kind: str) -> Any:
    if isinstance(value, AnyList):
        return [_there(item, kind) for item in value]
    if isinstance(value, AnyDict) and "class_name" in value:
        name = value["class_name"]
        if not inspect.isclass(getattr(_KINDS[kind], name, None)):
            raise ValueError(f"the {kind} {name} is code of yours")
        return _words(_KINDS[kind].__name__.replace("jkeras", "keras"), name, value["config"])
    if isinstance(value, AnyDict):
        return {key: _there(item, kind) for key, item in value.items()}
    if not isinstance(value, str):
        return value
    try:
        _KINDS[kind].get(value)
    except ValueError as error:
        if value not in ("acc", "accuracy", "crossentropy", "ce"):
            raise ValueError(f"the {kind} {value!r} is code of yours") from error
    if kind == "metric" and value in ("cosine", "cosine_proximity"):
        raise ValueError(f"the metric {value!r} has the other sign in Keras 3")
    return _FUNCTIONS.get(value, value)


def _words(module: str, name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    return {"module": module, "class_name": name, "config": dict(config), "registered_name": None}
