"""The way of a file over the network: tried again when it breaks off, from where it broke off."""

from __future__ import annotations

import contextlib
import errno
import http.client
import os
import ssl
import time
import urllib.error
import urllib.request
from typing import IO, Any
from urllib.parse import urlsplit

from jkeras.core.progbar import Progbar
from jkeras.version import __version__

_TIMEOUT = 60  # seconds without a byte
_BLOCK = 1 << 16
_DELAYS = (0.5, 1.0, 2.0, 4.0)  # seconds before each further try
_PROGRESS = 1 << 20  # bytes in one go after which the tries are counted anew
_LONGEST_DELAY = 60.0  # whatever the server asks for
_BUSY = {408, 425, 429, 500, 502, 503, 504}
_CHANGED = {412, 416}  # there is no such rest of the file
_SCHEMES = ("http", "https", "file")


def fetch(origin: str, path: str | os.PathLike[str], advice: str = "") -> None:
    """Write what is at the URL `origin` to `path`, with a progress bar.

    A connection that breaks is made anew a few times, with growing pauses, and goes on where it was if the
    server can do that; so is a request that the server was too busy for.

    Args:
        origin: URL with http, https or file.
        path: the file, which is overwritten; the caller removes it if this fails.
        advice: what an error says beside its cause.

    Raises:
        OSError: it failed for good, or `origin` is no such URL.

    Example:
        >>> import pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> _ = (folder / "source.txt").write_text("data")
        >>> fetch((folder / "source.txt").as_uri(), folder / "copy.txt")
        <BLANKLINE>
        4/4 [==============================] - ...
        >>> (folder / "copy.txt").read_text()
        'data'
    """
    if urlsplit(origin).scheme not in _SCHEMES:
        raise OSError(f"URL fetch failure on {origin}: it is no URL with http, https or file.{advice}")
    with open(path, "wb") as out, contextlib.closing(_Download(origin, out)) as download:
        delays = iter(_DELAYS)
        while True:
            before = download.done
            try:
                return download.go_on()
            except (OSError, ValueError, http.client.HTTPException) as error:
                if download.done - before >= _PROGRESS:
                    delays = iter(_DELAYS)
                delay = next(delays, None)
                code = getattr(error, "code", None) or getattr(error, "errno", None)
                reason = getattr(error, "reason", None) or error
                if delay is None or not download.may_go_on(error):
                    raise OSError(f"URL fetch failure on {origin}: {code} -- {reason}.{advice}") from error
                delay = _asked_for(error, delay)
                print(f"\n{code or 'Broken off'} -- {reason}. Trying again in {delay:g} s.")
                time.sleep(delay)


class _Download:
    """A file on its way from `origin` into `out`."""

    def __init__(self, origin: str, out: IO[bytes]):
        self.origin, self.out = origin, out
        self.done = 0
        self.total: int | None = None
        self.version: str | None = None  # by which the server knows whether the file is still the same
        self.bar: Progbar | None = None
        self.opener = urllib.request.build_opener(_Redirect)

    def go_on(self) -> None:
        """Fetch what is missing."""
        request = urllib.request.Request(self.origin, headers={"User-Agent": f"jkeras/{__version__}"})
        if self.done:
            request.add_header("Range", f"bytes={self.done}-")
            if self.version:
                request.add_header("If-Range", self.version)
        with self.opener.open(request, timeout=_TIMEOUT) as response:
            self._begin(response)
            while block := response.read(_BLOCK):
                self.out.write(block)
                self.done += len(block)
                self._show()
        if self.total is not None and self.done < self.total:
            raise ConnectionError(f"the connection broke after {self.done} of {self.total} bytes")

    def _begin(self, response: Any) -> None:
        """Find out where in the file the response begins, and how long the file is."""
        headers = response.headers
        if self.done and not (getattr(response, "status", None) == 206 and self._fits(headers)):
            partial = getattr(response, "status", None) == 206
            self.start_over()
            if partial:
                raise ConnectionError("the server sent another part than the one that is missing")
        length, chunked = headers.get("Content-Length", ""), headers.get("Transfer-Encoding")
        self.total = self.done + int(length) if length.isdecimal() and not chunked else None
        tag = headers.get("ETag")
        self.version = tag if tag and not tag.startswith("W/") else headers.get("Last-Modified")

    def _fits(self, headers: Any) -> bool:
        """Whether a part begins where we are, and belongs to a file of the same length."""
        place, _, total = headers.get("Content-Range", "").removeprefix("bytes").strip().partition("/")
        same = self.total is None or total in ("*", str(self.total))
        return same and place.partition("-")[0] == str(self.done)

    def start_over(self) -> None:
        """Forget what is there."""
        self.out.seek(0)
        self.out.truncate()
        self.done, self.total, self.version = 0, None, None

    def may_go_on(self, error: Exception) -> bool:
        """Whether another try may do better."""
        if getattr(error, "code", None) in _CHANGED and self.done:
            self.start_over()
            return True
        if isinstance(error, urllib.error.HTTPError):
            return error.code in _BUSY
        cause = getattr(error, "reason", error)
        if isinstance(cause, ssl.SSLCertVerificationError | http.client.InvalidURL):
            return False
        if isinstance(cause, OSError) and cause.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH):
            return False
        return isinstance(cause, ConnectionError | TimeoutError | ssl.SSLError | http.client.HTTPException)

    def _show(self) -> None:
        if self.bar is None or self.bar.target != self.total:
            self.bar = Progbar(self.total)
        self.bar.update(self.done)

    def close(self) -> None:
        """End the line of the progress bar."""
        if self.bar is not None:
            self.bar.close()


class _Redirect(urllib.request.HTTPRedirectHandler):
    """Follows what stays on the web, and never leaves https for http."""

    def redirect_request(self, req: Any, fp: Any, code: Any, msg: str, headers: Any, newurl: str) -> Any:
        there = urlsplit(newurl).scheme
        if there not in ("http", "https") or (urlsplit(str(req.full_url)).scheme, there) == ("https", "http"):
            raise urllib.error.HTTPError(newurl, code, f"refused the redirection to {newurl}", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _asked_for(error: Exception, delay: float) -> float:
    """The pause that a busy server asks for, or the usual one."""
    headers = getattr(error, "headers", None)
    asked = headers.get("Retry-After", "") if headers is not None else ""
    return max(delay, min(float(asked), _LONGEST_DELAY)) if asked.isdecimal() else delay
