"""Pictures of sparsity patterns: what is in them, small and large, and getting them out."""

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wengert.derive.coloring import color_columns, color_rows, color_symmetric
from wengert.derive.pattern import Pattern
from wengert.errors import DrawError
from wengert.show.sparsity import MOST, draw_pattern

TRIDIAGONAL = Pattern.dense(np.eye(12) + np.eye(12, k=1) + np.eye(12, k=-1))


def tiles(svg: str) -> dict[str, int]:
    """Per style, how many rectangles there are."""
    ElementTree.fromstring(svg)
    found = re.findall(r'<path class="s-((?:group|density)\d)" d="([^"]*)"', svg)
    return {style: path.count("M") for style, path in found}


def test_a_small_pattern_has_a_square_for_each_entry() -> None:
    assert sum(tiles(draw_pattern(TRIDIAGONAL).svg).values()) == TRIDIAGONAL.nnz


def test_groups_have_colors_of_their_own() -> None:
    coloring = color_symmetric(TRIDIAGONAL)
    counts = np.bincount(coloring.colors[TRIDIAGONAL.indices])
    found = tiles(draw_pattern(TRIDIAGONAL, coloring).svg)
    assert found == {f"group{k}": count for k, count in enumerate(counts.tolist())}


def test_rows_are_colored_by_row() -> None:
    pattern = Pattern.dense(np.ones((2, 3)))
    assert tiles(draw_pattern(pattern, color_rows(pattern)).svg) == {"group0": 3, "group1": 3}


def test_title_and_marks() -> None:
    svg = draw_pattern(TRIDIAGONAL, color_columns(TRIDIAGONAL)).svg
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    assert "12 × 12" in texts
    assert "34 entries, 24% filled, 3 colors" in texts
    assert texts.count("11") == 2


@pytest.mark.parametrize("colored", [False, True])
def test_a_large_pattern_is_drawn_in_few_cells(colored: bool) -> None:
    n = 5000
    i = np.arange(n)
    columns = np.stack([i, np.full(n, n - 1)], 1).astype(np.int32)
    columns[-1] = n - 2, n - 1
    pattern = Pattern(np.arange(n + 1) * 2, columns.ravel(), (n, n))
    coloring = color_columns(pattern) if colored else None
    found = tiles(draw_pattern(pattern, coloring).svg)
    assert 0 < sum(found.values()) <= 3 * MOST
    assert len(found) > 1  # shades, or colors
    assert len(draw_pattern(pattern).svg) < 60_000


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (1, 1), (1, 3000), (3000, 1), (3, 40)])
@pytest.mark.parametrize("filled", [0.0, 1.0])
def test_odd_shapes(shape: tuple[int, int], filled: float) -> None:
    drawing = draw_pattern(Pattern.dense(np.full(shape, filled)))
    ElementTree.fromstring(drawing.svg)
    assert "nan" not in drawing.svg


@pytest.mark.parametrize("form", ["svg", "png", "pdf", "html"])
@pytest.mark.parametrize("theme", ["auto", "light", "dark"])
def test_saving(form: str, theme: str, tmp_path: Path) -> None:
    path = tmp_path / f"pattern.{form}"
    draw_pattern(TRIDIAGONAL, theme=theme).save(path)
    opening = {"svg": b"<svg", "png": b"\x89PNG", "pdf": b"%PDF", "html": b"<!doctype"}
    assert path.read_bytes().startswith(opening[form])


def test_themes_and_notebooks() -> None:
    drawing = draw_pattern(TRIDIAGONAL)
    assert drawing._repr_svg_() == drawing.svg
    assert "prefers-color-scheme" in drawing.svg
    assert "prefers-color-scheme" not in draw_pattern(TRIDIAGONAL, theme="dark").svg
    assert repr(drawing) == "PatternDrawing(Pattern(12 x 12, 34 entries))"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([[1]], None), "takes a Pattern"), ((TRIDIAGONAL, "blue"), "not one of this pattern"),
        ((TRIDIAGONAL, color_columns(Pattern.dense([[1]]))), "not one of this pattern"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn(arguments: Any, words: str, tmp_path: Path) -> None:
    with pytest.raises(DrawError, match=words):
        draw_pattern(*arguments)
    with pytest.raises(DrawError, match="theme is"):
        draw_pattern(TRIDIAGONAL, theme="pink")
    with pytest.raises(DrawError, match=r"\.svg, \.png, \.pdf or \.html"):
        draw_pattern(TRIDIAGONAL).save(tmp_path / "pattern.gif")
