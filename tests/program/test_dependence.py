"""Who writes what an address reads, and what carries it."""

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wengert import primitives
from wengert.errors import ProgramError
from wengert.program.address import CONSTANT, INPUT, VALUE, Address, Lookup
from wengert.program.dependence import Table, Targets, carriers, extent, layout
from wengert.program.program import Program
from wengert.program.statements import Accumulate, Assign, Loop, Statement
from wengert.program.structure import ARRAY, TUPLE, Structure


def program(*statements: Statement, values: int = 1000, index: Sequence[int] = ()) -> Program:
    arguments = Structure(TUPLE, keys=("x",), parts=(Structure(ARRAY, (4,)),))
    return Program(
        statements, values, np.zeros(4), np.array(index, np.int64), arguments,
        Structure(ARRAY, (2,)),
    )  # fmt: skip


def value(base: int, *strides: int, lookup: Lookup | None = None) -> Address:
    return Address(VALUE, base, strides, lookup)


def add(target: Address, *operands: Address) -> Assign:
    return Assign(target, primitives.add, operands)


def carried(found: Program, reader: int = 0, operand: int = 0, writer: int = 0) -> set[int]:
    sites = layout(found).sites
    read = sites[reader].reads[operand]
    return carriers(sites[writer], read, sites[reader], 0, Table(found.index))


@pytest.mark.parametrize(
    ("read", "levels"),
    [
        (value(9, 10, 1), {0, 1}),  # s[i, j-1], and where j is 0 s[i-1, 9]
        (value(0, 10, 1), {0}),  # s[i-1, j]
        (value(1, 10, 1), {0, 1}),  # s[i-1, j+1], and where j is 9 s[i, 0]
        (value(60, 10, 1), set()),
        (value(10, 0, 0), {0, 1}),  # s[0, 0]
        (value(19, 0, 0), {0}),  # s[0, 9], which is the last of its row
        (value(200, 0, 0), set()),
        (value(19, 10, 0), set()),  # s[i, 9]: what is not written before is no matter
        (Address(INPUT, 0, (0, 0)), set()),
    ],
)
def test_which_loops_carry_what_is_read(read: Address, levels: set[int]) -> None:
    constant = Address(CONSTANT, 0, (0, 0))
    nest = Loop(5, (Loop(10, (add(value(10, 10, 1), read, constant),)),))
    assert carried(program(nest)) == levels


def test_the_same_iteration_is_behind_the_last_common_loop() -> None:
    first = add(value(0, 2), Address(INPUT, 0, (0,)), Address(INPUT, 0, (0,)))
    second = add(value(1, 2), value(0, 2), value(-2, 2))
    found = program(Loop(9, (first, second)))
    assert carried(found, reader=1, operand=0) == {1}
    assert carried(found, reader=1, operand=1) == {0}


def test_lookups_are_looked_at() -> None:
    def chain(*index: int) -> set[int]:
        read = value(0, 0, lookup=Lookup(0, (1,)))
        return carried(
            program(Loop(4, (add(value(10, 1), read, Address(INPUT, 0, (0,))),)), index=index)
        )

    assert chain(0, 1, 2, 3) == set()
    assert chain(0, 10, 11, 10) == {0}


@given(
    st.lists(st.integers(0, 5), min_size=12, max_size=12),
    st.tuples(*[st.integers(-1, 2)] * 4),
    st.booleans(),
    st.booleans(),
)
def test_looking_at_every_place_finds_what_trying_all_does(
    table: list[int], strides: tuple[int, int, int, int], first: bool, alone: bool
) -> None:
    """For targets that are met several times, too, as those of sums are."""
    counts = (3, 4)
    target = value(5, *strides[:2], lookup=Lookup(0, (4, 1)))
    read = target if alone else value(6, *strides[2:])
    sums = [Accumulate(target, Address(INPUT, 0, (0, 0)))]
    sums.insert(0 if first else 1, Accumulate(value(99, 0, 0), read))
    found = program(Loop(3, (Loop(4, tuple(sums)),)), index=table)
    sites = layout(found).sites
    writer = next(site for site in sites if site.target == target)
    reader = writer if alone else next(site for site in sites if site is not writer)
    expected = set()
    every = list(itertools.product(*map(range, counts)))
    for before, after in itertools.product(every, every):
        if target.at(before, found.index) == read.at(after, found.index):
            if before < after:
                expected.add(0 if before[0] < after[0] else 1)
            elif before == after and writer.number < reader.number:
                expected.add(2)
    assert carriers(writer, read, reader, 0, Table(found.index)) == expected


def test_targets_that_interleave_are_told_apart() -> None:
    constant = Address(CONSTANT, 0, (0,))
    body = tuple(add(value(k, 3), constant, constant) for k in range(3))
    found = layout(program(Loop(9, body)))
    targets = Targets(found.sites, 27, Table(np.empty(0, np.int64)))
    assert targets.met(value(1, 6), (4,)) == [found.sites[1]]
    assert targets.met(value(0, 1), (2,)) == found.sites[:2]
    assert targets.met(value(1, 100), (10**6,)) == found.sites[1:2]
    with pytest.raises(ProgramError, match=r"Nothing is assigned to value\[26\]"):
        Targets(found.sites[:2], 27, Table(np.empty(0, np.int64))).met(value(26), ())


def test_what_never_runs_is_left_out() -> None:
    constant = Address(CONSTANT, 0, (0,))
    found = layout(program(Loop(0, (add(value(0, 1), constant, constant),)), Loop(3, ())))
    assert not found.tree
    assert not found.sites


def test_malformed_addresses_are_refused() -> None:
    for statement in (
        Loop(3, (add(value(0), value(0), value(0)),)),
        Loop(3, (add(value(1, 1), value(0, 0, lookup=Lookup(0, (1,))), value(0, 0)),)),
        add(value(0), value(0, lookup=Lookup(0, (1,))), value(0)),
    ):
        found = program(statement, index=[0, 1])
        (site,) = layout(found).sites
        with pytest.raises(ProgramError, match="strides inside|in an index table of 2"):
            extent(site.reads[0], site.counts, Table(found.index))
