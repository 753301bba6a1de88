"""The reference meaning: the bits of one operation after the other, and the first broken guard."""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from evaluate import bits, evaluate, items, walk
from hypothesis import given
from hypothesis import strategies as st
from nests import nest

import wengert as wg
from interrupts import interrupted
from wengert import primitives
from wengert.errors import PathChanged, ProgramError
from wengert.program.address import CONSTANT, INPUT, OUTPUT, VALUE, Address
from wengert.program.program import Program
from wengert.program.record import record
from wengert.program.statements import Assign, Guard, Loop, Statement, While
from wengert.program.structure import ARRAY, TUPLE, Structure
from wengert.run.arrays import Accumulated, Together
from wengert.run.interpret import NATIVE, Interpreter, interpret

MANY, NONE = 1 << 24, 0  # numbers to be kept: enough for arrays, or windows wherever possible
every_way = pytest.mark.parametrize(
    ("budget", "few"), [(MANY, 6), (MANY, 0), (NONE, 0)], ids=["usual", "arrays", "in order"]
)
with_and_without_machines = pytest.mark.parametrize("machines", sorted({False, NATIVE}))
LARGE = [math.inf, -math.inf, math.nan, 0.0, -0.0, 1e308, 5e-324]


def program(
    *statements: Statement,
    values: int = 1000,
    constants: Sequence[float] = (0.0, 1.0),
    inputs: int = 4,
    outputs: int = 1,
) -> Program:
    arguments = Structure(TUPLE, keys=("x",), parts=(Structure(ARRAY, (inputs,)),))
    return Program(
        statements, values, np.array(constants), np.empty(0, np.int64), arguments,
        Structure(ARRAY, (outputs,)),
    )  # fmt: skip


def value(base: int, *strides: int) -> Address:
    return Address(VALUE, base, strides)


def given_numbers(seed: int, count: int = 7) -> list[float]:
    chance = random.Random(seed)
    return [chance.choice(LARGE) if chance.random() < 0.1 else chance.gauss(0.0, 2.0)
            for _ in range(count)]  # fmt: skip


# --- random programs ------------------------------------------------------------------------------


@every_way
@with_and_without_machines
@given(seed=st.integers(0, 10**9), near=st.booleans())
def test_loops_give_the_bits_of_their_expansion(
    seed: int, near: bool, budget: int, few: int, machines: bool
) -> None:
    found = nest(seed, near)
    interpreter = Interpreter(found, budget, few, machines)
    inputs = given_numbers(seed)
    broken: list[Guard] = []

    def stop(guard: Guard, result: float) -> None:
        broken.append(guard)
        raise PathChanged(guard.source)

    try:
        expected = bits(evaluate(found, inputs, stop))
    except PathChanged:
        guards = [item for item in items(found) if isinstance(item, Guard)]
        there = [guard for guard in guards if guard.source == broken[0].source]
        place = there.index(broken[0]) + 1
        which = f", decision {place} of {len(there)} there" if len(there) > 1 else ""
        with pytest.raises(PathChanged, match=rf"\({broken[0].source}{which}\)"):
            interpreter(np.array(inputs))
    else:
        assert bits(interpreter(np.array(inputs))) == expected


@every_way
@with_and_without_machines
@given(seed=st.integers(0, 10**9))
def test_while_loops_give_the_bits_of_a_walk(
    seed: int, budget: int, few: int, machines: bool
) -> None:
    found = nest(seed, near=True, whiles=True)
    interpreter = Interpreter(found, budget, few, machines)
    inputs = given_numbers(seed)
    assert bits(interpreter(np.array(inputs))) == bits(walk(found, inputs))


