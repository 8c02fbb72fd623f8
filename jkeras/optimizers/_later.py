"""Optimizers that came after Keras 2.2.4, with the arguments and configs of Keras 3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from jkeras.core.names import snake_case
from jkeras.engine.tensors.variable import Variable
from jkeras.optimizers import _later_rules
from jkeras.optimizers._arguments import COMMON, SharedArguments
from jkeras.optimizers._builtin import Adam
from jkeras.optimizers._optimizer import Optimizer, Rate
from jkeras.optimizers._state import Hyper


class Later(Optimizer):
    """Base of optimizers that Keras 2.2.4 does not have: words and the meaning of `clipnorm` are Keras 3's.

    `clipnorm` limits the norm of each gradient on its own, `global_clipnorm` that of all together; one of
    them or `clipvalue` can be given. The learning rate is `learning_rate`, and `lr` as well.
    """

    later = True

    def __init__(self, learning_rate: Rate, **kwargs: Any):
        kwargs.setdefault("lr", learning_rate)
        self.name = kwargs.pop("name", None) or snake_case(type(self).__name__)
        clips = [c for c in ("clipnorm", "clipvalue", "global_clipnorm") if kwargs.get(c) is not None]
        if len(clips) > 1:
            raise ValueError(f"One of `clipnorm`, `clipvalue` and `global_clipnorm` can be set; got {clips}.")
        Optimizer.__init__(self, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """The arguments as plain values."""
        config = {name: self.common(name) for name in COMMON} | super().get_config()
        rate = config.pop("lr")
        for name in self.config:
            if name in self._hyper and name != "lr":  # the number as it was given, not float32's
                config[name] = float(str(self._hyper[name].numpy()))
        return {"name": self.name, "learning_rate": rate, **config}


class AdamW(Later, Adam):
    """Adam, with a share of the weights taken off beside it.

    Formula:
        w = w - weight_decay lr_n w, then as `Adam`

    Args:
        learning_rate: learning rate (`lr=` too), or a schedule.
        weight_decay: share of each weight, times the rate, that a step takes off.
        beta_1, beta_2: shares of the old moments.
        epsilon: fuzz factor; None: `K.epsilon()`.
        amsgrad: the variant of Reddi et al.
        **kwargs: `clipnorm`, `use_ema` and more, see `Optimizer`.

    Source: Loshchilov and Hutter, Decoupled Weight Decay Regularization, arXiv:1711.05101 (2017).
    Keras 3: keras/src/optimizers/adamw.py AdamW

    Example:
        >>> AdamW(learning_rate=0.5).get_config()["weight_decay"]
        0.004
    """

    config = ("lr", "beta_1", "beta_2", "epsilon", "amsgrad")

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = None,
        amsgrad: bool = False,
        **kwargs: Any,
    ):
        own = dict(weight_decay=weight_decay, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon, amsgrad=amsgrad)
        Later.__init__(self, learning_rate, **own, **kwargs)

    def _placeholders(self, order: Sequence[tuple[str, str]]) -> list[Variable]:
        return []


class Lion(Later):
    """Steps of one size, in the direction of the sign of a moving average.

    Formula:
        w = w - lr sign(beta_1 m + (1 - beta_1) g);  m = beta_2 m + (1 - beta_2) g

    Args:
        learning_rate: learning rate (`lr=` too), or a schedule.
        beta_1: share of the average in the direction.
        beta_2: share of the old average in the new one.
        **kwargs: `weight_decay`, `clipnorm`, `use_ema` and more, see `Optimizer`.

    Source: Chen et al., Symbolic Discovery of Optimization Algorithms, arXiv:2302.06675 (2023).
    Keras 3: keras/src/optimizers/lion.py Lion

    Example:
        >>> Lion(0.5, 0.5, 0.75).get_config()["beta_2"]
        0.75
    """

    lr, beta_1, beta_2 = Hyper(), Hyper(), Hyper()
    config = ("lr", "beta_1", "beta_2")
    slots = ("m",)
    rule = staticmethod(_later_rules.lion)

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        **kwargs: Unpack[SharedArguments],
    ):
        super().__init__(learning_rate, beta_1=beta_1, beta_2=beta_2, **kwargs)


class Lamb(Later):
    """Adam's direction, in steps as long as the weights are large.

    Formula, in step t = 1, 2, ...:
        m = beta_1 m + (1 - beta_1) g;  v = beta_2 v + (1 - beta_2) g²
        u = m / (1 - beta_1^t) / (√(v / (1 - beta_2^t)) + epsilon);  w = w - lr |w| / |u| u

    Args:
        learning_rate: learning rate (`lr=` too), or a schedule.
        beta_1, beta_2: shares of the old moments.
        epsilon: fuzz factor; None: `K.epsilon()`.
        **kwargs: `weight_decay`, `clipnorm`, `use_ema` and more, see `Optimizer`.

    Source: You et al., Large Batch Optimization for Deep Learning, arXiv:1904.00962 (2019).
    Keras 3: keras/src/optimizers/lamb.py Lamb

    Example:
        >>> Lamb(0.5, 0.5, 0.75).get_config()["epsilon"]
        1e-07
    """

    lr, beta_1, beta_2 = Hyper(), Hyper(), Hyper()
    config = ("lr", "beta_1", "beta_2", "epsilon")
    slots = ("m", "v")
    rule = staticmethod(_later_rules.lamb)

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = None,
        **kwargs: Unpack[SharedArguments],
    ):
        super().__init__(learning_rate, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon, **kwargs)


class Adafactor(Later):
    """Adaptive steps with the memory of two vectors for a matrix.

    Formula, in step t = 1, 2, ... with s = min(lr, 1/√t), q = 1 - t^beta_2_decay and the means of g² over
    columns and rows:
        r = q r + (1 - q) rows(g² + epsilon_1);  c = q c + (1 - q) columns(g² + epsilon_1)
        u = g / √(r c / mean(r));  w = w - max(epsilon_2, rms(w)) s u / max(1, rms(u) / clip_threshold)

    Weights of less than two dimensions keep the mean of the squares itself.

    Args:
        learning_rate: learning rate (`lr=` too), or a schedule.
        beta_2_decay: power of t in the share of the old means.
        epsilon_1: the least square of a gradient.
        epsilon_2: the least size of a weight.
        clip_threshold: size of an update from which on it is scaled down.
        relative_step: whether a rate that is a number is limited by 1/√t; `s` is limited by it anyway.
        **kwargs: `weight_decay`, `clipnorm`, `use_ema` and more, see `Optimizer`.

    Source: Shazeer and Stern, Adafactor: Adaptive Learning Rates with Sublinear Memory Cost,
    arXiv:1804.04235 (2018).
    Keras 3: keras/src/optimizers/adafactor.py Adafactor

    Example:
        >>> import numpy as np
        >>> state = Adafactor(0.5).transform().init({"w": np.zeros((3, 2), "float32")})
        >>> {name: slot["w"].shape for name, slot in state.slots.items()}
        {'r': (3,), 'c': (2,), 'v': ()}
    """

    lr = Hyper()
    config = ("lr", "beta_2_decay", "epsilon_1", "epsilon_2", "clip_threshold", "relative_step")
    slots = ("r", "c", "v")
    rule = staticmethod(_later_rules.adafactor)
    shape = staticmethod(_later_rules.adafactor_shape)

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        **kwargs: Any,
    ):
        own = dict(beta_2_decay=beta_2_decay, epsilon_1=epsilon_1, epsilon_2=epsilon_2)
        more = dict(clip_threshold=clip_threshold, relative_step=relative_step)
        super().__init__(learning_rate, **own, **more, **kwargs)


class Muon(Later):
    """Momentum made orthogonal, for the matrices between layers; Adam for all other weights.

    Formula, with NS for `ns_steps` of Newton and Schulz towards the nearest orthogonal matrix:
        m = momentum m + g;  w = w - lr rms_rate √max(rows, columns) NS(g + momentum m)

    Args:
        learning_rate: learning rate (`lr=` too), or a schedule.
        adam_beta_1, adam_beta_2, epsilon: as `beta_1`, `beta_2`, `epsilon` of `Adam`, for the other weights.
        adam_weight_decay: share of these, times the rate, that a step takes off.
        weight_decay: the same of the matrices.
        exclude_layers: regular expressions; weights in whose path one is found are Adam's.
        exclude_embeddings: whether those with "embedding" in their path are.
        muon_a, muon_b, muon_c: coefficients of the iteration.
        adam_lr_ratio: factor of the rate for Adam.
        momentum: share of the old momentum.
        ns_steps: number of steps of the iteration.
        nesterov: whether to look ahead along the momentum.
        rms_rate: size of an update's elements; None: that of an orthogonal matrix.
        **kwargs: `clipnorm`, `use_ema` and more, see `Optimizer`.

    Source: Jordan et al., Muon: an optimizer for hidden layers in neural networks (2024); Liu et al., Muon is
    Scalable for LLM Training, arXiv:2502.16982 (2025).
    Keras 3: keras/src/optimizers/muon.py Muon

    Example:
        >>> Muon(exclude_layers=["head"]).get_config()["exclude_layers"]
        ['head']
    """

    lr = Hyper()
    config = (
        *("lr", "adam_beta_1", "adam_beta_2", "adam_weight_decay", "epsilon", "weight_decay"),
        *("exclude_layers", "exclude_embeddings", "muon_a", "muon_b", "muon_c", "adam_lr_ratio", "momentum"),
        *("ns_steps", "nesterov", "rms_rate"),
    )
    slots = ("m", "v")
    rule = staticmethod(_later_rules.muon)

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float | None = None,
        weight_decay: float | None = 0.004,
        *,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.7750,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **kwargs: Any,
    ):
        adam = dict(adam_beta_1=adam_beta_1, adam_beta_2=adam_beta_2, adam_weight_decay=adam_weight_decay)
        whole = dict(weight_decay=weight_decay, epsilon=epsilon, momentum=momentum, nesterov=nesterov)
        chosen = dict(exclude_layers=list(exclude_layers or ()), exclude_embeddings=exclude_embeddings)
        steps = dict(muon_a=muon_a, muon_b=muon_b, muon_c=muon_c, ns_steps=ns_steps, rms_rate=rms_rate)
        own: dict[str, Any] = {**adam, **whole, **chosen, **steps, "adam_lr_ratio": adam_lr_ratio}
        super().__init__(learning_rate, **own, **kwargs)


class Ftrl(Later):
    """Follows the regularized leader: weights that matter little become zero.

    Formula, with p = -learning_rate_power:
        n = a + g²;  z = z + g + 2 l2_shrinkage w - (n^p - a^p) / lr w;  a = n
        w = (clip(z, -l1, l1) - z) / (n^p / lr + 2 (l2 + beta / (2 lr)))

    Args:
        learning_rate: learning rate (`lr=` too), or a schedule.
        learning_rate_power: at most 0.
        initial_accumulator_value: what `a` begins with.
        l1_regularization_strength: `l1`.
        l2_regularization_strength: `l2`.
        l2_shrinkage_regularization_strength: decay that the gradient has but `a` has not.
        beta: the same, relative to the rate.
        **kwargs: `weight_decay`, `clipnorm`, `use_ema` and more, see `Optimizer`.

    Raises:
        ValueError: a negative strength or a positive power.

    Source: McMahan et al., Ad Click Prediction: a View from the Trenches (2013).
    Keras 3: keras/src/optimizers/ftrl.py Ftrl

    Example:
        >>> import numpy as np
        >>> float(Ftrl().transform().init({"w": np.zeros(1, "float32")}).slots["a"]["w"][0])
        0.10000000149011612
    """

    lr = Hyper()
    config = (
        *("lr", "learning_rate_power", "initial_accumulator_value", "l1_regularization_strength"),
        *("l2_regularization_strength", "l2_shrinkage_regularization_strength", "beta"),
    )
    slots = ("a", "z")
    initial_accumulator_value: float
    rule = staticmethod(_later_rules.ftrl)

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        **kwargs: Any,
    ):
        if learning_rate_power > 0:
            raise ValueError(f"Ftrl: learning_rate_power should be at most 0; got {learning_rate_power}.")
        strengths = {
            "initial_accumulator_value": initial_accumulator_value,
            "l1_regularization_strength": l1_regularization_strength,
            "l2_regularization_strength": l2_regularization_strength,
            "l2_shrinkage_regularization_strength": l2_shrinkage_regularization_strength,
        }
        for name, value in strengths.items():
            if value < 0:
                raise ValueError(f"Ftrl: {name} should be at least 0; got {value}.")
        own = {"learning_rate_power": learning_rate_power, "beta": beta, **strengths}
        super().__init__(learning_rate, **own, **kwargs)

    @property
    def fills(self) -> dict[str, float]:
        return {"a": self.initial_accumulator_value}


class ScheduleFreeAdamW(Later):
    """Adam that needs no schedule: gradients are taken between the iterate and its mean.

    Formula, in step t = 1, 2, ... with v as `Adam`'s and x the mean of all z so far:
        z = z - lr g / (√(v / (1 - beta_2^t)) + epsilon);  x = x + (z - x) / t
        w = (1 - beta_1) z + beta_1 x

    Args:
        learning_rate: learning rate (`lr=` too), or a schedule.
        beta_1: place of the weights between iterate and mean.
        beta_2: share of the old second moment.
        epsilon: fuzz factor.
        warmup_steps: number of steps in which the rate grows from 0.
        weight_decay: share of each weight, times the rate, that a step takes off.
        **kwargs: `clipnorm`, `use_ema` and more, see `Optimizer`.

    Source: Defazio et al., The Road Less Scheduled, arXiv:2405.15682 (2024).
    Keras 3: keras/src/optimizers/schedule_free_adamw.py ScheduleFreeAdamW

    Example:
        >>> ScheduleFreeAdamW(warmup_steps=10).get_config()["warmup_steps"]
        10
    """

    lr, beta_1, beta_2 = Hyper(), Hyper(), Hyper()
    config = ("lr", "beta_1", "beta_2", "epsilon", "warmup_steps", "weight_decay")
    slots = ("z", "v")
    rule = staticmethod(_later_rules.schedule_free_adamw)

    def __init__(
        self,
        learning_rate: Rate = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
        weight_decay: float | None = None,
        **kwargs: Any,
    ):
        own = dict(beta_1=beta_1, beta_2=beta_2, epsilon=epsilon, warmup_steps=warmup_steps)
        super().__init__(learning_rate, **own, weight_decay=weight_decay, **kwargs)
