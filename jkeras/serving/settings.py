"""Settings of a server: names, addresses, batches and limits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

LOGS = ("text", "json", "none")


@dataclass(frozen=True)
class Settings:
    """How a model is served.

    Args:
        path: a model file, an export, a run directory, or a folder of version folders.
        name: of the model, in addresses and requests.
        host, port, grpc_port: where it listens; port 0: any free one; a `grpc_port` of None: no gRPC.
        signature, inputs, outputs: names that requests use; default: "serving_default", and those of the
            model or the export.
        max_batch: the most rows that are computed at once.
        max_delay_ms: how long the first row of a batch waits for others while nothing is computed.
        max_waiting: the most rows that wait; more are refused with 503.
        deadline_ms: how long a request may wait and be computed.
        max_body: the most bytes of a request.
        max_rows: the most rows of a request.
        max_connections: of HTTP, at a time.
        read_seconds: how long a client may take to send a request, or to take its answer.
        drain_seconds: how long requests may still take after SIGTERM.
        poll_seconds: how often a folder is looked through for new versions.
        log: the lines for requests: "text", "json" or "none".
        accept_changed: reads model files too that were changed after they had been sealed.

    Raises:
        ValueError: a number is too small, or a word unknown.
    """

    path: Path
    name: str = "model"
    host: str = "127.0.0.1"
    port: int = 8501
    grpc_port: int | None = 8500
    signature: str | None = None
    inputs: tuple[str, ...] | None = None
    outputs: tuple[str, ...] | None = None
    max_batch: int = 32
    max_delay_ms: float = 0.0
    max_waiting: int = 4096
    deadline_ms: float = 30_000.0
    max_body: int = 16 * 1024 * 1024
    max_rows: int = 1024
    max_connections: int = 1024
    read_seconds: float = 30.0
    drain_seconds: float = 30.0
    poll_seconds: float = 1.0
    log: str = "text"
    accept_changed: bool = False

    def __post_init__(self) -> None:
        if not self.name or set(self.name) & set("/:?#%"):
            raise ValueError(f"The name of a served model stands in addresses; got {self.name!r}.")
        if self.log not in LOGS:
            raise ValueError(f"The log should be one of {LOGS}; got {self.log!r}.")
        for key in ("max_batch", "max_waiting", "max_body", "max_rows", "max_connections"):
            if getattr(self, key) < 1:
                raise ValueError(f"{key} should be at least 1; got {getattr(self, key)}.")
        for key in ("deadline_ms", "read_seconds", "poll_seconds"):
            if not getattr(self, key) > 0:
                raise ValueError(f"{key} should be above 0; got {getattr(self, key)}.")
        if self.max_rows > self.max_waiting:
            raise ValueError(
                f"A request of max_rows={self.max_rows} rows would never find room: max_waiting is "
                f"{self.max_waiting}."
            )

    @property
    def sizes(self) -> tuple[int, ...]:
        """The sizes of batches: powers of two, and the largest.

        Example:
            >>> Settings(Path("m.h5"), max_batch=12).sizes
            (1, 2, 4, 8, 12)
        """
        return (*(2**n for n in range((self.max_batch - 1).bit_length())), self.max_batch)
