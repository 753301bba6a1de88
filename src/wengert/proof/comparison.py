"""What `check` of a function found: a row for each derivative that a transform gave."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite

from wengert.errors import CheckError
from wengert.proof.table import as_html, as_text, chosen, counted, short

VERDICTS = ("wrong", "undecided", "cannot check", "not differentiable", "kink", "right")
HEADINGS = ("transform", "derivative", "value", "numerical", "error", "verdict", "")
NUMBERS = range(2, 5)  # the columns that hold numbers


@dataclass(frozen=True, slots=True)
class Comparison:
    """One number that a transform gave, beside the number it is compared with.

    Attributes:
        transform: what gave it.
        name: what it is the derivative of, and by what.
        value: the number.
        numeric: the numerical derivative; for an identity, its other side; NaN where there is none.
        bound: the estimated error of the numerical derivative.
        verdict: one word or two, see `check`.
        reason: where there is more to say, why.
    """

    transform: str
    name: str
    value: float
    numeric: float
    bound: float
    verdict: str
    reason: str = ""

    @property
    def ok(self) -> bool:
        """Whether the number is not known to be wrong."""
        return self.verdict != "wrong"

    @property
    def error(self) -> float:
        """How far it is from the number it is compared with."""
        return abs(self.value - self.numeric)

    def as_dict(self) -> dict[str, float | str]:
        """The row, for JSON and data frames."""
        return {
            "transform": self.transform, "name": self.name, "value": self.value,
            "numeric": self.numeric, "error": self.error, "bound": self.bound,
            "verdict": self.verdict, "reason": self.reason,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """A row whose partial derivative is not the slope of its value.

    Attributes:
        row: its name.
        operand: the operand's name.
        at: the operands.
        partial: what the row states.
        numeric: the slope, measured.
        source: the line of the user's code that it stands in, if known.
        label: of the result, if it has one.
    """

    row: str
    operand: str
    at: tuple[float, ...]
    partial: float
    numeric: float
    source: str
    label: str

    def __str__(self) -> str:
        where = ", ".join(filter(None, (self.label, self.source)))
        at = ", ".join(f"{number:.6g}" for number in self.at)
        return (
            f"{self.row}({at}){f' ({where})' if where else ''} states the partial "
            f"{self.partial:.6g} by {self.operand}, and its slope is {self.numeric:.6g}"
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FunctionReport:
    """All comparisons; true where no derivative is wrong.

    Attributes:
        rows: the comparisons.
        faults: the rows of the table, or of the user's, that are to blame.
        notes: what was not looked at.
    """

    rows: tuple[Comparison, ...]
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether no derivative is wrong, and not all were beyond checking."""
        unproved = ("cannot check", "not differentiable")
        return not self.wrong and not (
            self.rows and all(row.verdict in unproved for row in self.rows)
        )

    @property
    def wrong(self) -> tuple[Comparison, ...]:
        """The comparisons that came out wrong."""
        return tuple(row for row in self.rows if not row.ok)

    @property
    def worst(self) -> Comparison | None:
        """The comparison with the largest relative error; None of no rows."""
        known = [row for row in self.rows if isfinite(row.error)] or list(self.rows)
        return max(known, key=lambda row: (not row.ok, _relative(row)), default=None)

    def raise_if_wrong(self) -> None:
        """Raise CheckError if the report is not ok, naming the first ten derivatives at fault."""
        if self.ok:
            return
        if not self.wrong:
            first = self.rows[0]
            raise CheckError(f"No derivative could be checked: {first.name}: {first.reason}.")
        lines = [
            f"  {row.transform}: {row.name} is {row.value!r}, not {row.numeric:.10g}: {row.reason}"
            for row in self.wrong[:10]
        ]
        if len(self.wrong) > 10:
            lines.append(f"  … and {len(self.wrong) - 10:,} more")
        of = f"{len(self.wrong):,} of {len(self.rows):,} derivatives are wrong"
        raise CheckError("\n".join([f"{of}:", *lines, *self._blame()]))

    def __bool__(self) -> bool:
        return self.ok

    def __iter__(self) -> Iterator[Comparison]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, name: str) -> tuple[Comparison, ...]:
        """The comparisons of one derivative, or of one transform."""
        found = tuple(row for row in self.rows if name in (row.name, row.transform))
        if not found:
            raise KeyError(name)
        return found

    def __str__(self) -> str:
        shown, rest = self._shown()
        return as_text(HEADINGS, [_cells(*each) for each in shown], NUMBERS, self._remarks(rest))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """The table for a notebook."""
        shown, rest = self._shown()
        rows = [(_cells(*each), not each[1].ok) for each in shown]
        return as_html(HEADINGS, rows, NUMBERS, self._remarks(rest))

    def _shown(self) -> tuple[list[tuple[str, Comparison]], list[str]]:
        """Transforms that agree, and what they say; what is equal in print stands once."""
        lines: dict[tuple[str, ...], tuple[list[str], Comparison]] = {}
        for row in self.rows:
            key = (row.name, f"{row.value + 0.0:.8g}", row.verdict, row.reason)
            lines.setdefault(key, ([], row))[0].append(row.transform)
        grouped = [(", ".join(dict.fromkeys(ways)), row) for ways, row in lines.values()]
        return chosen(grouped, lambda line: line[1].verdict, VERDICTS)

    def _remarks(self, rest: list[str]) -> list[str]:
        said = counted([row.verdict for row in self.rows], VERDICTS) or "Nothing to check"
        return [*rest, f"{said}.", *self._blame(), *self.notes]

    def _blame(self) -> list[str]:
        return [f"To blame: {fault}." for fault in self.faults[:5]]


def _relative(row: Comparison) -> float:
    size = max(abs(row.value), abs(row.numeric))
    return row.error / size if size else 0.0


def _cells(transforms: str, row: Comparison) -> tuple[str, ...]:
    numeric = f"{row.numeric:.8g}" if row.numeric == row.numeric else "—"
    error = f"{row.error:.1g}" if row.error == row.error else "—"
    return (
        transforms, row.name, short(row.value), numeric, error, row.verdict, row.reason,
    )  # fmt: skip
