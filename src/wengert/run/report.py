"""What has been compiled, and how it runs: the report of a compiled function."""

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wengert.run.interpreted import Interpreted
from wengert.run.paths import Path

INTERPRETER, STRAIGHT, LOOPS = "interpreter", "native, straight", "native, loops"
FOUND = " (found)"  # on disk


@dataclass(frozen=True)
class Row:
    """One kernel of one path, or a path that the interpreter runs.

    Args:
        path: the number of the path.
        operations: what its program means.
        statements: what it is stored in.
        tier: how it is run.
        lanes: how many examples are computed at a time.
        prepared: seconds to record the function and make what is to be run of it.
        compiled: seconds to compile it, or to load it where it was found on disk.
        kept: bytes that each lane keeps in memory.
        predicted: nanoseconds that an example is predicted to take on one thread.
        measured: nanoseconds that the examples of this path have taken, all threads together; None
            before any.
    """

    path: int
    operations: int
    statements: int
    tier: str
    lanes: int
    prepared: float
    compiled: float
    kept: int
    predicted: float
    measured: float | None

    def cells(self) -> tuple[str, ...]:
        """As a table shows it."""
        return (
            str(self.path), f"{self.operations:,}", f"{self.statements:,}", self.tier,
            str(self.lanes), f"{self.prepared:.3f}", f"{self.compiled:.3f}", f"{self.kept:,}",
            f"{self.predicted:,.3g}", "-" if self.measured is None else f"{self.measured:,.3g}",
        )  # fmt: skip


HEADERS = (
    "path", "operations", "statements", "tier", "lanes", "recording, s", "compiling, s",
    "bytes a lane", "predicted, ns", "measured, ns",
)  # fmt: skip


@dataclass(frozen=True)
class Report:
    """A table of all kernels: prints well, and is HTML in notebooks."""

    title: str
    rows: tuple[Row, ...]

    def __str__(self) -> str:
        table = [HEADERS, *(row.cells() for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = [
            "  ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
            for cells in table
        ]
        return "\n".join([self.title, *lines])

    def _repr_html_(self) -> str:
        def line(tag: str, cells: Sequence[str]) -> str:
            inside = "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells)
            return f"<tr>{inside}</tr>"

        rows = "".join(line("td", row.cells()) for row in self.rows)
        caption = f"<caption>{html.escape(self.title)}</caption>"
        return f"<table>{caption}<thead>{line('th', HEADERS)}</thead><tbody>{rows}</tbody></table>"


def report(title: str, paths: Sequence[Path]) -> Report:
    """The report of some paths."""
    return Report(title, tuple(row for k, path in enumerate(paths) for row in _rows(k, path)))


def _rows(number: int, path: Path) -> Iterator[Row]:
    tiers, program = path.tiers, path.program
    measured = 1e9 * tiers.seconds / tiers.examples if tiers.examples else None
    common = number, len(program), program.size
    if not tiers.kernels:
        yield _interpreted(tiers.interpreted, common, path.recorded_in)
    for kernel in tiers.kernels.values():
        yield Row(
            *common, (STRAIGHT if kernel.straight else LOOPS) + FOUND * kernel.found,
            kernel.plan.lanes, path.recorded_in,
            kernel.seconds, 8 * kernel.code.scratch, 1e9 * kernel.predicted, measured,
        )  # fmt: skip


def _interpreted(way: Interpreted, common: tuple[int, int, int], recorded_in: float) -> Row:
    blocks = next(filter(None, way.blocks.values()), None)
    lanes, kept = (blocks.width, 8 * blocks.buffer.own) if blocks else (1, 0)
    measured = 1e9 * way.spent_together / way.together if way.together else None
    predicted = 1e9 * way.predicted(lanes) / lanes
    return Row(*common, INTERPRETER, lanes, recorded_in, 0.0, kept, predicted, measured)
