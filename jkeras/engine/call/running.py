"""Running a layer. Whatever computes one does it here: a graph, the code of another layer, a call on arrays.

A formula takes its weights as trees by name. What is more than a formula, a graph of layers or a user's code,
takes them by variable, as whoever runs it has them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, Any, cast

import jax

from jkeras.core.types import INFERENCE, AnyList, AnyTuple, Ctx, Init, Out, Pair, Tree
from jkeras.engine.call import adapter, checks, told
from jkeras.engine.call.types import Compute, Masks, Once, OverTrees, OverVariables, Run, Surroundings, Trees
from jkeras.engine.tensors.frame import Frame
from jkeras.engine.tensors.scope import rewinder
from jkeras.engine.tensors.symbolic import Words
from jkeras.engine.tensors.variable import Read, Values, Write, current_frame
from jkeras.engine.tree import all_by_variable, gather, nested, scatter, variables_of, write_states

if TYPE_CHECKING:
    from jkeras.engine.base_layer import Layer

_NOTE = "In the call of layer "


def run_layer(
    layer: Layer, read: Read, x: Tree, ctx: Ctx, write: Write | None = None, words: Mapping[str, Any] = {}
) -> Out:
    """Run a layer.

    A mask given by hand is for the computation; the output's mask follows from the input's own.

    Args:
        layer: a built layer.
        read: gives the value of a variable.
        x: the input, or a list of inputs.
        ctx: of the layer; `ctx.mask` is the mask of the input.
        write: `write(variable, value)` is called for each new state; None where nobody needs them.
        words: keywords of the call. `training` and `mask` override what the context says.
    """
    return runner(layer)(read, x, ctx, write, words)


def runner(layer: Layer) -> Run:
    """`run(read, x, ctx, write=None, words={})`, see `run_layer`, of a layer as it is now."""
    compute = layer.over_variables()
    once = _of_formula(layer) if compute is None else _of_code(layer, compute)
    hand_over = scatter if compute is None else write_states

    def run(read: Read, x: Tree, ctx: Ctx, write: Write | None = None, words: Mapping[str, Any] = {}) -> Out:
        values, rewind = {v: read(v) for v in variables_of([layer])}, rewinder()
        said, rest = _split(layer, words)
        way = told.again(once) if told.is_made_again(layer, ctx) else once
        out = way(values, x, overridden(ctx, said), rest)
        if write is not None:
            changed: Any = out.state
            hand_over(layer, changed, write)
        if "mask" not in said:
            return out
        rewind()
        own = way(values, x, overridden(ctx, {**said, "mask": ctx.mask}), rest)
        return dataclasses.replace(out, mask=own.mask)

    return run


@contextlib.contextmanager
def named(layer: Layer) -> Generator[None]:
    """Programs and profiles show the layer's name, and so does an error that its code raises."""
    try:
        with jax.named_scope(layer.name):
            yield
    except Exception as error:
        if not any(note.startswith(_NOTE) for note in getattr(error, "__notes__", ())):
            made = f", made at {layer.made_at}" if layer.made_at else ""
            error.add_note(f"{_NOTE}{layer.name!r} ({type(layer).__name__}){made}.")
        raise


def _of_formula(layer: Layer) -> Once:
    apply: Callable[..., Out] = layer.checked_formula().apply

    def once(values: Values, x: Tree, ctx: Ctx, words: Words) -> Out:
        params, state = gather(layer, values.__getitem__)
        return apply(params, state, x, ctx, **words)

    return once


def _of_code(layer: Layer, compute: OverVariables) -> Once:
    around = surroundings(layer)

    def once(values: Values, x: Tree, ctx: Ctx, words: Words) -> Out:
        with named(layer):
            if ctx.dtype is not None:
                values, x, ctx = told.values_in_dtype(layer, values, x, ctx)
            return around(functools.partial(compute, values), x, ctx, words, lambda: values)

    return once


def over_trees(layer: Layer, compute: OverVariables) -> OverTrees:
    """A computation over variables, with weights and states as trees by name.

    Args:
        layer: whose computation it is.
        compute: the computation, with values, and what changes, by variable.
    """

    def apply(params: Tree, state: Tree, x: Tree, ctx: Ctx = INFERENCE, **words: Any) -> Out:
        out = compute(all_by_variable(layer, params, state), x, ctx, **words)
        return dataclasses.replace(out, state=nested(layer, cast("Values", out.state))[1])

    return apply


