"""A program without loops as a kernel: straight code, in functions of bounded size.

Compilers take more than linear time on long functions, so a long list is cut into parts. What one
part leaves to another is kept in memory, whose places are used again once nothing more reads them.
"""

from collections.abc import Sequence
from math import inf

from wengert.primitives import mul
from wengert.run.columns import AGAIN
from wengert.run.lane_rows import Rows
from wengert.run.lanes import Lanes, Mask
from wengert.run.module import Code, Function, Plan, module
from wengert.run.reciprocals import with_reciprocals
from wengert.run.speculation import plain_products
from wengert.run.unrolled import Operand, Unrolled, is_input, number_of

PART = 400  # operations of a function


def list_code(plan: Plan, unrolled: Unrolled) -> Code:
    """The kernel of a list of operations."""
    return _Writing(plan, unrolled).code()


class _Writing:
    def __init__(self, plan: Plan, unrolled: Unrolled) -> None:
        self.finite: set[int] = set()  # reciprocals that must not overflow
        if not (plan.exact or plan.strong):
            unrolled, self.finite = with_reciprocals(unrolled)
        self.plan, self.list = plan, unrolled
        self.rows = Rows(plan.exact)
        self.literals: dict[str, int] = {}
        live = unrolled.live()
        self.plain: set[int] = set()
        self.watched: set[int] = set()
        if not plan.strong:
            self.plain, self.watched = plain_products(unrolled, live)
        starts = range(0, max(len(live), 1), PART)
        self.parts: list[list[int]] = [live[k : k + PART] for k in starts]
        self.part_of = {k: number for number, part in enumerate(self.parts) for k in part}
        self.stored: dict[Operand, list[int]] = {}  # outputs, by what they are
        for place, operand in enumerate(unrolled.outputs):
            self.stored.setdefault(operand, []).append(place)
        self.guarded: dict[int, list[tuple[Operand, Operand]]] = {}  # guards, by part
        for guard in unrolled.guards:
            where = max((self.part_of[each] for each in guard if each >= 0), default=0)
            self.guarded.setdefault(where, []).append(guard)
        self.slots, self.scratch = self._slots()

    def _slots(self) -> tuple[dict[int, int], int]:
        """The places of what a later part reads, and how many there are."""
        last: dict[int, int] = {}
        for number, part in enumerate(self.parts):
            for k in part:
                for operand in self.list.operations[k][1]:
                    if operand >= 0:
                        last[operand] = number
            for guard in self.guarded.get(number, ()):
                last.update((operand, number) for operand in guard if operand >= 0)
        slots: dict[int, int] = {}
        free: list[int] = []
        ending: dict[int, list[int]] = {}
        size = 0
        for number, part in enumerate(self.parts):
            for k in part:
                if last.get(k, number) > number:
                    if free:
                        slots[k] = free.pop()
                    else:
                        slots[k], size = size, size + 1
                    ending.setdefault(last[k], []).append(slots[k])
            free += ending.pop(number, [])
        return slots, size

    def code(self) -> Code:
        """All of it."""
        functions = [self._part(number) for number in range(len(self.parts))]
        return module(
            self.plan, self.rows, functions, self.scratch, len(functions),
            bool(self.plain or self.finite), self.literals,
        )  # fmt: skip

    def _part(self, number: int) -> Function:
        function = Function(self.plan, self.rows, self.literals)
        block = function.block
        known: dict[Operand, Lanes] = {}
        watched: list[Lanes] = []

        def lanes(operand: Operand) -> Lanes:
            found = known.get(operand)
            if found is None:
                if operand >= 0:
                    found = function.kept(self.slots[operand])
                elif is_input(operand):
                    found = function.input(number_of(operand))
                else:
                    found = block.constant(self.list.constants[number_of(operand)])
                known[operand] = found
            return found

        if number == 0:
            for operand, places in self.stored.items():
                if operand < 0:
                    for place in places:
                        function.output(place, lanes(operand))
        for k in self.parts[number]:
            row, operands = self.list.operations[k]
            row = mul if k in self.plain else row
            result = known[k] = self.rows.applied(row, [lanes(each) for each in operands])
            if k in self.watched:
                watched.append(result)
            if k in self.slots:
                function.keep(self.slots[k], result)
            for place in self.stored.get(k, ()):
                function.output(place, result)
        if watched:
            function.fail(any_nan(watched), AGAIN)
        for k in self.finite.intersection(self.parts[number]):
            function.fail(abs(known[k]).equals(inf), AGAIN)
        failed: Mask | None = None
        for given, expected in self.guarded.get(number, ()):
            mask = lanes(given).differs(lanes(expected))
            failed = mask if failed is None else failed | mask
        if failed is not None:
            function.fail(failed)
        return function


def any_nan(watched: Sequence[Lanes]) -> Mask:
    """Where one of them is NaN: an instruction looks at two."""
    pairs = [a.either_is_nan(b) for a, b in zip(watched[::2], watched[1::2], strict=False)]
    if len(watched) % 2:
        pairs.append(watched[-1].is_nan())
    mask = pairs[0]
    for each in pairs[1:]:
        mask = mask | each
    return mask
