"""Streams that resume: a killed run goes on with the very batches it would have got."""

import numpy as np
import pytest

from jkeras.callbacks import Callback, RunCheckpoint
from jkeras.core.random import set_random_seed
from jkeras.layers import Dense, Reshape
from jkeras.models import Sequential
from jkeras.preprocessing.image import ImageDataGenerator
from jkeras.preprocessing.sequence import TimeseriesGenerator
from jkeras.saving import list_checkpoints
from jkeras.training.data import positions
from jkeras.utils import Sequence

X = np.random.RandomState(0).rand(24, 3).astype("float32")
Y = X @ np.ones((3, 1), "float32")


class Killed(Exception):
    pass


class KillAt(Callback):
    def __init__(self, at):
        super().__init__()
        self.at = at

    def on_boundary(self, epoch, step):
        if (epoch, step) >= self.at:
            raise Killed


class Draws:
    """An endless iterator with a state."""

    def __init__(self):
        self.random = np.random.RandomState(5)

    def __iter__(self):
        return self

    def __next__(self):
        rows = self.random.randint(0, 24, 4)
        return X[rows], Y[rows]

    def get_state(self):
        return {"random": self.random.get_state(), 1: 1 << 70}

    def set_state(self, state):
        assert state[1] == 1 << 70
        self.random.set_state(state["random"])


class Loader:
    """A shuffling loader with a state, gone through once per epoch."""

    def __init__(self):
        self.random, self.left = np.random.RandomState(5), []

    def __iter__(self):
        self.left = self.left or self.random.permutation(6).tolist()
        while self.left:
            at = self.left.pop()
            yield X[at * 4 : at * 4 + 4], Y[at * 4 : at * 4 + 4]

    def state_dict(self):
        return {"random": self.random.get_state(), "left": self.left}

    def load_state_dict(self, state):
        self.random.set_state(state["random"])
        self.left = list(state["left"])


class Shuffling(Sequence):
    """The common idiom: `on_epoch_end` shuffles, with numpy's generator."""

    def __init__(self):
        self.order = np.arange(6)
        self.on_epoch_end()

    def __len__(self):
        return 6

    def __getitem__(self, index):
        rows = slice(self.order[index] * 4, self.order[index] * 4 + 4)
        return X[rows], Y[rows]

    def on_epoch_end(self):
        np.random.shuffle(self.order)


class Curriculum(Shuffling):
    """One with a state of its own."""

    def on_epoch_end(self):
        self.order = self.order[::-1] if self.order[0] else np.roll(self.order, 2)

    def get_state(self):
        return self.order

    def set_state(self, state):
        self.order = state


def windows():
    return TimeseriesGenerator(X, Y, 3, batch_size=4, shuffle=True)


def torch_loader():
    torch = pytest.importorskip("torch")
    data = torch.utils.data
    generator = torch.Generator().manual_seed(3)
    return data.DataLoader(data.TensorDataset(torch.tensor(X), torch.tensor(Y)), 4, True, generator=generator)


class Rows:
    def __repr__(self):  # grain compares it
        return "Rows()"

    def __len__(self):
        return 24

    def __getitem__(self, index):
        return X[int(index)], Y[int(index)]


def grain_loader():
    grain = pytest.importorskip("grain")
    sampler = grain.samplers.IndexSampler(24, shuffle=True, seed=1, num_epochs=1)
    batched = [grain.transforms.Batch(4)]
    return grain.DataLoader(data_source=Rows(), sampler=sampler, operations=batched)


def grain_iterator():
    grain = pytest.importorskip("grain")
    return iter(grain.MapDataset.source(Rows()).seed(3).shuffle().repeat().to_iter_dataset().batch(4))


def images():
    pictures = np.broadcast_to(X[:, :, None, None], (24, 3, 4, 1)).copy()
    return ImageDataGenerator(rotation_range=30, horizontal_flip=True).flow(pictures, Y, 4, seed=2)


STREAMS = {
    "iterator": (Draws, 6),
    "loader": (Loader, None),
    "loader, steps": (Loader, 4),
    "sequence": (Shuffling, None),
    "sequence, steps": (Shuffling, 4),
    "sequence with a state": (Curriculum, None),
    "windows": (windows, None),
    "images": (images, None),
    "torch": (torch_loader, None),
    "torch, steps": (torch_loader, 4),
    "grain loader": (grain_loader, None),
    "grain iterator": (grain_iterator, 6),
}


def train(run_dir, make, steps=None, at=None, verify=False, validation=None, **supply):
    set_random_seed(7)
    shape = {images: (3, 4, 1), windows: (3, 3)}.get(make, (3,))
    model = Sequential([Reshape((-1,), input_shape=shape), Dense(1)])
    model.compile("adam", "mse")
    keeper = RunCheckpoint(run_dir, every_steps=4, resume=True, verify=verify)
    if validation:
        supply |= {"validation_data": validation(), "validation_steps": 2}
    callbacks = [keeper, KillAt(at)] if at else [keeper]
    history = model.fit_generator(make(), steps, epochs=3, verbose=0, callbacks=callbacks, **supply)
    assert keeper.verified is (True if verify else None)
    return history.history.get("val_loss"), [w.tobytes() for w in model.get_weights()]