def checked_pair(layer: Layer, as_cell: bool = False) -> Pair:
    """The pair of a layer, as it is now, with what is around it; `Out.state` holds what changed.

    Args:
        layer: the layer.
        as_cell: whether it is the cell of a recurrent layer, see `checks.guard`.
    """
    init, apply = _bare_pair(layer)
    around = surroundings(layer, as_cell)

    def checked(params: Tree, state: Tree, x: Tree, ctx: Ctx = INFERENCE, **words: Any) -> Out:
        def compute(x: Tree, ctx: Ctx, **words: Any) -> Out:
            frame, weights = current_frame(), (params, state)
            if frame is not None and frame.owner is layer and layer.is_native:
                weights = adapter.with_replaced(layer, params, state, frame)
            if ctx.dtype is not None:
                weights, x, ctx = told.in_dtype(layer, weights, x, ctx)
            return apply(*weights, x, ctx, **words)

        with named(layer):
            return around(
                compute, x, ctx, words, lambda: all_by_variable(layer, params, state), (params, state)
            )

    return Pair(checks.checked_init(layer, init, as_cell), checked)


def _bare_pair(layer: Layer) -> tuple[Init, Callable[..., Out]]:
    if layer.is_native or (compute := layer.over_variables()) is None:
        return layer.formula()
    return adapter.init_of(layer), over_trees(layer, compute)


def surroundings(layer: Layer, as_cell: bool = False) -> Surroundings:
    """The surroundings of any layer's computation, as it is now: Keras's checks, the activity regularizer, a
    mask that the user's `compute_mask` makes, and a frame for a user's functions and for what is put in the
    place of weights, which may use variables and tensors.

    Returns:
        `around(compute, x, ctx, words, values, trees=None) -> Out`, where `values()` gives the values of the
        variables, and `trees` are params and state if the computation has them by name.
    """
    check, masks = checks.guard(layer, as_cell), _makes_mask(layer)
    frames = not checks.functions_are_ours(layer)

    def around(
        compute: Compute,
        x: Tree,
        ctx: Ctx,
        words: Words,
        values: Callable[[], Values],
        trees: Trees | None = None,
    ) -> Out:
        def masked(x: Tree, ctx: Ctx, **words: Any) -> Out:
            out = compute(x, ctx, **words)
            if not masks:
                return out
            with Frame(values(), ctx):
                return dataclasses.replace(out, mask=layer.compute_mask(x, ctx.mask))

        if not frames:
            return check(masked, x, ctx, words, trees)
        with Frame(values(), ctx, owner=layer) as frame:
            out = check(masked, x, ctx, words, trees)
        adapter.note_use(layer, frame)
        return frame.hand_on(out)

    return around


def _makes_mask(layer: Layer) -> bool:
    """Whether the mask of a built-in computation is what `compute_mask` says: if that is the user's, or if
    the layer was told to support masking where its class does not."""
    ours: Any = next(c for c in type(layer).__mro__ if c.__module__.startswith("jkeras."))
    told = layer.supports_masking and not ours.supports_masking
    return layer.is_native and (told or adapter.overrides(layer, "compute_mask"))


def _split(layer: Layer, words: Mapping[str, Any]) -> tuple[Words, Words]:
    """(what is understood here, what the formula gets, or the user's `call`: a mask too, if it takes one)."""
    known = ("training",) if adapter.takes_mask(layer) else ("training", "mask")
    rest = {k: v for k, v in words.items() if k not in known}
    unknown = sorted(rest.keys() - set(layer.own_words)) if layer.is_native else []
    if unknown:
        raise TypeError(
            f"Layer {layer.name!r} ({type(layer).__name__}) got unknown call arguments {unknown}."
        )
    return {k: v for k, v in words.items() if k in known}, rest


def overridden(ctx: Ctx, words: Mapping[str, Any]) -> Ctx:
    """The context, with `training` and `mask` as the words of a call say."""
    if isinstance(words.get("training"), (bool, int)):
        ctx = ctx.replace(training=bool(words["training"]))
    return ctx.replace(mask=words["mask"]) if "mask" in words else ctx


def aligned(y: Tree, mask: Masks) -> list[Any]:
    """One mask (or None) for each output."""
    masks: list[Any] = list(mask) if isinstance(mask, (AnyList, AnyTuple)) else [mask]
    count = len(jax.tree.leaves(y))
    return (masks + [None] * count)[:count]
