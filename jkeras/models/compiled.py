"""Compiled: a network that has been told how it is trained, and the trainer that comes of it."""

# pyright: reportMissingTypeStubs=false
from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, Literal, Never, TypeAlias, TypeVar

import jax.numpy as jnp
import optax
from jax.typing import DTypeLike

from jkeras import optimizers, training
from jkeras.compat.legacy_arguments import legacy
from jkeras.core import settings
from jkeras.core.lists import as_list, unpacked
from jkeras.core.types import AnyDict, Function
from jkeras.core.words import arguments_of, unknown_arguments
from jkeras.engine.base_layer import Layer
from jkeras.engine.call.added_metrics import reported_by
from jkeras.engine.graph import Graph
from jkeras.engine.tensors.closures import closed_over
from jkeras.engine.tensors.shapes import Spec
from jkeras.engine.tensors.symbolic import Tensor
from jkeras.engine.tensors.variable import Variable
from jkeras.engine.tree import instances
from jkeras.models import doubts
from jkeras.models.functions import StepFunctions
from jkeras.models.keras_internals import KerasInternals
from jkeras.models.network import Network, Tensors
from jkeras.models.results import Results
from jkeras.optimizers import Binding
from jkeras.training import Endpoint, Objective, Trainer
from jkeras.training.devices import Devices, Mesh, Shard
from jkeras.training.objective.arguments import is_ours
from jkeras.training.objective.closures import observed
from jkeras.training.run.options import LossScale, StepOptions
from jkeras.training.run.pure_step import TrainingStep
from jkeras.training.run.report import CompileReport
from jkeras.training.types import Data

T = TypeVar("T")
ByOutput: TypeAlias = T | Sequence[T] | Mapping[str, T]
Metrics: TypeAlias = Sequence[Any] | Mapping[str, Any] | None  # names or functions; of each output a list
Identifier: TypeAlias = (
    str
    | optimizers.Optimizer
    | optax.GradientTransformation
    | optax.MultiSteps
    | Mapping[str, Any]
    | Function
)


