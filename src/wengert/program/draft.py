"""A program taken apart, so that its statements can be changed, moved and dropped one by one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from wengert.dispatch import Primitive
from wengert.program.address import Address
from wengert.program.quick import quick
from wengert.program.statements import Accumulate, Assign, Guard, Loop, Run, Statement, While

FIRST, TEST, BODY, LAST = range(4)  # the parts of a While


@quick
@dataclass(eq=False, slots=True)
class Frame:
    """A loop; a `While` has four parts, and nobody knows its count."""

    count: int | None
    parts: list[list["Item"]]
    local: str = ""
    condition: Address | None = None
    again: bool = False

    def inside(self, axes: "Axes", part: int = 0) -> "Axes":
        """The counters that a line in one of its parts meets, if the loop itself meets these."""
        rounds = self.count if not self.local else 1 if part == FIRST else None
        return (*axes, Axis(self, part, rounds))


class Axis(NamedTuple):
    """A counter as a line meets it.

    Args:
        frame: the loop.
        part: in which part of it the line stands.
        rounds: how many values the counter takes; None where that is not known.
    """

    frame: Frame
    part: int
    rounds: int | None


Axes = tuple[Axis, ...]


@quick
@dataclass(eq=False, slots=True)
class Line:
    """A plain statement, and the loops around it, outermost first."""

    kind: type[Assign] | type[Accumulate] | type[Guard]
    target: Address
    row: Primitive | None
    reads: tuple[Address, ...]  # what a guard expects comes last
    axes: Axes
    label: str = field(default="")
    source: str = field(default="")

    @property
    def operands(self) -> tuple[Address, ...]:
        """What the row is applied to."""
        return self.reads[:-1] if self.kind is Guard else self.reads

    @property
    def is_move(self) -> bool:
        """Whether it only copies."""
        return self.kind is Assign and self.row is None


Item = Line | Frame | Run


def drafted(statements: Sequence[Statement], axes: Axes = ()) -> list[Item]:
    """The items for statements."""
    out: list[Item] = []
    for statement in statements:
        if isinstance(statement, Run):
            out.append(statement)
        elif isinstance(statement, Loop):
            if not statement.count:
                continue  # nothing ever happens in it
            frame = Frame(statement.count, [], again=statement.again)
            frame.parts.append(drafted(statement.body, frame.inside(axes)))
            out.append(frame)
        elif isinstance(statement, While):
            frame = Frame(None, [], statement.local, statement.condition)
            bodies = (statement.first, statement.test, statement.body, statement.last)
            for part, body in enumerate(bodies):
                frame.parts.append(drafted(body, frame.inside(axes, part)))
            out.append(frame)
        else:
            out.append(_line(statement, axes))
    return out


def _line(statement: Assign | Accumulate | Guard, axes: Axes) -> Line:
    target, label, source = statement.target, statement.label, statement.source
    if isinstance(statement, Accumulate):
        return Line(Accumulate, target, None, (statement.operand,), axes, label, source)
    if isinstance(statement, Guard):
        reads = (*statement.operands, statement.expected)
        return Line(Guard, target, statement.row, reads, axes, label, source)
    return Line(Assign, target, statement.row, statement.operands, axes, label, source)


def stated(items: Sequence[Item]) -> tuple[Statement, ...]:
    """The statements for items."""
    return tuple(map(_statement, items))


def _statement(item: Item) -> Statement:
    if isinstance(item, Run):
        return item
    if isinstance(item, Frame):
        bodies = [stated(part) for part in item.parts]
        if item.count is not None:
            return Loop(item.count, bodies[0], item.again)
        assert item.condition is not None
        first, test, body, last = bodies
        return While(item.local, first, test, item.condition, body, last)
    if item.kind is Guard:
        assert item.row is not None
        *operands, expected = item.reads
        return Guard(item.target, item.row, tuple(operands), expected, item.label, item.source)
    if item.kind is Accumulate:
        return Accumulate(item.target, item.reads[0], item.label, item.source)
    return Assign(item.target, item.row, item.reads, item.label, item.source)


def lines(items: Sequence[Item]) -> list[Line]:
    """Every line, in the order of the text."""
    found: list[Line] = []
    for item in items:
        if isinstance(item, Line):
            found.append(item)
        elif isinstance(item, Frame):
            for part in item.parts:
                found += lines(part)
    return found


def frames(items: Sequence[Item], axes: Axes = ()) -> list[tuple[Frame, Axes]]:
    """Every loop and the loops around it, inner ones first."""
    found: list[tuple[Frame, Axes]] = []
    for item in items:
        if isinstance(item, Frame):
            for part, body in enumerate(item.parts):
                below = [each for each in body if isinstance(each, Frame)]
                if below:
                    found += frames(below, item.inside(axes, part))
            found.append((item, axes))
    return found


def bodies(items: list[Item]) -> Iterator[list[Item]]:
    """Every list of items that stand in one body, inner ones first."""
    for frame, _ in frames(items):
        yield from frame.parts
    yield items


def reading(items: Sequence[Item]) -> Iterator[tuple[Address, Axes]]:
    """Every address that is read outside columns, and the loops around the reader."""
    for line in lines(items):
        for address in line.reads:
            yield address, line.axes
    for frame, axes in frames(items):
        if frame.condition is not None:
            yield frame.condition, frame.inside(axes, TEST)
