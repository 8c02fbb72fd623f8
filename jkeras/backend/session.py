"""Sessions: the names of TensorFlow that Keras's backend asks for, and their stand-ins here."""

from __future__ import annotations

import gc
from contextlib import AbstractContextManager
from typing import Any, NoReturn

from jkeras.backend.function import function
from jkeras.compat import as_keras
from jkeras.core import names, phase
from jkeras.core.dispatch import Symbolic
from jkeras.core.types import AnyDict, AnyList, AnyTuple
from jkeras.engine.layer.effects import Update

_ADVICE = (
    "there are no TensorFlow sessions here. For GPU memory set the environment variables "
    "XLA_PYTHON_CLIENT_MEM_FRACTION or XLA_PYTHON_CLIENT_PREALLOCATE before jax starts; to compute with "
    "tensors use K.* functions, jax.numpy or K.function."
)


def backend() -> str:
    """The name of the backend.

    Returns:
        "jax", unless `install_as_keras(backend_name=...)` said that it is to be another.

    Example:
        >>> backend()
        'jax'

    Keras 2.2.4: keras/backend/__init__.py backend
    """
    return as_keras.backend_name()


def clear_session() -> None:
    """Start automatic layer names again, free the learning phase, and let go of what nobody uses.

    Models that you hold stay valid.

    Example:
        >>> clear_session()

    Keras 2.2.4: keras/backend/tensorflow_backend.py clear_session
    """
    names.reset_uids()
    phase.fix(None)
    gc.collect()


class Session:
    """Computes tensors where code written for TensorFlow asks a session to; it holds nothing."""

    def run(self, fetches: Any, feed_dict: dict[Any, Any] | None = None) -> Any:
        """The values of tensors, variables and constants; an update (`K.update(...)`) is applied.

        Args:
            fetches: a tensor, or a list, tuple or dict of tensors.
            feed_dict: `{tensor: value}`; `K.learning_phase()` may be among them.

        Returns:
            A numpy array, or a list or dict of them.

        Raises:
            TypeError: something to fetch that is not of this library.
        """
        if isinstance(fetches, AnyDict):
            return dict(zip(fetches, self.run(list(fetches.values()), feed_dict), strict=True))
        several = isinstance(fetches, (AnyList, AnyTuple)) and not isinstance(fetches, Update)
        wanted = list(fetches) if several else [fetches]
        if strange := [f for f in wanted if not isinstance(f, (Symbolic, Update))]:
            raise TypeError(f"K.get_session().run: {strange[0]!r} is no tensor of jkeras; {_ADVICE}")
        fed = {t: x for t, x in (feed_dict or {}).items() if isinstance(t, Symbolic)}  # not a fixed phase
        outputs = [f.value if isinstance(f, Update) else f for f in wanted]
        updates = [f for f in wanted if isinstance(f, Update)]
        values = function(list(fed), outputs, updates)(list(fed.values()))
        return values if several else values[0]

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"K.get_session() has no {name!r}: {_ADVICE}")


def get_session() -> Session:
    """The stand-in for a TensorFlow session: it computes tensors.

    Returns:
        A `Session`, of which there is `run(fetches, feed_dict)`.

    Example:
        >>> from jkeras import backend as K
        >>> x = K.placeholder((2,))
        >>> get_session().run(x + 1, {x: [1.0, 2.0]}).tolist()
        [2.0, 3.0]

    Keras 2.2.4: keras/backend/tensorflow_backend.py get_session
    """
    return Session()


def set_session(session: Any) -> None:
    """Refused: there are no sessions here.

    Args:
        session: whatever it is.

    Raises:
        RuntimeError: always, with what to use instead.

    Example:
        >>> set_session(None)
        Traceback (most recent call last):
        RuntimeError: K.set_session(): there are no TensorFlow sessions here. ...

    Keras 2.2.4: keras/backend/tensorflow_backend.py set_session
    """
    raise RuntimeError(f"K.set_session(): {_ADVICE}")


def name_scope(
    name: str | None, default_name: str | None = None, values: Any = None
) -> AbstractContextManager[str]:
    """A `with` block: the names of the variables that are made in it begin with that of the block.

    Args:
        name: the name.
        default_name: the name where `name` is None.
        values: accepted for compatibility.

    Returns:
        A context manager that gives the scope, as it stands before the names.

    Example:
        >>> from jkeras import backend as K
        >>> with name_scope("my_block") as scope:
        ...     print(scope, K.variable(0.0, name="rate").name)
        my_block/ my_block/rate:0

    Keras 2.2.4: keras/backend/tensorflow_backend.py name_scope
    """
    return names.name_scope(name or default_name or "")


def manual_variable_initialization(value: bool) -> None:
    """Accepted for compatibility: variables here always have their value.

    Args:
        value: True or False.

    Example:
        >>> manual_variable_initialization(True)

    Keras 2.2.4: keras/backend/tensorflow_backend.py manual_variable_initialization
    """
