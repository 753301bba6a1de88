import math
import random
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from code_of_programs import For, Place, Step, code, function_of
from hypothesis import example as hypothesis_example
from hypothesis import given, settings
from hypothesis import strategies as st

import wengert as wg
from scenarios import rosenbrock
from wengert import primitives
from wengert.program import fold as folding
from wengert.program import moves, shapes, stretch
from wengert.program.address import OUTPUT, VALUE, Address, Lookup
from wengert.program.program import Program
from wengert.program.record import record
from wengert.program.roll import is_scattered, roll
from wengert.program.shapes import BETTER
from wengert.program.statements import Assign, Loop, Operation, Run, Statement, reads
from wengert.program.structure import ARRAY, Structure
from wengert.value import engine

Tree = Any


def plainly_rolled(program: Program) -> Program:
    """What `roll` gives without the native twins."""
    with (
        patch("wengert.program.irregular.fold", folding.fold_plain),
        patch("wengert.program.stretch.kinds_of", stretch.kinds_of_plain),
        patch("wengert.program.stretch.hashes_of", stretch.hashes_of_plain),
        patch("wengert.program.nest.strides_of", moves.strides_plain),
        patch("wengert.program.group.strides_of", moves.strides_plain),
        patch("wengert.program.group.moves_of", moves.moves_plain),
        patch("wengert.program.shapes.ordered", shapes.ordered_plain),
        patch("wengert.program.group.columns_of", shapes.columns_plain),
        patch("wengert.program.irregular.changes_of", stretch.changes_plain),
    ):
        return roll(program)


def times(program: Program) -> dict[int, int]:
    """When each place of the value memory is written, checking that what is read has been."""
    done: dict[int, int] = {}

    def at(address: Address, counters: list[int]) -> int:
        place = address.at(counters, program.index)
        assert 0 <= place < program.sizes[address.memory]
        return place

    def go(statements: tuple[Statement, ...], counters: list[int]) -> None:
        for statement in statements:
            if isinstance(statement, Loop):
                for k in range(statement.count):
                    go(statement.body, [*counters, k])
            elif isinstance(statement, Run):
                go(tuple(statement), counters)
            else:
                for address in reads(statement):
                    if at(address, counters) not in done:
                        assert address.memory != VALUE
                place = at(statement.target, counters)
                if statement.target.memory == VALUE:
                    assert place not in done
                    done[place] = len(done)

    go(program.statements, [])
    return done


def checked(program: Program) -> Program:
    """The program rolled, which means the same and can be carried out in order."""
    rolled = roll(program)
    assert rolled.expand().statements == program.expand().statements
    assert len(times(rolled)) == program.values
    if engine == "native":
        assert plainly_rolled(program) == rolled
    return rolled


def rolled(function: Callable[..., Any], *example: Any) -> Program:
    program = record(function, *example, passes=())
    rolled = checked(program)
    assert rolled.size <= program.size
    return rolled


def flat(
    ops: list[tuple[str, tuple[int, ...]]], inputs: int = 0, constants: int = 0, outputs: int = 0
) -> Program:
    """A program of operations by name and coded addresses."""
    rows = {name: Operation(primitives.TABLE[name]) for name, _ in ops}
    numbers = {name: k for k, name in enumerate(rows)}
    operands = np.array([code for _, codes in ops for code in codes], np.int64)
    run = Run(
        0, tuple(rows.values()), np.array([numbers[name] for name, _ in ops], np.int32), operands
    )
    moves = Run(
        0, (Operation(None),), np.zeros(outputs, np.int32), np.arange(outputs), outputs=True
    )
    return Program(
        (run,) * bool(ops) + (moves,) * bool(outputs), len(ops), np.zeros(constants),
        np.zeros(0, np.int64), Structure(ARRAY, (inputs,)), Structure(ARRAY, (outputs,)),
    )  # fmt: skip


def value(place: int) -> int:
    return place


def argument(place: int) -> int:
    return 1 << 56 | place


# --- known programs -------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [10, 100, 1000])
def test_the_size_does_not_depend_on_the_count(n: int) -> None:
    assert rolled(rosenbrock, np.ones(n)).size == 18


def matrix_times_vector(a: Tree, x: Tree) -> Tree:
    return [sum(p * q for p, q in zip(row, x, strict=True)) for row in a]


