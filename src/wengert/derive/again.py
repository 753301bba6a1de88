"""What the way back computes again, since keeping it would take too much memory.

A statement's partials need its operands and its result. What a loop has computed in one round, and
used in that round only, is either kept for every round or computed again from what is kept: one
more evaluation of the body, and no memory.
"""

from collections.abc import Sequence
from math import prod

from wengert.derive.blocks import Blocks
from wengert.derive.partials import partials_of
from wengert.derive.space import Body, counts_of
from wengert.derive.uses import Here, Uses
from wengert.program.address import Address
from wengert.program.draft import Axes, Item, Line
from wengert.program.statements import Assign

STORE, BODY = "store", "body"
AMPLE = 1 << 22  # numbers that a loop may keep, if nobody asks for less


class Again:
    """The statements of bodies that are computed again.

    Args:
        uses: the uses in the program.
        way: "store" to keep everything, "body" to compute again what can be; None for what takes
            much memory.

    Attributes:
        blocks: the loops that are marked to be computed again.
    """

    def __init__(self, uses: Uses, way: str | int | None) -> None:
        self.uses, self.way = uses, way
        self.blocks = Blocks(uses)

    def lines(self, items: Sequence[Item], axes: Axes) -> list[Line]:
        """The statements of a body to be computed again, in order."""
        if self.way == STORE or not axes:
            return []
        here = [item for item in items if isinstance(item, Line)]
        own = {line.target: line for line in here if self._can(line)}
        needed: set[int] = set()
        for line in reversed(here):
            wanted = list(line.reads) if id(line) in needed else []
            if id(line) in self.uses.useful:
                wanted += _needed(line)
            needed |= {id(own[address]) for address in wanted if address in own}
        found = [line for line in here if id(line) in needed]
        inner = max((k + 1 for k, axis in enumerate(axes) if axis.frame.again), default=0)
        much = len(found) * prod(counts_of(axes[inner:])) > AMPLE
        return found if much or self.way == BODY else []

    def _can(self, line: Line) -> bool:
        """Whether a result is not kept anyway."""
        return line.kind is Assign and not self.uses.is_read_far(line)


def _needed(line: Line) -> list[Address]:
    """What the partials of a statement are computed from."""
    if line.row is None:
        return []
    partials = partials_of(line.row)
    numbers = {arg for step in partials.steps for arg in step.args if isinstance(arg, int)}
    numbers |= {result for result in partials.results if isinstance(result, int)}
    environment = (line.target, *line.reads)
    return [environment[k] for k in sorted(numbers) if k < len(environment)]


def repeated(lines: Sequence[Line], here: Here, body: Body) -> dict[Address, Address]:
    """Write statements down once more.

    Args:
        lines: statements of one body.
        here: where a value is that was kept.
        body: where to.

    Returns:
        Where the results are, by where they were.
    """
    found: dict[Address, Address] = {}
    for line in lines:
        body.source = line.source
        depth = len(line.axes)
        reads = tuple(found.get(read) or here(read, line.axes, depth) for read in line.reads)
        found[line.target] = body.apply(line.row, reads)
    return found
