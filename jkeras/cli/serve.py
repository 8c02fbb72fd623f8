"""The command `serve`: options to settings, words about the server on stderr."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from jkeras.cli.errors import UserError, say
from jkeras.serving import Settings
from jkeras.serving import serve as run


def serve(
    path: Path, grpc_port: int, inputs: str | None, outputs: str | None, max_body_mb: float, **others: Any
) -> None:
    """Serve a model as the options say.

    Args:
        path: of the model.
        grpc_port: -1: none.
        inputs, outputs: names, with commas between.
        max_body_mb: of a request.
        others: of `Settings`.

    Raises:
        UserError: there is nothing at the path.
    """
    if not path.exists():
        raise UserError(f"There is no file or folder {path}.")
    settings = Settings(
        path,
        grpc_port=None if grpc_port < 0 else grpc_port,
        inputs=_names(inputs),
        outputs=_names(outputs),
        max_body=int(max_body_mb * 1024 * 1024),
        **others,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log = logging.getLogger("jkeras.serving")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
    try:
        run(settings, lambda port, rpc: _say_where(settings, port, rpc))
    finally:
        log.removeHandler(handler)


def _names(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(name.strip() for name in text.split(","))


def _say_where(settings: Settings, port: int, rpc: int | None) -> None:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    say(f"REST: http://{host}:{port}/v1/models/{settings.name}")
    if rpc is not None:
        say(f"gRPC: {host}:{rpc}")
