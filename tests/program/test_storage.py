"""What is kept suffices, and is no more than it needs to be."""

import random

import numpy as np
import pytest
from evaluate import bits, walk
from hypothesis import given
from hypothesis import strategies as st
from nests import nest
from test_dependence import add, program, value

from wengert import primitives
from wengert.errors import PathChanged, ProgramError
from wengert.program.address import CONSTANT, INPUT, OUTPUT, Address, Lookup
from wengert.program.program import Program
from wengert.program.statements import Accumulate, Assign, Loop, While
from wengert.program.storage import storage
from wengert.run.interpret import Interpreter


@given(st.integers(0, 10**9), st.booleans())
def test_in_the_storage_alone_a_program_gives_the_same(seed: int, whiles: bool) -> None:
    found = nest(seed, near=True, whiles=whiles)
    inputs = [random.Random(seed).gauss(0.0, 2.0) for _ in range(7)]
    interpreter = Interpreter(found, budget=0)
    kept = interpreter.buffer.kept
    assert kept.size == sum(array.size for array in kept.arrays)
    try:
        expected = bits(walk(found, inputs))
    except PathChanged:
        with pytest.raises(PathChanged):
            interpreter(np.array(inputs))
    else:
        assert bits(interpreter(np.array(inputs))) == expected


def chain(count: int, distance: int = 1) -> Program:
    start = [Assign(value(k), None, (Address(INPUT, 0),)) for k in range(distance)]
    step = add(value(distance, 1), value(0, 1), value(distance - 1, 1))
    out = Assign(Address(OUTPUT, 0), None, (value(count + distance - 1),))
    return program(*start, Loop(count, (step,)), out, values=count + distance)


@pytest.mark.parametrize("distance", [1, 2, 5])
@pytest.mark.parametrize("count", [100, 10**9])
def test_a_window_is_as_long_as_what_is_read_back(count: int, distance: int) -> None:
    kept = storage(chain(count, distance))
    assert kept.size == distance + 1
    assert all(array.window for array in kept.arrays)


def test_a_value_read_in_the_same_iteration_needs_no_memory() -> None:
    here = Address(INPUT, 0, (0,))
    body = (add(value(0, 2), here, here), add(value(1, 2), value(0, 2), value(0, 2)))
    inner = Loop(2, (Assign(Address(OUTPUT, 0, (0, 1)), None, (value(1, 2, 0),)),))
    assert storage(program(Loop(10**9, (*body, inner)), values=2 * 10**9)).size == 0


def test_strided_values_that_are_kept_are_dense() -> None:
    here = Address(INPUT, 0, (0,))
    body = (add(value(0, 3), here, here), add(value(1, 3), here, here))
    last = Loop(10, (Assign(Address(OUTPUT, 0, (0,)), None, (value(1, 3),)),))
    kept = storage(program(Loop(10, body), last))
    assert [(a.first, a.step, a.size, a.window) for a in kept.arrays] == [(1, 3, 10, False)]


def test_lookups_keep_all_they_may_reach() -> None:
    here = Address(INPUT, 0, (0,))
    read = Assign(Address(OUTPUT, 0, (1,)), None, (value(0, 0, lookup=Lookup(0, (1,))),))
    found = program(Loop(10, (add(value(0, 2), here, here),)), Loop(2, (read,)), index=[0, 12])
    assert [(a.first, a.step, a.size) for a in storage(found).arrays] == [(0, 2, 10)]


@given(st.integers(0, 10**9), st.booleans())
def test_arrays_take_no_more_than_the_value_memory(seed: int, near: bool) -> None:
    found = nest(seed, near)
    kept = storage(found, ordered=lambda level: False)
    assert not any(array.window for array in kept.arrays)
    assert kept.size <= found.values


def test_classes_that_lie_between_each_other_share_an_array() -> None:
    places = random.Random(0).sample(range(120), 120)
    here, out = Address(INPUT, 0, (0,)), Address(OUTPUT, 0, (0,))
    classes = [value(0, 0, lookup=Lookup(k, (1,))) for k in range(0, 120, 20)]
    writes = (Loop(20, (add(address, here, here),)) for address in classes)
    reads = (Loop(20, (Assign(out, None, (address,)),)) for address in classes)
    kept = storage(program(*writes, *reads, index=places))
    assert [(a.first, a.step, a.size) for a in kept.arrays] == [(0, 1, 120)]
    assert len(set(kept.homes.values())) == 1
    assert len(kept.homes) == 6


def test_a_few_far_apart_keep_an_array_of_their_own() -> None:
    here, out = Address(INPUT, 0, (0,)), Address(OUTPUT, 0, (0,))
    addresses = value(0, 200), value(1, 1)
    writes = (Loop(5, (add(address, here, here),)) for address in addresses)
    reads = (Loop(5, (Assign(out, None, (address,)),)) for address in addresses)
    kept = storage(program(*writes, *reads))
    assert {(a.first, a.step, a.size) for a in kept.arrays} == {(0, 200, 5), (1, 1, 5)}


def test_sums_over_a_loop_need_no_memory() -> None:
    here = Address(INPUT, 0, (0,))
    found = program(
        Assign(value(3), None, (Address(INPUT, 1),)),
        Loop(5, (Accumulate(value(3, 0), here),)),
        Assign(Address(OUTPUT, 0), None, (value(3),)),
    )
    assert storage(found).size == 0


def test_the_table_says_where_everything_is() -> None:
    text = str(storage(chain(100)))
    assert text.splitlines() == [
        "value[0] move                   m0: window of 2",
        "for 100:",
        "  value[1] add                  m0: window of 2",
        "2 numbers in all",
    ]


def test_what_nothing_assigns_cannot_be_read() -> None:
    with pytest.raises(ProgramError, match=r"Nothing is assigned to value\[7\]"):
        storage(program(add(value(0), value(7), Address(INPUT, 0))))
    out = Assign(Address(OUTPUT, 0), None, (value(1),))
    with pytest.raises(ProgramError, match=r"Nothing is assigned to value\[1\]"):
        storage(program(Loop(4, (Assign(value(0, 2), None, (Address(INPUT, 0, (0,)),)),)), out))


@pytest.mark.parametrize("base", [-1, 3, 10**30])
def test_addresses_outside_their_memory_are_refused(base: int) -> None:
    read = Address(INPUT, base, (1,))
    with pytest.raises(ProgramError, match="input memory, which has 4 places"):
        storage(program(Loop(2, (Assign(value(0, 1), None, (read,)),))))
    with pytest.raises(ProgramError, match="no memory 'elsewhere'"):
        storage(program(Assign(value(0), None, (Address("elsewhere", base),))))
    with pytest.raises(ProgramError, match="assigns to constant memory"):
        storage(program(Assign(Address(CONSTANT, 0), None, (Address(INPUT, 0),))))


def test_a_while_loop_that_remembers_everything_is_refused() -> None:
    def own(base: int, stride: int) -> Address:
        return Address("w", base, (stride,))

    one = Address(CONSTANT, 0, (0,))
    loop = While(
        "w", (Assign(own(0, 1), None, (one,)),), (), own(0, 1),
        (Assign(own(1, 1), primitives.add, (own(0, 1), own(0, 0))),), (),
    )  # fmt: skip
    with pytest.raises(ProgramError, match="grows with the number of its iterations"):
        storage(program(loop))
