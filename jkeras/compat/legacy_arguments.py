"""Keras 1 argument names: one table, one decorator, and Keras's warning.

`@legacy("conv2d")` over an `__init__` lets it take the old names; `of="method"` is for other methods.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias, TypeVar, cast

from jkeras.core.types import AnyDict, AnyList, AnyNumpy, AnyTuple
from jkeras.core.words import near, unknown_arguments

Function = TypeVar("Function", bound=Callable[..., Any])

Arguments: TypeAlias = tuple[Any, ...]  # positional ones, without `self`
Keywords: TypeAlias = dict[str, Any]
Renamed: TypeAlias = Sequence[tuple[str | None, str]]  # (new, old)
Translated: TypeAlias = tuple[Arguments, Keywords, Renamed]


class Family(NamedTuple):
    """The arguments that one kind of signature accepts.

    Args:
        positional: the arguments that may be positional; None allows all.
        renames: old name → new name.
        values: `{old name: {old value: new value}}`, applied before renaming.
        prepare: `(args, kwargs) -> (args, kwargs, [(new, old), ...])` for what a renaming cannot say;
            `args` come without self.
        refused: arguments of later interfaces → what Keras 2.2.4 has instead.
    """

    positional: tuple[str, ...] | None = None
    renames: dict[str, str] = {}
    values: Mapping[str, Mapping[Any, Any]] = {}
    prepare: Callable[[Arguments, Keywords], Translated] | None = None
    refused: dict[str, str] = {}


def legacy(family: str, of: str = "class") -> Callable[[Function], Function]:
    """Decorator: translate Keras 1 arguments of a method, with a warning that shows the Keras 2 call.

    Args:
        family: key of `FAMILIES`.
        of: "class" for an `__init__` (messages name the class), "method" for a method.

    Returns:
        A decorator that keeps the signature.

    Raises:
        TypeError: (when called) old and new name together, too many positional arguments, or an argument that
            only later interfaces have.

    Keras 2.2.4: keras/legacy/interfaces.py generate_legacy_interface

    >>> class Layer:
    ...     @legacy("dense")
    ...     def __init__(self, units, use_bias=True):
    ...         self.units = units
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     layer = Layer(output_dim=3)
    >>> layer.units, str(caught[0].message)
    (3, 'Update your `Layer` call to the Keras 2 API: `Layer(units=3)`')
    """
    return of_family(FAMILIES[family], of)


def of_family(table: Family, of: str = "class") -> Callable[[Function], Function]:
    """`legacy` for a family that is not in the table."""

    def decorate(func: Function) -> Function:
        @functools.wraps(func)
        def translated(self: Any, *args: Any, **kwargs: Any) -> Any:
            called = type(self).__name__ if of == "class" else func.__name__
            args, kwargs, changed = translate(table, called, args, kwargs)
            if changed:
                message = f"Update your `{called}` call to the Keras 2 API: `{_shown(called, args, kwargs)}`"
                warnings.warn(message, stacklevel=2)
            try:
                return func(self, *args, **kwargs)
            except TypeError:
                if misspelt := _misspelt(func, args, kwargs):
                    raise unknown_arguments(called, *misspelt) from None
                raise

        return cast(Function, translated)

    return decorate


def translate(table: Family, called: str, args: Sequence[Any], kwargs: dict[str, Any]) -> Translated:
    """Keras 1 arguments as Keras 2 arguments; the third result lists what changed."""
    kwargs = dict(kwargs)
    changed: list[tuple[str | None, str]] = []
    for name in table.refused.keys() & kwargs.keys():
        raise TypeError(f"`{called}` has no argument `{name}` in Keras 2.2.4: {table.refused[name]}.")
    if table.prepare is not None:
        args, kwargs, prepared = table.prepare(tuple(args), kwargs)
        changed = [*prepared]
    if table.positional is not None and len(args) > len(table.positional):
        raise TypeError(
            f"`{called}` can accept only {len(table.positional)} positional arguments {table.positional}, "
            f"but you passed the following positional arguments: {list(args)}"
        )
    for old, values in table.values.items():
        if old in kwargs and kwargs[old] in values:
            kwargs[old] = values[kwargs[old]]
    for old, new in table.renames.items():
        if old not in kwargs:
            continue
        if new in kwargs:
            raise TypeError(
                f"For the `{new}` argument, `{called}` received both the legacy keyword argument `{old}` and "
                f"the Keras 2 keyword argument `{new}`. Stick to the latter!"
            )
        kwargs[new] = kwargs.pop(old)
        changed.append((new, old))
    return tuple(args), kwargs, changed


def _misspelt(
    func: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]
) -> tuple[list[str], list[str]] | None:
    """The keywords that look like arguments which must be given and are not, and those; None: there are
    none."""
    parameters = inspect.signature(func).parameters
    required = [
        name for name, p in parameters.items() if p.default is p.empty and p.kind == p.POSITIONAL_OR_KEYWORD
    ]
    missing = [name for name in required[1 + len(args) :] if name not in kwargs]
    found = [name for name in kwargs if name not in parameters and near(name, missing)]
    return (found, missing) if found else None


def _shown(called: str, args: Sequence[Any], kwargs: dict[str, Any]) -> str:
    parts = [_short(v) for v in args] + [f"{k}={_short(v)}" for k, v in kwargs.items()]
    return f"{called}({', '.join(parts)})"


def _short(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    text = "array" if isinstance(value, AnyNumpy) else str(value)
    return text[:10] + "..." if len(text) > 10 else text


# --- what a renaming cannot say ------------------------------------------------------------------------


def _joined_kernel(names: tuple[str, ...], shown: str) -> Callable[[Arguments, Keywords], Translated]:
    """Join the sizes of a Keras 1 kernel, given one by one after `filters`, into `kernel_size`."""

    def prepare(args: Arguments, kwargs: Keywords) -> Translated:
        rank = len(names)
        if len(args) > rank + 1:
            raise TypeError(f"Layer can receive at most {rank + 1} positional arguments.")
        sizes, rest = args[1:], names[max(len(args) - 1, 0) :]
        if not all(isinstance(v, int) for v in sizes) or not all(name in kwargs for name in rest):
            return args, kwargs, []
        if len(sizes) > 1 and any(word in kwargs for word in ("padding", "strides", "data_format")):
            raise ValueError(
                "It seems that you use Keras 2 and pass both `kernel_size` and `strides` as integer "
                "positional arguments. For safety reasons this is disallowed: pass `strides` as a keyword."
            )
        kernel_size = sizes + tuple(kwargs.pop(name) for name in rest)
        if args:
            return (args[0], kernel_size), kwargs, [("kernel_size", shown)]
        return args, {**kwargs, "kernel_size": kernel_size}, [("kernel_size", shown)]

    return prepare


_kernel_2d = _joined_kernel(("nb_row", "nb_col"), "nb_row/nb_col")
_kernel_3d = _joined_kernel(("kernel_dim1", "kernel_dim2", "kernel_dim3"), "kernel_dim*")


def _sequence_shape(args: Arguments, kwargs: Keywords) -> Translated:
    if "input_dim" not in kwargs:
        return args, kwargs, []
    length, dim = kwargs.pop("input_length", None), kwargs.pop("input_dim")
    return args, {**kwargs, "input_shape": (length, dim)}, [("input_shape", "input_dim")]


def _separable(args: Arguments, kwargs: Keywords) -> Translated:
    changed: Renamed = []
    if "init" in kwargs:
        init = kwargs.pop("init")
        kwargs |= {"depthwise_initializer": init, "pointwise_initializer": init}
        changed = [("depthwise_initializer/pointwise_initializer", "init")]
    args, kwargs, joined = _kernel_2d(args, kwargs)
    return args, kwargs, [*changed, *joined]


def _transposed(args: Arguments, kwargs: Keywords) -> Translated:
    changed: Renamed = []
    if len(args) == 4 and isinstance(args[3], AnyTuple):
        args, changed = args[:-1], [(None, "output_shape")]
    if "output_shape" in kwargs:
        kwargs.pop("output_shape")
        changed = [(None, "output_shape")]
    args, kwargs, joined = _kernel_2d(args, kwargs)
    return args, kwargs, [*changed, *joined]


def _forget_bias(kwargs: Keywords) -> Renamed:
    if "forget_bias_init" not in kwargs:
        return []
    if kwargs.pop("forget_bias_init") == "one":
        kwargs["unit_forget_bias"] = True
        return [("unit_forget_bias", "forget_bias_init")]
    warnings.warn(
        "The `forget_bias_init` argument has been ignored. Use `unit_forget_bias=True` instead to initialize "
        "with ones.",
        stacklevel=5,
    )
    return []


def _recurrent(args: Arguments, kwargs: Keywords) -> Translated:
    changed = _forget_bias(kwargs)
    args, kwargs, shaped = _sequence_shape(args, kwargs)
    if shaped:
        warnings.warn(
            "The `input_dim` and `input_length` arguments in recurrent layers are deprecated. Use "
            "`input_shape` instead.",
            stacklevel=4,
        )
    return args, kwargs, [*changed, *shaped]


def _conv_lstm(args: Arguments, kwargs: Keywords) -> Translated:
    changed = _forget_bias(kwargs)
    args, kwargs, joined = _kernel_2d(args, kwargs)
    return args, kwargs, [*changed, *joined]


def _embedding(args: Arguments, kwargs: Keywords) -> Translated:
    kwargs.pop("input_dtype", None)  # that of the indices, which Keras 1 wrote into every file
    if "dropout" in kwargs:
        kwargs.pop("dropout")
        warnings.warn(
            "The `dropout` argument is no longer supported in `Embedding`. Put a `SpatialDropout1D` layer "
            "right after the `Embedding` layer to get the same behavior.",
            stacklevel=4,
        )
    return args, kwargs, []


def _batch_norm(args: Arguments, kwargs: Keywords) -> Translated:
    if args:
        raise TypeError(
            "The `BatchNormalization` layer does not accept positional arguments. Use keyword arguments."
        )
    if "mode" not in kwargs:
        return args, kwargs, []
    if kwargs.pop("mode") != 0:
        raise TypeError(
            "The `mode` argument of `BatchNormalization` no longer exists; only the "
            "behavior of `mode=0` is supported."
        )
    return args, kwargs, [(None, "mode")]


def _zero_padding(args: Arguments, kwargs: Keywords) -> Translated:
    given = args[0] if args else kwargs.get("padding")
    sides = ("top_pad", "bottom_pad", "left_pad", "right_pad")
    if not isinstance(given, AnyDict) or not set(given) <= set(sides):
        return args, kwargs, []
    top, bottom, left, right = (given.get(side, 0) for side in sides)
    padding = ((top, bottom), (left, right))
    warnings.warn(
        "The `padding` argument in the Keras 2 API no longer accepts dict types. You can now input argument "
        "as: `padding=((top_pad, bottom_pad), (left_pad, right_pad))`.",
        stacklevel=4,
    )
    return ((padding,), kwargs, []) if args else (args, {**kwargs, "padding": padding}, [])


_PER_BATCH = {"samples_per_epoch", "val_samples", "nb_epoch", "nb_val_samples", "nb_worker"}


def _generator(args: Arguments, kwargs: Keywords) -> Translated:
    """Batches took the place of samples: a generator with a `batch_size` gives as many samples as before."""
    old, changed = _PER_BATCH & kwargs.keys(), []
    if "samples_per_epoch" in kwargs and len(args) < 2 and "steps_per_epoch" not in kwargs:
        generator = args[0] if args else kwargs.get("generator")
        samples = kwargs.pop("samples_per_epoch")
        kwargs["steps_per_epoch"] = samples // getattr(generator, "batch_size", 1)
        changed = [("steps_per_epoch", "samples_per_epoch")]
    if old:
        warnings.warn(
            "The Keras 2 arguments count batches, those of Keras 1 counted samples: `steps_per_epoch` is the "
            "number of batches to draw from the generator in each epoch, samples_per_epoch / batch_size. The "
            "same goes for `validation_steps` (once `nb_val_samples`) and `steps` (once `val_samples`). "
            "Update your calls.",
            stacklevel=4,
        )
    return args, kwargs, changed


def _fit(args: Arguments, kwargs: Keywords) -> Translated:
    if "nb_epoch" in kwargs:
        kwargs["epochs"] = kwargs.pop("nb_epoch")
        warnings.warn("The `nb_epoch` argument in `fit` has been renamed `epochs`.", stacklevel=4)
    return args, kwargs, []


def _add_weight(args: Arguments, kwargs: Keywords) -> Translated:
    """Keras 1 had `add_weight(shape, initializer, name)`."""
    if not args or not isinstance(args[0], (AnyTuple, AnyList)):
        return args, kwargs, []
    kwargs["shape"], args = args[0], args[1:]
    if args and isinstance(args[0], str):
        kwargs["name"], args = args[0], args[1:]
    return args, kwargs, []


def _get_updates(args: Arguments, kwargs: Keywords) -> Translated:
    """Keras 1 had `get_updates(params, constraints, loss)`."""
    if len(args) > 3:
        raise TypeError("`get_updates` call received more arguments than expected: it takes (loss, params).")
    if len(args) == 3:
        return (), {**kwargs, "params": args[0], "loss": args[2]}, []
    if len(args) == 2 and isinstance(args[0], (AnyList, AnyTuple)) and "loss" in kwargs:
        return (), {**kwargs, "params": args[0]}, []
    return args, kwargs, []


# --- the table -----------------------------------------------------------------------------------------

_BIAS = {"b_regularizer": "bias_regularizer", "b_constraint": "bias_constraint", "bias": "use_bias"}
_KERNEL = {
    "init": "kernel_initializer",
    "W_regularizer": "kernel_regularizer",
    "b_regularizer": "bias_regularizer",
    "W_constraint": "kernel_constraint",
    "b_constraint": "bias_constraint",
    "bias": "use_bias",
}
_ORDER = {"dim_ordering": "data_format"}
_ORDERS = {"dim_ordering": {"tf": "channels_last", "th": "channels_first", "default": None}}
_WINDOW = {"nb_filter": "filters", "subsample": "strides", "border_mode": "padding", **_ORDER}
_CONV = _WINDOW | _KERNEL
_GATES = {
    "init": "kernel_initializer",
    "inner_init": "recurrent_initializer",
    "inner_activation": "recurrent_activation",
    "W_regularizer": "kernel_regularizer",
    "b_regularizer": "bias_regularizer",
    "U_regularizer": "recurrent_regularizer",
    "dropout_W": "dropout",
    "dropout_U": "recurrent_dropout",
}
_CONV1D = {
    "nb_filter": "filters",
    "filter_length": "kernel_size",
    "subsample_length": "strides",
    "border_mode": "padding",
    **_KERNEL,
}
_POOL1D = {"pool_length": "pool_size", "stride": "strides", "border_mode": "padding"}
_PLACE = ("filters", "kernel_size")
_BATCHES = {
    "samples_per_epoch": "steps_per_epoch",
    "val_samples": "steps",
    "nb_epoch": "epochs",
    "nb_val_samples": "validation_steps",
    "nb_worker": "workers",
    "pickle_safe": "use_multiprocessing",
    "max_q_size": "max_queue_size",
}

FAMILIES: dict[str, Family] = {
    "dense": Family(("units",), {"output_dim": "units", **_KERNEL}),
    "dropout": Family(("rate", "noise_shape", "seed"), {"p": "rate"}),
    "rate": Family(("rate",), {"p": "rate"}),
    "spatial_dropout": Family(("rate",), {"p": "rate", **_ORDER}, _ORDERS),
    "gaussian_noise": Family(("stddev",), {"sigma": "stddev"}),
    "prelu": Family(("alpha_initializer",), {"init": "alpha_initializer"}),
    "batch_norm": Family(
        (), {"beta_init": "beta_initializer", "gamma_init": "gamma_initializer"}, {}, _batch_norm
    ),
    "conv1d": Family(_PLACE, _CONV1D, {}, _sequence_shape),
    "conv2d": Family(_PLACE, _CONV, _ORDERS, _kernel_2d),
    "conv3d": Family(_PLACE, _CONV, _ORDERS, _kernel_3d),
    "separable_conv2d": Family(_PLACE, _WINDOW | _BIAS, _ORDERS, _separable),
    "conv2d_transpose": Family(_PLACE, _CONV, _ORDERS, _transposed),
    "pooling1d": Family(("pool_size", "strides", "padding"), _POOL1D),
    "pooling": Family(("pool_size", "strides", "padding"), {"border_mode": "padding", **_ORDER}, _ORDERS),
    "global_pooling": Family(None, _ORDER, _ORDERS),
    "upsampling1d": Family(("size",), {"length": "size"}),
    "upsampling": Family(("size",), _ORDER, _ORDERS),
    "zero_padding2d": Family(("padding",), _ORDER, _ORDERS, _zero_padding),
    "zero_padding3d": Family(("padding",), _ORDER, _ORDERS),
    "cropping": Family(("cropping",), _ORDER, _ORDERS),
    "lambda": Family(("function", "output_shape")),
    "input": Family(None, {"input_dtype": "dtype"}),
    "model": Family(None, {"input": "inputs", "output": "outputs"}),
    "embedding": Family(
        ("input_dim", "output_dim"),
        {
            "init": "embeddings_initializer",
            "W_regularizer": "embeddings_regularizer",
            "W_constraint": "embeddings_constraint",
        },
        {},
        _embedding,
    ),
    "recurrent": Family(
        ("units",),
        {"output_dim": "units", **_GATES, "consume_less": "implementation"},
        {"consume_less": {"cpu": 0, "mem": 1, "gpu": 2}},
        _recurrent,
    ),
    "conv_lstm2d": Family(_PLACE, {**_WINDOW, **_GATES, "bias": "use_bias"}, _ORDERS, _conv_lstm),
    "add_weight": Family(None, prepare=_add_weight),
    "get_updates": Family(None, prepare=_get_updates),
    "fit": Family(None, prepare=_fit),
    "generator": Family(("generator", "steps_per_epoch", "epochs"), _BATCHES, prepare=_generator),
    "on_batch": Family(
        None,
        refused={
            "reset_metrics": "metrics are those of this batch alone, nothing is kept",
        },
    ),
    "compile": Family(
        None,
        refused={
            "learning_rate": "it belongs to the optimizer, `SGD(lr=...)`",
        },
    ),
    "save": Family(
        None,
        refused={
            "save_format": "the extension of the path decides (`.msgpack`, `.safetensors`, else HDF5)",
            "signatures": "only layers, weights and training configuration are saved",
            "options": "only layers, weights and training configuration are saved",
        },
    ),
}
