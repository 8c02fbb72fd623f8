"""The costs of each layer of a model: parameters, shapes, operations and bytes."""

# pyright: reportPrivateUsage=false, reportUnknownMemberType=false, reportUnknownLambdaType=false
# pyright: reportUnknownArgumentType=false
from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jkeras.core.jaxprs import inner_programs
from jkeras.core.types import INFERENCE, Shape
from jkeras.engine.base_layer import Layer
from jkeras.engine.tensors.symbolic import Node, Tensor
from jkeras.models.structure import Structure
from jkeras.models.summary import Show

# Operations that move numbers about, or compare them, and compute none.
_MOVES = frozenset(
    "argmax argmin bitcast_convert_type broadcast_in_dim concatenate convert_element_type copy copy_p "
    "device_put dynamic_slice dynamic_update_slice eq expand_dims gather ge gt iota is_finite le lt ne pad "
    "random_bits random_fold_in random_split random_unwrap random_wrap reshape rev select_n "
    "shift_right_logical slice sort split squeeze stop_gradient transpose".split()
)


class LayerCost(NamedTuple):
    """The costs of a layer for one row of the data.

    Args:
        name, kind: of the layer.
        in_shape, out_shape: without the batch; of the first call.
        parameters: numbers in its weights.
        flops: floating point operations of all its calls; a multiplication with an addition is two. None: a
            size is not known, or the layer does not run by itself.
        weight_bytes: of its weights.
        out_bytes: of the outputs of all its calls, where their shapes are known.
    """

    name: str
    kind: str
    in_shape: str
    out_shape: str
    parameters: int
    flops: int | None
    weight_bytes: int
    out_bytes: int | None


def layer_costs(model: Structure) -> list[LayerCost]:
    """The costs of the layers of a built model, in their order; functions between them are not counted.

    Example:
        >>> from jkeras import Sequential, layers
        >>> model = Sequential([layers.Dense(4, input_shape=(8,)), layers.Dropout(0.5)])
        >>> [(cost.parameters, cost.flops, cost.out_bytes) for cost in layer_costs(model)]
        [(36, 68, 16), (0, 0, 16)]
    """
    graph = model._graph
    nodes: dict[Layer, list[Node]] = {}
    for node in graph.layer_nodes if graph is not None else ():
        nodes.setdefault(node.owner, []).append(node)
    return [_cost(layer, nodes.get(layer, [])) for layer in model.layers]


def _cost(layer: Layer, nodes: Sequence[Node]) -> LayerCost:
    weights = list(dict.fromkeys(layer.weights))
    outputs = [tensor for node in nodes for tensor in node.outputs]
    return LayerCost(
        layer.name,
        type(layer).__name__,
        _shapes(nodes[0].inputs) if nodes else "?",
        _shapes(nodes[0].outputs) if nodes else "?",
        sum(math.prod(w.shape) for w in weights),
        _sum(_flops_of(node) for node in nodes) if nodes else None,
        sum(math.prod(w.shape) * np.dtype(w.dtype).itemsize for w in weights),
        _sum(_bytes(tensor) for tensor in outputs) if nodes else None,
    )


def _shapes(tensors: Sequence[Tensor]) -> str:
    shown = [f"({', '.join('?' if n is None else str(n) for n in tensor.shape[1:])})" for tensor in tensors]
    return ", ".join(shown[:2]) + (f" and {len(shown) - 2} more" if len(shown) > 2 else "")


def _sum(numbers: Iterable[int | None]) -> int | None:
    known = list(numbers)
    return None if None in known else sum(n for n in known if n is not None)


def _one_row(tensor: Tensor) -> jax.ShapeDtypeStruct | None:
    shape = tuple(tensor.shape)
    row: Shape = (1, *shape[1:]) if shape and shape[0] is None else shape
    return None if None in row else jax.ShapeDtypeStruct(row, tensor.dtype)


def _bytes(tensor: Tensor) -> int | None:
    row = _one_row(tensor)
    return None if row is None else math.prod(row.shape) * np.dtype(row.dtype).itemsize


def _flops_of(node: Node) -> int | None:
    """The operations of a call on one row."""
    rows = [_one_row(tensor) for tensor in node.inputs]
    if not rows:
        return 0  # an input
    if None in rows:
        return None
    several = len(rows) > 1
    x, shape = (rows, [row.shape for row in rows if row]) if several else (rows[0], rows[0] and rows[0].shape)
    try:
        init, apply = node.owner.pure()
        params, state = jax.eval_shape(lambda key: init(key, shape), jax.random.key(0))
        return flops(lambda values, xs: apply(*values, xs, INFERENCE).y, (params, state), x)
    except Exception:  # the user's code, which may want more than its input; the others are told all the same
        return None


