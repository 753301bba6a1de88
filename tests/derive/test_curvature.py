"""What a row's second derivative joins, against numbers: by differences of the stated partials."""

import math
from collections.abc import Iterator

import numpy as np
import pytest

from wengert import primitives as p
from wengert.derive.curvature import pairs_of
from wengert.derive.partials import partials_of
from wengert.dispatch import Primitive

H = 1e-6
# Structure cannot tell that these partials are constant: they are NaN outside the domain.
SUPERSET = {"floordiv", "mod"}


def points(row: Primitive) -> Iterator[list[float]]:
    rng = np.random.default_rng(5)
    for _ in range(12):
        yield [float(rng.uniform(low + 0.01, high - 0.01)) for low, high in row.domain]


def partials_at(row: Primitive, at: list[float]) -> list[float]:
    return [float(partial) for partial in row.partials(row.scalar(*at), *at)]


def seen_pairs(row: Primitive) -> set[tuple[int, int]]:
    """The pairs whose second partial is other than zero at some point."""
    seen = set()
    for at in points(row):
        for j in range(row.nin):
            moved = [x + H * (k == j) for k, x in enumerate(at)]
            differences = np.subtract(partials_at(row, moved), partials_at(row, at))
            seen |= {(min(i, j), max(i, j)) for i in np.flatnonzero(np.abs(differences) > 1e-13)}
    return {(int(i), int(j)) for i, j in seen}


@pytest.mark.parametrize("row", [*p.rows()], ids=repr)
def test_pairs_are_those_that_numbers_show(row: Primitive) -> None:
    if row.name in SUPERSET:
        assert set(pairs_of(row)) >= seen_pairs(row)
    else:
        assert set(pairs_of(row)) == seen_pairs(row)


@pytest.mark.parametrize("row", [*p.rows()], ids=repr)
def test_dependences_are_those_that_numbers_show(row: Primitive) -> None:
    found = np.array([partials_at(row, at) for at in points(row)])
    seen = (found != 0).any(axis=0)
    depends = np.array(partials_of(row).depends)
    assert (depends >= seen).all()
    assert row.name in {*SUPERSET, "select", "minimum", "maximum"} or (depends == seen).all()


@pytest.mark.parametrize(
    ("row", "pairs"),
    [
        (p.add, ()), (p.neg, ()), (p.select, ()), (p.abs, ()), (p.maximum, ()), (p.less, ()),
        (p.powi(0), ()), (p.powi(1), ()), (p.powi(2), ((0, 0),)), (p.powi(-1), ((0, 0),)),
        (p.mul, ((0, 1),)), (p.fma, ((0, 1),)), (p.div, ((0, 1), (1, 1))), (p.exp, ((0, 0),)),
        (p.pow, ((0, 0), (0, 1), (1, 1))), (p.stop_gradient, ()), (p.relu, ()),
    ],
)  # fmt: skip
def test_pairs_of_well_known_rows(row: Primitive, pairs: tuple[tuple[int, int], ...]) -> None:
    assert pairs_of(row) == pairs


def test_no_row_is_linear_by_mistake() -> None:
    smooth = [row for row in p.rows() if row.nin == 1 and not math.isnan(row.scalar(1.25))]
    assert sum(bool(pairs_of(row)) for row in smooth) > 25
