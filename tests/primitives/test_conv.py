"""Convolutions: both ways to compute them agree, with each other and with sums written out."""

from __future__ import annotations

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jkeras import backend as K
from jkeras.primitives import conv as ops
from jkeras.primitives import conv_args
from jkeras.primitives import conv_products as products
from jkeras.training.run.step import has_slow_convolution

LAST, FIRST = "channels_last", "channels_first"
rng = np.random.RandomState(0)


def normal(*shape):
    return jnp.asarray(rng.randn(*shape), jnp.float32)


def both(monkeypatch, function, *arrays):
    """Value and gradients, by patches and by XLA's convolution."""

    def total(*arrays):
        y = function(*arrays)
        return jnp.sum(y * jnp.cos(jnp.arange(y.size).reshape(y.shape))), y

    def run(cpu):
        monkeypatch.setattr(ops, "_on_cpu", lambda: cpu)
        return jax.jit(jax.grad(total, range(len(arrays)), has_aux=True))(*arrays)

    return run(True), run(False)


def same(a, b):
    jax.tree.map(lambda p, q: np.testing.assert_allclose(p, q, rtol=1e-4, atol=1e-4), a, b)


@pytest.mark.parametrize("format", [LAST, FIRST])
@pytest.mark.parametrize(
    "rank, padding, strides, dilation",
    [
        (1, "causal", (2,), (1,)),
        (1, "causal", (1,), (3,)),
        (2, "same", (2, 3), (1, 1)),
        (2, "valid", (1, 1), (2, 1)),
        (3, "same", (1, 2, 1), (1, 1, 1)),
    ],
)
def test_patches_and_xla_agree(monkeypatch, format, rank, padding, strides, dilation):
    spatial = (7, 6, 5)[:rank]
    x = normal(2, *spatial, 3) if format == LAST else normal(2, 3, *spatial)
    size = (3, 2, 2)[:rank]
    for function, out in ((ops.conv, 4), (ops.depthwise_conv, 2)):
        geometry = dict(strides=strides, padding=padding, format=format, dilation=dilation)
        same(*both(monkeypatch, functools.partial(function, **geometry), x, normal(*size, 3, out)))


@pytest.mark.parametrize("format", [LAST, FIRST])
def test_transposed_convolution_is_the_gradient_of_the_convolution(monkeypatch, format):
    x, kernel = normal(2, 3, 4, 3), normal(3, 2, 5, 3)
    lengths = [conv_args.transposed_length(n, k, s, "same", None, 1) for n, k, s in ((3, 3, 2), (4, 2, 3))]
    if format == FIRST:
        x = jnp.moveaxis(x, -1, 1)
    geometry = dict(strides=(2, 3), padding="same", format=format, dilation=(1, 1))
    transposed = functools.partial(ops.conv_transpose, lengths=lengths, **geometry)
    patches, xla = both(monkeypatch, transposed, x, kernel)
    same(patches, xla)
    big = normal(2, *lengths, 5) if format == LAST else normal(2, 5, *lengths)
    _, pull = jax.vjp(lambda z: ops.conv(z, kernel, **geometry), big)
    same(pull(x)[0], patches[1])


def test_impossible_transposed_length_is_refused():
    with pytest.raises(ValueError, match="length 2 out of length 2 with kernel size 2, stride 3"):
        ops.conv_transpose(normal(1, 2, 1), normal(2, 1, 1), [2], (3,), "same", LAST, (1,))


def test_convolution_is_the_written_out_sum():
    x, kernel = normal(1, 6, 2), normal(3, 2, 4)
    y = ops.conv(x, kernel, (2,), "valid", LAST, (1,))
    for p, o in itertools.product(range(2), range(4)):
        expected = sum(x[0, 2 * p + k, i] * kernel[k, i, o] for k in range(3) for i in range(2))
        np.testing.assert_allclose(y[0, p, o], expected, rtol=1e-4, atol=1e-5)


def test_local_convolution_with_equal_kernels_is_a_convolution():
    x, kernel = normal(2, 5, 4, 3), normal(3, 2, 3, 2)
    places = jnp.broadcast_to(kernel.reshape(1, -1, 2), (9, 18, 2))
    expected = ops.conv(x, kernel, (1, 1), "valid", LAST, (1, 1))
    same(ops.local_conv(x, places, (3, 2), (1, 1), LAST), expected)


PLAIN = dict(strides=(1, 1), padding="same", format=LAST, dilation=(1, 1))


def plain(x, kernel):
    return ops.conv(x, kernel, **PLAIN)


