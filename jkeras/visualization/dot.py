"""A diagram in graphviz's language, which draws itself: by graphviz, or as we can where that is missing."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import functools
import importlib.util
import re
import shutil
import subprocess
import warnings
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from jkeras.core import atomic
from jkeras.core.extras import module
from jkeras.visualization import canvas, plain
from jkeras.visualization.diagram import Box, Diagram
from jkeras.visualization.picture import picture
from jkeras.visualization.svg import svg

SOURCE = ("raw", "dot", "gv", "canon")  # formats that are the text itself where nobody lays it out
PROGRAMS = ("dot", "neato", "twopi", "circo", "fdp", "sfdp", "osage", "patchwork")
_MISSING = "graphviz is not installed (https://graphviz.org), or its programs are not in $PATH"
_SPECIAL = str.maketrans({c: f"\\{c}" for c in "\\{}|<>"})


class FormatError(ValueError):
    """A format that nothing here can write."""


class Drawn:
    """Mixin of `pydot.Dot`: what graphviz cannot do because it is missing is drawn by ourselves."""

    diagram: Diagram
    prog: Any
    to_string: Callable[[], str]
    get: Callable[[str], Any]
    set: Callable[[str, Any], None]

    def create(self, prog: str | None = None, format: str = "ps", encoding: str | None = None) -> bytes:
        """The picture.

        Args:
            prog: graphviz's program, or a list of it and its arguments; default 'dot'.
            format: 'svg', 'png', 'pdf', …; 'raw' is the text of the graph.
            encoding: accepted for compatibility; the text is UTF-8.

        Raises:
            ValueError: nothing that is installed can write the format.
        """
        if format == "raw":
            return self.to_string().encode()
        name, *arguments = [prog or self.prog] if isinstance(prog or self.prog, str) else prog or self.prog
        picture, problem = _graphviz(name, arguments, format, self._source(format))
        if picture is not None and format == "svg":
            picture = _in_pixels(picture, self._scale())
        if picture is None:
            picture = self._by_ourselves(format, problem)
            if problem:
                warnings.warn(f"{problem}; the picture is jkeras's own.", stacklevel=2)
        return picture

    def write(
        self, path: Any, prog: str | None = None, format: str = "raw", encoding: str | None = None
    ) -> bool:
        """Write the picture to a file, all or nothing; see `create`."""
        atomic.write_bytes(path, self.create(prog, format, encoding))
        return True

    def __reduce_ex__(self, protocol: Any):
        """Copies and pickles have the diagram too, of which pydot knows nothing."""
        return _empty, (), {name: value for name, value in vars(self).items() if not callable(value)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)

    def _scale(self) -> float:
        return float(self.get("dpi") or 96) / 96

    def _source(self, format: str) -> str:
        """The text for graphviz, which draws an svg larger than its page where it is told a `dpi`."""
        dpi = self.get("dpi")
        if dpi is None or format != "svg":
            return self.to_string()
        self.set("dpi", 72)
        try:
            return self.to_string()
        finally:
            self.set("dpi", dpi)

    def _by_ourselves(self, format: str, problem: str) -> bytes:
        if format in SOURCE:
            return self.to_string().encode()
        laid_out = functools.partial(picture, self.diagram, str(self.get("rankdir") or "TB"))
        if format == "svg":
            return svg(laid_out(), self._scale(), "white", self.diagram.label).encode()
        if canvas.can_write(format):
            return canvas.drawn(laid_out(), format, self._scale())
        raise FormatError(
            f"Cannot draw a model as {format!r}: {problem or _MISSING}. Without graphviz there is 'svg', and "
            "with matplotlib (pip install \"jkeras[plots]\") also 'png', 'pdf' and what else that writes."
        )


def _graphviz(name: str, arguments: list[str], format: str, source: str) -> tuple[bytes | None, str]:
    """The program's picture; None, and its complaint, if it is there but fails."""
    program = shutil.which(name)
    if program is None:
        if name.removesuffix(".exe") not in PROGRAMS:
            raise FileNotFoundError(
                f"There is no program {name!r} to draw a graph with; graphviz's is 'dot'."
            )
        return None, ""
    done = subprocess.run([program, f"-T{format}", *arguments], input=source.encode(), capture_output=True)
    if done.returncode == 0 and done.stdout:
        return done.stdout, ""
    words = done.stderr.decode(errors="replace").strip() or f"exit code {done.returncode}"
    return None, f"{name} says: {words}"


