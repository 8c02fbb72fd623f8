"""Attention: what a query sees in keys and values."""

from jkeras.layers.attention.grouped import GroupQueryAttention as GroupQueryAttention
from jkeras.layers.attention.multi_head import MultiHeadAttention as MultiHeadAttention
from jkeras.layers.attention.scored import AdditiveAttention as AdditiveAttention
from jkeras.layers.attention.scored import Attention as Attention
