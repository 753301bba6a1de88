"""Rounds of a loop as lanes: what is computed stays, and loops that depend on order are left."""

import numpy as np
import pytest
from nests import nest
from stencils import stencils
from sums import summing

import wengert as wg
from scenarios import SCENARIOS
from wengert.program import storage
from wengert.program.dependence import Level
from wengert.run import fused, llvm, loop_code, parallel, wide_code
from wengert.run.carried import carried
from wengert.run.columns import AGAIN, LINE, UNIT
from wengert.run.interpret import interpret
from wengert.run.kernel import Kernel
from wengert.run.module import Plan
from wengert.run.one_example import for_one_example
from wengert.run.place import SPACIOUS, Memories

pytest.importorskip("llvmlite")
N = 37


def stencil(x):
    y = [x[k - 1] - 2.0 * x[k] + x[k + 1] for k in range(1, N - 1)]
    return [y[k] * y[k] + y[-1 - k] for k in range(len(y))]


def total(x):
    sum_, other = 0.0, 1.0
    for k in range(N - 1):
        sum_ = sum_ + 3.0 * (x[k + 1] - x[k] * x[k]) ** 2 + wg.sin(x[k])
        other = other + x[N - 1 - k] * x[k]
    return sum_ / other


def subtracted(x):
    left, other = 1.0, 0.0
    for k in range(N):
        left = left - wg.sin(x[k]) * x[k]
        other -= 2.0 * x[k]
    return left * other


def matrix(x):
    rows = [sum(x[k] * x[(3 * r + k) % N] for k in range(20)) for r in range(9)]
    return sum(wg.tanh(row) for row in rows), rows


def steps(x):
    for _ in range(3):
        x = [
            x[0],
            *(x[k] + 0.1 * (x[k - 1] - 2.0 * x[k] + x[k + 1]) for k in range(1, N - 1)),
            x[-1],
        ]
    return sum(each * each for each in x)


def every_other(x):
    return [x[2 * k] * x[2 * k + 1] + x[N - 1 - 2 * k] for k in range(18)]


def in_order(x):
    for k in range(1, N):
        x = [*x[:k], 0.5 * x[k - 1] + wg.cos(x[k]), *x[k + 1 :]]
    return x[-1]


FUNCTIONS = stencil, total, subtracted, matrix, steps, every_other, in_order
START = np.linspace(-1.0, 1.3, N)


@pytest.fixture(params=[2, 4, 16])
def lanes(request, monkeypatch):
    """Fewer lanes than usual, so that short loops have rounds to spare."""
    for module in (fused, parallel, loop_code, wide_code):
        monkeypatch.setattr(module, "LANES", request.param)
    monkeypatch.setattr(storage, "FEW", 4 * request.param)  # and windows of rows for less
    if request.param == 4:  # and of single places
        monkeypatch.setattr(loop_code, "SPACIOUS", 8)
    return request.param


def kernel(program, strong=False):
    """The kernel with loops of one example."""
    plan = Plan(for_one_example(program), (UNIT, UNIT), 1, False, whole=True, strong=strong)
    code = loop_code.loop_code(plan)
    made = llvm.machine_code(code.text, passes=code.statements < 20_000)
    return Kernel(plan, code, llvm.Native(made, code.python), 0.0)


def close(program, rows):
    """Whether a kernel of one example gives what the interpreter gives, in another order."""
    made, strong = kernel(program), kernel(program, strong=True)
    for each in (made, strong):
        memory = each._scratch()
        memory[0].fill(np.nan)  # which is seen if something is read that nothing has written
        each.spare.append(memory)
    for row in rows:
        found, why = made.one(row)
        if why & AGAIN:
            found, why = strong.one(row)
        try:
            expected = interpret(program, row)
        except wg.PathChanged:
            assert why
            continue
        assert not why
        scale = np.abs(expected[np.isfinite(expected)]).max(initial=1e-300)
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12 * scale)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_functions_and_their_gradients(function, lanes):
    rows = np.vstack([START, START[::-1] * 0.7, np.where(START > 0.8, np.inf, START)])
    close(wg.record(function, START), rows)
    close(wg.grad(wg.record(lambda x: summed(function(x)), START)), rows)


def summed(result):
    """All numbers of a result, added up."""
    return sum(map(summed, result)) if isinstance(result, list | tuple) else result


def near_or_far(seed):
    return nest(seed, near=seed % 2 == 0)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    "maker", [lambda s: nest(s, near=s % 2 == 0), summing], ids=["nest", "sums"]
)
def test_random_programs(maker, seed, lanes):
    program = maker(seed)
    rng = np.random.default_rng(seed)
    close(program, rng.choice([0.0, 0.5, -1.5, 2.0, np.nan], (4, program.arguments.size)))


