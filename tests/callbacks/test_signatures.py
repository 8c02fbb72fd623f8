"""The constructors are those of Keras 2.2.4, with later arguments behind (CallbackList takes two more)."""

import inspect

import pytest

from jkeras import callbacks

SIGNATURES = {
    "BaseLogger": "(stateful_metrics=None)",
    "CSVLogger": "(filename, separator=',', append=False)",
    "Callback": "()",
    "CallbackList": "(callbacks=None, queue_length=10, model=None, params=None)",
    "EarlyStopping": "(monitor='val_loss', min_delta=0, patience=0, verbose=0, mode='auto', baseline=None, "
    "restore_best_weights=False)",
    "History": "()",
    "LambdaCallback": "(on_epoch_begin=None, on_epoch_end=None, on_batch_begin=None, on_batch_end=None, "
    "on_train_begin=None, on_train_end=None, **kwargs)",
    "LearningRateScheduler": "(schedule, verbose=0)",
    "ModelCheckpoint": "(filepath, monitor='val_loss', verbose=0, save_best_only=False, "
    "save_weights_only=False, mode='auto', period=1)",
    "Progbar": "(target, width=30, verbose=1, interval=0.05, stateful_metrics=None)",
    "ProgbarLogger": "(count_mode='samples', stateful_metrics=None)",
    "ReduceLROnPlateau": "(monitor='val_loss', factor=0.1, patience=10, verbose=0, mode='auto', "
    "min_delta=0.0001, cooldown=0, min_lr=0, **kwargs)",
    "RemoteMonitor": "(root='http://localhost:9000', path='/publish/epoch/end/', field='data', headers=None, "
    "send_as_json=False)",
    "TensorBoard": "(log_dir='./logs', histogram_freq=0, batch_size=32, write_graph=True, write_grads=False, "
    "write_images=False, embeddings_freq=0, embeddings_layer_names=None, embeddings_metadata=None, "
    "embeddings_data=None, update_freq='epoch')",
    "TerminateOnNaN": "()",
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_constructor(name):
    signature = inspect.signature(getattr(callbacks, name))
    bare = [p.replace(annotation=inspect.Parameter.empty) for p in signature.parameters.values()]
    theirs = SIGNATURES[name]
    assert str(inspect.Signature(bare)).startswith(theirs if "**" in theirs else theirs.removesuffix(")"))
