"""Counts and distributions of a server, as Prometheus reads them."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Sequence

SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
ROWS = tuple(float(2**n) for n in range(11))

Labels = tuple[str, ...]


class Counter:
    """A number that grows, for each combination of labels.

    Example:
        >>> requests = Counter("requests_total", "Requests.", ("code",))
        >>> requests.add(("200",))
        >>> print(requests.text())
        # HELP requests_total Requests.
        # TYPE requests_total counter
        requests_total{code="200"} 1
    """

    def __init__(self, name: str, text: str, labels: Labels = ()):
        self.name, self._text, self._labels = name, text, labels
        self.values: dict[Labels, int] = {}

    def add(self, labels: Labels = (), amount: int = 1) -> None:
        """Count."""
        self.values[labels] = self.values.get(labels, 0) + amount

    def text(self) -> str:
        """The lines of Prometheus's format."""
        lines = [f"# HELP {self.name} {self._text}", f"# TYPE {self.name} counter"]
        for labels, value in sorted(self.values.items()):
            lines.append(f"{self.name}{_braces(self._labels, labels)} {value}")
        return "\n".join(lines)


class Histogram:
    """How often values are at most so and so large.

    Example:
        >>> sizes = Histogram("rows", "Rows.", (1.0, 2.0))
        >>> sizes.add(2.0)
        >>> print(sizes.text())
        # HELP rows Rows.
        # TYPE rows histogram
        rows_bucket{le="1"} 0
        rows_bucket{le="2"} 1
        rows_bucket{le="+Inf"} 1
        rows_sum 2
        rows_count 1
    """

    def __init__(self, name: str, text: str, bounds: Sequence[float]):
        self.name, self._text, self._bounds = name, text, tuple(bounds)
        self._counts, self.sum = [0] * (len(bounds) + 1), 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        self._counts[bisect.bisect_left(self._bounds, value)] += 1
        self.sum += value

    def text(self) -> str:
        """The lines of Prometheus's format."""
        lines, total = [f"# HELP {self.name} {self._text}", f"# TYPE {self.name} histogram"], 0
        for bound, count in zip((*map(_short, self._bounds), "+Inf"), self._counts, strict=True):
            total += count
            lines.append(f'{self.name}_bucket{{le="{bound}"}} {total}')
        return "\n".join([*lines, f"{self.name}_sum {_short(self.sum)}", f"{self.name}_count {total}"])


class Gauge:
    """A number as it is when it is asked for."""

    def __init__(self, name: str, text: str, read: Callable[[], float]):
        self.name, self._text, self._read = name, text, read

    def text(self) -> str:
        """The lines of Prometheus's format."""
        return "\n".join(
            [
                f"# HELP {self.name} {self._text}",
                f"# TYPE {self.name} gauge",
                f"{self.name} {_short(self._read())}",
            ]
        )


class Metrics:
    """All that a server counts; latencies are those of predictions that were answered."""

    def __init__(self) -> None:
        self.requests = Counter(
            "jkeras_requests_total", "Requests by protocol, kind and status.", ("protocol", "kind", "code")
        )
        self.errors = Counter(
            "jkeras_request_errors_total", "Requests that were refused.", ("protocol", "code")
        )
        self.rows = Counter("jkeras_rows_total", "Rows that were predicted.")
        self.loads = Counter("jkeras_version_loads_total", "Versions that were loaded, or not.", ("outcome",))
        self.seconds = Histogram("jkeras_request_seconds", "Seconds that predictions took.", SECONDS)
        self.waits = Histogram(
            "jkeras_queue_seconds", "Seconds that requests waited for their batch.", SECONDS
        )
        self.batches = Histogram("jkeras_batch_rows", "Rows of the batches that were computed.", ROWS)
        self.gauges: list[Gauge] = []

    def count(self, protocol: str, kind: str, code: str, refused: bool) -> None:
        """Count an answer."""
        self.requests.add((protocol, kind, code))
        if refused:
            self.errors.add((protocol, code))

    def text(self) -> str:
        """Everything in Prometheus's format."""
        counted = (self.requests, self.errors, self.rows, self.loads, self.seconds, self.waits, self.batches)
        return "\n".join(part.text() for part in (*counted, *self.gauges)) + "\n"


def _braces(names: Labels, values: Labels) -> str:
    inside = ",".join(f'{name}="{value}"' for name, value in zip(names, values, strict=True))
    return f"{{{inside}}}" if inside else ""


def _short(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
