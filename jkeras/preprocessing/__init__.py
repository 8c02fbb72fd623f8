"""Data made ready for a model: sequences, texts and images."""

from jkeras.preprocessing import image as image
from jkeras.preprocessing import sequence as sequence
from jkeras.preprocessing import text as text
