"""Pictures of models."""

# pyright: reportUnnecessaryIsInstance=false
from __future__ import annotations

import os
import shutil
import warnings
from os import PathLike
from typing import Any

from jkeras.core import atomic
from jkeras.core.extras import module
from jkeras.visualization.diagram import diagram
from jkeras.visualization.dot import FormatError, dot
from jkeras.visualization.picture import DIRECTIONS


def _check_pydot() -> None:  # pyright: ignore[reportUnusedFunction] (scripts ask for it)
    """Complain if pydot or graphviz is missing; nothing here needs them, scripts ask for them by this name.

    Raises:
        ImportError: pydot is missing.
        OSError: graphviz's `dot` is missing.

    Keras 2.2.4: keras/utils/vis_utils.py _check_pydot
    """
    module("pydot", "plots", "_check_pydot")
    if shutil.which("dot") is None:
        raise OSError("pydot needs graphviz: install it (https://graphviz.org), with its programs in $PATH.")


def model_to_dot(
    model: Any,
    show_shapes: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: float = 96,
    expand_dim: bool = False,
    show_dtype: bool = False,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
):
    """A model as a graph of graphviz.

    A function over tensors is a box with the name of the function. Of a `Sequential`, the layer that the data
    come in by is shown.

    Args:
        model: a model that is built, and a graph of layers.
        show_shapes: whether boxes show the shapes of inputs and outputs.
        show_layer_names: whether labels begin with the layer's name.
        rankdir: 'TB' from top to bottom, 'BT', 'LR' or 'RL'.
        expand_nested: whether models inside are drawn as frames with what is in them.
        dpi: pixels for an inch.
        expand_dim: another name of `expand_nested`.
        show_dtype, show_layer_activations, show_trainable: what labels say in brackets behind the class.

    Returns:
        A `pydot.Dot` if pydot is installed, else an object with its main methods: `create(prog, format)`, the
        content of a picture as bytes, `write(path, format=...)`, `to_string()`, `get_nodes()`. Where graphviz
        is not installed they draw the picture themselves: as svg, and with matplotlib as png, pdf, ….

    Raises:
        ValueError: what is given is no model, or not built, or a subclass with its own `call`; another
            `rankdir`.

    Keras 2.2.4: keras/utils/vis_utils.py model_to_dot

    Example:
        >>> from jkeras.layers import Dense
        >>> from jkeras.models import Sequential
        >>> graph = model_to_dot(Sequential([Dense(2, input_shape=(3,), name="a")]))
        >>> "a: Dense" in graph.to_string(), b"</svg>" in graph.create(prog="dot", format="svg")
        (True, True)
    """
    if rankdir not in DIRECTIONS:
        raise ValueError(f"rankdir must be one of {', '.join(map(repr, DIRECTIONS))}; got {rankdir!r}.")
    if not isinstance(dpi, (int, float)) or not dpi > 0:
        raise ValueError(f"dpi must be a number above 0; got {dpi!r}.")
    nested = expand_nested or expand_dim
    told = (show_dtype, show_layer_activations, show_trainable)
    return dot(diagram(model, show_shapes, show_layer_names, nested, *told), rankdir, dpi)


def plot_model(
    model: Any,
    to_file: str | PathLike[str] = "model.png",
    show_shapes: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: float = 96,
    expand_dim: bool = False,
    show_dtype: bool = False,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
) -> None:
    """Draw a model into a file.

    With graphviz's `dot` if it is installed, else by ourselves: svg files always, png, pdf and others with
    matplotlib. If there is neither, an svg file of that name is written instead, with a warning.

    Args:
        model: a model that is built, and a graph of layers.
        to_file: the file; its ending says the format, without one it is png.
        show_shapes, show_layer_names, rankdir, expand_nested, dpi, expand_dim: see `model_to_dot`.
        show_dtype, show_layer_activations, show_trainable: likewise.

    Raises:
        ValueError: the model cannot be drawn, another `rankdir`, or a format that nobody knows.
        OSError: the folder is missing or cannot be written.

    Keras 2.2.4: keras/utils/vis_utils.py plot_model
    """
    told = (show_dtype, show_layer_activations, show_trainable)
    graph = model_to_dot(model, show_shapes, show_layer_names, rankdir, expand_nested, dpi, expand_dim, *told)
    stem, ending = os.path.splitext(to_file)
    format = ending[1:].lower() or "png"
    try:
        content = graph.create(format=format)
    except FormatError:
        if format not in ("png", "pdf", "ps", "eps", "jpg", "jpeg", "gif"):
            raise
        content, to_file = graph.create(format="svg"), f"{stem}.svg"
        warnings.warn(
            f"{format} files need graphviz (https://graphviz.org) or matplotlib "
            f'(pip install "jkeras[plots]"): wrote {to_file} instead.',
            stacklevel=2,
        )
    atomic.write_bytes(to_file, content)
