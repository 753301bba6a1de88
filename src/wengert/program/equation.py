"""Whether one linear equation has a solution, each unknown within its range.

That is whether two addresses can be the same place, at whatever counters of the loops around them.
The native twin is native/equation.c.
"""

from math import gcd
from typing import TYPE_CHECKING

from wengert.value import engine

STEPS = 4000  # of the search for a solution; where they do not suffice, there may be one


def solvable_plain(terms: list[tuple[int, int]], total: int) -> bool:
    """Whether `Σ coefficient·x == total` for whole x, each from 0 to its bound.

    The search is exact; where it would be long, the answer is that there may be a solution.
    """
    given = []
    reach = step = 0
    for coefficient, bound in terms:
        if coefficient and bound > 0:
            if coefficient < 0:  # x counted from the other end
                coefficient = -coefficient
                total += coefficient * bound
            reach += coefficient * bound
            step = gcd(step, coefficient)
            given.append((coefficient, bound))
    if not 0 <= total <= reach or (total % step if step else total):
        return False
    if len(given) < 2:
        return True
    given = _merged(given)
    most, steps = [0], [0]
    for coefficient, bound in reversed(given):
        most.append(most[-1] + coefficient * bound)
        steps.append(gcd(steps[-1], coefficient))
    most.reverse()
    steps.reverse()
    budget = STEPS
    waiting = [(0, total)]
    while waiting:
        at, rest = waiting.pop()
        if not 0 <= rest <= most[at] or (rest % steps[at] if steps[at] else rest):
            continue
        if at == len(given):
            return True
        coefficient, bound = given[at]
        low = max(0, -((most[at + 1] - rest) // coefficient))
        high = min(bound, rest // coefficient)
        budget -= max(high - low + 1, 1)
        if budget < 0:
            return True
        waiting += [(at + 1, rest - coefficient * x) for x in range(low, high + 1)]
    return False


def _merged(terms: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Fewer terms with the same sums, the largest coefficient first.

    With x up to n, `a·x + q·a·y` takes all multiples of a, without a gap, if n + 1 >= q.
    """
    merged: list[tuple[int, int]] = []
    for coefficient, bound in sorted(terms):
        for k, (a, n) in enumerate(merged):
            if coefficient % a == 0 and n + 1 >= coefficient // a:
                merged[k] = a, n + coefficient // a * bound
                break
        else:
            merged.append((coefficient, bound))
    return sorted(merged, reverse=True)


if TYPE_CHECKING:
    solvable = solvable_plain
elif engine == "native":
    from wengert import _native

    def solvable(terms: list[tuple[int, int]], total: int) -> bool:
        """See `solvable_plain`, which takes over where numbers are very large."""
        found = _native.solvable(terms, total)
        return solvable_plain(terms, total) if found is None else found

else:
    solvable = solvable_plain