def test_the_random_programs_reach_every_way_of_running() -> None:
    seen = set()
    for seed in range(40):
        interpreter = Interpreter(nest(seed, near=bool(seed % 2)), MANY, 0, machines=False)
        seen |= {type(each) for each in interpreter.names.values()}
        seen |= {"for" for line in interpreter.source.splitlines() if " for " in line}
        kept = Interpreter(nest(seed, near=True), NONE).buffer.kept
        seen |= {"window" if array.window else "array" for array in kept.arrays}
        seen |= {"register" for _ in kept.registers}
    assert seen >= {Together, Accumulated, "for", "window", "array", "register"}


CODE: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "every row": (
        lambda x, y: [row(*(x, y, x)[: row.nin]) for row in primitives.rows()], (0.3, 0.7),
    ),
    "a long chain": (lambda x: sum((x * k for k in range(300)), 0.0), (0.1,)),
    "nothing": (lambda x: [x, 1.0, x], (2.0,)),
    "no result": (lambda x: [], (2.0,)),
    "guards": (lambda x: [x + k for k in range(100) if x * k < 20], (0.7,)),
}  # fmt: skip


@pytest.mark.parametrize("name", CODE)
def test_recorded_code_gives_the_numbers_of_the_code(name: str) -> None:
    function, args = CODE[name]
    found = record(function, *args, passes=())
    for factor in (1.0, 1.0000001):
        again = [arg * factor for arg in args]
        assert bits(found(*again)) == bits(function(*again))
        assert bits(found(*again)) == bits(evaluate(found, again))


# --- guards ---------------------------------------------------------------------------------------


def comparisons(count: int) -> Loop:
    """x[0] > c[k] for each k, recorded as true."""
    here = Address(INPUT, 0, (0,))
    expected = Address(CONSTANT, 0, (0,))
    guard = Guard(value(0, 1), primitives.greater, (here, Address(CONSTANT, 1, (1,))), expected,
                  source="a.py:1")  # fmt: skip
    return Loop(count, (guard,))


def test_of_many_broken_guards_the_first_is_told() -> None:
    limits = [1.0, 0.0, 5.0, 3.0, 9.0, *[0.0] * 20]
    out = Assign(Address(OUTPUT, 0), None, (Address(INPUT, 0),))
    found = program(comparisons(20), out, constants=limits)
    assert interpret(found, np.array([10.0, 0, 0, 0])) == [10.0]
    for run in (Interpreter(found), partial(interpret, found)):
        with pytest.raises(PathChanged, match=r"4.0 > 5.0 is false \(a.py:1, decision 2 of 20"):
            run(np.array([4.0, 0, 0, 0]))
        with pytest.raises(PathChanged, match=r"nan > 0.0 is false \(a.py:1, decision 1 of 20"):
            run(np.array([math.nan, 0, 0, 0]))


def test_the_first_of_two_guards_that_are_run_apart_is_that_of_the_earlier_iteration() -> None:
    def guard(place: int, source: str, limit: int) -> Guard:
        return Guard(
            value(place, 2), primitives.less,
            (Address(INPUT, 0, (1,)), Address(INPUT, limit, (0,))), Address(CONSTANT, 1, (0,)),
            source=source,
        )  # fmt: skip

    found = program(Loop(20, (guard(0, "first", 20), guard(1, "second", 21))), inputs=22, outputs=0)
    numbers = np.concatenate((np.arange(20.0), [9.0, 4.0]))
    for run in (Interpreter(found), partial(interpret, found)):
        with pytest.raises(PathChanged, match=r"4.0 < 4.0 is false \(second, decision 5"):
            run(numbers)
        with pytest.raises(PathChanged, match=r"4.0 < 4.0 is false \(first, decision 5"):
            run(np.concatenate((np.arange(20.0), [4.0, 4.0])))


# --- loops that the list of operations does not show ----------------------------------------------


def local(base: int, stride: int) -> Address:
    return Address("w", base, (stride,))


