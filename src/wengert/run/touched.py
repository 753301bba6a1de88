"""How statements touch memory, and of which of them the order matters."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from wengert.program.address import CONSTANT, INPUT, OUTPUT, Address
from wengert.program.dependence import Site, common_levels, is_sum, meets
from wengert.program.storage import Storing


class Touched(NamedTuple):
    """How a statement reads or writes.

    Args:
        site: the statement.
        address: through which it does.
        writes: whether it writes.
        place: the values that are kept with these, or another memory: nothing else can be meant.
        adds: whether it is a sum, to which something is added.
    """

    site: Site
    address: Address
    writes: bool
    place: Site | str
    adds: bool


def in_one_round(a: Touched, b: Touched) -> bool:
    """Whether both may touch one place in the same round of all loops that are around both."""
    if a.address.lookup or b.address.lookup:
        return True
    common = common_levels(a.site, b.site)
    return meets(a.address, a.site.counts, b.address, b.site.counts, common)


def touched(sites: Iterable[Site], storing: Storing) -> Iterator[Touched]:
    """What is read and written of what is written at all."""
    for site in sites:
        for address in site.reads:
            if address.memory not in (INPUT, CONSTANT):
                met = storing.met.get((site, address))
                place = storing.kept_with(met[0]) if met else address.memory
                yield Touched(site, address, False, place, is_sum(site) and address == site.target)
        if site.target:
            is_result = site.target.memory == OUTPUT
            place = OUTPUT if is_result else storing.kept_with(site)
            yield Touched(site, site.target, True, place, is_sum(site))


def meeting(
    ones: Sequence[Touched], others: Sequence[Touched]
) -> Iterator[tuple[Touched, Touched]]:
    """Those of which the order would matter in which they touch one place."""
    by_place: dict[Site | str, list[Touched]] = {}
    for other in others:
        by_place.setdefault(other.place, []).append(other)
    for one in ones:
        for other in by_place.get(one.place, ()):
            if (one.writes or other.writes) and not (one.adds and other.adds):
                yield one, other
