"""Accumulations give the bits of one after the other, as array operations too."""

import math
import random
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from evaluate import bits, walk
from hypothesis import given
from hypothesis import strategies as st
from making import from_array
from sums import GIVEN, accumulations, summing

from wengert import primitives
from wengert.errors import PathChanged, ProgramError
from wengert.program.address import CONSTANT, INPUT, OUTPUT, VALUE, Address, Lookup
from wengert.program.invariants import checked
from wengert.program.program import Program
from wengert.program.statements import Accumulate, Assign, Loop, Statement, While
from wengert.run import arrays
from wengert.run.arrays import Accumulated, Added, Together
from wengert.run.interpret import NATIVE, Interpreter, interpret
from wengert.run.walk import walked

pytestmark = pytest.mark.no_cover  # long; what it runs is run by others, too

MANY, NONE = 1 << 24, 0  # numbers to be kept: enough for arrays, or windows wherever possible
EVERY_WAY = [
    (budget, few, machines)
    for budget, few in ((MANY, 6), (MANY, 0), (40, 0), (NONE, 0))
    for machines in {False, NATIVE}
]
SIZE = 40


def value(base: int, *strides: int, lookup: Lookup | None = None) -> Address:
    return Address(VALUE, base, strides, lookup)


def given_at(base: int, *strides: int) -> Address:
    return Address(INPUT, base, strides)


def zero(*strides: int) -> Address:
    return Address(CONSTANT, 0, tuple(0 for _ in strides))


def fill(base: int, count: int) -> Loop:
    """Starts `count` sums, from a place on."""
    return Loop(count, (Assign(value(base, 1), None, (zero(0),)),))


def out(base: int, count: int, start: int = 0) -> Loop:
    """Values as outputs."""
    return Loop(count, (Assign(Address(OUTPUT, start, (1,)), None, (value(base, 1),)),))


def mul(target: Address, *operands: Address) -> Assign:
    return Assign(target, primitives.mul, operands)


def program(*statements: Statement, outputs: int, index: Sequence[int] = ()) -> Program:
    return from_array(statements, 10_000, [0.0], index, 4 * SIZE, outputs)


def numbers(seed: int = 0, count: int = 4 * SIZE) -> list[float]:
    """Of very different sizes, so that each order of adding them has a sum of its own."""
    chance = random.Random(seed)
    return [chance.gauss(0.0, 1.0) * 10.0 ** chance.randint(-8, 8) for _ in range(count)]


# --- the nests of reverse mode --------------------------------------------------------------------


def backwards() -> Program:
    """One place for each iteration, from the last to the first."""
    n = SIZE
    body = (Accumulate(value(n - 1, -1), given_at(0, 1)),)
    return program(fill(0, n), Loop(n, body), out(0, n), outputs=n)


def neighbours() -> Program:
    """s[i] += a; s[i+1] += b."""
    n = SIZE
    body = Accumulate(value(0, 1), given_at(0, 1)), Accumulate(value(1, 1), given_at(n, 1))
    return program(fill(0, n + 1), Loop(n, body), out(0, n + 1), outputs=n + 1)


def three_each() -> Program:
    """s[i-1], s[i] and s[i+1] backwards, from products of this iteration."""
    n = SIZE
    products = [mul(value(100 + k, 3), given_at(0, 1), given_at(n + k, 1)) for k in range(3)]
    adds = [Accumulate(value(n + 1 - k, -1), value(100 + k, 3)) for k in range(3)]
    return program(fill(0, n + 2), Loop(n, (*products, *adds)), out(0, n + 2), outputs=n + 2)


def product_adjoints(rows: int = 5, columns: int = SIZE) -> Program:
    """Of a matrix and a vector: w[i,j] += y[i]*x[j], x[j] += w[i,j]*y[i], b[i] += w[i,j]."""
    n, m = rows, columns
    x, b, products = n * m, n * m + m, 2000
    inner = (
        mul(value(products, 2 * m, 2), given_at(0, 1, 0), given_at(n, 0, 1)),
        mul(value(products + 1, 2 * m, 2), given_at(0, 1, 0), given_at(n + 3, 2, 1)),
        Accumulate(value(0, m, 1), value(products, 2 * m, 2)),
        Accumulate(value(x, 0, 1), value(products + 1, 2 * m, 2)),
        Accumulate(value(b, 1, 0), value(products, 2 * m, 2)),
    )
    size = n * m + m + n
    return program(fill(0, size), Loop(n, (Loop(m, inner),)), out(0, size), outputs=size)


