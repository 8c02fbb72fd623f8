"""The optimizers of Keras 2.2.4: signatures, defaults and configs; the formulas are in `_keras.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np

from jkeras.engine.tensors.variable import Variable
from jkeras.optimizers import _keras
from jkeras.optimizers._optimizer import Optimizer, OptimizerArguments, Rate
from jkeras.optimizers._state import Hyper


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum and Nesterov momentum.

    Formula, with lr_n = lr / (1 + decay n) after n steps:
        v = momentum v - lr_n g;  w = w + v, or w + momentum v - lr_n g with `nesterov`

    Args:
        lr: learning rate, or a schedule: a function of the number of steps done.
        momentum: share of the last update that is kept.
        decay: decay of the rate over the steps; may be set at any time.
        nesterov: look ahead along the velocity.
        **kwargs: `clipnorm`, `clipvalue`, see `Optimizer`.

    Raises:
        TypeError: for other keywords, and values that are no numbers.

    Source: Sutskever et al., On the importance of initialization and momentum in deep learning (2013).
    Keras 2.2.4: keras/optimizers.py SGD.

    Example:
        >>> import jax.numpy as jnp
        >>> tx = SGD(lr=0.5).transform()
        >>> updates, state = tx.update({"w": jnp.array([2.0])}, tx.init({"w": jnp.zeros(1)}))
        >>> updates["w"].tolist()
        [-1.0]
    """

    lr, momentum, decay = Hyper(), Hyper(), Hyper()
    config = ("lr", "momentum", "decay", "nesterov")
    slots = ("velocity",)
    rule = staticmethod(_keras.sgd)

    def __init__(
        self,
        lr: Rate = 0.01,
        momentum: float = 0.0,
        decay: float = 0.0,
        nesterov: bool = False,
        **kwargs: Unpack[OptimizerArguments],
    ):
        super().__init__(lr=lr, momentum=momentum, decay=decay, nesterov=nesterov, **kwargs)


class RMSprop(Optimizer):
    """Divides the gradient by a moving root mean square of itself.

    Formula:
        a = rho a + (1 - rho) g²;  w = w - lr_n g / (√a + epsilon)

    Args:
        lr: learning rate, or a schedule.
        rho: share of the old average.
        epsilon: fuzz factor; default `K.epsilon()`.
        decay: decay of the rate over the steps.
        **kwargs: `clipnorm`, `clipvalue`, see `Optimizer`.

    Source: Tieleman and Hinton, Neural Networks for Machine Learning, lecture 6.5 (2012).
    Keras 2.2.4: keras/optimizers.py RMSprop. `get_weights` leaves `iterations` out, as there.

    Example:
        >>> RMSprop(lr=0.5, rho=0.5).get_config()
        {'lr': 0.5, 'rho': 0.5, 'decay': 0.0, 'epsilon': 1e-07}
    """

    lr, rho, decay = Hyper(), Hyper(), Hyper()
    config = ("lr", "rho", "decay", "epsilon")
    slots = ("square",)
    rule = staticmethod(_keras.rmsprop)
    counted = False

    def __init__(
        self,
        lr: Rate = 0.001,
        rho: float = 0.9,
        epsilon: float | None = None,
        decay: float = 0.0,
        **kwargs: Unpack[OptimizerArguments],
    ):
        super().__init__(lr=lr, rho=rho, epsilon=epsilon, decay=decay, **kwargs)


class Adagrad(Optimizer):
    """Divides the gradient by the root of the sum of its squares so far.

    Formula:
        a = a + g²;  w = w - lr_n g / (√a + epsilon)

    Args:
        lr: learning rate, or a schedule.
        epsilon: fuzz factor; default `K.epsilon()`.
        decay: decay of the rate over the steps.
        **kwargs: `clipnorm`, `clipvalue`, see `Optimizer`.

    Source: Duchi et al., Adaptive Subgradient Methods for Online Learning and Stochastic Optimization (2011).
    Keras 2.2.4: keras/optimizers.py Adagrad. `get_weights` leaves `iterations` out, as there.

    Example:
        >>> Adagrad(0.5).get_config()
        {'lr': 0.5, 'decay': 0.0, 'epsilon': 1e-07}
    """

    lr, decay = Hyper(), Hyper()
    config = ("lr", "decay", "epsilon")
    slots = ("square",)
    rule = staticmethod(_keras.adagrad)
    counted = False

    def __init__(
        self,
        lr: Rate = 0.01,
        epsilon: float | None = None,
        decay: float = 0.0,
        **kwargs: Unpack[OptimizerArguments],
    ):
        super().__init__(lr=lr, epsilon=epsilon, decay=decay, **kwargs)