def test_nested_loops_and_outputs() -> None:
    program = rolled(matrix_times_vector, np.ones((12, 9)), np.ones(9))
    assert program.size == 8
    (outer, moves) = program.statements
    assert isinstance(outer, Loop)
    assert isinstance(moves, Loop)
    assert outer.count == moves.count == 12
    (move,) = moves.body
    assert move == Assign(Address(OUTPUT, 0, (1,)), None, (Address(VALUE, 17, (18,)),))


def runge_kutta(x: Tree, y: Tree, a: Tree) -> Tree:
    def slope(x: Tree, y: Tree) -> Tree:
        return x * (a - y), y * (x - a)

    h = 0.01
    for _ in range(50):
        k1, l1 = slope(x, y)
        k2, l2 = slope(x + k1 * (h / 2), y + l1 * (h / 2))
        k3, l3 = slope(x + k2 * h, y + l2 * h)
        x, y = x + (k1 + k2 * 2.0 + k3) * h, y + (l1 + l2 * 2.0 + l3) * h
    return x, y


def test_a_carried_loop_has_its_first_step_before_it() -> None:
    program = rolled(runge_kutta, 1.0, 2.0, 0.5)
    assert program.size <= 70
    assert max(s.count for s in program.statements if isinstance(s, Loop)) == 49


def heat(u: Tree) -> Tree:
    u = list(u)
    for _ in range(30):
        inner = [u[i] + 0.1 * (u[i - 1] - 2.0 * u[i] + u[i + 1]) for i in range(1, len(u) - 1)]
        u = [u[0], *inner, u[-1]]
    return u


def test_boundaries_are_peeled() -> None:
    assert rolled(heat, np.ones(20)).size <= 45


def gathered(x: Tree) -> Tree:
    generator = random.Random(0)
    total = x[0]
    for _ in range(500):
        i, j = generator.randrange(len(x)), generator.randrange(len(x))
        total = total + wg.exp(x[i] * x[j])
    return total


def test_irregular_inputs_are_looked_up() -> None:
    program = rolled(gathered, np.ones(50))
    assert program.size <= 8
    assert len(program.index) == 998
    assert any("index tables" in detail for detail in program.history[-1].details)


def shared_tables(x: Tree) -> Tree:
    generator = random.Random(0)
    total = x[0]
    for _ in range(500):
        i = generator.randrange(40)
        total = total + wg.exp(x[i] * x[i + 3]) * x[i + 7]
    return total


def test_equal_tables_are_shared() -> None:
    assert len(rolled(shared_tables, np.ones(50)).index) <= 500


def ragged(x: Tree) -> Tree:
    generator = random.Random(1)
    results = []
    for _ in range(300):
        total = 0.0
        for _ in range(generator.randint(1, 9)):
            total = total + generator.random() * x[generator.randrange(len(x))]
        results.append(wg.tanh(total))
    return results


def test_ragged_rows_are_grouped() -> None:
    program = rolled(ragged, np.ones(40))
    assert program.size <= 20
    assert any("grouped by shape" in detail for detail in program.history[-1].details)


def cholesky(a: Tree) -> Tree:
    n = len(a)
    low: Tree = [[0.0] * n for _ in range(n)]
    for i in range(n):
        for j in range(i + 1):
            s = a[i][j]
            for k in range(j):
                s = s - low[i][k] * low[j][k]
            low[i][j] = wg.sqrt(s) if i == j else s / low[j][j]
    return low[n - 1]


def test_triangular_nests_are_grouped() -> None:
    n = 16
    program = rolled(cholesky, np.eye(n) + 1.0)
    assert program.size <= 10 * n


def branches(x: Tree) -> Tree:
    total = 0.0
    for number in x:
        total = total + (wg.exp(number) if number < 0.0 else number * 3.0)
    return total


def test_a_branch_for_each_element() -> None:
    x = np.random.default_rng(0).normal(size=500)
    assert rolled(branches, x).size <= 20


def pairs(p: Tree, v: Tree) -> Tree:
    p, v = list(p), list(v)
    for _ in range(20):
        for i in range(len(p)):
            for j in range(i + 1, len(p)):
                force = 0.1 / ((p[i] - p[j]) * (p[i] - p[j]) + 0.01)
                v[i] = v[i] - force
                v[j] = v[j] + force
        p = [x + w * 0.01 for x, w in zip(p, v, strict=True)]
    return p


