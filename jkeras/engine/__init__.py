"""Layers, tensors, graphs: what everything above is made of.

Names of Keras come by the table in `compat/module_aliases.py`.
"""
