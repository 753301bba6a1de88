"""Exported C against the interpreter: the same bits, under every compiler there is."""

import itertools
import math
import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from compiling import COMPILERS, Compiled, name_of, together
from evaluate import bits, walk
from hypothesis import given, settings
from hypothesis import strategies as st
from nests import nest
from samples import SAMPLES

import wengert as wg
from scenarios import ROWS, SCENARIOS, Scenario
from wengert import primitives
from wengert.dispatch import Primitive
from wengert.errors import OperandError, ProgramError
from wengert.interop import c_library, c_names
from wengert.interop.c import TRANSFORMS
from wengert.interop.c_body import PART, comment
from wengert.program.address import CONSTANT, INPUT, OUTPUT, VALUE, Address, Lookup
from wengert.program.program import Program
from wengert.program.record import record
from wengert.program.statements import Accumulate, Assign, Guard, Loop, Statement, While
from wengert.program.structure import ARRAY, TUPLE, Structure
from wengert.run.interpret import Interpreter, interpret

pytestmark = pytest.mark.skipif(not COMPILERS, reason="there is no C compiler")
every_compiler = pytest.mark.parametrize("compiler", COMPILERS)
EDGES = [math.inf, -math.inf, math.nan, 0.0, -0.0, 1e308, 5e-324, 1.0, -2.5, 1e-9]


def program(
    *statements: Statement, values: int = 100, constants: Any = (0.0, 1.0), index: Any = (),
    inputs: int = 4, outputs: int = 1, name: str = "program",
) -> Program:  # fmt: skip
    return Program(
        statements, values, np.array(constants, float), np.array(index, np.int64),
        Structure(TUPLE, keys=("x",), parts=(Structure(ARRAY, (inputs,)),)),
        Structure(ARRAY, (outputs,)), name,
    )  # fmt: skip


def value(base: int, *strides: int) -> Address:
    return Address(VALUE, base, strides)


def source(base: int, *strides: int, lookup: Lookup | None = None) -> Address:
    return Address(INPUT, base, strides, lookup)


def constant(base: int, *strides: int) -> Address:
    return Address(CONSTANT, base, strides)


def output(base: int, *strides: int) -> Address:
    return Address(OUTPUT, base, strides)


# --- what people record ---------------------------------------------------------------------------


@every_compiler
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_scenario_gives_the_same_bits(row: Scenario, compiler: str, tmp_path: Path) -> None:
    function, example = row.make(*row.small)
    simple = wg.record(function, *example)
    raw = wg.record(function, *example, passes=())
    compiled = Compiled(together([simple, raw]), tmp_path, compiler)
    numbers = simple.arguments.numbers(example)
    for inputs in (numbers, numbers * (1.0 + 1e-12)):
        expected = bits(interpret(simple, inputs))
        assert bits(compiled.outputs("p", inputs)) == expected
        assert bits(compiled.outputs("p_1", inputs)) == expected


@every_compiler
def test_programs_of_every_kind_give_the_same_bits(compiler: str, tmp_path: Path) -> None:
    samples = [s for s in SAMPLES if s.name != "summed"]  # which adds a billion times
    compiled = Compiled(together(samples), tmp_path, compiler)
    for k, each in enumerate(samples):
        inputs = np.linspace(0.5, 0.75, each.arguments.size)
        failed, outputs = compiled.run(name_of(k), inputs)
        if not failed:
            assert bits(outputs) == bits(interpret(each, inputs))


# --- random programs ------------------------------------------------------------------------------


