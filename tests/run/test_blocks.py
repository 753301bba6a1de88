"""Blocks of examples: the bits of each one alone, whatever their width, threads and engine."""

import threading
import time
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from batches import bits, interpreted
from nests import nest
from redundant import redundant, redundant_while, summed
from samples import SAMPLES, long_run
from sums import summing

import wengert as wg
from interrupts import interrupted
from wengert.errors import ProgramError
from wengert.primitives import rows as rows_of_table
from wengert.program.program import Program
from wengert.program.structure import ARRAY, TUPLE, Structure
from wengert.run import blocks as module
from wengert.run.blocks import Blocks
from wengert.run.columns import Column, Sums
from wengert.run.lane_buffer import LaneBuffer
from wengert.value import engine

ENGINES = [False, True] if engine == "native" else [False]
NUMBERS = [0.5, -1.5, 2.25, 0.0, 3.0, -0.75, 1.0, 0.3, 0.1]
ODD = [0.0, -0.0, 1.0, 2.0, -1.0, np.nan, np.inf, 0.25, -7.5, 3.3]
MAKERS = {
    "redundant": lambda seed: redundant(seed, 0.2),
    "while": redundant_while,
    "summed": lambda seed: summed(seed, 0.3),
    "summing": lambda seed: summing(seed, near=seed % 2 == 0),
    "far": nest,
    "near, with whiles": lambda seed: nest(seed, near=True, whiles=True),
}


def examples(size: int, seed: int, count: int = 19) -> np.ndarray:
    """Some near the one that guards were recorded for, some far from it."""
    rng = np.random.default_rng(seed)
    usual = np.resize(NUMBERS, size)
    odd = np.where(rng.random((count - 1, size)) < 0.6, usual, rng.choice(ODD, size))
    return np.vstack([usual, odd])


def in_leaves(program: Program, cuts: list[int]) -> Program:
    """The same with its one array in pieces."""
    ends = [0, *cuts, program.arguments.size]
    sizes = [b - a for a, b in pairwise(ends)]
    parts = tuple(Structure(ARRAY, (size,)) for size in sizes)
    keys = tuple(f"x{k}" for k in range(len(parts)))
    return replace(program, arguments=Structure(TUPLE, keys=keys, parts=parts))


def columns(rows: np.ndarray, structure: Structure, shared: tuple[bool, ...]) -> list[Column]:
    if not shared:
        return []
    parts = np.split(rows, np.cumsum([size for _, size in structure.slots()])[:-1], axis=1)
    return [
        Column(part[:1].copy(), shared=True) if same else Column(np.array(part, order="CF"[k % 2]))
        for k, (part, same) in enumerate(zip(parts, shared, strict=True))
    ]


