"""Passes for a single call: rounds that go through loops together, and values that stand apart."""

from itertools import pairwise

import numpy as np
import pytest
from evaluate import bits
from hypothesis import given, settings
from hypothesis import strategies as st
from nests import nest
from sums import summing

import wengert as wg
from scenarios import SCENARIOS
from wengert.program.address import INPUT, VALUE, Address
from wengert.program.dependence import Table, extent, layout
from wengert.program.invariants import checked
from wengert.program.statements import Loop, Run, walk
from wengert.program.storage import Storing, storage
from wengert.run import jam, kernel, llvm
from wengert.run.aligned import LARGE, LINE, Blocks, aligned
from wengert.run.dense import dense
from wengert.run.digits import Numbered, groups
from wengert.run.ends import with_ends_apart
from wengert.run.interpret import interpret
from wengert.run.jam import jammed
from wengert.run.short_loops import without_short_loops
from wengert.run.starts import with_late_starts

SCENARIO = pytest.mark.parametrize("name", SCENARIOS)
MAKERS = {
    "nest": lambda seed: nest(seed, near=True),
    "with whiles": lambda seed: nest(seed, near=True, whiles=True),
    "sums": lambda seed: summing(seed, near=seed % 2 == 0),
}


def network(w, v, xs):
    """The squares of what two layers make of each row, added up."""
    total = 0.0
    for x in xs:
        hidden = [wg.tanh(sum(a * b for a, b in zip(row, x, strict=True))) for row in w]
        outputs = [sum(a * b for a, b in zip(row, hidden, strict=True)) for row in v]
        total = total + sum(y * y for y in outputs)
    return total


def network_of(rows, inputs=21, hidden=12, outputs=10, seed=0):
    rng = np.random.default_rng(seed)
    sizes = (hidden, inputs), (outputs, hidden), (rows, inputs)
    args = tuple(0.3 * rng.standard_normal(size) for size in sizes)
    return wg.record(network, *args), args


def both(program):
    """A program and its gradient, as kernels of one example get them."""
    found = [program]
    if program.results.kind == "number":
        found.append(wg.grad(program, argnums=tuple(range(len(program.arguments.parts)))))
    return [with_late_starts(without_short_loops(each), in_any_order=True) for each in found]


def same(program, changed, rows):
    """Whether two programs give the same bits, or the same error."""
    keeps_rules(program, changed)
    for row in rows:
        assert bits(evaluated(changed, row)) == bits(evaluated(program, row))


def keeps_rules(program, changed):
    """A program that keeps the invariants stays one."""
    try:
        checked(program)
    except wg.ProgramError:  # a random one may read what a loop that never runs would write
        return
    checked(changed)


def evaluated(program, row):
    try:
        return interpret(program, row)
    except wg.PathChanged:
        return np.empty(0)


def close(program, changed, rows):
    """The same, but for the order in which sums are added to."""
    keeps_rules(program, changed)
    for row in rows:
        found, expected = evaluated(changed, row), evaluated(program, row)
        scale = np.abs(expected[np.isfinite(expected)]).max(initial=1e-300)
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12 * scale)


def examples(program, seed):
    rng = np.random.default_rng(seed)
    return rng.choice([0.0, 0.5, -1.5, 2.0, np.nan], (3, program.arguments.size))


def scenario(name):
    row = SCENARIOS[name]
    function, args = row.make(*row.small)
    program = wg.record(function, *args).simplify()
    return program, program.arguments.numbers(args)[None]


# --- values that stand apart ----------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("change", [with_ends_apart, dense])
def test_moved_values_of_random_programs(maker, change, seed):
    program = MAKERS[maker](seed)
    same(program, change(program), examples(program, seed))


@SCENARIO
def test_moved_values_of_scenarios(name):
    program, rows = scenario(name)
    for each in both(program):
        apart = with_ends_apart(each)
        same(each, apart, rows)
        same(each, dense(apart), rows)


def test_memory_does_not_grow_with_what_is_added_up():
    for inputs in (21, 42):
        program, args = network_of(8, inputs)
        program = both(program)[1]
        moved = dense(with_ends_apart(program))
        same(program, moved, program.arguments.numbers(args)[None])
        kept = storage(moved).size - 12 * inputs - 10 * 12  # without the derivatives themselves
        assert kept < 8 * 12 * 10 * 3
        assert storage(program).size > 8 * 12 * inputs


