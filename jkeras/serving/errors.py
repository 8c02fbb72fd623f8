"""Requests that get no answer, and why."""

from __future__ import annotations


class Refused(Exception):
    """A request that is refused; the text is for the client, and names no file and no line of code.

    Args:
        status: of HTTP: 400 wrong, 404 not here, 413 too much, 503 not now.
        text: the reason.
        headers: of the answer.
    """

    def __init__(self, status: int, text: str, headers: dict[str, str] | None = None):
        super().__init__(text)
        self.status, self.text, self.headers = status, text, headers or {}


def wrong(text: str) -> Refused:
    """A refusal of a request that can never be right.

    Example:
        >>> wrong("no rows").status
        400
    """
    return Refused(400, text)


def busy(text: str) -> Refused:
    """A refusal of a request that may be right a second later.

    Example:
        >>> busy("full").headers
        {'Retry-After': '1'}
    """
    return Refused(503, text, {"Retry-After": "1"})


def shown(value: object, longest: int = 60) -> str:
    """A value of a client's as it is quoted to it: short, without control characters.

    Example:
        >>> shown("a" * 100, 5), shown("\\0")
        ("'aaaa…", "'\\\\x00'")
    """
    text = ascii(value[: longest + 1] if isinstance(value, (str, bytes)) else value)
    return text if len(text) <= longest else text[:longest] + "…"
