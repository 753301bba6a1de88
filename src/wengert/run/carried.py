"""What the rounds of a loop leave to each other without going through memory.

A round often reads what the one before it, or a few rounds before, has written: the state of a
step, a running sum. Such a place is followed through the rounds as a variable, which is set at the
end of each. Places are told apart by their addresses, as far as these move by the same strides.
Each place is assigned once, so only sums have to be looked at for other addresses that mean them.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from wengert.program.address import Address
from wengert.program.dependence import Level, Site, is_sum, meets
from wengert.program.statements import Loop
from wengert.program.storage import Array, Storage

FURTHEST = 4  # rounds that a value is carried


class Spot(NamedTuple):
    """A place as a round of a loop sees it."""

    strides: tuple[int, ...]
    base: int

    def after(self, rounds: int) -> "Spot":
        """What it is to the round that comes so many rounds later."""
        return Spot(self.strides, self.base - rounds * self.strides[-1])


def spot_of(address: Address) -> Spot:
    """The place that an address means, if it is not looked up."""
    return Spot(address.strides, address.base)


@dataclass(frozen=True)
class Variable:
    """A place that is carried.

    Args:
        spot: what it is to a round that begins.
        site: a statement that reads, so many `rounds` later, what is there now.
        address: through which it does.
        rounds: see above.
    """

    spot: Spot
    site: Site
    address: Address
    rounds: int

    @property
    def next(self) -> Spot:
        """What the place that comes next here is to the round before."""
        return self.spot.after(-1)


@dataclass
class Carried:
    """What is followed through the rounds of a loop.

    Args:
        spots: the places whose numbers are known from when they are written to.
        variables: those that later rounds begin with.
        stored: those of them that are written to memory when the loop has ended.
        silent: the statements whose results are not.
        passed: those whose result is a term of a sum that is written later in the round; and of
            sums that stay where they are, in a later round or by what is stored in the end.
    """

    spots: set[Spot] = field(default_factory=set)
    variables: list[Variable] = field(default_factory=list)
    stored: list[Variable] = field(default_factory=list)
    silent: set[Site] = field(default_factory=set)
    passed: set[Site] = field(default_factory=set)


def carried(level: Level, kept: Storage) -> Carried:
    """What can be followed through a loop; nothing, if there are loops in it."""
    body = [item for part in level.parts for item in part]
    sites = [item for item in body if isinstance(item, Site)]
    if len(sites) < len(body) or not isinstance(level.loop, Loop):
        return Carried()
    return _Following(level, kept, level.loop.count, [*touched(sites, kept)]).found


class Touch(NamedTuple):
    """A statement that reads or writes through an address."""

    site: Site
    address: Address
    array: Array
    writes: bool


def touched(sites: Sequence[Site], kept: Storage) -> Iterator[Touch]:
    """How values in memory are read and written, in order."""
    for site in sites:
        for address in site.reads:
            array = kept.sources.get((site, address))
            if array:
                yield Touch(site, address, array, writes=False)
        if site.target and site in kept.homes:
            yield Touch(site, site.target, kept.homes[site], writes=True)


class _Following:
    """One loop."""

    def __init__(self, level: Level, kept: Storage, count: int, touched: list[Touch]) -> None:
        self.level, self.kept, self.count, self.touched = level, kept, count, touched
        self.found = Carried()
        self.lost: set[Array] = set()  # of which a place is touched that is not followed
        for strides in dict.fromkeys(each.address.strides for each in touched):
            mine = [t for t in touched if t.address.strides == strides and not t.address.lookup]
            if self._are_alone(mine):
                self._follow(mine)
            else:
                self.lost.update(each.array for each in mine)
        self.lost.update(each.array for each in touched if each.address.lookup)
        self._silence()

    def _are_alone(self, mine: Sequence[Touch]) -> bool:
        """Whether no other address means the place of one of these sums."""
        sums = [each for each in mine if each.writes and is_sum(each.site)]
        if not sums:
            return True
        others = [t for t in self.touched if t.address.lookup or t not in mine]
        return not any(
            other.address.lookup
            or meets(one.address, one.site.counts, other.address, other.site.counts)
            for one in sums
            for other in others
        )

    def _follow(self, touched: Sequence[Touch]) -> None:
        """Follow the places that move by the same strides."""
        found = self.found
        written = {spot_of(each.address): each.site for each in touched if each.writes}
        met: set[Spot] = set()
        variables: dict[Spot, Variable] = {}
        for site, address, array, writes in touched:
            spot = spot_of(address)
            if spot not in met and not writes:
                rounds = self._distance(spot, written)
                if not rounds:
                    self.lost.add(array)
                for k in range(rounds):
                    there = spot.after(-k)
                    variables.setdefault(there, Variable(there, site, address, k))
            if writes and written[spot] is not site:
                found.passed.add(site)
            met.add(spot)
        found.spots.update(written, variables)
        found.variables += variables.values()

    def _distance(self, spot: Spot, written: Collection[Spot]) -> int:
        """How many rounds before it was last written to; 0 if that is long ago, or never was."""
        if not spot.strides[-1]:
            return int(spot in written)
        rounds = range(1, min(FURTHEST, self.count - 1) + 1)  # in which there is a round to read it
        return next((k for k in rounds if spot.after(-k) in written), 0)

    def _silence(self) -> None:
        """Find the arrays that need not be written to before the loop has ended."""
        kept, found = self.kept, self.found
        writers: dict[Array, list[Site]] = {}
        for each in self.touched:
            if each.writes:
                writers.setdefault(each.array, []).append(each.site)
        silent = {
            array for array, sites in writers.items()
            if array not in self.lost and (self._stay(sites) or self._ends_with(array, sites))
        }  # fmt: skip
        found.silent = {site for array in silent for site in writers[array]}
        found.passed |= {site for site in found.silent if self._stay([site])}
        found.stored = [v for v in found.variables if kept.sources[v.site, v.address] in silent]

    def _stay(self, sites: Sequence[Site]) -> bool:
        """Whether these write to variables that are the same place in each round."""
        spots = {v.spot for v in self.found.variables if not v.spot.strides[-1]}
        return all(site.target and spot_of(site.target) in spots for site in sites)

    def _ends_with(self, array: Array, writers: Sequence[Site]) -> bool:
        """Whether nothing is read elsewhere but what the variables have when the loop ends."""
        kept, level = self.kept, self.level
        number = kept.arrays.index(array)
        for site, owners in kept.owners.items():
            if site.number >= level.stop and np.any(owners == number):
                return False
        early = [(w.target, (*w.counts[:-1], self.count - self._last(w))) for w in writers]
        for (site, address), found in kept.sources.items():
            inside = level.start <= site.number < level.stop
            before = site.number < level.start and not level.depth
            if found != array or inside or before:
                continue
            if address.lookup or any(
                target and counts[-1] and meets(target, counts, address, site.counts)
                for target, counts in early
            ):
                return False
        return True

    def _last(self, writer: Site) -> int:
        """Of how many last rounds variables have what a statement has written."""
        assert writer.target is not None
        spots = {each.spot for each in self.found.variables}
        spot = spot_of(writer.target)
        rounds = range(1, min(FURTHEST, self.count) + 1)
        return next((k - 1 for k in rounds if spot.after(k) not in spots), len(rounds))