on_a_cpu = pytest.mark.skipif(jax.default_backend() != "cpu", reason="the choice is one for CPUs")


def by_xla(function, *arrays) -> bool:
    return "conv_general_dilated" in str(jax.make_jaxpr(function)(*arrays))


def run_by_xla(x, kernel, strides, padding, dilation):
    """`lax`'s own convolution, with its own derivatives."""
    at = ops._geometry(x.shape[1:-1], kernel, strides, padding, dilation)
    return ops._conv_by_xla(x, kernel, at, LAST)


@on_a_cpu
@pytest.mark.parametrize("most", [products.MOST_BYTES, 0], ids=["patches", "no patches"])
@pytest.mark.parametrize(
    "spatial, size, strides, padding, dilation",
    [
        ((9,), (3,), (1,), "causal", (2,)),
        ((9,), (3,), (2,), "same", (1,)),
        ((7, 6), (3, 2), (1, 1), "valid", (1, 1)),
        ((7, 6), (2, 3), (1, 1), "same", (2, 1)),
        ((8, 7), (3, 2), (2, 3), "same", (1, 1)),
        ((8, 7), (3, 3), (2, 2), "valid", (1, 1)),
        ((5, 4), (5, 4), (1, 1), "valid", (1, 1)),
        ((9, 10), (9, 8), (1, 2), "same", (1, 1)),
        ((4, 1), (1, 1), (3, 1), "same", (1, 1)),
    ],
    ids=str,
)
def test_products_are_those_of_lax(monkeypatch, spatial, size, strides, padding, dilation, most):
    monkeypatch.setattr(products, "MOST_BYTES", most)
    x, kernel = normal(2, *spatial, 3), normal(*size, 3, 4)
    geometry = dict(strides=strides, padding=padding, dilation=dilation)

    def results(conv):
        y, pull = jax.vjp(conv, x, kernel)
        return y, pull(jnp.sin(y)), jax.jvp(conv, (x, kernel), (2 * x, kernel + 1))[1]

    ours = jax.jit(lambda: results(functools.partial(ops.conv, format=LAST, **geometry)))()
    same(ours, jax.jit(lambda: results(functools.partial(run_by_xla, **geometry)))())


def test_no_rows_are_convolved_to_no_rows():
    x, kernel = normal(0, 5, 4, 3), normal(3, 2, 3, 2)
    assert plain(x, kernel).shape == (0, 5, 4, 2)
    slope = jax.jit(jax.grad(lambda kernel: plain(x, kernel).sum()))(kernel)
    np.testing.assert_array_equal(slope, jnp.zeros_like(kernel))


@on_a_cpu
@pytest.mark.parametrize("format", [LAST, FIRST])
@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("shape, size", [((6, 3), (3,)), ((6, 5, 3), (3, 2)), ((6, 5, 3), (1, 1))], ids=str)
def test_products_are_fast_in_loops(shape, size, strides, format):
    """Each convolution of a value and its derivatives is in the layout that a loop has a fast one for."""
    x, kernel = normal(2, *shape), normal(*size, 3, 4)
    x = x if format == LAST else jnp.moveaxis(x, -1, 1)
    steps, ones = (strides,) * len(size), (1,) * len(size)

    def run(x, kernel):
        y = ops.conv(x, kernel, steps, "same", format, ones)
        back = ops.conv_transpose(y, kernel, shape[:-1], steps, "same", format, ones)
        return jnp.sum(jnp.tanh(y)) + jnp.sum(jnp.tanh(back))

    assert not has_slow_convolution(jax.make_jaxpr(jax.grad(run, (0, 1)))(x, kernel))
    assert not has_slow_convolution(jax.make_jaxpr(run)(x, kernel))


def test_derivatives_of_lax_are_slow_in_loops():
    x, kernel = normal(1, 4, 4, 2), normal(3, 3, 2, 2)
    ones, run = (1, 1), functools.partial(run_by_xla, padding="same")
    assert not has_slow_convolution(jax.make_jaxpr(lambda x: run(x, kernel, ones, dilation=ones))(x))
    loss = jax.grad(lambda x: run(x, kernel, ones, dilation=ones).sum())
    assert has_slow_convolution(jax.make_jaxpr(loss)(x))
    cube, window = normal(1, 4, 4, 4, 2), normal(3, 3, 3, 2, 2)
    plain = jax.make_jaxpr(lambda x: run(x, window, (1, 1, 1), dilation=(1, 1, 1)))(cube)
    assert has_slow_convolution(plain)


