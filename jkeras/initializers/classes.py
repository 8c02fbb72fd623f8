"""The initializer classes: `draw(key, shape)` is pure, `initializer(shape)` is Keras's call."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NoReturn

import jax
import numpy as np
from jax.typing import DTypeLike

from jkeras.core import bits, random
from jkeras.core.settings import floatx
from jkeras.core.types import Array, Key
from jkeras.initializers.arrays import fans, filled, keras_orthonormal, orthonormal

_TRUNCATED_STD = 0.87962566103423978  # standard deviation of a standard normal cut at ±2
_MODES = ("fan_in", "fan_out", "fan_avg")
_DISTRIBUTIONS = ("normal", "uniform")


class Initializer:
    """Base class of initializers: override `draw`, or `__call__` as Keras's custom initializers do.

    Example:
        >>> class Halves(Initializer):
        ...     def draw(self, key, shape, dtype=None):
        ...         return np.full(shape, 0.5, dtype)
        >>> Halves()((2,)).tolist()
        [0.5, 0.5]

    Keras 2.2.4: keras/initializers.py Initializer
    """

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> Array:
        """Values for a weight of `shape`, from this initializer's seed or numpy's global generator.

        Args:
            shape: tuple of ints.
            dtype: type of the values, None for `floatx()`.

        Returns:
            The array.
        """
        return self.draw(None, shape, dtype)

    @property
    def run(self) -> NoReturn:
        """TensorFlow's `weight.initializer.run(session=...)`; an error says what to do instead."""
        raise AttributeError(
            "An initializer of jkeras is no operation of TensorFlow, so it has no `run`. For new values of a "
            "layer's weights: layer.set_weights([initializers.get('glorot_uniform')(w.shape), ...]), or for "
            "one weight K.set_value(w, w.initializer(w.shape))."
        )

    def draw(self, key: Key | None, shape: Sequence[int], dtype: DTypeLike | None = None) -> Array:
        """The same, as a pure function of a random key that works under `jit` and `vmap`.

        Args:
            key: a `jax.random` key, None for a fresh one; the `seed` of an initializer that has one wins.
            shape: tuple of ints.
            dtype: type of the values, None for `floatx()`.

        Returns:
            The array.

        Raises:
            TypeError: in the base class, which draws nothing.
        """
        raise TypeError(
            f"{type(self).__name__} defines neither `__call__` nor `draw`, so it cannot initialize."
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments that build this initializer again."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Initializer:
        """Build from `get_config()`; a `dtype` entry, as tf.keras writes it, is left out."""
        return cls(**{name: value for name, value in config.items() if name != "dtype"})


class Zeros(Initializer):
    """All zeros.

    Example:
        >>> Zeros()((2,)).tolist()
        [0.0, 0.0]

    Keras 2.2.4: keras/initializers.py Zeros
    """

    def draw(self, key: Key | None, shape: Sequence[int], dtype: DTypeLike | None = None) -> Array:
        """Zeros."""
        return filled(0, shape, dtype)


class Ones(Initializer):
    """All ones.

    Example:
        >>> Ones()((2,)).tolist()
        [1.0, 1.0]

    Keras 2.2.4: keras/initializers.py Ones
    """

    def draw(self, key: Key | None, shape: Sequence[int], dtype: DTypeLike | None = None) -> Array:
        """Ones."""
        return filled(1, shape, dtype)


class Constant(Initializer):
    """One value everywhere.

    Args:
        value: a number, or an array that broadcasts to the weight's shape.

    Example:
        >>> Constant(1.5)((2,)).tolist()
        [1.5, 1.5]

    Keras 2.2.4: keras/initializers.py Constant
    """

    def __init__(self, value: Any = 0):
        self.value = value

    def draw(self, key: Key | None, shape: Sequence[int], dtype: DTypeLike | None = None) -> Array:
        """The value everywhere."""
        return filled(self.value, shape, dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain values."""
        return {"value": self.value}


class RandomNormal(Initializer):
    """Normal numbers.

    Args:
        mean: their mean.
        stddev: their standard deviation.
        seed: int; with a seed every call gives the same values.

    Example:
        >>> a = RandomNormal(stddev=0.1, seed=1)
        >>> bool((a((3,)) == a((3,))).all())
        True

    Keras 2.2.4: keras/initializers.py RandomNormal
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None):
        self.mean = mean
        self.stddev = stddev
        self.seed = _seed(seed)

    def draw(self, key: Key | None, shape: Sequence[int], dtype: DTypeLike | None = None) -> Array:
        """Draws of a normal distribution."""
        return random.normal(_key(self.seed, key), shape, self.mean, self.stddev, dtype or floatx())

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain values."""
        return {"mean": self.mean, "stddev": self.stddev, "seed": self.seed}


class RandomUniform(Initializer):
    """Numbers uniform in [minval, maxval).

    Args:
        minval: lower bound.
        maxval: upper bound; None is 1, as in TensorFlow.
        seed: int; with a seed every call gives the same values.

    Example:
        >>> bool((abs(RandomUniform()((9,))) <= 0.05).all())
        True

    Keras 2.2.4: keras/initializers.py RandomUniform
    """

    def __init__(self, minval: float = -0.05, maxval: float | None = 0.05, seed: int | None = None):
        self.minval = minval
        self.maxval = maxval
        self.seed = _seed(seed)

    def draw(self, key: Key | None, shape: Sequence[int], dtype: DTypeLike | None = None) -> Array:
        """Draws of a uniform distribution."""
        high = 1.0 if self.maxval is None else self.maxval
        return random.uniform(_key(self.seed, key), shape, self.minval, high, dtype or floatx())

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain values."""
        return {"minval": self.minval, "maxval": self.maxval, "seed": self.seed}


class TruncatedNormal(Initializer):
    """Normal numbers, of which none is further than two standard deviations from the mean.

    Args:
        mean: their mean.
        stddev: their standard deviation before the truncation.
        seed: int; with a seed every call gives the same values.

    Example:
        >>> bool((abs(TruncatedNormal(stddev=1.0)((99,))) <= 2).all())
        True

    Keras 2.2.4: keras/initializers.py TruncatedNormal
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None):
        self.mean = mean
        self.stddev = stddev
        self.seed = _seed(seed)

    def draw(self, key: Key | None, shape: Sequence[int], dtype: DTypeLike | None = None) -> Array:
        """Draws of a normal distribution, again where they are two deviations away."""
        return random.truncated_normal(_key(self.seed, key), shape, self.mean, self.stddev, dtype or floatx())

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain values."""
        return {"mean": self.mean, "stddev": self.stddev, "seed": self.seed}


class VarianceScaling(Initializer):
    """Random numbers whose spread follows the size of the weight.

    With n the `mode`'s count of units, "normal" draws a truncated normal whose standard deviation after the
    truncation is sqrt(scale / n), "uniform" draws from ±sqrt(3 * scale / n).

    Args:
        scale: positive number.
        mode: "fan_in" (input units), "fan_out" (output units) or "fan_avg" (their average).
        distribution: "normal" or "uniform".
        seed: int; with a seed every call gives the same values.

    Raises:
        ValueError: if `scale` is not positive, or `mode` or `distribution` is another word.

    Example:
        >>> bool((abs(VarianceScaling(distribution="uniform")((12, 4))) <= 0.5).all())
        True

    Keras 2.2.4: keras/initializers.py VarianceScaling
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "normal",
        seed: int | None = None,
    ):
        if scale <= 0.0:
            raise ValueError(f"`scale` must be a positive float. Got: {scale}")
        self.scale = scale
        self.mode = _one_of("mode", mode, _MODES)
        self.distribution = _one_of("distribution", distribution, _DISTRIBUTIONS)
        self.seed = _seed(seed)

    def draw(self, key: Key | None, shape: Sequence[int], dtype: DTypeLike | None = None) -> Array:
        """Draws whose variance is `scale / n`."""
        fan_in, fan_out = self.fans_of(shape)
        units = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, float(units))
        key, dtype = _key(self.seed, key), dtype or floatx()
        if self.distribution == "normal":
            return random.truncated_normal(key, shape, 0.0, math.sqrt(variance) / _TRUNCATED_STD, dtype)
        limit = math.sqrt(3.0 * variance)
        return random.uniform(key, shape, -limit, limit, dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain values."""
        return {
            "scale": self.scale,
            "mode": self.mode,
            "distribution": self.distribution,
            "seed": self.seed,
        }

    def fans_of(self, shape: Sequence[int]) -> tuple[float, float]:
        """The numbers of input and output units of a weight."""
        return fans(shape)


class Orthogonal(Initializer):
    """A random matrix with orthonormal rows or columns (whichever are fewer), times `gain`.

    Axes before the last are flattened into the rows. With a `seed` the values are Keras's own; without one
    they are the unique QR factor (positive diagonal) of a normal matrix, the same on every device.

    Args:
        gain: factor.
        seed: int; with a seed every call gives the same values.

    Raises:
        ValueError: for a weight of rank below 2.

    Example:
        >>> q = Orthogonal()((3, 3))
        >>> bool(abs(q @ q.T - np.eye(3)).max() < 1e-5)
        True

    Source: Saxe et al. 2013, arXiv:1312.6120. Keras 2.2.4: keras/initializers.py Orthogonal
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None):
        self.gain = gain
        self.seed = _seed(seed)

    def draw(self, key: Key | None, shape: Sequence[int], dtype: DTypeLike | None = None) -> Array:
        """An orthogonal matrix out of a QR decomposition."""
        shape = tuple(int(n) for n in shape)
        if len(shape) < 2:
            raise ValueError(
                f"The Orthogonal initializer needs a weight of rank 2 or more. Got shape {shape}."
            )
        rows, columns = math.prod(shape[:-1]), shape[-1]
        if self.seed is not None:
            return filled(
                self.gain * keras_orthonormal(self.seed, rows, columns).reshape(shape), shape, dtype
            )
        q = self.gain * orthonormal(_key(None, key), rows, columns).reshape(shape)
        return jax.device_put(q.astype(bits.supported(dtype or floatx(), "A weight")))

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain values."""
        return {"gain": self.gain, "seed": self.seed}


class Identity(Initializer):
    """The identity matrix times `gain`, repeated along the longer side of the matrix.

    Args:
        gain: factor.

    Raises:
        ValueError: for a weight that is not a matrix, or whose longer side is no multiple of the shorter.

    Example:
        >>> Identity(2.0)((2, 4)).tolist()
        [[2.0, 0.0, 2.0, 0.0], [0.0, 2.0, 0.0, 2.0]]

    Keras 2.2.4: keras/initializers.py Identity
    """

    def __init__(self, gain: float = 1.0):
        self.gain = gain

    def draw(self, key: Key | None, shape: Sequence[int], dtype: DTypeLike | None = None) -> Array:
        """The identity, times `gain`."""
        if len(shape) != 2:
            raise ValueError(
                f"Identity matrix initializer can only be used for 2D matrices. Got shape {tuple(shape)}."
            )
        long, short = max(shape), min(shape)
        if short == 0 or long % short:
            raise ValueError(f"Long side should be multiple of short side. Got shape {tuple(shape)}.")
        repeats = (shape[0] // short, shape[1] // short)
        return filled(self.gain * np.tile(np.identity(short), repeats), shape, dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain values."""
        return {"gain": self.gain}


def _seed(seed: int | None) -> int | None:
    """A seed as it was given; of more than 63 bits no key can be made."""
    if seed is not None and abs(int(seed)) >= 2**63:
        raise ValueError(f"An initializer's `seed` must be below 2**63. Got {seed!r}.")
    return seed


def _key(seed: int | None, key: Key | None) -> Key:
    """The seed's key if there is a seed, else `key`, else a fresh one."""
    if seed is not None:
        return random.key_of(int(seed))
    return random.next_key() if key is None else key


def _one_of(argument: str, value: str, words: tuple[str, ...]) -> str:
    if value.lower() not in words:
        raise ValueError(f"Invalid `{argument}` argument: expected one of {words} but got {value!r}.")
    return value.lower()


zero = zeros = Zeros
one = ones = Ones
constant = Constant
uniform = random_uniform = RandomUniform
normal = random_normal = RandomNormal
truncated_normal = TruncatedNormal
identity = Identity
orthogonal = Orthogonal
