"""Derivatives of straight stretches: small ones by hand, random ones against eager Values and exact
arithmetic, and the native twin against the plain one."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from redundant import redundant
from stretches import NUMBERS, ROWS, Given, Memory, evaluate, memory_of, place_of, stretch
from worded import worded

import wengert as wg
from oracle import BOUNDS, derivative, samples, ulps
from programs import exact, mp, programs
from wengert import primitives as p
from wengert.derive import columns
from wengert.derive.columns import Reversed, reversed_run, tangents_of_run
from wengert.derive.encoded import encoded
from wengert.derive.sweep import reversed_plain, tangents_plain
from wengert.dispatch import Primitive
from wengert.errors import ProgramError
from wengert.graph import topological_order
from wengert.program.address import CODES, CONSTANT, INPUT, OUTPUT, VALUE, Address, coded, decoded
from wengert.program.program import Program
from wengert.program.record import record
from wengert.program.statements import Assign, Guard, Operation, Run, straight
from wengert.value import engine

X, Y = Address(INPUT, 0), Address(INPUT, 1)
ONE = coded(CONSTANT, 0)  # where a seed of 1 stands
START, CONSTANTS = 100, 50
ALL = (np.ones(9, bool), np.ones(9, bool))
SHOWN = {VALUE: "v", INPUT: "x", CONSTANT: "c"}


def assigned(*items: tuple[Primitive | None, *tuple[Address, ...]], **labels: int) -> Run:
    """A stretch of operations on addresses, its results at 0, 1, 2, ..."""
    names = {place: label for label, place in labels.items()}
    return straight([
        Assign(Address(VALUE, k), row, tuple(reads), names.get(k, ""), f"m.py:{k + 1}")
        for k, (row, *reads) in enumerate(items)
    ])  # fmt: skip


def at(place: int) -> Address:
    return Address(VALUE, place)


def last(run: Run) -> tuple[Any, Any]:
    """A seed of 1 for the last statement."""
    return np.array([len(run) - 1]), np.array([ONE])


def listed(run: Run | None) -> list[str]:
    """The statements of a run, such as "v100 = mul(v0, x1)"."""
    return [] if run is None else [
        f"{name(s.target)} = {s.row.name if s.row else 'move'}({', '.join(map(name, s.operands))})"
        for s in run
    ]  # fmt: skip


def name(address: Address) -> str:
    return f"{SHOWN[address.memory]}{address.base}"


def got(found: Reversed) -> dict[str, str]:
    """The adjoint of each operand outside."""
    codes = zip(found.operands.tolist(), found.adjoints.tolist(), strict=True)
    return {name(decoded(operand)): name(decoded(adjoint)) for operand, adjoint in codes}


# --- by hand --------------------------------------------------------------------------------------


def test_the_lesson_backwards() -> None:
    run = assigned((p.mul, X, Y), (p.add, at(0), X), (p.tanh, at(1)), e=0, d=1, L=2)
    found = reversed_run(run, START, CONSTANTS, last(run), ALL)
    assert listed(found.run) == [
        "v100 = mul(v2, v2)",
        "v101 = sub(c50, v100)",
        "v102 = strong_mul(c0, v101)",
        "v103 = strong_mul(v102, x1)",
        "v104 = add(v102, v103)",
        "v105 = strong_mul(v102, x0)",
    ]
    assert found.constants.tolist() == [1.0]
    assert got(found) == {"x0": "v104", "x1": "v105"}
    assert found.run is not None
    assert found.run.labels == {2: "e_bar"}, "the seed itself is the adjoint of L"
    assert [s.source for s in found.run] == ["m.py:3"] * 3 + ["m.py:1"] * 3


def test_the_lesson_forwards() -> None:
    run = assigned((p.mul, X, Y), (p.add, at(0), X), (p.tanh, at(1)), e=0, d=1)
    codes = np.array([coded(INPUT, 7), coded(INPUT, 8)])
    found = tangents_of_run(run, START, CONSTANTS, (codes, np.full(3, -1)))
    assert listed(found.run) == [
        "v100 = strong_mul(x7, x1)",
        "v101 = strong_mul(x8, x0)",
        "v102 = add(v100, v101)",
        "v103 = add(v102, x7)",
        "v104 = mul(v2, v2)",
        "v105 = sub(c50, v104)",
        "v106 = strong_mul(v103, v105)",
    ]
    assert found.tangents.tolist() == [102, 103, 106]
    assert found.run is not None
    assert found.run.labels == {2: "e_dot", 3: "d_dot"}
    assert [s.source for s in found.run] == ["m.py:1"] * 3 + ["m.py:2"] + ["m.py:3"] * 3


def test_constant_partials() -> None:
    run = assigned((p.sub, X, Y), (p.neg, at(0)), (None, at(1)), (scaled(2.5), at(2)))
    found = reversed_run(run, START, CONSTANTS, last(run), ALL)
    assert listed(found.run) == ["v100 = mul(c0, c50)", "v101 = neg(v100)", "v102 = neg(v101)"]
    assert got(found) == {"x0": "v101", "x1": "v102"}
    assert found.constants.tolist() == [2.5]


@pytest.mark.parametrize("partial", [math.inf, math.nan])
def test_a_constant_partial_that_a_zero_must_absorb(partial: float) -> None:
    run = assigned((scaled(partial), X))
    found = reversed_run(run, START, CONSTANTS, last(run), ALL)
    assert listed(found.run) == ["v100 = strong_mul(c0, c50)"]


def scaled(factor: float) -> Primitive:
    """A row whose partial is a constant."""
    return Primitive("scaled", "", lambda x: x, lambda x: x, lambda z, x: (factor,), [(0.0, 1.0)])


def test_an_operation_on_many_operands() -> None:
    xs = [0.5 + k for k in range(9)]
    row = Primitive(
        "product_of_nine", "", lambda *x: math.prod(x), np.prod,
        lambda z, a, b, c, d, e, f, g, h, i: (z / a, z / b, z / c, 0.0, z / e, 1.0, z / g, z, i),
        [(0.0, 1.0)] * 9,
    )  # fmt: skip
    z = math.prod(xs)
    run = assigned((row, *(Address(INPUT, k) for k in range(9))))
    partials = [z / xs[0], z / xs[1], z / xs[2], 0.0, z / xs[4], 1.0, z / xs[6], z, xs[8]]
    assert gradient(run, xs) == partials
    assert [slope(run, xs, (), k) for k in range(9)] == partials


def test_seeds_add_up_in_their_order() -> None:
    run = assigned((p.add, X, X), (p.neg, Y))
    seeds = np.array([0, 0, 0]), np.array([coded(VALUE, k) for k in (7, 5, 6)])
    found = reversed_run(run, START, CONSTANTS, seeds, ALL)
    assert listed(found.run) == [
        "v100 = add(v7, v5)", "v101 = add(v100, v6)", "v102 = add(v101, v101)",
    ]  # fmt: skip
    assert got(found) == {"x0": "v102"}, "y has no adjoint: nobody asks for -y"


def test_what_passes_through_needs_no_statement() -> None:
    run = assigned((None, X), (p.add, at(0), Y), a=0)
    found = reversed_run(run, START, CONSTANTS, last(run), ALL)
    assert found.run is None
    assert len(found.constants) == 0
    assert got(found) == {"x0": "c0", "x1": "c0"}
    codes = np.array([coded(INPUT, 7), -1])
    forward = tangents_of_run(run, START, CONSTANTS, (codes, np.full(2, -1)))
    assert forward.run is None
    assert forward.tangents.tolist() == [coded(INPUT, 7)] * 2


def test_what_is_not_wanted_costs_nothing() -> None:
    run = assigned((p.exp, Y), (p.pow, X, at(0)), (p.floor, at(1)), (p.add, at(2), at(1)))
    found = reversed_run(run, START, CONSTANTS, last(run), (np.array([True, False]), np.zeros(4)))
    assert all("log" not in line for line in listed(found.run)), "x^y by y would need log x"
    assert got(found).keys() == {"x0"}
    nobody = reversed_run(run, START, CONSTANTS, last(run), (np.zeros(2), np.zeros(4)))
    assert nobody.run is None
    assert not len(nobody.operands)


def test_guards_are_only_looked_at() -> None:
    run = straight([
        Guard(at(0), p.less, (X, Y), Address(CONSTANT, 0)), Assign(at(1), p.mul, (at(0), X)),
    ])  # fmt: skip
    found = reversed_run(run, START, CONSTANTS, last(run), ALL)
    assert listed(found.run) == ["v100 = strong_mul(c0, v0)"]
    tangents = np.array([coded(INPUT, 7)] * 2), np.full(2, -1)
    assert tangents_of_run(run, START, CONSTANTS, tangents).tangents.tolist() == [-1, 100]


def test_operands_in_the_value_memory_are_outside_too() -> None:
    items = [Assign(at(5), p.mul, (at(2), at(4))), Assign(at(6), p.mul, (at(5), at(8)))]
    run = straight(items)
    wanted = np.zeros(9, bool)
    wanted[[2, 8]] = True
    found = reversed_run(run, START, CONSTANTS, last(run), (np.zeros(0, bool), wanted))
    assert got(found) == {"v2": "v102", "v8": "v101"}
    tangents = np.full(9, -1)
    tangents[8] = 44
    forward = tangents_of_run(run, START, CONSTANTS, (np.empty(0, np.int64), tangents))
    assert listed(forward.run) == ["v100 = strong_mul(v44, v5)"]
    assert forward.tangents.tolist() == [-1, 100]


def test_a_stretch_of_outputs_has_no_results() -> None:
    moves = straight([Assign(Address(OUTPUT, 0), None, (X,))])
    with pytest.raises(ProgramError, match="go to the output memory"):
        reversed_run(moves, START, CONSTANTS, last(moves), ALL)
    with pytest.raises(ProgramError, match="go to the output memory"):
        tangents_of_run(moves, START, CONSTANTS, (np.zeros(2, np.int64), np.zeros(2, np.int64)))


def test_no_statements_at_all() -> None:
    nothing = Run(0, (), np.empty(0, np.int32), np.empty(0, np.int64))
    seeds = np.empty(0, np.int64), np.empty(0, np.int64)
    found = reversed_run(nothing, START, CONSTANTS, seeds, ALL)
    assert found.run is None
    assert not len(found.operands)
    none = np.empty(0, np.int64)
    assert not len(tangents_of_run(nothing, START, CONSTANTS, (none, none)).tangents)


# --- numbers --------------------------------------------------------------------------------------


def numbers(run: Run, xs: Any, constants: Any) -> Memory:
    """What is in the memories after a stretch, with a seed of 1 as the last constant."""
    memory = {coded(INPUT, k): x for k, x in enumerate(xs)}
    memory |= {coded(CONSTANT, k): c for k, c in enumerate([*constants, 1.0])}
    return evaluate(run, memory)


def gradient(run: Run, xs: Any, constants: Any = ()) -> list[float]:
    """The gradient of the last result by reverse mode."""
    seeds = np.array([len(run) - 1]), np.array([coded(CONSTANT, len(constants))])
    wanted = np.ones(len(xs), bool), np.zeros(len(run), bool)
    found = reversed_run(run, len(run), len(constants) + 1, seeds, wanted)
    memory = numbers(run, xs, constants)
    first = len(constants) + 1
    memory |= {coded(CONSTANT, first + k): c for k, c in enumerate(found.constants.tolist())}
    evaluate(found.run, memory)
    adjoints = dict(zip(found.operands.tolist(), found.adjoints.tolist(), strict=True))
    return [memory[adjoints[code]] if (code := coded(INPUT, k)) in adjoints else 0.0
            for k in range(len(xs))]  # fmt: skip


def slope(run: Run, xs: Any, constants: Any, direction: int) -> float:
    """The derivative of the last result by one input, by forward mode."""
    codes = np.full(len(xs), -1)
    codes[direction] = coded(CONSTANT, len(constants))
    first = len(constants) + 1
    found = tangents_of_run(run, len(run), first, (codes, np.full(len(run), -1)))
    memory = numbers(run, xs, constants)
    memory |= {coded(CONSTANT, first + k): c for k, c in enumerate(found.constants.tolist())}
    evaluate(found.run, memory)
    code = int(found.tangents[-1])
    return memory[code] if code >= 0 else 0.0


def stretch_of(root: wg.Value) -> tuple[Run, list[float], list[wg.Value]]:
    """The graph of a Value as a stretch, its constants and its leaves."""
    program = record(root, passes=())
    items = [item for statement in program.statements
             for item in (statement if isinstance(statement, Run) else [statement])]  # fmt: skip
    run = straight([i for i in items if i.target.memory == VALUE])  # type: ignore[misc,union-attr]
    leaves = [node for node in topological_order(root) if not node.operands]
    return run, program.constants.tolist(), leaves


@given(programs())
def test_random_graphs_have_the_gradient_that_values_have(program: Any) -> None:
    *_, root = program.on_values()
    root.backward()
    run, constants, leaves = stretch_of(root)
    xs = [leaf.data for leaf in leaves]
    eager = [leaf.grad for leaf in leaves]
    assert gradient(run, xs, constants) == eager, "the same operations in the same order"
    forward = [slope(run, xs, constants, k) for k in range(len(xs))]
    scale = 1.0 + max(map(abs, eager))
    assert forward == pytest.approx(eager, rel=1e-9, abs=1e-9 * scale)


@given(programs())
def test_random_graphs_have_the_gradient_of_exact_arithmetic(program: Any) -> None:
    values = program.on_values()
    root = values[-1]
    truth = exact(program, mp.mpf)[-1]
    run, constants, leaves = stretch_of(root)
    found = gradient(run, [leaf.data for leaf in leaves], constants)
    place = {id(leaf): k for k, leaf in enumerate(leaves)}
    for leaf, wanted in zip(values[: len(program.leaves)], truth.tangent, strict=True):
        got = found[place[id(leaf)]] if id(leaf) in place else 0.0
        assert abs(got - wanted) <= 1e-13 * len(run) * (1.0 + truth.scale)


@pytest.mark.parametrize("row", [row for row in ROWS if row.name in BOUNDS], ids=repr)
def test_every_row_has_its_partials(row: Primitive) -> None:
    run = assigned((row, *(Address(INPUT, k) for k in range(row.nin))))
    for xs in samples(row, 3):
        backwards = gradient(run, xs)
        for k, partial in enumerate(backwards):
            assert ulps(partial, derivative(row, xs, k)) <= BOUNDS[row.name][k + 1]
            assert slope(run, xs, (), k) == partial


@pytest.mark.parametrize("row", ROWS, ids=repr)
def test_every_row_at_its_edges(row: Primitive) -> None:
    run = assigned((row, *(Address(INPUT, k) for k in range(row.nin))))
    for edge in row.edges:
        found = gradient(run, edge.at)
        assert np.array_equal(found, edge.partials, equal_nan=True), edge
        forward = [slope(run, edge.at, (), k) for k in range(row.nin)]
        assert np.array_equal(forward, edge.partials, equal_nan=True), edge


def test_no_nan_leaks_from_the_side_that_is_not_taken() -> None:
    zero = Address(CONSTANT, 0)
    run = assigned((p.greater, X, zero), (p.log, X), (p.select, at(0), at(1), X))
    assert gradient(run, [0.0], [0.0]) == [1.0]
    assert slope(run, [0.0], [0.0], 0) == 1.0


@given(st.integers(0, 10**6))
def test_forward_and_reverse_agree(seed: int) -> None:
    """⟨w, J v⟩ = ⟨Jᵀ w, v⟩ on stretches of smooth rows, numbers everywhere."""
    case = stretch(seed, 20, rows=[p.sin, p.atan, p.fma, p.hypot, p.sigmoid, p.asinh, p.select])
    memory = dict(enumerate(np.linspace(0.3, 1.7, case.start).tolist()))
    for place in range(len(case.run)):
        del memory[case.run.start + place]
    memory |= {coded(INPUT, k): 0.2 + 0.1 * k for k in range(len(case.wanted[0]))}
    memory |= {coded(CONSTANT, k): math.sin(k) for k in range(100)}
    memory |= {coded(CONSTANT, k): abs(x) if math.isfinite(x) else 1.25
               for k, x in enumerate(NUMBERS)}  # fmt: skip
    evaluate(case.run, memory)
    masks = tuple(codes >= 0 for codes in case.tangents)
    back = reversed_run(case.run, case.start, 200, case.seeds, masks)  # type: ignore[arg-type]
    reverse = dict(memory)
    reverse |= {coded(CONSTANT, 200 + k): c for k, c in enumerate(back.constants.tolist())}
    evaluate(back.run, reverse)
    ahead = tangents_of_run(case.run, case.start, 200, case.tangents)
    forward = dict(memory)
    forward |= {coded(CONSTANT, 200 + k): c for k, c in enumerate(ahead.constants.tolist())}
    evaluate(ahead.run, forward)
    pairs = zip(back.operands.tolist(), back.adjoints.tolist(), strict=True)
    terms = [reverse[adjoint] * memory[tangent_of(case, operand)] for operand, adjoint in pairs]
    seeds = zip(*(each.tolist() for each in case.seeds), strict=True)
    others = [memory[code] * forward[int(ahead.tangents[item])]
              for item, code in seeds if ahead.tangents[item] >= 0]  # fmt: skip
    scale = 1.0 + sum(map(abs, terms)) + sum(map(abs, others))
    if math.isfinite(scale):
        assert math.fsum(terms) == pytest.approx(math.fsum(others), abs=1e-9 * scale)


def tangent_of(case: Given, operand: int) -> int:
    """The code of the tangent of an operand outside."""
    return int(case.tangents[memory_of(operand) == CODES[VALUE]][place_of(operand)])


@pytest.mark.parametrize("row", [p.tanh, p.exp, p.log, p.div, p.hypot, p.atan2, p.erf], ids=repr)
def test_derivatives_have_derivatives(row: Primitive) -> None:
    """The adjoints of a stretch are a stretch, and this one is differentiated again."""
    inputs = [Address(INPUT, k) for k in range(row.nin)]
    run = assigned((row, *inputs))
    (xs,) = samples(row, 1)
    first = reversed_run(run, 1, 1, last(run), (np.ones(row.nin), np.zeros(1)))
    constants = [1.0, *first.constants.tolist()]
    for operand, adjoint in zip(first.operands.tolist(), first.adjoints.tolist(), strict=True):
        both = straight([*run, *(first.run or ())])  # type: ignore[list-item]
        both = straight([*both, Assign(at(len(both)), None, (decoded(adjoint),))])  # type: ignore[list-item]
        k = operand - coded(INPUT, 0)
        for j, second in enumerate(gradient(both, xs, constants)):
            exactly = float(derivative(row, xs, k, j))
            assert second == pytest.approx(exactly, rel=1e-11, abs=1e-12)
            assert slope(both, xs, constants, j) == pytest.approx(exactly, rel=1e-11, abs=1e-12)


# --- the twins ------------------------------------------------------------------------------------

native = pytest.mark.skipif(engine != "native", reason="no native engine")


def same(mine: Any, its: Any) -> None:
    """Nested tuples of arrays, bit for bit."""
    if isinstance(mine, tuple):
        assert len(mine) == len(its)
        for a, b in zip(mine, its, strict=True):
            same(a, b)
    else:
        assert mine.dtype == its.dtype
        assert mine.shape == its.shape
        assert mine.tobytes() == its.tobytes()


def questions(case: Given) -> tuple[Any, ...]:
    labelled = np.array(sorted(case.run.labels), np.int64)
    return case.run, case.start, case.constants, case.seeds, case.wanted, labelled


@native
@given(st.integers(0, 10**9), st.sampled_from((5, 60, 400)))
def test_the_native_twin_gives_the_same(seed: int, length: int) -> None:
    case = stretch(seed, length)
    same(reversed_plain(*questions(case)), columns.reversed_columns(*questions(case)))
    asked = case.run, case.start, case.constants, case.tangents
    same(tangents_plain(*asked), columns.tangents_of_columns(*asked))


@native
@given(st.one_of(worded(), st.integers(0, 10**6).map(lambda seed: redundant(seed, long=0.8))))
def test_the_native_twin_gives_the_same_for_stretches_of_programs(program: Program) -> None:
    """Stretches between loops, with holes, labels and sources of all kinds."""
    for run in program.statements:
        if not isinstance(run, Run) or run.outputs:
            continue
        sizes = program.arguments.size, program.values
        seeds = np.arange(len(run))[::-3], np.arange(len(run))[::-3] + coded(CONSTANT, 0)
        wanted = tuple(np.arange(size) % 3 > 0 for size in sizes)
        labelled = np.array(sorted(run.labels), np.int64)
        asked: Any = run, program.values, len(program.constants), seeds, wanted, labelled
        same(reversed_plain(*asked), columns.reversed_columns(*asked))
        tangents = tuple(np.where(mask, 77, -1) for mask in wanted)
        asked = run, program.values, len(program.constants), tangents
        same(tangents_plain(*asked), columns.tangents_of_columns(*asked))


TWINS = [pytest.param(False, id="plain"), pytest.param(True, id="native", marks=native)]


@pytest.mark.parametrize("in_c", TWINS)
@pytest.mark.parametrize(
    ("operand", "start"),
    [(0, 0), (1, 0), (9, 9), (2, 0), (coded(INPUT, 2), 0), (coded(VALUE, 1 << 50), 0)],
)
def test_operands_that_are_nowhere(operand: int, start: int, in_c: bool) -> None:
    """The statement itself, one behind it, and places that no memory has."""
    operands = np.array([operand, coded(INPUT, 0), coded(INPUT, 0), coded(INPUT, 1)])
    run = Run(start, (Operation(p.mul),), np.zeros(2, np.int32), operands)
    seeds = np.array([0]), np.array([ONE])
    wanted = np.ones(2, bool), np.ones(2, bool)
    backwards = columns.reversed_columns if in_c else reversed_plain
    with pytest.raises(IndexError):
        backwards(run, 2, 0, seeds, wanted, np.empty(0, np.int64))
    forwards = columns.tangents_of_columns if in_c else tangents_plain
    with pytest.raises(IndexError):
        forwards(run, 2, 0, (np.zeros(2, np.int64), np.zeros(2, np.int64)))


@pytest.mark.parametrize("in_c", TWINS)
@pytest.mark.parametrize(
    ("items", "codes", "error"),
    [([1], [ONE], IndexError), ([-1], [ONE], IndexError), ([0], [-1], IndexError),
     ([0], [ONE, ONE], ValueError)],
)  # fmt: skip
def test_seeds_that_fit_nothing(items: list[int], codes: list[int], error: Any, in_c: bool) -> None:
    run = assigned((p.neg, X))
    backwards = columns.reversed_columns if in_c else reversed_plain
    with pytest.raises(error):
        backwards(run, 1, 1, (np.array(items), np.array(codes)), ALL, np.empty(0, np.int64))


def raw() -> list[Any]:
    """What the native twin is called with for -(x·y) and x·y·2."""
    run = assigned((p.mul, X, Y), (p.tanh, at(0)), (scaled(2.0), at(1)))
    table = encoded(run.operations)
    return [
        run.ops, run.operands, run.lines, table.integers, table.constants, np.ones(2, bool),
        np.ones(3, bool), np.array([2]), np.array([ONE]), np.array([2]), 0, 3, 1,
    ]  # fmt: skip


@native
@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({0: np.array([0, 9, 0], np.int32)}, ValueError),  # no such operation
        ({0: np.array([0, -1, 0], np.int32)}, ValueError),
        ({0: np.zeros(1, np.int32)}, ValueError),  # operands too many
        ({1: np.zeros(2, np.int64)}, ValueError),  # and too few
        ({2: np.zeros(1, np.int32)}, ValueError),  # lines too few
        ({3: np.empty(0, np.int32)}, ValueError),  # no table
        ({4: np.empty(0)}, ValueError),  # constants missing
        ({9: np.array([3])}, IndexError),  # a label for nothing
        ({9: np.array([-1])}, IndexError),
        ({10: -1}, ValueError),  # places that are none
        ({11: 1 << 55}, ValueError),
        ({12: -5}, ValueError),
    ],
)
def test_the_native_twin_refuses_nonsense(change: dict[int, Any], error: Any) -> None:
    from wengert import _native

    given = raw()
    _native.reversed_columns(*given)
    for k, value in change.items():
        given[k] = value
    with pytest.raises(error):
        _native.reversed_columns(*given)


@native
@given(st.data())
def test_no_table_crashes_the_native_twin(data: Any) -> None:
    from wengert import _native

    given = raw()
    table = given[3].copy()
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(table) - 1))
        table[place] = data.draw(st.sampled_from([-(2**31), -3, -1, 0, 1, 2, 3, 9, 2**31 - 1]))
    given[3] = table[: data.draw(st.integers(0, len(table)))] if data.draw(st.booleans()) else table
    try:
        _native.reversed_columns(*given)
        _native.tangents_of_columns(
            *given[:5], np.zeros(2, np.int64), np.zeros(3, np.int64), *given[10:]
        )
    except ValueError:
        pass
