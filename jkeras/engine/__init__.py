"""Layers, tensors, graphs: what everything above is made of."""
