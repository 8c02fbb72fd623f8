"""Properties that every layer has, over one table."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jkeras.core.types import Ctx
from jkeras.engine.input_layer import Input
from jkeras.engine.tree import bind
from jkeras.layers import deserialize, serialize
from jkeras.models import Model
from tests.contract.cases import CASES, IDS

every_layer = pytest.mark.parametrize("case", CASES, ids=IDS)


@functools.cache
def drawn(case):
    """(pair, params, state, x, ctx) of a row, drawn once for all tests."""
    layer = case.make()
    pair = layer.pure()
    params, state = pair.init(jax.random.key(1), case.in_shape)
    x = case.data()
    mask = jnp.asarray(np.any(x != 0, axis=-1)) if case.mask else None
    return pair, params, state, x, Ctx(rng=jax.random.key(2), mask=mask)


def close(a, b, tolerance=1e-5):
    jax.tree.map(lambda p, q: np.testing.assert_allclose(p, q, rtol=tolerance, atol=tolerance), a, b)


@every_layer
@pytest.mark.parametrize("training", [False, True])
def test_jit_is_eager(case, training):
    pair, params, state, x, ctx = drawn(case)
    ctx = ctx.replace(training=training)
    with jax.checking_leaks():
        compiled = jax.jit(pair.apply)(params, state, x, ctx)
    out = pair.apply(params, state, x, ctx)
    close((compiled.y, compiled.state, compiled.mask, compiled.loss), (out.y, out.state, out.mask, out.loss))


@every_layer
def test_shell_is_pure(case):
    pair, params, state, x, _ = drawn(case)
    if case.mask:
        return  # the shell gets its mask from a graph: see the golden cases
    layer = case.make()
    tensors = [Input(s, dtype="int32" if case.kind == "index" else None) for s in case.shapes]
    outputs = layer(tensors if len(tensors) > 1 else tensors[0])
    model = Model(tensors, outputs)
    for variable, value in zip(layer.weights, _in_order(layer, params, state), strict=True):
        variable.assign(value)
    close(jax.tree.leaves(model.predict(x)), jax.tree.leaves(pair.apply(params, state, x).y))


def _in_order(layer, params, state):
    values = bind(layer, params, state, {})
    return [values[id(v)] for v in layer.weights]


@every_layer
def test_inferred_shape_is_the_real_one(case):
    pair, params, state, x, ctx = drawn(case)
    real = [y.shape for y in jax.tree.leaves(pair.apply(params, state, x, ctx).y)]
    declared = case.make().compute_output_shape(case.in_shape)
    declared = declared if isinstance(declared, list) else [declared]
    assert [tuple(d if d is not None else r[i] for i, d in enumerate(s)) for s, r in zip(declared, real, strict=True)] == real
    assert all(s[0] is None for s in declared)


@every_layer
def test_config_round_trip(case):
    layer = case.make()
    if type(layer).__name__ == "Lambda":
        layer.get_config()  # makes the function known
    again = deserialize(serialize(layer))
    assert type(again) is type(layer)
    assert serialize(again) == serialize(layer)


@every_layer
def test_gradient_matches_finite_difference(case):
    pair, params, state, x, ctx = drawn(case)
    if not params:
        return

    def loss(p):
        ys = jax.tree.leaves(pair.apply(p, state, x, ctx).y)
        return sum(jnp.sum(y * jnp.cos(jnp.arange(y.size, dtype=y.dtype)).reshape(y.shape)) for y in ys)

    rng = np.random.RandomState(3)
    way = jax.tree.map(lambda p: jnp.asarray(rng.uniform(-1, 1, p.shape), p.dtype), params)
    grads = jax.grad(loss)(params)
    slope = sum(jnp.vdot(g, w) for g, w in zip(jax.tree.leaves(grads), jax.tree.leaves(way), strict=True))
    h = 1e-2
    plus, minus = (loss(jax.tree.map(lambda p, w: p + s * h * w, params, way)) for s in (1, -1))
    np.testing.assert_allclose(slope, (plus - minus) / (2 * h), rtol=0.05, atol=0.02)


@every_layer
def test_batch_rows_are_independent_in_inference(case):
    pair, params, state, x, ctx = drawn(case)
    whole = jax.tree.leaves(pair.apply(params, state, x, ctx).y)
    half = jax.tree.map(lambda a: a[1:3], x)
    mask = None if ctx.mask is None else ctx.mask[1:3]
    part = jax.tree.leaves(pair.apply(params, state, half, ctx.replace(mask=mask)).y)
    close([y[1:3] for y in whole], part)


@every_layer
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_low_precision(case, dtype):
    pair, params, state, x, ctx = drawn(case)
    if case.kind == "index":
        return
    cast = functools.partial(jax.tree.map, lambda a: jnp.asarray(a, dtype))
    low = pair.apply(cast(params), cast(state), cast(x), ctx)
    out = pair.apply(params, state, x, ctx)
    for a, b in zip(jax.tree.leaves(low.y), jax.tree.leaves(out.y), strict=True):
        assert a.dtype == dtype
        np.testing.assert_allclose(np.asarray(a, "float32"), b, rtol=0.1, atol=0.1)


@every_layer
def test_devices_do_not_change_the_result(case):
    """Training phase on 2 devices through pmap: dropout masks, batch statistics and outputs as on one."""
    pair, params, state, x, ctx = drawn(case)
    if not case.make().rowwise:
        return
    ctx = ctx.replace(training=True)

    def shard(x, mask):
        out = pair.apply(params, state, x, ctx.replace(axis="data", mask=mask))
        return out.y, out.state

    split = functools.partial(jax.tree.map, lambda a: jnp.reshape(a, (2, -1, *jnp.shape(a)[1:])))
    y, new = jax.pmap(shard, "data", devices=jax.devices()[:2])(split(x), split(ctx.mask))
    out = pair.apply(params, state, x, ctx)
    close(jax.tree.map(lambda a: jnp.reshape(a, (-1, *a.shape[2:])), y), out.y)
    close(jax.tree.map(lambda a: a[0], new), out.state)
