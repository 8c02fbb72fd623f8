"""The functions of Keras's `engine.training_utils`, for packages that prepare data as `fit` does.

Training here reads its data in `arrays`; nothing in jkeras itself needs these.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Generator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jkeras import backend as K
from jkeras import losses
from jkeras.core import settings
from jkeras.core.types import AnyDict, AnyList

_SAME_SHAPE = (losses.mean_squared_error, losses.binary_crossentropy, losses.categorical_crossentropy)


def standardize_single_array(x: Any):
    """An array with at least two axes; a tensor needs a known size of its batch.

    Raises:
        ValueError: a tensor of unknown batch size.

    Keras 2.2.4: keras/engine/training_utils.py standardize_single_array

    Example:
        >>> standardize_single_array(np.zeros(3)).shape
        (3, 1)
    """
    if x is None:
        return None
    if K.is_tensor(x):
        shape = K.int_shape(x)
        if not shape or shape[0] is None:
            raise ValueError(f"A tensor that is fed to a model needs a static batch size; got shape {shape}.")
        return x
    return x[:, None] if x.ndim == 1 else x


def standardize_input_data(
    data: Any, names: Any, shapes: Any = None, check_batch_axis: bool = True, exception_prefix: str = ""
) -> list[Any]:
    """Data as a list of arrays in the order of `names`.

    Args:
        data: array, list of arrays, dict by name, pandas frames in the place of arrays, or None.
        names: what is wanted.
        shapes: for each name the shape to check against, None in it for any size; or None.
        check_batch_axis: whether the first axis is checked too.
        exception_prefix: what errors call the data: "input", "target".

    Returns:
        A list, with None for each name if there are no data.

    Raises:
        ValueError: another number of arrays, a missing name, a wrong shape.

    Keras 2.2.4: keras/engine/training_utils.py standardize_input_data

    Example:
        >>> [a.shape for a in standardize_input_data({"b": np.zeros(3), "a": np.zeros((3, 2))}, ["a", "b"])]
        [(3, 2), (3, 1)]
    """
    if not names:
        if data is not None and len(data):
            raise ValueError(
                f"Error when checking model {exception_prefix}: expected no data, but got: {data}"
            )
        return []
    if data is None:
        return [None] * len(names)
    arrays = [standardize_single_array(x) for x in _by_name(data, names)]
    if len(arrays) != len(names):
        arrays = _from_numbers(data, names, exception_prefix)
    for x, name, shape in zip(arrays, names, shapes or [None] * len(names), strict=True):
        if shape is not None and not K.is_tensor(x):
            _check_shape(x, name, tuple(shape), check_batch_axis, exception_prefix)
    return arrays


def _by_name(data: Any, names: list[str]) -> list[Any]:
    if isinstance(data, AnyDict):
        missing = [name for name in names if name not in data]
        if missing:
            raise ValueError(f'No data provided for "{missing[0]}". Need data for each key in: {names}')
        return [_values(data[name]) for name in names]
    if not isinstance(data, AnyList):
        return [_values(data)]
    if data and isinstance(data[0], AnyList):
        return [np.asarray(x) for x in data]
    if len(names) == 1 and data and isinstance(data[0], (float, int)):
        return [np.asarray(data)]
    return [_values(x) for x in data]


def _values(x: Any):
    return x.values if type(x).__name__ == "DataFrame" else x


def _from_numbers(data: Any, names: list[str], prefix: str) -> list[Any]:
    """A list of what is no array, for a single name, is that array."""
    data = data if isinstance(data, AnyList) else [data]
    if data and hasattr(data[0], "shape") or len(names) > 1:
        what = [tuple(x.shape) if hasattr(x, "shape") else type(x).__name__ for x in data]
        raise ValueError(
            f"Error when checking model {prefix}: the list of Numpy arrays that you are passing to your "
            f"model is not the size the model expected. Expected to see {len(names)} array(s) ({names}), but "
            f"instead got {len(data)}: {what}"
        )
    return [np.asarray(data)]


def _check_shape(x: Any, name: str, shape: tuple[Any, ...], with_batch: bool, prefix: str) -> None:
    if x.ndim != len(shape):
        raise ValueError(
            f"Error when checking {prefix}: expected {name} to have {len(shape)} dimensions, but got array "
            f"with shape {x.shape}"
        )
    first = 0 if with_batch else 1
    want, got = shape[first:], tuple(x.shape[first:])
    if any(w and w != g for w, g in zip(want, got, strict=True)):
        raise ValueError(
            f"Error when checking {prefix}: expected {name} to have shape {want} but got array with shape "
            f"{got}"
        )


def standardize_sample_or_class_weights(x_weight: Any, output_names: Any, weight_type: str):
    """Weights as a list with one entry for each output, None where there are none.

    Args:
        x_weight: what the user gave: for one output as it is; else a list, or a dict by output.
        output_names: names of the outputs.
        weight_type: "sample_weight" or "class_weight", for errors.

    Raises:
        ValueError: a list of another length.
        TypeError: neither list nor dict for several outputs.

    Keras 2.2.4: keras/engine/training_utils.py standardize_sample_or_class_weights

    Example:
        >>> standardize_sample_or_class_weights({"b": [1.0]}, ["a", "b"], "sample_weight")
        [None, [1.0]]
    """
    if x_weight is None or len(x_weight) == 0:
        return [None] * len(output_names)
    if len(output_names) == 1:
        if isinstance(x_weight, AnyList) and len(x_weight) == 1:
            return x_weight
        by_name = isinstance(x_weight, AnyDict) and output_names[0] in x_weight
        return [x_weight[output_names[0]] if by_name else x_weight]
    if isinstance(x_weight, AnyDict):
        return [x_weight.get(name) for name in output_names]
    if not isinstance(x_weight, AnyList):
        raise TypeError(
            f"The model has multiple outputs, so `{weight_type}` should be either a list or a dict. Provided "
            f"`{weight_type}` type not understood: {x_weight}"
        )
    if len(x_weight) != len(output_names):
        raise ValueError(
            f"Provided `{weight_type}` was a list of {len(x_weight)} elements, but the model has "
            f"{len(output_names)} outputs. You should provide one `{weight_type}` array per model output."
        )
    return x_weight


def standardize_class_weights(class_weight: Any, output_names: Any):
    """`standardize_sample_or_class_weights` of class weights.

    Keras 2.2.4: keras/engine/training_utils.py standardize_class_weights
    """
    return standardize_sample_or_class_weights(class_weight, output_names, "class_weight")


def standardize_sample_weights(sample_weight: Any, output_names: Any):
    """`standardize_sample_or_class_weights` of sample weights.

    Keras 2.2.4: keras/engine/training_utils.py standardize_sample_weights
    """
    return standardize_sample_or_class_weights(sample_weight, output_names, "sample_weight")


def standardize_weights(
    y: Any, sample_weight: Any = None, class_weight: Any = None, sample_weight_mode: Any = None
):
    """The weight of each sample (or time step) of a target: as given, by class, or ones.

    Args:
        y: array of targets.
        sample_weight: array; it wins over `class_weight`.
        class_weight: weight by class number.
        sample_weight_mode: "temporal" for a weight of each time step.

    Raises:
        ValueError: a mode that is none, weights of a wrong shape, a class without weight.

    Keras 2.2.4: keras/engine/training_utils.py standardize_weights

    Example:
        >>> standardize_weights(np.array([[0], [1]]), class_weight={0: 1.0, 1: 5.0}).tolist()
        [1.0, 5.0]
    """
    _check_mode(y, sample_weight, sample_weight_mode)
    if sample_weight is not None and class_weight is not None:
        warnings.warn(
            "Found both `sample_weight` and `class_weight`: `class_weight` is ignored.", stacklevel=2
        )
    if sample_weight is not None:
        if y.shape[: sample_weight.ndim] != sample_weight.shape:
            raise ValueError(
                f"Found a sample_weight array with shape {sample_weight.shape} for an input with shape "
                f"{y.shape}. sample_weight cannot be broadcast."
            )
        return sample_weight
    if isinstance(class_weight, AnyDict):
        return _by_class(y, class_weight)
    return np.ones(y.shape[: 1 if sample_weight_mode is None else 2], settings.floatx())


def _check_mode(y: Any, sample_weight: Any, mode: Any) -> None:
    if mode not in (None, "temporal"):
        raise ValueError(f'sample_weight_mode should be None or "temporal". Found: {mode}')
    if mode == "temporal" and y.ndim < 3:
        raise ValueError(
            "Timestep-wise sample weighting is for targets that are at least 3D, that have a time dimension; "
            f"got a target with shape {y.shape}."
        )
    wanted = 1 if mode is None else 2
    if sample_weight is not None and sample_weight.ndim != wanted:
        raise ValueError(
            f"Found a sample_weight array with shape {sample_weight.shape}; with sample_weight_mode={mode!r} "
            f"it has to be {wanted}D."
        )


def _by_class(y: Any, class_weight: dict[str, Any]) -> NDArray[Any]:
    if y.ndim > 2:
        raise ValueError("`class_weight` not supported for 3+ dimensional targets.")
    classes = y.argmax(axis=1) if y.shape[1] > 1 else y[:, 0]
    missing = set(classes.tolist()) - set(class_weight)
    if missing:
        raise ValueError(
            f"`class_weight` must contain all classes in the data. The classes {missing} exist in the data "
            "but not in `class_weight`."
        )
    return np.asarray([class_weight[c] for c in classes.tolist()])


def check_array_length_consistency(inputs: Any, targets: Any, weights: Any = None) -> None:
    """Whether inputs, targets and weights all hold the same number of samples.

    Args:
        inputs, targets, weights: lists of arrays; None counts as 0 samples, an empty list as none to compare.

    Raises:
        ValueError: they do not.

    Keras 2.2.4: keras/engine/training_utils.py check_array_length_consistency
    """
    counts: list[int | None] = []
    for arrays, what in (
        (inputs, "input arrays (x)"),
        (targets, "target arrays (y)"),
        (weights, "sample_weight"),
    ):
        arrays = [None] if arrays is None else arrays
        counts_of_rows = {0 if a is None else int(a.shape[0]) for a in arrays}
        if len(counts_of_rows) > 1:
            shapes = [None if a is None else tuple(a.shape) for a in arrays]
            raise ValueError(f"All {what} should have the same number of samples. Got array shapes: {shapes}")
        counts.append(counts_of_rows.pop() if counts_of_rows else None)
    x, y, w = counts
    if None not in (x, y) and x != y:
        raise ValueError(
            "Input arrays should have the same number of samples as target arrays. Found "
            f"{x} input samples and {y} target samples."
        )
    if None not in (y, w) and y != w:
        raise ValueError(
            "Sample_weight arrays should have the same number of samples as target arrays. Got "
            f"{y} target samples and {w} weights."
        )


def check_loss_and_target_compatibility(targets: Any, loss_fns: Any, output_shapes: Any) -> None:
    """Whether targets have the shape that their losses compare with.

    Args:
        targets: list of arrays or None.
        loss_fns: a loss function or None for each.
        output_shapes: the shape of each output.

    Raises:
        ValueError: a target does not fit.

    Keras 2.2.4: keras/engine/training_utils.py check_loss_and_target_compatibility
    """
    for y, loss, shape in zip(targets, loss_fns, output_shapes, strict=False):
        if y is None or loss is None:
            continue
        if loss is losses.categorical_crossentropy and y.shape[-1] == 1:
            raise ValueError(
                f"You are passing a target array of shape {y.shape} while using as loss "
                "`categorical_crossentropy`, which expects binary matrices (1s and 0s) of shape (samples, "
                "classes). If your targets are integer classes, convert them with "
                "keras.utils.to_categorical(y), or use the loss `sparse_categorical_crossentropy` instead."
            )
        pairs = zip(y.shape[1:], shape[1:], strict=False)
        if loss in _SAME_SHAPE and any(out is not None and out != dim for dim, out in pairs):
            raise ValueError(
                f"A target array with shape {y.shape} was passed for an output of shape {shape} while using "
                f"as loss `{loss.__name__}`. This loss expects targets to have the same shape as the output."
            )


def collect_metrics(metrics: Any, output_names: Any) -> list[list[Any]]:
    """The metrics of each output.

    Args:
        metrics: list for all outputs, or dict by output.
        output_names: names of the outputs.

    Raises:
        TypeError: neither list nor dict.

    Keras 2.2.4: keras/engine/training_utils.py collect_metrics

    Example:
        >>> collect_metrics({"b": "mae"}, ["a", "b"])
        [[], ['mae']]
    """
    if not metrics:
        return [[] for _ in output_names]
    if isinstance(metrics, AnyList):
        return [copy.copy(metrics) for _ in output_names]
    if not isinstance(metrics, AnyDict):
        raise TypeError(
            f"Type of `metrics` argument not understood. Expected a list or dictionary, found: {metrics}"
        )
    chosen = [metrics.get(name, []) for name in output_names]
    return [own if isinstance(own, AnyList) else [own] for own in chosen]


def batch_shuffle(index_array: NDArray[Any], batch_size: int) -> NDArray[Any]:
    """Indices in a new order of whole batches; what is left over stays at the end.

    Keras 2.2.4: keras/engine/training_utils.py batch_shuffle

    Example:
        >>> batch_shuffle(np.arange(5), 4).tolist()
        [0, 1, 2, 3, 4]
    """
    whole = len(index_array) // batch_size * batch_size
    batches = index_array[:whole].reshape(-1, batch_size)
    np.random.shuffle(batches)
    return np.append(batches.ravel(), index_array[whole:])


def make_batches(size: int, batch_size: int) -> list[tuple[int, int]]:
    """(first, last + 1) of each batch of `size` samples.

    Keras 2.2.4: keras/engine/training_utils.py make_batches

    Example:
        >>> make_batches(5, 2)
        [(0, 2), (2, 4), (4, 5)]
    """
    return [(i, min(size, i + batch_size)) for i in range(0, size, batch_size)]


def weighted_masked_objective(fn: Callable[..., Any]):
    """A loss of each sample as a weighted mean over what is not masked.

    Args:
        fn: function of (y_true, y_pred); None gives None.

    Returns:
        A function of (y_true, y_pred, weights, mask=None) that gives a scalar.

    Keras 2.2.4: keras/engine/training_utils.py weighted_masked_objective
    """
    if fn is None:
        return None

    def weighted(y_true: Any, y_pred: Any, weights: Any, mask: Any = None):
        score = fn(y_true, y_pred)
        if mask is not None:
            mask = K.cast(mask, K.floatx())
            score = score * mask / K.mean(mask)
        if weights is not None:
            score = K.mean(score, axis=list(range(K.ndim(weights), K.ndim(score)))) * weights
            score = score / K.mean(K.cast(K.not_equal(weights, 0), K.floatx()))
        return K.mean(score)

    return weighted


def check_num_samples(
    ins: Any, batch_size: int | None = None, steps: int | None = None, steps_name: str = "steps"
) -> int | None:
    """The number of samples; None where `steps` says how long to go on.

    Args:
        ins: list of arrays or tensors.
        batch_size, steps: only one of them.
        steps_name: what errors call `steps`.

    Raises:
        ValueError: both are given; or tensors without `steps`.

    Keras 2.2.4: keras/engine/training_utils.py check_num_samples

    Example:
        >>> check_num_samples([np.zeros((3, 2))], 32)
        3
    """
    if steps is not None and batch_size is not None:
        raise ValueError(f"If {steps_name} is set, the `batch_size` must be None.")
    if not ins or any(K.is_tensor(x) for x in ins):
        if steps is None:
            raise ValueError(
                f"If your data is in the form of symbolic tensors, you should specify the `{steps_name}` "
                "argument (instead of `batch_size`): they produce batches."
            )
        return None
    return int(ins[0].shape[0]) if hasattr(ins[0], "shape") else None


def iter_sequence_infinite(seq: Any) -> Generator[Any]:
    """The batches of a `Sequence` over and over.

    Keras 2.2.4: keras/engine/training_utils.py iter_sequence_infinite
    """
    while True:
        yield from (seq[i] for i in range(len(seq)))