def resumes(tmp_path, make, steps=None, **how):
    """Whether a run that is killed in its second epoch ends as one that is not; `verify` proves it too."""
    whole = train(tmp_path / "whole", make, steps, **how)
    with pytest.raises(Killed):
        train(tmp_path / "run", make, steps, at=(1, 3), **how)
    assert list_checkpoints(tmp_path / "run")[-1].step > 0
    return train(tmp_path / "run", make, steps, **how) == whole


@pytest.mark.parametrize("name", STREAMS)
def test_streams_resume_to_the_bit(name, tmp_path):
    make, steps = STREAMS[name]
    assert resumes(tmp_path, make, steps)
    train(tmp_path / "run", make, steps, verify=True)


@pytest.mark.parametrize("workers", [0, 3])
@pytest.mark.parametrize("make", [Shuffling, windows])
def test_with_any_workers(make, workers, tmp_path):
    assert resumes(tmp_path, make, workers=workers)


def test_in_processes(tmp_path):
    whole = train(tmp_path / "whole", Shuffling)
    with pytest.raises(Killed):
        train(tmp_path / "run", Shuffling, at=(1, 3))
    assert train(tmp_path / "run", Shuffling, use_multiprocessing=True) == whole


def test_validation_goes_on_too(tmp_path):
    assert resumes(tmp_path, Draws, 4, validation=Draws)


def generator():
    while True:
        yield X[:4], Y[:4]


def test_what_resuming_means_for_a_generator_is_said(tmp_path):
    with pytest.warns(UserWarning, match="The generator has no state that could be kept: the resumed"):
        assert resumes(tmp_path, generator, 4)  # whose batches are all the same


class Batches:
    """An iterable that gives the same batches in each pass."""

    def __iter__(self):
        return ((X[i : i + 4], Y[i : i + 4]) for i in range(0, 24, 4))


@pytest.mark.parametrize("steps", [None, 4])
def test_batches_of_the_pass_are_passed_over(steps, tmp_path):
    with pytest.warns(UserWarning, match="The Batches has no state .* passes over [1-6] batches"):
        assert resumes(tmp_path, Batches, steps)


def test_fewer_batches_than_then(tmp_path):
    with pytest.raises(Killed):
        train(tmp_path, Batches, at=(1, 3))
    short = type("Batches", (), {"__iter__": lambda self: iter([(X[:4], Y[:4])])})
    with pytest.warns(UserWarning), pytest.raises(ValueError, match="gave 1 batches in a pass; .* had got 4"):
        train(tmp_path, short)


def test_data_that_lost_their_state(tmp_path):
    with pytest.raises(Killed):
        train(tmp_path, Draws, 4, at=(1, 3))
    with pytest.raises(ValueError, match="holds a state of the data, but the generator given now takes none"):
        train(tmp_path, generator, 4)


def test_a_sequence_that_has_gone_further_cannot_be_rewound(tmp_path):
    data = Shuffling()
    with pytest.raises(Killed):
        train(tmp_path, lambda: data, at=(1, 3))
    data._passes_ended += 1
    with pytest.warns(UserWarning, match="The Shuffling has ended 2 more passes than the run"):
        train(tmp_path, lambda: data)


def test_other_batches_are_the_first_difference(tmp_path):
    train(tmp_path, Batches)
    with pytest.warns(UserWarning), pytest.raises(RuntimeError, match="first of all, the data"):
        train(tmp_path, lambda: Loader(), verify=True)


@pytest.mark.parametrize(
    "state, text",
    [
        ({"file": open}, r"state\['file'\] is builtin_function_or_method, which a checkpoint cannot hold"),
        ([np.array([None])], r"state\[0\] is an array of object"),
    ],
)
def test_what_cannot_be_kept_is_named_before_training(state, text, tmp_path):
    with pytest.raises(ValueError, match=text):
        positions.encoded(state, "state")
    keeps = type("Bad", (Draws,), {"get_state": lambda self: state})
    with pytest.raises(ValueError, match=f"The state of the Bad.*{text[5:]}"):
        train(tmp_path, keeps, 4)


def test_states_of_tensors(monkeypatch):
    torch = pytest.importorskip("torch")
    kept = positions.encoded({"t": torch.arange(3)}, "state")
    assert positions.decoded(kept)["t"].tolist() == [0, 1, 2]
    monkeypatch.delitem(__import__("sys").modules, "torch")
    with pytest.raises(ValueError, match="tensors of PyTorch, which is not imported"):
        positions.decoded(kept)
