"""Functions as they are now."""

from __future__ import annotations

import functools

import pytest

from jkeras.core.snapshot import as_now, settled

K = 1


def helper(x):
    return x + K


def factorial(n):
    return 1 if n < 2 else n * factorial(n - 1) + K - 1


@pytest.fixture
def later(monkeypatch):
    return lambda: monkeypatch.setitem(globals(), "K", 5)


def test_global_names_also_of_helpers(later):
    f, g = as_now(lambda x: helper(x) * K), as_now(factorial)
    later()
    assert (f(1), g(4), helper(1)) == (2, 24, 6)


def test_local_names_also_of_inner_functions():
    made = []
    for k in range(3):

        def inner(x):
            return x * k  # noqa: B023

        made.append(as_now(lambda x: inner(x) + sum(k for _ in range(2))))  # noqa: B023
    assert [f(10) for f in made] == [0, 12, 24]


def test_what_is_named_later_is_found(monkeypatch):
    f = as_now(lambda: NAMED_LATER)  # noqa: F821
    monkeypatch.setitem(globals(), "NAMED_LATER", 7)
    assert f() == 7
    with pytest.raises(NameError, match="nowhere"):
        as_now(lambda: nowhere)()  # noqa: F821


def test_functions_that_write_outside_go_on_doing_so():
    count = 0

    def called():
        nonlocal count
        count += 1

    as_now(called)()
    assert count == 1 and as_now(called) is called


def test_methods_partials_and_signatures(later):
    class Scaled:
        by = 3

        def __call__(self, x, *, plus=0):
            return self.by * x + K + plus

    f = as_now(functools.partial(Scaled().__call__, plus=10))
    later()
    assert f(2) == 17
    assert as_now(Scaled) is Scaled and as_now(len) is len
    assert as_now(helper).__name__ == "helper" and as_now(helper).__module__ == __name__


def test_a_local_name_that_is_set_later_counts_then():
    f = as_now(lambda: later_on)
    later_on = 3
    assert f() == 3


def test_what_can_be_found_by_its_name_stays_itself():
    made = [settled(lambda x: x * k) for k in range(3)]  # noqa: B023
    assert [f(10) for f in made] == [0, 10, 20]
    assert settled(helper) is helper and settled(len) is len and settled("relu") == "relu"
