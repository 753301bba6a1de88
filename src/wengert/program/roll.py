"""Find the loops in a flat list.

Straight stretches are folded from the inside out (`fold`): strictly, so that all addresses move by
constant strides, or with operands that may be looked up (`irregular`). What is left then is grouped
by shape (`group`), if that is much smaller. Where loops stand in the
program already, whole statements are folded too, inside and around them (`refold`). Whatever comes
out means the very same list: see `nest`.
"""

from collections.abc import Iterable, Sequence

from wengert.program.fold import Folded
from wengert.program.group import Grouping
from wengert.program.irregular import folding_of
from wengert.program.nest import NotLoops, Tables
from wengert.program.program import Program
from wengert.program.refold import refolded
from wengert.program.shapes import BETTER
from wengert.program.statements import (
    Assign,
    Guard,
    Loop,
    Run,
    Statement,
    While,
    fits_columns,
    parts,
    straight,
)
from wengert.program.stretch import MOST_READS, Stretch

LEAST_ROUNDS = 3  # fewer items repeat nothing
SMALL = 100  # statements up to which loops do no harm
ROUNDS = 128  # of a group on an average, from which on a loop is worth its statement


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
    if tables.size > len(program.index):
        details.append(f"{_bytes((tables.size - len(program.index)) * 8)} of index tables")
    loops = _depths(statements)
    if loops:
        found = f"{len(loops):,} loop{'s' * (len(loops) > 1)}, deepest nest {max(loops)}"
    else:
        found = "nothing repeats"
    return program.passed(
        "roll", (found, *details), statements=tuple(statements), index=tables.index
    )


def is_scattered(program: Program) -> bool:
    """Whether a rolled program is mostly groups of few items, or little smaller than the list.

    To run it, and to derive it, then takes longer than the list does.
    """
    size = program.size
    if size <= SMALL:
        return False
    groups = [
        statement.count
        for statement in program.statements
        if isinstance(statement, Loop) and _looks_up(statement.body)
    ]
    if len(groups) * 4 > size and sum(groups) < ROUNDS * len(groups):
        return True
    return len(program) < BETTER * size


def _looks_up(body: Sequence[Statement]) -> bool:
    """Whether it is one statement, and finds a number in the index table."""
    (first, *more) = body
    if more or not isinstance(first, Assign | Guard):
        return False
    return any(address.lookup for address in (first.target, *first.operands))


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
    if len(run) < LEAST_ROUNDS:
        return [run]  # often what moves the only result
    stretch = Stretch(run)
    folded = folding_of(stretch)
    try:
        return _written(stretch, folded, tables, details)
    except NotLoops:
        details.append("two hashes were equal by chance: a stretch stays flat")
        return [run]


def _written(
    stretch: Stretch, folded: Folded, tables: Tables, details: list[str]
) -> list[Statement]:
    nest = Grouping(stretch, folded, tables)
    out = nest.top()
    if nest.groups:
        details.append(f"grouped by shape: {nest.groups:,} groups")
    if nest.dropped:
        details.append(f"{nest.dropped:,} short loops stay flat")
    return out


def _depths(statements: Iterable[Statement]) -> list[int]:
    """For every loop, how many loops it is in, itself included."""
    depths: list[int] = []
    loops = [statement for statement in statements if isinstance(statement, Loop)]
    waiting: list[tuple[Iterable[Statement], int]] = [(loops, 1)]
    while waiting:
        body, depth = waiting.pop()
        for statement in body:
            if isinstance(statement, Loop):
                depths.append(depth)
                waiting.append((statement.body, depth + 1))
            elif isinstance(statement, While):
                depths.append(depth)
                waiting += [(part, depth + 1) for part in parts(statement)]
    return depths


def _bytes(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"
