"""Properties that every layer has, over one table. Each row is compiled once, for all that is asked of it."""

from __future__ import annotations

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jkeras.core import random
from jkeras.core.types import Ctx, Pair
from jkeras.engine.input_layer import Input
from jkeras.engine.tree import by_variable
from jkeras.layers import deserialize, serialize
from jkeras.models import Model
from tests.contract.cases import CASES, IDS, Case

every_layer = pytest.mark.parametrize("case", CASES, ids=IDS)
HALF = ("float16", "bfloat16")
SIDES = np.array([1e-2, -1e-2], "float32")  # of the finite differences


class Row(NamedTuple):
    """A layer of the table with weights and data."""

    case: Case
    pair: Pair
    params: dict
    state: dict
    x: object
    ctx: Ctx


def parts(out):
    return {"y": out.y, "state": out.state, "mask": out.mask, "loss": out.loss}


@functools.cache
def drawn(case) -> Row:
    """A row, drawn once for all tests."""
    pair = case.make().pure()
    params, state = pair.init(jax.random.key(1), case.in_shape)
    x = case.data()
    mask = jnp.asarray(np.any(x != 0, axis=-1)) if case.mask else None
    return Row(case, pair, params, state, x, Ctx(rng=jax.random.key(2), mask=mask))


@functools.cache
def compiled(case):
    """All that one compiled program tells of a row."""
    row = drawn(case)
    with jax.checking_leaks():
        return jax.jit(functools.partial(_observe, row))(row.params, row.state, row.x, row.ctx)


def _observe(row: Row, params, state, x, ctx) -> dict:
    def run(params, state, x, **changes):
        return parts(row.pair.apply(params, state, x, ctx.replace(**changes)))

    mask = None if ctx.mask is None else ctx.mask[1:3]
    seen = {
        "inference": run(params, state, x),
        "training": run(params, state, x, training=True),
        "rows": run(params, state, jax.tree.map(lambda a: a[1:3], x), mask=mask)["y"],
    }
    if row.case.kind == "float":
        everything = (params, state, x)
        seen |= {dtype: run(*jax.tree.map(_as(dtype), everything))["y"] for dtype in HALF}
    if params:
        seen["slopes"] = _slopes(lambda p: run(p, state, x)["y"], params)
    return seen


def _as(dtype):
    return functools.partial(jnp.asarray, dtype=dtype)


def _slopes(output, params):
    """The slope of a scalar along a random direction: by the gradient, and by finite differences."""

    def loss(p):
        ys = jax.tree.leaves(output(p))
        return sum(jnp.sum(y * jnp.cos(jnp.arange(y.size, dtype=y.dtype)).reshape(y.shape)) for y in ys)

    rng = np.random.RandomState(3)
    way = jax.tree.map(lambda p: jnp.asarray(rng.uniform(-1, 1, p.shape), p.dtype), params)
    grads = jax.grad(loss)(params)
    slope = sum(jnp.vdot(g, w) for g, w in zip(jax.tree.leaves(grads), jax.tree.leaves(way), strict=True))
    ahead, behind = jax.vmap(lambda h: loss(jax.tree.map(lambda p, w: p + h * w, params, way)))(SIDES)
    return slope, (ahead - behind) / (SIDES[0] - SIDES[1])


def close(a, b, tolerance=1e-5):
    jax.tree.map(lambda p, q: np.testing.assert_allclose(p, q, rtol=tolerance, atol=tolerance), a, b)


@every_layer
def test_jit_is_eager(case):
    """In the training phase; the test of the shell runs the other phase eagerly."""
    row = drawn(case)
    out = row.pair.apply(row.params, row.state, row.x, row.ctx.replace(training=True))
    close(compiled(case)["training"], parts(out))


@every_layer
def test_shell_is_pure(case):
    if case.mask:
        return  # the shell gets its mask from a graph: see the recorded cases
    row, layer = drawn(case), case.make()
    tensors = [Input(s, dtype="int32" if case.kind == "index" else None) for s in case.shapes]
    model = Model(tensors, layer(tensors if len(tensors) > 1 else tensors[0]))
    values = by_variable(layer, row.params, row.state, {})
    for variable in layer.weights:
        variable.assign(values[variable])
    close(jax.tree.leaves(model(row.x)), jax.tree.leaves(compiled(case)["inference"]["y"]))


