"""The arguments that every optimizer takes beside its own, and what they do around a step."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, TypeAlias, TypedDict

from jkeras.core.arguments import refuse_text
from jkeras.core.types import Tree
from jkeras.engine.tensors.variable import Variable
from jkeras.optimizers._state import Binding, by_leaf, path_name
from jkeras.optimizers._transformation import Around, always

Rate: TypeAlias = float | Callable[..., Any]  # a number, or a schedule: a function of the steps done

# Arguments of every optimizer, and what they are by themselves; written where given.
COMMON: dict[str, Any] = {
    "weight_decay": None,
    "clipnorm": None,
    "global_clipnorm": None,
    "clipvalue": None,
    "use_ema": False,
    "ema_momentum": 0.99,
    "ema_overwrite_frequency": None,
    "loss_scale_factor": None,
    "gradient_accumulation_steps": None,
}


class SharedArguments(TypedDict, total=False):
    """The arguments that every optimizer takes as its `**kwargs`."""

    clipnorm: float | None
    clipvalue: float | None
    weight_decay: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    loss_scale_factor: float | None
    gradient_accumulation_steps: int | None
    name: str | None


class OptimizerArguments(SharedArguments, total=False):
    """Those of an optimizer of Keras 2.2.4."""

    learning_rate: Rate  # Keras 2.3's word for `lr`


class CommonArguments:
    """The part of `Optimizer` that is the same for all rules; its docstring explains the arguments."""

    config: ClassVar[tuple[str, ...]] = ()  # arguments; those that are no `Hyper` are part of the program
    later: ClassVar[bool] = False  # whether Keras 2.2.4 does not have it
    binding: Binding | None = None
    _decays: Callable[[str], bool] | None = None
    _kept_whole: tuple[list[Variable], list[re.Pattern[str]]] = ([], [])

    def check_common(self) -> None:
        refuse_text(**{name: self.common(name) for name in COMMON})
        steps, often = self.common("gradient_accumulation_steps"), self.common("ema_overwrite_frequency")
        if steps and steps < 2:
            raise ValueError(f"`gradient_accumulation_steps` should be at least 2 or None; got {steps!r}.")
        if not self.common("use_ema"):
            return
        momentum = self.common("ema_momentum")
        if not 0 <= momentum <= 1:
            raise ValueError(f"`ema_momentum` should be from 0 to 1; got {momentum!r}.")
        if often and (not isinstance(often, int) or often < 1):
            raise ValueError(
                f"`ema_overwrite_frequency` should be a whole number from 1, or None; got {often!r}."
            )

    def common(self, name: str) -> Any:
        """The value of an argument that every optimizer has."""
        return getattr(self, name, COMMON[name])

    @property
    def step_options(self) -> dict[str, Any]:
        """The part of these arguments that a whole step has to know, as `compile` names it."""
        factor = self.common("loss_scale_factor")
        return {} if factor is None else {"loss_scale": factor}

    def around(self, clips: bool = True) -> Around:
        """The arguments that every optimizer has, as the transformation takes them."""
        given = {name: self.common(name) for name in ("clipnorm", "global_clipnorm", "clipvalue") if clips}
        if not self.later:  # of 2.2.4, where the norm is that of all gradients
            given["global_clipnorm"] = given.pop("clipnorm", None)
        return Around(
            **given,
            weight_decay=None if "weight_decay" in self.config else self.common("weight_decay"),
            decays=self._decays or always,
            steps=self.common("gradient_accumulation_steps"),
            momentum=self.common("ema_momentum") if self.common("use_ema") else None,
            overwrite=self.common("ema_overwrite_frequency"),
        )

    def exclude_from_weight_decay(
        self, var_list: Iterable[Variable] | None = None, var_names: Iterable[str] | None = None
    ) -> None:
        """Let some weights keep what `weight_decay` would take off them; say it before the model trains.

        Args:
            var_list: weights.
            var_names: regular expressions; one that is found in a weight's name keeps it.

        Raises:
            ValueError: there is a state for a model already.

        Keras 3: keras/src/optimizers/base_optimizer.py BaseOptimizer.exclude_from_weight_decay
        """
        if self.binding is not None:
            raise ValueError("`exclude_from_weight_decay` has to be called before the optimizer has a state.")
        self._kept_whole = list(var_list or ()), [re.compile(pattern) for pattern in var_names or ()]

    def choose_decays(self, params: Tree) -> None:
        """Find the paths of the weights that decay."""
        weights, patterns = self._kept_whole
        if not weights and not patterns:
            return
        whole = {path_name(path) for path, w in by_leaf(params) if any(w is other for other in weights)}

        def decays(path: str) -> bool:
            name = path.rpartition("/")[2]
            return path not in whole and not any(pattern.search(name) for pattern in patterns)

        self._decays = decays

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        """Give weights the values of their moving averages, with `use_ema`; `fit` does so at its end.

        Args:
            var_list: weights of the model.

        Keras 3: keras/src/optimizers/base_optimizer.py BaseOptimizer.finalize_variable_values
        """
        if self.binding is None or not self.common("use_ema"):
            return
        wanted = set(var_list)
        for weight, average in self.binding.averages():
            if weight in wanted:
                weight.assign(average.numpy())

    def refuse_around(self) -> None:
        """An own `get_updates` makes the whole step."""
        given = [name for name in ("use_ema", "gradient_accumulation_steps") if self.common(name)]
        if given:
            raise ValueError(
                f"{type(self).__name__}.get_updates makes the whole step, so that {given[0]} has no place in "
                "it: give the class a `rule` (see help(jkeras.optimizers.Optimizer)), or leave it out."
            )
