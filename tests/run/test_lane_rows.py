"""Every row in lanes gives the bits of its own value, at its edges and wherever else."""

import itertools
import math

import numpy as np
import pytest
from batches import LIST, LOOP, Way, bits, kernel, run

import wengert as wg
from wengert import primitives
from wengert.dispatch import Family, Primitive
from wengert.primitives import TABLE
from wengert.program.address import INPUT, OUTPUT, Address
from wengert.program.program import Program
from wengert.program.statements import Assign
from wengert.program.structure import ARRAY, TUPLE, Structure
from wengert.run.columns import STRIDED, UNIT
from wengert.run.lane_rows import Rows
from wengert.run.lanes import Block

pytest.importorskip("llvmlite")
MEMBERS = {
    "powi": [-3, -2, -1, 0, 2, 3, 4, 7, 64, 65, 1000], "powc": [0.5, -0.5, 1.5, 1e300],
    "polygamma": [1, 2],
}  # fmt: skip
ROWS: list[Primitive] = [row for row in TABLE.values() if not isinstance(row, Family)]
ROWS += [TABLE[name](n) for name, numbers in MEMBERS.items() for n in numbers]
LARGE = [math.nan, math.inf, 1e308, 5e-324, 2.0**53, 2.0**52 + 0.5, 710.0, 0.1, 0.5, 1.5, 2.5, 1.0]
SPECIAL = [*LARGE[1:], *(-x for x in LARGE[1:]), 0.0, -0.0, math.nan]


def of_rows(rows: list[Primitive], nin: int) -> Program:
    """All rows on the same operands."""
    operands = tuple(Address(INPUT, k) for k in range(nin))
    statements = [Assign(Address(OUTPUT, k), row, operands) for k, row in enumerate(rows)]
    arguments = Structure(TUPLE, keys=("x",), parts=(Structure(ARRAY, (nin,)),))
    none = np.empty(0), np.empty(0, np.int64)
    return Program(tuple(statements), 0, *none, arguments, Structure(ARRAY, (len(rows),)))


def points(rows: list[Primitive], nin: int) -> np.ndarray:
    """Edges, whatever is special, and points within the domains."""
    found = [edge.at for row in rows for edge in row.edges]
    numbers = SPECIAL if nin < 3 else SPECIAL[::4]
    found += itertools.product(numbers, repeat=nin)
    rng = np.random.default_rng(0)
    for row in rows:
        found += [tuple(rng.uniform(*interval) for interval in row.domain) for _ in range(5)]
    return np.array(found)


@pytest.mark.parametrize(
    "way", [Way(LIST, UNIT, 1), Way(LIST, STRIDED, 8), Way(LOOP, UNIT, 4), Way(LOOP, STRIDED, 2),
            Way(LIST, UNIT, 16)], ids=str,
)  # fmt: skip
@pytest.mark.parametrize("nin", [1, 2, 3])
def test_every_row_has_its_own_bits(nin, way):
    rows = [row for row in ROWS if row.nin == nin]
    at = points(rows, nin)
    found, failed = run(kernel(of_rows(rows, nin), way), at, way)
    expected = np.array([[row.scalar(*x) for row in rows] for x in at.tolist()])
    assert not failed.any()
    wrong = np.argwhere(bits(found) != bits(expected))
    said = [
        (rows[k].name, rows[k].params, tuple(at[i]), found[i, k], expected[i, k]) for i, k in wrong
    ]
    assert not said


def test_all_rows_are_there():
    assert {row.nin for row in ROWS} == {1, 2, 3}
    assert {row.name for row in ROWS} == TABLE.keys()


@pytest.mark.parametrize("n", [-64, -7, -3, -1, 0, 1, 2, 3, 5, 13, 64])
def test_whole_powers_are_products_where_they_need_not_have_the_bits_of_pow(n):
    row = TABLE["powi"](n)
    made = kernel(of_rows([row], 1), Way(LIST), exact=False)
    assert '@"pow"' not in made.code.text
    xs = np.array([[0.5], [-1.25], [3.0], [0.0], [-0.0], [math.inf], [math.nan], [1e-3]])
    found, _ = run(made, xs, Way(LIST))
    expected = np.array([[row.scalar(float(x))] for x in xs[:, 0]])
    np.testing.assert_allclose(found, expected, rtol=abs(n) * 2.3e-16 + 2.3e-16)
    assert np.array_equal(np.signbit(found[:-2]), np.signbit(expected[:-2]))


def test_products_are_fused_with_sums_unless_bits_are_wanted():
    program = wg.record(lambda x, y, z: x * y + z, 1.0, 1.0, 1.0)
    x, y = 1.0 + 2.0**-30, 1.0 - 2.0**-30
    at = np.array([[x, y, -1.0]] * 4)
    exact, fused = (
        run(kernel(program, Way(LIST), exact=e), at, Way(LIST))[0] for e in (True, False)
    )
    assert np.all(exact == x * y - 1.0)
    assert np.all((fused == -(2.0**-60)) | (fused == exact))


def test_rows_without_a_spelling_are_called_in_python():
    made = kernel(
        of_rows([primitives.digamma, primitives.lgamma, primitives.digamma], 1), Way(LIST)
    )
    assert sorted(row.name for row in made.code.python.values()) == ["digamma", "lgamma"]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("{0} + {1}*2.0", 2),
        ("-{0} < {1} ? 1.0 : {0}/{1}", 4),
        ("({0} > 0.0) - ({0} < 0.0)", 5),
        ("{0} == {1} || {0} != {0} && 1.0 <= {1}", 6),
        ("(double)({0} >= 1e-3)", 2),
    ],
)
def test_expressions_of_c(text, lines):
    block = Block(4)
    operands = [block.named("%x"), block.named("%y")]
    row = wg.custom_rule(
        "any_c", lambda x, y: 0.0, lambda z, x, y: (0.0, 0.0), domain=[(0, 1), (0, 1)], c=text,
        check=False,
    )  # fmt: skip
    found = Rows(exact=True).applied(row, operands)
    assert found.name.startswith("%v")
    assert len(block.lines) == lines