def one_place() -> Program:
    """Two terms an iteration for one sum, and a third in a loop inside."""
    n = SIZE
    body = (
        Accumulate(value(0, 0), given_at(0, 1)),
        Accumulate(value(0, 0), given_at(n, 1)),
        Loop(3, (Accumulate(value(1, 0, 0), given_at(5, 1, 1)),)),
    )
    return program(fill(0, 9), Loop(n, body), out(0, 9), outputs=9)


def interleaved_in_loops() -> Program:
    """One sum gets a term from the loop and some from a loop inside it."""
    n = SIZE
    body = (
        Accumulate(value(0, 0), given_at(0, 1)),
        Loop(n, (Accumulate(value(0, 0, 0), given_at(n, 1, 1)),)),
    )
    return program(fill(0, 1), Loop(n, body), out(0, 1), outputs=1)


def convolved() -> Program:
    """s[i + j]: neither one place nor all distinct."""
    n = SIZE
    body = Accumulate(value(0, 1, 1), given_at(0, 1, 1))
    return program(fill(0, 2 * n), Loop(n, (Loop(n, (body,)),)), out(0, 2 * n), outputs=2 * n)


def gathered() -> Program:
    """Two tables say which places get terms; several hits on one."""
    n = SIZE
    table = [random.Random(1).randrange(7) for _ in range(2 * n)]
    body = (
        Accumulate(value(0, 0, lookup=Lookup(0, (1,))), given_at(0, 1)),
        Accumulate(value(2, 0, lookup=Lookup(n, (1,))), given_at(n, 1)),
    )
    return program(fill(0, 9), Loop(n, body), out(0, 9), outputs=9, index=table)


def gathered_once() -> Program:
    """A table of places that are all distinct: one array operation."""
    n = SIZE
    table = random.Random(2).sample(range(n), n)
    body = (Accumulate(value(0, 0, lookup=Lookup(0, (1,))), given_at(0, 1)),)
    return program(fill(0, n), Loop(n, body), out(0, n), outputs=n, index=table)


def recurrence() -> Program:
    """s[i-1] += s[i]*x[i], backwards: each sum needs the one behind it."""
    n = SIZE
    body = (
        mul(value(100, 1), value(n, -1), given_at(0, 1)),
        Accumulate(value(n - 1, -1), value(100, 1)),
        Accumulate(value(200, 0), value(100, 1)),
    )
    starts = Assign(value(200), None, (given_at(0),))
    outs = out(0, n + 1), out(200, 1, n + 1)
    return program(fill(0, n), Assign(value(n), None, (given_at(3),)), starts, Loop(n, body),
                   *outs, outputs=n + 2)  # fmt: skip


def running() -> Program:
    """s[i-1] += s[i], backwards: a chain of one statement."""
    n = SIZE
    start = Loop(n + 1, (Assign(value(0, 1), None, (given_at(0, 1),)),))
    body = (Accumulate(value(n - 1, -1), value(n, -1)),)
    return program(start, Loop(n, body), out(0, n + 1), outputs=n + 1)


def within() -> Program:
    """Sums that live in one iteration; a sum of sums; one in a loop inside."""
    n = SIZE
    body = (
        Assign(value(100, 3), None, (zero(0),)),
        Accumulate(value(100, 3), given_at(0, 1)),
        Assign(value(101, 3), None, (given_at(3, 1),)),
        Loop(9, (Accumulate(value(101, 3, 0), given_at(n, 1, 1)),)),
        Accumulate(value(101, 3), value(100, 3)),
        mul(value(102, 3), value(101, 3), value(100, 3)),
        Accumulate(value(0, 0), value(102, 3)),
        Assign(Address(OUTPUT, 1, (1,)), None, (value(102, 3),)),
    )
    return program(fill(0, 1), Loop(n, body), out(0, 1), outputs=n + 1)


def handed_on(count: int = SIZE) -> Program:
    """A sum starts in one iteration, goes on in the next and is read in the third."""
    body = (
        Assign(value(2, 1), None, (zero(0),)),
        Accumulate(value(2, 1), given_at(0, 0)),
        Accumulate(value(1, 1), given_at(1, 0)),
        mul(value(count + 9, 1), value(0, 1), given_at(2, 0)),
        Accumulate(value(1, 1), value(count + 9, 1)),
    )
    last = Assign(Address(OUTPUT, 0), None, (value(count),))
    values = 2 * count + 20
    return from_array([fill(0, 2), Loop(count, body), last], values, [0.0], [], 4 * SIZE, 1)