def halving(*body: Assign, width: int = 3) -> Program:
    """x[0] halved until it is not above 1; how often, and what is left."""

    def constant(k: int) -> Address:
        return Address(CONSTANT, k, (0,))

    first = (
        Assign(local(0, width), None, (Address(INPUT, 0, (0,)),)),
        Assign(local(1, width), None, (constant(0),)),
    )
    test = (Assign(local(2, width), primitives.greater, (local(0, width), constant(1))),)
    step = (
        Assign(local(width, width), primitives.mul, (local(0, width), constant(2))),
        Assign(local(width + 1, width), primitives.add, (local(1, width), constant(1))),
    )
    last = tuple(Assign(value(k, 0), None, (local(k, width),)) for k in range(2))
    outs = [Assign(Address(OUTPUT, k), None, (value(k),)) for k in range(2)]
    loop = While("w", first, test, local(2, width), (*step, *body), last)
    return program(loop, *outs, constants=[0.0, 1.0, 0.5], outputs=2)


def test_a_while_loop_runs_in_a_window() -> None:
    interpreter = Interpreter(halving())
    assert interpreter(np.array([1000.0, 0, 0, 0])).tolist() == [0.9765625, 10.0]
    assert interpreter(np.array([0.5, 0, 0, 0])).tolist() == [0.5, 0.0]
    assert interpreter(np.array([math.nan, 0, 0, 0])).tolist()[1] == 0.0
    assert interpreter(np.array([1e300, 0, 0, 0])).tolist()[1] == 997.0
    assert interpreter.buffer.kept.size < 100


def test_a_while_loop_cannot_read_beyond_the_inputs() -> None:
    body = Assign(local(7, 4), None, (Address(INPUT, 0, (1,)),))
    found = halving(body, width=4)
    assert interpret(found, np.array([10.0, 0, 0, 0])).tolist() == [0.625, 4.0]
    with pytest.raises(ProgramError, match="reaches place 4 of a memory of 4"):
        interpret(found, np.array([100.0, 0, 0, 0]))


def test_a_loop_of_millions_keeps_two_numbers() -> None:
    count = 10**5
    step = Assign(value(1, 1), primitives.mul, (value(0, 1), Address(CONSTANT, 1, (0,))))
    statements = (
        Assign(value(0), None, (Address(INPUT, 0),)), Loop(count, (step,)),
        Assign(Address(OUTPUT, 0), None, (value(count),)),
    )  # fmt: skip
    found = program(*statements, values=count + 1, constants=[0.0, 0.9999])
    interpreter = Interpreter(found, budget=1000)
    assert interpreter.buffer.kept.size == 2
    expected = 1.0
    for _ in range(count):
        expected *= 0.9999
    assert interpreter(np.array([1.0, 0, 0, 0])).tolist() == [expected]


# --- limits ---------------------------------------------------------------------------------------


def test_a_program_that_needs_too_much_memory_is_refused() -> None:
    here = Address(INPUT, 0, (0,))
    count = 10**14
    make = Loop(count, (Assign(value(0, 1), primitives.neg, (here,)),))
    read = Loop(count, (Assign(Address(OUTPUT, 0, (0,)), None, (value(0, 1),)),))
    with pytest.raises(ProgramError, match=r"needs 800,000.0 GB of memory"):
        interpret(program(make, read, values=count), np.zeros(4))


def test_a_program_takes_as_many_numbers_as_it_has_inputs() -> None:
    with pytest.raises(ProgramError, match="program takes 4 numbers, not 3"):
        interpret(program(outputs=0), np.zeros(3))


def test_too_many_loops_inside_each_other_are_refused() -> None:
    strides = (0,) * 20
    body: Statement = Assign(Address(OUTPUT, 0, strides), None, (Address(INPUT, 0, strides),))
    for _ in strides:
        body = Loop(1, (body,))
    with pytest.raises(ProgramError, match="loops inside each other"):
        interpret(program(body), np.zeros(4))