class Adadelta(Optimizer):
    """Scales the gradient by the ratio of moving averages of updates and gradients.

    Formula:
        a = rho a + (1 - rho) g²;  u = g √(d + epsilon) / √(a + epsilon)
        w = w - lr_n u;            d = rho d + (1 - rho) u²

    Args:
        lr: learning rate, or a schedule.
        rho: share of the old averages; a plain number, part of the compiled program.
        epsilon: fuzz factor; default `K.epsilon()`.
        decay: decay of the rate over the steps.
        **kwargs: `clipnorm`, `clipvalue`, see `Optimizer`.

    Source: Zeiler, ADADELTA: an adaptive learning rate method, arXiv:1212.5701 (2012).
    Keras 2.2.4: keras/optimizers.py Adadelta. `get_weights` leaves `iterations` out, as there.

    Example:
        >>> Adadelta().get_config()
        {'lr': 1.0, 'rho': 0.95, 'decay': 0.0, 'epsilon': 1e-07}
    """

    lr, decay = Hyper(), Hyper()
    config = ("lr", "rho", "decay", "epsilon")
    slots = ("square", "delta")
    rule = staticmethod(_keras.adadelta)
    counted = False

    def __init__(
        self,
        lr: Rate = 1.0,
        rho: float = 0.95,
        epsilon: float | None = None,
        decay: float = 0.0,
        **kwargs: Unpack[OptimizerArguments],
    ):
        super().__init__(lr=lr, rho=rho, epsilon=epsilon, decay=decay, **kwargs)


class Adam(Optimizer):
    """Adaptive moments; with `amsgrad` the second moment never falls.

    Formula, in step t = 1, 2, ...:
        m = beta_1 m + (1 - beta_1) g;  v = beta_2 v + (1 - beta_2) g²;  x = max(x, v)
        w = w - lr_n √(1 - beta_2^t) / (1 - beta_1^t) m / (√v + epsilon), with √x for √v under `amsgrad`

    Args:
        lr: learning rate, or a schedule.
        beta_1, beta_2: shares of the old moments.
        epsilon: fuzz factor; default `K.epsilon()`.
        decay: decay of the rate over the steps.
        amsgrad: the variant of Reddi et al.
        **kwargs: `clipnorm`, `clipvalue`, see `Optimizer`.

    Source: Kingma and Ba, Adam: A Method for Stochastic Optimization, arXiv:1412.6980 (2014); Reddi et al.,
    On the Convergence of Adam and Beyond (2018).
    Keras 2.2.4: keras/optimizers.py Adam. Without `amsgrad`, `get_weights` ends with a zero of shape (1,) for
    every weight, as there.

    Example:
        >>> opt = Adam(learning_rate=0.5)
        >>> opt.lr = 0.25
        >>> opt.get_config()["lr"]
        0.25
    """

    lr, beta_1, beta_2, decay = Hyper(), Hyper(), Hyper(), Hyper()
    config = ("lr", "beta_1", "beta_2", "decay", "epsilon", "amsgrad")
    amsgrad: bool
    rule = staticmethod(_keras.adam)

    def __init__(
        self,
        lr: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = None,
        decay: float = 0.0,
        amsgrad: bool = False,
        **kwargs: Unpack[OptimizerArguments],
    ):
        super().__init__(
            lr=lr, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon, decay=decay, amsgrad=amsgrad, **kwargs
        )

    @property
    def slots(self) -> tuple[str, ...]:
        return ("m", "v", "vhat") if self.amsgrad else ("m", "v")

    def _placeholders(self, order: Sequence[tuple[str, str]]) -> list[Variable]:
        return [] if self.amsgrad else [Variable(np.zeros(1, "float32")) for _ in order]


