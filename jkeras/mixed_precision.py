"""The policy of dtypes under Keras 3's names.

Keras 3: keras/mixed_precision
"""

from jkeras.config import dtype_policy as dtype_policy
from jkeras.config import dtype_policy as global_policy
from jkeras.config import set_dtype_policy as set_dtype_policy
from jkeras.config import set_dtype_policy as set_global_policy

__all__ = ["dtype_policy", "global_policy", "set_dtype_policy", "set_global_policy"]
