"""Running sums that begin with their first two terms, begun with none.

NumPy adds up an array from its first number on, so what is recorded is x[0] + x[1], and a loop over
the others. That loop cannot be one with the loop that makes the terms: it is two rounds ahead. As
-0 + x is x, whatever x is, the loop over all terms from -0 on gives the same bits.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from wengert.primitives import add
from wengert.program.address import CONSTANT, VALUE, Address
from wengert.program.dependence import Level, Site
from wengert.program.program import Program
from wengert.program.rewrite import with_instead
from wengert.program.statements import Assign, Loop, Statement
from wengert.program.storage import Storing
from wengert.run.digits import Moved, groups, with_moved

MOST = 1000  # statements of a program that is looked at


def unpeeled(program: Program) -> Program:
    """The same program; itself if no sum begins so."""
    if program.size > MOST or not any(map(_may_be, program.statements)):
        return program
    storing = Storing(program)
    sums = [found for item in storing.layout.tree if (found := _Sum.of(item, storing))]
    known = groups(storing) if sums else {}
    moved: Moved = {}
    instead: dict[int, Sequence[Statement]] = {}
    end, nothing = program.values, len(program.constants)
    for each in sums:
        addresses = known.get(storing.kept_with(each.first))
        if addresses and not any(address.lookup for address, _ in addresses):
            shift = each.shift(end)
            for address, counts in addresses:
                moved[address.base, address.strides, counts] = address.base + shift, address.strides
            instead |= each.begun_with(nothing, shift)
            end += each.size
    if not instead:
        return program
    statements = with_moved(with_instead(program.statements, instead), moved)
    constants = np.append(program.constants, -0.0)
    return replace(program, statements=tuple(statements), constants=constants, values=end)


def _may_be(statement: Statement) -> bool:
    if not isinstance(statement, Loop):
        return False
    return len(statement.body) == 1 and isinstance(statement.body[0], Assign)


@dataclass(frozen=True)
class _Sum:
    """A running sum outside all other loops.

    Args:
        first: the statement that adds its first two terms.
        rest: that which adds one in each round of a loop.
        loop: this loop.
    """

    first: Site
    rest: Site
    loop: Loop

    @staticmethod
    def of(item: Site | Level, storing: Storing) -> "_Sum | None":
        """The sum that a loop adds up, if it is one with such a beginning."""
        if not isinstance(item, Level) or not _may_be(item.loop):
            return None
        (rest,) = item.sites()
        if not _adds(rest):
            return None
        target, (before, term) = rest.target, rest.reads
        assert target is not None
        if before != _back(target, 1) or target.memory != VALUE or target.lookup or term.lookup:
            return None
        writers = [
            site for site in storing.targets.sites
            if storing.kept_with(site) is storing.kept_with(rest) and site is not rest
        ]  # fmt: skip
        if len(writers) != 1 or not _adds(writers[0]) or writers[0].levels:
            return None
        (first,) = writers
        wanted = _back(target, 1), _back(term, 2), _back(term, 1)
        if (first.target, *first.reads) != tuple(replace(each, strides=()) for each in wanted):
            return None
        assert isinstance(item.loop, Loop)
        return _Sum(first, rest, item.loop)

    @property
    def stride(self) -> int:
        """How far the sum moves in a round."""
        assert self.rest.target is not None
        return self.rest.target.strides[0]

    @property
    def size(self) -> int:
        """How many places its partial sums are in, with two rounds more and a beginning."""
        return abs(self.stride) * (self.loop.count + 2) + 1

    def shift(self, end: int) -> int:
        """How far partial sums are moved, so that the places of all begin there."""
        assert self.rest.target is not None
        rounds = 3 if self.stride > 0 else 1 - self.loop.count
        return end + rounds * self.stride - self.rest.target.base

    def begun_with(self, nothing: int, shift: int) -> dict[int, Sequence[Statement]]:
        """What there is instead of its statements: it begins with a constant."""
        assert isinstance(self.rest.statement, Assign)
        assert self.rest.target is not None
        target = replace(self.rest.target, base=self.rest.target.base + shift)
        start = replace(_back(target, 3), strides=())
        reads = _back(target, 3), _back(self.rest.reads[1], 2)
        again = replace(self.rest.statement, target=_back(target, 2), operands=reads)
        begun = Assign(start, None, (Address(CONSTANT, nothing, ()),), "", again.source)
        loop = replace(self.loop, count=self.loop.count + 2, body=(again,))
        return {id(self.first.statement): (begun,), id(self.loop): (loop,)}


def _adds(site: Site) -> bool:
    return isinstance(site.statement, Assign) and site.statement.row is add


def _back(address: Address, rounds: int) -> Address:
    """Where an address was so many rounds ago."""
    return replace(address, base=address.base - rounds * address.strides[-1])
