"""Products whose zero absorbs infinities, as plain products where a NaN would be seen.

`strong_mul` gives 0 where one factor is 0, even if the other is infinite or NaN, and x·y otherwise.
That takes six instructions instead of one, and adjoints are made of such products. A plain product
differs from it only by being NaN. So where each NaN that a product may give reaches a result that
is looked at, through operations that carry NaN, a plain product serves: if none of these results is
NaN, no product was, and all of them are right. Examples of which a result is NaN are computed once
more, with the products as they are meant.
"""

from collections.abc import Collection, Sequence
from functools import cache
from itertools import product
from math import gcd

from wengert.dispatch import Primitive
from wengert.primitives import add, strong_mul
from wengert.program.address import Address, span
from wengert.program.dependence import Site, common_levels, is_sum
from wengert.program.statements import Accumulate, Assign, Loop
from wengert.program.storage import Storage
from wengert.run.unrolled import Unrolled

SAMPLES = (0.0, -0.0, 1.0, -2.5, 0.5, float("inf"), -float("inf"), float("nan"))


@cache
def carries_nan(row: Primitive) -> tuple[bool, ...]:
    """Of each operand, whether the result is NaN wherever the operand is."""
    if row is strong_mul:
        return True, True  # as a plain product, which it is if this is asked
    others = [*product(SAMPLES, repeat=row.nin - 1)]
    return tuple(
        all(_is_nan(row.scalar(*each[:k], float("nan"), *each[k:])) for each in others)
        for k in range(row.nin)
    )


def _is_nan(number: float) -> bool:
    return number != number


def plain_products(unrolled: Unrolled, live: Sequence[int]) -> tuple[set[int], set[int]]:
    """Which operations of a list are plain products, and which outputs have to be looked at."""
    seen = {operand for operand in unrolled.outputs if operand >= 0}
    for k in reversed(live):
        if k in seen:
            row, operands = unrolled.operations[k]
            carried = carries_nan(row)
            seen.update(x for x, does in zip(operands, carried, strict=True) if does and x >= 0)
    plain = {k for k in live if k in seen and unrolled.operations[k][0] is strong_mul}
    touched: set[int] = set()
    for k in live:
        if k in plain or not touched.isdisjoint(unrolled.operations[k][1]):
            touched.add(k)
    return plain, touched.intersection(unrolled.outputs)


def plain_sites(
    kept: Storage, in_memory: Sequence[bool], left_out: Collection[Site] = ()
) -> tuple[set[Site], set[Site]]:
    """The same for statements in loops, in between two memories.

    A NaN is seen where it is stored in memory. A register is read in each round that assigns it, if
    its reader is in the same loops or in further ones, which run at least once. A sum keeps a NaN
    for all who read it later: it need not be looked at if the same round adds to it again, or if a
    loop that comes behind reads all places of it and shows what it reads. Inside while loops, where
    lanes wait for others, products are as they are meant.

    Args:
        kept: where values are kept.
        in_memory: of each site, whether its result goes to a memory.
        left_out: the sites that are not run, since what they would move is there already.

    Returns:
        The products, and the statements whose results have to be looked at.
    """
    sites = kept.layout.sites
    seen: set[Site] = set()
    looked_at: set[Site] = set()
    read: list[tuple[Site, Address]] = []  # from memory, by those whose results are seen
    shown: dict[Site, list[Site]] = {}  # by whom, of sums that are not looked at themselves
    again: dict[tuple[object, ...], Site] = {}  # what adds to a place last, in a round of a loop
    for site, is_stored in zip(reversed(sites), reversed(in_memory), strict=True):
        if site in left_out or not all(isinstance(level.loop, Loop) for level in site.levels):
            continue
        register = None
        if is_sum(site) and not is_stored:
            assert site.target is not None
            register = kept.registers[site, site.target]
        behind: list[Site] = []
        if is_sum(site):
            last = again.setdefault((site.levels, site.target), site)
            behind = [each[0] for each in read if _covers(*each, site)]
            if last is not site and last in seen:
                behind = [last]
        if register in seen or behind:
            seen.add(site)
            shown[site] = behind
        elif is_stored or register:
            seen.add(site)
            looked_at.add(site)
        if site in seen and isinstance(site.statement, Assign | Accumulate):
            for address, does in zip(site.reads, _carried(site), strict=True):
                register = kept.registers.get((site, address))
                if does and register is not None:
                    seen.add(register)
                elif does and (site, address) in kept.sources:
                    read.append((site, address))
    plain = {
        site
        for site in seen
        if isinstance(site.statement, Assign) and site.statement.row is strong_mul
    }
    touched: set[Site] = set()
    for site in sites:
        registers = {kept.registers.get((site, address)) for address in site.reads}
        if site in plain or site in touched or not touched.isdisjoint(registers):
            touched.add(site)
            touched.update(shown.get(site, ()))
            if is_sum(site):
                touched.update(register for register in registers if register)
    return plain, touched & looked_at


def _covers(reader: Site, address: Address, site: Site) -> bool:
    """Whether a statement that comes when a sum is complete reads every place of it."""
    target = site.target
    assert target is not None
    if address.memory != target.memory or address.lookup or target.lookup:
        return False
    if reader.number < site.number or common_levels(reader, site):
        return False
    moves = sorted(
        (abs(s), n) for s, n in zip(address.strides, reader.counts, strict=True) if n > 1
    )
    moves = [(stride, count) for stride, count in moves if stride]
    step = width = moves[0][0] if moves else 1
    for stride, count in moves:  # without gaps: as a counter of several digits
        if stride != width:
            return False
        width *= count
    low, high = span(address.base, address.strides, reader.counts)
    least, most = span(target.base, target.strides, site.counts)
    inner = gcd(*(s for s, n in zip(target.strides, site.counts, strict=True) if n > 1))
    return low <= least and most <= high and not (least - low) % step and not inner % step


def _carried(site: Site) -> tuple[bool, ...]:
    statement = site.statement
    if isinstance(statement, Accumulate):
        return carries_nan(add)
    row = getattr(statement, "row", None)
    return carries_nan(row) if row else (True,)
