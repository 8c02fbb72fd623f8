"""Small helpers on numpy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.typing import NDArray

from jkeras.core.arguments import refuse_text


def to_categorical(y: Any, num_classes: int | None = None, dtype: npt.DTypeLike = "float32") -> NDArray[Any]:
    """Class numbers as one-hot rows, for the loss `categorical_crossentropy`.

    Args:
        y: whole numbers from 0 to `num_classes - 1`, of any shape; a last axis of size 1 is dropped.
        num_classes: number of classes; None means the largest label plus one.
        dtype: of the result.

    Returns:
        An array of the shape of `y` with an axis for the classes at its end.

    Raises:
        IndexError: a label is negative or not below `num_classes`.
        ValueError: `y` holds texts, or is empty and `num_classes` is not given.

    Keras 2.2.4: keras/utils/np_utils.py to_categorical.

    Example:
        >>> to_categorical([0, 2, 1])
        array([[1., 0., 0.],
               [0., 0., 1.],
               [0., 1., 0.]], dtype=float32)
    """
    refuse_text(num_classes=num_classes)
    y = np.array(y)
    if y.dtype.kind in "USO" and any(isinstance(label, str) for label in y.flat):
        raise ValueError(
            f"to_categorical takes class numbers, and got the text {str(y.flat[0])!r}. Number texts with "
            "`names, y = np.unique(y, return_inverse=True)`."
        )
    y = y.astype("int")
    shape = y.shape[:-1] if y.ndim > 1 and y.shape[-1] == 1 else y.shape
    y = y.ravel()
    if not num_classes:
        if not y.size:
            raise ValueError("to_categorical: `y` is empty; pass `num_classes`.")
        num_classes = int(y.max()) + 1
    wrong = y[(y < 0) | (y >= num_classes)]
    if wrong.size:
        raise IndexError(
            f"index {wrong[0]} is out of bounds for axis 1 with size {num_classes}: to_categorical takes "
            f"labels from 0 to num_classes - 1 = {num_classes - 1}."
        )
    categorical: NDArray[Any] = np.zeros((len(y), num_classes), dtype)
    categorical[np.arange(len(y)), y] = 1
    return categorical.reshape(shape + (num_classes,))


def normalize(x: Any, axis: int = -1, order: Any = 2) -> NDArray[Any]:
    """Divide `x` by its norm along an axis; where the norm is 0, `x` stays 0.

    Args:
        x: an array.
        axis: the axis of the norm.
        order: of the norm, as `numpy.linalg.norm` takes it (2: Euclidean).

    Returns:
        A new array.

    Keras 2.2.4: keras/utils/np_utils.py normalize.

    Example:
        >>> normalize([[3.0, 4.0], [0.0, 0.0]])
        array([[0.6, 0.8],
               [0. , 0. ]])
    """
    refuse_text(axis=axis)
    norm = np.atleast_1d(np.linalg.norm(x, order, axis))
    norm[norm == 0] = 1
    return x / np.expand_dims(norm, axis)
