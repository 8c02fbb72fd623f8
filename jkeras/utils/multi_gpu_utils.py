"""multi_gpu_model: a model that shares each batch among several devices."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax

from jkeras.core.types import AnyList, AnyTuple
from jkeras.models import Model


def multi_gpu_model(
    model: Model,
    gpus: int | Sequence[int] | None = None,
    cpu_merge: bool = True,
    cpu_relocation: bool = False,
) -> Model:
    """The same layers and weights as a model whose batches are shared among devices.

    Every model shares its batches among all visible devices anyway (`compile(devices=...)` chooses others);
    this function is for scripts that ask for it. Nothing has to be worked around: `save`, `save_weights` and
    `ModelCheckpoint` write an ordinary model from either of the two.

    Args:
        model: the template, functional or Sequential.
        gpus: number of devices (at least 2), list of their ids, or None for all.
        cpu_merge, cpu_relocation: accepted for compatibility; every device holds the weights.

    Returns:
        A `Model` over the template's graph; compile it.

    Raises:
        ValueError: fewer than 2 devices asked for or there.

    Keras 2.2.4: keras/utils/multi_gpu_utils.py multi_gpu_model

    Example:
        >>> from jkeras.layers import Dense
        >>> from jkeras.models import Sequential
        >>> template = Sequential([Dense(1, input_shape=(2,))])
        >>> try:
        ...     parallel = multi_gpu_model(template, gpus=1000)
        ... except ValueError:
        ...     print("Training using single GPU or CPU")
        Training using single GPU or CPU
    """
    devices: list[Any] = jax.devices()  # pyright: ignore
    known = {int(device.id): device for device in devices}
    if gpus is None:
        ids = list(known)
    elif isinstance(gpus, (AnyList, AnyTuple)):
        ids = list(gpus)
    elif isinstance(gpus, int) and not isinstance(gpus, bool):
        ids = list(known)[: max(gpus, 0)] if gpus <= len(known) else list(range(gpus))
    else:
        raise ValueError(f"`gpus` is a number of devices, a list of their ids, or None; got {gpus!r}.")
    if len(ids) < 2:
        raise ValueError(
            f"multi_gpu_model works with at least 2 devices; got gpus={gpus!r}, {len(known)} visible. "
            "Train the model itself instead."
        )
    if len(set(ids)) < len(ids):
        raise ValueError(f"multi_gpu_model needs different devices; got gpus={gpus!r}.")
    missing = [i for i in ids if i not in known]
    if missing:
        raise ValueError(
            f"multi_gpu_model(gpus={gpus!r}) needs devices {ids}, but {missing} are not there; visible are "
            f"{[str(d) for d in known.values()]}."
        )
    parallel = Model(model.inputs, model.outputs)
    parallel.devices = [known[i] for i in ids]
    return parallel
