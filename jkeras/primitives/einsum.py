"""Equations of products with a kernel, such as `...x,xy->...y`: the shapes that follow from them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

_FORMS = (
    (re.compile(r"([a-zA-Z]+),([a-zA-Z]+)->([a-zA-Z]+)"), ""),
    (re.compile(r"\.\.\.([a-zA-Z]+),([a-zA-Z]+)->\.\.\.([a-zA-Z]+)"), "left"),
    (re.compile(r"([a-zA-Z]{2,})\.\.\.,([a-zA-Z]+)->([a-zA-Z]+)\.\.\."), "right"),
)


class Shapes(NamedTuple):
    """The shapes of a product with a kernel.

    Args:
        kernel: of the kernel.
        bias: of the bias, () without one.
        output: of the output, the batch axis first.
        fans: sizes of the kernel's axes that the product sums over, and of the others, each multiplied up.
    """

    kernel: tuple[Any, ...]
    bias: tuple[Any, ...]
    output: tuple[Any, ...]
    fans: tuple[Any, Any]


def shapes(
    equation: str, bias_axes: str | None, input_shape: Sequence[Any], output_shape: Sequence[Any]
) -> Shapes:
    """The shapes that an equation asks for.

    Args:
        equation: `inputs,kernel->outputs`, a letter for each axis; `...` stands for any axes at the left end
            of inputs and outputs, or at the right end.
        bias_axes: the letters of the outputs that the bias runs along, or None.
        input_shape: batch axis first.
        output_shape: without the batch axis and those of the dots; None where the input tells.

    Raises:
        ValueError: no such equation; a size that contradicts another, or that nothing tells.

    Example:
        >>> shapes("...x,xy->...y", "y", (None, 4, 6), (5,))
        Shapes(kernel=(6, 5), bias=(5,), output=(None, 4, 5), fans=(6, 5))
    """
    (inputs, kernel, outputs), dots = _letters(equation)
    elided = len(input_shape) - len(inputs)
    if elided < 0 or (elided > 0 and not dots):
        raise ValueError(f"the equation {equation!r} does not fit an input of shape {tuple(input_shape)}")
    given = [input_shape[0], *output_shape]
    if dots == "left":
        given[1:1] = input_shape[1:elided]
    elif dots == "right":
        given += input_shape[len(inputs) :]
    at = elided if dots == "left" else 0
    into = dict(zip(inputs, input_shape[at:], strict=False))
    out_at = len(given) - len(outputs) if dots == "left" else 0
    out = dict(zip(outputs, given[out_at:], strict=False))
    _check(equation, into, kernel, out)
    size = {letter: out[letter] if letter in out else into[letter] for letter in kernel}
    fans = [[size[x] for x in kernel if (x in out) is kept] for kept in (False, True)]
    bias = _bias(bias_axes, outputs, out, elided if dots == "right" else 0)
    return Shapes(tuple(size[x] for x in kernel), bias, tuple(given), (_product(fans[0]), _product(fans[1])))


def _letters(equation: str) -> tuple[tuple[str, str, str], str]:
    for form, dots in _FORMS:
        match = form.fullmatch(equation.replace(" ", ""))
        if match:
            return (match[1], match[2], match[3]), dots
    raise ValueError(
        f"Invalid einsum equation {equation!r}: it must have the form [X],[Y]->[Z], ...[X],[Y]->...[Z] or "
        "[X]...,[Y]->[Z]..., with letters for [X], [Y] and [Z]."
    )


def _check(equation: str, into: dict[str, Any], kernel: str, out: dict[str, Any]) -> None:
    for letter in kernel:
        if letter not in into and letter not in out:
            raise ValueError(f"the axis {letter!r} of the kernel is neither one of inputs nor of outputs")
    for letter, size in out.items():
        if letter not in into and letter not in kernel:
            raise ValueError(f"the output axis {letter!r} of {equation!r} comes from nowhere")
        if letter in into and None not in (size, into[letter]) and size != into[letter]:
            raise ValueError(f"axis {letter!r} is {into[letter]} in the input and {size} in `output_shape`")


def _bias(axes: str | None, outputs: str, out: dict[str, Any], elided: int) -> tuple[Any, ...]:
    if not axes:
        return ()
    unknown = [letter for letter in axes if letter not in outputs]
    if unknown:
        raise ValueError(f"the axis {unknown[0]!r} of `bias_axes` is none of the outputs {outputs!r}")
    first = min(outputs.index(letter) for letter in axes)
    return (*(out[x] if x in axes else 1 for x in outputs[first:]), *(1,) * elided)


def _product(sizes: list[Any]) -> Any:
    return None if None in sizes else math.prod(sizes)
