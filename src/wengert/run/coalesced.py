"""Copies left out: what is moved as a whole is computed where it is moved to.

A derivative is added up in one place, and moved to another when it is complete. Where all places of
some values are moved, and stay as far apart, they may as well be there from the beginning.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from wengert.program.address import VALUE, Address
from wengert.program.dependence import Site, extent, is_sum, size_of
from wengert.program.program import Program
from wengert.program.rewrite import rewritten
from wengert.program.statements import Assign, Loop, Statement, While, parts
from wengert.program.storage import Storing
from wengert.run.digits import Found, Moved, groups, relocated


def coalesced(program: Program) -> Program:
    """The same program; itself if no copy can be left out."""
    while found := _without_a_copy(program):
        program = found
    return program


def _without_a_copy(program: Program) -> Program | None:
    """The program without one of its copies; None if all have to stay."""
    storing = Storing(program)
    copies = [copy for site in storing.layout.sites if (copy := _Copy.of(site, storing))]
    known = groups(storing) if copies else {}
    for copy in copies:
        addresses = known.get(copy.source)
        if addresses and copy.takes_all(addresses, storing):
            moved: Moved = {
                (each.base, each.strides, counts): copy.moved(each) for each, counts in addresses
            }
            left = _without(program.statements, copy.site.statement)
            return replace(program, statements=tuple(rewritten([*left], relocated(moved))))
    return None


@dataclass(frozen=True)
class _Copy:
    """A statement that moves values.

    Args:
        site: the statement.
        source: one of those whose results are kept together, and are moved.
        turns: whether what comes first there comes last here.
    """

    site: Site
    source: Site
    turns: bool

    @staticmethod
    def of(site: Site, storing: Storing) -> "_Copy | None":
        """What a statement moves, if it moves values and keeps them as far apart."""
        statement, target = site.statement, site.target
        if not isinstance(statement, Assign) or statement.row or target is None:
            return None
        (read,) = site.reads
        if {read.memory, target.memory} != {VALUE} or read.lookup or target.lookup:
            return None
        turned = tuple(-stride for stride in read.strides)
        if target.strides not in (read.strides, turned):
            return None
        source = storing.kept_with(storing.met[site, read][0])
        own = storing.kept_with(site)
        if source is own or any(is_sum(s) and storing.kept_with(s) is own for s in storing.leader):
            return None
        return _Copy(site, source, target.strides != read.strides)

    def takes_all(self, addresses: Found, storing: Storing) -> bool:
        """Whether each place is moved, when all has been written there."""
        (read,) = self.site.reads
        moved = extent(read, self.site.counts, storing.table)
        if size_of(self.site.counts) != (moved.width // moved.step if moved.step else 0) + 1:
            return False
        for address, counts in addresses:
            if address.lookup:
                return False
            reach = extent(address, counts, storing.table)
            apart = reach.low - moved.low
            if reach.low < moved.low or reach.high > moved.high:
                return False
            if moved.step and (apart % moved.step or reach.step % moved.step):
                return False
        writers = [s for s in storing.targets.sites if storing.kept_with(s) is self.source]
        return all(
            site.number < self.site.number and site.levels[:1] != self.site.levels[:1]
            for site in writers
        ) or (not self.site.levels and all(s.number < self.site.number for s in writers))

    def moved(self, address: Address) -> tuple[int, tuple[int, ...]]:
        """The base and strides of an address there, when values are where they are moved to."""
        (read,), target = self.site.reads, self.site.target
        assert target is not None
        if self.turns:
            return target.base + read.base - address.base, tuple(-s for s in address.strides)
        return target.base - read.base + address.base, address.strides


def _without(statements: Iterable[Statement], left_out: object) -> Iterator[Statement]:
    """The statements without one, and without loops that have no others."""
    for each in statements:
        if isinstance(each, Loop):
            if body := tuple(_without(each.body, left_out)):
                yield replace(each, body=body)
        elif isinstance(each, While):
            first, test, body, last = (tuple(_without(part, left_out)) for part in parts(each))
            yield replace(each, first=first, test=test, body=body, last=last)
        elif each is not left_out:
            yield each
