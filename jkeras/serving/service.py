"""One served model: what REST and gRPC both ask."""

from __future__ import annotations

import asyncio
from typing import Any

from jkeras.serving.errors import Refused, shown
from jkeras.serving.messages import STATES, TYPES, UNKNOWN_ERROR
from jkeras.serving.metrics import Gauge, Metrics
from jkeras.serving.settings import Settings
from jkeras.serving.signature import Arrays, TensorInfo
from jkeras.serving.versions import Version, Versions


class Service:
    """A model under its name, with its versions and limits.

    Args:
        settings: of the server.

    Attributes:
        stopping: whether the server takes its leave.
    """

    def __init__(self, settings: Settings):
        self.settings, self.metrics, self.stopping = settings, Metrics(), False
        self.versions = Versions(settings, self.metrics)
        self.metrics.gauges += [
            Gauge("jkeras_queue_rows", "Rows that wait.", self._waiting),
            Gauge("jkeras_model_version", "The version that answers.", self._number),
            Gauge("jkeras_ready", "Whether requests are answered.", lambda: float(self.ready)),
        ]

    def _waiting(self) -> float:
        return float(self.versions.current.batches.rows) if self.versions.current else 0.0

    def _number(self) -> float:
        return float(self.versions.current.number) if self.versions.current else 0.0

    @property
    def ready(self) -> bool:
        """Whether requests are answered and will be for a while."""
        return self.versions.current is not None and not self.stopping

    def check_name(self, name: str) -> None:
        """Refuses the name of another model."""
        if name != self.settings.name:
            raise Refused(404, f"There is no model {shown(name)}; this server has {self.settings.name!r}.")

    def version(self, name: str, number: int | None) -> Version:
        """The version that a request asks for.

        Raises:
            Refused: there is no such model or version.
        """
        self.check_name(name)
        return self.versions.find(number)

    async def predict(self, version: Version, given: Arrays, seconds: float | None = None) -> Arrays:
        """The outputs of a version.

        Args:
            version: of the model.
            given: an array for each input.
            seconds: how long it may take; the server's own limit holds too.

        Raises:
            Refused: the arrays do not fit, or there is no room or time.
        """
        arrays = version.signature.ordered(given, self.settings.max_rows)
        allowed = self.settings.deadline_ms / 1000
        deadline = asyncio.get_running_loop().time() + min(allowed, allowed if seconds is None else seconds)
        made = await version.batches.submit(arrays, deadline)
        self.metrics.rows.add(amount=len(arrays[0]))
        return dict(zip((info.name for info in version.signature.outputs), made, strict=True))

    def states(self, number: int | None) -> list[tuple[int, str, str]]:
        """Number, state and damage of the versions, the newest first.

        Raises:
            Refused: there is no such version.
        """
        states = [(n, s.state, s.damage) for n, s in self.versions.states.items() if number in (None, n)]
        if not states and number is not None:
            raise Refused(404, f"There is no version {number}.")
        return sorted(states, reverse=True)

    def status(self, number: int | None) -> dict[str, Any]:
        """The states as the REST contract writes them."""
        return {
            "model_version_status": [
                {
                    "version": str(n),
                    "state": state,
                    "status": {"error_code": "UNKNOWN" if damage else "OK", "error_message": damage},
                }
                for n, state, damage in self.states(number)
            ]
        }

    def metadata(self, version: Version) -> dict[str, Any]:
        """The signature as the REST contract writes it."""
        signature = version.signature
        described = {
            "inputs": {info.name: _described(info) for info in signature.inputs},
            "outputs": {info.name: _described(info) for info in signature.outputs},
            "method_name": "tensorflow/serving/predict",
        }
        spec = {"name": self.settings.name, "signature_name": "", "version": str(version.number)}
        return {
            "model_spec": spec,
            "metadata": {"signature_def": {"signature_def": {signature.name: described}}},
        }


def status_of(number: int, state: str, damage: str, message: Any) -> None:
    """Write a state into a `ModelVersionStatus`."""
    message.version, message.state = number, STATES[state]
    message.status.error_code = UNKNOWN_ERROR if damage else 0
    message.status.error_message = damage


def _described(info: TensorInfo) -> dict[str, Any]:
    sizes = [{"size": str(-1 if size is None else size), "name": ""} for size in info.shape]
    return {
        "dtype": TYPES[info.dtype][1],
        "tensor_shape": {"dim": sizes, "unknown_rank": False},
        "name": f"{info.name}:0",
    }