def test_irregular_bodies_of_loops() -> None:
    program = rolled(pairs, np.arange(9.0), np.zeros(9))
    assert program.size <= 100


def test_labels_and_lines_are_those_of_the_first_time() -> None:
    def function(x: Tree) -> Tree:
        total = x[0]
        for k in range(1, len(x)):
            total = total + x[k]
            total.label = f"total_{k}"
        return total

    # The first sum reads two inputs, so it is another statement.
    (first, loop, _) = rolled(function, np.ones(30)).statements
    assert isinstance(first, Assign)
    assert isinstance(loop, Loop)
    (again,) = loop.body
    assert isinstance(again, Assign)
    assert (first.label, again.label) == ("total_1", "total_2")
    assert __file__.split("/")[-1] in first.source
    assert first.source == again.source


# --- hostile and odd programs ---------------------------------------------------------------------


def test_the_empty_program() -> None:
    assert checked(flat([])).history[-1].details == ("nothing repeats",)


def test_only_moves() -> None:
    program = rolled(lambda x: [x[0], *x], np.ones(100))
    assert program.size == 3
    assert rolled(lambda x: list(x[:2]), np.ones(5)).size == 2


def test_operations_of_too_many_operands_stay_flat() -> None:
    program = flat([("add", (argument(0),) * 2)] * 100, inputs=1)
    with patch("wengert.program.roll.MOST_READS", 1):
        assert roll(program) == program


def fibonacci_word(n: int) -> str:
    a, b = "a", "ab"
    while len(b) < n:
        a, b = b, b + a
    return b[:n]