class Compiled(StepFunctions, KerasInternals, Network):
    """Mixin of a network that `compile` was called on."""

    @legacy("model")
    def __init__(
        self,
        inputs: Tensors = None,
        outputs: Tensors = None,
        name: str | None = None,
        trainable: bool = True,
        **kwargs: Never,
    ):
        super().__init__(inputs, outputs, name, trainable, **kwargs)
        self.optimizer: Any = None
        self.devices: Any = None
        self.stop_training = False
        self.history: Any = None
        self._arguments: dict[str, Any] | None = None
        self._trainer: Trainer | None = None
        self._predictor: tuple[Graph | None, Trainer] | None = None
        self._results: Results | None = None
        self._own_flags: tuple[list[Layer], list[bool]] | None = None  # at the last look

    def _init_graph(self, inputs: list[Tensor], outputs: list[Tensor]) -> None:
        super()._init_graph(inputs, outputs)
        self._trainer = None  # a compiled model gets one for its new graph at the next call

    @legacy("compile", of="method")
    def compile(
        self,
        optimizer: Identifier = "rmsprop",
        loss: ByOutput[str | Function | None] = None,
        metrics: Metrics = None,
        loss_weights: Sequence[float] | Mapping[str, float] | None = None,
        sample_weight_mode: ByOutput[str | None] = None,
        weighted_metrics: Metrics = None,
        target_tensors: Any = None,
        devices: Devices = None,
        mesh: Mesh | None = None,
        shard: Shard | None = None,
        run_eagerly: bool = False,
        steps_per_execution: int | Literal["auto"] | None = None,
        jit_compile: bool | Literal["auto"] = True,
        auto_scale_loss: bool = True,
        compute_dtype: DTypeLike | None = None,
        loss_scale: LossScale = None,
        remat: str | Sequence[str] | None = (),
        accumulate: int = 1,
        ema: float | None = None,
        **kwargs: Never,
    ) -> None:
        """Choose how the model is trained; builds one jitted step from the optimizer and the loss.

        Args:
            optimizer: name, `jkeras.optimizers` object, any `optax.GradientTransformation`, or a schedule; or
                a dict of these by patterns of weights' paths, of which the first match counts, None or
                "freeze": not trained; `{"base/*": None, "*/bias": "sgd", "*": optax.adamw(schedule)}`.
            loss: name, function `(y_true, y_pred) -> loss of each sample`, list or dict by output;
                None for an output without a loss.
            metrics, weighted_metrics: list of names or functions; list of lists or dict by output.
            loss_weights: list or dict by output.
            sample_weight_mode: None, 'temporal', list or dict by output.
            target_tensors: variables or tensors to train against instead of fed targets.
            devices: devices that share each batch; default: all of the default backend.
            mesh: a `jax.sharding.Mesh` instead; batches are spread over its axis "data" and those before it,
                or over its first axis.
            shard: rule by which weights, and the optimizer's arrays for them, are spread over the mesh:
                `shard("dense_1/kernel", (784, 128))` returns a `PartitionSpec`, or None: whole on all.
            run_eagerly, jit_compile: steps are always compiled; to debug, wrap a call in `jax.disable_jit()`.
            steps_per_execution: as many steps as fit between two callbacks run at once by themselves.
            auto_scale_loss: whether `compute_dtype="float16"` means `loss_scale="dynamic"`.
            compute_dtype: "bfloat16" or "float16" (None: as the policy of `jkeras.config` says): layers
                compute in it, save those with a `dtype` of their own and normalization; weights, updates,
                losses, metrics and predictions stay float32.
            loss_scale: number that the loss is multiplied with while gradients are computed; "dynamic": one
                that doubles after 2000 steps and halves where gradients overflow. A step whose gradients are
                not finite changes nothing.
            remat: names of layers, or patterns (`"block_*"`): their outputs are computed again for gradients
                instead of kept in memory. Best of models within the model.
            accumulate: batches that make one update, by the mean of their gradients: one that is `accumulate`
                times as large, save in normalization. Batches that wait do so across epochs and calls.
            ema: share of itself that the moving average of the weights keeps in each update, as 0.999; see
                `averaged`.

        Raises:
            ValueError: an unknown name, or an argument that does not fit the outputs.

        Keras 2.2.4: keras/engine/training.py Model.compile
        """
        if kwargs:
            known = arguments_of(Compiled.compile)
            raise unknown_arguments("compile()", kwargs, known, " There are no sessions to pass it to.")
        if run_eagerly or not jit_compile:
            warnings.warn(
                "compile(run_eagerly=True, jit_compile=False) have no effect: steps are always compiled. To "
                "debug, wrap the call of `fit` in `jax.disable_jit()`.",
                stacklevel=3,
            )
        self.optimizer = optimizers.get(optimizer)
        self.loss, self.metrics, self.loss_weights = loss, metrics or [], loss_weights
        self.sample_weight_mode, self.weighted_metrics = sample_weight_mode, weighted_metrics
        self.target_tensors = target_tensors
        devices = self.devices if devices is None and mesh is None else devices
        compute_dtype = settings.compute_dtype() if compute_dtype is None else compute_dtype
        options = StepOptions.of(compute_dtype, loss_scale, remat, accumulate, ema, auto_scale_loss)
        self._arguments = {"devices": devices, "mesh": mesh, "shard": shard, "options": options}
        self._trainer = None
        self._forget_functions()
        if self.built:
            self._trainer = self._make_trainer()

    def _make_trainer(self) -> Trainer:
        inputs, outputs = self._endpoints()
        objective = Objective.build(
            outputs,
            *self._choices(),
            has_added_loss=self._adds_losses(),
            target_tensors=self.target_tensors,
            inputs=self.signature[0],
            added=reported_by(self),
        )
        if self._graph is not None:
            doubts.look_at(self._graph.outputs, ((term.output, term.fn) for term in objective.terms))
            doubts.look_at_images(self._graph)
        self.compiled_trainable_weights = list(self.trainable_weights)
        self._own_flags = None
        assert self._arguments is not None
        self._watch_closures(objective)
        return Trainer(self.program(), inputs, outputs, objective, self.optimizer, **self._arguments)

    def _watch_closures(self, objective: Objective) -> None:
        """Losses, metrics and regularizers may close over tensors and variables; targets may be such."""
        tensors = [t for t in objective.symbols if isinstance(t, Tensor)]
        variables = [v for v in objective.symbols if not isinstance(v, Tensor)]

        def look(output: int, fn: Function) -> Function:
            fn, seen, read = observed(fn, f"{self.output_names[output]}_target", self.signature[1][output])
            tensors.extend(seen)
            variables.extend(read)
            return fn

        objective.replace_foreign(look)
        for metric in objective.metrics:
            variables.extend(getattr(metric.fn, "variables", ()))
        for variable in self.weights:
            if variable.regularizer is not None and not is_ours(variable.regularizer):
                seen, read = closed_over(variable.regularizer, Spec(variable.shape, variable.dtype))
                tensors, variables = [*tensors, *seen], [*variables, *read]
        self.watch(list(dict.fromkeys(tensors)), list(dict.fromkeys(variables)))

    def _take_results(self) -> None:
        """Let steps report and do what a script has put into the results of `compile` since the last call."""
        results, trainer = self._results, self._trainer
        if results is None or trainer is None or results.objective is not trainer.objective:
            return
        if results.changed:
            appended = results.appended(self._graph_or_complain("metrics_tensors"))
            self.watch(list(dict.fromkeys([*self._watched, *appended.watched])), appended.variables)
            results.take(trainer.objective.extended(appended))
            program, ends = trainer.program.renewed(), (trainer.inputs, trainer.outputs)
            assert self._arguments is not None
            self._trainer = Trainer(program, *ends, results.objective, self.optimizer, **self._arguments)
            self._trainer.go_on_from(trainer)
        results.name()

    def _choices(self) -> tuple[Any, ...]:
        """The arguments that may be given by output, in the order of `Objective.build`."""
        return self.loss, self.metrics, self.loss_weights, self.sample_weight_mode, self.weighted_metrics

    def _adds_losses(self) -> bool:
        """Whether something beside `loss` is minimized; calls are looked into only if it comes to that."""
        if self._graph is None or self._has_effects() or self._has_penalties():
            return True
        loss: Any = self.loss
        given = loss.values() if isinstance(loss, AnyDict) else as_list(loss)
        return all(loss is None for loss in given) and bool(self.losses)

    def _has_penalties(self) -> bool:
        from_weights = any(v.regularizer is not None for v in self.weights)
        return from_weights or any(layer.activity_regularizer is not None for layer in self.layers)

    def _endpoints(self) -> tuple[list[Endpoint], list[Endpoint]]:
        inputs, outputs = self.signature
        names = zip(self._fed_names(), inputs, self._index_limits(), strict=True)
        if self._graph is None:  # a subclass was built for the first data; it may take others
            return (
                [Endpoint(n, (None,) * len(t.shape), t.dtype, limit) for n, t, limit in names],
                [
                    Endpoint(n, (*(None for _ in t.shape[1:]), *t.shape[-1:]), t.dtype)
                    for n, t in zip(self.output_names, outputs, strict=True)
                ],
            )
        return (
            [Endpoint(n, t.shape, t.dtype, limit) for n, t, limit in names],
            [
                Endpoint(n, t.shape, t.dtype, layer=t.node.owner.name if t.node.owner is not None else t.name)
                for n, t in zip(self.output_names, outputs, strict=True)
            ],
        )

    def _index_limits(self) -> list[int | None]:
        """For each input the rows of the table that it indexes (`Embedding.input_dim`), where it does."""
        inputs = self.signature[0]
        limits = {t: [getattr(n.owner, "index_limit", None) for n in self._consumers(t)] for t in inputs}
        return [min((x for x in limits[t] if x is not None), default=None) for t in inputs]

    def _compiled(self, x: Data, what: str) -> Trainer:
        """The trainer of a compiled model; a model without an input shape is built from the data."""
        if self._arguments is None:
            raise RuntimeError(
                f"You must compile the model before {what}: model.compile(optimizer, loss). "
                f"Model {self.name!r} is not."
            )
        own_step = {"training": "train_step", "testing": "test_step"}[what]
        if own_step in vars(self) or hasattr(type(self), own_step):
            raise TypeError(
                f"Model {self.name!r} defines `{own_step}`, which is not called here: a step is compiled "
                "from the optimizer and the loss of `compile`. Say what is to be minimized with "
                "compile(loss=...) or self.add_loss(...) in `call`; for a loop of your own take the step of "
                "`fit` as pure functions, `model.step()`, or `model.pure()` alone."
            )
        if self._trainer is None:
            if x is not None:
                self.build_from_data(training.first_arrays(x))
            self._trainer = self._make_trainer()
        self._take_results()
        if what == "training":
            self._warn_if_trainable_changed(stacklevel=5)
        return self._use_function("train" if what == "training" else "test", self._trainer)

    def step(self) -> TrainingStep:
        """The step that `fit` makes, as pure functions of arrays, for loops of one's own.

        Returns:
            A `TrainingStep` with `init`, `apply`, `loss`, `context`, and `put` for what a loop came to.

        Raises:
            RuntimeError: the model is not compiled, or not built.

        Example:
            >>> import jax, jkeras, numpy as np
            >>> model = jkeras.Sequential([jkeras.Input((3,)), jkeras.layers.Dense(1)])
            >>> model.compile("sgd", "mse")
            >>> step = model.step()
            >>> batches = np.ones((5, 8, 3)), np.ones((5, 8, 1))  # 5 batches of 8
            >>> carry, logs = jax.lax.scan(step.apply, step.init(), batches)
            >>> logs["loss"].shape
            (5,)
            >>> step.put(carry)
        """
        if self._arguments is not None and not self.built:
            raise RuntimeError(f"Model {self.name!r} has no input shape yet: call model.build(...) first.")
        shapes = unpacked([t.shape for t in self.signature[0]]) if self.built else None
        return TrainingStep(self._compiled(None, "training"), self.pure(), shapes)

    @property
    def step_options(self) -> StepOptions:
        """The `compute_dtype`, `loss_scale`, `remat`, `accumulate` and `ema` of `compile`."""
        given = self._arguments["options"] if self._arguments is not None else StepOptions()
        return given.with_those_of(self.optimizer)

    @contextlib.contextmanager
    def averaged(self) -> Generator[None]:
        """Let the model have the moving averages of its weights, to evaluate, predict or save with.

        `compile(ema=...)`, or `use_ema` of an optimizer, keeps them in training; evaluation, predictions and
        files are otherwise those of the weights themselves. Afterwards the model has its weights again: train
        outside.

        Raises:
            ValueError: the model was compiled without `ema`.

        Example:
            >>> import jkeras, numpy as np
            >>> model = jkeras.Sequential([jkeras.Input((1,)), jkeras.layers.Dense(1, use_bias=False)])
            >>> model.compile("sgd", "mse", ema=0.5)
            >>> with model.averaged():
            ...     y = model.predict(np.ones((1, 1)))
        """
        if self.step_options.ema is None and not getattr(self.optimizer, "use_ema", False):
            raise ValueError(f"Model {self.name!r} keeps no averages: compile(..., ema=0.999).")
        binding: Binding | None = None if self._trainer is None else self._trainer.binding
        pairs = [] if binding is None else binding.averages()
        before = [weight.take() for weight, _ in pairs]
        for weight, average in pairs:
            weight.put(jnp.copy(average.take()))
        try:
            yield
        finally:
            for (weight, _), array in zip(pairs, before, strict=True):
                weight.put(array)

    def compile_report(self) -> CompileReport:
        """The programs that were compiled for this model: why each was, and what it costs.

        What a program costs is found by compiling it once more. Where one array comes in very many shapes, a
        warning names it while it happens.

        Returns:
            A list with a dict for each program, `print` shows it as a table: kind ("train", "test",
            "predict"), seconds (tracing, compilation and the first run), flops, traffic and peak memory in
            bytes (of a loop over batches one turn), and the reason.
        """
        predictor = None if self._predictor is None else self._predictor[1]
        trainers = [t for t in (self._trainer, predictor) if t is not None]
        return CompileReport(row for trainer in trainers for row in trainer.traces.report())

    def summary(
        self,
        line_length: int | None = None,
        positions: Sequence[float] | None = None,
        print_fn: Callable[[str], object] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        wide: bool = False,
    ) -> None:
        """See `Network.summary`; a warning says where `trainable` has changed since `compile`."""
        super().summary(line_length, positions, print_fn, expand_nested, show_trainable, wide)
        self._warn_if_trainable_changed(stacklevel=3)

    def _warn_if_trainable_changed(self, stacklevel: int = 2) -> None:
        """Asked at every batch: weights are listed again only where a layer's flag is another one."""
        trained: list[Variable] | None = getattr(self, "compiled_trainable_weights", None)
        layers, flags = self._own_flags or ([inner for _, inner in instances(self)], [])
        now = [layer.trainable for layer in layers]
        if trained is None or now == flags:
            return
        if len(trained) == len(self.trainable_weights):
            self._own_flags = layers, now
            return
        warnings.warn(
            "Discrepancy between trainable weights and collected trainable weights: `trainable` was "
            "changed after compile. Call model.compile(...) again for the change to take effect.",
            UserWarning,
            stacklevel=stacklevel,
        )

    def _predicting(self, x: Data) -> Trainer:
        """A trainer that predicts; the compiled one, or one without optimizer for an uncompiled model."""
        if not self.built:
            self.build_from_data(training.first_arrays(x))
        trainer = self._trainer
        if trainer is None:
            if self._predictor is None or self._predictor[0] is not self._graph:
                self._predictor = (self._graph, Trainer(self.program(), *self._endpoints()))
            trainer = self._predictor[1]
        return self._use_function("predict", trainer)
