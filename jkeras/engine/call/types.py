"""Types of a layer's call: what runs a layer, and what it is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from jkeras.core.types import Ctx, Out, Tree

if TYPE_CHECKING:
    from jkeras.engine.tensors.shapes import Spec
    from jkeras.engine.tensors.symbolic import Words
    from jkeras.engine.tensors.variable import Read, Values, Write

Specs: TypeAlias = Any  # a tree of `Spec`
Masks: TypeAlias = Any  # the mask of an input, or None; of several a list of these, or None if there is none
Trees: TypeAlias = tuple[Tree, Tree]  # params and state by name


KeptSpecs: TypeAlias = "dict[tuple[object, str], list[Spec]]"  # of the arrays in what is kept, see `Scope`


class Compute(Protocol):
    """The computation of a layer that has its weights."""

    def __call__(self, x: Tree, ctx: Ctx, /, **words: Any) -> Out: ...


class OverVariables(Protocol):
    """The computation of a layer with values, and what changes, by variable."""

    def __call__(self, values: Values, x: Tree, ctx: Ctx, /, **words: Any) -> Out: ...


class OverTrees(Protocol):
    """The computation of a layer with values, and what changes, as trees by name: an `Apply` with words."""

    def __call__(self, params: Tree, state: Tree, x: Tree, ctx: Ctx = ..., /, **words: Any) -> Out: ...


class Run(Protocol):
    """The run of a layer, see `jkeras.engine.call.running.run_layer`."""

    def __call__(
        self, read: Read, x: Tree, ctx: Ctx, write: Write | None = None, words: Mapping[str, Any] = ...
    ) -> Out: ...


class Once(Protocol):
    """One pass of such a run: it is made twice where a mask given by hand hides the input's own."""

    def __call__(self, values: Values, x: Tree, ctx: Ctx, words: Words, /) -> Out: ...


class Check(Protocol):
    """Keras's checks around a computation, see `jkeras.engine.call.checks.guard`."""

    def __call__(
        self, compute: Compute, x: Tree, ctx: Ctx, words: Words, trees: Trees | None = None, /
    ) -> Out: ...


class Surroundings(Protocol):
    """All that is around a computation, see `jkeras.engine.call.running.surroundings`."""

    def __call__(
        self,
        compute: Compute,
        x: Tree,
        ctx: Ctx,
        words: Words,
        values: Callable[[], Values],
        trees: Trees | None = None,
        /,
    ) -> Out: ...
