"""Data sets."""

from jkeras.datasets import digits as digits