def numbers_for(seed: int, count: int = 7) -> list[float]:
    chance = random.Random(seed)
    return [chance.choice(EDGES) if chance.random() < 0.1 else chance.gauss(0.0, 2.0)
            for _ in range(count)]  # fmt: skip


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 10**6), kind=st.sampled_from(["far", "near", "whiles"]))
def test_random_nests_give_the_same_bits(
    seed: int, kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    programs = [nest(seed + k, near=kind != "far", whiles=kind == "whiles") for k in range(20)]
    for compiler in COMPILERS:
        folder = tmp_path_factory.mktemp("nests")
        compiled = Compiled(together(programs), folder, compiler)
        for k, each in enumerate(programs):
            for inputs in ([0.5, -1.5, 2.25, 0.0, 3.0, -0.75, 1.0], numbers_for(seed + k)):
                broken: list[Guard] = []
                expected = walk(each, inputs, lambda guard, _, seen=broken: seen.append(guard))
                failed, outputs = compiled.run(name_of(k), inputs)
                assert bool(failed) == bool(broken)
                if not failed:
                    assert bits(outputs) == bits(expected)


def with_sums(seed: int) -> tuple[Program, list[float]]:
    """Loops that add to sums, several places of them, in an order that rounding tells."""
    chance = random.Random(seed)
    count, width = chance.randint(1, 9), chance.randint(1, 3)
    index = [chance.randrange(width) for _ in range(count * 4)]
    products, one, each = width, width + 4 * count, width + 4 * count + 1
    inner: list[Statement] = [
        Assign(value(products, 4, 1), primitives.mul, (source(0, 0, 1), constant(0, 4, 1))),
        Accumulate(Address(VALUE, 0, (0, 0), Lookup(0, (4, 1))), value(products, 4, 1)),
        Accumulate(value(one, 0, 0), source(3, 0, -1)),
        Accumulate(value(each, 1, 0), value(products, 4, 1)),
    ]
    body: list[Statement] = [
        Assign(value(each, 1), primitives.neg, (source(2, 0),)),
        Loop(4, tuple(inner)),
        Assign(output(2, 1), None, (value(each, 1),)),
    ]
    statements: list[Statement] = [
        *(Assign(value(k), None, (source(k),)) for k in range(width)),
        Assign(value(one), None, (source(1),)),
        Loop(count, tuple(body)),
        Assign(output(0), primitives.sub, (value(0), value(one))),
        Assign(output(1), None, (value(width - 1),)),
    ]
    constants = [chance.gauss(0.0, 1e8) for _ in range(4 * count)]
    made = program(
        *statements, values=each + count, constants=constants, index=index, outputs=2 + count
    )
    return made, [chance.gauss(0.0, 1.0) * 10 ** chance.randint(-8, 8) for _ in range(4)]


@every_compiler
def test_sums_are_added_up_in_order(compiler: str, tmp_path: Path) -> None:
    made = [with_sums(seed) for seed in range(30)]
    compiled = Compiled(together([each for each, _ in made]), tmp_path, compiler)
    for k, (each, inputs) in enumerate(made):
        assert bits(compiled.outputs(name_of(k), inputs)) == bits(walk(each, inputs))
        assert bits(Interpreter(each)(np.array(inputs))) == bits(walk(each, inputs))


@every_compiler
def test_a_sum_that_ends_in_its_iteration_is_a_variable(compiler: str, tmp_path: Path) -> None:
    text = with_sums(3)[0].to_c("f")
    assert re.search(r"^ +double (v\d+) = -x\[2\];", text, re.MULTILINE)
    dead = program(
        Assign(value(0), None, (source(0),)), Loop(3, (Accumulate(value(0, 0), source(1, 0)),)),
        Assign(output(0), None, (source(3),)),
    )  # fmt: skip
    text = dead.to_c("f")
    assert "v0" not in text
    assert Compiled(text, tmp_path, compiler).outputs("f", [1.0, 2.0, 3.0, 4.0]) == [4.0]


# --- rows -----------------------------------------------------------------------------------------


def of_row(row: Primitive) -> Program:
    places = tuple(source(k) for k in range(row.nin))
    return program(Assign(output(0), row, places), inputs=row.nin, values=0)


@every_compiler
def test_every_row_gives_the_bits_of_its_scalar(compiler: str, tmp_path: Path) -> None:
    rows = list(primitives.rows())
    compiled = Compiled(together(list(map(of_row, rows))), tmp_path, compiler)
    chance = random.Random(1)
    for k, row in enumerate(rows):
        sampled = [[chance.uniform(*interval) for interval in row.domain] for _ in range(100)]
        wild = itertools.islice(itertools.product(EDGES, repeat=row.nin), 1000)
        for operands in (*sampled, *wild, *(edge.at for edge in row.edges)):
            (got,) = compiled.outputs(name_of(k), operands)
            expected = row.scalar(*operands)
            if row.c:
                assert bits(got) == bits(expected), (row, operands)
            elif math.isfinite(expected):
                assert got == pytest.approx(expected, rel=2e-14, abs=1e-300), (row, operands)
            else:
                assert bits(got) == bits(expected), (row, operands)


@every_compiler
def test_the_gamma_family_is_that_of_special(compiler: str, tmp_path: Path) -> None:
    rows = [primitives.lgamma, primitives.digamma, *map(primitives.polygamma, (1, 2, 5, 30, 100))]
    compiled = Compiled(together(list(map(of_row, rows))), tmp_path, compiler)
    chance = random.Random(2)
    points = [chance.uniform(-6.0, 30.0) for _ in range(400)]
    points += [10 ** chance.uniform(-12, 12) for _ in range(200)]
    points += [zero + chance.gauss(0.0, 1e-6) for zero in (1.0, 2.0, 1.4616321449683622)]
    points += [1.0, 2.0, 0.5, 0.75, 1.25, 2.5, 12.0, -0.5, -1.5, -7.0]
    for k, row in enumerate(rows):
        for x in points:
            (got,) = compiled.outputs(name_of(k), [x])
            expected = row.scalar(x)
            if not math.isfinite(expected):
                assert bits(got) == bits(expected), (row, x)
                continue
            near = 1e-11 if x < 0 else 4e-15  # reflection cancels, here and there
            assert got == pytest.approx(expected, rel=near, abs=1e-13 if x < 0 else 0.0), (row, x)


def test_every_row_can_be_exported() -> None:
    assert all(row.c or row.c_near for row in primitives.rows())
    assert not any(row.c and row.c_near for row in primitives.rows())


def test_only_the_functions_that_are_used_are_written() -> None:
    text = record(lambda x: wg.minimum(x, 1.0) % 2.0, 0.5).to_c()
    assert text.count("static double") == 2
    assert "wg_floored_remainder(v0, 2.0)" in text
    assert "wg_minimum(x[0], 1.0)" in text
    assert "static" not in record(lambda x: x * x, 0.5).to_c()
    assert set(c_library._functions()) >= {"strong_product", "integer_power", "digamma"}


# --- while loops ----------------------------------------------------------------------------------


def local(base: int, *strides: int) -> Address:
    return Address("w", base, strides)


def halving(by: Address | None = None, width: int = 3, last: int = 0) -> Program:
    """x[0] halved until it is not above 1; what is left, and how often (or a sum of others)."""
    first = (
        Assign(local(0, width), None, (source(0, 0),)),
        Assign(local(1, width), None, (constant(0, 0),)),
    )
    test = (Assign(local(2, width), primitives.greater, (local(0, width), constant(1, 0))),)
    step = (
        Assign(local(width, width), primitives.mul, (local(0, width), constant(2, 0))),
        Assign(local(width + 1, width), primitives.add, (local(1, width), by or constant(1, 0))),
    )
    moves = (
        Assign(value(0, 0), None, (local(last, width),)),
        Assign(value(1, 0), None, (local(1, width),)),
    )
    outs = [Assign(output(k), None, (value(k),)) for k in range(2)]
    loop = While("w", first, test, local(2, width), step, moves)
    return program(loop, *outs, constants=[0.0, 1.0, 0.5], outputs=2)


@every_compiler
def test_while_loops(compiler: str, tmp_path: Path) -> None:
    programs = [halving(), halving(last=2), wg.record(newton, 3.0), wg.record(newton_nested, 3.0)]
    compiled = Compiled(together(programs), tmp_path, compiler)
    for k, each in enumerate(programs):
        for x in (1000.0, 0.5, 1.0, 1e300, math.nan if k < 2 else 2.0):
            inputs = [x, 0.0, 0.0, 0.0][: each.arguments.size]
            assert bits(compiled.outputs(name_of(k), inputs)) == bits(interpret(each, inputs))
    assert "int k0" not in wg.record(lambda a: wg.while_loop(lambda x: x < 9.0, lambda x: x + x, a),
                                     1.0).to_c().replace("% 2", "")  # fmt: skip


def newton(a: Any) -> Any:
    return wg.while_loop(lambda x: abs(x * x - a) > 1e-9 * a, lambda x: 0.5 * (x + a / x), a)


def newton_nested(a: Any) -> Any:
    def halved(x: Any) -> Any:
        return wg.while_loop(lambda y: y > a, lambda y: 0.5 * y, x * 2.0)

    return wg.while_loop(lambda x: x > 1.0, lambda x: 0.25 * halved(x), a)


@every_compiler
def test_a_while_loop_that_leaves_its_memory_says_so(compiler: str, tmp_path: Path) -> None:
    found = halving(by=source(0, 1))
    compiled = Compiled(found.to_c("f"), tmp_path, compiler)
    assert compiled.run("f", [10.0, 1.0, 2.0, 3.0]) == (0, [0.625, 16.0])
    assert compiled.run("f", [100.0, 1.0, 2.0, 3.0])[0] == -1


# --- guards ---------------------------------------------------------------------------------------


@every_compiler
def test_the_number_of_the_guard_that_failed_is_given(compiler: str, tmp_path: Path) -> None:
    def guard(place: int, limit: int) -> Guard:
        return Guard(value(place, 2), primitives.less, (source(0, 1), source(limit, 0)),
                     constant(1, 0), source=f"model.py:{limit}", label="a limit")  # fmt: skip

    loop = Loop(20, (guard(0, 20), guard(1, 21)))
    out = Assign(output(0), primitives.neg, (value(3),))
    rounded = Guard(value(60), primitives.floor, (source(20),), constant(2), source="b.py:1")
    found = program(loop, rounded, out, inputs=22, constants=[0.0, 1.0, 100.0])
    text = found.to_c("f")
    assert "/* guard 1, a limit, model.py:20 */" in text
    assert "/* guard 3, b.py:1 */" in text
    compiled = Compiled(text, tmp_path, compiler)
    rest = [0.0] * 20
    assert compiled.run("f", [*rest, 100.5, 5.0]) == (0, [-1.0])
    assert compiled.run("f", [*rest, 101.5, 5.0])[0] == 3
    assert compiled.run("f", [*rest, 100.5, 0.0])[0] == 2
    assert compiled.run("f", [*rest, 100.5, math.nan])[0] == 2
    assert compiled.run("f", [*rest[:-1], 200.0, 100.5, 300.0])[0] == 1


@every_compiler
def test_guards_of_long_stretches(compiler: str, tmp_path: Path) -> None:
    def f(x: Any) -> Any:
        total = x
        for k in range(3 * PART):
            total = wg.sin(total) * (0.5 + k % 7) if total < 5.0 else -total
        return total

    found = record(f, 0.3, passes=())
    text = found.to_c("f")
    assert "static int f_part7(" in text
    compiled = Compiled(text, tmp_path, compiler)
    assert bits(compiled.outputs("f", [0.3])) == bits(interpret(found, np.array([0.3])))
    assert compiled.run("f", [7.0])[0] == 1


# --- derivatives ----------------------------------------------------------------------------------

DIFFERENTIATED = [
    *("Rosenbrock", "Runge-Kutta", "perceptron", "LSTM cell", "bundle adjustment"),
    *("branch per element", "heat equation", "Newton, while_loop"),
]


@every_compiler
@pytest.mark.parametrize("name", DIFFERENTIATED)
def test_derivatives_beside_the_program(name: str, compiler: str, tmp_path: Path) -> None:
    row = SCENARIOS[name]
    function, example = row.make(*row.small)
    found = wg.record(function, *example)
    wanted = ["jvp", "vjp", *(["grad", "value_and_grad", "hvp"] if found.results.size == 1 else [])]
    compiled = Compiled(found.to_c("f", derivatives=wanted), tmp_path, compiler)
    numbers = found.arguments.numbers(example)
    directions = np.random.default_rng(5).normal(size=len(numbers))
    weights = np.random.default_rng(6).normal(size=found.results.size)
    further = {"jvp": directions, "hvp": directions, "vjp": weights}
    for each in wanted:
        inputs = np.concatenate((numbers, further.get(each, [])))
        derived = TRANSFORMS[each](found)
        assert bits(compiled.outputs(f"f_{each}", inputs)) == bits(interpret(derived, inputs))
    tangent = compiled.outputs("f_jvp", np.concatenate((numbers, directions)))
    adjoint = compiled.outputs("f_vjp", np.concatenate((numbers, weights)))
    along = np.dot(weights, tangent[found.results.size :])
    assert along == pytest.approx(np.dot(adjoint, directions), rel=1e-8, abs=1e-9)


@every_compiler
def test_a_jacobian_and_a_hessian(compiler: str, tmp_path: Path) -> None:
    def f(x: Any) -> Any:
        return wg.exp(x[0]) * x[1] ** 2 + wg.sin(x[0] * x[1])

    found = wg.record(f, np.array([0.5, 2.0]))
    text = found.to_c("f", derivatives=["jacobian", "hessian"])
    compiled = Compiled(text, tmp_path, compiler)
    x, y = 0.25, -1.5
    e, s, c = math.exp(x), math.sin(x * y), math.cos(x * y)
    slopes = [e * y**2 + y * c, 2 * e * y + x * c]
    assert compiled.outputs("f_jacobian", [x, y]) == pytest.approx(slopes)
    cross = 2 * e * y + c - x * y * s
    assert compiled.outputs("f_hessian", [x, y]) == pytest.approx(
        [e * y**2 - y * y * s, cross, cross, 2 * e - x * x * s]
    )


# --- names and texts ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "f", "_x", "lambda", "double", "exp", "sinf", "main", "λ",
                                  "a-b", "y1", "1st", "wg_relu", "NAN", "<lambda>"])  # fmt: skip
