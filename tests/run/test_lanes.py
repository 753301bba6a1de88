"""Operators over lanes: each gives what NumPy gives, to the last bit, for every number of lanes."""

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy import inf, nan

from wengert.run.lanes import SIZES, Block, Lanes, literal

pytest.importorskip("llvmlite")
from on_llvm import evaluated

POINTS = np.array(
    [0.0, -0.0, 1.0, -1.0, 0.5, 2.5, 3.5, -2.5, 1e308, -1e308, 5e-324, 0.1, inf, -inf, nan, math.pi]
)
X, Y = (each.ravel() for each in np.meshgrid(POINTS, POINTS))
SMALL = np.array([0.0, 1.0, -1.0, 7.9, -7.9, 1e9, -1e9, 0.5])


def same(got: Any, wanted: Any) -> None:
    """Equal bits, but for which NaN it is."""
    got, wanted = np.asarray(got), np.asarray(wanted, dtype=float)
    number = ~np.isnan(wanted)
    assert (np.isnan(got) == np.isnan(wanted)).all()
    assert (got[number].view(np.int64) == wanted[number].view(np.int64)).all()


def truth(mask: Any) -> Lanes:
    result: Lanes = mask.select(1.0, 0.0)
    return result


UNARY: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "neg": (operator.neg, np.negative),
    "abs": (abs, np.absolute),
    "sqrt": (Lanes.sqrt, np.sqrt),
    "floor": (Lanes.floor, np.floor),
    "ceil": (Lanes.ceil, np.ceil),
    "trunc": (Lanes.trunc, np.trunc),
    "rint": (Lanes.rint, np.rint),
    "x + 0.1": (lambda x: x + 0.1, lambda x: x + 0.1),
    "0.1 + x": (lambda x: 0.1 + x, lambda x: 0.1 + x),
    "0.1 - x": (lambda x: 0.1 - x, lambda x: 0.1 - x),
    "0.1 * x": (lambda x: 0.1 * x, lambda x: 0.1 * x),
    "0.1 / x": (lambda x: 0.1 / x, lambda x: 0.1 / x),
    "x / -0.0": (lambda x: x / -0.0, lambda x: x / -0.0),
    "is_nan": (lambda x: truth(x.is_nan()), np.isnan),
    "bits": (
        lambda x: ((x.bits() & ((1 << 63) - 1)) ^ (1 << 52)).as_doubles(),
        lambda x: ((x.view(np.int64) & ((1 << 63) - 1)) ^ (1 << 52)).view(float),
    ),
    "unsigned_shift": (
        lambda x: x.bits().unsigned_shift(52).to_doubles(),
        lambda x: (x.view(np.uint64) >> np.uint64(52)).astype(float),
    ),
}
BINARY: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = {
    "add": (operator.add, np.add),
    "sub": (operator.sub, np.subtract),
    "mul": (operator.mul, np.multiply),
    "div": (operator.truediv, np.true_divide),
    "copysign": (Lanes.copysign, np.copysign),
    "<": (lambda x, y: truth(x < y), np.less),
    "<=": (lambda x, y: truth(x <= y), np.less_equal),
    ">": (lambda x, y: truth(x > y), np.greater),
    ">=": (lambda x, y: truth(x >= y), np.greater_equal),
    "equals": (lambda x, y: truth(x.equals(y)), np.equal),
    "differs": (lambda x, y: truth(x.differs(y)), np.not_equal),
    "and": (lambda x, y: truth((x < y) & (y > 0.0)), lambda x, y: (x < y) & (y > 0.0)),
    "or": (lambda x, y: truth((x < y) | (y > 0.0)), lambda x, y: (x < y) | (y > 0.0)),
    "xor": (lambda x, y: truth((x < y) ^ (y > 0.0)), lambda x, y: (x < y) ^ (y > 0.0)),
    "not": (lambda x, y: truth(~(x < y)), lambda x, y: ~(x < y)),
    "at_most": (lambda x, y: x.at_most(y), lambda x, y: np.where(x > y, y, x)),
    "at_least": (lambda x, y: x.at_least(y), lambda x, y: np.where(x < y, y, x)),
    "rarely": (
        lambda x, y: x.block.rarely(y > 3.0, x, lambda: x.block.rarely(x > 0.0, y, lambda: x * y)),
        lambda x, y: np.where(y > 3.0, np.where(x > 0.0, x * y, y), x),
    ),
}
INTEGERS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "sums": (lambda k: 3 - ((k + 5) * k - k), lambda k: 3 - ((k + 5) * k - k)),
    "bits": (lambda k: (k & 12) | ((k ^ 5) & 3), lambda k: (k & 12) | ((k ^ 5) & 3)),
    "shifts": (lambda k: (k << 3) + (k >> 2), lambda k: (k << 3) + (k >> 2)),
    "select": (
        lambda k: (k.equals(7) | (k < -7)).select(k.block.whole(5), (k > 0).select(k, -2)),
        lambda k: np.where((k == 7) | (k < -7), 5, np.where(k > 0, k, -2)),
    ),
    "differs": (
        lambda k: k.differs(k & 1).select(k.block.whole(1), 0),
        lambda k: (k != k & 1).astype(int),
    ),
}


