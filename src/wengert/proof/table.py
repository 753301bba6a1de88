"""A table of findings, as text for a terminal and as HTML for a notebook."""

from collections import Counter
from collections.abc import Callable, Sequence
from html import escape
from typing import TypeVar

SHOWN = 40  # rows; of more, those that are right are left out first
T = TypeVar("T")


def chosen(
    rows: Sequence[T], verdict: Callable[[T], str], weights: Sequence[str]
) -> tuple[list[T], list[str]]:
    """The rows to show, and a line about the others.

    Args:
        rows: all of them.
        verdict: of a row.
        weights: the verdicts, those to be shown first in front.
    """
    if len(rows) <= SHOWN:
        return list(rows), []
    by_weight = sorted(rows, key=lambda row: weights.index(verdict(row)))
    left_out = Counter(map(verdict, by_weight[SHOWN:]))
    rest = ", ".join(f"{left_out[v]:,} more {v}" for v in weights if left_out[v])
    return by_weight[:SHOWN], [f"… and {rest}"]


def counted(verdicts: Sequence[str], weights: Sequence[str]) -> str:
    """How many there are of each."""
    counts = Counter(verdicts)
    return ", ".join(f"{counts[v]:,} {v}" for v in reversed(weights) if counts[v])


def as_text(
    headings: Sequence[str], rows: Sequence[Sequence[str]], numbers: range, notes: Sequence[str]
) -> str:
    """Columns side by side, those in `numbers` to the right; the notes below."""
    cells = [headings, *rows]
    widths = [max(len(row[k]) for row in cells) for k in range(len(headings))]
    lines = []
    for row in cells:
        aligned = [
            cell.rjust(width) if k in numbers else cell.ljust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(aligned).rstrip())
    return "\n".join([*lines, *notes])


def as_html(
    headings: Sequence[str],
    rows: Sequence[tuple[Sequence[str], bool]],
    numbers: range,
    notes: Sequence[str],
) -> str:
    """The same for a notebook, rows that are marked in bold.

    Colours are inherited, so it reads on light and dark.
    """
    last = len(headings) - 1

    def cell(k: int, text: str, tag: str, bold: bool) -> str:
        align = "right" if k in numbers else "left"
        space = "normal" if k == last else "pre"
        weight = "font-weight:bold;" if bold else ""
        style = f"text-align:{align};padding:0.1em 0.7em;white-space:{space};{weight}"
        return f'<{tag} style="{style}">{escape(text)}</{tag}>'

    head = "".join(cell(k, text, "th", False) for k, text in enumerate(headings))
    body = "".join(
        f"<tr>{''.join(cell(k, text, 'td', bold) for k, text in enumerate(row))}</tr>"
        for row, bold in rows
    )
    below = "".join(f"<div>{escape(note)}</div>" for note in notes)
    return (
        '<div><table style="border-collapse:collapse;color:inherit;background:transparent">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{below}</div>"
    )


def short(number: float) -> str:
    """A number as a table shows it."""
    return repr(number) if len(repr(number)) <= 12 else f"{number:.8g}"
