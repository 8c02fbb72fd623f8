"""Lists of one thing and the thing itself."""

from jkeras.core.lists import as_list, unpacked


def test_a_list_of_one_and_its_item():
    for one in (3, "ab", {"a": 1}):
        assert as_list(one) == [one] and unpacked([one]) == unpacked((one,)) == unpacked(one) == one
    assert as_list((1, 2)) == [1, 2] and unpacked([1, 2]) == [1, 2] and unpacked([]) == []
