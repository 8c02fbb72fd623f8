"""Training: from the arguments of `compile` and `fit` to compiled steps and back to weights.

`models/` calls the functions below; each says itself what it takes. `data/` makes blocks of rows,
`objective/` one function of losses and metrics, `run/` steps, their programs and the loops over them.
"""

from jkeras.training.data.recognition import first_arrays as first_arrays
from jkeras.training.data.recognition import is_stream as is_stream
from jkeras.training.data.recognition import stream_only as stream_only
from jkeras.training.data.workers import Supply as Supply
from jkeras.training.objective.endpoints import Endpoint as Endpoint
from jkeras.training.objective.function import Objective as Objective
from jkeras.training.run.loop import evaluate as evaluate
from jkeras.training.run.loop import fit as fit
from jkeras.training.run.loop import predict as predict
from jkeras.training.run.one_batch import StepFunction as StepFunction
from jkeras.training.run.one_batch import predict_on_batch as predict_on_batch
from jkeras.training.run.one_batch import test_on_batch as test_on_batch
from jkeras.training.run.one_batch import train_on_batch as train_on_batch
from jkeras.training.run.trainer import Trainer as Trainer