WORDS = {
    "fibonacci": [{"a": "sin", "b": "cos"}[c] for c in fibonacci_word(3000)],
    "thue-morse": [("sin", "cos")[k.bit_count() % 2] for k in range(3000)],
    "one operation": ["sin"] * 3000,
    "lengthening": [name for k in range(70) for name in ["sin"] * k + ["cos"]],
    "nearly periodic": ["exp" if k % 97 == k // 97 else ("sin", "cos")[k % 2] for k in range(3000)],
}


@pytest.mark.parametrize("name", WORDS)
@pytest.mark.parametrize("reads", ["chained", "random"])
def test_words(name: str, reads: str) -> None:
    generator = random.Random(2)
    ops = []
    for k, op in enumerate(WORDS[name]):
        place = generator.randrange(k) if reads == "random" and k else k - 1
        ops.append((op, (value(place) if k else argument(0),)))
    checked(flat(ops, inputs=1, outputs=1))


def test_periods_of_all_lengths() -> None:
    names = ("sin", "cos", "exp", "neg")
    generator = random.Random(3)
    ops: list[tuple[str, tuple[int, ...]]] = []
    for length in range(1, 40):
        block = [generator.choice(names) for _ in range(length)]
        ops += [(name, (argument(0),)) for name in block * 3]
    program = checked(flat(ops, inputs=1))
    assert program.size < len(ops) / 2


def test_short_loops_in_large_irregular_programs_stay_flat() -> None:
    generator = random.Random(5)
    names = ["sin", "cos", "exp", "neg"]
    ops = [(generator.choice(names), (value(k - 1) if k else argument(0),)) for k in range(15_000)]
    details = roll(flat(ops, inputs=1)).history[-1].details
    assert details[0] == "nothing repeats"
    assert details[1].endswith("short loops stay flat")


def test_random_operations() -> None:
    generator = random.Random(4)
    ops = []
    for k in range(5000):
        name = generator.choice(["add", "mul", "sub", "div"])
        ops.append((name, (argument(generator.randrange(9)), value(k - 1) if k else argument(0))))
    program = checked(flat(ops, inputs=9))
    assert program.size > 4000


def test_a_period_of_two_equal_halves_of_operations() -> None:
    def function(x: Tree, y: Tree) -> Tree:
        total = []
        for k in range(20):
            total += [wg.sin(x[k]), wg.sin(y[3 * k])]
        return total

    program = rolled(function, np.ones(20), np.ones(60))
    assert program.size <= 6


def test_what_loops_already_stays() -> None:
    once = rolled(rosenbrock, np.ones(50))
    twice = roll(once)
    assert twice == once
    assert twice.expand().statements == once.expand().statements


@pytest.mark.skipif(engine == "plain", reason="it is about the native engine")
def test_the_native_twins_refuse_what_does_not_fit() -> None:
    from wengert import _native

    ids, long = np.zeros(3, np.int32), np.arange(4)
    with pytest.raises(ValueError, match="as many hashes as items"):
        _native.fold(ids, np.zeros(2, np.uint64), 1)
    with pytest.raises(ValueError, match="below kinds"):
        _native.fold(ids + 1, np.zeros(3, np.uint64), 1)
    for offsets in (long + 1, -long, long[::2], np.array([0, 17, 18, 19])):
        with pytest.raises(ValueError, match="do not fit together"):
            _native.kinds_of(ids, np.zeros(3, np.int64), np.ascontiguousarray(offsets))
    with pytest.raises(ValueError, match="weights for every kind"):
        _native.hashes_of(ids + 1, np.zeros(3, np.int64), long, np.zeros((1, 16), np.uint64))
    for around in (((3, 2),), ((2, 0),), ((10**18, 10**18),)):
        with pytest.raises(ValueError, match="lead out of the columns"):
            _native.strides_of(ids, np.zeros(3, np.int64), long, 0, around)
        with pytest.raises(ValueError, match="lead out of the columns"):
            _native.moves_of(ids, np.zeros(3, np.int64), long, 0, 1, 0, around)
    for low, high, start in ((0, 0, 0), (0, 4, 0), (-1, 2, 0), (2, 1, 0)):
        with pytest.raises(ValueError, match="lead out of the columns"):
            _native.moves_of(ids, np.zeros(3, np.int64), long, low, high, start, ())
    with pytest.raises(ValueError, match="do not fit together"):
        _native.moves_of(ids, np.zeros(3, np.int64), long, 0, 1, -1, ())
    uneven = np.array([0, 3, 3, 3])  # items of one kind that read different numbers of operands
    assert _native.moves_of(ids, np.zeros(3, np.int64), uneven, 0, 1, 0, ((3, 1),)) == b""
    for items in ([-1], [3], [0, 10**18]):
        with pytest.raises(ValueError, match="do not fit together"):
            _native.changes_of(ids, np.zeros(3, np.int64), long, np.array(items), 1)
    with pytest.raises(ValueError, match="do not fit together"):
        _native.changes_of(ids + 1, np.zeros(3, np.int64), long, np.arange(3), 1)


@pytest.mark.parametrize("kinds", [1, 2, 3])
@pytest.mark.parametrize("moves", [1, 5])
def test_both_twins_fold_alike(kinds: int, moves: int) -> None:
    """Of words with hashes that are regular here and there, down to each start and body."""
    generator = random.Random(kinds)
    for size in [*range(1, 120), 700, 1500, 4000]:
        longest = 9 if size < 120 else size // 2
        word = [generator.randrange(kinds) for _ in range(generator.randrange(1, longest))]
        ids = np.array((word * size)[:size], np.int64)
        for _ in range(generator.randrange(4)):
            ids[generator.randrange(size)] = generator.randrange(kinds)
        hashes = np.array([k * (generator.randrange(moves) == 0) for k in range(size)], np.uint64)
        one, other = folding.fold(ids, hashes, kinds), folding.fold_plain(ids, hashes, kinds)
        assert one.ids.tolist() == other.ids.tolist()
        assert one.starts.tolist() == other.starts.tolist()
        assert [(n, b.tolist()) for n, b in one.loops] == [(n, b.tolist()) for n, b in other.loops]


@pytest.mark.parametrize("length", [20, 90, 300, 1000, 3000])
def test_long_words_are_found(length: int) -> None:
    """Of two kinds in no order, whose addresses move alike from round to round alone."""
    generator = np.random.default_rng(length)
    word = generator.integers(0, 2, length)
    starts, strides = generator.integers(0, 1 << 40, (2, length)).astype(np.uint64)
    rounds = np.repeat(np.arange(5, dtype=np.uint64), length)
    hashes = np.tile(starts, 5) + rounds * np.tile(strides, 5)
    for each in (folding.fold, folding.fold_plain):
        found = each(np.tile(word, 5), hashes, 2)
        assert len(found.ids) == 1
        assert [(count, body.tolist()) for count, body in found.loops] == [(5, word.tolist())]


def test_both_twins_see_the_same_moves() -> None:
    """Of items that loops move alike, or each in its own way, or into each other."""
    generator = np.random.default_rng(5)
    seen = {"numbers": 0, "nothing": 0, "none": 0}
    for _ in range(400):
        counts = generator.integers(2, 4, generator.integers(0, 3)).tolist()
        size = int(generator.integers(1, 6))
        steps = [size * int(np.prod(counts[k + 1 :])) for k in range(len(counts))]
        around = tuple(zip(counts, steps, strict=True))
        length = size * int(np.prod(counts))
        ids = np.tile(generator.integers(0, 2, size), length // size).astype(np.int32)
        reads = np.tile(generator.integers(0, 4, size), length // size)
        offsets = np.concatenate([[0], np.cumsum(reads)])
        operands = np.repeat(np.arange(length), reads) - generator.integers(1, 9, reads.sum())
        operands = np.where(operands < 0, 1 << 56 | 7, operands)
        steady = generator.random() < 0.7
        for slot in range(3 * steady):  # mostly as in the first round, moved
            for item in range(length):
                if slot < reads[item % size] and generator.random() < 0.98:
                    first = operands[offsets[item % size] + slot]
                    operands[offsets[item] + slot] = first + (item - item % size)
        if generator.random() < 0.1:
            ids[-1] ^= 1
        given = ids, operands, offsets, 0, size, 0, around
        one, other = moves.moves_of(*given), moves.moves_plain(*given)
        assert (one is None) == (other is None)
        if one is None or other is None:
            seen["none"] += 1
        else:
            assert one.tolist() == other.tolist()
            seen["numbers" if len(one) else "nothing"] += 1
    assert min(seen.values()) > 20


def test_both_twins_see_the_same_changes() -> None:
    generator = np.random.default_rng(4)
    operands = generator.integers(0, 9, 60)
    operands[::2] = 7 * np.arange(30)
    offsets, ids = np.arange(0, 61, 2), np.arange(30, dtype=np.int32) % 2
    items = np.arange(30)
    changes = stretch.changes_of(ids, operands, offsets, items, 2)
    assert changes.tolist() == stretch.changes_plain(ids, operands, offsets, items, 2).tolist()
    assert changes[:, 0].tolist() == [0, 0]


def test_equal_hashes_are_no_proof() -> None:
    """Where hashes say nothing, what looks like a loop is looked up in tables instead."""
    program = record(gathered, np.ones(50), passes=())
    with patch.object(
        stretch.Stretch, "hashes", lambda self, free=None: np.zeros(len(self), np.uint64)
    ):
        assert roll(program).expand().statements == program.expand().statements


@pytest.mark.parametrize("count", [20, 30])
def test_what_is_no_loop_stays_flat(count: int) -> None:
    """As if two hashes had been equal by chance: first in one place, then in the whole length."""
    names = ["sin", "cos"] * 20 + ["exp", "neg"] * 10
    program = flat([(name, (argument(0),)) for name in names], inputs=1)
    wrong = folding.Folded(np.array([4]), np.array([0]), [(count, np.array([0, 1]))])
    with patch("wengert.program.irregular.fold", lambda *args: wrong):
        unlucky = roll(program)
    assert any("by chance" in detail for detail in unlucky.history[-1].details)
    assert unlucky == program


# --- random programs ------------------------------------------------------------------------------

example = np.array([math.sin(7.0 * k) for k in range(14)])


@settings(max_examples=150, deadline=None)
@given(code(3))
def test_random_code(body: Tree) -> None:
    program = record(function_of(body), example, passes=())
    if len(program) < 3000:
        checked(program)


def place(array: int, base: int, *strides: int, scattered: bool = False) -> Place:
    return Place(array, base, (*strides, 0, 0, 0)[:3], scattered)


# A loop with an operand that is looked up, and is another of its own results for one turn only.
own_result_once = (
    Step("sub", place(0, 0), place(1, 0), 1.0),
    For(
        2,
        (
            For(
                6,
                (
                    Step("add", place(0, 0), 0, 0),
                    Step("add", 0, place(0, 0), place(1, 2, 0, 1, scattered=True)),
                    Step("mix", place(1, 0, 2), 0, 0),
                ),
            ),
        ),
    ),
)


@settings(max_examples=150, deadline=None)
@given(code(3), st.sampled_from([0, 10**9]))
@hypothesis_example(own_result_once, 0)
def test_random_code_with_all_that_is_meant_for_large_programs(body: Tree, least: int) -> None:
    program = record(function_of(body), example, passes=())
    if len(program) < 1000:
        with (
            patch("wengert.program.shapes.SMALL", 0),
            patch("wengert.program.shapes.WORTH", 10**9),
            patch("wengert.program.irregular.LONG", 64),
            patch("wengert.program.irregular.BETTER", 1),
            patch(
                "wengert.program.group.is_poor", lambda statements, operations: statements > least
            ),
            patch("wengert.program.group.BETTER", 0.5),
            patch("wengert.program.group.BARRIER", 10),
            patch("wengert.program.group.LARGE", 40),
            patch("wengert.program.group.ROW", 10),
            patch("wengert.program.group.DEAR", 3),
            patch("wengert.program.group.RATIO", 2),
        ):
            checked(program)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 6), st.integers(1, 5)), max_size=6), st.randoms())
