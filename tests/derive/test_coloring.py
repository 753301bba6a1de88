"""Colorings: valid by the definition, fewest where that is known, and the same on both twins."""

import sys
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wengert.derive import coloring as module
from wengert.derive import greedy
from wengert.derive import pattern as patterns
from wengert.derive.coloring import Coloring, color_columns, color_rows, color_symmetric
from wengert.derive.pattern import Pattern
from wengert.errors import MissingExtraError, ProgramError
from wengert.value import engine

TWINS = {
    "plain": (greedy.color_columns_plain, greedy.color_stars_plain),
    "chosen": (greedy.color_columns, greedy.color_stars),
}
RNG = np.random.default_rng(8)


@pytest.fixture(params=TWINS, autouse=True)
def twin(request: pytest.FixtureRequest) -> Iterator[None]:
    columns, stars = TWINS[request.param]
    with (
        mock.patch.object(module, "greedy_columns", columns),
        mock.patch.object(module, "greedy_stars", stars),
    ):
        yield


def masks(symmetric: bool = False, most: int = 9) -> st.SearchStrategy[Any]:
    @st.composite
    def made(draw: Any) -> Any:
        m, n = draw(st.integers(0, most)), draw(st.integers(0, most))
        if symmetric:
            m = n
        density = draw(st.sampled_from([0.1, 0.3, 0.6, 1.0]))
        mask = np.random.default_rng(draw(st.integers(0, 10**6))).random((m, n)) < density
        return mask | mask.T if symmetric else mask

    return made()


# --- validity -------------------------------------------------------------------------------------


def columns_are_apart(mask: Any, colors: Any) -> bool:
    """Whether no row has two columns of one color."""
    return all(len(set(colors[row])) == row.sum() for row in mask)


def stars_only(mask: Any, colors: Any) -> bool:
    """Whether neighbours differ, and no path of four vertices has two colors only."""
    near = [set(np.flatnonzero(row)) - {i} for i, row in enumerate(mask)]
    for b, c in product(range(len(mask)), repeat=2):
        if c not in near[b]:
            continue
        if colors[b] == colors[c]:
            return False
        for a, d in product(near[b] - {c}, near[c] - {b}):
            if a != d and colors[a] == colors[c] and colors[b] == colors[d]:
                return False
    return True


def fewest(mask: Any, valid: Callable[[Any, Any], bool]) -> int:
    """How many colors there must be, by trying all."""
    n = mask.shape[1]
    for number in range(n + 1):
        if any(valid(mask, np.array(c, int)) for c in product(range(number), repeat=n)):
            return number
    raise AssertionError


def recovered(coloring: Coloring, matrix: Any) -> Any:
    by_rows = coloring.kind == "rows"
    return coloring.decompress(
        coloring.seeds().T @ matrix if by_rows else matrix @ coloring.seeds()
    )


@given(mask=masks())
def test_columns_and_rows(mask: Any) -> None:
    pattern = Pattern.dense(mask)
    matrix = np.where(mask, RNG.normal(size=mask.shape), 0.0)
    for coloring, valid in (
        (color_columns(pattern), columns_are_apart(mask, color_columns(pattern).colors)),
        (color_rows(pattern), columns_are_apart(mask.T, color_rows(pattern).colors)),
    ):
        assert valid
        assert (recovered(coloring, matrix) == matrix[mask]).all()
        assert coloring.number == len(set(coloring.colors.tolist()))


@given(mask=masks(symmetric=True))
def test_symmetric(mask: Any) -> None:
    coloring = color_symmetric(Pattern.dense(mask))
    matrix = np.where(mask, RNG.normal(size=mask.shape), 0.0)
    matrix = matrix + matrix.T
    assert stars_only(mask, coloring.colors)
    assert (recovered(coloring, matrix) == matrix[mask]).all()


@given(mask=masks(most=40), stars=masks(symmetric=True, most=40))
def test_the_twins_agree(mask: Any, stars: Any) -> None:
    for shape, (plain, chosen) in (
        (mask, (greedy.color_columns_plain, greedy.color_columns)),
        (stars, (greedy.color_stars_plain, greedy.color_stars)),
    ):
        pattern = Pattern.dense(shape)
        order = RNG.permutation(shape.shape[1]).astype(np.int32)
        assert plain(pattern, order).tolist() == chosen(pattern, order).tolist()
        arguments = pattern.indptr, pattern.indices, shape.shape[1]
        for a, b in zip(
            patterns.transposed_plain(*arguments), patterns.transposed(*arguments), strict=True
        ):
            assert a.tolist() == b.tolist()


