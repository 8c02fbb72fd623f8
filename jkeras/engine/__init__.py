"""Layers, tensors, graphs: what everything above is made of."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # found by the table of `compat/module_aliases.py`
    from jkeras.engine.base_layer import InputSpec as InputSpec
    from jkeras.engine.base_layer import Layer as Layer
    from jkeras.engine.input_layer import Input as Input
    from jkeras.engine.input_layer import InputLayer as InputLayer
    from jkeras.engine.tensors.symbolic import Node as Node
    from jkeras.models import Model as Model
    from jkeras.models import Network as Network
    from jkeras.models import Sequential as Sequential
    from jkeras.utils.layer_utils import get_source_inputs as get_source_inputs
