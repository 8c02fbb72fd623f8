"""The best LSTM layers that we could write by hand in JAX: the measure of jkeras's.

The input is projected before the loop, all time steps in one matrix product. The forward loop saves the
factors of the backward loop ready made; the gradients of the weights are products over all time steps.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax


def network(layers: list[dict], x, masked: bool):
    """LSTM layers, of which all but the last give their whole sequence, and perhaps a softmax on top."""
    keep = jnp.any(x != 0, -1) if masked else None
    lstms = [layer for layer in layers if "recurrent_kernel" in layer]
    for layer in lstms:
        x = lstm(layer, x, keep, sequences=layer is not lstms[-1])
    top = layers[-1]
    return x if top is lstms[-1] else jax.nn.softmax(x @ top["kernel"] + top["bias"])


def lstm(weights: dict, x, keep, sequences: bool):
    """Batch-major; where `keep` (batch, time) is False, the states stay."""
    batch, time, features = x.shape
    steps = jnp.swapaxes(x, 0, 1).reshape(-1, features)
    z = (steps @ weights["kernel"]).reshape(time, batch, -1) + weights["bias"]
    keep = None if keep is None else keep.T[..., None]
    y = recurrence(sequences, z, weights["recurrent_kernel"], keep)
    return jnp.swapaxes(y, 0, 1) if sequences else y


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def recurrence(sequences: bool, z, w, keep):
    """From projected inputs (time, batch, 4 * units) to outputs (time, batch, units), or the last one."""
    return _forward(sequences, z, w, keep)[0]


def _forward(sequences, z, w, keep):
    zeros = jnp.zeros((z.shape[1], w.shape[0]), z.dtype)

    def step(states, now):
        (h, c), (z, keep) = states, now
        i, f, g, o = jnp.split(z + h @ w, 4, -1)
        i, f, g, o = jax.nn.sigmoid(i), jax.nn.sigmoid(f), jnp.tanh(g), jax.nn.sigmoid(o)
        new = f * c + i * g
        s = jnp.tanh(new)
        factors = g * i * (1 - i), c * f * (1 - f), i * (1 - g * g), s * o * (1 - o), f, o * (1 - s * s)
        y = o * s
        if keep is not None:
            y, new = jnp.where(keep, y, h), jnp.where(keep, new, c)
        return (y, new), (y, factors)

    (last, _), (ys, factors) = lax.scan(step, (zeros, zeros), (z, keep))
    before = jnp.concatenate([zeros[None], ys[:-1]])
    return (ys if sequences else last), (before, factors, w, keep)


def _backward(sequences, saved, dy):
    before, factors, w, keep = saved
    zeros, turned = jnp.zeros_like(before[0]), w.T

    def step(states, now):
        (dh, dc), (dy, (by_i, by_f, by_g, by_o, f, by_h), keep) = states, now
        dh = dh if dy is None else dh + dy
        inner = dc + dh * by_h
        dz = jnp.concatenate([inner * by_i, inner * by_f, inner * by_g, dh * by_o], -1)
        if keep is None:
            return (dz @ turned, inner * f), dz
        dz = jnp.where(keep, dz, 0)
        return (jnp.where(keep, dz @ turned, dh), jnp.where(keep, inner * f, dc)), dz

    start, dys = ((zeros, zeros), dy) if sequences else ((dy, zeros), None)
    _, dz = lax.scan(step, start, (dys, factors, keep), reverse=True)
    units, columns = w.shape
    return dz, before.reshape(-1, units).T @ dz.reshape(-1, columns), None


recurrence.defvjp(_forward, _backward)
