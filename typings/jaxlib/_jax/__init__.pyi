"""What jax's own annotations take from its compiled module, which comes without types."""

from typing import Any

class Device: ...

def __getattr__(name: str) -> Any: ...
