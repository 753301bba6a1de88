"""Arrays that are results as they are: kept where the results are, and not copied there.

What a gradient has added up is moved to the results at the end. Where a loop moves a whole array,
each number by as much as the others, the array can be in the memory of the results all along.
"""

from dataclasses import dataclass, field

import numpy as np

from wengert.program.address import OUTPUT, VALUE
from wengert.program.dependence import Level, Site, Table, extent, size_of
from wengert.program.statements import Assign, Loop
from wengert.program.storage import Array, Storage
from wengert.program.structure import Structure
from wengert.run.columns import Leaves


@dataclass
class InPlace:
    """What is kept in the memory of the results.

    Args:
        starts: of arrays, the result that their first number is.
        copies: the statements that would move them there.
    """

    starts: dict[Array, int] = field(default_factory=dict)
    copies: set[Site] = field(default_factory=set)

    def has_all(self, level: Level) -> bool:
        """Whether a loop would do nothing but that."""
        return bool(self.copies) and self.copies.issuperset(level.sites())


def ahead(results: Structure) -> int:
    """How many results come before the largest array of them, which begins where a line does."""
    starts = Leaves.of(results).starts
    sizes = np.diff((*starts, results.size))
    return starts[int(sizes.argmax())] if len(starts) else 0


def in_place(kept: Storage, table: Table) -> InPlace:
    """The arrays of a program that are results."""
    found = InPlace()
    for item in kept.layout.tree:
        if isinstance(item, Level) and isinstance(item.loop, Loop):
            sites = [*item.sites()]
            if len(sites) == 1:
                _look_at(sites[0], kept, table, found)
    return found


def _look_at(site: Site, kept: Storage, table: Table, found: InPlace) -> None:
    """Whether a statement, which is alone in its loops, moves a whole array to the results."""
    statement, target = site.statement, site.target
    if not isinstance(statement, Assign) or statement.row or target is None:
        return
    (read,) = site.reads
    array = kept.sources.get((site, read))
    if array is None or (array.memory, target.memory) != (VALUE, OUTPUT) or array in found.starts:
        return
    if read.lookup or target.lookup or array.window:
        return
    moving = zip(read.strides, target.strides, site.counts, strict=True)
    if any(s != t * array.step for s, t, count in moving if count > 1):
        return
    reach = extent(read, site.counts, table)
    whole = reach.low, reach.width, size_of(site.counts)
    writers = (each for each, home in kept.homes.items() if home == array)
    if whole != (array.first, (array.size - 1) * array.step, array.size):
        return
    if all(each.number < site.number for each in writers):
        found.starts[array] = target.base - (read.base - array.first) // array.step
        found.copies.add(site)
