"""Copies left out: what is moved as a whole is computed where it is moved to.

A derivative is added up in one place, and moved to another when it is complete. Where all places of
some values are moved, and stay as far apart, they may as well be there from the beginning.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from wengert.program.address import VALUE, Address
from wengert.program.dependence import Site, extent, is_sum, size_of
from wengert.program.program import Program
from wengert.program.rewrite import rewritten, with_instead
from wengert.program.statements import Assign, Statement
from wengert.program.storage import Storing
from wengert.run.digits import Found, Moved, groups, relocated


def coalesced(program: Program) -> Program:
    """The same program; itself if no copy can be left out."""
    while found := _with_fewer_copies(program):
        program = found
    return program


def _with_fewer_copies(program: Program) -> Program | None:
    """The program without some of its copies; None if all have to stay.

    What is moved to where something else is moved from has to wait for the next time.
    """
    storing = Storing(program)
    summed = {storing.kept_with(site) for site in storing.leader if is_sum(site)}
    copies = [copy for site in storing.layout.sites if (copy := _Copy.of(site, storing, summed))]
    known = groups(storing) if copies else {}
    writers: dict[Site, list[Site]] = {}
    for site in storing.targets.sites if copies else ():
        writers.setdefault(storing.kept_with(site), []).append(site)
    moved: Moved = {}
    touched: set[Site] = set()
    left_out: dict[int, tuple[Statement, ...]] = {}
    for copy in copies:
        addresses, both = known.get(copy.source), {copy.source, copy.target}
        if not addresses or touched & both:
            continue
        if copy.takes_all(addresses, writers[copy.source], storing):
            for each, counts in addresses:
                moved[each.base, each.strides, counts] = copy.moved(each)
            touched |= both
            left_out[id(copy.site.statement)] = ()
    if not left_out:
        return None
    left = [*with_instead(program.statements, left_out)]
    return replace(program, statements=tuple(rewritten(left, relocated(moved))))


@dataclass(frozen=True)
class _Copy:
    """A statement that moves values.

    Args:
        site: the statement.
        source: one of those whose results are kept together, and are moved.
        target: the same of what is there then.
        turns: whether what comes first there comes last here.
    """

    site: Site
    source: Site
    target: Site
    turns: bool

    @staticmethod
    def of(site: Site, storing: Storing, summed: Collection[Site]) -> "_Copy | None":
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
        if source is own or own in summed or max(site.counts, default=1) == 1:
            return None
        return _Copy(site, source, own, target.strides != read.strides)

    def takes_all(self, addresses: Found, writers: Sequence[Site], storing: Storing) -> bool:
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
        return all(
            site.number < self.site.number and site.levels[:1] != self.site.levels[:1]
            for site in writers
        )

    def moved(self, address: Address) -> tuple[int, tuple[int, ...]]:
        """The base and strides of an address there, when values are where they are moved to."""
        (read,), target = self.site.reads, self.site.target
        assert target is not None
        if self.turns:
            return target.base + read.base - address.base, tuple(-s for s in address.strides)
        return target.base - read.base + address.base, address.strides
