"""Pure: two functions of another library, or of your own, as a layer."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Never, Unpack

import jax
import numpy as np

from jkeras.core import settings
from jkeras.core.arguments import LayerArguments
from jkeras.core.registry import deserialize_keras_object
from jkeras.core.types import (
    INFERENCE,
    AnyList,
    Array,
    Ctx,
    Function,
    Key,
    Out,
    Pair,
    Params,
    Shape,
    Shapes,
    State,
    Tree,
    Weights,
)
from jkeras.engine.base_layer import Layer


@dataclasses.dataclass(frozen=True)
class Unnamed:
    """A function in a config that no file can name: `from_config` takes it as it is."""

    function: Function
    layer: str

    def get_config(self) -> Never:
        """Refuses.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError(
            f"The functions of the layer {self.layer!r} (Pure) have no names that a file could hold: give it "
            "functions of a module, Pure(init, apply), and load with custom_objects={'init': init, 'apply': "
            "apply}; or save the weights alone, model.save_weights(path)."
        )


class Named(str):
    """The name of a function in a config, which files hold; a copy of the layer has the function itself."""

    function: Function | None = None


class Pure(Layer):
    """A layer of two pure functions: of a module of flax, equinox or haiku, or of your own.

    `init` draws any tree of arrays; names of weights are paths in it, as `pure_1/params/Dense_0/kernel`. All
    else is as with any layer: `fit`, `model.pure()`, files of weights, optimizers by path. Several inputs are
    several arguments. Samples are taken to mix: set `rowwise = True` on the layer if they do not.

    Of flax it is `Pure(module.init, module.apply)`; of haiku the pair of
    `hk.without_apply_rng(hk.transform(f))`; of equinox, with any `net = Net(key)`,
    `Pure(lambda key, x: eqx.filter(Net(key), eqx.is_array), lambda p, x: jax.vmap(eqx.combine(p, net))(x))`.
    In `examples/research/` are `flax_layer.py`, `haiku_layer.py` (with statistics and dropout) and
    `equinox_layer.py`.

    Args:
        init: `init(key, x) -> params`, called with zeros of the input's shape and a batch of one.
        apply: `apply(params, x) -> y`.
        state: keys of the tree that are no parameters but change in training, as flax's `"batch_stats"`:
            `apply` is then called with `mutable=[...]` in training, and returns `(y, changed)`.
        rngs: names of random streams: in training `apply` gets `rngs={name: key}`.
        training: the keyword by which `apply` is told whether it is training, as `"train"`.

    Raises:
        ValueError: the input has an unknown size beside the batch's.

    Keras 3: JaxLayer and FlaxLayer

    Example:
        >>> import jax
        >>> def init(key, x):
        ...     return {"outer": {"w": jax.random.normal(key, (x.shape[-1], 2))}}
        >>> def apply(params, x):
        ...     return x @ params["outer"]["w"]
        >>> import jkeras
        >>> model = jkeras.Sequential([jkeras.Input((3,)), Pure(init, apply, name="mine")])
        >>> [weight.name for weight in model.weights]
        ['mine/outer/w:0']
    """

    rowwise = False
    training_differs = True

    def __init__(
        self,
        init: Function,
        apply: Function,
        state: str | Sequence[str] = (),
        rngs: str | Sequence[str] = (),
        training: str | None = None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        self.init, self.apply, self.training = init, apply, training
        self.state = (state,) if isinstance(state, str) else tuple(state)
        self.rngs = (rngs,) if isinstance(rngs, str) else tuple(rngs)

    def formula(self) -> Pair:
        """The pair that the layer was made of."""
        draw, compute, moving, streams, flag = self.init, self.apply, self.state, self.rngs, self.training

        def init(rng: Key, in_shape: Shapes) -> Weights:
            shapes = in_shape if isinstance(in_shape, AnyList) else [in_shape]
            tree: Any = draw(rng, *map(_zeros, shapes))
            if not moving:
                return tree, {}
            state = {name: tree[name] for name in moving if name in tree}
            return {name: value for name, value in tree.items() if name not in moving}, state

        def apply(params: Params, state: State, x: Tree, ctx: Ctx = INFERENCE) -> Out:
            xs = x if isinstance(x, AnyList) else [x]
            words: dict[str, Any] = {} if flag is None else {flag: ctx.training}
            if streams and ctx.training:
                words["rngs"] = {name: ctx.key(i) for i, name in enumerate(streams)}
            if not moving:
                return Out(compute(params, *xs, **words))
            variables = {**params, **state}
            if not ctx.training:
                return Out(compute(variables, *xs, **words))
            y, changed = compute(variables, *xs, mutable=list(moving), **words)
            return Out(y, dict(changed))

        return Pair(init, apply)

    def get_config(self) -> dict[str, Any]:
        """The arguments; functions by name where a module has them under it."""
        config = super().get_config()
        return config | {name: _kept(config[name], self.name) for name in ("init", "apply")}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Pure:
        """A new layer; functions that a file names are found in `custom_objects`.

        Raises:
            ValueError: they are not.
        """
        found: dict[str, Any] = {name: _found(config[name], custom_objects) for name in ("init", "apply")}
        return cls(**(config | found))


def _zeros(shape: Shape) -> Array:
    if None in shape[1:]:
        raise ValueError(f"`init` draws weights for a known shape; the input has {shape}.")
    sizes = [size for size in shape[1:] if size is not None]
    return jax.device_put(np.zeros((1, *sizes), settings.floatx()))  # which compiles nothing


def _kept(function: Function, layer: str) -> Any:
    name = getattr(function, "__qualname__", ".")
    is_method = "." in name or getattr(function, "__self__", None) is not None
    if is_method:
        return Unnamed(function, layer)
    kept = Named(name)
    kept.function = function
    return kept


def _found(kept: Any, custom_objects: Mapping[str, Any] | None) -> Function:
    if isinstance(kept, (Unnamed, Named)) and kept.function is not None:
        return kept.function
    if not isinstance(kept, str):
        return kept
    return deserialize_keras_object(
        kept, custom_objects=custom_objects, printable_module_name="function of a Pure layer"
    )
