"""EarlyStopping and the learning rates against runs recorded from Keras 2.2.4."""

import functools

import numpy as np
import pytest

from jkeras.callbacks import Callback, CallbackList, EarlyStopping, LearningRateScheduler, ReduceLROnPlateau
from tests.callbacks.loop import FakeModel, run, series


class RateSpy(Callback):
    def __init__(self):
        super().__init__()
        self.rates = []

    def on_epoch_end(self, epoch, logs=None):
        self.rates.append(float(self.model.optimizer.lr.value))


def test_early_stopping_as_recorded(recorded, capsys):
    for case in recorded["early_stopping"]:
        stopping = EarlyStopping(**case["args"])
        history, model, _ = run([stopping], series(case["series"]))
        assert len(history.epoch) == case["epochs_run"], case
        assert (stopping.stopped_epoch, stopping.best, stopping.wait) == (
            case["stopped_epoch"],
            case["best"],
            case["wait"],
        )
        assert capsys.readouterr().out == case["stdout"]


def test_restore_best_weights(capsys):
    stopping = EarlyStopping(patience=2, restore_best_weights=True, verbose=1)
    _, model, _ = run([stopping], series({"val_loss": [3.0, 1.0, 2.0, 2.0, 0.0]}))
    assert model.weights[0].tolist() == [2.0, 2.0]
    assert capsys.readouterr().out == (
        "Restoring model weights from the end of the best epoch\nEpoch 00004: early stopping\n"
    )


def test_a_baseline_that_is_never_beaten_leaves_the_weights():
    stopping = EarlyStopping(patience=2, baseline=0.5, restore_best_weights=True)
    _, model, _ = run([stopping], series({"val_loss": [3.0, 1.0, 2.0]}))
    assert stopping.stopped_epoch == 1
    assert model.weights[0].tolist() == [2.0, 2.0]


def test_early_stopping_can_be_used_again():
    stopping = EarlyStopping(patience=1)
    for _ in range(2):
        history, *_ = run([stopping], series({"val_loss": [1.0, 2.0, 3.0]}))
        assert history.epoch == [0, 1]


@pytest.mark.parametrize(
    "make, text",
    [
        (EarlyStopping, "Early stopping conditioned on metric `val_acc` which is not available.*val_loss"),
        (
            ReduceLROnPlateau,
            "Reduce LR on plateau conditioned on metric `val_acc` which is not available.*val_loss",
        ),
    ],
)
def test_a_missing_quantity_is_a_warning(make, text):
    with pytest.warns(RuntimeWarning, match=text):
        run([make(monitor="val_acc")], series({"val_loss": [1.0]}))


@pytest.mark.parametrize("make", [EarlyStopping, ReduceLROnPlateau])
def test_unknown_mode_is_a_warning(make):
    with pytest.warns(RuntimeWarning, match="mode best is unknown, fallback to auto mode"):
        make(mode="best")


def test_reduce_lr_as_recorded(recorded, capsys):
    for case in recorded["reduce_lr"]:
        reduce_lr, spy = ReduceLROnPlateau(**case["args"]), RateSpy()
        history, *_ = run([reduce_lr, spy], series(case["series"]), model=FakeModel(case["initial_lr"]))
        assert spy.rates == case["lr_at_epoch_end"], case["args"]
        assert history.history["lr"] == case["history_lr"]
        assert capsys.readouterr().out == case["stdout"]


def test_reduce_lr_arguments():
    with pytest.raises(ValueError, match="does not support a factor >= 1.0, but got 1.5"):
        ReduceLROnPlateau(factor=1.5)
    with pytest.warns(UserWarning, match="`epsilon` argument is deprecated"):
        assert ReduceLROnPlateau(epsilon=0.5).min_delta == 0.5
    with pytest.raises(TypeError, match=r"unexpected keyword arguments \['patient'\]"):
        ReduceLROnPlateau(patient=3)


