"""The process: sockets, event loop, signals; from a path to an exit code."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

from jkeras.core import extras
from jkeras.serving.app import App
from jkeras.serving.connections import limited_protocol
from jkeras.serving.request_log import RequestLog
from jkeras.serving.rpc import Rpc, server_of
from jkeras.serving.service import Service
from jkeras.serving.settings import Settings

_log = logging.getLogger("jkeras.serving")

_NEEDED = ("uvicorn", "httptools", "orjson", "grpc", "google.protobuf")
_SWITCH_SECONDS = 5e-4  # how soon the thread that computes gets its turn beside a busy event loop


def serve(settings: Settings, started: Callable[[int, int | None], None] | None = None) -> None:
    """Serve a model until SIGTERM or SIGINT; what has come by then is answered.

    Args:
        settings: what, where and within which limits.
        started: called with the ports of REST and gRPC, as soon as both answer.

    Raises:
        ImportError: without the packages of the extra.
        OSError: an address is taken.
        ValueError: the path is no model that can be served.
    """
    for name in _NEEDED:
        extras.module(name, "serve", "jkeras serve")
    factory: Any = asyncio.new_event_loop
    with contextlib.suppress(ImportError):  # there is none for Windows
        factory = extras.module("uvloop", "serve", "jkeras serve").new_event_loop
    interval = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(_serve(settings, started))
    finally:
        sys.setswitchinterval(interval)


async def _serve(settings: Settings, started: Callable[[int, int | None], None] | None) -> None:
    service = Service(settings)
    log = RequestLog(settings.log)
    with _listening(settings.host, settings.port) as listener:
        rpc, rpc_port = None, None
        if settings.grpc_port is not None:
            address = f"{_bracketed(settings.host)}:{settings.grpc_port}"
            most = settings.max_connections
            rpc, rpc_port = server_of(Rpc(service, log), address, settings.max_body, most)
        await service.versions.start()
        web = _web(service, App(service, log))
        stopped = asyncio.Event()
        _on_signals(lambda: _stop(service, web, stopped))
        watching = asyncio.create_task(service.versions.watch())
        if rpc is not None:
            await rpc.start()
        running = asyncio.create_task(web.serve(sockets=[listener]))
        if started is not None:
            started(listener.getsockname()[1], rpc_port)
        try:
            await asyncio.wait(
                [asyncio.ensure_future(stopped.wait()), running], return_when=asyncio.FIRST_COMPLETED
            )
            stopping = [running] if rpc is None else [running, rpc.stop(settings.drain_seconds)]
            await asyncio.gather(*stopping)
        finally:
            watching.cancel()
            service.versions.close()


def _web(service: Service, app: App) -> Any:
    """uvicorn's server for the application."""
    uvicorn: Any = extras.module("uvicorn", "serve", "jkeras serve")
    settings = service.settings
    config = uvicorn.Config(
        app,
        http=limited_protocol(service),
        ws="none",
        lifespan="off",
        interface="asgi3",
        access_log=False,
        log_config=None,
        log_level="critical",
        server_header=False,
        proxy_headers=False,
        date_header=True,
        timeout_keep_alive=int(settings.read_seconds) or 1,
        timeout_graceful_shutdown=int(settings.drain_seconds),
    )
    web = uvicorn.Server(config)
    web.capture_signals = contextlib.nullcontext  # signals are ours: uvicorn would die of them in the end
    return web


def _stop(service: Service, web: Any, stopped: asyncio.Event) -> None:
    _log.info("Stopping: what has come is answered.")
    service.stopping = web.should_exit = True
    stopped.set()


def _on_signals(stop: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()

    def handler(number: int, frame: object) -> None:
        loop.call_soon_threadsafe(stop)

    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, stop)
        except (NotImplementedError, RuntimeError, ValueError):  # Windows, or not the main thread
            with contextlib.suppress(ValueError):
                signal.signal(number, handler)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        OSError: the address is taken.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        raise OSError(f"The server cannot listen on {_bracketed(host)}:{port}: {error.strerror}.") from error