def test_an_end_that_is_not_all_that_is_read_stays():
    def partial_sums(x):
        sums = []
        total = 0.0
        for each in x:
            total = total + each * each
            sums.append(total)
        return sums[-1] * sums[5]

    program = wg.record(partial_sums, np.linspace(0.0, 1.0, 30))
    assert with_ends_apart(program) is program


@given(
    st.lists(st.tuples(st.integers(2, 5), st.integers(1, 3)), min_size=1, max_size=3),
    st.integers(0, 50), st.randoms(),
)  # fmt: skip
def test_digits_of_places(loops, first, random):
    """Of a nest of loops, each place has other digits, and a dense array holds them all."""
    strides, reach = [], 1
    for count, gap in loops:
        strides.append(reach * gap)
        reach = strides[-1] * count
    counts = tuple(count for count, _ in loops)
    order = random.sample(range(len(loops)), len(loops))
    mixed = tuple(strides[k] for k in order)
    sizes = tuple(counts[k] for k in order)
    down = [random.random() < 0.5 for _ in order]
    base = first + sum(s * (n - 1) for s, n, d in zip(mixed, sizes, down, strict=True) if d)
    signed = tuple(-s if d else s for s, d in zip(mixed, down, strict=True))
    address = Address(VALUE, base, signed)
    index = np.empty(0, np.int64)
    numbered = Numbered.of({(address, sizes)}, Table(index))
    assert numbered is not None
    assert numbered.size == np.prod(counts)
    start, dense_strides = numbered.moved(address, 0)
    places = Address(VALUE, start, dense_strides).all(sizes, index)
    assert sorted(places.ravel().tolist()) == list(range(numbered.size))


def test_places_whose_digits_would_mean_two_things_have_none():
    found = {(Address(VALUE, 0, (3, 2)), (4, 4))}  # 3·2 and 2·3 are one place
    assert Numbered.of(found, Table(np.empty(0, np.int64))) is None


def test_straight_stretches_and_what_they_touch_stay():
    def function(x):
        for _ in range(40):
            x = [wg.sin(x[0] * x[1]), wg.exp(x[1]) - x[0], *(a / b for a, b in pairwise(x))]
        return x

    program = wg.record(function, np.ones(9), passes=())
    assert any(isinstance(each, Run) for each in program.statements)
    assert not groups(Storing(program))
    assert dense(program) is program
    assert with_ends_apart(program) is program


# --- rounds that go through loops together --------------------------------------------------------


@pytest.fixture
def eager(monkeypatch):
    """However little is gained."""
    monkeypatch.setattr(jam, "LONG", 2)
    monkeypatch.setattr(jam, "WORTH", 4)


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("maker", MAKERS)
def test_jammed_random_programs(maker, seed):
    program = MAKERS[maker](seed)
    for each in (program, dense(with_ends_apart(program))):
        close(each, jammed(each), examples(program, seed))


@pytest.mark.usefixtures("eager")
@SCENARIO
def test_jammed_scenarios(name):
    program, rows = scenario(name)
    for each in both(program):
        close(each, jammed(dense(with_ends_apart(each))), rows)


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("rows", [2, 3, 5, 8, 11])
@pytest.mark.parametrize("hidden", [3, 12])
def test_rounds_that_are_left_over(rows, hidden):
    program, args = network_of(rows, hidden=hidden)
    for each in both(program):
        changed = jammed(each)
        assert changed is not each
        close(each, changed, program.arguments.numbers(args)[None])


def most_statements(program):
    """Of the innermost loops, the most statements in one."""
    found = {}
    for _, around in walk(program.statements):
        if around and not any(isinstance(each, Loop) for each in around[-1].body):
            found[around[-1]] = len(around[-1].body)
    return max(found.values())


def test_which_loops_are():
    program, _ = network_of(64, inputs=64)
    for each in both(program):
        assert most_statements(jammed(each)) >= 4 * most_statements(each)
    small, _ = network_of(4)
    assert jammed(small) is small  # not worth it

    def carried(x):
        for _ in range(50):
            x = [
                x[0],
                *(x[k] + 0.1 * (x[k - 1] - 2.0 * x[k] + x[k + 1]) for k in range(1, len(x) - 1)),
                x[-1],
            ]
        return x

    steps = wg.record(carried, np.linspace(0.0, 1.0, 300))
    assert jammed(steps) is steps  # each round waits for the one before


