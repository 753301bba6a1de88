"""Find the loops in a flat list.

Straight stretches are folded from the inside out (`fold`), strictly at first: all addresses move
by constant strides. Where that leaves much, operands that move irregularly may be looked up; and
what is left then is grouped by shape (`group`), if that is much smaller. Where loops stand in the
program already, whole statements are folded too, inside and around them (`refold`). Whatever comes
out means the very same list: see `nest`.
"""

from collections.abc import Iterable

import numpy as np

from wengert.program.address import CODES, VALUE, Integers, distinct
from wengert.program.fold import Folded, fold
from wengert.program.group import Grouping
from wengert.program.nest import NotLoops, Sizes, Tables
from wengert.program.program import Program
from wengert.program.refold import refolded
from wengert.program.statements import (
    Assign,
    Guard,
    Loop,
    Run,
    Statement,
    While,
    fits_columns,
    straight,
    walk,
)
from wengert.program.stretch import MOST_READS, Stretch, changes_of

SMALL = 200  # statements: nothing else is tried
WORTH = 200  # operations per statement: nothing else is tried
BETTER = 4  # times smaller: then something else is taken
IRREGULAR = 0.25  # of the steps of an operand: then it may be looked up
SPREAD = 64  # distances are sorted only if they spread over more than so many times the items
DISTANCES = 0.125  # as many distances as items: below, it is part of a pattern after all


def roll(program: Program) -> Program:
    """The same program with its loops found."""
    tables = Tables(program.index)
    details: list[str] = []
    statements: list[Statement] = []
    for part in stretches(program.statements):
        if isinstance(part, Run):
            statements += _rolled(part, tables, details)
        else:
            statements.append(part)
    if any(isinstance(statement, Loop | While) for statement in program.statements):
        statements = list(refolded(statements))
    if len(tables.index) > len(program.index):
        new = (len(tables.index) - len(program.index)) * 8
        details.append(f"{_bytes(new)} of index tables")
    loops = _depths(statements)
    if loops:
        found = f"{len(loops):,} loop{'s' * (len(loops) > 1)}, deepest nest {max(loops)}"
    else:
        found = "nothing repeats"
    return program.passed(
        "roll", (found, *details), statements=tuple(statements), index=tables.index
    )


def stretches(statements: Iterable[Statement]) -> Iterable[Statement]:
    """The statements, those that fit into columns in runs."""
    pending: list[Assign | Guard] = []
    for statement in statements:
        fits = isinstance(statement, Assign | Guard) and fits_columns(statement)
        if pending and not (fits and _follows(pending[-1], statement)):
            yield straight(pending)
            pending = []
        if fits and isinstance(statement, Assign | Guard):
            pending.append(statement)
        else:
            yield statement
    if pending:
        yield straight(pending)


def _follows(before: Assign | Guard, after: Statement) -> bool:
    if not isinstance(after, Assign | Guard):
        return False
    same = before.target.memory == after.target.memory
    return same and before.target.base + 1 == after.target.base


def _rolled(run: Run, tables: Tables, details: list[str]) -> list[Statement]:
    if any(operation.reads > MOST_READS for operation in run.operations):
        details.append(f"a stretch with operations of more than {MOST_READS} operands stays flat")
        return [run]
    stretch = Stretch(run)
    kinds = len(stretch.kinds)
    folded = fold(stretch.ids, stretch.hashes(), kinds)
    size = _size(folded, kinds)
    if size > SMALL and size * WORTH > len(stretch):
        free = _irregular(stretch, folded)
        if free:
            loosely = fold(stretch.ids, stretch.hashes(free), kinds)
            if _size(loosely, kinds) * BETTER <= size:
                folded = loosely
    try:
        return _written(stretch, folded, tables, details)
    except NotLoops:
        details.append("two hashes were equal by chance: a stretch stays flat")
        return [run]


def _size(folded: Folded, kinds: int) -> int:
    statements = np.array(Sizes.of(folded, kinds).statements, np.int64)
    return int(statements[folded.ids].sum())


def _written(
    stretch: Stretch, folded: Folded, tables: Tables, details: list[str]
) -> list[Statement]:
    nest = Grouping(stretch, folded, tables)
    if len(folded.ids) == len(stretch) and not nest.is_poor(len(stretch), len(stretch)):
        return [stretch.run]
    out = nest.top()
    if nest.groups:
        details.append(f"grouped by shape: {nest.groups:,} groups")
    if nest.dropped:
        details.append(f"{nest.dropped:,} short loops stay flat")
    return out


def _irregular(stretch: Stretch, folded: Folded) -> frozenset[tuple[int, int]]:
    """The operands, by kind and slot, that move irregularly from one item to the next."""
    kinds = len(stretch.kinds)
    flat = _once(folded, kinds)
    ids = stretch.ids[flat]
    changes = changes_of(stretch.ids, stretch.operands, stretch.offsets, flat, kinds)
    steps = np.bincount(ids, minlength=kinds) - 2
    found = set()
    for kind, slot in np.argwhere(changes > IRREGULAR * np.maximum(steps, 0)[:, None]).tolist():
        if stretch.kinds[kind].memories[slot] == CODES[VALUE]:
            items = flat[ids == kind]
            if _local(stretch.column(slot, items), items):
                continue
        found.add((kind, slot))
    return frozenset(found)


def _once(folded: Folded, kinds: int) -> Integers:
    """The items in order, those in loops for the first time each only."""
    sizes = Sizes.of(folded, kinds).items
    first: list[Integers] = [np.zeros(1, np.int64)] * kinds
    for _, body in folded.loops:
        starts = np.cumsum([0, *(sizes[i] for i in body.tolist())])
        below = [start + first[i] for start, i in zip(starts.tolist(), body.tolist(), strict=False)]
        first.append(np.concatenate(below))
    counts = np.array([len(items) for items in first], np.int64)
    lengths = counts[folded.ids]
    shifts = (np.cumsum(counts) - counts)[folded.ids] - (np.cumsum(lengths) - lengths)
    within = np.arange(int(lengths.sum())) + np.repeat(shifts, lengths)
    items: Integers = np.repeat(folded.starts, lengths) + np.concatenate(first)[within]
    return items


def _local(codes: Integers, items: Integers) -> bool:
    """Whether the operands mostly stand before the items at one of a few distances."""
    distances = items - codes
    low, high = int(distances.min()), int(distances.max())
    if high - low > SPREAD * len(items):
        return len(distinct(distances)) < DISTANCES * len(items)
    seen = np.zeros(high - low + 1, bool)
    seen[distances - low] = True
    return bool(np.count_nonzero(seen) < DISTANCES * len(items))


def _depths(statements: Iterable[Statement]) -> list[int]:
    """For every loop, how many loops it is in, itself included."""
    depths: dict[int, int] = {}
    for statement in statements:
        if isinstance(statement, Loop):
            for _, around in walk((statement,)):
                depths.update({id(loop): k + 1 for k, loop in enumerate(around)})
    return list(depths.values())


def _bytes(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"
