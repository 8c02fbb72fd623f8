"""Exported models: `model.export(path)` writes one, `load(path)` runs it without the code of its layers."""

from jkeras.saving.stablehlo import Exported as Exported
from jkeras.saving.stablehlo import load as load
