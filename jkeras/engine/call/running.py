"""Running a layer. Whatever computes one does it here: a graph, the code of another layer, a call on arrays.

A formula takes its weights as trees by name. What is more than a formula, a graph of layers or a user's code,
takes them by variable, as whoever runs it has them.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping

import jax

from jkeras.core.types import INFERENCE, Apply, Ctx, Out, Pair
from jkeras.engine.call import adapter, checks
from jkeras.engine.tensors.scope import rewinder
from jkeras.engine.tensors.variable import Frame, current_frame
from jkeras.engine.tree import all_by_variable, gather, nested, scatter, variables_of, write_states


def run_layer(layer, read: Callable, x, ctx: Ctx, write: Callable | None = None, words: Mapping = {}) -> Out:
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


def runner(layer) -> Callable[..., Out]:
    """`run(read, x, ctx, write=None, words={})`, see `run_layer`, of a layer as it is now."""
    compute = layer.over_variables()
    once = _of_formula(layer) if compute is None else _of_code(layer, compute)
    hand_over = scatter if compute is None else write_states

    def run(read, x, ctx, write=None, words: Mapping = {}) -> Out:
        values, rewind = {v: read(v) for v in variables_of([layer])}, rewinder()
        said, rest = _split(layer, words)
        out = once(values, x, overridden(ctx, said), rest)
        if write is not None:
            hand_over(layer, out.state, write)
        if "mask" not in said:
            return out
        rewind()
        own = once(values, x, overridden(ctx, {**said, "mask": ctx.mask}), rest)
        return dataclasses.replace(out, mask=own.mask)

    return run


def _of_formula(layer) -> Callable[..., Out]:
    apply: Callable[..., Out] = layer.checked_formula().apply

    def once(values, x, ctx, words) -> Out:
        params, state = gather(layer, values.__getitem__)
        return apply(params, state, x, ctx, **words)

    return once


def _of_code(layer, compute: Callable[..., Out]) -> Callable[..., Out]:
    around = surroundings(layer)

    def once(values, x, ctx, words) -> Out:
        return around(functools.partial(compute, values), x, ctx, words, lambda: values)

    return once


def over_trees(layer, compute: Callable) -> Apply:
    """A computation over variables, with weights and states as trees by name.

    Args:
        layer: whose computation it is.
        compute: `(values, x, ctx, **words) -> Out`, with values, and what changes, by variable.
    """

    def apply(params, state, x, ctx=INFERENCE, **words):
        out = compute(all_by_variable(layer, params, state), x, ctx, **words)
        return dataclasses.replace(out, state=nested(layer, out.state)[1])

    return apply


def checked_pair(layer, as_cell: bool = False) -> Pair:
    """The pair of a layer, as it is now, with what is around it; `Out.state` holds what changed.

    Args:
        layer: the layer.
        as_cell: whether it is the cell of a recurrent layer, see `checks.guard`.
    """
    if layer.is_native:
        init, formula = layer.formula()
    else:
        init, formula = adapter.init_of(layer), over_trees(layer, layer.over_variables())
    apply: Callable[..., Out] = formula
    around = surroundings(layer, as_cell)

    def checked(params, state, x, ctx=INFERENCE, **words):
        def compute(x, ctx, **words):
            frame, weights = current_frame(), (params, state)
            if frame is not None and frame.owner is layer and layer.is_native:
                weights = adapter.with_replaced(layer, params, state, frame)
            return apply(*weights, x, ctx, **words)

        return around(compute, x, ctx, words, lambda: all_by_variable(layer, params, state), (params, state))

    return Pair(checks.checked_init(layer, init, as_cell), checked)


def surroundings(layer, as_cell: bool = False) -> Callable[..., Out]:
    """The surroundings of any layer's computation, as it is now: Keras's checks, the activity regularizer, a
    mask that the user's `compute_mask` makes, and a frame for a user's functions and for what is put in the
    place of weights, which may use variables and tensors.

    Returns:
        `around(compute, x, ctx, words, values, trees=None) -> Out`, where `values()` gives the values of the
        variables, and `trees` are params and state if the computation has them by name.
    """
    check, masks = checks.guard(layer, as_cell), _makes_mask(layer)
    frames = not checks.functions_are_ours(layer)

    def around(compute, x, ctx: Ctx, words: dict, values: Callable, trees=None) -> Out:
        def masked(x, ctx, **words):
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


def _makes_mask(layer) -> bool:
    """Whether the mask of a built-in computation is what `compute_mask` says: if that is the user's, or if
    the layer was told to support masking where its class does not."""
    ours = next(c for c in type(layer).__mro__ if c.__module__.startswith("jkeras."))
    told = layer.supports_masking and not ours.supports_masking
    return layer.is_native and (told or adapter.overrides(layer, "compute_mask"))


def _split(layer, words: Mapping) -> tuple[dict, dict]:
    """(what is understood here, what the user's `call` gets: a mask too, if it takes one)."""
    known = ("training",) if adapter.takes_mask(layer) else ("training", "mask")
    rest = {k: v for k, v in words.items() if k not in known}
    if rest and layer.is_native:
        raise TypeError(
            f"Layer {layer.name!r} ({type(layer).__name__}) got unknown call arguments {sorted(rest)}."
        )
    return {k: v for k, v in words.items() if k in known}, rest


def overridden(ctx: Ctx, words: Mapping) -> Ctx:
    """The context, with `training` and `mask` as the words of a call say."""
    if isinstance(words.get("training"), (bool, int)):
        ctx = ctx.replace(training=bool(words["training"]))
    return ctx.replace(mask=words["mask"]) if "mask" in words else ctx


def aligned(y, mask) -> list:
    """One mask (or None) for each output."""
    masks, count = list(mask) if isinstance(mask, (list, tuple)) else [mask], len(jax.tree.leaves(y))
    return (masks + [None] * count)[:count]
