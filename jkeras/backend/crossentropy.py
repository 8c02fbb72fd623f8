"""The crossentropies of the backend, and the test for the best k."""

from __future__ import annotations

from jkeras.backend.conversion import of_arrays_2
from jkeras.core.types import Operand
from jkeras.primitives import numeric

categorical_crossentropy = of_arrays_2(numeric.categorical_crossentropy)
sparse_categorical_crossentropy = of_arrays_2(numeric.sparse_categorical_crossentropy)
in_top_k = of_arrays_2(numeric.in_top_k)


@of_arrays_2
def binary_crossentropy(target: Operand, output: Operand, from_logits: bool = False):
    """-target * log(output) - (1 - target) * log(1 - output), of probabilities or of logits.

    Args:
        target: probabilities, of the shape of `output`.
        output: probabilities (clipped by `epsilon()`), or logits.
        from_logits: whether `output` is logits.

    Returns:
        The crossentropies, of the same shape: one for each number, not the mean.

    Raises:
        ValueError: target and output of different shapes.

    Example:
        >>> print(binary_crossentropy([1.0], [0.0], from_logits=True).round(4))
        [0.6931]

    Keras 2.2.4: keras/backend/tensorflow_backend.py binary_crossentropy
    """
    known = zip(target.shape, output.shape, strict=False)
    if target.ndim != output.ndim or any(_differ(a, b) for a, b in known):
        raise ValueError(
            f"K.binary_crossentropy: target of shape {target.shape} and output of shape {output.shape} must "
            "have the same shape."
        )
    return numeric.binary_crossentropy(target, output, from_logits)


def _differ(a: Operand, b: Operand) -> bool:
    return isinstance(a, int) and isinstance(b, int) and a != b