def rows_handed_on(count: int = 9) -> Program:
    """The same with rows of sums, each added to as a whole, and some of them again and again."""
    m = SIZE
    body = (
        Loop(m, (Assign(value(2 * m, m, 1), None, (zero(0, 0),)),)),
        Loop(m, (Accumulate(value(2 * m, m, 1), given_at(0, 0, 1)),)),
        Loop(m, (Accumulate(value(m, m, 0), given_at(0, 0, 1)),)),
        Loop(m, (Accumulate(value(m, m, 1), value(0, m, 1)),)),
        Loop(m, (Accumulate(value(m + 3, m, 0), value(0, m, 1)),)),
    )
    statements = fill(0, 2 * m), Loop(count, body), out(count * m, m)
    return from_array(statements, (count + 3) * m, [0.0], [], 4 * SIZE, m)


def in_outputs() -> Program:
    """Results can be sums."""
    n = SIZE
    body = (
        Assign(Address(OUTPUT, 1, (1,)), None, (given_at(0, 1),)),
        Accumulate(Address(OUTPUT, 1, (1,)), given_at(n, 1)),
        Accumulate(Address(OUTPUT, 0, (0,)), given_at(n, 1)),
    )
    start = Assign(Address(OUTPUT, 0), None, (given_at(2),))
    return program(start, Loop(n, body), outputs=n + 1)


def seldom() -> Program:
    """Loops of no and of one round, and a nest with one of them."""
    n = SIZE
    none = Loop(0, (Accumulate(value(0, 1), given_at(0, 1)),))
    once = Loop(1, (Accumulate(value(0, 1), given_at(0, 1)),))
    nest = Loop(n, (Loop(1, (Accumulate(value(0, 1, 1), given_at(0, 1, 5)),)),))
    return program(fill(0, n), none, once, nest, out(0, n), outputs=n)


def wide() -> Program:
    """Many sums, each of which gets a term again and again."""
    return product_adjoints(12, 2 * SIZE)


NESTS: list[Callable[[], Program]] = [
    backwards, neighbours, three_each, product_adjoints, one_place, interleaved_in_loops,
    convolved, gathered, gathered_once, recurrence, running, within, handed_on, rows_handed_on,
    in_outputs, seldom, wide,
]  # fmt: skip
ARRAYS = {
    backwards: {Together}, neighbours: {Together}, three_each: {Together},
    product_adjoints: {Together, Added}, one_place: {Together, Added}, convolved: {Together, Added},
    gathered: {Together, Added}, gathered_once: {Together}, running: {Together, Accumulated},
    wide: {Together, Added},
}  # fmt: skip


@pytest.mark.parametrize("nest", NESTS)
def test_nests_give_the_bits_of_one_accumulation_after_the_other(
    nest: Callable[[], Program],
) -> None:
    found = checked(nest())
    for seed in range(3):
        inputs = numbers(seed)
        expected = bits(walk(found, inputs))
        assert bits(walked(found, inputs, MANY)[0]) == expected
        assert bits(interpret(found, np.array(inputs))) == expected
        for way in EVERY_WAY:
            assert bits(Interpreter(found, *way)(np.array(inputs))) == expected


@pytest.mark.parametrize("nest", ARRAYS)
def test_sums_are_array_operations_where_they_can_be(nest: Callable[[], Program]) -> None:
    ready = Interpreter(nest(), few=2, machines=False)
    kinds = {type(each) for each in ready.names.values()} & {Together, Added, Accumulated}
    assert kinds == ARRAYS[nest]
    assert not [line for line in ready.source.splitlines() if " for " in line]


def test_a_recurrence_of_sums_stays_in_order() -> None:
    ready = Interpreter(recurrence(), few=2, machines=False)
    assert any(" for " in line for line in ready.source.splitlines())


@given(seed=st.integers(0, 10**9), near=st.booleans(), row=st.sampled_from([1, 3, 64]))
def test_random_sums_give_the_bits_of_a_walk(seed: int, near: bool, row: int) -> None:
    found = summing(seed, near)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrays, "ROW", row)
        ready = [Interpreter(found, *way) for way in EVERY_WAY]
    for inputs in (GIVEN, numbers(seed, 7)):
        try:
            expected = bits(walk(found, inputs))
        except PathChanged:
            for interpreter in ready:
                with pytest.raises(PathChanged):
                    interpreter(np.array(inputs))
        else:
            assert bits(walked(found, inputs, MANY)[0]) == expected
            for interpreter in ready:
                assert bits(interpreter(np.array(inputs))) == expected


