"""The report of an export."""

from __future__ import annotations

from typing import Any, NamedTuple

from jkeras.export.signature import Endpoint, Signature


class Report(NamedTuple):
    """A file, and how it came to be.

    Args:
        path: of the file, or of the folder of the new version.
        format: of it.
        road: the packages by which the model came into it.
        signature: names, shapes and dtypes of inputs and outputs, as the file has them.
        differences: `{output: the largest from the model's}`, absolute below 1 and relative above.
        agreement: the share of rows that keep their largest output; None without such outputs.
        remarks: what the sizes of inputs must be.
        refused: `{road: why}` of the roads that were tried before.
    """

    path: str
    format: str
    road: str
    signature: Signature
    differences: dict[str, float]
    agreement: float | None
    remarks: tuple[str, ...] = ()
    refused: dict[str, str] = {}

    @property
    def difference(self) -> float:
        """The largest of all outputs."""
        return max(self.differences.values())

    def as_dict(self) -> dict[str, Any]:
        """The same in plain values, for JSON."""
        ends = {what: [e._asdict() for e in getattr(self.signature, what)] for what in ("inputs", "outputs")}
        return {**self._asdict(), "signature": self.signature.name, **ends}

    def __str__(self) -> str:
        lines = [
            f"{self.path}: {self.format} by {self.road}",
            f"signature {self.signature.name}: {_named(self.signature.inputs)} → "
            f"{_named(self.signature.outputs)}",
            f"largest difference from the model {self.difference:.1e}",
        ]
        if self.agreement is not None:
            lines[-1] += f", the same largest output in {self.agreement:.1%} of rows"
        lines += [f"sizes: {', '.join(self.remarks)}"] if self.remarks else []
        lines += [f"not by {road}: {why}" for road, why in self.refused.items()]
        return "\n".join(lines)


def _named(ends: tuple[Endpoint, ...]) -> str:
    return ", ".join(f"{e.name} {e.dtype}{list(e.shape)}" for e in ends)
