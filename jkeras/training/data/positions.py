"""Places in the data of the user, as plain values, so that a resumed run gets the same batches.

Whatever has `state_dict` and `load_state_dict`, or `get_state` and `set_state`, has a state: grain's
iterators, torchdata's `StatefulDataLoader`, a `Sequence` or an iterator of the user.
"""

from __future__ import annotations

import base64
import contextlib
import copy
import sys
import warnings
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from jkeras.core.sequence import Sequence
from jkeras.core.types import AnyDict, AnyList, AnyTuple
from jkeras.training.data.samples import Samples

_PROTOCOLS = (("state_dict", "load_state_dict"), ("get_state", "set_state"))
_LONGEST = 1 << 12  # bytes of an array that tell one batch from another
AnyArray: Any = np.ndarray


def _methods(thing: Any) -> tuple[Any, Any] | None:
    for pair in _PROTOCOLS:
        get, put = (getattr(thing, name, None) for name in pair)
        if callable(get) and callable(put):
            return get, put
    return None


def has_state(thing: object) -> bool:
    """Whether it tells its state, and takes it back.

    Example:
        >>> class Counter:
        ...     at = 0
        ...     def get_state(self):
        ...         return {"at": self.at}
        ...     def set_state(self, state):
        ...         self.at = state["at"]
        >>> has_state(Counter()), has_state(iter([]))
        (True, False)
    """
    return not isinstance(thing, type) and _methods(thing) is not None


def state_of(thing: Any) -> Any:
    """A copy of its state."""
    methods = _methods(thing)
    return copy.deepcopy(methods[0]()) if methods else None


def put_state(thing: Any, state: Any) -> None:
    """Give its state back.

    Raises:
        ValueError: it takes none.
    """
    methods = _methods(thing)
    if methods is None:
        raise ValueError(
            f"The checkpoint holds a state of the data, but the {type(thing).__name__} given now takes none: "
            "it has neither load_state_dict nor set_state. Resume with the data that the run began with."
        )
    methods[1](state)


class Pass:
    """A Sequence's passes, each of which its `on_epoch_end` ends.

    Args:
        items: the sequence.
    """

    def __init__(self, items: Any):
        self.items = items
        self.changes = getattr(items.__class__, "on_epoch_end", None) is not Sequence.on_epoch_end
        self.keeps = False
        self._numbers: list[Any] = []  # numpy's generator before the first and before the last on_epoch_end

    @property
    def _ended(self) -> int:
        """How often its on_epoch_end has been called, in this process."""
        return getattr(self.items, "_passes_ended", 0)

    def end(self) -> None:
        """Call `on_epoch_end`."""
        if self.keeps and self.changes:
            state: Any = np.random.get_state()
            self._numbers = [*self._numbers[:1], state]
        self.items.on_epoch_end()
        with contextlib.suppress(AttributeError, TypeError):  # one with slots
            self.items._passes_ended = self._ended + 1

    def position(self) -> dict[str, Any] | None:
        """The state at the beginning of this pass."""
        if has_state(self.items):
            return {"of": "items", "state": state_of(self.items)}
        return {"passes": self._ended, "numbers": list(self._numbers)} if self.changes else None

    def resume(self, position: Mapping[str, Any] | None) -> None:
        """Go to the beginning of a pass: by the state, else by ending as many passes as were ended then."""
        if not position:
            return
        if position.get("of") == "items":
            put_state(self.items, position["state"])
            return
        self._numbers = list(position["numbers"])
        missing = position["passes"] - self._ended
        if missing < 0:
            warnings.warn(
                f"The {type(self.items).__name__} has ended {-missing} more passes than the run that is "
                "resumed: its batches may be others. Make a new one, or give it get_state and set_state.",
                stacklevel=2,
            )
        for i in range(missing):
            if i in (0, missing - 1) and self._numbers:
                np.random.set_state(self._numbers[0 if i < missing - 1 else -1])
            self.items.on_epoch_end()
        with contextlib.suppress(AttributeError, TypeError):
            self.items._passes_ended = max(self._ended, position["passes"])


