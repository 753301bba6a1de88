"""The vector math: within its bounds everywhere, exact at its edges, the same for every N."""

import itertools
import math
from collections.abc import Callable
from math import inf, nan
from typing import Any

import numpy as np
import pytest

from wengert.dispatch import Primitive
from wengert.primitives import TABLE
from wengert.run import coefficients
from wengert.run.lanes import SIZES, Block
from wengert.run.vector_math import (
    BOUNDS,
    FUNCTIONS,
    definition,
    definitions,
    needed,
    operands,
    scalarized,
    sin_cos,
    symbol,
)

pytest.importorskip("llvmlite")
from on_llvm import compiled, loop, on_arrays
from on_llvm import vector_function as function
from points import points, worst

COUNT = 700  # points of each of three kinds
SPECIAL = [
    0.0,
    -0.0,
    inf,
    -inf,
    nan,
    1.0,
    -1.0,
    5e-324,
    -5e-324,
    2.0**-1022,
    1.7976931348623157e308,
]
SPECIAL += [-1.7976931348623157e308, 2.0, -2.0, 0.5, -0.5, 3.0, -3.0, 1e-300, 1e300, 1e22, -1e22]
SPECIAL += [1.0 - 2.0**-53, 1.0 + 2.0**-52, 2.0**53, 2.0**53 + 2.0, 709.78, 710.0, -745.0, -745.2]
SPECIAL += [-708.5, 2.0**30, 2.0**31, -1e10, 20.0, 1e-8, 27.3]


def row_of(name: str) -> Primitive:
    row = TABLE[name]
    assert isinstance(row, Primitive)
    return row


def same_bits(got: Any, wanted: Any) -> bool:
    """Equal to the last bit, but for which NaN it is."""
    number = ~np.isnan(wanted)
    return bool(
        (np.isnan(got) == np.isnan(wanted)).all()
        and (got[number].view(np.int64) == wanted[number].view(np.int64)).all()
    )


def test_every_function_is_a_row_with_a_bound() -> None:
    assert set(FUNCTIONS) <= set(TABLE)
    assert set(FUNCTIONS) == set(BOUNDS)
    for name in FUNCTIONS:
        assert len(operands(name)) == row_of(name).nin


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_are_within_their_bound(name: str) -> None:
    error, where = worst(name, function(name), COUNT)
    assert error <= BOUNDS[name], where


@pytest.mark.parametrize("name", FUNCTIONS)
def test_edges_are_those_of_the_row(name: str) -> None:
    row, apply = row_of(name), function(name, 2)
    for edge in row.edges:
        got = float(apply(*[[x] for x in edge.at])[0])
        if edge.value != edge.value:
            assert got != got, edge
        elif math.isfinite(edge.value) and edge.value:
            assert abs(got - edge.value) <= BOUNDS[name] * math.ulp(edge.value), edge
        else:
            assert (got, math.copysign(1.0, got)) == (edge.value, math.copysign(1.0, edge.value)), (
                edge
            )


@pytest.mark.parametrize("name", FUNCTIONS)
def test_special_operands_give_what_the_row_gives(name: str) -> None:
    """Zeros with their signs, infinities, NaN, the ends of the range, and all their pairs."""
    row = row_of(name)
    chosen = list(itertools.product(SPECIAL, repeat=row.nin))
    for point, got in zip(chosen, function(name, 4)(*np.array(chosen).T), strict=True):
        wanted = row.scalar(*point)
        if wanted != wanted:
            assert got != got, point
        elif math.isfinite(wanted) and wanted:
            assert abs(got - wanted) <= (BOUNDS[name] + 3.0) * math.ulp(wanted), point
        else:
            assert (got, math.copysign(1.0, got)) == (wanted, math.copysign(1.0, wanted)), point


@pytest.mark.parametrize("name", FUNCTIONS)
def test_results_do_not_depend_on_the_number_of_lanes(name: str) -> None:
    chosen = points(name, 150)
    special = list(itertools.product(SPECIAL, repeat=row_of(name).nin))
    columns = np.array(chosen + special).T
    columns = columns[:, np.random.default_rng(0).permutation(columns.shape[1])]
    wanted = function(name, 1)(*columns)
    for lanes in SIZES[1:]:
        assert same_bits(function(name, lanes)(*columns), wanted), lanes


@pytest.mark.parametrize("name", FUNCTIONS)
def test_facts_of_the_rows_hold_to_the_last_bit(name: str) -> None:
    facts, apply = row_of(name).facts, function(name)
    columns = np.array(points(name, 300)).T
    value = apply(*columns)
    if facts.odd:
        assert same_bits(apply(-columns[0]), -value)
    if facts.even:
        assert same_bits(apply(-columns[0]), value)
    if facts.commutative:
        assert same_bits(apply(*columns[::-1]), value)


def test_powers_of_the_base_have_whole_logarithms() -> None:
    assert (function("log2")(2.0 ** np.arange(-1022, 1024)) == np.arange(-1022, 1024)).all()
    assert (function("log10")([10.0**k for k in range(23)]) == np.arange(23)).all()
    assert (function("exp2")(np.arange(-1074.0, 1024.0)) == 2.0 ** np.arange(-1074.0, 1024.0)).all()
    assert (function("cbrt")(np.arange(1000.0) ** 3) == np.arange(1000.0)).all()


