"""Optimizers that came after Keras 2.2.4, with the arguments and configs of Keras 3."""

from __future__ import annotations

from typing import Any, Unpack

from jkeras.optimizers import _keras
from jkeras.optimizers._builtin import Adam
from jkeras.optimizers._optimizer import Optimizer, OptimizerArguments, Rate
from jkeras.optimizers._state import Hyper


class AdamW(Adam):
    """Adam, with a share of the weights taken off beside it.

    Formula:
        w = w - weight_decay lr_n w, then as `Adam`

    Args:
        lr: learning rate (`learning_rate=` too), or a schedule.
        weight_decay: share of each weight, times the rate, that a step takes off.
        beta_1, beta_2: shares of the old moments.
        epsilon: fuzz factor; default `K.epsilon()`.
        amsgrad: the variant of Reddi et al.
        **kwargs: `clipnorm`, `clipvalue`, see `Optimizer`.

    Source: Loshchilov and Hutter, Decoupled Weight Decay Regularization, arXiv:1711.05101 (2017).
    Keras 3: keras/src/optimizers/adamw.py AdamW

    Example:
        >>> AdamW(learning_rate=0.5).get_config()["weight_decay"]
        0.004
    """

    def __init__(
        self,
        lr: Rate = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = None,
        amsgrad: bool = False,
        **kwargs: Any,
    ):
        super().__init__(lr, beta_1, beta_2, epsilon, amsgrad=amsgrad, weight_decay=weight_decay, **kwargs)


class Lion(Optimizer):
    """Steps of one size, in the direction of the sign of a moving average.

    Formula:
        w = w - lr sign(beta_1 m + (1 - beta_1) g);  m = beta_2 m + (1 - beta_2) g

    Args:
        lr: learning rate (`learning_rate=` too), or a schedule.
        beta_1: share of the average in the direction.
        beta_2: share of the old average in the new one.
        **kwargs: `weight_decay`, `clipnorm`, `clipvalue`, see `Optimizer`.

    Source: Chen et al., Symbolic Discovery of Optimization Algorithms, arXiv:2302.06675 (2023).
    Keras 3: keras/src/optimizers/lion.py Lion

    Example:
        >>> Lion(0.5, 0.5, 0.75).get_config()
        {'lr': 0.5, 'beta_1': 0.5, 'beta_2': 0.75}
    """

    lr, beta_1, beta_2 = Hyper(), Hyper(), Hyper()
    config = ("lr", "beta_1", "beta_2")
    slots = ("m",)
    rule = staticmethod(_keras.lion)

    def __init__(
        self,
        lr: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        **kwargs: Unpack[OptimizerArguments],
    ):
        super().__init__(lr=lr, beta_1=beta_1, beta_2=beta_2, **kwargs)


class Lamb(Optimizer):
    """Adam's direction, in steps as long as the weights are large.

    Formula, in step t = 1, 2, ...:
        m = beta_1 m + (1 - beta_1) g;  v = beta_2 v + (1 - beta_2) g²
        u = m / (1 - beta_1^t) / (√(v / (1 - beta_2^t)) + epsilon);  w = w - lr |w| / |u| u

    Args:
        lr: learning rate (`learning_rate=` too), or a schedule.
        beta_1, beta_2: shares of the old moments.
        epsilon: fuzz factor; default `K.epsilon()`.
        **kwargs: `weight_decay`, `clipnorm`, `clipvalue`, see `Optimizer`.

    Source: You et al., Large Batch Optimization for Deep Learning, arXiv:1904.00962 (2019).
    Keras 3: keras/src/optimizers/lamb.py Lamb

    Example:
        >>> Lamb(0.5, 0.5, 0.75).get_config()
        {'lr': 0.5, 'beta_1': 0.5, 'beta_2': 0.75, 'epsilon': 1e-07}
    """

    lr, beta_1, beta_2 = Hyper(), Hyper(), Hyper()
    config = ("lr", "beta_1", "beta_2", "epsilon")
    slots = ("m", "v")
    rule = staticmethod(_keras.lamb)

    def __init__(
        self,
        lr: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = None,
        **kwargs: Unpack[OptimizerArguments],
    ):
        super().__init__(lr=lr, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon, **kwargs)
