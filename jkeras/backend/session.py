"""What Keras's backend asks of TensorFlow, and what takes its place here."""

from __future__ import annotations

import contextlib
import gc

from jkeras.core import phase
from jkeras.core.names import reset_uids

_ADVICE = (
    "there are no TensorFlow sessions here. For GPU memory set the environment variables "
    "XLA_PYTHON_CLIENT_MEM_FRACTION or XLA_PYTHON_CLIENT_PREALLOCATE before jax starts; to compute with "
    "tensors use K.* functions, jax.numpy or K.function."
)


def backend() -> str:
    """The name of the backend.

    Returns:
        "jax".

    Example:
        >>> backend()
        'jax'

    Keras 2.2.4: keras/backend/__init__.py backend
    """
    return "jax"


def clear_session() -> None:
    """Start automatic layer names again, free the learning phase, and let go of what nobody uses.

    Models that you hold stay valid.

    Example:
        >>> clear_session()

    Keras 2.2.4: keras/backend/tensorflow_backend.py clear_session
    """
    reset_uids()
    phase.fix(None)
    gc.collect()


def get_session():
    """Refused: there are no sessions here.

    Raises:
        RuntimeError: always, with what to use instead.

    Example:
        >>> get_session()
        Traceback (most recent call last):
        RuntimeError: K.get_session(): there are no TensorFlow sessions here. ...

    Keras 2.2.4: keras/backend/tensorflow_backend.py get_session
    """
    raise RuntimeError(f"K.get_session(): {_ADVICE}")


def set_session(session) -> None:
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


@contextlib.contextmanager
def name_scope(name, default_name=None, values=None):
    """A `with` block as TensorFlow has it; there is no graph here whose operations would get the name.

    Args:
        name: the name.
        default_name: the name where `name` is None.
        values: accepted for compatibility.

    Returns:
        A context manager that gives the name.

    Example:
        >>> with name_scope("block") as name:
        ...     print(name)
        block

    Keras 2.2.4: keras/backend/tensorflow_backend.py name_scope
    """
    yield name or default_name


def manual_variable_initialization(value) -> None:
    """Accepted for compatibility: variables here always have their value.

    Args:
        value: True or False.

    Example:
        >>> manual_variable_initialization(True)

    Keras 2.2.4: keras/backend/tensorflow_backend.py manual_variable_initialization
    """
