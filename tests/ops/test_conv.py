"""Convolutions: both ways to compute them agree, with each other and with sums written out."""

from __future__ import annotations

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jkeras.ops import conv as ops
from jkeras.ops import conv_args

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


def test_large_patches_are_not_made(monkeypatch):
    x, kernel = normal(1, 8, 8, 1), normal(3, 3, 1, 2)

    def program():
        return str(jax.make_jaxpr(lambda x: ops.conv(x, kernel, (1, 1), "same", LAST, (1, 1)))(x))

    assert "conv_general_dilated" not in program()
    monkeypatch.setattr(ops, "_MOST_BYTES", 1000)
    assert "conv_general_dilated" in program()


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
