"""From the statements of a program to source text: loops and places are the same in any language.

A subclass says how its language spells them.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from wengert.dispatch import Primitive
from wengert.errors import ProgramError
from wengert.program.address import Address
from wengert.program.dependence import Level, Site, is_sum
from wengert.program.statements import Accumulate, Guard, Loop, Run, While
from wengert.run.place import Buffer


@dataclass(frozen=True, slots=True)
class Loops:
    """How a language spells loops; `{0}` is the counter, or what is tested."""

    counted: str  # `{1}` is the count
    start: str
    forever: str
    leave: str
    advance: str
    end: str  # what closes a block; "" where indentation does
    deepest: int  # as many loops may be inside each other


class Writer(ABC):
    """Source text that runs the statements of a program in the order in which they stand."""

    loops: Loops

    def __init__(self, buffer: Buffer) -> None:
        self.buffer, self.kept = buffer, buffer.kept
        self.lines: list[str] = []
        self.depth = 1
        self.counting: set[int] = set()  # the depths of the loops that are open
        self._inside = 0

    def line(self, text: str) -> None:
        """One line, as deep as it stands."""
        self.lines.append("    " * self.depth + text)

    def open(self, text: str) -> None:
        """A line that opens the block of a loop."""
        self.line(text)
        self.depth += 1
        self._inside += 1
        if self._inside > self.loops.deepest:
            raise ProgramError(
                f"More than {self.loops.deepest} loops inside each other cannot be run."
            )

    def close(self) -> None:
        """The end of that block."""
        self.depth -= 1
        self._inside -= 1
        if self.loops.end:
            self.line(self.loops.end)

    # --- what stands in the text ------------------------------------------------------------------

    def tree(self, tree: Sequence[Site | Level]) -> None:
        """All statements."""
        for item in tree:
            if isinstance(item, Site):
                self.site(item)
            else:
                self.level(item)

    def level(self, level: Level) -> None:
        """A loop."""
        if isinstance(level.loop, Loop):
            self.open_loop(level.depth, level.loop.count)
            self.tree(level.parts[0])
            self.close_loop(level.depth)
        else:
            self.counting.add(level.depth)
            self.repeat(level, f"k{level.depth}")
            self.counting.remove(level.depth)

    def open_loop(self, depth: int, count: int) -> None:
        """The beginning of a loop that runs so often."""
        self.open(self.loops.counted.format(f"k{depth}", count))
        self.counting.add(depth)

    def close_loop(self, depth: int) -> None:
        """The end of one."""
        self.counting.remove(depth)
        self.close()

    def repeat(self, level: Level, counter: str) -> None:
        """A loop that runs as long as its condition holds."""
        first, test, body, last = level.parts
        self.line(self.loops.start.format(counter))
        self.tree(first)
        self.open(self.loops.forever)
        self.tree(test)
        self.tree(body)
        self.line(self.loops.advance.format(counter))
        self.close()
        self.tree(last)

    def site(self, site: Site) -> None:
        """One statement."""
        statement = site.statement
        if isinstance(statement, Run):
            self.run(site, statement)
            return
        operands = [self.operand(site, address) for address in site.reads]
        if isinstance(statement, While):
            self.line(self.loops.leave.format(operands[0]))
        elif isinstance(statement, Accumulate):
            self.assign(site, f"{operands[0]} + {operands[1]}")
        elif isinstance(statement, Guard):
            *operands, expected = operands
            self.guard(site, statement, operands, expected)
        elif statement.row is None:
            self.assign(site, operands[0])
        else:
            self.assign(site, self.applied(statement.row, operands))

    def operand(self, site: Site, address: Address) -> str:
        """What a site reads: a variable where it is a register, else a place of a memory."""
        register = self.kept.registers.get((site, address))
        return self.place(site, address) if register is None else self.variable(register)

    def variable(self, site: Site) -> str:
        """What holds a site's result where no memory does."""
        return f"v{site.number}"

    def result(self, site: Site) -> str:
        """Where the result of a statement goes."""
        assert site.target is not None
        if self.buffer.is_kept(site):
            return self.place(site, site.target)
        return self.operand(site, site.target) if is_sum(site) else self.variable(site)

    # --- what the language has to say -------------------------------------------------------------

    @abstractmethod
    def run(self, site: Site, run: Run) -> None:
        """A straight stretch."""

    @abstractmethod
    def guard(self, site: Site, guard: Guard, operands: Sequence[str], expected: str) -> None:
        """A guard."""

    @abstractmethod
    def assign(self, site: Site, text: str) -> None:
        """An expression becomes a site's result."""

    @abstractmethod
    def applied(self, row: Primitive, operands: Sequence[str]) -> str:
        """An operation as an expression."""

    @abstractmethod
    def place(self, site: Site, address: Address) -> str:
        """A place of a memory."""