def test_a_loop_without_end_can_be_stopped() -> None:
    one = Address(CONSTANT, 1, (0,))
    own = (local(0, 1), local(1, 1))
    body = (Assign(own[1], primitives.add, (own[0], one)),)
    loop = While("w", (Assign(own[0], None, (one,)),), (), own[0], body, ())

    with interrupted():
        interpret(program(loop, outputs=0), np.zeros(4))


def test_a_program_is_made_ready_once_it_has_been_walked_through_a_few_times() -> None:
    found = record(lambda x: wg.exp(x), 1.0, passes=())
    assert found(1.0) == math.e
    assert "_interpreter" not in vars(found)
    assert {found(0.0) for _ in range(100)} == {1.0}
    ready = vars(found)["_interpreter"]
    assert found(0.0) == 1.0
    assert vars(found)["_interpreter"] is ready


@pytest.mark.parametrize("count", [100, 10**9])
def test_what_is_long_is_made_ready_at_once(count: int) -> None:
    add = Assign(value(0, 1), primitives.add, (Address(INPUT, 0, (0,)), Address(INPUT, 1, (0,))))
    found = program(Loop(count, (add,) if count < 10**9 else ()), outputs=0)
    interpret(found, np.ones(4))
    assert "_interpreter" in vars(found)


def test_a_while_loop_that_turns_out_long_is_made_ready() -> None:
    found = halving()
    assert interpret(found, np.array([2.0, 0, 0, 0])).tolist() == [1.0, 1.0]
    assert "_interpreter" not in vars(found)
    assert interpret(found, np.array([1e300, 0, 0, 0])).tolist()[1] == 997.0
    assert "_interpreter" in vars(found)


def test_while_loops_of_one_name_have_memories_of_their_own() -> None:
    first = halving()
    (loop, *_) = first.statements
    assert isinstance(loop, While)
    last = [Assign(value(k + 2, 0), None, move.operands) for k, move in enumerate(loop.last)]
    again = replace(loop, last=tuple(last))
    outs = [Assign(Address(OUTPUT, k), None, (value(k + 2),)) for k in range(2)]
    found = replace(first, statements=(loop, again, *outs))
    assert interpret(found, np.array([8.0, 0, 0, 0])).tolist() == [1.0, 3.0]
    assert max(array.size for array in Interpreter(found, NONE).buffer.kept.arrays) == 2


# --- how much is kept -----------------------------------------------------------------------------


def backwards(count: int) -> Program:
    """Values that a later loop reads from the last to the first, so that all must be kept."""
    first = Loop(count, (Assign(value(0, 1), primitives.sin, (Address(INPUT, 0, (1,)),)),))
    second = Assign(Address(OUTPUT, 0, (1,)), primitives.cos, (value(count - 1, -1),))
    return program(first, Loop(count, (second,)), values=count, inputs=count, outputs=count)


def in_passing(count: int) -> Program:
    """Values that the next statement reads, and nothing else."""
    first = Assign(value(0, 1), primitives.sin, (Address(INPUT, 0, (1,)),))
    second = Assign(Address(OUTPUT, 0, (1,)), primitives.cos, (value(0, 1),))
    return program(Loop(count, (first, second)), values=count, inputs=count, outputs=count)


@pytest.mark.parametrize(
    ("make", "budget", "arrays"),
    [
        (in_passing, 400, True),
        (in_passing, 399, False),  # in order, they are registers
        (backwards, 399, True),  # in order, nothing would be saved
        (backwards, 50, True),
        (backwards, 49, False),  # more than MOST times the budget
    ],
)
def test_loops_are_run_in_order_where_that_saves_memory(
    make: Callable[[int], Program], budget: int, arrays: bool
) -> None:
    found = make(400)
    ready = Interpreter(found, budget, machines=False)
    assert any(isinstance(each, Together) for each in ready.names.values()) == arrays
    inputs = given_numbers(1, 400)
    assert bits(ready(np.array(inputs))) == bits(walk(found, inputs))
