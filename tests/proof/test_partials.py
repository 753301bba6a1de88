"""Checking a row's partials: every row of the table passes, and with any partial changed, none."""

from dataclasses import replace
from typing import Any

import pytest

from wengert.dispatch import Primitive
from wengert.errors import CheckError
from wengert.primitives import rows
from wengert.proof.partials import POINTS, check_partials, samples

ROWS = [row for row in rows() if not row.facts.stops_gradient]


def changed(row: Primitive, k: int) -> Primitive:
    """The row with its k-th partial a thousandth larger, and some more."""

    def partials(z: Any, *operands: Any) -> tuple[Any, ...]:
        found = list(row.partials(z, *operands))
        found[k] = found[k] * 1.001 + 3.7e-3
        return tuple(found)

    wrong = replace(row)
    wrong.__dict__["partials"] = partials
    return wrong


@pytest.mark.parametrize("row", ROWS, ids=repr)
def test_the_table_is_right(row: Primitive) -> None:
    check_partials(row)


@pytest.mark.parametrize(("row", "k"), [(row, k) for row in ROWS for k in range(row.nin)], ids=repr)
def test_a_partial_that_is_a_little_off_is_found(row: Primitive, k: int) -> None:
    with pytest.raises(CheckError, match=f"by {row.operands[k]} is wrong at"):
        check_partials(changed(row, k))


def test_the_points_fill_the_domain() -> None:
    found = list(samples([(-1.0, 1.0), (10.0, 20.0)]))
    assert len(found) == POINTS
    for column, (low, high) in zip(zip(*found, strict=True), [(-1, 1), (10, 20)], strict=True):
        cells = sorted(int(POINTS * (x - low) / (high - low)) for x in column)
        assert cells == list(range(POINTS))
