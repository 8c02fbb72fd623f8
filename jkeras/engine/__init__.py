"""Layers, tensors, graphs: what everything above is made of."""

from typing import TYPE_CHECKING

from jkeras.core import aliases

if not TYPE_CHECKING:
    __getattr__ = aliases.lazy(__name__)
