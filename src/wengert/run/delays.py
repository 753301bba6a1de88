"""What a round reads of the rounds just before it, where rounds are lanes.

What a round leaves to the next one need not be waited for if it does not depend on what the round
itself was left: then the vector of it is there before it is read, and what the rounds before have
left is that vector, moved by one lane. So statements are sorted, what is left behind first. A
stencil's differences are such numbers, and the sums that its derivative adds to neighbours.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from wengert.program.address import Address
from wengert.program.dependence import Site, is_sum, same_round
from wengert.program.storage import Array, Storage
from wengert.run.carried import Spot, Touch, Variable, spot_of
from wengert.run.components import components

Edge = tuple[Site, Site]


@dataclass(frozen=True)
class Delays:
    """The variables of a loop that are vectors moved by a lane.

    Args:
        variables: by the place that they are.
        order: the statements, each behind what it needs.
        pending: those variables whose places are written to once more in a later round, and so are
            stored when the loop has ended.
        silent: the statements whose results are not stored because of that.
        served: the reads, by statement and address, that need no memory.
    """

    variables: dict[Spot, Variable] = field(default_factory=dict)
    order: tuple[Site, ...] = ()
    pending: tuple[Variable, ...] = ()
    silent: frozenset[Site] = frozenset()
    served: frozenset[tuple[Site, Address]] = frozenset()

    def follows(self, spot: Spot) -> bool:
        """Whether a place is left by a round to the next one, or was by the round before."""
        return spot in self.variables or spot.after(1) in self.variables


def delays(
    variables: Iterable[Variable], sites: Sequence[Site], touches: Sequence[Touch], kept: Storage
) -> Delays | None:
    """How the rounds of a loop get these variables; None if they have to wait for each other.

    Args:
        variables: places that are carried and move with the rounds.
        sites: the statements of the loop.
        touches: how they read and write values in memory.
        kept: where values are kept.
    """
    found = {variable.spot: variable for variable in variables}
    edges = [*_in_a_round(sites, touches, kept), *_left_behind(found, touches)]
    parts = components(sites, edges)
    if any(len(part) > 1 for part in parts) or any(a is b for a, b in edges):
        return None
    written = _writers(touches)
    pending: dict[Spot, Variable] = {}
    silent: set[Site] = set()
    for spot in found.keys() & written.keys():
        while spot in found:  # back to the statement that has left it
            pending[spot] = found[spot]
            spot = found[spot].next
            if spot in written:
                silent.update(written[spot])
                break
    served = {
        (each.site, each.address)
        for each in touches
        if not each.writes and _is_served(each, found, written)
    }
    order = tuple(site for (site,) in parts)
    return Delays(found, order, tuple(pending.values()), frozenset(silent), frozenset(served))


def _is_served(touch: Touch, found: dict[Spot, Variable], written: dict[Spot, list[Site]]) -> bool:
    """Whether what is read has been left by a round before, or computed in the same one."""
    spot = spot_of(touch.address)
    before = any(site.number < touch.site.number for site in written.get(spot, ()))
    return spot in found or (spot.after(1) in found and before)


def _in_a_round(sites: Sequence[Site], touches: Sequence[Touch], kept: Storage) -> Iterator[Edge]:
    """What comes before what in one round: those that touch the same place, and one writes it."""
    holders: dict[Site, list[Site]] = {}
    for site in sites:
        for address in (*site.reads, *([site.target] if site.target else [])):
            register = kept.registers.get((site, address))
            if register is not None:
                holders.setdefault(register, []).append(site)
    inside = set(sites)
    for register, users in holders.items():
        if register in inside:
            yield from ((register, user) for user in users if user is not register)
        for first, then in combinations(dict.fromkeys(users), 2):
            if is_sum(first) or is_sum(then):
                yield first, then
    together: dict[Array, list[Touch]] = {}
    for touch in touches:
        together.setdefault(touch.array, []).append(touch)
    for mine in together.values():
        for one, other in combinations(mine, 2):
            matters = one.site is not other.site and (one.writes or other.writes)
            if matters and same_round(one.address, other.address, one.site.counts):
                yield one.site, other.site


def _left_behind(found: dict[Spot, Variable], touches: Sequence[Touch]) -> Iterator[Edge]:
    """From what writes the numbers that rounds leave to what reads them."""
    writers = _writers(touches)
    for touch in touches:
        spot = spot_of(touch.address)
        while spot in found:
            spot = found[spot].next
            if spot in writers:
                yield from ((writer, touch.site) for writer in writers[spot])
                break


def _writers(touches: Sequence[Touch]) -> dict[Spot, list[Site]]:
    """The statements that write to each place."""
    found: dict[Spot, list[Site]] = {}
    for each in touches:
        if each.writes:
            found.setdefault(spot_of(each.address), []).append(each.site)
    return found
