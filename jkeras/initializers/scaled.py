"""The named settings of `VarianceScaling`: LeCun, Glorot and He."""

from __future__ import annotations

from jkeras.initializers.classes import VarianceScaling


def lecun_uniform(seed: int | None = None) -> VarianceScaling:
    """Uniform in ±sqrt(3 / fan_in).

    Args:
        seed: int or None.

    Returns:
        The initializer.

    Example:
        >>> lecun_uniform().get_config()["mode"]
        'fan_in'

    Source: LeCun et al. 1998, Efficient BackProp. Keras 2.2.4: keras/initializers.py lecun_uniform
    """
    return VarianceScaling(scale=1.0, mode="fan_in", distribution="uniform", seed=seed)


def glorot_normal(seed: int | None = None) -> VarianceScaling:
    """Truncated normal with standard deviation sqrt(2 / (fan_in + fan_out)).

    Args:
        seed: int or None.

    Returns:
        The initializer.

    Example:
        >>> glorot_normal().get_config()["mode"]
        'fan_avg'

    Source: Glorot and Bengio 2010. Keras 2.2.4: keras/initializers.py glorot_normal
    """
    return VarianceScaling(scale=1.0, mode="fan_avg", distribution="normal", seed=seed)


def glorot_uniform(seed: int | None = None) -> VarianceScaling:
    """Uniform in ±sqrt(6 / (fan_in + fan_out)), the default of most kernels.

    Args:
        seed: int or None.

    Returns:
        The initializer.

    Example:
        >>> bool((abs(glorot_uniform()((3, 3))) <= 1).all())
        True

    Source: Glorot and Bengio 2010. Keras 2.2.4: keras/initializers.py glorot_uniform
    """
    return VarianceScaling(scale=1.0, mode="fan_avg", distribution="uniform", seed=seed)


def he_normal(seed: int | None = None) -> VarianceScaling:
    """Truncated normal with standard deviation sqrt(2 / fan_in).

    Args:
        seed: int or None.

    Returns:
        The initializer.

    Example:
        >>> he_normal().get_config()["scale"]
        2.0

    Source: He et al. 2015, arXiv:1502.01852. Keras 2.2.4: keras/initializers.py he_normal
    """
    return VarianceScaling(scale=2.0, mode="fan_in", distribution="normal", seed=seed)


def lecun_normal(seed: int | None = None) -> VarianceScaling:
    """Truncated normal with standard deviation sqrt(1 / fan_in); use it with `selu`.

    Args:
        seed: int or None.

    Returns:
        The initializer.

    Example:
        >>> lecun_normal().get_config()["distribution"]
        'normal'

    Source: Klambauer et al. 2017, arXiv:1706.02515. Keras 2.2.4: keras/initializers.py lecun_normal
    """
    return VarianceScaling(scale=1.0, mode="fan_in", distribution="normal", seed=seed)


def he_uniform(seed: int | None = None) -> VarianceScaling:
    """Uniform in ±sqrt(6 / fan_in).

    Args:
        seed: int or None.

    Returns:
        The initializer.

    Example:
        >>> he_uniform().get_config()["distribution"]
        'uniform'

    Source: He et al. 2015, arXiv:1502.01852. Keras 2.2.4: keras/initializers.py he_uniform
    """
    return VarianceScaling(scale=2.0, mode="fan_in", distribution="uniform", seed=seed)
