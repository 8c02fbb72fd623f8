"""What is sent by value arrives as it was: functions, classes, and how they hang together."""

import abc
import collections
import dataclasses
import enum
import functools
import pickle
import sys
import threading
import types

import numpy as np
import pytest

from jkeras.training.data.pickling import packed

LIMIT = 3


def _sent(thing):
    return pickle.loads(packed(thing))


def test_what_can_be_imported_goes_by_name():
    for thing in (
        np.mean,
        collections.OrderedDict,
        _sent,
        int,
        type(None),
        types.FunctionType,
        np,
        print,
        len,
    ):
        assert _sent(thing) is thing
    assert _sent({"a": [np.float32(2), None]}) == {"a": [2, None]}


def test_functions():
    total = 0

    def add(x, by=2, *, twice=False):
        """Adds."""
        nonlocal total
        total += by
        return min(x + by * (1 + twice), LIMIT)

    def seen():
        return total

    def factorial(n):
        return n * factorial(n - 1) if n else 1

    add.mark = "m"
    there, look = _sent((add, seen))
    assert there is not add and (there(0), there(1, 1), there(9, twice=True), there.mark) == (2, 2, 3, "m")
    assert (look(), seen(), there.__doc__, there.__name__) == (5, 0, "Adds.", "add"), "they share a variable"
    assert _sent(factorial)(4) == 24
    assert _sent(functools.partial(lambda x, y: x - y, 5))(2) == 3
    assert _sent([lambda i=i: i for i in range(3)])[2]() == 2


def test_classes():
    class Base(abc.ABC):
        @abc.abstractmethod
        def name(self): ...

        def __init__(self):
            self.lock, self.event = threading.Lock(), threading.Event()

    class Child(Base):
        made = []

        def __init__(self, x):
            super().__init__()
            self.x = x
            self.made.append(x)

        def name(self):
            return __class__.__name__

        @property
        def double(self):
            return 2 * self.x

        @staticmethod
        def static():
            return Child

        @classmethod
        def make(cls, x):
            return cls(x)

    class Slots:
        __slots__ = ("a", "b")

        def __init__(self, a):
            self.a = a

    child = Child(4)
    child.lock.acquire()
    there = _sent(child)
    cls = type(there)
    assert cls is not Child and (there.x, there.double, there.name(), cls.made) == (4, 8, "Child", [4])
    assert there.static() is cls and type(cls.make(1)) is cls and there.lock.acquire(blocking=False)
    with pytest.raises(TypeError, match="abstract"):
        _sent(Base)()
    assert _sent(Slots(3)).a == 3 and not hasattr(_sent(Slots(3)), "__dict__")


def test_classes_that_libraries_make():
    Pair = collections.namedtuple("Pair", "a b", module="__main__")

    @dataclasses.dataclass(frozen=True)
    class Settings:
        size: int = 2
        more: list = dataclasses.field(default_factory=list)

    class Kind(enum.Enum):
        LEFT = 1
        RIGHT = "r"

    pair, settings, kind = _sent((Pair(1, 2), Settings(5), Kind.RIGHT))
    assert pair == (1, 2) and pair._replace(a=3).a == 3
    assert sys.modules["__main__"].Pair is type(pair), "answers of a worker refer to it by its name"
    del sys.modules["__main__"].Pair
    assert dataclasses.asdict(settings) == {"size": 5, "more": []} and len(dataclasses.fields(settings)) == 2
    assert dataclasses.replace(settings, size=1) == type(settings)(1)
    assert kind.value == "r" and type(kind)["LEFT"].value == 1


def test_what_cannot_be_sent():
    for thing in ((i for i in range(2)), open(__file__), lambda: BROKEN):
        with pytest.raises(TypeError, match="cannot pickle"):
            packed(thing)
        getattr(thing, "close", lambda: None)()


BROKEN = sys._getframe()
