"""Exported models run without the code of their layers: `model.export(path)` writes one, `load(path)` runs
one of StableHLO."""

from jkeras.export.formats import FORMATS as FORMATS
from jkeras.export.formats import write as write
from jkeras.export.report import Report as Report
from jkeras.export.stablehlo import Exported as Exported
from jkeras.export.stablehlo import load as load
