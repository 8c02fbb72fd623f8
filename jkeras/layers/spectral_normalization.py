"""SpectralNormalization: a layer whose kernel has the norm 1."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import jax.numpy as jnp
from jax import lax

from jkeras import initializers
from jkeras.core import random
from jkeras.core.arguments import LayerArguments
from jkeras.core.types import INFERENCE, Array, Ctx, Key, Out, Pair, Params, Shapes, State, Weights
from jkeras.engine.base_layer import Layer, draw
from jkeras.layers.wrappers import Wrapper
from jkeras.primitives.numeric import l2_normalize


class SpectralNormalization(Wrapper):
    """A layer that in training computes with `kernel / sigma`, sigma the kernel's largest singular value.

    Sigma is found by power iteration, which goes on from step to step with the vector it has come to.
    Inference takes the kernel as it is, as Keras 3 does on JAX.

    Args:
        layer: the inner layer, with a `kernel` or `embeddings`.
        power_iterations: how many each step makes.

    Raises:
        ValueError: a layer without a kernel; no iterations.

    Source: Miyato et al. 2018, arXiv:1802.05957; Keras 3: SpectralNormalization

    Example:
        >>> import numpy as np
        >>> from jkeras.layers import Dense
        >>> SpectralNormalization(Dense(3))(np.ones((2, 4))).shape
        (2, 3)
    """

    supports_masking = True
    call_words = ("training",)
    training_differs = True
    vector_u_initializer = initializers.get({"class_name": "TruncatedNormal", "config": {"stddev": 0.02}})

    def __init__(self, layer: Layer, power_iterations: int = 1, **kwargs: Unpack[LayerArguments]):
        super().__init__(layer, **kwargs)
        if power_iterations < 1:
            raise ValueError(f"`power_iterations` must be at least 1. Received: {power_iterations}")
        self.power_iterations = power_iterations

    def get_weights(self) -> list[Any]:
        """The inner layer's weights, then the vector of the power iteration."""
        return Layer.get_weights(self)

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Replace the inner layer's weights and the vector."""
        Layer.set_weights(self, weights)

    @property
    def weight_places(self) -> list[Any]:
        """Places of its own weights in Keras 3's files, which hold the kernel a second time."""
        kernel = self.layer._params[_kernel_of(self.layer._params, type(self.layer).__name__)]
        return [("vars/0", kernel), ("vars/1", self._state["vector_u"])]

    def formula(self) -> Pair:
        """The pair, with the weight `vector_u`."""
        inner, steps, kind = self.layer.checked_formula(), self.power_iterations, type(self.layer).__name__

        def init(rng: Key, in_shape: Shapes) -> Weights:
            params, state = inner.init(rng, in_shape)
            columns = params[_kernel_of(params, kind)].shape[-1]
            vector = draw(random.fold_in(rng, 1), self, vector_u=(1, columns))
            return {"layer": params}, ({"layer": state} if state else {}) | vector

        def apply(params: Params, state: State, x: Array, ctx: Ctx = INFERENCE) -> Out:
            weights: Params = params["layer"]
            moved: State = {}
            if ctx.training:
                name = _kernel_of(weights, kind)
                kernel, moved["vector_u"] = _normalized(weights[name], state["vector_u"], steps)
                weights = weights | {name: kernel}
            out = inner.apply(weights, state.get("layer", {}), x, ctx.at("layer", mask=ctx.mask))
            moved |= {"layer": out.state} if out.state else {}
            return Out(out.y, moved, out.mask, out.loss, metrics=out.metrics)

        return Pair(init, apply)


def _kernel_of(params: Params, kind: str) -> str:
    name = next((name for name in ("kernel", "embeddings") if name in params), None)
    if name is None:
        raise ValueError(f"a {kind} has neither `kernel` nor `embeddings` for spectral normalization")
    return name


def _normalized(kernel: Array, vector: Array, steps: int) -> tuple[Array, Array]:
    """The kernel divided by its largest singular value, and the vector of the power iteration after it."""
    matrix, u = kernel.reshape((-1, kernel.shape[-1])), vector
    v = u @ matrix.T
    for _ in range(steps):
        v = l2_normalize(u @ matrix.T)
        u = l2_normalize(v @ matrix)
    u, v = lax.stop_gradient(u), lax.stop_gradient(v)
    sigma = (v @ matrix @ u.T)[0, 0]
    still = jnp.all(matrix == 0)  # a kernel of zeros has no direction
    return kernel / jnp.where(still, 1, sigma), jnp.where(still, vector, u).astype(vector.dtype)
