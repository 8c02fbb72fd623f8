"""TensorBoard: what training does as event files, and what the weights look like."""

# pyright: reportUnknownMemberType=false, reportPrivateUsage=false
from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import jax
import numpy as np

from jkeras.callbacks import events
from jkeras.callbacks.base import Callback, Logs
from jkeras.callbacks.basic import python_value
from jkeras.core import atomic, settings
from jkeras.core.chunk import Chunk
from jkeras.core.dispatch import is_symbol
from jkeras.core.lists import as_list
from jkeras.core.types import INFERENCE, Array, Batch, Function, Shape, Store
from jkeras.engine.base_layer import Layer
from jkeras.engine.graph import Graph
from jkeras.engine.program import Program
from jkeras.engine.tensors.symbolic import Node, Tensor
from jkeras.engine.tensors.variable import Numpy, Variable


class TensorBoard(Callback):
    """Writes event files that `tensorboard --logdir` shows; needs neither TensorFlow nor TensorBoard itself.

    Scalars of the epoch logs (or of batches), histograms of weights, activations and gradients, pictures of
    weights, the graph of layers, the architecture as text, and outputs of layers for the projector.

    Args:
        log_dir: directory of the files.
        histogram_freq: write histograms every so many epochs; 0: never. Needs validation data as arrays.
        batch_size: samples at a time for activations, gradients and embeddings.
        write_graph: write the graph of layers and the architecture.
        write_grads: with the histograms, those of the gradients of the loss on the validation data.
        write_images: with the histograms, pictures of the weights.
        embeddings_freq: write the outputs of layers for `embeddings_data` every so many epochs; 0: never.
        embeddings_layer_names: these layers; default: all Embedding layers.
        embeddings_metadata: file with labels for the projector, or a dict of such by layer name.
        embeddings_data: array (a list of arrays for several inputs).
        update_freq: "epoch", "batch", or a number of samples after which the logs of a batch are written.

    Raises:
        ValueError: for an unknown `update_freq`; in training, for histograms without validation data and
            embeddings without data.

    Keras 2.2.4: keras/callbacks.py TensorBoard.

    Example:
        >>> TensorBoard("logs", update_freq="batch").update_freq
        1
    """

    state_attributes = ("samples_seen", "samples_seen_at_last_write")

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "./logs",
        histogram_freq: int = 0,
        batch_size: int = 32,
        write_graph: bool = True,
        write_grads: bool = False,
        write_images: bool = False,
        embeddings_freq: int = 0,
        embeddings_layer_names: Sequence[str] | None = None,
        embeddings_metadata: Any = None,
        embeddings_data: Any = None,
        update_freq: str | int = "epoch",
    ):
        super().__init__()
        if not (update_freq in ("epoch", "batch") or (isinstance(update_freq, int) and update_freq > 0)):
            raise ValueError(
                "TensorBoard: `update_freq` should be 'epoch', 'batch' or a number of samples; "
                f"got {update_freq!r}."
            )
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq = histogram_freq
        self.batch_size = batch_size
        self.write_graph = write_graph
        self.write_grads = write_grads
        self.write_images = write_images
        self.embeddings_freq = embeddings_freq
        self.embeddings_layer_names = embeddings_layer_names
        self.embeddings_metadata: Any = embeddings_metadata or {}
        self.embeddings_data = embeddings_data
        self.update_freq: Any = 1 if update_freq == "batch" else update_freq
        self.samples_seen = 0
        self.samples_seen_at_last_write = 0
        self.writer: Any = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Open an event file; write the graph."""
        self._take_up()
        self.writer = events.EventWriter(self.log_dir)
        if self.write_graph:
            self._write_graph()
        self.writer.flush()

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Write the numbers of a batch, if `update_freq` says so."""
        logs = logs or {}
        if self.update_freq == "epoch":
            return
        self.samples_seen += logs["size"]
        if self.samples_seen - self.samples_seen_at_last_write >= self.update_freq:
            self._write_logs(logs, self.samples_seen)
            self.samples_seen_at_last_write = self.samples_seen

    def on_chunk_end(self, chunk: Chunk) -> None:
        """Write the numbers of the batches of a dispatch."""
        if self.update_freq != "epoch":
            for logs in chunk.batches():
                self.on_batch_end(logs["batch"], logs)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write numbers, histograms and embeddings of an epoch."""
        if self.histogram_freq:
            if not self.validation_data:
                raise ValueError(
                    "If printing histograms, validation_data must be provided, and cannot be a generator: "
                    "pass validation_data=(x, y) or validation_split to fit, or histogram_freq=0."
                )
            if epoch % self.histogram_freq == 0:
                self._write_histograms(epoch)
        if self.embeddings_freq:
            if self.embeddings_data is None:
                raise ValueError("To visualize embeddings, embeddings_data must be provided.")
            if epoch % self.embeddings_freq == 0:
                self._write_embeddings()
        self._write_logs(logs or {}, epoch if self.update_freq == "epoch" else self.samples_seen)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Close the event file."""
        self.close()

    def close(self) -> None:
        """Close the event file."""
        if self.writer is not None:
            self.writer.close()

    def _write_logs(self, logs: Logs, index: int) -> None:
        values = {name: python_value(value) for name, value in logs.items() if name not in ("batch", "size")}
        self.writer.add([events.scalar(name, value) for name, value in values.items()], index)
        self.writer.flush()

    def _write_graph(self) -> None:
        nodes = _nodes(self.model)
        if nodes:
            self.writer.add_graph(events.graph(nodes))
            code = json.dumps(json.loads(self.model.to_json()), indent=2)
            self.writer.add([events.text("architecture", "    " + code.replace("\n", "\n    "))], 0)

    def _write_histograms(self, epoch: int) -> None:
        values: list[bytes] = []
        for layer in self.model.layers:
            for weight in layer.weights:
                name, array = weight.name.replace(":", "_"), np.asarray(weight.value)
                values.append(events.histogram(name, array))
                if self.write_images:
                    values += [events.image(tag, picture) for tag, picture in pictures(name, array)]
        if _has_graph(self.model):
            inputs = self.validation_data[: len(self.model.inputs)]
            outputs = outputs_of(self.model, _tensors(self.model), inputs, self.batch_size)
            values += [events.histogram(name, array) for name, array in outputs.items()]
        if self.write_grads:
            for weight, array in gradients(self.model, self.validation_data, self.batch_size):
                values.append(events.histogram(weight.name.replace(":", "_") + "_grad", array))
        self.writer.add(values, epoch)

    def _write_embeddings(self) -> None:
        """Tables of numbers and the projector's list of them (its files, not event files)."""
        data = as_list(self.embeddings_data)
        names = self.embeddings_layer_names or [
            layer.name for layer in self.model.layers if type(layer).__name__ == "Embedding"
        ]
        tensors = {name: _calls(self.model, self.model.get_layer(name))[0].outputs[0] for name in names}
        config = ""
        for name, array in outputs_of(self.model, tensors, data, self.batch_size).items():
            table = Path(self.log_dir) / f"{name}_embedding.tsv"
            with atomic.replacing(table) as part:
                np.savetxt(part, array.reshape(len(array), -1), delimiter="\t", fmt="%.8g")
            given = self.embeddings_metadata
            labels: Any = given.get(name) if hasattr(given, "get") else given
            entries = {"tensor_name": f"{name}_embedding", "tensor_path": table.name}
            if labels:
                entries["metadata_path"] = os.fspath(labels)
            lines = "".join(f'  {key}: "{value}"\n' for key, value in entries.items())
            config += f"embeddings {{\n{lines}}}\n"
        with atomic.replacing(Path(self.log_dir) / "projector_config.pbtxt") as part:
            part.write_text(config)


