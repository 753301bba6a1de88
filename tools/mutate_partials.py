"""Show that the tests of the rows notice a wrong derivative: change each partial, one at a time.

    python tools/mutate_partials.py

Each partial of each row has its sign flipped; one that is zero over the whole domain becomes 1
instead. The checks of tests/test_primitives.py are then run on the changed row. A mutant that
passes them all has survived, and the exit status says so.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import oracle
import test_primitives as tests
from wengert.dispatch import Primitive
from wengert.primitives import rows


def mutants() -> Iterator[tuple[Primitive, int, str, Primitive]]:
    """Each row, the number of a partial, what is done to it, and the row with that done."""
    for row in rows():
        for k in range(row.nin):
            kind = "becomes 1" if _is_zero(row, k) else "sign"
            yield row, k, kind, _changed(row, k, kind)


def _is_zero(row: Primitive, k: int) -> bool:
    points = tests.columns(oracle.samples(row, 40))
    return not tests.partials_on_arrays(row, points)[k].any()


def _changed(row: Primitive, k: int, kind: str) -> Primitive:
    def partials(z: Any, *xs: Any) -> tuple[Any, ...]:
        right = row.partials(z, *xs)
        wrong = 1.0 if kind == "becomes 1" else -1.0 * right[k]
        return (*right[:k], wrong, *right[k + 1 :])

    mutant = replace(row, partials=partials)
    mutant.__dict__["operands"] = row.operands  # which the signature above does not tell
    return mutant


def killers(mutant: Primitive) -> list[str]:
    """The checks that fail on a mutant."""
    failed = []
    for check in tests.CHECKS:
        try:
            check(mutant)
        except AssertionError:
            failed.append(check.__name__.removeprefix("check_"))
    return failed


def main() -> int:
    """Print a line for each mutant; the status is the number that survived."""
    survived = total = 0
    print(f"{'partial':34}{'change':12}killed by")
    for row, k, kind, mutant in mutants():
        failed = killers(mutant)
        total += 1
        survived += not failed
        name = f"∂{tests.label(row)}/∂{row.operands[k]}"
        print(f"{name:34}{kind:12}{', '.join(failed) or 'SURVIVED'}")
    print(f"\n{total} mutants, {total - survived} killed, {survived} survived")
    return min(survived, 1)


if __name__ == "__main__":
    sys.exit(main())
