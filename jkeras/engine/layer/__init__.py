"""The parts of `Layer`: its weights, nodes, losses and updates, config, and names that Keras has inside.

`jkeras.engine.base_layer.Layer` puts them together.
"""