@every_compiler
def test_any_name_of_a_program_becomes_one_of_c(name: str, compiler: str, tmp_path: Path) -> None:
    found = program(Assign(output(0), primitives.relu, (source(0),)), name=name)
    text = found.to_c()
    (made,) = re.findall(r"^int (\w+)\(", text, re.MULTILINE)
    assert Compiled(text, tmp_path, compiler).outputs(made, [2.0, 0, 0, 0]) == [2.0]


@pytest.mark.parametrize("name", ["double", "exp", "sinf", "main", "λ", "a-b", "1st", "_x", "wg_x"])
def test_a_name_that_c_does_not_allow_is_refused(name: str) -> None:
    found = program(Assign(output(0), None, (source(0),)))
    with pytest.raises(OperandError, match="name"):
        found.to_c(name)


@pytest.mark.parametrize("name", sorted(c_names.RESERVED)[::40])
def test_reserved_names_are_refused(name: str) -> None:
    with pytest.raises(OperandError, match="C has it for something else"):
        program(outputs=0).to_c(name)


def test_names_must_differ() -> None:
    found = program(Assign(output(0), None, (source(0),)))
    with pytest.raises(OperandError, match="would be called F_INPUTS"):
        found.to_c("F", derivatives={"INPUTS": found})
    with pytest.raises(OperandError, match="would be called F_A_INPUTS"):
        found.to_c("f", derivatives={"a": found, "A": found})