def check_rewound(items: Any, position: Mapping[str, Any]) -> None:
    """Say what resuming means for data without a state.

    Args:
        items: an iterable.
        position: of the job that goes through it.
    """
    if position.get("of") is not None or not position.get("taken"):
        return
    name = type(items).__name__
    if hasattr(items, "__next__"):
        text = (
            f"The {name} has no state that could be kept: the resumed run takes the batches that it gives "
            "now, not those that the interrupted run would have got. A jkeras.utils.Sequence, or an iterator "
            "with get_state and set_state (or state_dict and load_state_dict), goes on exactly."
        )
    else:
        text = (
            f"The {name} has no state that could be kept: the resumed run goes through it from its beginning "
            f"and passes over {position['taken']} batches, which is exact if each pass gives the same ones. "
            "A shuffling loader needs a state: get_state and set_state, state_dict and load_state_dict, or a "
            "`generator` that has them."
        )
    warnings.warn(text, stacklevel=2)


def digest(samples: Samples, before: int = 0) -> int:
    """A number that tells batches apart; of large arrays it looks at a part.

    Args:
        samples: one batch.
        before: the digest of the batches before it.
    """
    columns: Any = samples
    for column in columns:
        for array in column:
            if isinstance(array, AnyArray):
                values: Any = array.reshape(-1)
                before = zlib.crc32(values[:: max(1, values.nbytes // _LONGEST)].tobytes(), before)
    return before


# States as plain values -------------------------------------------------------------------------------------


def encoded(value: Any, place: str) -> Any:
    """A state as text, numbers, lists, dicts with text as keys, and arrays; nothing is pickled.

    Args:
        value: the state.
        place: where it is, for the error.

    Raises:
        ValueError: something in it is no such value; the message says where.

    Example:
        >>> decoded(encoded({"at": (3, b"x"), 1: 1 << 80}, "state")) == {"at": (3, b"x"), 1: 1 << 80}
        True
    """
    if isinstance(value, AnyArray):
        if value.dtype.kind not in "biufc":
            raise _no_plain(place, f"an array of {value.dtype}")
        return value
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return encoded(value.item(), place)
    if isinstance(value, (bytes, bytearray)):
        return {"__bytes__": base64.b64encode(value).decode()}
    if isinstance(value, (AnyList, AnyTuple)):
        items = [encoded(item, f"{place}[{i}]") for i, item in enumerate(value)]
        return items if isinstance(value, AnyList) else {"__tuple__": items}
    if isinstance(value, AnyDict):
        pairs = [(key, encoded(item, f"{place}[{key!r}]")) for key, item in value.items()]
        if all(isinstance(key, str) and not key.startswith("__") for key, _ in pairs):
            return dict(pairs)
        return {"__pairs__": [[encoded(key, place), item] for key, item in pairs]}
    if hasattr(value, "detach") and hasattr(value, "numpy"):
        return {"__tensor__": np.array(value.detach().cpu().numpy())}
    raise _no_plain(place, type(value).__name__)


def _no_plain(place: str, kind: str) -> ValueError:
    return ValueError(
        f"{place} is {kind}, which a checkpoint cannot hold: a state of data should be made of numbers, "
        "text, bytes, lists, dicts and arrays. Nothing is pickled, for reading a pickle runs code."
    )


def decoded(value: Any) -> Any:
    """The state that `encoded` made plain."""
    if isinstance(value, AnyList):
        return [decoded(item) for item in value]
    if not isinstance(value, AnyDict):
        return value
    if value.keys() == {"__bytes__"}:
        return base64.b64decode(value["__bytes__"])
    if value.keys() == {"__tuple__"}:
        return tuple(decoded(value["__tuple__"]))
    if value.keys() == {"__pairs__"}:
        return {decoded(key): decoded(item) for key, item in value["__pairs__"]}
    if value.keys() == {"__tensor__"}:
        torch = sys.modules.get("torch")
        if torch is None:
            raise ValueError("The state of the data holds tensors of PyTorch, which is not imported here.")
        return torch.from_numpy(np.array(value["__tensor__"]))
    return {key: decoded(item) for key, item in value.items()}
