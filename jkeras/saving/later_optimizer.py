"""The state of an optimizer of tf.keras 2 or Keras 3, in the places of the same optimizer here.

These files list the number of steps, perhaps the learning rate, and then the slots: of one weight after the
other (with Adam's `vhat` behind all others), or, in those of the first tf.keras, of one slot after the other.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_LISTED_OTHERWISE = ("Adafactor", "Muon")


def restore(optimizer: Any, stored: list[tuple[str, np.ndarray]]) -> int:
    """Give a bound optimizer the state of a file.

    Args:
        optimizer: an optimizer of Keras, bound to its model.
        stored: names and arrays, in the order of the file.

    Returns:
        The number of steps done.

    Raises:
        ValueError: the arrays are not those of this optimizer and model; nothing is changed then.
    """
    _refuse_others(optimizer)
    names, arrays = [name for name, _ in stored], [np.asarray(value) for _, value in stored]
    lead = next((i for i, value in enumerate(arrays) if value.ndim), len(arrays))
    if not lead or not np.issubdtype(arrays[0].dtype, np.integer):
        raise ValueError("its first entry is not the number of steps")
    steps, slots = int(arrays[0]), arrays[lead:]
    cells = optimizer.weights[1:] if optimizer.counted else optimizer.weights
    kinds = len(optimizer.slots)
    count = len(_first_slot(optimizer))
    if optimizer.slots == ("velocity",) and not slots:  # without momentum there is none
        slots = [np.zeros(cell.shape, "float32") for cell in cells[:count]]
    if len(slots) < kinds * count:
        raise ValueError(f"it has {len(slots)} slots, and this model needs {kinds * count}")
    columns = _columns(slots[: kinds * count], kinds, names[0].endswith("/iter:0"))
    plan = list(zip(cells, (value for column in columns for value in column), strict=False))
    for cell, value in plan:
        if tuple(cell.shape) != value.shape:
            raise ValueError(f"a slot has shape {value.shape}, its weight here {tuple(cell.shape)}")
    for cell, value in plan:
        cell.assign(value)
    optimizer.iterations = steps
    if hasattr(optimizer, "m_schedule"):
        optimizer.m_schedule = _momenta(optimizer, steps)
    return steps


def listed(optimizer: Any) -> list[tuple[str, np.ndarray]] | None:
    """The state of a bound optimizer in the order of Keras 3's files; None where it has none yet.

    Raises:
        ValueError: Keras 3 keeps more than jkeras does.
    """
    if optimizer.binding is None:
        return None
    _refuse_others(optimizer)
    cells = optimizer.weights[1:] if optimizer.counted else optimizer.weights
    count = len(_first_slot(optimizer)) if optimizer.slots else 0
    columns = [cells[i * count : (i + 1) * count] for i in range(len(optimizer.slots))]
    if optimizer.slots == ("velocity",) and not float(optimizer.momentum.numpy()):
        columns = []
    slots = [cell for weights in zip(*columns[:2], strict=True) for cell in weights]
    slots += [cell for column in columns[2:] for cell in column]
    arrays = [np.asarray(optimizer.iterations.numpy(), "int32")]
    config = optimizer.get_config()
    if isinstance(config.get("lr", config.get("learning_rate")), float) and not config.get("decay"):
        arrays.append(np.asarray(optimizer.lr.numpy(), "float32"))  # a schedule is no array there
    arrays += [np.asarray(cell.numpy()) for cell in slots]
    if hasattr(optimizer, "m_schedule"):
        arrays.append(np.asarray(_momenta(optimizer, int(arrays[0])), "float32"))
    return [(str(i), value) for i, value in enumerate(arrays)]


def _refuse_others(optimizer: Any) -> None:
    if optimizer.around().slots or type(optimizer).__name__ in _LISTED_OTHERWISE:
        raise ValueError("later Kerases list the state of such an optimizer in another way")


def _first_slot(optimizer: Any) -> list[Any]:
    slot = optimizer.binding.own.state.slots[optimizer.slots[0]]
    return [cell for weights in slot.values() for cell in weights.values()]


def _columns(slots: list[np.ndarray], kinds: int, one_slot_after_the_other: bool) -> list[list[np.ndarray]]:
    """The arrays of each slot."""
    count = len(slots) // kinds
    if one_slot_after_the_other:
        return [slots[i * count : (i + 1) * count] for i in range(kinds)]
    together = min(kinds, 2)
    first = [slots[: together * count][i::together] for i in range(together)]
    return first + ([slots[2 * count :]] if kinds == 3 else [])


def _momenta(optimizer: Any, steps: int) -> float:
    """The product of Nadam's momenta so far, which some of the files leave out."""
    t = np.arange(1, steps + 1)
    beta_1, decay = float(optimizer.beta_1.numpy()), float(optimizer.schedule_decay)
    return float(np.prod(beta_1 * (1 - 0.5 * 0.96 ** (t * decay))))
