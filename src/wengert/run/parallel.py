"""Loops whose rounds can be computed side by side, as lanes of one vector.

No round may wait for what another one computes, but for sums: what only adds to a sum can be added
up in each lane, and the lanes together when the loop has ended. That changes the order in which is
added, and the result depends on how many lanes there are, which is why that is one number for all
processors. What the round before has computed need not be waited for if it can be computed first
(`delays`).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from wengert.primitives import add, sub
from wengert.program.address import CONSTANT, OUTPUT, Address
from wengert.program.dependence import Level, Site, crosses, is_sum, leaves, same_round
from wengert.program.statements import Accumulate, Assign, Loop
from wengert.program.storage import Array, Storage
from wengert.program.structure import Floats
from wengert.run.carried import Carried, Spot, Touch, Variable, spot_of, touched
from wengert.run.delays import Delays, delays

LANES = 16  # rounds that are computed together


@dataclass(frozen=True)
class Sum:
    """What a statement adds to.

    Args:
        total: a variable that the loop carries, or the start of a sum in a register.
        own: the address through which the statement reads what the sum is so far.
        subtracts: whether it subtracts rather than adds.
    """

    total: Variable | Site
    own: Address
    subtracts: bool = False


Sums = dict[Site, Sum]


@dataclass(frozen=True)
class Parallel:
    """A loop whose rounds can be computed side by side.

    Args:
        sums: the statements that only add to sums.
        same: places that are carried, and have the same number in all rounds.
        copying: the statements that see to that.
        delays: what a round reads of the rounds just before it.
        unwritten: the statements whose results are not stored by each round.
        written: the arrays that some statement writes to.
        held: those of them of which each round adds to places that no other round touches, so that
            it can add all it has, and write once.
        descending: whether most places move down from round to round.
    """

    sums: Sums
    same: dict[Spot, Variable]
    copying: set[Site]
    delays: Delays
    unwritten: Collection[Site]
    written: set[Array]
    held: set[Array]
    descending: bool

    @property
    def variables(self) -> set[Variable | Site]:
        """What sums are added to, what is the same in all rounds, and what comes a round later."""
        totals = (each.total for each in self.sums.values())
        return {*totals, *self.same.values(), *self.delays.variables.values()}


def parallel(level: Level, kept: Storage, followed: Carried, numbers: Floats) -> Parallel | None:
    """What is to be known for computing the rounds of a loop side by side, if they can be.

    Args:
        level: the loop, in which there may be no others.
        kept: where values are kept.
        followed: what its rounds leave to each other.
        numbers: the constants.
    """
    assert isinstance(level.loop, Loop)
    body = [item for part in level.parts for item in part]
    sites = [item for item in body if isinstance(item, Site)]
    if len(sites) < len(body) or not all(map(_is_simple, sites)):
        return None
    if 2 * level.loop.count <= LANES:
        return None  # most lanes of the one vector would have nothing to do
    touches = [*touched(sites, kept)]
    readers: dict[Site, list[Site]] = {}
    for site in sites:
        for address in site.reads:
            if register := kept.registers.get((site, address)):
                readers.setdefault(register, []).append(site)
    sums: Sums = {}
    same: dict[Spot, Variable] = {}
    copies, spots, left = set[Site](), set[Spot](), list[Variable]()
    for variable in followed.variables:
        here = (variable.spot, variable.next)
        own = [each for each in touches if spot_of(each.address) in here]
        silent = bool(own) and all(each.site in followed.silent for each in own if each.writes)
        if silent and (added := _added(variable, own, readers)):
            sums.update(added)
            spots.update(here)
        elif silent and (copying := _copied(variable, own, numbers)):
            same.update(dict.fromkeys(here, variable))
            copies.add(copying)
            spots.update(here)
        elif variable.spot != variable.next:
            left.append(variable)
        elif not all(map(_accumulates, own)):
            return None
    late = delays(left, sites, touches, kept)
    if late is None:  # what only adds to places may do so in any order, in memory
        waiting = [each for each in left if not _only_adds(each, touches, followed.silent)]
        late = delays(waiting, sites, touches, kept)
        if late is None:
            return None
    for site in sites:
        if is_sum(site) and site not in kept.homes:
            assert site.target is not None
            start = kept.registers[site, site.target]
            if start not in sites:
                sums[site] = Sum(start, site.target)
                if any(not is_sum(reader) for reader in readers[start]):
                    return None
    unwritten = late.silent | followed.silent
    in_memory = (
        each for each in touches
        if not (each.site in unwritten if each.writes else (each.site, each.address) in late.served)
    )  # fmt: skip
    others = [each for each in in_memory if spot_of(each.address) not in spots]
    strides = [*_strides(sites, sums, spots, late, kept)]
    if _depend(others, late, level.depth) or 2 * sum(abs(s) <= 1 for s in strides) < len(strides):
        return None  # most numbers are apart, and would be loaded one by one
    written = {each.array for each in others if each.writes}
    held = {array for array in written if _is_added_to_once(array, others, level.depth)}
    down = sum(s for s in strides if abs(s) == 1) < 0
    return Parallel(sums, same, copies, late, unwritten, written, held, down)


def terms(site: Site, sums: Sums) -> list[Address]:
    """The addresses through which a statement reads, but for the sum that it adds to."""
    own = sums[site].own if site in sums else None
    return [address for address in site.reads if address != own]


def _added(
    variable: Variable, touches: Sequence[Touch], readers: Mapping[Site, Sequence[Site]]
) -> Sums:
    """The statements that add to what is carried; none if something else is done with it."""
    found: Sums = {}
    sites = [*dict.fromkeys(each.site for each in touches)]
    if variable.spot == variable.next:
        for site in sites:
            assert site.target is not None
            found[site] = Sum(variable, site.target)
        return found if all(map(_accumulates, touches)) else {}
    site, address = sites[0], next((t.address for t in touches if not t.writes), None)
    if variable.rounds or address is None:
        return {}
    while True:
        if not (_adds(site, address) or _subtracts(site, address)):
            return {}
        found[site] = Sum(variable, address, _subtracts(site, address))
        assert site.target is not None
        if spot_of(site.target) == variable.next:
            return found if set(sites) <= set(found) and len(touches) == 2 else {}
        following = readers.get(site, ())
        if len(following) != 1:
            return {}
        address, (site,) = site.target, following


def _copied(variable: Variable, touches: Sequence[Touch], numbers: Floats) -> Site | None:
    """The statement that hands on what is carried as it is, if that is all that is done to it."""
    writers = [each.site for each in touches if each.writes]
    if len(writers) != 1 or variable.rounds or variable.spot == variable.next:
        return None
    (site,) = writers
    statement = site.statement
    row = getattr(statement, "row", None)
    *before, last = site.reads
    zero = [a.memory == CONSTANT and not any(a.strides) and not numbers[a.base] for a in before]
    copies = isinstance(statement, Assign) and (row is None or (row is add and zero == [True]))
    return site if copies and spot_of(last) == variable.spot else None


def _adds(site: Site, address: Address) -> bool:
    """Whether a statement adds something else to what it reads through an address."""
    adds = getattr(site.statement, "row", None) is add
    return adds and [*site.reads].count(address) == 1


def _subtracts(site: Site, address: Address) -> bool:
    """Whether a statement subtracts something else from what it reads through an address."""
    row = getattr(site.statement, "row", None)
    return row is sub and site.reads[0] == address and site.reads[1] != address


def _accumulates(touch: Touch) -> bool:
    """Whether this is how an accumulation reads or writes its sum."""
    return is_sum(touch.site) and touch.address == touch.site.target


def _is_simple(site: Site) -> bool:
    """Whether a statement computes something from places that are known."""
    addresses = (*site.reads, *([site.target] if site.target else []))
    if is_sum(site) and site.reads[1] == site.target:
        return False  # twice itself
    return (
        isinstance(site.statement, Assign | Accumulate)
        and not any(address.lookup for address in addresses)
        and not any(address.memory == OUTPUT for address in site.reads)
    )


def _only_adds(variable: Variable, touches: Sequence[Touch], silent: Collection[Site]) -> bool:
    """Whether nothing is done to what is carried but adding to it, in memory."""
    here = variable.spot, variable.next
    own = [each for each in touches if spot_of(each.address) in here]
    return all(_accumulates(each) and each.site not in silent for each in own)


def _depend(touches: Sequence[Touch], late: Delays, depth: int) -> bool:
    """Whether a place that a round writes to is touched by another one.

    Accumulations may come in any order, but for those whose sums are followed. And where rounds
    touch a place in the order in which their statements stand, vectors do so, too.
    """
    if any(each.array.window and not each.array.rows for each in touches):
        return True  # its places are used again
    place = {site: k for k, site in enumerate(late.order)}

    def turned(a: Touch, b: Touch) -> bool:
        """Whether a round touches a place through `a`, and a later one, but sooner, through `b`."""
        sooner = place[a.site] >= place[b.site]
        return sooner and leaves(a.site, a.address, b.site, b.address, depth)

    def are_free(a: Touch, b: Touch) -> bool:
        both = _accumulates(a) and _accumulates(b) and bool(a.address.strides[-1])
        return both and not any(late.follows(spot_of(each.address)) for each in (a, b))

    return any(
        a.array == b.array and not are_free(a, b) and (turned(a, b) or turned(b, a))
        for a in touches
        if a.writes
        for b in touches
    )


def _is_added_to_once(array: Array, touches: Sequence[Touch], depth: int) -> bool:
    """Whether an array is only added to, and each of its places in one round, by one address."""
    mine = [each for each in touches if each.array == array]
    return all(map(_accumulates, mine)) and not any(
        crosses(a.site, a.address, b.site, b.address, depth)
        or same_round(a.address, b.address, a.site.counts)
        for a, b in combinations({spot_of(each.address): each for each in mine}.values(), 2)
    )


def _strides(
    sites: Sequence[Site], sums: Sums, spots: Collection[Spot], late: Delays, kept: Storage
) -> Iterator[int]:
    """By how much each round moves what is read from memory, but for what is carried at `spots`."""
    for site in sites:
        for address in terms(site, sums):
            array = kept.sources.get((site, address))
            carried = array and (spot_of(address) in spots or (site, address) in late.served)
            if (site, address) not in kept.registers and not carried:
                yield address.strides[-1] // (array.step if array else 1)