@pytest.mark.parametrize(
    ("derivatives", "said"),
    [
        ("grad", "a dict from a name"),
        (3, "a list of names"),
        (["slope"], "no derivative 'slope'"),
        ({"grad": 3}, "is a program, not int"),
        ({"a b": 3}, "name"),
    ],
)
def test_derivatives_are_programs_by_name(derivatives: Any, said: str) -> None:
    with pytest.raises(OperandError, match=said):
        program(outputs=0).to_c("f", derivatives=derivatives)


HOSTILE = ["*/ int hacked(void) { return 1; } /*", "/* /* //", "\\", "a\nb\r\0c", "??/ ???/",
           "\u202e", "é", "x" * 1000, "%s %n", '"', "*" * 9 + "/", "\ud800", "*/" * 60]  # fmt: skip


@every_compiler
def test_hostile_texts_stay_in_their_comments(compiler: str, tmp_path: Path) -> None:
    moves = [
        Assign(value(k), primitives.neg, (source(0),), label=text, source=text)
        for k, text in enumerate(HOSTILE)
    ]
    keys = tuple(HOSTILE)
    arguments = Structure(TUPLE, keys=keys, parts=(Structure(ARRAY, (1,)),) * len(keys))
    out = Assign(output(0), primitives.add, (value(0), value(len(moves) - 1)))
    found = program(*moves, out, name=HOSTILE[0])
    found = Program(found.statements, found.values, found.constants, found.index, arguments,
                    found.results, HOSTILE[0])  # fmt: skip
    text = found.to_c("f").encode("utf-8").decode()
    compiled = Compiled(text, tmp_path, compiler)
    assert compiled.outputs("f", [1.0] * len(keys)) == [-2.0]
    assert not hasattr(compiled.library, "hacked")