def pictures(name: str, array: Numpy) -> list[tuple[str, Numpy]]:
    """A weight as grey pictures: a vector is one row, a matrix lies on its side, of a stack up to three.

    Example:
        >>> [(tag, picture.shape) for tag, picture in pictures("k", np.zeros((5, 3)))]
        [('k/image', (3, 5))]
        >>> [tag for tag, _ in pictures("k", np.zeros((3, 3, 8)))]
        ['k/image/0', 'k/image/1', 'k/image/2']
    """
    array = np.squeeze(array)
    if array.ndim == 1:
        return [(f"{name}/image", array[None])]
    if array.ndim == 2:
        return [(f"{name}/image", array.T if array.shape[0] > array.shape[1] else array)]
    if array.ndim == 3:
        last = settings.image_data_format() == "channels_last"
        stack = np.moveaxis(array, -1, 0) if last else array
        return [(f"{name}/image/{i}", picture) for i, picture in enumerate(stack[:3])]
    return []


def _tensors(model: Any) -> dict[str, Tensor]:
    """The output tensors of all layers by TensorBoard's names (`<layer>_out`)."""
    tensors: dict[str, Tensor] = {}
    for layer in model.layers:
        outputs = _calls(model, layer)[0].outputs
        if len(outputs) > 1:
            tensors |= {f"{layer.name}_out_{i}": tensor for i, tensor in enumerate(outputs)}
        else:
            tensors[f"{layer.name}_out"] = outputs[0]
    return tensors


