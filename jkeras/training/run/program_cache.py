"""The compiled programs of a trainer: kept while they are used, and not more of them than fit."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable

from jkeras.core.types import Function

_MOST = 1024  # of one kind; small ones take about 2 MB each


class Program:
    """A compiled program for one shape of data.

    Args:
        run: the program.
    """

    def __init__(self, run: Function):
        self.run = run
        self.proven = False  # whether it has run once


class Programs:
    """Programs of one kind of step by what they are compiled for; beyond `most`, those are dropped that have
    been used least recently.

    Every kind has its own, so that predictions in a callback never drop the program of the training that they
    interrupt.

    Example:
        >>> programs = Programs(most=2)
        >>> [programs.get(n, lambda n=n: (lambda: n)).run() for n in (1, 2, 1, 3)]
        [1, 2, 1, 3]
        >>> list(programs.kept)
        [1, 3]
    """

    def __init__(self, most: int = _MOST):
        self.most = most
        self.kept: OrderedDict[Hashable, Program] = OrderedDict()

    def get(self, key: Hashable, build: Callable[[], Function]) -> Program:
        """The program of a key, which is built where it is not kept."""
        if key in self.kept:
            self.kept.move_to_end(key)
        else:
            self.kept[key] = Program(build())
            if len(self.kept) > self.most:
                self.kept.popitem(last=False)
        return self.kept[key]
