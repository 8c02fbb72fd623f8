"""Formulas on arrays, below layers and K: convolutions, pooling, loops over time, products, lookups.

Pure functions of jax arrays with the values and gradients of Keras 2.2.4; nothing here knows of layers.
"""
