"""Keras's decorators for Keras 1 arguments, for layers written against `keras.legacy.interfaces`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jkeras.compat.legacy_arguments import Arguments, Family, Keywords, Translated, legacy, of_family

legacy_add_weight_support = legacy("add_weight", of="method")
legacy_batchnorm_support = legacy("batch_norm")
legacy_conv1d_support = legacy("conv1d")
legacy_conv2d_support = legacy("conv2d")
legacy_conv3d_support = legacy("conv3d")
legacy_convlstm2d_support = legacy("conv_lstm2d")
legacy_cropping2d_support = legacy("cropping")
legacy_cropping3d_support = legacy("cropping")
legacy_deconv2d_support = legacy("conv2d_transpose")
legacy_dense_support = legacy("dense")
legacy_dropout_support = legacy("dropout")
legacy_embedding_support = legacy("embedding")
legacy_gaussiandropout_support = legacy("rate")
legacy_gaussiannoise_support = legacy("gaussian_noise")
legacy_generator_methods_support = legacy("generator", of="method")
legacy_get_updates_support = legacy("get_updates", of="method")
legacy_global_pooling_support = legacy("global_pooling")
legacy_input_support = legacy("input")
legacy_lambda_support = legacy("lambda")
legacy_model_constructor_support = legacy("model")
legacy_pooling1d_support = legacy("pooling1d")
legacy_pooling2d_support = legacy("pooling")
legacy_pooling3d_support = legacy("pooling")
legacy_prelu_support = legacy("prelu")
legacy_recurrent_support = legacy("recurrent")
legacy_separable_conv2d_support = legacy("separable_conv2d")
legacy_spatialdropout1d_support = legacy("rate")
legacy_spatialdropoutNd_support = legacy("spatial_dropout")
legacy_upsampling1d_support = legacy("upsampling1d")
legacy_upsampling2d_support = legacy("upsampling")
legacy_upsampling3d_support = legacy("upsampling")
legacy_zeropadding2d_support = legacy("zero_padding2d")
legacy_zeropadding3d_support = legacy("zero_padding3d")


def generate_legacy_interface(
    allowed_positional_args: Sequence[str] | None = None,
    conversions: Sequence[tuple[str, str]] | None = None,
    preprocessor: Callable[..., Any] | None = None,
    value_conversions: Mapping[str, Mapping[Any, Any]] | None = None,
    object_type: str = "class",
) -> Callable[..., Any]:
    """A decorator like those above, for other arguments.

    Args:
        allowed_positional_args: arguments that may be positional, without `self`; None for all.
        conversions: pairs (old name, new name).
        preprocessor: `(args, kwargs) -> (args, kwargs, pairs that it converted)`; its `args` begin with
        `self`. value_conversions: `{old name: {old value: new value}}`.
        object_type: "class" over an `__init__`, else "method".

    Returns:
        The decorator.

    Keras 2.2.4: keras/legacy/interfaces.py generate_legacy_interface

    Example:
        >>> class Scale:
        ...     @generate_legacy_interface(["by"], [("factor", "by")])
        ...     def __init__(self, by):
        ...         self.by = by
        >>> Scale(2).by
        2
    """
    positional = None if allowed_positional_args is None else tuple(allowed_positional_args)

    def prepare(args: Arguments, kwargs: Keywords) -> Translated:
        assert preprocessor is not None
        args, kwargs, converted = preprocessor([None, *args], kwargs)
        return tuple(args[1:]), kwargs, converted

    renames, values = dict(conversions or []), dict(value_conversions or {})
    family = Family(positional, renames, values, prepare if preprocessor else None)
    return of_family(family, "class" if object_type == "class" else "method")


def raise_duplicate_arg_error(old_arg: str, new_arg: str) -> None:
    """Refuse an old and a new name together.

    Raises:
        TypeError: always.

    Keras 2.2.4: keras/legacy/interfaces.py raise_duplicate_arg_error
    """
    raise TypeError(
        f"For the `{new_arg}` argument, the layer received both the legacy keyword argument `{old_arg}` and "
        f"the Keras 2 keyword argument `{new_arg}`. Stick to the latter!"
    )