@given(seed=st.integers(0, 10**9))
def test_random_sums_in_while_loops_give_the_bits_of_a_walk(seed: int) -> None:
    found = summing(seed, near=True, whiles=True)
    expected = bits(walk(found, GIVEN))
    assert bits(walked(found, GIVEN, MANY)[0]) == expected
    for way in EVERY_WAY:
        assert bits(Interpreter(found, *way)(np.array(GIVEN))) == expected


def test_the_random_programs_have_sums_of_every_kind() -> None:
    seen = set()
    for seed in range(150):
        found = summing(seed, near=bool(seed % 2))
        seen.add(min(accumulations(found.statements), 3))
        for way in EVERY_WAY:
            ready = Interpreter(found, *way)
            kept = ready.buffer.kept
            seen |= {type(each) for each in ready.names.values()}
            for site in kept.layout.sites:
                if isinstance(site.statement, Accumulate):
                    home = kept.homes.get(site)
                    seen.add("register" if not home else "window" if home.window else "array")
    assert seen >= {0, 1, 2, 3, Added, "register", "window", "array"}


# --- what they take -------------------------------------------------------------------------------


def test_a_sum_within_an_iteration_is_a_register() -> None:
    ready = Interpreter(within(), budget=NONE)
    assert ready.buffer.kept.size == 1
    assert bits(ready(np.array(numbers()))) == bits(walk(within(), numbers()))


@pytest.mark.parametrize("count", [SIZE, 10**6])
def test_sums_that_are_handed_on_live_in_a_window(count: int) -> None:
    assert Interpreter(handed_on(count), budget=NONE).buffer.kept.size < 10


def test_array_operations_add_within_a_window() -> None:
    found = rows_handed_on(100)
    ready = Interpreter(found, budget=5 * SIZE, few=2, machines=False)
    assert [array.window for array in ready.buffer.kept.arrays] == [True]
    assert {Together, Added} <= {type(each) for each in ready.names.values()}
    assert bits(ready(np.array(numbers()))) == bits(walk(found, numbers()))


def test_a_sum_of_a_while_loop_lives_in_its_memory() -> None:
    def own(base: int) -> Address:
        return Address("w", base, (3,))

    one = Address(CONSTANT, 1, (0,))
    loop = While(
        "w",
        (Assign(own(0), None, (given_at(0, 0),)),),
        (Assign(own(1), primitives.greater, (own(0), one)),), own(1),
        (
            Assign(own(3), None, (zero(0),)),
            Accumulate(own(3), own(0)),
            Assign(own(2), None, (one,)),
            Loop(4, (Accumulate(Address("w", 3, (3, 0)), Address(INPUT, 1, (0, 1))),)),
            Accumulate(value(0, 0), own(2)),
        ),
        (Assign(value(1, 0), None, (own(0),)),),
    )  # fmt: skip
    found = checked(from_array([fill(0, 1), loop, out(0, 2)], 2, [0.0, 1.0], [], 9, 2))
    inputs = [9.0, -0.5, -0.25, -0.125, -1.0, *[0.0] * 4]
    assert walk(found, inputs) == [5.0, -0.375]
    for way in EVERY_WAY:
        assert Interpreter(found, *way)(np.array(inputs)).tolist() == [5.0, -0.375]


# --- what is no sum -------------------------------------------------------------------------------


@pytest.mark.parametrize("around", [(), (5,)])
def test_a_sum_that_nothing_starts_is_refused(around: tuple[int, ...]) -> None:
    still = (0,) * len(around)
    adds: Statement = Accumulate(value(5, *still), given_at(0, *still))
    for count in around:
        adds = Loop(count, (adds,))
    found = program(adds, Assign(Address(OUTPUT, 0), None, (value(5),)), outputs=1)
    with pytest.raises(ProgramError, match=r"Nothing is assigned to value\[5\]"):
        interpret(found, np.array(numbers()))
    with pytest.raises(LookupError):
        walked(found, numbers(), MANY)


def test_nan_and_infinity_are_summed_as_they_are() -> None:
    inputs = numbers()
    inputs[3], inputs[SIZE + 2], inputs[7] = math.inf, -math.inf, -0.0
    for nest in NESTS:
        found = nest()
        for way in EVERY_WAY:
            assert bits(Interpreter(found, *way)(np.array(inputs))) == bits(walk(found, inputs))