@every_layer
def test_inferred_shape_is_the_real_one(case):
    real = [y.shape for y in jax.tree.leaves(compiled(case)["inference"]["y"])]
    declared = case.make().compute_output_shape(case.in_shape)
    declared = declared if isinstance(declared, list) else [declared]
    filled = [
        tuple(r if d is None else d for d, r in zip(shape, size, strict=True))
        for shape, size in zip(declared, real, strict=True)
    ]
    assert filled == real
    assert all(shape[0] is None for shape in declared)


@every_layer
def test_config_round_trip(case):
    layer = case.make()
    if type(layer).__name__ == "Lambda":
        layer.get_config()  # makes the function known
    again = deserialize(serialize(layer))
    assert type(again) is type(layer)
    assert serialize(again) == serialize(layer)


SIZES = ("units", "filters", "output_dim")
compiled_programs: list = []
jax.monitoring.register_event_duration_secs_listener(
    lambda event, *_, **about: compiled_programs.append(about) if "backend_compile" in event else None
)


def grown(layer, more: int):
    """The layer with more units than any other test gives it."""
    config = layer.get_config()
    sizes = {name: config[name] + more for name in SIZES if name in config}
    return type(layer).from_config({**config, **sizes}) if sizes else layer


@every_layer
def test_drawing_weights_compiles_nothing(case):
    """What is compiled once, serves all sizes: a program for each would cost a first build seconds."""
    if hasattr(case.make(), "layers"):
        return  # a model has one size

    def init(more):
        shapes = [(*shape[:-1], shape[-1] + more) for shape in case.shapes]
        inputs = [(None, *shape) for shape in shapes]
        return grown(case.make(), more).formula().init(key, inputs if len(inputs) > 1 else inputs[0])

    key = jax.random.key(0)
    for size in (1, 40_000):  # the programs of short arrays and of long ones
        random.uniform(key, (size,)), random.normal(key, (size,))
    init(13)
    compiled_programs.clear()
    init(26)
    assert not compiled_programs


@every_layer
def test_gradient_matches_finite_difference(case):
    if drawn(case).params:
        by_gradient, by_difference = compiled(case)["slopes"]
        np.testing.assert_allclose(by_gradient, by_difference, rtol=0.05, atol=0.02)


@every_layer
def test_no_layer_broadcasts_ranks_unsaid(case):
    """In both directions. (Only here: code of users and K broadcast as numpy does, which is Keras's way.)"""
    row = drawn(case)

    def loss(params):
        out = row.pair.apply(params, row.state, row.x, row.ctx.replace(training=True))
        return sum(jnp.sum(y) for y in jax.tree.leaves(out.y)) + out.loss

    with jax.numpy_rank_promotion("raise"):
        jax.eval_shape(lambda key: row.pair.init(key, case.in_shape), jax.random.key(0))
        jax.eval_shape(jax.grad(loss), row.params)


@every_layer
def test_batch_rows_are_independent_in_inference(case):
    seen = compiled(case)
    whole = jax.tree.leaves(seen["inference"]["y"])
    close([y[1:3] for y in whole], jax.tree.leaves(seen["rows"]))


@every_layer
@pytest.mark.parametrize("dtype", HALF)
def test_half_precision(dtype, case):
    if case.kind == "index":
        return
    seen = compiled(case)
    for a, b in zip(jax.tree.leaves(seen[dtype]), jax.tree.leaves(seen["inference"]["y"]), strict=True):
        assert a.dtype == dtype
        np.testing.assert_allclose(np.asarray(a, "float32"), b, rtol=0.1, atol=0.1)


@pytest.mark.devices(2)
@every_layer
def test_devices_do_not_change_the_result(case):
    """Training phase on 2 devices through pmap: dropout masks, batch statistics and outputs as on one."""
    if not case.make().rowwise:
        return
    row, one = drawn(case), compiled(case)["training"]

    def shard(x, mask):
        ctx = row.ctx.replace(training=True, axis="data", mask=mask)
        out = row.pair.apply(row.params, row.state, x, ctx)
        return out.y, out.state

    split = functools.partial(jax.tree.map, lambda a: jnp.reshape(a, (2, -1, *jnp.shape(a)[1:])))
    y, new = jax.pmap(shard, "data", devices=jax.devices()[:2])(split(row.x), split(row.ctx.mask))
    close(jax.tree.map(lambda a: jnp.reshape(a, (-1, *a.shape[2:])), y), one["y"])
    close(jax.tree.map(lambda a: a[0], new), one["state"])