def run(
    program: Program, rows: np.ndarray, native: bool, shared: tuple[bool, ...] = (),
    width: int = 16, threads: int = 1, seconds: float = 1.0,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """The results, and which examples failed."""
    shared = shared or (False,) * len([*program.arguments.slots()])
    made = Blocks(program, shared, native)
    made.width = width
    inputs = columns(rows, program.arguments, shared)
    sizes = [size for _, size in program.results.slots()]
    outputs = [Column(np.full((len(rows), size), 7.0)) for size in sizes]
    failed = np.zeros(len(rows), np.uint8)
    made.run(inputs, outputs, failed, seconds, threads)
    return np.concatenate([np.empty((len(rows), 0)), *(c.array for c in outputs)], axis=1), failed


def agree(program: Program, rows: np.ndarray, **options: Any) -> None:
    """That blocks give the bits of the examples alone, and fail where these do."""
    expected, fails = interpreted(program, rows)
    good = fails == 0
    for native in ENGINES:
        found, failed = run(program, rows, native, **options)
        np.testing.assert_array_equal(failed, fails)
        np.testing.assert_array_equal(bits(found[good]), bits(expected[good]))


# --- programs -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("maker", MAKERS)
def test_random_programs(maker: str, seed: int) -> None:
    program = MAKERS[maker](seed)
    rows = examples(program.arguments.size, seed, (1, 5, 8, 19, 40, 65)[seed])
    agree(program, rows, width=(8, 8, 16, 8, 16, 64)[seed], threads=1 + seed % 3)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("maker", ["summing", "far", "near, with whiles"])
def test_arguments_that_examples_share(maker: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    program = MAKERS[maker](seed)
    cuts = sorted(rng.choice(np.arange(1, program.arguments.size), 2, replace=False).tolist())
    program = in_leaves(program, cuts)
    shared = tuple(bool(same) for same in rng.integers(0, 2, 3))
    rows = examples(program.arguments.size, seed)
    for (start, size), same in zip(_leaves(program), shared, strict=True):
        if same:
            rows[:, start : start + size] = rows[0, start : start + size]
    agree(program, rows, shared=shared, width=8)


def _leaves(program: Program) -> list[tuple[int, int]]:
    sizes = [size for _, size in program.arguments.slots()]
    return [*zip(np.cumsum([0, *sizes])[:-1].tolist(), sizes, strict=True)]


@pytest.mark.parametrize("number", range(len(SAMPLES)))
def test_samples(number: int) -> None:
    program = SAMPLES[number]
    if len(program) > 10**6:
        pytest.skip("it runs for a second")
    agree(program, examples(program.arguments.size, 1, 7))


def test_every_row_at_its_edges_and_in_its_domain() -> None:
    rng = np.random.default_rng(0)
    for row in rows_of_table():
        chosen = [np.atleast_1d(edge.at) for edge in row.edges]
        chosen += [[rng.uniform(*interval) for interval in row.domain] for _ in range(11)]
        chosen += rng.choice([*ODD, -np.inf, 1e308, 5e-324], (11, row.nin)).tolist()
        points = np.array(chosen, float)
        program = wg.record(row, *points[0])
        for native in ENGINES:
            for shared in np.ndindex(*(2,) * row.nin):
                given = points.copy()
                given[:, np.array(shared) == 1] = points[0, np.array(shared) == 1]
                expected = np.array([[row.scalar(*point)] for point in given.tolist()])
                found, _ = run(program, given, native, tuple(map(bool, shared)), width=8)
                np.testing.assert_array_equal(bits(found), bits(expected), err_msg=row.name)


def _own(program: Program) -> tuple[bool, ...]:
    return (False,) * len([*program.arguments.slots()])


# --- memory ---------------------------------------------------------------------------------------


def test_what_is_not_needed_at_the_same_time_takes_the_same_places() -> None:
    rng = np.random.default_rng(0)

    def irregular(*x: Any) -> Any:
        for k in rng.integers(-4, 0, 500).tolist():
            x = (*x, x[-1] * 0.5 + x[k] if k < -2 else wg.sin(x[k]))
        return x[-1]

    straight = wg.record(irregular, 1.0, 2.0, 3.0, 4.0)
    assert LaneBuffer(straight, (False,) * 4).own < len(straight) / 5

    def layers(x: Any) -> Any:
        for row in (wg.tanh, wg.sin, wg.cos, wg.exp, wg.erf, wg.atan, wg.sinh, wg.expm1):
            x = [row(a) for a in x]
        return x

    program = wg.record(layers, np.linspace(0.0, 1.0, 100))
    assert len(program) == 800
    assert LaneBuffer(program, (False,)).own <= 400


def test_wide_programs_have_narrow_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    program = long_run(10)
    assert Blocks(program, _own(program)).width == (256 if engine == "native" else 1024)
    monkeypatch.setattr(module, "CACHE", 4096)
    monkeypatch.setattr(module, "LARGEST", 4096)
    narrow = Blocks(program, _own(program))
    assert 8 <= narrow.width < 100
    assert narrow.width % 8 == 0
    monkeypatch.setattr(module, "LARGEST", 8)
    assert Blocks.of(program, _own(program)) is None


def test_memory_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    if engine == "plain":
        pytest.skip("NumPy asks for it")
    from wengert import _native

    made = _native.machine(
        np.empty((0, 8), np.int64), (), (), (np.empty(0, np.int64),) * 2,
        (np.empty(0, np.int64),) * 3, np.empty(0, np.int64), 1, 0, 1 << 58, 0,
    )  # fmt: skip
    for width in (8, 1 << 16):
        with pytest.raises(MemoryError):
            _native.run_blocks(
                made, np.empty(0), (), (), np.zeros(99, np.uint8), np.zeros(1, np.int32),
                0, 99, width,
            )  # fmt: skip


# --- examples that part ---------------------------------------------------------------------------


def halved(x: Any, y: Any) -> Any:
    def body(carry: Any) -> Any:
        a, b, n = carry
        b = wg.while_loop(lambda b: b > a, lambda b: b * 0.5, b)
        return a * 0.5, b + n, n + 1.0

    return wg.while_loop(lambda c: c[0] > 1.0, body, (x, y, 0.0))


def test_examples_leave_loops_when_their_own_condition_says_so() -> None:
    program = wg.record(halved, 3.0, 2.0)
    rng = np.random.default_rng(0)
    rows = np.exp(rng.normal(size=(37, 2)) * 3.0)
    rows[5] = np.nan
    agree(program, rows, width=16)
    slope = wg.grad(lambda x, y: halved(x, y)[1], argnums=(0, 1)).program(3.0, 2.0)
    agree(slope, rows, width=8)


def test_examples_on_another_path_keep_nobody_in_a_loop() -> None:
    """For those that left the path, this loop has no end."""

    def function(x: Any) -> Any:
        positive = x > 0.0
        y = x * 1.0 if positive else x
        return wg.while_loop(lambda s: s > 1.0, lambda s: s - y, x * 5.0 + 30.0)

    program = wg.record(function, 2.0)
    rows = np.array([[1.0], [-1.0], [2.0], [0.0], [np.nan]])
    for native in ENGINES:
        found, failed = run(program, rows, native)
        assert failed.tolist() == [0, 1, 0, 1, 1]
        assert found[[0, 2], 0].tolist() == [function(1.0), function(2.0)]


def test_examples_that_leave_the_path_within_a_loop_leave_the_loop() -> None:
    """By the path of the others, they would go on forever."""

    def body(s: Any) -> Any:
        return s - (60.0 - s) * 0.1 if s < 50.0 else s - 1.0

    program = wg.record(lambda x: wg.while_loop(lambda s: s > 1.0, body, x), 20.0)
    rows = np.array([[20.0], [100.0], [0.5], [45.0]])
    for native in ENGINES:
        _, failed = run(program, rows, native)
        assert failed.tolist() == [0, 1, 0, 0]
    agree(program, rows[[0, 2, 3]])


def odd(x: float) -> float:
    if x > 5.0:
        raise LookupError("too large")
    return x * x


def test_python_is_asked_for_those_examples_that_need_it() -> None:
    square = wg.custom_rule("odd_square_of_blocks", odd, lambda z, x: (2.0 * x,), check=False)

    def function(x: Any) -> Any:
        y = wg.while_loop(lambda s: s < 3.0, lambda s: square(s) + 1.0, x)
        if y < 5.5:
            y = square(y * 0.5)
        return y + wg.lgamma(x) + wg.hypot(x, 1.0)

    program = wg.record(function, 0.9)
    rows = np.array([[0.9], [0.5], [3.0], [4.9], [1.1]])
    for native in ENGINES:
        found, failed = run(program, rows, native)
        good = failed == 0
        assert good.tolist() == [True, False, True, True, False]
        assert found[good, 0].tolist() == [function(float(x)) for x in rows[good, 0]]
        found, failed = run(program, np.array([[0.9], [7.0], [np.inf]]), native)
        assert failed.tolist() == [0, 1, 1]
        with pytest.raises(LookupError, match="too large"):
            run(wg.record(lambda x: square(x), 1.0), np.array([[1.0], [7.0]]), native)


def test_a_loop_that_leaves_its_memory() -> None:
    xs = np.arange(1.0, 6.0)

    def function(x: Any, limit: Any) -> Any:
        return wg.while_loop(lambda c: c[0] < limit, lambda c: (c[0] + 1.0, c[1] * 1.5), (0.0, x))

    program = wg.record(function, 1.0, 3.0)
    agree(program, np.stack([xs, xs * 2.0], 1))


# --- sums -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 7, 8, 19, 100])
def test_sums_are_those_of_every_eighth_example(count: int) -> None:
    program = wg.record(lambda x, p: (x * p[0], p * wg.exp(x)), 1.0, np.ones(3))
    rows = np.hstack([np.random.default_rng(1).normal(size=(count, 1)), np.full((count, 3), 1.25)])
    given, _ = interpreted(program, rows)
    expected = np.zeros((4, 8))
    for k, results in enumerate(given):
        expected[:, k % 8] += results
    for native in ENGINES:
        made = Blocks(program, (False, True), native)
        made.width = 16
        sums = [Sums(np.zeros((size, 8))) for _, size in program.results.slots()]
        inputs = columns(rows, program.arguments, (False, True))
        failed, stop = np.zeros(count, np.uint8), np.zeros(1, np.int32)
        made.part(inputs, sums, failed, stop, 0, count)
        assert np.array_equal(bits(np.vstack([each.array for each in sums])), bits(expected))


@pytest.mark.parametrize("threads", [1, 3])
def test_sum_over_in_the_interpreter(threads: int) -> None:
    rng = np.random.default_rng(0)
    data, p = rng.normal(size=(9000, 3)), rng.normal(size=3)

    def loss(p: Any, x: Any) -> Any:
        return wg.tanh(p @ x) ** 2

    one = wg.value_and_grad(wg.sum_over(loss, data, tier="interpreter", threads=threads))(p)
    piecewise = wg.value_and_grad(wg.sum_over(guarded(loss), data, tier="interpreter"))(p)
    assert one[0] == piecewise[0]
    assert np.array_equal(one[1], piecewise[1])


def guarded(function: Any) -> Any:
    """The same with a guard, so that results are computed before they are added."""

    def with_guard(p: Any, x: Any) -> Any:
        return function(p, x) if x[0] < 100.0 else 0.0 * x[0]

    return with_guard


# --- while it runs --------------------------------------------------------------------------------

FOREVER = wg.record(lambda x: wg.while_loop(lambda s: s > 0.0, lambda s: s + 1.0, x), -1.0)


@pytest.mark.parametrize("threads", [1, 2])
def test_an_interrupt_stops_it(threads: int) -> None:
    begin = time.perf_counter()
    with interrupted():
        run(FOREVER, np.full((40, 1), 1.0), ENGINES[-1], threads=threads, seconds=np.inf)
    with interrupted():
        run(FOREVER, np.full((40, 1), 1.0), ENGINES[-1], seconds=0.0)
    assert time.perf_counter() - begin < 5.0


def test_it_stops_when_it_is_told() -> None:
    for native in ENGINES:
        made = Blocks(FOREVER, (False,), native)
        stop = np.zeros(1, np.int32)
        timer = threading.Timer(0.05, lambda stop=stop: stop.fill(1))
        timer.start()
        column = Column(np.ones((3, 1)))
        made.part([column], [Column(np.empty((3, 1)))], np.zeros(3, np.uint8), stop, 0, 3)
        timer.join()
        assert stop[0]


def test_threads_may_share_blocks() -> None:
    program = wg.record(lambda x: wg.fori(200, lambda k, c: c * 0.5 + wg.sin(x), x), 1.0)
    made = Blocks(program, (False,), ENGINES[-1])
    rows = [np.random.default_rng(k).normal(size=(200, 1)) for k in range(4)]
    expected = [interpreted(program, each)[0] for each in rows]
    found: dict[int, np.ndarray] = {}

    def work(k: int) -> None:
        output = Column(np.empty((200, 1)))
        made.run([Column(rows[k])], [output], np.zeros(200, np.uint8), 0.0)
        found[k] = output.array

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(found[k], expected[k]) for k in range(4))


def test_progress_is_told() -> None:
    made = Blocks(wg.record(lambda x: x * x, 1.0), (False,), ENGINES[-1])
    made.width = 8
    told: list[int] = []
    column = Column(np.ones((100, 1)))
    made.run([column], [Column(np.empty((100, 1)))], np.zeros(100, np.uint8), 1.0, 2, told.append)
    assert told
    assert told[-1] == 100


# --- what does not fit ----------------------------------------------------------------------------


def test_rows_of_many_operands_have_no_blocks() -> None:
    four = wg.custom_rule(
        "sum_of_four",
        lambda a, b, c, d: a + b + c + d,
        lambda z, a, b, c, d: (1.0,) * 4,
        check=False,
    )
    program = wg.record(four, 1.0, 2.0, 3.0, 4.0)
    assert Blocks.of(program, (False,) * 4) is None
    many = wg.vectorize(four, tier="interpreter")
    assert many(np.arange(3000.0), 1.0, 2.0, 3.0).tolist() == [k + 6.0 for k in range(3000)]


def test_a_program_that_reads_what_nothing_assigns() -> None:
    program = wg.record(lambda x: x * x + 1.0, 2.0)
    with pytest.raises(ProgramError, match="Nothing is assigned"):
        Blocks(replace(program, statements=program.statements[-1:]), (False,))


@pytest.mark.skipif(engine == "plain", reason="it is about the native engine")
@pytest.mark.parametrize(
    "change",
    [
        {"shared": np.zeros(2)}, {"begin": -1}, {"end": 9}, {"begin": 5, "end": 4}, {"width": 0},
        {"width": 12}, {"width": 1 << 17}, {"stop": np.zeros(0, np.int32)},
        {"inputs": ((0, np.zeros((8, 1))),)}, {"inputs": ((4, np.zeros((8, 1))),)},
        {"inputs": ((1, np.zeros((7, 1))),)}, {"inputs": ((1, np.zeros((8, 4))),)},
        {"inputs": ((1, np.zeros(8)),)}, {"inputs": ((1, np.zeros((8, 1), np.int64)),)},
        {"inputs": ((1, np.zeros((8, 1), np.float32)),)}, {"inputs": ((1,),)}, {"inputs": (None,)},
        {"inputs": ((1, np.zeros(65, np.uint8)[1:].view(float).reshape(8, 1)),)},
        {"outputs": ((3, np.zeros((2, 8)), True),)}, {"outputs": ((2, np.zeros((1, 7)), True),)},
        {"outputs": ((1 << 62, np.zeros((8, 1))),)}, {"inputs": []}, {"machine": None},
        {"outputs": ((2, np.broadcast_to(np.zeros(1), (8, 1))),)}, {"failed": b"12345678"},
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(change: dict[str, Any]) -> None:
    from wengert import _native
    from wengert.primitives import sin

    def numbers(*rows: Any) -> np.ndarray:
        return np.array(rows, np.int64)

    machine = _native.machine(
        numbers((0, 1, 0, 0, 0, 0, 1, 0)), (sin,), (), (numbers(1, 2), numbers(0, 0)),
        (numbers(),) * 3, numbers(), 1, 2, 4, 1,
    )  # fmt: skip
    out = np.zeros((8, 1))
    given = {
        "machine": machine, "shared": np.zeros(1), "inputs": ((1, np.ones((8, 1))),),
        "outputs": ((2, out),), "failed": np.zeros(8, np.uint8), "stop": np.zeros(1, np.int32),
        "begin": 0, "end": 8, "width": 8,
    }  # fmt: skip
    _native.run_blocks(*given.values())
    assert (out == np.sin(1.0)).all()
    with pytest.raises((ValueError, TypeError, BufferError)):
        _native.run_blocks(*{**given, **change}.values())


@pytest.mark.skipif(engine == "plain", reason="it is about the native engine")
def test_what_is_shared_is_never_written_to() -> None:
    from wengert import _native
    from wengert.primitives import sin

    def numbers(*rows: Any) -> np.ndarray:
        return np.array(rows, np.int64)

    for base in (0, -1, 4):
        machine = _native.machine(
            numbers((0, 1, 0, 0, 0, 0, 1, 0)), (sin,), (), (numbers(1, base), numbers(0, 0)),
            (numbers(),) * 3, numbers(), 1, 2, 4, 1,
        )  # fmt: skip
        with pytest.raises(SystemError, match="outside of the memory"):
            _native.run_blocks(
                machine, np.zeros(1), (), (), np.zeros(8, np.uint8), np.zeros(1, np.int32), 0, 8, 8
            )