@pytest.mark.parametrize("seed", range(40))
def test_random_stencils(seed, lanes):
    function, size = stencils(seed)
    rows = np.random.default_rng(seed).uniform(-1.0, 1.0, (2, size))
    rows = np.vstack([rows, np.where(rows > 0.9, np.inf, np.where(rows < -0.8, 0.0, rows))])
    program = wg.record(function, rows[0]).simplify()
    close(program, rows)
    close(wg.value_and_grad(lambda x: summed(function(x))).program(rows[0]), rows)


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenarios(name):
    row = SCENARIOS[name]
    function, args = row.make(*row.small)
    program = wg.record(function, *args).simplify()
    rows = program.arguments.numbers(args)[None]
    close(program, rows)
    if program.results.kind == "number":
        close(wg.grad(program, argnums=tuple(range(len(program.arguments.parts)))), rows)


def test_what_is_carried_in_a_window_is_not_written_as_a_vector(monkeypatch):
    monkeypatch.setattr(loop_code, "SPACIOUS", 4)

    def function(x):
        bends, squares = [], []
        before = wg.sin(x[0])
        for k in range(1, N):
            now = wg.sin(x[k])
            bends.append(now - before)
            squares.append(now * x[k])
            before = now
        return bends[::-1], [a * b for a, b in zip(squares, squares[::-1], strict=True)]

    program = wg.record(function, START).simplify()
    kept = Memories(program, 4, 8, by_rows=True).kept
    assert [array.window for array in kept.arrays].count(True) == 1
    assert all(does for _, does in side_by_side(program))
    close(program, START[None])


def side_by_side(program):
    """Of each innermost loop, its count and whether its rounds are lanes."""
    program = for_one_example(program)
    kept = Memories(program, SPACIOUS, by_rows=True).kept
    waiting, found = [*kept.layout.tree], []
    while waiting:
        item = waiting.pop(0)
        if isinstance(item, Level):
            below = [each for part in item.parts for each in part]
            waiting += [each for each in below if isinstance(each, Level)]
            if not any(isinstance(each, Level) for each in below):
                side = parallel.parallel(item, kept, carried(item, kept), program.constants)
                found.append((item.loop.count, side is not None))
    return found


@pytest.mark.parametrize("function", [stencil, total, subtracted, matrix])
def test_which_loops_are(function, lanes):
    program = wg.record(lambda x: summed(function(x)), START)
    for each in (program, wg.grad(program)):
        assert all(does for count, does in side_by_side(each) if count >= lanes)


def test_a_loop_that_depends_on_its_order_is_not(lanes):
    assert not any(does for _, does in side_by_side(wg.record(in_order, START)))


def test_sums_keep_their_order_where_bits_are_asked_for():
    rng = np.random.default_rng(0)
    x = rng.standard_normal(5000) * 10.0 ** rng.integers(-8, 8, 5000)

    def added(x):
        sum_ = 0.0
        for each in x:
            sum_ = sum_ + each * each
        return sum_

    assert wg.jit(added, exact=True, tier="native")(x) == added(x.tolist())
    np.testing.assert_allclose(wg.jit(added, tier="native")(x), added(x.tolist()), rtol=1e-14)


@pytest.mark.parametrize("length", [40, 47, 64])
@pytest.mark.parametrize("first", [0, 1, 3])
def test_vectors_are_in_one_line_of_the_cache_where_they_can_be(monkeypatch, length, first):
    """Upwards and downwards, whichever rounds come first."""
    looked_at = []
    begins_with = wide_code.Wide.begins_with

    def checked(self, level, rest):
        chosen = begins_with(self, level, rest)
        sites = [site for site in level.sites() if site.target and site in self.around.kept.homes]
        rows = [self.around.places.aligned(site, site.target) for site in sites]
        rows = [row for row in rows if abs(row.strides[-1]) == 1]
        if rows and rest:
            looked_at.append({k: sum(starts_a_line(row, k) for row in rows) for k in (0, rest)})
            assert looked_at[-1][chosen] == max(looked_at[-1].values())
        return chosen

    def starts_a_line(row, k):
        lowest = min(row.base + row.strides[-1] * (k + lane) for lane in range(wide_code.LANES))
        return (row.start + lowest) % LINE == 0 and not any(s % LINE for s in row.strides[:-1])

    def function(x):
        rows = [sum(x[r * 64 + k] * x[640 + k] for k in range(first, length)) for r in range(10)]
        return sum(wg.tanh(row) for row in rows)

    monkeypatch.setattr(wide_code.Wide, "begins_with", checked)
    x = np.random.default_rng(6).uniform(-1.0, 1.0, 704)
    close(wg.value_and_grad(function).program(x), x[None])
    assert looked_at
    assert any(max(each.values()) > 0 for each in looked_at)