def test_long_rows() -> None:
    """Rows that the native twin does not search but remembers."""
    mask = np.eye(700, dtype=bool)
    mask[3, :400] = mask[9, 300:] = True
    mask |= RNG.random(mask.shape) < 0.003
    pattern = Pattern.dense(mask)
    for order in (np.arange(700), RNG.permutation(700)):
        order = order.astype(np.int32)
        colors = greedy.color_columns(pattern, order)
        assert colors.tolist() == greedy.color_columns_plain(pattern, order).tolist()
        assert columns_are_apart(mask, colors)


# --- how many colors ------------------------------------------------------------------------------


def path(n: int) -> Any:
    return abs(np.subtract.outer(np.arange(n), np.arange(n))) <= 1


def band(n: int, half: int) -> Any:
    return abs(np.subtract.outer(np.arange(n), np.arange(n))) <= half


def arrowhead(n: int, hub: int) -> Any:
    mask = np.eye(n, dtype=bool)
    mask[hub] = mask[:, hub] = True
    return mask


def bipartite(m: int, n: int) -> Any:
    mask = np.eye(m + n, dtype=bool)
    mask[:m, m:] = mask[m:, :m] = True
    return mask


@pytest.mark.parametrize(
    ("mask", "number"),
    [
        (path(200), 3), (path(3), 2), (arrowhead(50, 0), 2), (arrowhead(50, 49), 2),
        (arrowhead(50, 20), 2), (np.ones((7, 7), bool), 7), (bipartite(3, 5), 4),
        (bipartite(6, 4), 5), (np.eye(9, dtype=bool), 1), (np.zeros((4, 4), bool), 1),
        (np.zeros((0, 0), bool), 0),
    ],
)  # fmt: skip
def test_symmetric_colorings_with_the_fewest_colors(mask: Any, number: int) -> None:
    coloring = color_symmetric(Pattern.dense(mask))
    assert stars_only(mask, coloring.colors)
    assert coloring.number == number


@pytest.mark.parametrize("half", [0, 1, 2, 5])
def test_bands(half: int) -> None:
    pattern = Pattern.dense(band(60, half))
    assert color_columns(pattern).number == color_rows(pattern).number == 2 * half + 1
    assert color_symmetric(pattern).number <= 2 * half + 1


@pytest.mark.parametrize(
    ("mask", "columns", "rows"),
    [
        (np.ones((1, 30), bool), 30, 1), (np.ones((5, 4), bool), 4, 5), (arrowhead(20, 0), 20, 20),
        (np.eye(12, dtype=bool), 1, 1), (np.zeros((3, 5), bool), 1, 1),
        (np.zeros((0, 5), bool), 1, 0),
    ],
)  # fmt: skip
def test_columns_with_the_fewest_colors(mask: Any, columns: int, rows: int) -> None:
    pattern = Pattern.dense(mask)
    assert (color_columns(pattern).number, color_rows(pattern).number) == (columns, rows)


def test_brute_force_on_small_patterns() -> None:
    """Greedy colorings are often best, and never far off, where all can be tried."""
    off = []
    for _ in range(15):
        mask = RNG.random((5, 5)) < 0.35
        off.append(color_columns(Pattern.dense(mask)).number - fewest(mask, columns_are_apart))
        mask = mask | mask.T
        off.append(color_symmetric(Pattern.dense(mask)).number - fewest(mask, stars_only))
    assert min(off) >= 0
    assert max(off) <= 1
    assert np.mean(off) < 0.2


# --- patterns and errors --------------------------------------------------------------------------


def test_a_coloring_is_a_value() -> None:
    pattern = Pattern.dense(path(5))
    first, second = color_symmetric(pattern), color_symmetric(Pattern.dense(path(5)))
    assert first == second
    assert hash(first) == hash(second)
    assert first != color_columns(pattern)
    assert first != "coloring"
    assert repr(first) == "Coloring(3 colors of 5 rows and columns, 13 entries)"
    with pytest.raises(ValueError, match="read-only"):
        first.colors[0] = 1


