"""Quotients as products with a reciprocal that is computed anyway.

The partials of x/y are 1/y and -z/y, so a derivative divides by the same number again and again,
and a division takes as long as ten products. A product with the reciprocal is within 1.5 ulp of the
quotient, unless the reciprocal overflows.
"""

from wengert.primitives import div, mul
from wengert.run.unrolled import Operand, Operation, Unrolled


def with_reciprocals(unrolled: Unrolled) -> tuple[Unrolled, set[int]]:
    """The same list with fewer quotients, and the reciprocals that must be finite for that."""
    ones = {-2 - 2 * k for k, number in enumerate(unrolled.constants) if number == 1.0}
    quotients = [operands for row, operands in unrolled.operations if row is div]
    inverted = {below for above, below in quotients if above in ones}
    inverted &= {below for above, below in quotients if above not in ones}
    if not inverted:
        return unrolled, set()
    operations: list[Operation] = []
    moved: list[int] = []  # where each operation is now
    reciprocals: dict[Operand, int] = {}

    def now(operand: Operand) -> Operand:
        return moved[operand] if operand >= 0 else operand

    for row, operands in unrolled.operations:
        above, below = operands[0], operands[-1]
        if row is not div or below not in inverted:
            moved.append(len(operations))
            operations.append((row, tuple(map(now, operands))))
            continue
        if below not in reciprocals:
            reciprocals[below] = len(operations)
            operations.append((div, (min(ones), now(below))))
        if above in ones:
            moved.append(reciprocals[below])
        else:
            moved.append(len(operations))
            operations.append((mul, (now(above), reciprocals[below])))
    guards = [(now(given), now(expected)) for given, expected in unrolled.guards]
    outputs = [now(operand) for operand in unrolled.outputs]
    return Unrolled(operations, unrolled.constants, outputs, guards), set(reciprocals.values())