@on_a_cpu
def test_large_patches_are_not_made(monkeypatch):
    x, kernel = normal(1, 4, 4, 4, 1), normal(2, 2, 2, 1, 2)
    run = functools.partial(ops.conv, strides=(1, 1, 1), padding="same", format=LAST, dilation=(1, 1, 1))
    assert not by_xla(lambda x: run(x, kernel), x)
    monkeypatch.setattr(products, "MOST_BYTES", 1000)
    assert by_xla(lambda x: run(x, kernel), x)


@on_a_cpu
def test_half_and_double_precision_on_a_cpu():
    x, kernel = normal(1, 4, 4, 2), normal(3, 3, 2, 2)
    with jax.enable_x64(True):
        for dtype, xla in (("float16", True), ("bfloat16", True), ("float64", False), ("int32", False)):
            assert by_xla(plain, x.astype(dtype), kernel.astype(dtype)) is xla


def test_every_derivative_through_both_ways():
    """Derivatives of all orders and modes, of one sample and of many, are those of the sum by patches."""
    x, kernel = normal(2, 5, 4, 3), normal(3, 2, 3, 2)
    at = ops._geometry((5, 4), kernel, (1, 1), "same", (1, 1))

    def results(conv):
        def loss(x, kernel):
            return jnp.sum(jnp.tanh(conv(x, kernel)) ** 2)

        slope = jax.grad(loss)
        many = jnp.stack([kernel, 2 * kernel])
        return [
            conv(x, kernel),
            jax.vmap(conv, (None, 0))(x, many),
            jax.vmap(conv)(jnp.stack([x, -x]), many),
            jax.grad(loss, (0, 1))(x, kernel),
            jax.vmap(jax.grad(loss, 1), (None, 0))(x, many),
            jax.grad(lambda k: jnp.sum(jax.vmap(loss, (0, None))(x[:, None], k)))(kernel),
            jax.grad(lambda k: jnp.sum(slope(x, k) ** 2))(kernel),
            jax.jvp(jax.grad(loss, 1), (x, kernel), (x, kernel))[1],
            jax.grad(jax.checkpoint(loss), 1)(x, kernel),
            jax.linear_transpose(lambda k: conv(x, k), kernel)(conv(x, kernel)),
            jax.grad(lambda k: jax.lax.scan(lambda s, x: (s + loss(x[None], k), None), 0.0, x)[0])(kernel),
        ]

    same(jax.jit(lambda: results(plain))(), results(lambda x, k: products.by_patches(x, k, at)))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_input_with_float32_kernel(monkeypatch, dtype):
    x, kernel = normal(1, 5, 5, 2).astype(dtype), normal(3, 3, 2, 2)
    for cpu in (True, False):
        monkeypatch.setattr(ops, "_on_cpu", lambda cpu=cpu: cpu)
        assert ops.conv(x, kernel, (1, 1), "same", LAST, (1, 1)).dtype == jnp.float32
        assert ops.conv(x, kernel.astype(dtype), (1, 1), "same", LAST, (1, 1)).dtype == dtype


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: conv_args.int_tuple((1, 2, 3), 2, "strides"), "`strides` argument must be an integer or"),
        (lambda: conv_args.int_tuple(1.5, 2, "strides"), "`strides` argument must be an integer or"),
        (lambda: conv_args.positive_tuple(0, 2, "pool_size"), "`pool_size` argument must hold positive"),
        (
            lambda: conv_args.margins((1, 2, 3), 2, "padding"),
            "`padding` should be either an int|an int, a tuple of 2",
        ),
        (lambda: conv_args.margins((1, -2), 2, "cropping"), "`cropping` must not hold negative"),
        (lambda: conv_args.padding_mode("full"), 'Invalid padding: full. .* "valid" or "same"'),
        (lambda: conv_args.window(2, 3, 1, "valid"), "extent 3 does not fit into length 2"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("name", ["conv2d", "depthwise_conv2d", "separable_conv2d"])
def test_strides_and_dilation_together_are_refused(name):
    """TensorFlow refuses them in a convolution, and has something else in mind in a depthwise one."""
    kernels = [np.ones((3, 3, 2, 1)), np.ones((1, 1, 2, 2))][: 2 if name.startswith("separable") else 1]
    convolve = functools.partial(getattr(K, name), np.ones((1, 9, 9, 2)), *kernels, dilation_rate=(2, 2))
    assert convolve(strides=(1, 1)).shape[1:3] == (5, 5)
    with pytest.raises(ValueError, match=r"strides=\(2, 1\), dilation_rate=\(2, 2\)"):
        convolve(strides=(2, 1))
