"""Which places an address can mean: both twins, and against the places themselves."""

import math
import random
from typing import Any

import numpy as np
import pytest

from wengert.program.address import VALUE, Address, Extent, Lookup
from wengert.program.draft import BODY, FIRST, Axes, Frame
from wengert.program.extents import FAR, extent, extent_plain
from wengert.value import engine

NO_INDEX = np.empty(0, np.int64)


def axes(*counts: int | None) -> Axes:
    """Loops inside each other, with these counts; None is for one that nobody knows."""
    found: Axes = ()
    for count in counts:
        found = Frame(count, [], "" if count else "w").inside(found, 0 if count else BODY)
    return found


@pytest.mark.parametrize("seed", range(60))
def test_the_twins_agree_and_all_places_are_among_these(seed: int) -> None:
    rng = random.Random(seed)
    table = np.array([rng.randrange(-(3**seed), 3**seed + 1) for _ in range(30)], np.int64) \
        if seed < 40 else np.arange(30) * rng.choice((1, 2, 6))  # fmt: skip
    for _ in range(50):
        counts = [rng.randrange(1, 5) for _ in range(rng.randrange(3))]
        strides = tuple(rng.randrange(-6, 7) * rng.choice((0, 1, 10)) for _ in counts)
        moves = tuple(rng.randrange(0, 4) for _ in counts)
        lookup = Lookup(rng.randrange(12), moves) if rng.random() < 0.8 else None
        address = Address(VALUE, rng.randrange(100), strides, lookup)
        found = extent(address, axes(*counts), table)
        assert found == extent_plain(address, axes(*counts), table)
        assert type(found) is Extent
        if lookup is None or lookup.start + sum(3 * move for move in moves) < len(table):
            reached = {int(place) for place in address.all(counts, table).ravel()}
            assert found.low <= min(reached)
            assert found.high >= max(reached)
            assert all((place - found.low) % max(found.step, 1) == 0 for place in reached)
            if not counts:
                assert found == (min(reached), min(reached), 0)


def looked_up(start: int, stride: int, count: int, table: Any) -> tuple[Any, Any]:
    """What both twins say of entries of a table."""
    given = Address(VALUE, 0, (0,), Lookup(start, (stride,))), axes(count), table
    return extent(*given), extent_plain(*given)


def test_only_the_entries_that_there_are_count() -> None:
    table = np.array([5, 7, 11], np.int64)
    for start, stride, count, expected in (
        (0, 1, 3, (5, 11, 2)), (0, 1, 99, (5, 11, 2)), (0, 2, 2, (5, 11, 6)), (1, 1, 1, (7, 7, 0)),
        (-2, 1, 4, (5, 7, 2)), (-9, 1, 4, (0, 0, 0)), (3, 1, 4, (0, 0, 0)), (2, -1, 3, (5, 11, 2)),
        (10**30, 1, 3, (0, 0, 0)), (0, 10**30, 2, (5, 5, 0)), (0, 1, 10**30, (5, 11, 2)),
    ):  # fmt: skip
        found, plain = looked_up(start, stride, count, table)
        assert found == plain == expected


@pytest.mark.parametrize(
    "address",
    [
        Address(VALUE, 3, (2, -5)),
        Address(VALUE, 3, (1 << 57, 1)),
        Address(VALUE, 3, (FAR, 1)),
        Address(VALUE, 3, (FAR + 1, 1)),
        Address(VALUE, 3, (-FAR, 1)),
        Address(VALUE, (1 << 63) - 1, (1, 1)),
        Address(VALUE, -(1 << 63), (-1, 1)),
        Address(VALUE, 1 << 70, (1 << 66, 3)),
        Address(VALUE, (1 << 63) - 4, (0, 0), Lookup(0, (1, 0))),
        Address(VALUE, -(1 << 63) + 4, (0, 0), Lookup(3, (1, 0))),
        Address(VALUE, 0, (0, 0), Lookup(1 << 70, (1, 0))),
    ],
)
def test_large_numbers_are_no_others(address: Address) -> None:
    table = np.array([5, 7, 11, -20, -(1 << 63), (1 << 63) - 1], np.int64)
    for around in (axes(4, 5), axes(None, 3), axes(5, None), axes(1, 1), axes(1 << 40, 1 << 62)):
        assert extent(address, around, table) == extent_plain(address, around, table)


def test_a_loop_whose_count_nobody_knows_goes_far() -> None:
    found = extent(Address(VALUE, 7, (3,)), axes(None), NO_INDEX)
    assert found == (7, 7 + 3 * (FAR // 3), 3)
    first = Frame(None, [], "w").inside((), FIRST)
    assert extent(Address(VALUE, 7, (3,)), first, NO_INDEX) == (7, 7, 0)


def test_steps_are_what_divides_all_distances() -> None:
    found = extent(Address(VALUE, 0, (6, 10)), axes(3, 4), NO_INDEX)
    assert found == (0, 42, math.gcd(6, 10))


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ((Address(VALUE, 0, (1, 2)), axes(3), NO_INDEX), ValueError),
        ((Address(VALUE, 0, (1,)), axes(3, 4), NO_INDEX), ValueError),
        ((None, axes(3), NO_INDEX), AttributeError),
        ((Address(VALUE, 0, (0,), Lookup(0, (1,))), axes(3), None), TypeError),
        ((Address(VALUE, 0, (1,)), None, NO_INDEX), TypeError),
        ((Address(VALUE, 0, ("1",)), axes(3), NO_INDEX), TypeError),  # type: ignore[arg-type]
    ],
)
def test_what_makes_no_sense_is_an_error(given: Any, error: type[Exception]) -> None:
    for twin in (extent, extent_plain):
        with pytest.raises(error):
            twin(*given)


@pytest.mark.skipif(engine != "native", reason="the plain twin is a Python function")
def test_the_native_twin_counts_what_it_is_given() -> None:
    with pytest.raises(TypeError):
        extent()  # type: ignore[call-arg]


def test_tables_that_are_no_stretch_of_memory_are_read_all_the_same() -> None:
    table = np.arange(24, dtype=np.int64).reshape(6, 4)[:, 1]
    found, plain = looked_up(1, 2, 3, table)
    assert found == plain == (5, 21, 8)
