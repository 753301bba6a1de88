"""Places as numbers with digits: how many strides of one loop, how many of another, and so on.

The places that belong together in a nest of loops are a base and multiples of some strides, of
which each is larger than all that the smaller ones reach. So a place has one digit for each stride,
and an address moves each digit by so much with each loop around.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

from wengert.program.address import VALUE, Address, Lookup
from wengert.program.dependence import UNBOUNDED, Site, Table, extent
from wengert.program.rewrite import Change, Counts, Strides, rewritten
from wengert.program.statements import Run, Statement
from wengert.program.storage import Storing

GAP = 1  # place between arrays, so that they are kept apart

Digits = tuple[int, ...]
Found = set[tuple[Address, Counts]]  # addresses, and the counts of the loops around


def groups(storing: Storing) -> dict[Site, Found]:
    """All addresses of values that are kept together, but for what straight stretches touch."""
    found: dict[Site, Found] = {}
    stretches = {storing.kept_with(site) for _, _, site in storing.run_reads}
    for site in storing.targets.sites:
        if site.target is None:
            stretches.add(storing.kept_with(site))
        else:
            found.setdefault(storing.kept_with(site), set()).add((site.target, site.counts))
    for (reader, address), met in storing.met.items():
        found.setdefault(storing.kept_with(met[0]), set()).add((address, reader.counts))
    return {leader: addresses for leader, addresses in found.items() if leader not in stretches}


Moved = dict[tuple[int, Strides, Counts], tuple[int, Strides]]
"""Base and strides that values have now, by those they had and the counts of the loops around."""


def relocated(moved: Moved) -> Change:
    """The change of addresses that moves values."""

    def change(
        memory: str, base: int, strides: Strides, lookup: Lookup | None, counts: Counts
    ) -> Address:
        if memory == VALUE and not lookup:
            base, strides = moved.get((base, strides, counts), (base, strides))
        return Address(memory, base, strides, lookup)

    return change


def with_moved(statements: Iterable[Statement], moved: Moved) -> Iterator[Statement]:
    """The statements with these values moved; straight stretches touch none of them."""
    change = relocated(moved)
    for each in statements:
        yield from [each] if isinstance(each, Run) else rewritten([each], change)


class Reach(NamedTuple):
    """How far each digit of an address goes."""

    low: Digits
    high: Digits


@dataclass(frozen=True)
class Numbered:
    """Places that have digits.

    Args:
        first: the lowest of them.
        last: the highest.
        radices: what a digit counts, the largest first.
        counts: how far each digit goes.
    """

    first: int
    last: int
    radices: Digits
    counts: Digits

    @staticmethod
    def of(addresses: Found, table: Table) -> "Numbered | None":
        """The digits of some addresses; None if they have none, or different ones mean the same."""
        if any(not _is_plain(*each) for each in addresses):
            return None
        reaches = [extent(address, counts, table) for address, counts in addresses]
        first, last = min(r.low for r in reaches), max(r.high for r in reaches)
        strides = {
            abs(stride)
            for address, counts in addresses
            for stride, count in zip(address.strides, counts, strict=True) if count > 1
        }  # fmt: skip
        radices = tuple(sorted(strides - {0}, reverse=True))
        found = Numbered(first, last, radices, (1,) * len(radices))
        most = [0] * len(radices)
        for address, counts in addresses:
            reach = found.reach(address, counts)
            if reach is None or min(reach.low, default=0) < 0:
                return None
            most = [*map(max, most, reach.high)]
        ends = [radix * digit for radix, digit in zip(radices, most, strict=True)]
        if any(sum(ends[k + 1 :]) >= radix for k, radix in enumerate(radices)):
            return None
        return Numbered(first, last, radices, tuple(digit + 1 for digit in most))

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return prod(self.counts)

    def digits(self, address: Address) -> tuple[Digits, list[Digits]] | None:
        """Those of an address's base, and those of its strides; None if it has none."""
        base = _digits(address.base - self.first, self.radices)
        strides = [_digits(stride, self.radices) for stride in address.strides]
        found = [each for each in strides if each is not None]
        return None if base is None or len(found) < len(strides) else (base, found)

    def reach(self, address: Address, counts: Counts) -> Reach | None:
        """How far each digit goes in an address; None if it has none."""
        found = self.digits(address)
        if found is None:
            return None
        low, high = [*found[0]], [*found[0]]
        for digits, count in zip(found[1], counts, strict=True):
            for k, digit in enumerate(digits):
                low[k] += min(digit, 0) * (count - 1)
                high[k] += max(digit, 0) * (count - 1)
        return Reach(tuple(low), tuple(high))

    def moved(self, address: Address, start: int, kept: int | None = None) -> tuple[int, Strides]:
        """Base and strides of an address where its places are dense, and start somewhere else.

        Only so many digits, the largest, are kept.
        """
        found = self.digits(address)
        assert found
        base, *strides = (self._place(digits[:kept]) for digits in (found[0], *found[1]))
        return start + base, tuple(strides)

    def _place(self, digits: Digits) -> int:
        place = 0
        for digit, count in zip(digits, self.counts, strict=False):
            place = place * count + digit
        return place


def _is_plain(address: Address, counts: Counts) -> bool:
    return address.memory == VALUE and not address.lookup and UNBOUNDED not in counts


def _digits(place: int, radices: Digits) -> Digits | None:
    """The digits of a place, or of a stride, all with its sign; None if it has none."""
    digits, rest = [], abs(place)
    for radix in radices:
        digit, rest = divmod(rest, radix)
        digits.append(-digit if place < 0 else digit)
    return None if rest else tuple(digits)
