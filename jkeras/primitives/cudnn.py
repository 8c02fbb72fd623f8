"""cuDNN's own LSTM, which `jax.experimental.rnn` offers on an NVIDIA GPU, as one of the loops over time."""

from __future__ import annotations

from functools import cache

import jax
import jax.numpy as jnp
from jax.custom_batching import sequential_vmap
from jax.experimental import rnn

from jkeras.primitives.recurrent import Way

EXACT = ("highest", "float32", "F32_F32_F32")  # settings of jax_default_matmul_precision without TF32


@cache
def available() -> bool:
    """Whether this process has an NVIDIA GPU."""
    try:
        return bool(jax.devices("cuda"))
    except RuntimeError:
        return False


def takes(*arrays) -> bool:
    """Whether cuDNN's LSTM computes these here: float32 arrays of known shapes, and a GPU."""
    plain = all(a.dtype == jnp.float32 and all(isinstance(n, int) and n for n in a.shape) for a in arrays)
    return plain and available()


def lstm(params: dict, x, states: list, way: Way):
    """LSTM with sigmoid gates over a whole sequence.

    It has first derivatives in reverse mode (`jax.grad`) and runs under `jit`, `pmap` and `vmap`; cuDNN has
    no forward mode and no second derivatives.

    Args:
        params: `kernel` and `recurrent_kernel` as LSTM has them, `bias` with both of cuDNN's halves.
        x: `(time, batch, features)`.
        states: `[h, c]`, `(batch, units)`.
        way: direction; whether all outputs are wanted.

    Returns:
        `(last output, outputs (time, batch, units) or None, [h, c])`, as `primitives.recurrent.loop`.
    """
    # In memory cuDNN has each gate as (units, features): the four stand below each other.
    matrices = [params["kernel"].T, params["recurrent_kernel"].T, params["bias"]]
    weights = jnp.concatenate([matrix.reshape(-1) for matrix in matrices])
    h, c = (state[None] for state in states)
    batch_major = jnp.swapaxes(jnp.flip(x, 0) if way.reverse else x, 0, 1)
    y, h, c = _lstm(batch_major, h, c, weights)
    ys = jnp.swapaxes(y, 0, 1)
    return h[0], (jnp.flip(ys, 0) if way.reverse else ys) if way.sequences else None, [h[0], c[0]]


@jax.custom_vjp
def _lstm(x, h, c, weights):
    return _forward(x, h, c, weights)[0]


# jax gives these two no rule for vmap: one run after the other is what they can do.


@sequential_vmap
def _forward(x, h, c, weights):
    lengths = jnp.full(x.shape[:1], x.shape[1], jnp.int32)
    return rnn.lstm_fwd(x, h, c, weights, lengths, *_static(x, h))


@sequential_vmap
def _backward(residuals, gradients):
    x, h = residuals[:2]
    return rnn.lstm_bwd(*_static(x, h), residuals, gradients)[:4]


_lstm.defvjp(_forward, _backward)


def _static(x, h) -> tuple[int, int, int, float, bool, jax.lax.Precision]:
    """Sizes of input and state, layers, dropout, whether bidirectional, precision: as jax orders them."""
    precision = jax.config.jax_default_matmul_precision  # pyright: ignore[reportAttributeAccessIssue]
    exact = jax.lax.Precision.HIGHEST if precision in EXACT else jax.lax.Precision.HIGH
    return x.shape[-1], h.shape[-1], 1, 0.0, False, exact
