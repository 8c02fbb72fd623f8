"""The methods of a network that write and read files."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jkeras import saving
from jkeras.compat.legacy_arguments import legacy
from jkeras.export import stablehlo


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
        format: str = "stablehlo",
        inputs: Sequence[str] | None = None,
        outputs: Sequence[str] | None = None,
    ) -> None:
        """Write the model for inference, as a program that runs without the code of its layers.

        Args:
            filepath: the file; `jkeras.export.load` reads it.
            format: "stablehlo": for the CPU and for CUDA, any batch size, and any length where the model
                takes any.
            inputs, outputs: other names of inputs and outputs; default: those of the layers.

        Raises:
            ValueError: another format, or a model that cannot be one program.

        Example:
            >>> import jkeras, tempfile
            >>> model = jkeras.Sequential([jkeras.Input((3,)), jkeras.layers.Dense(2)])
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     model.export(f"{folder}/m.stablehlo", inputs=["x"])
            ...     list(jkeras.export.load(f"{folder}/m.stablehlo").inputs)
            ['x']
        """
        if format != "stablehlo":
            raise ValueError(
                f"jkeras exports 'stablehlo', not {format!r}. For TensorFlow's formats load the .h5 file in "
                "tf-keras and export it there."
            )
        stablehlo.write(self, filepath, inputs, outputs)

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
