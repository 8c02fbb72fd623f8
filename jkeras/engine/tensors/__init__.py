"""Tensors while a graph is recorded: symbolic ones, variables, shapes, operators, the scope of a call."""
