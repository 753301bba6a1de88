"""A program without loops as a kernel: pieces of code, each a function.

What one piece leaves to another is kept in memory, whose places are used again once nothing more
reads them. What a group reads and computes, and the factors of sums, have places of their own.
"""

from collections.abc import Iterable, Sequence
from math import inf

from wengert.primitives import mul
from wengert.run import llvm, tiles
from wengert.run.columns import AGAIN, SHARED, SUM
from wengert.run.lane_rows import Rows
from wengert.run.lanes import Lanes, Mask
from wengert.run.module import Code, Function, Plan, module
from wengert.run.pieces import Piece, pieces
from wengert.run.reciprocals import with_reciprocals
from wengert.run.speculation import plain_products
from wengert.run.tile_code import tile_code
from wengert.run.unrolled import Operand, Unrolled, is_input, number_of

NEAR = 24 << 10  # bytes of scratch memory up to which groups are computed before they are summed
GROUPS = 8  # at most


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
        self.outputs = unrolled.outputs
        self.terms: list[tiles.Term] = []
        if SUM in plan.kinds:
            self.watched = set()  # a sum keeps a NaN
            if len(unrolled.outputs) > tiles.FEW:
                self.terms = tiles.terms(unrolled, self.plain, self._shared())
                self.outputs = []
                live = unrolled.live(tiles.factors(self.terms))
        self.pieces = pieces(unrolled, live, self.rows.is_formula)
        self.made_in = {}  # the straight piece in which an operation is known
        for number, piece in enumerate(self.pieces):
            self.made_in.update(dict.fromkeys(piece.operations, number + bool(piece.row)))
        self.stored: dict[Operand, list[int]] = {}  # outputs, by what they are
        for place, operand in enumerate(self.outputs):
            self.stored.setdefault(operand, []).append(place)
        self.guarded: dict[int, list[tuple[Operand, Operand]]] = {}  # guards, by piece
        for guard in unrolled.guards:
            where = max(self.made_in.get(each, 0) for each in guard)
            self.guarded.setdefault(where, []).append(guard)
        self.size = 0  # numbers that are kept
        self.slots: dict[Operand, int] = {}  # where what a later piece reads is
        self.copies: dict[Operand, list[int]] = {}  # further places of operands
        self.bases: dict[int, list[int]] = {}  # where a group finds each operand
        self._keep_groups()
        self._keep_factors()
        self._keep_others()

    def _shared(self) -> set[int]:
        """The inputs that all examples share."""
        inputs, kinds = self.plan.inputs, self.plan.kinds
        places = range(self.plan.program.arguments.size)
        return {place for place in places if kinds[inputs.find(place)[0]] == SHARED}

    # --- where values are kept --------------------------------------------------------------------

    def _keep_groups(self) -> None:
        """Operands of a group follow each other; its results come in place of the first ones."""
        for number, piece in enumerate(self.pieces):
            if not piece.row:
                continue
            bases = self.bases[number] = []
            for which in range(piece.row.nin):
                bases.append(self.size)
                for k in piece.operations:
                    operand = self.list.operations[k][1][which]
                    self.copies.setdefault(operand, []).append(self.size)
                    self.size += 1
            self.slots.update(zip(piece.operations, range(bases[0], self.size), strict=False))

    def _keep_factors(self) -> None:
        for operand in tiles.factors(self.terms):
            if operand not in self.slots:
                self.slots[operand] = self.size
                self.size += 1

    def _keep_others(self) -> None:
        """What a later piece reads; places are used again behind the last one that does."""
        last: dict[int, int] = {}
        for number, piece in enumerate(self.pieces):
            if not piece.row:
                for k in piece.operations:
                    last.update((x, number) for x in self.list.operations[k][1] if x >= 0)
            for guard in self.guarded.get(number, ()):
                last.update((x, number) for x in guard if x >= 0)
        free: list[int] = []
        ending: dict[int, list[int]] = {}
        for number, piece in enumerate(self.pieces):
            for k in piece.operations:
                if last.get(k, number) > number and k not in self.slots:
                    if not free:
                        free.append(self.size)
                        self.size += 1
                    self.slots[k] = free.pop()
                    ending.setdefault(last[k], []).append(self.slots[k])
            free += ending.pop(number, [])

    # --- code -------------------------------------------------------------------------------------

    def code(self) -> Code:
        """All of it."""
        functions = (
            self._group(piece, self.bases[number]) if piece.row else self._straight(number)
            for number, piece in enumerate(self.pieces)
        )
        adding, groups = None, 1
        if self.terms:
            found = tiles.tiles(self.terms, llvm.lanes())
            adding = tile_code(self.plan, self.rows, found, self.slots, self.size)
            groups = min(max(NEAR // (8 * self.plan.lanes * self.size), 1), GROUPS)
        return module(
            self.plan, self.rows, functions, self.size, None,
            bool(self.plain or self.finite), self.literals, adding, groups,
        )  # fmt: skip

    def _group(self, piece: Piece, bases: Sequence[int]) -> Function:
        """A loop over operations that are the same."""
        assert piece.row
        function = Function(self.plan, self.rows, self.literals)
        block = function.block
        lines = block.lines
        lines.append("br label %each")
        block.begin("each")
        counter = len(lines)
        lines.append("")
        places = [block.put(f"add i64 %k, {base}") for base in bases]
        result = self.rows.applied(piece.row, [function.kept(place) for place in places])
        function.keep(places[0], result)
        lines[counter] = f"%k = phi i64 [ 0, %entry ], [ %onward, %{block.label} ]"
        lines.append("%onward = add i64 %k, 1")
        lines.append(f"%more = icmp slt i64 %onward, {len(piece.operations)}")
        lines.append("br i1 %more, label %each, label %over")
        block.begin("over")
        return function

    def _straight(self, number: int) -> Function:
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

        def hand_on(operand: Operand) -> None:
            """To outputs and groups, and to who sees that it is finite."""
            for place in self.stored.get(operand, ()):
                function.output(place, lanes(operand))
            for slot in self.copies.get(operand, ()):
                function.keep(slot, lanes(operand))
            if operand in self.watched:
                watched.append(lanes(operand))

        if number == 0:
            for operand in (*self.stored, *self.copies, *self.slots):
                if operand < 0:
                    hand_on(operand)
                    if operand in self.slots:
                        function.keep(self.slots[operand], lanes(operand))
        before = self.pieces[number - 1] if number else None
        if before and before.row:
            for k in before.operations:
                hand_on(k)
        for k in self.pieces[number].operations:
            row, operands = self.list.operations[k]
            row = mul if k in self.plain else row
            known[k] = self.rows.applied(row, [lanes(each) for each in operands])
            if k in self.slots:
                function.keep(self.slots[k], known[k])
            hand_on(k)
        if watched:
            function.fail(any_nan(watched), AGAIN)
        for k in self._finite_in(number):
            function.fail(abs(lanes(k)).equals(inf), AGAIN)
        failed: Mask | None = None
        for given, expected in self.guarded.get(number, ()):
            mask = lanes(given).differs(lanes(expected))
            failed = mask if failed is None else failed | mask
        if failed is not None:
            function.fail(failed)
        return function

    def _finite_in(self, number: int) -> Iterable[int]:
        """The reciprocals of a piece."""
        return sorted(self.finite.intersection(self.pieces[number].operations))


def any_nan(watched: Sequence[Lanes]) -> Mask:
    """Where one of them is NaN: an instruction looks at two."""
    pairs = [a.either_is_nan(b) for a, b in zip(watched[::2], watched[1::2], strict=False)]
    if len(watched) % 2:
        pairs.append(watched[-1].is_nan())
    mask = pairs[0]
    for each in pairs[1:]:
        mask = mask | each
    return mask
