"""Words that come near to one that is not known, for errors."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable
from typing import Any


def near(word: str, known: Iterable[str], most: int = 2, least: float = 0.5) -> list[str]:
    """The known words that look like one, the nearest first; case and underscores count for little.

    Args:
        word: the unknown one.
        known: words.
        most: so many are given at most.
        least: how much they must have in common, from 0 to 1.

    Example:
        >>> near("accuracyy", ["Accuracy", "BinaryAccuracy", "accuracy"])
        ['accuracy', 'Accuracy']
        >>> near("input_shap", ["input_shape", "name"])
        ['input_shape']
    """

    def likeness(other: str) -> tuple[float, float]:
        bare = difflib.SequenceMatcher(None, _bare(word), _bare(other)).ratio()
        return bare, difflib.SequenceMatcher(None, word, other).ratio()

    ranked = sorted(((likeness(other), other) for other in set(known)), reverse=True)
    found = [(score, other) for score, other in ranked if score[0] >= least][:most]
    return [other for score, other in found if score[0] > found[0][0][0] - 0.1]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`" Did you mean 'x'?"`, or nothing.

    Example:
        >>> did_you_mean("epoch", ["epochs", "verbose"])
        " Did you mean 'epochs'?"
    """
    found = near(word, known)
    return f" Did you mean {' or '.join(map(repr, found))}?" if found else ""


def unknown_arguments(
    called: str, names: Iterable[str], known: Iterable[str], otherwise: str = ""
) -> TypeError:
    """The error about keywords that something does not take.

    Args:
        called: what was called.
        names: the unknown keywords.
        known: the keywords that there are.
        otherwise: what to say where none of them comes near.

    Example:
        >>> print(unknown_arguments("Dense", ["activaton"], ["units", "activation"]))
        Dense got an unknown argument 'activaton'. Did you mean 'activation'?
    """
    names, known = sorted(names), list(known)
    listed = ", ".join(map(repr, names))
    hints = "".join(did_you_mean(name, known) for name in names)
    many = "unknown arguments" if len(names) > 1 else "an unknown argument"
    return TypeError(f"{called} got {many} {listed}.{hints or otherwise}")


def arguments_of(function: Callable[..., Any]) -> list[str]:
    """The names of the arguments that a function takes, without `self`.

    Example:
        >>> arguments_of(did_you_mean)
        ['word', 'known']
    """
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    found = inspect.signature(function).parameters.items()
    return [name for name, parameter in found if parameter.kind in kinds and name != "self"]


def _bare(word: str) -> str:
    return word.replace("_", "").lower()
