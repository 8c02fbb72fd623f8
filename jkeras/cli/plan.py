"""`plan`: what a model costs on this device, before it is trained."""

from __future__ import annotations

from pathlib import Path

from jkeras import debug
from jkeras.cli import files, user_code
from jkeras.cli.errors import UserError
from jkeras.models import Model


def plan(model: str, batch: int) -> debug.Plan:
    """The costs of a model.

    Args:
        model: a model file, a run directory, `file.py` or `module:function`.
        batch: rows of a batch.

    Raises:
        UserError: the code makes no model, or an input has an unknown size.
    """
    code = user_code.is_code(model)
    made = user_code.result_of(model, "build_model") if code else files.load(Path(model))
    if not isinstance(made, Model):
        raise UserError(f"{model} returned {type(made).__name__}; expected a jkeras model.")
    try:
        return debug.plan(made, batch)
    except ValueError as error:
        raise UserError(f"{model}: {error}") from error
