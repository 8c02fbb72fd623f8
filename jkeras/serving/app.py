"""The REST side: an ASGI application; addresses to answers."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from jkeras.serving import rest
from jkeras.serving.errors import Refused, shown
from jkeras.serving.request_log import RequestLog
from jkeras.serving.service import Service
from jkeras.serving.versions import number_of

_log = logging.getLogger("jkeras.serving")

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

_MODEL = re.compile(r"/v1/models/(?P<name>[^/:]+)(?:/versions/(?P<version>[^/:]+))?(?P<what>/metadata|:\w+)?")
_KINDS = {None: "status", "/metadata": "metadata", ":predict": "predict"}  # in the metrics
_TEXT = "text/plain; version=0.0.4; charset=utf-8"
_LARGE = 256 * 1024  # bytes of a body that is parsed beside the event loop
_LINGER_SECONDS = 2.0


class Gone(Exception):
    """A client that has closed its connection."""


@dataclass
class Answer:
    """An answer on its way back."""

    status: int
    body: bytes
    kind: str = rest.JSON
    headers: dict[str, str] = field(default_factory=dict[str, str])
    rows: int = 0


class App:
    """The application.

    Args:
        service: the model.
        log: a line for each request.
    """

    def __init__(self, service: Service, log: RequestLog):
        self._service, self._log, self._settings = service, log, service.settings
        self._reading = 0  # bytes of bodies that have been received and not yet parsed

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return
        start = time.perf_counter()
        method, path = scope["method"], scope["path"]
        match = _MODEL.fullmatch(path)
        kind = "server" if match is None else _KINDS.get(match["what"], "unknown")
        try:
            if match is None:
                answer = self._about_the_server(method, path)
            else:
                answer = await self._about_the_model(match, method, scope, receive)
        except Refused as refused:
            answer = Answer(refused.status, rest.dumped({"error": refused.text}), headers=refused.headers)
        except Gone:
            return
        except Exception:
            _log.exception("A request could not be answered.")
            answer = Answer(500, rest.dumped({"error": "The server failed; its log says why."}))
        seconds = time.perf_counter() - start
        metrics = self._service.metrics
        metrics.count("rest", kind, str(answer.status), answer.status >= 400)
        if answer.rows:
            metrics.seconds.add(seconds)
        self._log.write("rest", method, path, str(answer.status), seconds, answer.rows)
        await self._send(answer, receive, send)

    async def _about_the_model(
        self, match: re.Match[str], method: str, scope: Any, receive: Receive
    ) -> Answer:
        version = None if match["version"] is None else number_of(match["version"])
        what = match["what"]
        if what == ":predict":
            _only(method, "POST")
            self._service.version(match["name"], version)  # a wrong address is known before the body is here
            body = await self._body(scope, receive)
            try:
                return await self._predict(match["name"], version, body)
            finally:
                self._reading -= len(body)
        if what is not None and what != "/metadata":
            raise Refused(404, f"There is no method {shown(what)}; this server has :predict.")
        _only(method, "GET", "HEAD")
        if what == "/metadata":
            found = self._service.version(match["name"], version)
            return Answer(200, rest.dumped(self._service.metadata(found)))
        self._service.check_name(match["name"])
        return Answer(200, rest.dumped(self._service.status(version)))

    def _about_the_server(self, method: str, path: str) -> Answer:
        if path not in ("/healthz", "/readyz", "/metrics"):
            raise Refused(
                404, f"There is nothing at {shown(path)}; the model is at /v1/models/{self._settings.name}."
            )
        _only(method, "GET", "HEAD")
        if path == "/metrics":
            return Answer(200, self._service.metrics.text().encode(), _TEXT)
        if path == "/readyz" and not self._service.ready:
            raise Refused(503, "Not ready.", {"Retry-After": "5"})
        return Answer(200, b'{"status":"ok"}')

    async def _predict(self, name: str, number: int | None, body: bytes) -> Answer:
        version = self._service.version(name, number)
        arguments = body, version.signature, self._settings.max_rows
        if len(body) > _LARGE:
            call = await asyncio.to_thread(rest.call_of, *arguments)
        else:
            call = rest.call_of(*arguments)
        outputs = await self._service.predict(version, call.arrays)
        rows = len(next(iter(outputs.values())))
        return Answer(200, rest.answer(call, outputs), rows=rows)

    async def _body(self, scope: Any, receive: Receive) -> bytes:
        """The body of a request, within the limit."""
        headers = dict(scope["headers"])
        if headers.get(b"content-encoding", b"identity") != b"identity":
            raise Refused(415, "The body should come as it is, without a Content-Encoding.")
        most = self._settings.max_body
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > most:
            raise _too_long(most)
        parts: list[bytes] = []
        size = 0
        try:
            while True:
                message = await receive()
                if message["type"] != "http.request":  # also where it took too long
                    raise Gone
                parts.append(part := message["body"])
                size += len(part)
                self._reading += len(part)
                if size > most:
                    raise _too_long(most)
                if self._reading > 8 * most:
                    raise Refused(503, "Too many large requests at once.", {"Retry-After": "1"} | _CLOSE)
                if not message["more_body"]:
                    return b"".join(parts) if len(parts) > 1 else part
        except BaseException:
            self._reading -= size
            raise

    async def _send(self, answer: Answer, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", answer.kind.encode()), (b"content-length", b"%d" % len(answer.body))]
        headers += [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        closes = answer.status == 413
        await send({"type": "http.response.body", "body": answer.body, "more_body": closes})
        if closes:
            await self._linger(receive)
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _linger(self, receive: Receive) -> None:
        """Read on for a moment: a client that still sends would not see its answer if the line were cut."""
        left = 4 * self._settings.max_body
        try:
            async with asyncio.timeout(_LINGER_SECONDS):
                while left > 0 and (message := await receive())["type"] == "http.request":
                    left -= len(message["body"])
                    if not message["more_body"]:
                        return
        except TimeoutError:
            return


_CLOSE = {"Connection": "close"}


def _too_long(most: int) -> Refused:
    return Refused(413, f"The body has more than {most} bytes, which is the limit here.", _CLOSE)


def _only(method: str, *allowed: str) -> None:
    if method not in allowed:
        raise Refused(405, f"This address takes {' or '.join(allowed)}.", {"Allow": ", ".join(allowed)})