def test_random_repetitions(blocks: list[tuple[int, int]], generator: random.Random) -> None:
    names = ("sin", "add", "neg")
    ops: list[tuple[str, tuple[int, ...]]] = []
    for length, count in blocks:
        block = [
            (generator.choice(names), generator.randrange(4), generator.randrange(-1, 3))
            for _ in range(length)
        ]
        for k in range(count):
            for name, base, stride in block:
                codes = tuple(
                    argument(base + stride * k + 8) if len(ops) < 3 else value(len(ops) - 1 - slot)
                    for slot in range(1 + (name == "add"))
                )
                ops.append((name, codes))
    checked(flat(ops, inputs=40))


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=24), st.integers(1, 4))
def test_addresses_of_tables(numbers: list[int], rows: int) -> None:
    from wengert.program.nest import Tables

    grid = np.array(numbers * rows).reshape(rows, -1) + 1000
    tables = Tables(np.arange(5))
    address = tables.address(VALUE, grid)
    assert (address.all(grid.shape, tables.index) == grid).all()
    if address.lookup:
        assert isinstance(address.lookup, Lookup)
        assert len(tables.index) - 5 <= len(numbers)


def smoothed(u: Any, steps: int) -> Any:
    for _ in range(steps):
        inside = [0.25 * (a + 2.0 * b + c) for a, b, c in zip(u, u[1:], u[2:], strict=False)]
        u = [u[0], *inside, u[-1]]
    return u


