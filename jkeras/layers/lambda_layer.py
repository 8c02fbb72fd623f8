"""Lambda: any function as a layer."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, Unpack

import jax
import numpy as np

from jkeras.core import functions
from jkeras.core.arguments import LayerArguments, ShapeLike
from jkeras.core.registry import deserialize_keras_object
from jkeras.core.snapshot import as_now
from jkeras.core.types import AnyDict, AnyList, AnyNumpy, AnyTuple, Function, Shapes, Tree
from jkeras.engine.base_layer import Layer
from jkeras.engine.call.adapter import specs_for

PREFIX = "fingerprint:"


class Lambda(Layer):
    """A function of tensors as a layer: `y = function(x, **arguments)`.

    Args:
        function: takes the input (a list for several) and, if it has a parameter `mask`, the mask. K.*,
            jax.numpy and Python's operators all work. Variables that it
            uses keep their current value in training.
        output_shape: where the shape cannot be found by tracing: a tuple without the batch axis, or a
            function of the input shape.
        mask: the output's mask, or a function `(inputs, mask) -> mask`.
        arguments: keyword arguments for the function.

    Raises:
        TypeError: `function` is not callable, or `output_shape` is neither shape nor function.

    Keras 2.2.4: keras/layers/core.py Lambda

    Example:
        >>> import numpy as np
        >>> Lambda(lambda x: x**2)(np.array([[3.0]])).tolist()
        [[9.0]]
    """

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: ShapeLike | Callable[..., Any] | None = None,
        mask: Tree = None,
        arguments: Mapping[str, Any] | None = None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        if not callable(function):
            raise TypeError(f"Lambda {self.name!r} needs a function; got {function!r}.")
        if (
            output_shape is not None
            and not isinstance(output_shape, (AnyList, AnyTuple))
            and not callable(output_shape)
        ):
            raise TypeError(
                f"Lambda {self.name!r}: output_shape is a tuple, a list or a function; got {output_shape!r}."
            )
        self.function, self.mask = function, mask
        self.arguments = dict(arguments or {})
        self.declared_shape: Any = tuple(output_shape) if isinstance(output_shape, AnyList) else output_shape
        self.supports_masking = mask is not None

    def call(self, inputs: Tree, mask: Tree = None):
        """Run the function."""
        return _run(self.function, self.arguments, inputs, mask)

    def code_now(self) -> Function:
        """The function as it is now."""
        if type(self).call is not Lambda.call:
            return super().code_now()
        return functools.partial(_run, as_now(self.function), self.arguments)

    def compute_mask(self, inputs: Tree, mask: Tree = None):
        """The mask that `mask` gives; the input's mask ends here otherwise."""
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def declared_output_specs(self, shapes: Shapes):
        """Specs by `output_shape`, or None."""
        from_user = self.declared_shape
        if from_user is None:
            return None
        first = shapes[0] if isinstance(shapes, AnyList) else shapes
        return specs_for(from_user(shapes) if callable(from_user) else (first[0], *from_user), self.dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain values."""
        function, function_type = _named(self.function)
        shape, shape_type = (
            _named(self.declared_shape) if callable(self.declared_shape) else (self.declared_shape, "raw")
        )
        config = super().get_config() | {
            "function": function,
            "function_type": function_type,
            "output_shape": shape,
            "output_shape_type": shape_type,
            "arguments": self.arguments,
        }
        mask = config.pop("mask", None)  # Keras forgets it
        return config if mask is None else config | {"mask": _named(mask)[0] if callable(mask) else mask}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None):
        """A new layer; functions are found in `custom_objects` or among those known to this process.

        Raises:
            ValueError: the config holds code, or names a function that nobody knows.
        """
        config = dict(config)
        kind, shape_kind = config.pop("function_type", "function"), config.pop("output_shape_type", "raw")
        config["function"] = find(config["function"], kind, config.get("name"), custom_objects)
        if shape_kind != "raw":
            config["output_shape"] = find(
                config["output_shape"], shape_kind, config.get("name"), custom_objects
            )
        mask = config.get("mask")
        if isinstance(mask, (str, list)):
            mask_kind = "function" if isinstance(mask, str) else "lambda"
            config["mask"] = find(mask, mask_kind, config.get("name"), custom_objects)
        config["arguments"] = stored_arguments(config.get("arguments") or {})
        return cls(**config)


def packed(value: Any) -> Any:
    """Arguments for a file: arrays as Keras writes them, and their type."""
    if isinstance(value, AnyDict):
        return {key: packed(item) for key, item in value.items()}
    if isinstance(value, (AnyList, AnyTuple)):
        items = [packed(item) for item in value]
        return items if isinstance(value, AnyList) else tuple(items)
    if isinstance(value, (AnyNumpy, jax.Array)):
        array = np.asarray(value)
        return {"type": "ndarray", "value": array.tolist(), "dtype": array.dtype.name}
    return value


def stored_arguments(value: Any) -> Any:
    """Arguments from a file."""
    if isinstance(value, AnyDict) and value.get("type") == "ndarray" and "value" in value:
        return np.array(value["value"], value.get("dtype"))
    if isinstance(value, AnyDict):
        return {key: stored_arguments(item) for key, item in value.items()}
    return type(value)(stored_arguments(item) for item in value) if type(value) in (list, tuple) else value


def _run(function: Function, arguments: dict[str, Any], inputs: Tree, mask: Tree = None):
    try:
        takes_mask = "mask" in inspect.signature(function).parameters
    except (TypeError, ValueError):  # a builtin without a signature
        takes_mask = False
    return function(inputs, **arguments, **({"mask": mask} if takes_mask else {}))


def _named(function: Function) -> tuple[Any, str]:
    """A function as a config keeps it: by name if it has one, else by fingerprint; never its code."""
    mark = functions.remember(function)
    name = getattr(function, "__name__", "<lambda>")
    if name == "<lambda>":
        return [PREFIX + mark, None, None], "lambda"
    return name, "function"


def find(stored: Any, kind: str, layer_name: str | None, custom_objects: dict[str, Any] | None):
    """The function that a config means."""
    if callable(stored):
        return stored
    if kind == "function":
        known = {f.__name__: f for f in functions.known() if hasattr(f, "__name__")}
        return deserialize_keras_object(
            stored,
            module_objects=known,
            custom_objects=custom_objects,
            printable_module_name="function in Lambda layer",
        )
    mark = stored[0] if isinstance(stored, (AnyList, AnyTuple)) else stored
    if isinstance(mark, str) and mark.startswith(PREFIX):
        function = functions.recall(mark.removeprefix(PREFIX))
        if function is not None:
            return function
        why = "was made from an unnamed function that this process does not know"
    else:
        why = "holds Python bytecode, which is not run"
    raise ValueError(
        f"The Lambda layer {layer_name!r} in the config {why}. Use a named function and pass it at loading: "
        "custom_objects={'name': function}; or build the model in code and call load_weights."
    )
