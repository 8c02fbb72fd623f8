"""Metrics by name."""

from __future__ import annotations

from typing import Any

from jkeras.core.names import snake_case
from jkeras.core.registry import (
    deserialize_keras_object,
    get_function,
    serialize_keras_object,
)
from jkeras.core.types import Function
from jkeras.metrics import (
    class_means,
    confusion,
    curves,
    functions,
    matches,
    means,
    metric,
    overlaps,
    reductions,
    scores,
)

_FUNCTIONS = {
    name: value
    for name, value in vars(functions).items()
    if getattr(value, "__module__", "").startswith(("jkeras.losses.", "jkeras.metrics."))
}
_CLASSES = {
    name: value
    for module in (reductions, means, class_means, confusion, curves, scores, overlaps)
    for name, value in vars(module).items()
    if isinstance(value, type) and issubclass(value, metric.Metric) and not name.startswith("_")
}
# A name of 2.2.4 is its function, as `binary_accuracy`; `auc` and `f1_score` are classes.
_BUILT_IN: dict[str, Any] = {
    **{snake_case(name): value for name, value in _CLASSES.items()},
    **_CLASSES,
    "pearson_correlation": matches.pearson_correlation,
    "concordance_correlation": matches.concordance_correlation,
    **_FUNCTIONS,
}


def serialize(metric: Function) -> Any:
    """Write a metric function down.

    Args:
        metric: a named function, or an object with `get_config`.

    Returns:
        Its name, or `{"class_name", "config"}`.

    Example:
        >>> serialize(functions.mean_squared_error)
        'mean_squared_error'

    Keras 2.2.4: keras/metrics.py serialize
    """
    return serialize_keras_object(metric)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The metric function that `serialize` wrote.

    Args:
        config: a name, or `{"class_name", "config"}`.
        custom_objects: names of your own.

    Returns:
        The function or object.

    Raises:
        ValueError: if the name is unknown.

    Example:
        >>> deserialize("mse") is functions.mean_squared_error
        True

    Keras 2.2.4: keras/metrics.py deserialize
    """
    return deserialize_keras_object(config, _BUILT_IN, custom_objects, "metric function")


def get(identifier: Any) -> Any:
    """The metric function that an argument of `compile()` means.

    Args:
        identifier: a name, a config dictionary, a `Metric` or its class, or a function of (y_true, y_pred).

    Returns:
        The function.

    Raises:
        ValueError: if the name is unknown or `identifier` is something else.

    Example:
        >>> get("mae") is functions.mean_absolute_error
        True
        >>> get("auc").num_thresholds
        200

    Keras 2.2.4: keras/metrics.py get
    """
    found: Any = get_function(identifier, _BUILT_IN, "metric function")
    if not _is_class(found):
        return found
    return found(name=snake_case(found.__name__)) if isinstance(identifier, str) else found()


def _is_class(found: object) -> bool:
    return isinstance(found, type) and issubclass(found, metric.Metric)
