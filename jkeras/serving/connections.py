"""Connections of HTTP with limits: uvicorn has none on headers, and waits for slow clients for ever."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from typing import Any

from jkeras.core import extras
from jkeras.serving import rest
from jkeras.serving.service import Service

_HEAD = 64 * 1024  # bytes of an address and headers


def limited_protocol(service: Service) -> Any:
    """The class of uvicorn's protocol, for the limits of a service."""
    module: Any = extras.module("uvicorn.protocols.http.httptools_impl", "serve", "jkeras serve")
    return type("Limited", (_Limits, module.HttpToolsProtocol), {"service": service})


class _Limits:
    """Limits in front of uvicorn's protocol: methods of `asyncio.Protocol` and of the parser."""

    service: Service  # of the class
    transport: Any
    loop: Any
    connections: set[Any]
    cycle: Any
    _timer: Any = None  # runs while a request is awaited, from its first byte or the last answer on
    _head: int | None = 0  # bytes of its head so far; None: that is whole

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)  # pyright: ignore
        if len(self.connections) > self.service.settings.max_connections:
            self._refuse(503, "There are too many connections.", b"retry-after: 1\r\n")
        else:
            self._begin()

    def _begin(self) -> None:
        self._head = 0
        self._timer = self.loop.call_later(self.service.settings.read_seconds, self._late)

    def _late(self) -> None:
        if self._head is None and self.cycle.response_started:  # refused before all of it was here
            self.transport.abort()
        elif not self.transport.is_closing():
            seconds = self.service.settings.read_seconds
            self._refuse(408, f"The request did not come within {seconds:g} seconds.")

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        super().connection_lost(exc)  # pyright: ignore

    def data_received(self, data: bytes) -> None:
        super().data_received(data)  # pyright: ignore
        if self._head is not None:
            self._head += len(data)
            if self._head > _HEAD and not self.transport.is_closing():
                self._refuse(431, f"The headers have more than {_HEAD} bytes.")

    def on_message_begin(self) -> None:
        if self._timer is None:
            self._begin()
        super().on_message_begin()  # pyright: ignore

    def on_headers_complete(self) -> None:
        self._head = None
        super().on_headers_complete()  # pyright: ignore

    def on_message_complete(self) -> None:
        self._stop()
        super().on_message_complete()  # pyright: ignore

    def timeout_keep_alive_handler(self) -> None:
        if self.transport.get_write_buffer_size():  # it does not take its answer
            self.transport.abort()
        super().timeout_keep_alive_handler()  # pyright: ignore

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "This is not HTTP: " + msg)

    def _refuse(self, status: int, text: str, header: bytes = b"") -> None:
        """Answer without the application, and close."""
        self._stop()
        self.service.metrics.count("rest", "connection", str(status), True)
        body = rest.dumped({"error": text})
        head = b"HTTP/1.1 %d Refused\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
        self.transport.write(head % (status, len(body)) + header + b"connection: close\r\n\r\n" + body)
        self.transport.close()
