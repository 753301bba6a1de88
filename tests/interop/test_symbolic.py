"""Programs as SymPy's expressions: the numbers of the program, and its derivatives."""

import math
import random
import sys
from typing import Any

import numpy as np
import pytest
from evaluate import walk
from test_c import with_sums

import wengert as wg
from scenarios import SCENARIOS
from wengert import primitives
from wengert.dispatch import Primitive
from wengert.errors import MissingExtraError, ProgramError
from wengert.interop import symbolic
from wengert.program.program import Program
from wengert.program.record import record

sympy = pytest.importorskip("sympy")
MODULES = ["scipy", "numpy"]


def computed(program: Program, numbers: Any) -> Any:
    """The outputs, by SymPy's own way to numbers."""
    symbols = [sympy.Symbol(name, real=True) for name in symbolic.names(program)]
    expressions = program.results.elements(program.to_sympy())
    with np.errstate(all="ignore"):
        return sympy.lambdify(symbols, expressions, modules=MODULES)(*numbers)


@pytest.mark.parametrize("row", list(primitives.rows()), ids=repr)
def test_every_row_is_a_function_of_sympy(row: Primitive) -> None:
    chance = random.Random(3)
    program = record(lambda *x: row(*x), *[(a + b) / 2 for a, b in row.domain], passes=())
    for _ in range(30):
        operands = [chance.uniform(*interval) for interval in row.domain]
        assert computed(program, operands) == pytest.approx([row.scalar(*operands)], rel=1e-12)


@pytest.mark.parametrize("x", [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5, 0.49, -3.51, 7.0])
def test_rounding_at_ties(x: float) -> None:
    for row in (primitives.rint, primitives.trunc, primitives.ceil, primitives.floor):
        assert computed(record(lambda x, row=row: row(x), 0.1, passes=()), [x]) == [row.scalar(x)]


@pytest.mark.parametrize("x", [-8.0, 0.0, 8.0])
def test_the_cube_root_is_real(x: float) -> None:
    assert computed(record(wg.cbrt, 1.0), [x]) == pytest.approx([math.cbrt(x)])


def test_the_gamma_function_below_zero() -> None:
    assert computed(record(wg.lgamma, 1.0), [-2.3]) == pytest.approx([math.lgamma(-2.3)])


@pytest.mark.parametrize(
    ("name", "size"),
    [("Rosenbrock", (6,)), ("perceptron", (3, 2, 2)), ("logistic regression", (4, 3)),
     ("branch per element", (8,)), ("Cholesky", (3,)), ("Gaussian mixture", (2, 2, 2))],
)  # fmt: skip
def test_scenarios(name: str, size: tuple[int, ...]) -> None:
    function, example = SCENARIOS[name].make(*size)
    program = wg.record(function, *example)
    numbers = program.arguments.numbers(example) * 1.01
    expected = np.ravel(program.results.elements(program(*program.arguments.tree(numbers))))
    assert computed(program, numbers) == pytest.approx(expected.tolist(), rel=1e-9)


def test_sums_are_added_up() -> None:
    program, inputs = with_sums(4)
    assert computed(program, inputs) == pytest.approx(walk(program, inputs), rel=1e-9)


def f(x: Any, y: Any) -> Any:
    return wg.where(x > 1.0, wg.sin(x * y) + x**3, y / (1.0 + wg.exp(-x)))


def test_the_derivative_is_that_of_the_function() -> None:
    program = wg.record(f, 2.0, 0.5)
    x, y = sympy.symbols("x y", real=True)
    for at in ((2.0, 0.5), (0.25, -1.5)):
        for k, symbol in enumerate((x, y)):
            slope = sympy.diff(program.to_sympy(), symbol).subs({x: at[0], y: at[1]})
            step = [1e-6 * (j == k) for j in range(2)]
            up, down = (
                program(*(a + s * b for a, b in zip(at, step, strict=True))) for s in (1, -1)
            )
            assert float(slope) == pytest.approx((up - down) / 2e-6, rel=1e-7)


def test_expressions_are_as_one_writes_them() -> None:
    x, y = sympy.symbols("x y", real=True)
    assert wg.record(lambda x, y: x * wg.sin(y) + 2.0, 1.0, 2.0).to_sympy() == x * sympy.sin(y) + 2
    assert wg.record(lambda x: wg.where(x > 1.0, x, -x), 2.0).to_sympy() == sympy.Piecewise(
        (x, x > 1), (-x, True)
    )


def test_results_keep_their_structure() -> None:
    program = wg.record(lambda p: {"a": p["x"][1] * 2.0, "b": -p["x"]}, {"x": np.ones(2)})
    found = program.to_sympy()
    first, second = sympy.symbols("p_x_0 p_x_1", real=True)
    assert found["a"] == 2 * second
    assert found["b"].tolist() == [-first, -second]


def test_names_differ() -> None:
    program = wg.record(lambda x, x_0: x[0] + x_0, np.ones(1), 1.0)
    assert symbolic.names(program) == ["x_0", "x_0_"]


def test_a_loop_without_a_count_has_no_formula() -> None:
    program = wg.record(lambda a: wg.while_loop(lambda x: x < 9.0, lambda x: x * 2.0, a), 1.0)
    with pytest.raises(ProgramError, match="has no formula"):
        program.to_sympy()


def test_what_is_too_long_is_refused() -> None:
    program = wg.record(lambda x: wg.fori(20_000, lambda k, y: wg.sin(y), x), 1.0)
    with pytest.raises(ProgramError, match=r"at most 10,000 of them, and program has 40,000"):
        program.to_sympy()


def test_without_sympy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sympy", None)
    with pytest.raises(MissingExtraError, match=r"wengert\[symbolic\]"):
        wg.record(wg.sin, 1.0).to_sympy()