@pytest.mark.parametrize("text", HOSTILE)
def test_comments_do_not_end(text: str) -> None:
    assert "*/" not in f"{comment(text)} "
    assert comment(text).isprintable()


# --- tables ---------------------------------------------------------------------------------------


@every_compiler
def test_tables_hold_what_is_read(compiler: str, tmp_path: Path) -> None:
    count = 20_000
    numbers = np.random.default_rng(0).normal(size=count + 6)
    numbers[3:8] = [math.inf, -math.inf, math.nan, -0.0, 5e-324]
    index = np.arange(count)[::-1] * 3
    loop = Loop(count, (
        Assign(value(0, 2), primitives.mul, (constant(3, 1), constant(1, 0))),
        Assign(value(1, 2), primitives.add, (value(0, 2), Address(
            INPUT, 0, (0,), Lookup(0, (1,))))),
        Assign(output(0, 1), primitives.mul, (value(1, 2), constant(count + 3, 0))),
    ))  # fmt: skip
    index = index % 4
    found = program(loop, values=2 * count, constants=numbers, index=index, outputs=count)
    text = found.to_c("f")
    assert f"static const double c[{count}]" in text
    assert f"static const int table[{count}]" in text
    compiled = Compiled(text, tmp_path, compiler)
    inputs = [1.0, -2.0, math.pi, -0.0]
    assert bits(compiled.outputs("f", inputs)) == bits(interpret(found, np.array(inputs)))


