"""Training: from the arguments of `compile` and `fit` to compiled steps and back to weights.

What the facade (`models/`) calls:

    objective = Objective.build(outputs, loss, metrics, loss_weights, sample_weight_mode, weighted_metrics,
                                has_added_loss=False)         # outputs: list of Endpoint(name, shape, dtype)
    objective.names                                           # == metrics_names
    trainer = Trainer(program, inputs, outputs, objective=None, optimizer=None, devices=None)
                                                              # inputs: list of Endpoint; without objective:
                                                              predict only
    # gives the optimizer its slots: fit does it; so must
    trainer.prepare()
                                                              # whoever loads an optimizer's state
    fit(trainer, model, callbacks, x, y, batch_size=None, epochs=1, verbose=1, validation_split=0.0,
        validation_data=None, shuffle=True, class_weight=None, sample_weight=None, initial_epoch=0,
        steps_per_epoch=None, validation_steps=None, validation_freq=1, supply=Supply())
                                                              # callbacks: a CallbackList, BaseLogger first,
                                                              History last
    evaluate(trainer, x, y=None, batch_size=None, verbose=1, sample_weight=None, steps=None, callbacks=None,
             supply=Supply())                                 # supply: worker threads or processes
    predict(trainer, x, batch_size=None, verbose=0, steps=None, callbacks=None, supply=Supply())
    train_on_batch(trainer, x, y, sample_weight=None, class_weight=None)
    test_on_batch(trainer, x, y, sample_weight=None)
    predict_on_batch(trainer, x)
    first_arrays(x)                                           # input arrays, to build a model from

`x` is an array, a list, a dict by input name, a `Sequence`, a generator or any iterable of batches (then `y`
stays None): the `*_generator` methods call the same functions. Resuming goes through `callbacks.resume()` and
`callbacks.fit_state`; see `jkeras.callbacks.base`.
"""

from jkeras.training.data.stream import first_arrays as first_arrays
from jkeras.training.data.stream import is_stream as is_stream
from jkeras.training.data.stream import stream_only as stream_only
from jkeras.training.data.workers import Supply as Supply
from jkeras.training.objective.endpoints import Endpoint as Endpoint
from jkeras.training.objective.function import Objective as Objective
from jkeras.training.run.loop import StepFunction as StepFunction
from jkeras.training.run.loop import evaluate as evaluate
from jkeras.training.run.loop import fit as fit
from jkeras.training.run.loop import predict as predict
from jkeras.training.run.loop import predict_on_batch as predict_on_batch
from jkeras.training.run.loop import test_on_batch as test_on_batch
from jkeras.training.run.loop import train_on_batch as train_on_batch
from jkeras.training.run.trainer import Trainer as Trainer
