"""Sums that start with what is first added to them, instead of with a zero written long before.

Reverse mode starts all adjoints that are sums at zero, in a loop of their own. Where it is known
which statement is the first to touch a place, in every round, that statement can start the sum:
`m += x` becomes `m = 0 + x`, with the same bits, and the zero need not be written. What lives no
longer than a round can then be a register of a kernel.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import copysign, gcd

import numpy as np

from wengert.primitives import add
from wengert.program.address import CONSTANT, VALUE, Address, Integers, Mask
from wengert.program.dependence import (
    TABULATED,
    Site,
    extent,
    is_sum,
    leaves,
    places_of,
    precedes,
    same_round,
    size_of,
)
from wengert.program.program import Program
from wengert.program.rewrite import with_instead
from wengert.program.statements import Accumulate, Assign, Loop, Plain, Run, Statement, While
from wengert.program.storage import Storing
from wengert.run.place import one_number

MANY = 50_000  # pairs of statements that are not compared
FEW = 4  # loops instead of one, for zeros that are written all the same

Left = dict[Site, list[range]]


def with_late_starts(program: Program, in_any_order: bool = False) -> Program:
    """The same program; itself if no sum can start later than it does.

    Args:
        program: any program.
        in_any_order: whether rounds may be done side by side, each statement for all of them before
            the next one: a sum has to start before the others add to it in this order, too.
    """
    storing = Storing(program)
    instead: dict[int, tuple[Statement, ...]] = {}  # statements and loops, by `id`
    for group in _groups(program, storing):
        dropped, starting = group.later(storing, in_any_order)
        for site, rounds in dropped.items():
            if rounds:
                loop = site.levels[-1].loop
                instead[id(loop)] = tuple(_some(loop, some) for some in rounds)
            else:
                instead[id(site.statement)] = ()
        for site in starting:
            zero = next(iter(dropped)).reads[0]
            base = zero.at((0,) * len(zero.strides), program.index)
            start = Address(CONSTANT, base, (0,) * len(site.counts))
            instead[id(site.statement)] = (_started(site.statement, start),)
    if not instead:
        return program
    return replace(program, statements=tuple(with_instead(program.statements, instead)))


def _started(statement: Plain | Run | While, zero: Address) -> Assign:
    """What adds to a sum, starting it."""
    assert isinstance(statement, Accumulate)
    operands = zero, statement.operand
    return Assign(statement.target, add, operands, statement.label, statement.source)


def _some(loop: Loop | While, rounds: range) -> Loop:
    """Some rounds of a loop that writes zeros, which is not inside of others."""
    assert isinstance(loop, Loop)
    (zero,) = loop.body
    assert isinstance(zero, Assign)
    (stride,) = zero.target.strides
    target = replace(zero.target, base=zero.target.base + rounds.start * stride)
    return Loop(len(rounds), (replace(zero, target=target),))


def _rest(site: Site, covered: Mask) -> list[range] | None:
    """The rounds in which a zero has to be written all the same; None if that is in too many.

    Args:
        site: what writes zeros.
        covered: in which of its rounds a sum starts at its place.
    """
    if covered.all():
        return []
    if len(site.levels) != 1 or len(site.levels[0].parts[0]) != 1:
        return None
    ends = np.flatnonzero(np.diff(covered, prepend=True, append=True)).tolist()
    rounds = [range(a, b) for a, b in zip(ends[::2], ends[1::2], strict=True)]
    return rounds if len(rounds) <= FEW and 2 * sum(map(len, rounds)) < len(covered) else None


@dataclass
class _Group:
    """All that touches some places together."""

    zeros: list[Site] = field(default_factory=list)
    sums: list[Site] = field(default_factory=list)
    touched: list[tuple[Site, Address]] = field(default_factory=list)  # but by zeros
    is_known: bool = True  # whether nothing is looked up, moved by a while loop, or very long

    def later(self, storing: Storing, in_any_order: bool) -> tuple[Left, list[Site]]:
        """The zeros that need not be written, but in some rounds, and the sums that start."""
        many = len(self.sums) * len(self.touched) > MANY
        if not (self.is_known and self.zeros and self.sums) or many:
            return {}, []
        starting = [
            site for site in self.sums
            if self._is_first(site) and not (in_any_order and self._has_others(site))
        ]  # fmt: skip
        if not starting:
            return {}, []
        places = _Places([*starting, *self.zeros], storing)
        firsts = {site: places.of(site) for site in starting}
        zeros = {site: places.of(site) for site in self.zeros}
        while firsts and zeros:
            covered, started = places.marked(firsts), places.marked(zeros)
            left = {site: p for site, p in zeros.items() if _rest(site, covered[p]) is not None}
            kept = {site: p for site, p in firsts.items() if started[p].all()}
            if len(left) == len(zeros) and len(kept) == len(firsts):
                return {site: _rest(site, covered[p]) or [] for site, p in zeros.items()}, [*firsts]
            zeros, firsts = left, kept
        return {}, []

    def _is_first(self, site: Site) -> bool:
        """Whether a sum is the first to touch each of its places, and touches it once."""
        return not any(
            precedes(other, address, site, _target(site))
            or (
                other is site
                and address is not site.target
                and same_round(_target(site), address, site.counts)
            )
            for other, address in self.touched
        )

    def _has_others(self, site: Site) -> bool:
        """Whether a statement before it adds to its places in later rounds.

        Rounds that are lanes would add before the sum starts.
        """
        depth = len(site.levels) - 1
        return depth >= 0 and any(
            other.number < site.number
            and other.levels == site.levels
            and leaves(site, _target(site), other, _target(other), depth)
            for other in self.sums
        )


class _Places:
    """The places that some statements assign to, numbered from the lowest in steps of all."""

    def __init__(self, sites: Sequence[Site], storing: Storing) -> None:
        self.table = storing.table
        reaches = [extent(_target(site), site.counts, self.table) for site in sites]
        self.low = min(reach.low for reach in reaches)
        steps = [step for reach in reaches for step in (reach.step, reach.low - self.low)]
        self.step = gcd(*steps) or 1
        self.count = (max(reach.high for reach in reaches) - self.low) // self.step + 1

    def of(self, site: Site) -> Integers:
        """Those of one."""
        places = places_of(_target(site), site.counts, self.table).ravel()
        numbers: Integers = (places - self.low) // self.step
        return numbers

    def marked(self, some: Mapping[Site, Integers]) -> Mask:
        """Which of them are those of some."""
        marks = np.zeros(self.count, bool)
        for numbers in some.values():
            marks[numbers] = True
        return marks


def _groups(program: Program, storing: Storing) -> list[_Group]:
    """The statements that share places, as far as zeros start sums there."""
    groups: dict[Site, _Group] = {}
    for site in storing.targets.sites:
        group = groups.setdefault(storing.kept_with(site), _Group())
        if is_sum(site):
            group.sums.append(site)
        elif _is_zero(site, program, storing):
            group.zeros.append(site)
        if site.target is None:
            group.is_known = False
        elif site not in group.zeros:
            group.touched.append((site, site.target))
            group.is_known &= _is_plain(site, site.target)
    groups = {leader: group for leader, group in groups.items() if group.zeros and group.sums}
    for (reader, address), met in storing.met.items():
        group_read = groups.get(storing.kept_with(met[0]))
        if group_read and address != reader.target:
            group_read.touched.append((reader, address))
            group_read.is_known &= _is_plain(reader, address)
    for _, _, site in storing.run_reads:
        if storing.kept_with(site) in groups:
            groups[storing.kept_with(site)].is_known = False
    return list(groups.values())


def _target(site: Site) -> Address:
    assert site.target is not None
    return site.target


def _is_zero(site: Site, program: Program, storing: Storing) -> bool:
    """Whether a statement writes zeros and nothing else."""
    statement = site.statement
    if not isinstance(statement, Assign) or statement.row or statement.target.memory != VALUE:
        return False
    zero = site.reads[0]
    if zero.memory != CONSTANT:
        return False
    number = one_number(program, zero, site.counts, storing.table)
    return number == 0.0 and copysign(1.0, number) > 0


def _is_plain(site: Site, address: Address) -> bool:
    fixed = all(isinstance(level.loop, Loop) for level in site.levels)
    return fixed and not address.lookup and size_of(site.counts) <= TABULATED
