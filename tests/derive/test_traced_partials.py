"""Traced partials: the bits of the row's own rule, zeros by structure, what is needed."""

import math
from typing import Any

import pytest
from evaluate import bits

from oracle import samples
from wengert import primitives as p
from wengert.derive.partials import Step, local, partials_of, product, total
from wengert.dispatch import Primitive
from wengert.operand import local_partials

ROWS = list(p.rows())
every_row = pytest.mark.parametrize("row", ROWS, ids=repr)


def apply(row: Primitive, args: tuple[float, ...]) -> float:
    return row.scalar(*args)


def written(row: Primitive, xs: tuple[float, ...], wanted: list[int]) -> list[float]:
    """The partials at floats, by what was traced."""
    return local(row, [row.scalar(*xs), *xs], wanted, float, apply)


@every_row
def test_they_are_those_of_the_row_bit_for_bit(row: Primitive) -> None:
    points = [*samples(row, 20), *(edge.at for edge in row.edges)]
    for xs in points:
        expected = local_partials(row, row.scalar(*xs), xs)
        assert bits(written(row, xs, list(range(row.nin)))) == bits(expected), xs
        for k in range(row.nin):
            assert bits(written(row, xs, [k])) == bits(expected[k])


@every_row
def test_needs_are_in_order_and_closed(row: Primitive) -> None:
    partials = partials_of(row)
    first = 1 + row.nin
    for k, step in enumerate(partials.steps):
        assert all(isinstance(arg, float) or arg < first + k for arg in step.args)
    for needs, result in zip(partials.needs, partials.results, strict=True):
        assert list(needs) == sorted(set(needs))
        for step in needs:
            behind = [a - first for a in partials.steps[step].args if isinstance(a, int)]
            assert all(other in needs for other in behind if other >= 0)
        assert isinstance(result, float) or result < first or result - first in needs
    used = {step for needs in partials.needs for step in needs}
    assert used == set(range(len(partials.steps))), "nothing is traced that no partial needs"


@pytest.mark.parametrize(
    ("row", "depends"),
    [
        (p.less, (False, False)), (p.floor, (False,)), (p.stop_gradient, (False,)),
        (p.select, (False, True, True)), (p.add, (True, True)), (p.powi(0), (False,)),
        (p.powi(1), (True,)), (p.mul, (True, True)),
    ],
    ids=repr,
)  # fmt: skip
def test_zeros_by_structure(row: Primitive, depends: tuple[bool, ...]) -> None:
    assert partials_of(row).depends == depends


def test_traces_by_hand() -> None:
    assert partials_of(p.sub).results == (1.0, -1.0)
    assert partials_of(p.exp).results == (0,), "the result itself"
    tanh = partials_of(p.tanh)
    assert tanh.steps == (Step(p.mul, (0, 0)), Step(p.sub, (1.0, 2)))
    assert tanh.needs == ((0, 1),)
    assert partials_of(p.tanh) is tanh, "once for each row"


def test_equal_steps_are_one_but_zeros_of_either_sign_are_not() -> None:
    def rule(z: Any, x: Any) -> tuple[Any]:
        return ((x + 0.0) * (x + 0.0) + (x + -0.0),)

    row = Primitive("twice", "", lambda x: x, lambda x: x, rule, [(0.0, 1.0)])
    names = [step.row.name for step in partials_of(row).steps]
    assert names == ["add", "mul", "add", "add"]


def test_products_and_sums() -> None:
    made: list[tuple[str, tuple[Any, ...]]] = []

    def note(row: Primitive, args: tuple[Any, ...]) -> str:
        made.append((row.name, args))
        return f"{row.name}{len(made)}"

    assert product("a", 1.0, str, note) == "a"
    assert product("a", -1.0, str, note) == "neg1"
    assert product("a", 2.5, str, note) == "mul2"
    assert product("a", math.inf, str, note) == "strong_mul3"
    assert product("a", "b", str, note) == "strong_mul4"
    assert total(["a"], note) == "a"
    assert total(["a", "b", "c"], note) == "add6"
    assert made[1:] == [
        ("mul", ("a", "2.5")), ("strong_mul", ("a", "inf")), ("strong_mul", ("a", "b")),
        ("add", ("a", "b")), ("add", ("add5", "c")),
    ]  # fmt: skip
