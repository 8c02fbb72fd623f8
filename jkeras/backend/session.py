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
    """The name of the backend."""
    return "jax"


def clear_session() -> None:
    """Start automatic layer names again and let go of what nobody uses; models that you hold stay valid."""
    reset_uids()
    phase.fix(None)
    gc.collect()


def get_session():
    """Refused.

    Raises:
        RuntimeError: always, with what to use instead.
    """
    raise RuntimeError(f"K.get_session(): {_ADVICE}")


def set_session(session) -> None:
    """Refused.

    Raises:
        RuntimeError: always, with what to use instead.
    """
    raise RuntimeError(f"K.set_session(): {_ADVICE}")


@contextlib.contextmanager
def name_scope(name, default_name=None, values=None):
    """A `with` block as TensorFlow has it; there is no graph here whose operations would get the name."""
    yield name or default_name


def manual_variable_initialization(value) -> None:
    """Accepted for compatibility: variables here always have their value."""
