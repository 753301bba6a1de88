"""Simplification: the same results, bit for bit, by fewer operations.

The passes below are repeated until none finds anything to do. Positions keep their meaning, the
order of the recording, and those of operations that are gone stay empty; only columns close up
(see `flat.py`). Guards keep their order and their wording.
"""

from collections.abc import Callable
from dataclasses import replace

from wengert.program.bodies import (
    Details,
    common,
    constants,
    folding,
    identities,
    lookups,
    moves,
    single,
)
from wengert.program.chains import chains
from wengert.program.dead import dead, zeros
from wengert.program.flat import simplified_columns
from wengert.program.hoist import hoisting
from wengert.program.program import Program
from wengert.program.statements import Assign, Guard, Run, fits_columns
from wengert.program.workbench import Draft

PASSES: tuple[Callable[[Draft], Details], ...] = (
    single, lookups, constants, folding, identities, common, chains, moves, zeros, hoisting, dead,
)  # fmt: skip
ROUNDS = 16  # a round that finds nothing ends it; no program seen needs more than five


def simplified(program: Program, unsafe: bool = False) -> Program:
    """The program with fewer operations and the same results.

    Args:
        program: any program.
        unsafe: also apply the rules that can change results by rounding, or at zeros, infinities
            and NaN; see `rules.py`.

    Returns:
        A program whose outputs have the same bits as the given one's (unless `unsafe`), with the
        same guards, less those that are certain to hold.
    """
    details: list[str] = []
    after = program
    for _ in range(ROUNDS):
        fields, said = simplified_columns(after, unsafe)
        after = replace(after, **fields) if fields else after
        details += said
        if _has_runs(after) and not _has_bodies(after):
            break
        draft = Draft(after, unsafe)
        details += _in_bodies(draft)
        if not draft.version:
            break
        after = replace(after, **draft.fields())
        if not _has_runs(after):
            break
    return program.passed(
        "simplify", details, statements=after.statements, values=after.values,
        constants=after.constants, index=after.index,
    )  # fmt: skip


def _has_runs(program: Program) -> bool:
    return any(isinstance(statement, Run) for statement in program.statements)


def _has_bodies(program: Program) -> bool:
    """Whether there is anything that value numbering has not seen."""
    return not all(
        isinstance(s, Run) or (isinstance(s, Assign | Guard) and fits_columns(s))
        for s in program.statements
    )


def _in_bodies(draft: Draft) -> Details:
    """All passes, each until nothing has changed since it looked."""
    details: Details = []
    seen: dict[Callable[[Draft], Details], int] = {}
    for _ in range(ROUNDS):
        for each in PASSES:
            if seen.get(each) != draft.version:
                seen[each] = draft.version
                details += each(draft)
        if all(seen[each] == draft.version for each in PASSES) and not draft.pack():
            break
    return details
