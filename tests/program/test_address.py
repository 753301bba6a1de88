"""Addresses: places that move with the loops."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wengert.program.address import (
    MANY,
    MEMORIES,
    PLACE,
    Address,
    Lookup,
    coded,
    decoded,
    distinct,
)

COUNTS = st.lists(st.integers(0, 4), max_size=3)


@given(COUNTS, st.data())
def test_all_places_are_those_at_each_setting(counts: list[int], data: st.DataObject) -> None:
    def strides(low: int, high: int) -> tuple[int, ...]:
        return tuple(data.draw(st.integers(low, high)) for _ in counts)

    index = np.arange(100, dtype=np.int64) ** 2
    lookup = data.draw(st.sampled_from([None, Lookup(3, strides(0, 9))]))
    address = Address("value", data.draw(st.integers(0, 50)), strides(-9, 9), lookup)
    places = address.all(counts, index)
    assert places.shape == tuple(counts)
    for counters in product(*map(range, counts)):
        assert places[counters] == address.at(counters, index)


def test_an_address_has_a_stride_for_each_counter() -> None:
    with pytest.raises(ValueError, match="zip"):
        Address("value", 0, (1,)).at((), np.empty(0, np.int64))


@given(st.sampled_from(sorted(MEMORIES.values())), st.integers(0, PLACE))
def test_a_code_stands_for_a_place_of_a_memory(memory: str, place: int) -> None:
    assert decoded(coded(memory, place)) == Address(memory, place)
    assert 0 <= coded(memory, place) < 2**63


@pytest.mark.parametrize("count", [0, 1, MANY, MANY + 1, 5 * MANY])
@pytest.mark.parametrize("width", [1, 100, 10 * MANY, 1 << 60])
def test_distinct_numbers_in_order(count: int, width: int) -> None:
    random = np.random.default_rng(count)
    for numbers in (random.integers(-width, width, count), random.integers(0, width, (2, count))):
        found = distinct(numbers)
        assert found.tolist() == sorted(set(numbers.ravel().tolist()))
        assert found.dtype == numbers.dtype