def test_patterns() -> None:
    mask = RNG.random((6, 9)) < 0.4
    pattern = Pattern.dense(mask)
    assert (pattern.csr().toarray() == mask).all()
    assert (pattern.transposed.csr().toarray() == mask.T).all()
    assert pattern.transposed.transposed == pattern
    assert {*pattern} == {(int(i), int(j)) for i, j in np.argwhere(mask)}
    assert pattern.nnz == mask.sum()
    assert pattern != Pattern.dense(~mask)
    assert pattern != "pattern"
    assert hash(pattern) == hash(Pattern.dense(mask))
    assert not pattern.is_symmetric
    assert repr(Pattern.dense([[0, 1]])) == "Pattern(1 x 2, 1 entry)"


@pytest.mark.parametrize(
    ("indptr", "indices", "shape", "words"),
    [
        ([0, 1], [0], (2, 2), "3 numbers in indptr"), ([0, 1, 2], [0], (2, 2), "ascend, from 0"),
        ([0, 2, 1], [0], (2, 2), "ascend"), ([0, 1, 2], [0, 2], (2, 2), "below 2"),
        ([0, 2, 2], [1, 0], (2, 2), "below 2"), ([0, 2, 2], [1, 1], (2, 2), "below 2"),
        ([0, 1], [-1], (1, 2), "below 2"), ([0], [], (-1, 2), "at most"),
    ],
)  # fmt: skip
def test_what_is_no_pattern(indptr: Any, indices: Any, shape: Any, words: str) -> None:
    with pytest.raises(ProgramError, match=words):
        Pattern(np.array(indptr), np.array(indices, int), shape)


def test_an_empty_row_between_rows_that_descend_across_it() -> None:
    assert Pattern(np.array([0, 1, 1, 2]), np.array([1, 0]), (3, 2)).nnz == 2


def test_without_scipy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.sparse", None)
    with pytest.raises(MissingExtraError, match=r"wengert\[scipy\]"):
        Pattern.dense([[1]]).csr()


def test_errors() -> None:
    pattern = Pattern.dense(path(4))
    with pytest.raises(ProgramError, match=r"entry \(0, 0\) is summed up"):
        Coloring(pattern, "columns", np.zeros(4, np.int32))
    with pytest.raises(ProgramError, match="cannot be read"):
        Coloring(pattern, "symmetric", np.array([0, 1, 0, 1], np.int32))
    with pytest.raises(ProgramError, match="needs 4 colors"):
        Coloring(pattern, "rows", np.zeros(3, np.int32))
    with pytest.raises(ProgramError, match="not of 'stars'"):
        Coloring(pattern, "stars", np.zeros(4, np.int32))
    with pytest.raises(ProgramError, match=r"shape \(4, 3\), not \(3, 4\)"):
        color_columns(pattern).decompress(np.zeros((3, 4)))
    with pytest.raises(ProgramError, match="is not symmetric"):
        color_symmetric(Pattern.dense([[1, 1], [0, 1]]))


@pytest.mark.skipif(engine != "native", reason="there is no native engine")
def test_the_native_twins_check_what_they_are_given() -> None:
    from wengert import _native

    def i64(*numbers: int) -> Any:
        return np.array(numbers, np.int64)

    def i32(*numbers: int) -> Any:
        return np.array(numbers, np.int32)

    good = i64(0, 1, 2), i32(0, 1)
    bad = [
        (i64(), i32()), (i64(0, 3, 2), i32(0, 1)), (i64(0, 1, 2), i32(0, 5)),
        (i64(1, 1, 2), i32(0, 1)), (i64(0, 1, 2), i32(-1, 0)), (i64(0, 9, 2), i32(0, 1)),
    ]  # fmt: skip
    for pattern in bad:
        with pytest.raises(ValueError, match="rows and columns"):
            _native.transposed(*pattern, 2)
        with pytest.raises(ValueError, match="fit|order"):
            _native.color_stars(*pattern, i32(0, 1))
        with pytest.raises(ValueError, match="fit|order"):
            _native.color_columns(*good, *pattern, i32(0, 1))
    for order in (i32(0), i32(0, 0), i32(0, 2), i32(-1, 0)):
        with pytest.raises(ValueError, match="order"):
            _native.color_stars(*good, order)
        with pytest.raises(ValueError, match="order"):
            _native.color_columns(*good, *good, order)
    lopsided = i64(0, 2, 2), i32(0, 1)
    assert len(_native.color_stars(*lopsided, i32(1, 0))) == 8
    assert len(_native.color_columns(*lopsided, i64(0, 2, 3), i32(1, 1, 0), i32(1, 0))) == 8