# --- arguments on lines ---------------------------------------------------------------------------


def test_large_arguments_begin_where_a_line_does():
    def function(a, x, b, y):
        return sum(p * q for p, q in zip(x, y, strict=True)) + a * b[0] + b[2]

    args = 2.0, np.arange(100.0), np.arange(3.0), np.arange(100.0) + 1.0
    program = wg.record(function, *args)
    changed, blocks = aligned(program)
    checked(changed)
    numbers = program.arguments.numbers(args)
    memory = np.full(blocks.room, np.nan)
    blocks.put(numbers, memory)
    assert bits(interpret(changed, memory)) == bits(interpret(program, numbers))
    for site in layout(changed).sites:
        for address in site.reads:
            if address.memory == INPUT and len(site.counts):
                low = extent(address, site.counts, Table(changed.index)).low
                assert low % LINE <= 1  # the first round is often apart


@pytest.mark.skipif(not llvm.is_there(), reason="llvmlite is not installed")
@pytest.mark.parametrize("short", [True, False])
def test_calls_with_arguments_on_lines(short, monkeypatch):
    """Whether somebody may want to stop them or not."""
    monkeypatch.setattr(kernel, "SHORT", 1.0 if short else 0.0)

    def function(x, y, z):
        return [sum(a * b for a, b in zip(row, y, strict=True)) + x[0] for row in z]

    rng = np.random.default_rng(0)
    x, y, z = rng.random(67), rng.random(90), rng.random((80, 90))
    fast = wg.jit(function, tier="native")
    for _ in range(2):
        np.testing.assert_allclose(fast(x, y, z), z @ y + x[0], rtol=1e-13)
    (path,) = fast._known()
    (made,) = path.tiers.kernels.values()
    assert made.code.blocks.room
    assert made.is_short == short


@pytest.mark.parametrize("seed", range(20))
def test_arguments_that_come_in_pieces_are_laid_out_as_in_one(seed):
    rng = np.random.default_rng(seed)
    sizes = [int(rng.choice([1, 2, 63, 64, 65, 100])) for _ in range(int(rng.integers(2, 8)))]
    moved, starts, end, at = [], [], 0, 0
    for size in sizes:
        starts.append(at)
        moved.append(-(-end // LINE) * LINE if size >= LARGE else end)
        at, end = at + size, moved[-1] + size
    blocks = Blocks(tuple(starts), tuple(moved), at, -(-end // LINE) * LINE)
    numbers = rng.random(at)
    cuts = np.unique(rng.integers(1, at, int(rng.integers(0, 6)))) if at > 1 else []
    once, pieces = np.zeros(blocks.room), np.zeros(blocks.room)
    blocks.put(numbers, once)
    blocks.put(tuple(np.split(numbers, cuts)), pieces)
    np.testing.assert_array_equal(once, pieces)
    np.testing.assert_array_equal([once[blocks.place(k)] for k in range(at)], numbers)


@SCENARIO
def test_scenarios_with_arguments_on_lines(name):
    program, rows = scenario(name)
    changed, blocks = aligned(program)
    for row in rows:
        memory = row
        if blocks.room:
            memory = np.full(blocks.room, np.nan)
            blocks.put(row, memory)
        assert bits(evaluated(changed, memory)) == bits(evaluated(program, row))


def test_arguments_that_one_address_reaches_stay_together():
    def function(x, y):
        return sum(a * a for a in [*x, *y])

    program = wg.record(function, np.arange(LARGE + 1.0), np.arange(LARGE + 1.0))
    changed, blocks = aligned(program)
    assert changed is program
    assert not blocks.room


def test_small_arguments_stay_where_they_are():
    program = wg.record(lambda x, y: x[0] * y[1], np.ones(3), np.ones(5))
    assert aligned(program)[0] is program


@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_all_of_it_together(seed):
    program = summing(seed % 1000, near=True)
    changed, blocks = aligned(jammed(dense(with_ends_apart(program))))
    assert not blocks.room or blocks.size == program.arguments.size
    close(program, changed, [] if blocks.room else examples(program, seed))