def test_lr_scheduler_as_recorded(recorded, capsys):
    schedules = [lambda epoch: 0.1 * 0.5**epoch, lambda epoch, lr: lr * 0.9 if epoch > 1 else lr]
    for schedule, case in zip(schedules, recorded["lr_scheduler"], strict=False):
        spy = RateSpy()
        epochs = series({"val_loss": [1.0] * case["epochs"]})
        scheduler = LearningRateScheduler(schedule, verbose=case["verbose"])
        history, *_ = run([scheduler, spy], epochs, model=FakeModel(case["initial_lr"]))
        assert spy.rates == case["lr_at_epoch_end"]
        assert history.history["lr"] == case["history_lr"]
        assert capsys.readouterr().out == case["stdout"]


def test_lr_scheduler_return_values(recorded):
    one = series({"val_loss": [1.0]})
    assert recorded["lr_scheduler"][2]["error"] == "ValueError"
    with pytest.raises(
        ValueError, match='The output of the "schedule" function should be float, .* 1 of type int'
    ):
        run([LearningRateScheduler(lambda epoch: 1)], one)
    assert recorded["lr_scheduler"][3]["error"] is None
    _, model, _ = run([LearningRateScheduler(lambda epoch: np.float64(0.5))], one)
    assert model.optimizer.lr.value == 0.5


def test_an_error_inside_the_schedule_is_not_hidden():
    def schedule(epoch, lr):
        raise TypeError("mine")

    with pytest.raises(TypeError, match="mine"):
        run([LearningRateScheduler(schedule)], series({"val_loss": [1.0]}))


def test_a_schedule_without_a_signature_gets_both():
    _, model, _ = run([LearningRateScheduler(functools.partial(max, 0.25))], series({"val_loss": [1.0]}))
    assert model.optimizer.lr.value == 0.25


@pytest.mark.parametrize("callback", [LearningRateScheduler(lambda epoch: 0.1), ReduceLROnPlateau()])
def test_an_optimizer_without_lr_is_named(callback):
    model = FakeModel()
    del model.optimizer.lr
    with pytest.raises(ValueError, match='Optimizer must have a "lr" attribute, but Optimizer has none'):
        run([callback], series({"val_loss": [1.0]}), model=model)


def test_a_plain_attribute_works_as_learning_rate():
    model = FakeModel()
    model.optimizer.lr = 0.5
    run([LearningRateScheduler(lambda epoch, lr: lr / 2)], series({"val_loss": [1.0]}), model=model)
    assert model.optimizer.lr == 0.25


@pytest.mark.parametrize(
    "make",
    [
        lambda: EarlyStopping(patience=3, restore_best_weights=True),
        lambda: ReduceLROnPlateau(patience=1, factor=0.5, cooldown=1),
    ],
)
def test_resume_between_epochs_is_exact(make):
    values = {"val_loss": [1.0, 0.5, 0.6, 0.7, 0.7, 0.8, 0.4]}
    whole, model, hooks = run([make()], series(values))
    epochs = series(values)
    _, half, first = run([make()], epochs[:3])
    state = first.get_state()
    resumed, end, last = run([make()], epochs, model=half, first_epoch=3, state=state)
    assert resumed.history == whole.history and resumed.epoch == whole.epoch
    assert end.weights[0].tolist() == model.weights[0].tolist()
    assert end.optimizer.lr.value == model.optimizer.lr.value
    np.testing.assert_equal(last.get_state(), hooks.get_state())


def test_resume_inside_an_epoch_does_not_apply_the_schedule_twice():
    scheduler = LearningRateScheduler(lambda epoch, lr: lr / 2)
    scheduler.set_model(FakeModel(1.0))
    scheduler.on_epoch_begin(0)
    state = CallbackList([scheduler]).get_state()
    resumed = LearningRateScheduler(scheduler.schedule)
    CallbackList([resumed], model=scheduler.model).set_state(state)
    resumed.on_epoch_begin(0)
    assert scheduler.model.optimizer.lr.value == 0.5
    resumed.on_epoch_begin(1)
    assert scheduler.model.optimizer.lr.value == 0.25
