"""The methods of a network that write and read files."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jkeras import export, saving
from jkeras.compat.legacy_arguments import legacy


class Files:
    """Mixin of `Network`.

    Keras 2.2.4: keras/engine/network.py Network
    """

    @legacy("save", of="method")
    def save(self, filepath: Any, overwrite: bool = True, include_optimizer: bool = True) -> None:
        """Write architecture, weights, training configuration and optimizer state to one file.

        Args:
            filepath: `.msgpack` for jkeras's own format; anything else is HDF5 in the layout of Keras 2.2.4.
            overwrite: whether an existing file is replaced without asking.
            include_optimizer: whether to keep the optimizer's state.
        """
        saving.save_model(self, filepath, overwrite, include_optimizer)

    @legacy("save", of="method")
    def save_weights(self, filepath: Any, overwrite: bool = True) -> None:
        """Write the weights to a file."""
        saving.save_weights(self, filepath, overwrite)

    def export(
        self,
        filepath: Any,
        format: str | None = None,
        inputs: Sequence[str] | None = None,
        outputs: Sequence[str] | None = None,
        signature: str = "serving_default",
        sample: Any = None,
    ) -> export.Report:
        """Write the model for inference, in a form that runs without jkeras or the code of its layers.

        The file is run by the real runtime and compared with the model before it takes its place.

        Args:
            filepath: the file; of a SavedModel the folder, in which the next version is made.
            format: "stablehlo" (`jkeras.export.load` runs it on CPU and CUDA), "saved_model" (TensorFlow
                and TensorFlow Serving), "frozen_pb" (one graph with its constants), "tflite" (phones),
                "tflite_int8" (weights in 8 bits), "onnx"; default: as the ending says, `.stablehlo`,
                `.pb`, `.tflite`, `.onnx`.
            inputs, outputs: other names of inputs and outputs; default: those of the layers.
            signature: the name of the computation, for clients of TensorFlow Serving.
            sample: rows of inputs to compare file and model on; default: random numbers.

        Returns:
            A `jkeras.export.Report`: the path, the road, the names, the largest difference.

        Raises:
            ValueError: another format, or a model that no road leads from.
            ImportError: a package that the format needs is missing.

        Example:
            >>> import jkeras, tempfile
            >>> model = jkeras.Sequential([jkeras.Input((3,)), jkeras.layers.Dense(2)])
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     report = model.export(f"{folder}/m.stablehlo", inputs=["x"])
            ...     list(jkeras.export.load(f"{folder}/m.stablehlo").inputs), report.road
            (['x'], 'jax.export')
        """
        return export.write(self, filepath, format, inputs, outputs, signature, sample)

    def load_weights(
        self,
        filepath: Any,
        by_name: bool = False,
        skip_mismatch: bool = False,
        reshape: bool = False,
        accept_changed: bool = False,
        report: bool = False,
    ) -> saving.Report | None:
        """Read weights from a weights file or a whole model file.

        Args:
            filepath: what `save_weights` or `save` wrote, any Keras, flax (`to_bytes`), safetensors or
                `np.savez`.
            by_name: whether to match layers by name instead of by position.
            skip_mismatch: with `by_name`: whether to skip layers that do not fit.
            reshape: whether to reshape weights of the same size.
            accept_changed: whether to load a file that was changed after jkeras had sealed it.
            report: whether to return what was loaded.

        Returns:
            A `jkeras.saving.Report`, or None without `report`.
        """
        return saving.load_weights(
            self, filepath, by_name, skip_mismatch, reshape, accept_changed, report=report
        )

    def to_json(self, **kwargs: Any) -> str:
        """The architecture as JSON."""
        return saving.model_to_json(self, **kwargs)

    def to_yaml(self, **kwargs: Any) -> str:
        """The architecture as YAML."""
        return saving.model_to_yaml(self, **kwargs)
