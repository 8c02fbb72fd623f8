"""Numbers by name, as the training loop logs them."""

from __future__ import annotations

from typing import Any

_SPELLINGS = {"acc": "accuracy", "accuracy": "acc"}


class MetricLogs(dict[str, Any]):
    """A dictionary of logs in which `acc` is found as `accuracy` too, and `accuracy` as `acc`.

    Keras 2.2.4 logs `metrics=["accuracy"]` as `acc`, later Kerases as `accuracy`; with a prefix (`val_acc`,
    `head_acc`) likewise. The keys are those of 2.2.4: only look-ups know the other spelling.

    Example:
        >>> logs = MetricLogs(val_acc=0.5)
        >>> logs["val_accuracy"], logs.get("val_accuracy"), "val_accuracy" in logs, list(logs)
        (0.5, 0.5, True, ['val_acc'])
    """

    def __missing__(self, name: str) -> Any:
        other = other_spelling(name)
        if other is None or not super().__contains__(other):
            raise KeyError(name)
        return super().__getitem__(other)

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or (
            isinstance(name, str) and super().__contains__(other_spelling(name))
        )

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in self else default


def other_spelling(name: str) -> str | None:
    """The name of the same metric in the other spelling, if there is one.

    Example:
        >>> other_spelling("val_acc"), other_spelling("loss")
        ('val_accuracy', None)
    """
    prefix, line, last = name.rpartition("_")
    return prefix + line + _SPELLINGS[last] if last in _SPELLINGS else None
