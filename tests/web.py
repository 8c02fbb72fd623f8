"""A web server for tests, on this machine."""

from __future__ import annotations

import contextlib
import http.server
import re
import threading


class Site(http.server.BaseHTTPRequestHandler):
    """What one server has: `pages` by path; a page is its bytes. Every request is noted.

    `breaks` are, by path, after how many bytes each of the next answers breaks off; `errors` the codes of the
    next answers; `redirects` where a path leads to; `tags` the ETags. `ranges` is whether it can send parts.
    """

    protocol_version = "HTTP/1.1"
    url: str
    pages: dict[str, bytes]
    breaks: dict[str, list[int]]
    errors: dict[str, list[int]]
    redirects: dict[str, str]
    tags: dict[str, list[str]]
    requests: list[tuple[str, str | None]]  # path and Range
    headers_sent: list
    ranges: bool
    retry_after: str | None

    def do_GET(self):
        self.requests.append((self.path, self.headers.get("Range")))
        self.headers_sent.append(dict(self.headers))
        if self.path in self.redirects:
            return self._head(302, {"Location": self.redirects[self.path], "Content-Length": "0"})
        codes = self.errors.get(self.path)
        if codes or self.path not in self.pages:
            headers = {"Content-Length": "0"} | (
                {"Retry-After": self.retry_after} if self.retry_after else {}
            )
            return self._head(codes.pop(0) if codes else 404, headers)
        self._send(self.pages[self.path])

    def _send(self, page: bytes):
        tags = self.tags.get(self.path)
        tag = (tags.pop(0) if len(tags) > 1 else tags[0]) if tags else None
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        first = int(asked[1]) if asked and self.ranges else 0
        if self.headers.get("If-Range") not in (None, tag):
            first = 0
        if first >= len(page):
            return self._head(416, {"Content-Length": "0"})
        headers = {"Content-Length": str(len(page) - first)} | ({"ETag": tag} if tag else {})
        if first:
            headers["Content-Range"] = f"bytes {first}-{len(page) - 1}/{len(page)}"
        self._head(206 if first else 200, headers)
        breaks = self.breaks.get(self.path)
        if breaks:
            self.close_connection = True
            page = page[: first + breaks.pop(0)]
        self.wfile.write(page[first:])

    def _head(self, code: int, headers: dict[str, str]):
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *args):
        pass


@contextlib.contextmanager
def serving():
    """A site that is served while the block runs."""
    parts = {name: {} for name in ("pages", "breaks", "errors", "redirects", "tags")}
    site = type(
        "Site", (Site,), parts | {"requests": [], "headers_sent": [], "ranges": True, "retry_after": None}
    )
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), site) as running:
        running.daemon_threads = True
        site.url = f"http://127.0.0.1:{running.server_port}"
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield site
        finally:
            running.shutdown()
            thread.join()
