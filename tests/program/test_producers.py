"""Which statement writes what an address reads: compared with the places themselves."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wengert.program.address import INPUT, VALUE, Address, Extent, Lookup
from wengert.program.counters import counters
from wengert.program.draft import BODY, FIRST, LAST, TEST, Axis, Frame, Line
from wengert.program.extents import extent
from wengert.program.producers import Producers
from wengert.program.statements import Accumulate, Assign

NO_INDEX = np.empty(0, np.int64)


def axes(*counts: int | None) -> tuple[Axis, ...]:
    frames = [Frame(count, [], "" if count else "w") for count in counts]
    return tuple(axis for frame in frames for axis in frame.inside((), 0 if frame.count else BODY))


def value(base: int, *strides: int) -> Address:
    return Address(VALUE, base, strides)


def line(target: Address, around: tuple[Axis, ...]) -> Line:
    return Line(Assign, target, None, (Address(INPUT, 0, (0,) * len(around)),), around)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_what_is_found_is_right(data: Any) -> None:
    """At every setting of the reader's counters, the producer's counters give the same place."""
    counts = data.draw(st.lists(st.integers(1, 4), max_size=3))
    strides, step = [], 1
    for count in reversed(counts):  # a target that writes every place once
        strides.insert(0, step * data.draw(st.sampled_from((1, 1, -1))))
        step = step * count + data.draw(st.integers(0, 2))
    target, around = value(50, *strides), axes(*counts)
    shared = data.draw(st.integers(0, len(counts)))
    inner = data.draw(st.lists(st.integers(1, 4), max_size=2))
    reader_axes = (*around[:shared], *axes(*inner))
    choices = st.sampled_from((0, *strides, 1, 2, sum(strides)))
    read = value(
        50 + data.draw(st.integers(-3, 12)),
        *(data.draw(st.just(strides[k]) if k < shared and data.draw(st.booleans()) else choices)
          for k in range(len(reader_axes))),
    )  # fmt: skip
    found = counters(target, around, read, reader_axes)
    written = set(target.all(counts, NO_INDEX).ravel().tolist())
    reader_counts = [*counts[:shared], *inner]
    places = read.all(reader_counts, NO_INDEX)
    if found is None:
        return
    assert set(places.ravel().tolist()) <= written
    again = found.applied(target)
    assert again is not None
    assert (again.all(reader_counts, NO_INDEX) == places).all()
    for at in itertools.product(*map(range, reader_counts)):
        for offset, row, count in zip(found.offsets, found.matrix, counts, strict=True):
            assert offset is not None
            assert 0 <= offset + sum(m * k for m, k in zip(row, at, strict=True)) < count


@pytest.mark.parametrize(
    ("target", "counts", "read", "reader"),
    [
        (value(5), (), value(5), ()),
        (value(0, 3), (10,), value(12), ()),  # one element
        (value(0, 3), (10,), value(6, 3), (5,)),  # a stretch
        (value(0, 3), (10,), value(27, -3), (10,)),  # backwards
        (value(0, 3), (10,), value(0, 6), (5,)),  # every other
        (value(0, 12, 3), (5, 4), value(0, 3), (20,)),  # no: a loop of 20 is no nest of 5 and 4
        (value(0, 12, 3), (4, 4), value(0, 15), (4,)),  # the diagonal
        (value(0, 12, 3), (4, 4), value(0, 3, 12), (4, 4)),  # transposed
        (value(0, 12, 3), (4, 4), value(9, 12, -3), (4, 4)),
        (value(0, 10**9), (10**9,), value(10**9, 10**9), (10**9 - 1,)),
    ],
)
def test_one_producer_is_found(target: Address, counts: Any, read: Address, reader: Any) -> None:
    found = counters(target, axes(*counts), read, axes(*reader))
    if reader == (20,):
        assert found is None
    else:
        assert found
        assert found.applied(target) == read


@pytest.mark.parametrize(
    ("target", "counts", "read", "reader"),
    [
        (value(0, 3), (10,), value(1), ()),  # beside it
        (value(0, 3), (10,), value(30), ()),  # behind it
        (value(0, 3), (10,), value(-3, 3), (10,)),  # starts before it
        (value(0, 3), (10,), value(0, 3), (11,)),  # goes on behind it
        (value(0, 3), (10,), Address(VALUE, 0, (3,), Lookup(0, (0,))), (10,)),
        (value(0, 0), (2,), value(0), ()),  # written twice: no program
    ],
)
def test_no_single_producer(target: Address, counts: Any, read: Address, reader: Any) -> None:
    assert counters(target, axes(*counts), read, axes(*reader)) is None


@pytest.mark.parametrize(
    ("written", "read", "strides", "base", "found"),
    [
        (BODY, BODY, (2,), 4, True),  # this round's
        (BODY, BODY, (2,), 2, False),  # that of the round before, and of `first` in the first
        (TEST, BODY, (2,), 4, True),
        (TEST, LAST, (2,), 4, True),
        (BODY, LAST, (2,), 4, False),  # there is no such round
        (FIRST, BODY, (0,), 4, True),
        (FIRST, BODY, (2,), 4, False),
        (BODY, BODY, (0,), 4, False),
    ],
)
def test_rounds_of_a_while(
    written: int, read: int, strides: tuple[int, ...], base: int, found: bool
) -> None:
    frame = Frame(None, [], "w")
    target = Address("w", 4, (0 if written == FIRST else 2,))
    address = Address("w", base, strides)
    made = counters(target, frame.inside((), written), address, frame.inside((), read))
    assert bool(made) is found


def test_a_memory_of_a_while_does_not_outlive_a_round_of_the_loop_around_it() -> None:
    outer, frame = Frame(5, []), Frame(None, [], "w")
    around = frame.inside(outer.inside(()), BODY)
    target = Address("w", 0, (0, 1))
    assert counters(target, around, target, around, fixed=1)
    elsewhere = frame.inside(Frame(5, []).inside(()), BODY)
    assert counters(target, around, target, elsewhere, fixed=1) is None


def test_extents() -> None:
    index = np.array([7, 3, 5])
    assert extent(value(5, 3, 12), axes(4, 2), index) == Extent(5, 26, 3)
    assert extent(value(5, -3), axes(4), index) == Extent(-4, 5, 3)
    assert extent(Address(VALUE, 10, (0,), Lookup(0, (1,))), axes(3), index) == Extent(13, 17, 2)
    assert not Extent(0, 30, 3).meets(Extent(1, 31, 3))
    assert Extent(0, 30, 3).meets(Extent(1, 31, 2))
    assert not Extent(0, 30, 3).meets(Extent(31, 40, 1))
    assert Extent(4, 4, 0).meets(Extent(4, 4, 0))


def test_possible_producers_are_all_that_may_meet() -> None:
    body = axes(10)
    even, odd, far = line(value(0, 2), body), line(value(1, 2), body), line(value(100), ())
    producers = Producers([even, odd, far], NO_INDEX)
    assert producers.possible(value(0, 2), body) == [even]
    assert producers.possible(value(0, 1), axes(20)) == [even, odd]
    assert producers.possible(value(2, 2), axes(60)) == [even, far]
    assert producers.possible(Address(INPUT, 0), ()) == []


def test_a_loop_without_a_count_reaches_down_in_its_own_steps() -> None:
    around = axes(None)
    found = extent(value(90, -3), around, NO_INDEX)
    assert found.meets(extent(value(9), (), NO_INDEX))
    assert not found.meets(extent(value(10), (), NO_INDEX))


# --- sums -----------------------------------------------------------------------------------------


def added(target: Address, around: tuple[Axis, ...] = ()) -> Line:
    return Line(Accumulate, target, None, (Address(INPUT, 0, (0,) * len(around)),), around)


def test_a_sum_has_no_producer_and_others_have() -> None:
    body = axes(10)
    start, other, more = line(value(0, 2), body), line(value(1, 2), body), added(value(4))
    producers = Producers([start, other, more], NO_INDEX)
    assert producers.source(value(4), ()) is None
    assert producers.source(value(0, 2), axes(10)) is None, "one of them is a sum"
    assert producers.possible(value(4), ()) == [start, more]
    for settled in (value(6), value(5)):
        found = producers.source(settled, ())
        assert found
        assert found.line is (other if settled.base % 2 else start)
        assert producers.settled(settled, ())
    assert not producers.settled(value(4), ())


def test_a_sum_is_looked_up_by_its_range() -> None:
    around = axes(3)
    start = line(value(0, 1), axes(20))
    more = added(Address(VALUE, 10, (0,), Lookup(0, (1,))), around)
    producers = Producers([start, more], np.array([0, 4, 2]))
    assert [producers.settled(value(k), ()) for k in range(9, 17)] == [
        True, False, True, False, True, False, True, True,
    ]  # fmt: skip


def test_a_sum_is_final_behind_its_last_addition() -> None:
    start, early, more, late = line(value(0), ()), line(value(1), ()), added(value(0)), line(
        value(2), ()
    )  # fmt: skip
    producers = Producers([start, early, more, late], NO_INDEX)
    assert not producers.final(value(0), early)
    assert not producers.final(value(0), more), "it changes right there"
    assert producers.final(value(0), late)
    producers.drop({more})
    assert producers.final(value(0), early)
    found = producers.source(value(0), ())
    assert found
    assert found.line is start
