"""The named settings of `VarianceScaling` as classes, in the words of Keras 3."""

from __future__ import annotations

from typing import Any

from jkeras.initializers.classes import VarianceScaling


class _Named(VarianceScaling):
    def get_config(self) -> dict[str, Any]:
        return {"seed": self.seed}


class GlorotNormal(_Named):
    """Truncated normal with the variance 2 / (fan_in + fan_out).

    Args:
        seed: int; with a seed every call gives the same values.

    Example:
        >>> GlorotNormal(seed=1).get_config(), GlorotNormal()((2, 3)).shape
        ({'seed': 1}, (2, 3))

    Keras 3: keras/src/initializers/random_initializers.py GlorotNormal
    """

    def __init__(self, seed: int | None = None):
        super().__init__(1.0, "fan_avg", "normal", seed)


class GlorotUniform(_Named):
    """Uniform numbers with the variance 2 / (fan_in + fan_out).

    Args:
        seed: int; with a seed every call gives the same values.

    Example:
        >>> GlorotUniform(seed=1).get_config(), GlorotUniform()((2, 3)).shape
        ({'seed': 1}, (2, 3))

    Keras 3: keras/src/initializers/random_initializers.py GlorotUniform
    """

    def __init__(self, seed: int | None = None):
        super().__init__(1.0, "fan_avg", "uniform", seed)


class HeNormal(_Named):
    """Truncated normal with the variance 2 / fan_in.

    Args:
        seed: int; with a seed every call gives the same values.

    Example:
        >>> HeNormal(seed=1).get_config(), HeNormal()((2, 3)).shape
        ({'seed': 1}, (2, 3))

    Keras 3: keras/src/initializers/random_initializers.py HeNormal
    """

    def __init__(self, seed: int | None = None):
        super().__init__(2.0, "fan_in", "normal", seed)


class HeUniform(_Named):
    """Uniform numbers with the variance 2 / fan_in.

    Args:
        seed: int; with a seed every call gives the same values.

    Example:
        >>> HeUniform(seed=1).get_config(), HeUniform()((2, 3)).shape
        ({'seed': 1}, (2, 3))

    Keras 3: keras/src/initializers/random_initializers.py HeUniform
    """

    def __init__(self, seed: int | None = None):
        super().__init__(2.0, "fan_in", "uniform", seed)


class LecunNormal(_Named):
    """Truncated normal with the variance 1 / fan_in.

    Args:
        seed: int; with a seed every call gives the same values.

    Example:
        >>> LecunNormal(seed=1).get_config(), LecunNormal()((2, 3)).shape
        ({'seed': 1}, (2, 3))

    Keras 3: keras/src/initializers/random_initializers.py LecunNormal
    """

    def __init__(self, seed: int | None = None):
        super().__init__(1.0, "fan_in", "normal", seed)


class LecunUniform(_Named):
    """Uniform numbers with the variance 1 / fan_in.

    Args:
        seed: int; with a seed every call gives the same values.

    Example:
        >>> LecunUniform(seed=1).get_config(), LecunUniform()((2, 3)).shape
        ({'seed': 1}, (2, 3))

    Keras 3: keras/src/initializers/random_initializers.py LecunUniform
    """

    def __init__(self, seed: int | None = None):
        super().__init__(1.0, "fan_in", "uniform", seed)
