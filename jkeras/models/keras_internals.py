"""The results of `compile`, under the names inside Keras that scripts have come to use.

gradients = K.gradients(model.total_loss, model.trainable_weights)
K.function(model.inputs + model.targets + model.sample_weights + [K.learning_phase()], gradients)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jkeras.core.types import Function, Shape
from jkeras.engine.tensors.symbolic import Tensor
from jkeras.engine.tensors.variable import Variable
from jkeras.models.results import Results
from jkeras.training import Objective, Trainer
from jkeras.training.data import arrays
from jkeras.training.objective.endpoints import Endpoint, Target
from jkeras.training.objective.symbolic import symbols
from jkeras.training.types import Data, Weights

if TYPE_CHECKING:
    from jkeras.models.network import Network as Base
else:
    Base = object


class KerasInternals(Base):
    """Mixin of `Compiled`: views of the objective; nothing in jkeras itself needs them.

    Keras 2.2.4: keras/engine/training.py Model.compile
    """

    compiled_trainable_weights: list[Variable]
    _arguments: dict[str, Any] | None
    _trainer: Trainer | None
    _results: Results | None

    def _objective(self) -> Objective:
        if self._trainer is None:
            raise RuntimeError(
                f"Model {self.name!r} has no loss yet: call model.compile(optimizer, loss), and build it "
                "(input_shape of its first layer, or model.build) if it has no shapes."
            )
        return self._trainer.objective

    def _lists(self) -> Results:
        """The results of `compile` as lists, made when somebody asks for them."""
        objective = self._objective()
        if self._results is None or self._results.objective is not objective:
            self._results = Results(objective, lambda: symbols(objective, self.outputs, self.losses))
        return self._results

    @property
    def total_loss(self) -> Tensor:
        """The loss that training makes small, as a tensor: of `inputs`, `targets` and `sample_weights`."""
        return self._lists().symbols.total

    @property
    def targets(self) -> list[Any]:
        """For each output the tensor that stands for its target; None without a loss."""
        return self._lists().symbols.targets

    @property
    def sample_weights(self) -> list[Any]:
        """For each output the tensor that stands for the weights of its samples; None without a loss."""
        return self._lists().symbols.weights

    @property
    def metrics_names(self) -> list[str]:
        """Names of what `evaluate` and `train_on_batch` return: of the loss and of `metrics_tensors`."""
        return self._lists().names if self._trainer is not None else ["loss"]

    @metrics_names.setter
    def metrics_names(self, names: list[str]) -> None:
        self._lists().names = names

    @property
    def metrics_tensors(self) -> list[Any]:
        """The losses of the outputs, where there are several, and the metrics, as tensors.

        What is appended, with a name in `metrics_names`, is reported by the calls that follow: the mean of a
        tensor of the inputs, `outputs`, `targets` and `sample_weights`, or a variable.
        """
        return self._lists().tensors

    @metrics_tensors.setter
    def metrics_tensors(self, tensors: list[Any]) -> None:
        self._lists().tensors = tensors

    @property
    def stateful_metric_names(self) -> list[str]:
        """Names of the metrics that keep a running value themselves."""
        return self._lists().running if self._trainer is not None else []

    @stateful_metric_names.setter
    def stateful_metric_names(self, names: list[str]) -> None:
        self._lists().running = names

    @property
    def stateful_metric_functions(self) -> list[Any]:
        """The metrics that keep a running value themselves; `reset_states` is called before each epoch."""
        return self._lists().keepers

    @stateful_metric_functions.setter
    def stateful_metric_functions(self, functions: list[Any]) -> None:
        self._lists().keepers = functions

    @property
    def metrics_updates(self) -> list[Any]:
        """Updates for steps of training and testing; metrics given to `compile` need none."""
        return self._lists().updates

    @metrics_updates.setter
    def metrics_updates(self, updates: list[Any]) -> None:
        self._lists().updates = updates

    @property
    def loss_functions(self) -> list[Function | None]:
        """For each output its loss function or None."""
        functions = {term.output: term.fn for term in self._objective().terms}
        return [functions.get(i) for i in range(len(self.outputs))]

    @property
    def sample_weight_modes(self) -> list[str | None]:
        """For each output 'temporal' or None."""
        terms = zip(self._objective().terms, self._objective().targets, strict=True)
        modes = {term.output: target.mode for term, target in terms}
        return [modes.get(i) for i in range(len(self.outputs))]

    @property
    def _is_graph_network(self) -> bool:
        return self._graph is not None

    @property
    def _is_compiled(self) -> bool:
        return self._arguments is not None

    @property
    def _collected_trainable_weights(self) -> list[Variable]:
        return self.compiled_trainable_weights

    def _check_trainable_weights_consistency(self) -> None:
        self._warn_if_trainable_changed()  # type: ignore[attr-defined]

    # What is fed: not `Input(tensor=...)`, nor targets that are tensors.

    @property
    def _feed_inputs(self) -> list[Tensor]:
        return self.signature[0]

    @property
    def _feed_input_names(self) -> list[str]:
        return [endpoint.name for endpoint in self._input_endpoints()]

    @property
    def _feed_input_shapes(self) -> list[Shape]:
        return [tensor.shape for tensor in self.signature[0]]

    def _input_endpoints(self) -> list[Endpoint]:
        self._objective()
        assert self._trainer is not None
        return self._trainer.inputs

    def _fed(self) -> list[tuple[int, Target]]:
        terms = zip(self._objective().terms, self._objective().targets, strict=True)
        return [(term.output, target) for term, target in terms if target.symbol is None]

    @property
    def _feed_targets(self) -> list[Any]:
        return [self.targets[i] for i, _ in self._fed()]

    @property
    def _feed_outputs(self) -> list[Tensor]:
        return [self.outputs[i] for i, _ in self._fed()]

    @property
    def _feed_output_names(self) -> list[str]:
        return [target.name for _, target in self._fed()]

    @property
    def _feed_output_shapes(self) -> list[Shape]:
        return [tensor.shape for tensor in self._feed_outputs]

    @property
    def _feed_loss_fns(self) -> list[Function | None]:
        return [target.fn for _, target in self._fed()]

    @property
    def _feed_sample_weights(self) -> list[Any]:
        return [weight for weight in self.sample_weights if weight is not None]

    def _standardize_user_data(
        self,
        x: Data,
        y: Data = None,
        sample_weight: Weights = None,
        class_weight: Weights = None,
        check_array_lengths: bool = True,
        batch_size: int | None = None,
    ) -> tuple[list[Any], list[Any], list[Any]]:
        """Lists of the arrays of x, of y, and of the sample weights (ones where there are none)."""
        targets = self._objective().targets if y is not None else []
        samples = arrays.read(
            x, y, self._input_endpoints(), targets, sample_weight, class_weight, y is not None
        )
        ones = [
            np.ones(a.shape[: 2 if target.mode == "temporal" else 1], "float32")
            for a, target in zip(samples.y, self._objective().fed, strict=False)
        ]
        weights = [one if w is None else w for one, w in zip(ones, samples.weight, strict=False)]
        return samples.x, samples.y, weights
