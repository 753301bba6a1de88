"""Products whose zero absorbs infinities, as plain products where a NaN would be seen.

`strong_mul` gives 0 where one factor is 0, even if the other is infinite or NaN, and x·y otherwise.
That takes six instructions instead of one, and adjoints are made of such products. A plain product
differs from it only by being NaN. So where each NaN that a product may give reaches a result that
is looked at, through operations that carry NaN, a plain product serves: if none of these results is
NaN, no product was, and all of them are right. Examples of which a result is NaN are computed once
more, with the products as they are meant.
"""

from collections.abc import Sequence
from functools import cache
from itertools import product

from wengert.dispatch import Primitive
from wengert.primitives import add, strong_mul
from wengert.program.dependence import Site
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


def plain_sites(kept: Storage, is_stored: Sequence[bool]) -> tuple[set[Site], set[Site]]:
    """The same for statements in loops, in between two memories.

    A NaN is seen where it is stored. A register is read in each round that assigns it, if its
    reader is in the same loops or in further ones, which run at least once. Inside while loops,
    where lanes wait for others, products are as they are meant.

    Args:
        kept: where values are kept.
        is_stored: of each site, whether its result goes to a memory or a variable.

    Returns:
        The products, and the statements whose stored results have to be looked at.
    """
    sites = kept.layout.sites
    seen: set[Site] = set()
    touched: set[Site] = set()
    for site, stored in zip(reversed(sites), reversed(is_stored), strict=True):
        if not all(isinstance(level.loop, Loop) for level in site.levels):
            continue
        if stored:
            seen.add(site)
        if site in seen and isinstance(site.statement, Assign | Accumulate):
            for address, does in zip(site.reads, _carried(site), strict=True):
                register = kept.registers.get((site, address))
                if does and register is not None:
                    seen.add(register)
    plain = {
        site
        for site in seen
        if isinstance(site.statement, Assign) and site.statement.row is strong_mul
    }
    for site in sites:
        registers = (kept.registers.get((site, address)) for address in site.reads)
        if site in plain or any(register in touched for register in registers):
            touched.add(site)
    return plain, touched


def _carried(site: Site) -> tuple[bool, ...]:
    statement = site.statement
    if isinstance(statement, Accumulate):
        return carries_nan(add)
    row = getattr(statement, "row", None)
    return carries_nan(row) if row else (True,)