@pytest.mark.parametrize("size", [(12, 6), (30, 9), (60, 40)])
def test_inner_loops_come_before_outer_ones(size: tuple[int, int]) -> None:
    """The ends of a row are of kinds of their own, and so repeat at once over whole rows."""
    n, steps = size
    flat = record(lambda u: smoothed(u, steps), np.linspace(0.0, 1.0, n), passes=())
    rolled = roll(flat)
    assert rolled.size == 19
    assert rolled.expand() == flat


# --- where loops are not worth it -----------------------------------------------------------------


def drawn(size: int, rows: int, near: int) -> Program:
    """A random program of some operations, none of which repeats in order."""
    rng = random.Random(size)
    chosen = [wg.sin, wg.cos, wg.exp, wg.atan, wg.erf, wg.tanh][:rows]
    plan = [
        (rng.randrange(rows), -1 - rng.randrange(near), -1 - rng.randrange(near))
        for _ in range(size)
    ]

    def function(*x: Any) -> Any:
        values = list(x)
        for row, one, other in plan:
            values.append(chosen[row](values[one]) * values[other])
        return values[-1]

    return record(function, *np.linspace(0.1, 0.9, near).tolist(), passes=())


def test_groups_of_few_items_are_no_gain() -> None:
    scattered = roll(drawn(2000, 4, 300))
    assert scattered.size < len(scattered) / BETTER
    assert is_scattered(scattered)
    assert is_scattered(roll(drawn(200, 2, 8)))  # hardly any loops


def test_loops_are_a_gain_where_they_are_few_or_long() -> None:
    assert not is_scattered(roll(drawn(40, 2, 8)))  # small, whatever it is
    assert not is_scattered(roll(drawn(20_000, 1, 5000)))  # long groups
    long = record(lambda x: rosenbrock(x), np.ones(2000), passes=())
    assert not is_scattered(roll(long))
    smooth = record(lambda u: smoothed(u, 40), np.ones(60), passes=())
    assert not is_scattered(roll(smooth))
