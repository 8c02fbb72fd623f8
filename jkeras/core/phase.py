"""The learning phase that `K.set_learning_phase` fixes for the calls that follow."""

from __future__ import annotations

_fixed: bool | None = None


def fixed() -> bool | None:
    """True for training, False for inference, None when each dispatch says which."""
    return _fixed


def fix(value: bool | None) -> None:
    """Fix the phase; None gives it free."""
    global _fixed
    _fixed = value
