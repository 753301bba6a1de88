"""Forward mode: each statement is followed by those that push tangents through it.

The tangent of the value at place p is at `first + p` of the value memory, so it moves with the
loops as the value does. Several directions are a loop around the statements that depend on them,
inside of all others: then it is `first + size·d + p`. In a while loop's own memory, where nobody
knows what the last place is, the places are moved apart, and tangents stand between them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from wengert.derive.activity import Activity, places_of, slots
from wengert.derive.codes import beside_codes, moves, read_in_lines
from wengert.derive.columns import tangents_of_run
from wengert.derive.partials import local, partials_of, product, total
from wengert.derive.space import Beside, Body, Home, Space
from wengert.program.address import (
    CODES,
    CONSTANT,
    INPUT,
    OUTPUT,
    PLACE,
    SHIFT,
    VALUE,
    Address,
    Integers,
    Lookup,
    Mask,
    coded,
)
from wengert.program.draft import TEST, Axes, Frame, Item, Line, drafted, lines, stated
from wengert.program.program import Program
from wengert.program.statements import Accumulate, Assign, Run, Statement, While
from wengert.program.structure import Floats


def forward(
    program: Program, wanted: Mask, directions: int = 1, seeds: Floats | None = None
) -> "Derived":
    """Push tangents through a program.

    Args:
        program: any program, with n inputs and m outputs.
        wanted: the inputs that have tangents, `(n,)`.
        directions: how many tangents each has.
        seeds: the inputs' tangents, `(directions, n)`; without them they are further inputs, in
            this order.

    Returns:
        The statements of the program and those of its derivative, which leave the outputs'
        tangents in the value memory, `(directions, m)`.

    **Source:** Griewank and Walther, Evaluating Derivatives, 2nd edition, 2008, section 3.1.
    """
    space = Space(program)
    items = drafted(program.statements)
    sizes = program.sizes
    inputs = Beside(INPUT, sizes[INPUT], sizes[INPUT])
    if seeds is not None:
        inputs = Beside(CONSTANT, space.block(seeds), sizes[INPUT])
    results = space.take(sizes[OUTPUT] * directions)
    tangents = {
        INPUT: inputs,
        VALUE: Beside(VALUE, space.take(sizes[VALUE] * directions), sizes[VALUE]),
        OUTPUT: Beside(VALUE, results, sizes[OUTPUT]),
    }
    forwarding = Forward(
        space, Activity(items, program.index, program.values, wanted), directions, tangents
    )
    body = Body(space)
    forwarding.items(items, body)
    return Derived(tuple(body.statements), space, results)


@dataclass(frozen=True)
class Derived:
    """The statements of a derivative program, its memories, and where its results begin."""

    statements: tuple[Statement, ...]
    space: Space
    results: int


class Forward:
    """One pass over statements.

    Args:
        space: the memories of the new program.
        activity: who depends on whom.
        directions: how many tangents there are of each number.
        tangents: where they are.
    """

    def __init__(
        self, space: Space, activity: Activity, directions: int, tangents: dict[str, Beside]
    ) -> None:
        self.space, self.activity, self.directions = space, activity, directions
        self.tangents = tangents
        self.zeros = activity.needing_zero
        self.spread: dict[str, int] = {}  # by how much places of while loops are moved apart
        self.names: dict[str, str] = {}  # of their memories, where these are new
        self._known: list[tuple[Integers, Integers]] = []  # for columns, per direction

    # --- addresses --------------------------------------------------------------------------------

    def primal(self, address: Address, axes: Axes) -> Address:
        """Where a value is in the new program."""
        memory = self.names.get(address.memory, address.memory)
        return replace(scaled(address, self.spread.get(address.memory, 1)), memory=memory)

    def name(self, local: str) -> str:
        """What a while loop's memory is called."""
        return local

    def tangent(self, address: Address, axes: Axes) -> Address:
        """Where its tangent is, in one more loop if there are several directions."""
        if address.memory in self.tangents:
            beside = self.tangents[address.memory]
            moved, step = beside.of(address), beside.size
        else:  # in a while loop's memory
            moved, step = self.primal(address, axes), 1
            moved = replace(moved, base=moved.base + 1)
        return deepened(moved, step) if self.directions > 1 else moved

    def result(self, line: Line, inner: Body) -> Address:
        """Where the tangent of a statement's result goes."""
        return self.tangent(line.target, line.axes)

    def repeats(self, line: Line) -> bool:
        """Whether the statement itself belongs into the new program."""
        return True

    def follows(self, line: Line) -> bool:
        """Whether the tangent of its result may be needed."""
        return True

    # --- statements -------------------------------------------------------------------------------

    def items(self, items: Sequence[Item], body: Body, axes: Axes = ()) -> None:
        """Write statements down, and what pushes tangents through them."""
        stretch: list[Line] = []
        for item in items:
            if isinstance(item, Line):
                stretch.append(item)
                continue
            self._lines(stretch, body)
            stretch = []
            if isinstance(item, Run):
                self._run(item, body)
            elif item.count is not None:
                inner = body.inside(item.count, item.again)
                self.items(item.parts[0], inner, item.inside(axes))
                body.close(inner)
            else:
                self.loop(item, axes, body)
        self._lines(stretch, body)

    def _lines(self, stretch: Sequence[Line], body: Body) -> None:
        inner = body.inside(self.directions) if self.directions > 1 else body
        for line in stretch:
            self._line(line, body, inner)
        if inner is not body:
            body.close(inner)

    def _line(self, line: Line, body: Body, inner: Body) -> None:
        """A statement, and its tangent, which goes to the inner body."""
        target, *reads = (self.primal(a, line.axes) for a in (line.target, *line.reads))
        body.source = inner.source = line.source
        if self.repeats(line):
            body.statements += stated([replace(line, target=target, reads=tuple(reads))])
        if not self.follows(line):
            return
        wanted = [(k, a) for k, a in slots(line) if self.activity.depends(a, line.axes)]
        needed = line.target.memory == OUTPUT or id(line) in self.zeros
        if not wanted and not (needed and line.kind is not Accumulate):
            return
        own = line.target.memory in self.spread
        body.home = inner.home = (
            Home(target, 1 + self.directions) if own else None
        )  # what is beside a value and its tangents in a while loop's memory
        tangent = self.result(line, inner)
        if not wanted:
            inner.assign(tangent, None, (inner.constant(0.0),))
            return
        found = [self.tangent(address, line.axes) for _, address in wanted]
        if line.row is None:
            if line.kind is Accumulate:
                inner.add_to(tangent, found[0])
            else:
                inner.assign(tangent, None, (found[0],), dotted(line.label))
            return
        environment = [target, *reads]
        partials = local(line.row, environment, [k for k, _ in wanted], body.constant, body.apply)
        terms, written = [], len(inner.statements)
        for each, partial in zip(found, partials, strict=True):
            if not isinstance(partial, float) and inner is not body:
                partial = deepened(partial, 0)
            terms.append(product(each, partial, inner.constant, inner.apply))
        settle(inner, tangent, terms, dotted(line.label), written)

    # --- while loops ------------------------------------------------------------------------------

    def loop(self, frame: Frame, axes: Axes, body: Body) -> None:
        """A while loop, in whose memory tangents stand between the values."""
        assert frame.condition is not None
        inside = [line for part in frame.parts for line in lines(part)]
        self.spread[frame.local] = max(map(self._room, inside), default=1)
        name, parts = self.name(frame.local), []
        for number, part in enumerate(frame.parts):
            inner = body.inside(1)
            self.items(part, inner, frame.inside(axes, number))
            parts.append(tuple(inner.statements))
        first, test, main, last = parts
        condition = self.primal(frame.condition, frame.inside(axes, TEST))
        body.statements.append(While(name, first, test, condition, main, last))

    def _room(self, line: Line) -> int:
        """How many places a line needs in a while loop's memory: value, tangents, steps, terms."""
        steps = len(partials_of(line.row).steps) if line.row else 0
        return 1 + self.directions + steps + 2 * self.directions * len(line.reads)

    # --- columns ----------------------------------------------------------------------------------

    def _run(self, run: Run, body: Body) -> None:
        """A straight stretch, and one more for each direction."""
        if self.directions and not self._known:
            self._known = [self._outside(d) for d in range(self.directions)]
        body.statements.append(run)
        for direction, (inputs, values) in enumerate(self._known):
            if run.outputs:
                self._outputs(run, body, direction, inputs, values)
                continue
            found = tangents_of_run(run, self.space.values, self.space.length, (inputs, values))
            self.space.block(found.constants)
            if found.run:
                self.space.take(len(found.run))
                body.statements.append(found.run)
            values[run.start : run.start + len(run)] = found.tangents
            places = read_in_lines(self.activity, run)
            targets = beside_codes(self.tangents[VALUE], places, direction)
            body.source = ""
            body.scatter(targets, self._or_zero(values[places]))

    def _outside(self, direction: int) -> tuple[Integers, Integers]:
        """Where the tangents of inputs and values are, coded; -1 where there is none."""
        places = np.arange(len(self.activity.wanted))
        inputs = beside_codes(self.tangents[INPUT], places, direction)
        inputs[~self.activity.wanted] = -1
        size = self.tangents[VALUE].size
        values = np.full(size, -1)
        for line in self.activity.producers.lines:
            if self.activity.active(line) and line.target.memory == VALUE:
                at = places_of(line, self.activity.index)
                values[at] = beside_codes(self.tangents[VALUE], at, direction)
        return inputs, values

    def _outputs(
        self, run: Run, body: Body, direction: int, inputs: Integers, values: Integers
    ) -> None:
        """The tangents of outputs that are moved from columns."""
        memory, place = run.operands >> SHIFT, run.operands & PLACE
        found = np.full(len(run), -1)
        for code, tangents in ((CODES[INPUT], inputs), (CODES[VALUE], values)):
            found[memory == code] = tangents[place[memory == code]]
        outputs = self.tangents[OUTPUT]
        start = outputs.base + outputs.size * direction + run.start
        body.statements += moves(start, self._or_zero(found))

    def _or_zero(self, codes: Integers) -> Integers:
        return np.where(codes < 0, coded(CONSTANT, self.space.number(0.0)), codes)


def settle(
    body: Body, target: Address, terms: Sequence[Address], label: str = "",
    written: int | None = None,
) -> None:  # fmt: skip
    """See to it that the sum of some terms stands at a place.

    What is behind the statements `written` before was written for that, and can stand there itself.
    """
    written = len(body.statements) if written is None else written
    result = total(terms, body.apply)
    last = body.statements[-1] if len(body.statements) > written else None
    if isinstance(last, Assign) and last.target == result:
        body.statements[-1] = replace(last, target=target, label=label)
    else:
        body.assign(target, None, (result,), label)


def dotted(label: str) -> str:
    """The label of a tangent."""
    return f"{label}_dot" if label else ""


def scaled(address: Address, factor: int) -> Address:
    """The address with all places a factor further apart; tables cannot be moved apart."""
    if factor == 1:
        return address
    strides = tuple(stride * factor for stride in address.strides)
    return replace(address, base=address.base * factor, strides=strides)


def deepened(address: Address, stride: int) -> Address:
    """The address inside one more loop."""
    lookup = address.lookup
    if lookup:
        lookup = Lookup(lookup.start, (*lookup.strides, 0))
    return replace(address, strides=(*address.strides, stride), lookup=lookup)