class Adamax(Optimizer):
    """Adam with the infinity norm in the place of the second moment.

    Formula, in step t = 1, 2, ...:
        m = beta_1 m + (1 - beta_1) g;  u = max(beta_2 u, |g|)
        w = w - lr_n / (1 - beta_1^t) m / (u + epsilon)

    Args:
        lr: learning rate, or a schedule.
        beta_1, beta_2: shares of the old moments.
        epsilon: fuzz factor; default `K.epsilon()`.
        decay: decay of the rate over the steps.
        **kwargs: `clipnorm`, `clipvalue`, see `Optimizer`.

    Source: Kingma and Ba, Adam: A Method for Stochastic Optimization, section 7, arXiv:1412.6980 (2014).
    Keras 2.2.4: keras/optimizers.py Adamax.

    Example:
        >>> Adamax(0.5, 0.5, 0.75).get_config()
        {'lr': 0.5, 'beta_1': 0.5, 'beta_2': 0.75, 'decay': 0.0, 'epsilon': 1e-07}
    """

    lr, beta_1, beta_2, decay = Hyper(), Hyper(), Hyper(), Hyper()
    config = ("lr", "beta_1", "beta_2", "decay", "epsilon")
    slots = ("m", "u")
    rule = staticmethod(_keras.adamax)

    def __init__(
        self,
        lr: Rate = 0.002,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = None,
        decay: float = 0.0,
        **kwargs: Unpack[OptimizerArguments],
    ):
        super().__init__(lr=lr, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon, decay=decay, **kwargs)


class Nadam(Optimizer):
    """Adam with Nesterov momentum and a momentum schedule.

    Formula, in step t = 1, 2, ... with p_t = p_(t-1) c_t:
        c_t = beta_1 (1 - 0.96^(t schedule_decay) / 2)
        m = beta_1 m + (1 - beta_1) g;  v = beta_2 v + (1 - beta_2) g²
        x = (1 - c_t) g / (1 - p_t) + c_(t+1) m / (1 - p_t c_(t+1))
        w = w - lr x / (√(v / (1 - beta_2^t)) + epsilon)

    Args:
        lr: learning rate, or a schedule.
        beta_1, beta_2: shares of the old moments.
        epsilon: fuzz factor; default `K.epsilon()`.
        schedule_decay: speed of the momentum schedule; a plain number, part of the compiled program.
        **kwargs: `clipnorm`, `clipvalue`, see `Optimizer`.

    Source: Dozat, Incorporating Nesterov Momentum into Adam (2015).
    Keras 2.2.4: keras/optimizers.py Nadam. The product p_t is the cell `m_schedule`; `get_weights` and the
    files of Keras leave it out, `state_dict` has it.

    Example:
        >>> Nadam(0.5, 0.5, 0.75).get_config()
        {'lr': 0.5, 'beta_1': 0.5, 'beta_2': 0.75, 'epsilon': 1e-07, 'schedule_decay': 0.004}
    """

    lr, beta_1, beta_2, m_schedule = Hyper(), Hyper(), Hyper(), Hyper()
    config = ("lr", "beta_1", "beta_2", "epsilon", "schedule_decay")
    slots = ("m", "v")
    rule = staticmethod(_keras.nadam)

    def __init__(
        self,
        lr: Rate = 0.002,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = None,
        schedule_decay: float = 0.004,
        **kwargs: Unpack[OptimizerArguments],
    ):
        super().__init__(
            lr=lr, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon, schedule_decay=schedule_decay, **kwargs
        )
        self.m_schedule = 1.0


class TFOptimizer(Optimizer):
    """Refuses optimizers of TensorFlow and names what takes their place.

    Raises:
        TypeError: always.

    Keras 2.2.4: keras/optimizers.py TFOptimizer.
    """

    def __init__(self, optimizer: Any = None):
        raise TypeError(
            f"Optimizers of TensorFlow cannot run here; got {optimizer!r}. Use an optimizer of "
            "jkeras.optimizers, or pass an optax.GradientTransformation to compile."
        )


adadelta, adagrad, adam, adamax, nadam, rmsprop, sgd = Adadelta, Adagrad, Adam, Adamax, Nadam, RMSprop, SGD