def _calls(model: Any, layer: Layer) -> list[Node]:
    """The calls of a layer that belong to this model; it may have been called elsewhere."""
    return [node for node in layer.inbound_nodes if node in model._graph.layer_nodes]


def _has_graph(model: Any) -> bool:
    """Whether the model is made of symbolic tensors; a subclassed one is not."""
    try:
        return bool(model.inputs)
    except NotImplementedError:
        return False


def _nodes(model: Any) -> list[events.GraphNode]:
    """`(name, kind, inputs, output shapes)` of each layer, for the graph; empty for a model without one."""
    if not _has_graph(model):
        return []
    inside: set[Layer] = set(model.layers)
    nodes: list[events.GraphNode] = []
    for layer in model.layers:
        calls = _calls(model, layer)
        sources = [t.node.owner for n in calls for t in n.inputs if t.node.owner not in (None, layer)]
        names = list(dict.fromkeys(source.name for source in sources if source in inside))
        shapes: list[Shape] = [t.shape for t in calls[0].outputs]
        nodes.append((layer.name, type(layer).__name__, names, shapes))
    return nodes


def _cells(program: Program) -> list[Variable]:
    stores = [*program.params.values(), *program.state.values()]
    return [cell for store in stores for cell in store.values()]


def _slices(arrays: list[Any], batch_size: int) -> Iterator[list[Numpy]]:
    for start in range(0, len(arrays[0]), batch_size):
        yield [np.asarray(array[start : start + batch_size]) for array in arrays]


def _nowhere(cell: Variable, value: Any) -> None:
    """States stay as they are."""


def _array_of(cell: Variable) -> Array:
    return cell.take()


def outputs_of(
    model: Any, tensors: dict[str, Tensor], inputs: list[Any], batch_size: int
) -> dict[str, Numpy]:
    """Values of symbolic tensors of a model for given inputs, in the inference phase.

    Args:
        model: a model with symbolic inputs.
        tensors: what is wanted, by name.
        inputs: one array per input.
        batch_size: samples at a time.

    Returns:
        Arrays by the same names.
    """
    graph = Graph(model.inputs, list(tensors.values()))
    cells = list(dict.fromkeys([*_cells(model.program()), *graph.free_variables]))

    def compute(values: list[Any], xs: list[Any]) -> list[Any]:
        known = dict(zip(cells, values, strict=True))
        return cast("Function", graph.run)(known, xs, [None] * len(xs), INFERENCE, _nowhere)[0]

    run = cast("Function", jax.jit(compute))

    values = [cell.take() for cell in cells]
    parts: list[list[Numpy]] = [
        [np.asarray(y) for y in run(values, xs)] for xs in _slices(inputs, batch_size)
    ]
    return {
        name: np.concatenate(batches) for name, batches in zip(tensors, zip(*parts, strict=True), strict=True)
    }


def gradients(model: Any, validation_data: list[Any], batch_size: int) -> list[tuple[Variable, Numpy]]:
    """`(weight, gradient of the loss)` on validation data, averaged over its batches, in the inference phase.

    Args:
        model: a compiled model.
        validation_data: arrays of inputs, targets and sample weights, in this order.
        batch_size: samples at a time.
    """
    program, objective = model.program(), model._trainer.objective
    inputs = len(model._trainer.inputs)
    ends = inputs, inputs + len(objective.fed)

    def differentiate(params: Store, state: Store, arrays: list[Any]) -> Store:
        batch = Batch(arrays[: ends[0]], arrays[ends[0] : ends[1]], arrays[ends[1] :])

        def loss(params: Store) -> Any:
            out = program.apply(params, state, batch.x, INFERENCE)
            with program.frame(params, state, out, INFERENCE):
                share = objective(out.y, out.mask, batch, INFERENCE)[0]
            return share + out.loss + program.penalty(params)

        return cast("Function", jax.grad(loss))(params)

    gradient = cast("Function", jax.jit(differentiate))

    params, state = jax.tree.map(_array_of, (program.params, program.state), is_leaf=is_symbol)
    count = ends[1] + len(objective.targets)
    slices = list(_slices(validation_data[:count], batch_size))
    total: Any = None
    for arrays in slices:
        gradient_of_batch = gradient(params, state, arrays)
        total = gradient_of_batch if total is None else jax.tree.map(np.add, total, gradient_of_batch)
    live = [(path, name) for path in program.params if path in program.live for name in program.params[path]]
    return [(program.params[p][n], np.asarray(total[p][n]) / len(slices)) for p, n in live] if total else []
