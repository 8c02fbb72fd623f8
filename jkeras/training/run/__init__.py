"""Running steps: pure steps, their compiled programs, and the loops of `fit`, `evaluate` and `predict`."""
