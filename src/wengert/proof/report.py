"""What `check` found, as data, as a table of text and as HTML."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from operator import attrgetter
from typing import TYPE_CHECKING

from wengert.errors import CheckError
from wengert.proof.table import as_html, as_text, chosen, counted, short

if TYPE_CHECKING:
    from wengert.value import Value

VERDICTS = (
    "wrong", "not filled", "undecided", "cannot check", "not differentiable", "kink", "right",
)  # fmt: skip
HEADINGS = ("node", "data", ".grad", "numerical", "error", "verdict", "")
NUMBERS = range(1, 5)  # the columns that hold numbers


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """What was found at one node.

    Attributes:
        node: the Value.
        name: its label, or a name made up for it.
        data: its number.
        grad: the gradient that stood there.
        numeric: the numerical derivative; NaN where there is none.
        bound: the estimated error of the numerical derivative.
        left: the slope from the left; NaN where it was not found.
        right: the slope from the right.
        verdict: one word or two, see `check`.
        reason: where there is more to say, why.
    """

    node: "Value"
    name: str
    data: float
    grad: float
    numeric: float
    bound: float
    left: float
    right: float
    verdict: str
    reason: str

    @property
    def ok(self) -> bool:
        """Whether the gradient is not known to be wrong."""
        return self.verdict not in ("wrong", "not filled")

    @property
    def unproved(self) -> bool:
        """Whether there was nothing to compare the gradient with."""
        return self.verdict in ("cannot check", "not differentiable")

    @property
    def error(self) -> float:
        """How far the gradient is from the numerical derivative."""
        return abs(self.grad - self.numeric)

    def as_dict(self) -> dict[str, float | str]:
        """The row without its node, for JSON and data frames."""
        return {
            "name": self.name, "data": self.data, "grad": self.grad, "numeric": self.numeric,
            "error": self.error, "bound": self.bound, "left": self.left, "right": self.right,
            "verdict": self.verdict, "reason": self.reason,
        }  # fmt: skip

    def __repr__(self) -> str:
        return f"<{self.name}: {self.verdict}>"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Report:
    """One finding per node, the root first; true where no gradient is wrong or not filled.

    Attributes:
        rows: the findings.
        stale: names of the nodes whose data are not what the leaves give now.
        size: how many nodes the graph has.
    """

    rows: tuple[Finding, ...]
    stale: tuple[str, ...]
    size: int

    @property
    def ok(self) -> bool:
        """Whether no gradient is wrong or not filled, and not all were beyond checking."""
        return not self.wrong and not (self.rows and all(row.unproved for row in self.rows))

    @property
    def wrong(self) -> tuple[Finding, ...]:
        """The findings that are wrong or not filled."""
        return tuple(row for row in self.rows if not row.ok)

    @property
    def worst(self) -> Finding | None:
        """The finding with the largest error relative to the derivative; None of no nodes."""
        known = [row for row in self.rows if isfinite(row.error)] or list(self.rows)
        return max(known, key=lambda row: (not row.ok, _relative(row)), default=None)

    def raise_if_wrong(self) -> None:
        """Raise CheckError if the report is not ok, naming the first ten gradients at fault."""
        wrong = self.wrong
        if self.ok:
            return
        if not wrong:
            first = self.rows[0]
            raise CheckError(f"No gradient could be checked: {first.name}: {first.reason}.")
        lines = [
            f"  {row.name}: .grad is {row.grad!r}, and the derivative is {row.numeric:.10g}"
            f"{f': {row.reason}' if row.reason else ''}"
            for row in wrong[:10]
        ]
        if len(wrong) > 10:
            lines.append(f"  … and {len(wrong) - 10:,} more")
        of = f"{len(wrong):,} of {len(self.rows):,} gradients are wrong or not filled"
        raise CheckError("\n".join([f"{of}:", *lines, *self._remarks()]))

    def __bool__(self) -> bool:
        return self.ok

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, node: "Value | str") -> Finding:
        """The finding for a node, or for a node's name."""
        for row in self.rows:
            if row.node is node or row.name == node:
                return row
        raise KeyError(node)

    def __str__(self) -> str:
        shown, rest = self._shown()
        return as_text(HEADINGS, list(map(_cells, shown)), NUMBERS, self._notes(rest))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """The table for a notebook."""
        shown, rest = self._shown()
        rows = [(_cells(row), not row.ok) for row in shown]
        return as_html(HEADINGS, rows, NUMBERS, self._notes(rest))

    def _shown(self) -> tuple[list[Finding], list[str]]:
        return chosen(self.rows, attrgetter("verdict"), VERDICTS)

    def _notes(self, rest: list[str]) -> list[str]:
        return [*rest, f"{self._summary()}.", *self._remarks()]

    def _summary(self) -> str:
        said = counted([row.verdict for row in self.rows], VERDICTS)
        of = f" of {self.size:,} nodes" if len(self.rows) < self.size else ""
        return (said or "Nothing to check") + of

    def _remarks(self) -> list[str]:
        if not self.stale:
            return []
        some = ", ".join(self.stale[:3]) + (", …" if len(self.stale) > 3 else "")
        return [
            f"The data of {some} are not what the leaves give now; the check computed them again. "
            "Call forward() on the root, zero_grad() and backward(), and check again."
        ]


def _relative(row: Finding) -> float:
    size = max(abs(row.grad), abs(row.numeric))
    return row.error / size if size else 0.0


def _cells(row: Finding) -> tuple[str, ...]:
    numeric = f"{row.numeric:.8g}" if row.numeric == row.numeric else "—"
    numeric = repr(float(numeric)) if numeric != "—" else numeric
    error = f"{row.error:.1g}" if row.error == row.error else "—"
    name = row.name.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    return (
        name, short(row.data), short(row.grad), numeric, error, row.verdict, row.reason,
    )  # fmt: skip
