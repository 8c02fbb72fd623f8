"""From what a user feeds to blocks of rows on the devices.

A batch's way: `arrays`, `sample_weights` (checked, in the model's order) → `samples` (one batch)
or `stream` (somebody else's batches, fetched by `workers`) → `source`.
"""
