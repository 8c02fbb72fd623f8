"""Exported models: `model.export(path)` writes one, `load(path)` runs it without the code of its layers."""

from jkeras.export.stablehlo import Exported as Exported
from jkeras.export.stablehlo import load as load
