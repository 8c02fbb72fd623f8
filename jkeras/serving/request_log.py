"""One line for each request."""

from __future__ import annotations

import datetime
import json
import sys
from typing import TextIO

_LONGEST = 200  # characters of an address


class RequestLog:
    """The lines for requests, on stdout.

    Args:
        form: "text", "json" or "none".
        stream: where they go instead.

    Example:
        >>> RequestLog("text").line("rest", "GET", "/healthz", "200", 0.0015, 0)[25:]
        'rest GET /healthz 200 1.5 ms'
    """

    def __init__(self, form: str, stream: TextIO | None = None):
        self.form, self._stream = form, stream

    def line(self, protocol: str, method: str, path: str, code: str, seconds: float, rows: int) -> str:
        """The line for a request."""
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        milliseconds = round(seconds * 1000, 3)
        path = path if len(path) <= _LONGEST else path[:_LONGEST] + "…"
        if self.form == "json":
            return json.dumps(
                {
                    "time": now,
                    "protocol": protocol,
                    "method": method,
                    "path": path,
                    "code": code,
                    "ms": milliseconds,
                    "rows": rows,
                }
            )
        where = path if path.isascii() and path.isprintable() else ascii(path)
        words = f"{now} {protocol} {method} {where} {code} {milliseconds} ms"
        return f"{words} {rows} rows" if rows else words

    def write(self, protocol: str, method: str, path: str, code: str, seconds: float, rows: int = 0) -> None:
        """Write the line for a request."""
        if self.form != "none":
            stream = self._stream or sys.stdout
            stream.write(self.line(protocol, method, path, code, seconds, rows) + "\n")
            stream.flush()