def test_negative_bases_have_powers_of_whole_exponents() -> None:
    x, y = (
        each.ravel() for each in np.meshgrid([-3.0, -0.7, -1e200, -1e-200], np.arange(-9.0, 9.0))
    )
    wanted = [row_of("pow").scalar(float(a), float(b)) for a, b in zip(x, y, strict=True)]
    np.testing.assert_array_max_ulp(function("pow")(x, y), np.array(wanted), 2)
    assert np.isnan(function("pow")(x, y + 0.5)).all()


def test_one_large_angle_does_not_change_its_neighbours() -> None:
    x = np.linspace(-3.0, 3.0, 64)
    mixed = x.copy()
    mixed[::8] = 1e300
    for name in ("sin", "cos", "tan"):
        apply = function(name)
        alone, together = apply(x), apply(mixed)
        assert same_bits(np.delete(together, np.s_[::8]), np.delete(alone, np.s_[::8]))
        assert (together[::8] == row_of(name).scalar(1e300)).all()


def test_sine_and_cosine_together_are_what_they_are_alone() -> None:
    columns = np.array(points("sin", 300) + [(x,) for x in SPECIAL]).T
    for k, name in enumerate(("sin", "cos")):
        text = _formula(lambda x, k=k: sin_cos(x)[k], 1, "contract")
        assert same_bits(on_arrays(text, "formula", 8, 1)(*columns), function(name)(*columns))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_formula_written_into_a_block_keeps_its_bits(name: str) -> None:
    """Also where the block lets sums and products be fused."""
    columns = np.array(points(name, 100)).T
    text = _formula(lambda *xs: FUNCTIONS[name](*xs), len(columns), "contract")
    got = on_arrays(text, "formula", 8, len(columns))(*columns)
    assert same_bits(got, function(name)(*columns))


def _formula(formula: Callable[..., Any], count: int = 1, flags: str = "") -> str:
    block = Block(8, flags)
    names = [f"%x{k}" for k in range(count)]
    result = formula(*map(block.named, names))
    assert block.flags.strip() == flags
    places = ", ".join(f"{block.doubles} {name}" for name in names)
    body = "\n".join(block.lines)
    head = f"define {block.doubles} @formula({places}) {{\nentry:\n"
    return f"{needed(block.declarations)}{head}{body}\nret {block.doubles} {result.name}\n}}\n"


# --- wrong numbers are caught ---------------------------------------------------------------------

USED = {
    "EXP": "expm1", "EXP2": "exp2", "SINH": "sinh", "COSH": "cosh", "TANH": "tanh", "LOG": "log1p",
    "LOG_TAIL": "pow", "INVERSE_CUBE_ROOT": "cbrt", "SIN": "sin", "COS": "cos", "ASIN": "asin",
    "ATAN": "atan", "ERF": "erf", "ERF_TAIL": "erf", "ERFC_TAIL": "erfc",
}  # fmt: skip


def test_every_polynomial_is_tested() -> None:
    assert set(USED) == {name for name in vars(coefficients) if name.isupper()}


@pytest.mark.parametrize("table", USED)
def test_a_wrong_coefficient_is_caught(table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first and the middle one changed by little, and the last one left out."""
    name, right = USED[table], getattr(coefficients, table)
    little = 0.5 if table == "INVERSE_CUBE_ROOT" else 2.0**-24  # its steps mend what is less
    for at in (0, len(right) // 2, len(right) - 1):
        wrong = list(right)
        wrong[at] = 0.0 if at == len(right) - 1 else right[at] * (1.0 + little)
        monkeypatch.setattr(coefficients, table, tuple(wrong))
        count = len(operands(name))
        text = _formula(lambda *xs: FUNCTIONS[name](*xs), count)
        error, _ = worst(name, on_arrays(text, "formula", 8, count), COUNT)
        assert error > BOUNDS[name], at


# --- the text -------------------------------------------------------------------------------------


def test_definitions_hold_each_function_once() -> None:
    text = definitions(["sin", "cos", "tan", "exp", "sin", "scalars.sin"], 4)
    defined = [
        line.split("(")[0] for line in text.splitlines() if line.startswith(("define", "decl"))
    ]
    assert len(set(defined)) == len(defined)
    assert sum("@wengert." in line for line in defined) == 7  # the three for large angles
    assert definition("exp", 4) in text
    assert scalarized("sin", 4) in text
    assert compiled(text + loop("wengert.sin.4", 4, 1), "loop")


@pytest.mark.parametrize("name", ["exp", "erf", "pow", "atan2"])
@pytest.mark.parametrize("lanes", SIZES)
def test_scalars_are_the_library_s_own(name: str, lanes: int) -> None:
    columns = np.random.default_rng(1).uniform(0.1, 3.0, (len(operands(name)), 37))
    got = function(f"scalars.{name}", lanes)(*columns)
    assert list(got) == [row_of(name).scalar(*map(float, point)) for point in columns.T]


def test_scalars_of_a_row_without_a_formula() -> None:
    got = function("scalars.lgamma", 4)([0.25, 3.0, 10.0])
    np.testing.assert_allclose(got, [math.lgamma(x) for x in (0.25, 3.0, 10.0)], rtol=1e-13)


@pytest.mark.parametrize("name", ["exp", "sin", "pow"])
def test_processors_without_fused_multiply_add_give_the_same_bits(name: str) -> None:
    columns = np.array(points(name, 40)).T
    text = definitions([name], 2)
    plain = on_arrays(text, symbol(name, 2), 2, len(columns), cpu="generic", features="")
    assert same_bits(plain(*columns), function(name)(*columns))