@pytest.mark.parametrize("lanes", SIZES)
@pytest.mark.parametrize("name", UNARY)
def test_of_one_operand(name: str, lanes: int) -> None:
    formula, reference = UNARY[name]
    with np.errstate(all="ignore"):
        same(evaluated(formula, lanes, 1)(X), reference(X))


@pytest.mark.parametrize("lanes", SIZES)
@pytest.mark.parametrize("name", BINARY)
def test_of_two_operands(name: str, lanes: int) -> None:
    formula, reference = BINARY[name]
    with np.errstate(all="ignore"):
        same(evaluated(formula, lanes, 2)(X, Y), reference(X, Y))


@pytest.mark.parametrize("lanes", SIZES)
@pytest.mark.parametrize("name", INTEGERS)
def test_of_integers(name: str, lanes: int) -> None:
    formula, reference = INTEGERS[name]
    got = evaluated(lambda x: formula(x.to_integers()).to_doubles(), lanes, 1)(SMALL)
    same(got, reference(SMALL.astype(np.int64)))


@pytest.mark.parametrize("lanes", SIZES)
def test_fma_is_rounded_once(lanes: int) -> None:
    x = 1.0 + 2.0**-30 * np.arange(1, 18)
    exact = evaluated(lambda x, y: x.fma(y, -(x * y)), lanes, 2)(x, x)
    wanted = [float(int(k * 2**30) ** 2 - int(k * k * 2**52) * 2**8) / 2.0**60 for k in x]
    same(exact, wanted)
    assert any(wanted)


def test_sums_and_products_are_fused_where_that_is_asked_for_only() -> None:
    x = 1.0 + 2.0**-30 * np.arange(1, 18)
    same(evaluated(lambda x: x * x - 1.0, 4, 1)(x), x * x - 1.0)
    text = Block(4, "contract")
    y = text.named("%y")
    (y + y) / (y * (y - 1.0))
    assert [line.split(" = ")[1].split(" <")[0] for line in text.lines] == [
        "fadd contract", "fsub contract", "fmul contract", "fdiv"
    ]  # fmt: skip


def test_rare_lanes_are_not_computed_where_there_are_none() -> None:
    def formula(x: Lanes) -> Lanes:
        return x.block.rarely(x > 100.0, x, lambda: x / 0.0)

    block = Block(2)
    formula(block.named("%x"))
    text = "\n".join(block.lines)
    taken = text.index("rare.")
    assert text.index("br i1") < taken < text.index("fdiv") < text.index("phi")
    assert block.label.startswith("joined.")


def test_constants_keep_every_bit() -> None:
    for value in (0.0, -0.0, 0.1, -5e-324, inf, -inf):
        same(evaluated(lambda x, value=value: (x > x).select(x, value), 2, 1)([1.0]), [value])
    assert literal(1.0) == "0x3ff0000000000000"
    assert literal(-0.0) == "0x8000000000000000"


@pytest.mark.parametrize("lanes", [0, 3, 32, -1])
def test_other_sizes_are_refused(lanes: int) -> None:
    with pytest.raises(ValueError, match="Lanes come in"):
        Block(lanes)