def _in_pixels(picture: bytes, scale: float) -> bytes:
    """An svg of points, 72 an inch, with its size in pixels, 96 an inch."""
    return re.sub(
        rb'(?<=<svg )width="([\d.]+)pt" height="([\d.]+)pt"',
        lambda m: (
            b'width="%dpx" height="%dpx"' % tuple(round(float(n) * 96 / 72 * scale) for n in m.groups())
        ),
        picture,
        count=1,
    )


def dot(diagram: Diagram, rankdir: str, dpi: float) -> Any:
    """The diagram as a `pydot.Dot`; without pydot as an object that can the same.

    Args:
        diagram: the model.
        rankdir: the direction of the edges.
        dpi: pixels for an inch.
    """
    api, graph = language(), _empty()
    graph.diagram = diagram
    for name, value in (("rankdir", rankdir), ("concentrate", True), ("dpi", dpi)):
        graph.set(name, value)
    graph.set_node_defaults(shape="record")
    _fill(graph, diagram, api)
    for source, target in _arrows(diagram):
        graph.add_edge(api.Edge(source, target))
    return graph


def language() -> ModuleType:
    """pydot, or what stands in for it."""
    if importlib.util.find_spec("pydot") is None:
        return plain
    return module("pydot", "plots", "model_to_dot")


def _empty() -> Any:
    return _class(language())()


@functools.cache
def _class(api: ModuleType) -> type:
    return type("Dot", (Drawn, api.Dot), {"__module__": __name__})


def _fill(graph: Any, diagram: Diagram, api: ModuleType) -> None:
    """Add the boxes, and the diagrams inside as clusters."""
    for part in diagram.parts.values():
        if isinstance(part, Box):
            graph.add_node(api.Node(part.key, label=record(part)))
        else:
            # Edges come in at the top, on either side of the middle: a label there would be crossed.
            words = {"label": part.label, "labeljust": "l", "labelloc": "b", "style": "dashed"}
            cluster = api.Cluster(part.key, **words)
            _fill(cluster, part, api)
            graph.add_subgraph(cluster)


def record(box: Box) -> str:
    """The label of a box, as Keras writes it.

    Example:
        >>> record(Box("1", "a: Dense", ("(None, 3)", "(None, 5)")))
        'a: Dense\\n|{input:|output:}|{{(None, 3)}|{(None, 5)}}'
    """
    label = box.label.translate(_SPECIAL)
    if box.shapes is None:
        return label
    return f"{label}\n|{{input:|output:}}|{{{{{box.shapes[0]}}}|{{{box.shapes[1]}}}}}"


def _arrows(diagram: Diagram) -> Iterator[tuple[str, str]]:
    """(from, to) of the boxes, for the edges of the diagram and of those inside.

    An edge for each call, as Keras has it; but graphviz does not draw several as one where they lead into a
    frame or out of it.
    """
    framed = {key for key, part in diagram.parts.items() if isinstance(part, Diagram)}
    seen: set[tuple[str, str]] = set()
    for edge in diagram.edges:
        pair = diagram.box_at(edge.source, False), diagram.box_at(edge.target, True)
        if pair not in seen or not framed & {edge.source.key, edge.target.key}:
            yield pair
        seen.add(pair)
    for part in diagram.parts.values():
        if isinstance(part, Diagram):
            yield from _arrows(part)