def test_what_is_one_number_needs_no_table() -> None:
    found = record(lambda x: [2.0 * each for each in x], np.ones(50), passes=())
    assert "static" not in found.to_c()
    loop = Loop(50, (Assign(output(0, 1), primitives.mul, (source(0, 0), constant(0, 1))),))
    text = program(loop, constants=[2.0] * 50, outputs=50).to_c()
    assert "y[k0] = x[0] * 2.0;" in text
    assert "static" not in text


@every_compiler
def test_programs_without_inputs_or_outputs(compiler: str, tmp_path: Path) -> None:
    empty = record(lambda: (), passes=())
    fixed = record(lambda: (1.5, "text", None), passes=())
    compiled = Compiled(together([empty, fixed]), tmp_path, compiler)
    assert compiled.outputs("p", []) == []
    assert compiled.outputs("p_1", []) == [1.5]


# --- the whole file -------------------------------------------------------------------------------


def test_the_header_tells_where_everything_is() -> None:
    def f(w: Any, x: Any, more: Any) -> Any:
        return {"loss": w[0][1] * x + more["b"][2], "all": [x, x, x, x]}

    found = wg.record(f, np.ones((2, 3)), 1.0, {"a": 2.0, "b": [1.0, 2.0, 3.0]})
    text = found.to_c("f", derivatives={"again": found})
    for line in (
        "   x[0..5]              w[2, 3]", "   x[6]                 x",
        "   x[7]                 more.a",
        "   x[8..10]             more.b list(number, number, number)",
        "   y[0]                 out.loss", "   y[1..4]              out.all list(4*number)",
        "#define F_INPUTS 11", "#define F_OUTPUTS 5", "#define F_AGAIN_INPUTS 11",
        f"key {found.key[:16]}", f"Wengert {wg.__version__}",
    ):  # fmt: skip
        assert line in text, text
    many = wg.record(lambda x: list(x.values()), {f"k{k}": 1.0 for k in range(99)})
    assert "... and 59 more" in many.to_c()


def test_a_file_is_not_longer_than_a_compiler_can_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wengert.interop.c.LARGEST", 2)
    with pytest.raises(ProgramError, match="3 statements is more than a compiler"):
        record(lambda x: wg.sin(wg.cos(x)), 1.0, passes=()).to_c()


def test_loops_too_deep_are_refused() -> None:
    strides = (0,) * 101
    body: Statement = Assign(output(0, *strides), None, (source(0, *strides),))
    for _ in strides:
        body = Loop(1, (body,))
    with pytest.raises(ProgramError, match="More than 100 loops"):
        program(body).to_c()
