"""Graphs in graphviz's language, by the words of pydot: what is used where pydot is not installed."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import functools
import re
from typing import Any

FORMATS = frozenset(
    "canon cmap dot eps fig gif gv jpe jpeg jpg json pdf plain png ps ps2 raw svg tif tiff webp xdot".split()
)
_PLAIN_ID = re.compile(r"[A-Za-z_]\w*|-?\d+(\.\d+)?", re.ASCII)


def quoted(value: Any) -> str:
    """A name or a value as graphviz reads it.

    Example:
        >>> quoted("a"), quoted('say "a"'), quoted(96)
        ('a', '"say \\\\"a\\\\""', '96')
    """
    words = str(value)
    if _PLAIN_ID.fullmatch(words) and words.lower() not in ("graph", "subgraph", "digraph", "node", "edge"):
        return words
    return '"' + words.replace('"', '\\"').replace("\r", "\\r").replace("\n", "\\n") + '"'


class _Element:
    def __init__(self, name: str, attributes: dict[str, Any]):
        self.name, self.attributes = name, attributes

    def set(self, name: str, value: Any) -> None:
        """Set an attribute."""
        self.attributes[name] = value

    def get(self, name: str) -> Any:
        """An attribute, or None."""
        return self.attributes.get(name)

    def get_name(self) -> str:
        return self.name

    def get_label(self) -> Any:
        return self.get("label")

    def to_string(self) -> str:
        """The text for graphviz."""
        words = ", ".join(f"{n}={quoted(v)}" for n, v in self.attributes.items())
        return self.name + (f" [{words}];" if words else ";")


class Node(_Element):
    """A box."""

    def __init__(self, name: str, **attributes: Any):
        super().__init__(quoted(name), attributes)


class Edge(_Element):
    """An arrow."""

    def __init__(self, src: str, dst: str, **attributes: Any):
        super().__init__(f"{quoted(src)} -> {quoted(dst)}", attributes)
        self.ends = src, dst

    def get_source(self) -> str:
        return self.ends[0]

    def get_destination(self) -> str:
        return self.ends[1]


class Graph(_Element):
    """Boxes, arrows and graphs inside."""

    kind = "digraph"

    def __init__(self, graph_name: str = "G", **attributes: Any):
        super().__init__(quoted(graph_name), attributes)
        self.elements: list[_Element] = []

    def set_node_defaults(self, **attributes: Any) -> None:
        self.elements.insert(0, Node("node", **attributes))
        self.elements[0].name = "node"

    def add_node(self, node: Node) -> None:
        self.elements.append(node)

    add_edge = add_subgraph = add_node

    def get_nodes(self) -> list[_Element]:
        return [e for e in self.elements if isinstance(e, Node)]

    def get_edges(self) -> list[_Element]:
        return [e for e in self.elements if isinstance(e, Edge)]

    def get_subgraphs(self) -> list[_Element]:
        return [e for e in self.elements if isinstance(e, Graph)]

    def to_string(self) -> str:
        lines = [f"{n}={quoted(v)};" for n, v in self.attributes.items()]
        lines += [e.to_string().rstrip("\n") for e in self.elements]
        return "\n".join([f"{self.kind} {self.name} {{", *lines, "}"]) + "\n"


class Cluster(Graph):
    """A graph in a frame."""

    kind = "subgraph"

    def __init__(self, graph_name: str, **attributes: Any):
        super().__init__(f"cluster_{graph_name}", **attributes)


class Dot(Graph):
    """A whole graph, which has `create_png()`, `write_svg(path)` and the like."""

    prog = "dot"

    def __getattr__(self, name: str) -> Any:
        verb, _, format = name.partition("_")
        if verb in ("create", "write") and format in FORMATS:
            return functools.partial(getattr(self, verb), format=format)
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}.")

    def __str__(self) -> str:
        return self.to_string()