def flops(function: Callable[..., Any], *args: Any) -> int:
    """The floating point operations of a function; a loop counts as often as it runs, where that is known.

    Args:
        function: traced, not run.
        *args: its arguments, arrays or their shapes.

    Example:
        >>> flops(lambda a, b: a @ b + 1, np.ones((2, 3)), np.ones((3, 4)))
        56
    """
    return _count(jax.make_jaxpr(function)(*args).jaxpr)


def flops_of_turns(function: Callable[..., Any], *args: Any) -> int:
    """The operations in loops after their first turns, which XLA's count of a program leaves out.

    Args:
        function, *args: as in `flops`.

    Example:
        >>> def power(a):
        ...     return jax.lax.scan(lambda b, _: (a @ b, None), a, length=5)[0]
        >>> a = np.ones((2, 2), np.float32)
        >>> flops(power, a), flops_of_turns(power, a)
        (80, 64)
    """
    jaxpr = jax.make_jaxpr(function)(*args).jaxpr
    return _count(jaxpr) - _count(jaxpr, once=True)


def _count(jaxpr: Any, once: bool = False) -> int:
    return sum(_operations(equation, once) for equation in jaxpr.eqns)


def _operations(equation: Any, once: bool) -> int:
    name, settings = equation.primitive.name, equation.params
    inner = [_count(program, once) for program in inner_programs(equation)]
    if inner:
        times = settings.get("length", 1) if name == "scan" and not once else 1
        return times * (max(inner) if name == "cond" else sum(inner))
    out = equation.outvars[0].aval
    if name in _MOVES or not jnp.issubdtype(out.dtype, jnp.floating):
        return 0
    size = math.prod(out.shape)
    if name == "dot_general":
        (contracted, _), _ = settings["dimension_numbers"]
        return 2 * size * math.prod(equation.invars[0].aval.shape[axis] for axis in contracted)
    if name == "conv_general_dilated":
        kernel = equation.invars[1].aval.shape
        return 2 * size * math.prod(kernel) // kernel[settings["dimension_numbers"].rhs_spec[0]]
    if name.startswith("reduce_window"):
        return size * math.prod(settings.get("window_dimensions", ()))
    if name.startswith("reduce_"):
        return math.prod(equation.invars[0].aval.shape)
    return size


def print_costs(model: Structure, print_fn: Show | None = None) -> None:
    """Print a row for each layer: shapes, parameters, operations and bytes, and their sums.

    Args:
        model: a built model.
        print_fn: called with each line; default `print`.
    """
    show: Show = print_fn or print
    costs = layer_costs(model)
    titles = ["Layer (type)", "Input", "Output", "Param #", "FLOPs", "Weight bytes", "Output bytes"]
    rows = [
        [
            f"{cost.name} ({cost.kind})",
            cost.in_shape,
            cost.out_shape,
            f"{cost.parameters:,}",
            _scaled(cost.flops),
            _scaled(cost.weight_bytes, "B"),
            _scaled(cost.out_bytes, "B"),
        ]
        for cost in costs
    ]
    sums = [
        _total(cost.flops for cost in costs),
        _total((cost.weight_bytes for cost in costs), "B"),
        _total((cost.out_bytes for cost in costs), "B"),
    ]
    last = ["total", "", "", f"{model.count_params():,}", *sums]
    widths = [max(map(len, column)) for column in zip(titles, *rows, last, strict=True)]
    line = "─" * (sum(widths) + 2 * len(widths) - 2)
    for row in (titles, None, *rows, None, last):
        cells = zip(row or [], widths, "<<<>>>>", strict=False)
        show("  ".join(f"{cell:{side}{width}}" for cell, width, side in cells).rstrip() if row else line)
    show("FLOPs and bytes of outputs are those of one row; ? depends on a size that is not known.")


def _total(numbers: Iterable[int | None], unit: str = "") -> str:
    found = list(numbers)
    known = [number for number in found if number is not None]
    return ("≥ " if len(known) < len(found) else "") + _scaled(sum(known), unit)


def _scaled(number: int | None, unit: str = "") -> str:
    """`1.5 M`, with three digits."""
    if number is None:
        return "?"
    value = float(number)
    for scale in ("", "k", "M", "G", "T"):
        if value < 999.5 or scale == "T":
            digits = f"{value:.3g}" if value < 1000 else f"{value:.0f}"
            return f"{digits} {scale}{unit}".rstrip()
        value /= 1000
    return ""
