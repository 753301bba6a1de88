"""Reverse mode: the statements backwards, each pushing its adjoint on to its operands.

A loop stays a loop; it runs backwards where it carries something. The adjoint of what is assigned
and read in one body, in the same round, is the sum of its contributions, written as it is. Other
adjoints are sums in the value memory, that of place p at `first + p`: they start at zero, and every
statement that reads p adds to them. Where each place is read just once they are assigned instead.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import prod

import numpy as np

from wengert.derive.activity import Activity, slots
from wengert.derive.again import BODY, STORE, Again, repeated
from wengert.derive.codes import beside_codes, coded_of, moves
from wengert.derive.columns_back import ColumnsBack
from wengert.derive.copies import Copies
from wengert.derive.forward import Derived, deepened, settle
from wengert.derive.partials import local, product, total
from wengert.derive.rerun import Entry, Rerun, entries_of
from wengert.derive.space import Beside, Body, Space, counts_of, dense
from wengert.derive.strips import stripped
from wengert.derive.uses import Far, Use, Uses
from wengert.program.address import (
    CONSTANT,
    INPUT,
    OUTPUT,
    VALUE,
    Address,
    Lookup,
    Mask,
    coded,
)
from wengert.program.draft import Axes, Frame, Item, Line, drafted
from wengert.program.program import Program
from wengert.program.rewrite import deeper
from wengert.program.segments import Checkpoint, rounds_kept
from wengert.program.statements import Accumulate, Run
from wengert.program.structure import Floats


def reverse(
    program: Program, wanted: Mask, rows: int = 1, seeds: Floats | None = None,
    chosen: Mask | None = None, checkpoint: Checkpoint = None,
) -> Derived:  # fmt: skip
    """Pull cotangents back through a program.

    Args:
        program: any program, with n inputs and m outputs.
        wanted: the inputs whose adjoints are asked for, `(n,)`.
        rows: how many cotangents each output has.
        seeds: the outputs' cotangents, `(rows, m)`; without them they are further inputs, in this
            order.
        chosen: the outputs that have cotangents, `(m,)`; all by default.
        checkpoint: what to do about values that loops need on the way back: "store" or "body", see
            `again.py`; or how many rounds of a loop to keep at a time, see `strips.py`.

    Returns:
        The statements of the program and those of its derivative, which leave the adjoints of the
        wanted inputs in the value memory, `(rows, wanted)`.

    **Source:** Griewank and Walther, Evaluating Derivatives, 2nd edition, 2008, section 3.2.
    """
    if checkpoint not in (None, STORE, BODY):
        rounds_kept(checkpoint, 1, '"store", "body", ')
        program, checkpoint = stripped(program, checkpoint), None
    space = Space(program)
    items = drafted(program.statements)
    chosen = np.ones(program.results.size, bool) if chosen is None else chosen
    uses = Uses(Activity(items, program.index, program.values, wanted), items, chosen)
    again = Again(uses, checkpoint)
    statements = list(program.statements)
    results = space.take(rows * int(wanted.sum()))
    cotangents = Beside(INPUT, program.arguments.size, program.results.size)
    if seeds is not None:
        cotangents = Beside(CONSTANT, space.block(seeds), program.results.size)
    if rows == 1 or uses.activity.runs or uses.activity.outputs:
        for row in range(rows):
            start = replace(cotangents, base=cotangents.base + row * cotangents.size)
            body = Body(space)
            _Sweep(
                program, items, uses, again, body, start, results + row * int(wanted.sum())
            ).all()
            statements += body.statements
    else:
        body = Body(space, (rows,))
        _Sweep(program, items, uses, again, body, cotangents, results).all()
        statements.append(body.loop())
    return Derived(tuple(statements), space, results)


class _Sweep:
    """One way back through a program."""

    def __init__(
        self, program: Program, items: Sequence[Item], uses: Uses, again: Again, body: Body,
        cotangents: Beside, results: int,
    ) -> None:  # fmt: skip
        self.program, self.items, self.uses, self.body = program, items, uses, body
        self.again = again
        self.activity = uses.activity
        self.rows = bool(body.counts)
        self.cotangents = cotangents
        times = prod(body.counts)
        self.copies = Copies(again.blocks, self.here, self._in_rows, self._room)
        self.adjoints = {
            VALUE: Beside(VALUE, body.space.take(times * program.values), program.values),
            INPUT: Beside(VALUE, body.space.take(times * len(self.wanted)), len(self.wanted)),
        }
        self.pending: dict[int, list[Address]] = {}  # contributions, by the `id` of the statement
        self.inputs: dict[int, list[Address]] = {}  # by the place of the input
        self.results = results
        self.columns = ColumnsBack(uses, cotangents, self.adjoints, self.inputs)

    @property
    def wanted(self) -> Mask:
        """The inputs whose adjoints are asked for."""
        return self.activity.wanted

    def all(self) -> None:
        """Write everything down."""
        self._zeros(self.items, self.body)
        self._zero_inputs()
        self._items(self.items, (), self.body)
        self._results()

    # --- addresses --------------------------------------------------------------------------------

    def here(self, address: Address, axes: Axes, turned: int) -> Address:
        """An address of the program, as it stands where so many loops run backwards."""
        base, strides = self._turned(address.base, address.strides, axes[:turned])
        lookup = address.lookup
        if lookup:
            lookup = Lookup(*self._turned(lookup.start, lookup.strides, axes[:turned]))
        return Address(address.memory, base, strides, lookup)

    def _turned(self, base: int, strides: Sequence[int], axes: Axes) -> tuple[int, tuple[int, ...]]:
        found = [0] * len(self.body.counts)
        for stride, axis in zip(strides, axes, strict=False):
            if axis.frame in self.uses.carrying:
                base += stride * ((axis.rounds or 1) - 1)
                stride = -stride
            found.append(stride)
        return base, (*found, *strides[len(axes) :])

    def adjoint(self, address: Address, axes: Axes) -> Address:
        """The adjoint of an address of the program."""
        return self.beside(self.here(address, axes, len(axes)))

    def beside(self, address: Address) -> Address:
        """The adjoint of an address, which is one here already."""
        return self._in_rows(self.adjoints[address.memory], address)

    def _in_rows(self, beside: Beside, address: Address) -> Address:
        """What belongs to an address; where there is a loop over rows, in the present one."""
        found = beside.of(address)
        return replace(found, strides=(beside.size, *found.strides[1:])) if self.rows else found

    def _room(self) -> Beside:
        """Where there is room for a copy of the value memory, in each row."""
        size = self.program.values
        return Beside(VALUE, self.body.space.take(prod(self.body.counts) * size), size)

    # --- zeros ------------------------------------------------------------------------------------

    def _zeros(self, items: Sequence[Item], body: Body, home: Frame | None = None) -> None:
        """Let the sums start that belong to a marked loop, or to none."""
        homes = self.again.blocks.homes
        for item in items:
            if isinstance(item, Line):
                if id(item) in self.uses.summed and homes.get(id(item)) is home:
                    target = self.beside(self.within(item.target))
                    if home:
                        target = self.adjoint(item.target, item.axes)
                    body.assign(target, None, (body.constant(0.0),))
            elif isinstance(item, Run):
                places = np.array(self.uses.read_of(item), np.int64)
                zeros = np.full(len(places), coded(CONSTANT, body.space.number(0.0)))
                body.scatter(beside_codes(self.adjoints[VALUE], places), zeros)
            else:
                for part in item.parts:
                    inner = body.inside(item.count or 1)
                    self._zeros(part, inner, home)
                    body.close(inner)

    def within(self, address: Address) -> Address:
        """The address inside the loop over rows, if there is one."""
        if not self.rows:
            return address
        return deeper(address.memory, address.base, address.strides, address.lookup, 0)

    def _zero_inputs(self) -> None:
        for first, count in stretches(self.uses.summed_inputs):
            inner = self.body.inside(count)
            target = self.within(Address(INPUT, first, (1,)))
            inner.assign(self.beside(target), None, (inner.constant(0.0),))
            self.body.close(inner)

    # --- statements -------------------------------------------------------------------------------

    def _items(self, items: Sequence[Item], axes: Axes, body: Body) -> None:
        waiting: dict[Far, list[Address]] = {}
        known = repeated(self.again.lines(items, axes), self.copies.value, body)
        for item in reversed(items):
            if isinstance(item, Line):
                if id(item) in self.uses.useful:
                    self._line(item, body, waiting, known)
                continue
            self._flush(waiting, body)
            if isinstance(item, Run):
                self.columns.back(item, body)
            elif item.count is not None:
                self._loop(item, item.inside(axes), body)
            else:
                self._while(item, axes, body)
        self._flush(waiting, body)

    def _loop(self, frame: Frame, axes: Axes, body: Body) -> None:
        """Back through the rounds, each of which comes first again in a marked loop."""
        (items,) = frame.parts
        inner = body.inside(frame.count or 1, frame.again)
        if not frame.again:
            self._items(items, axes, inner)
            body.close(inner)
            return
        with self.copies.of(items, axes, inner):
            self._zeros(items, inner, frame)
            before = len(inner.statements)
            self._items(items, axes, inner)
        if len(inner.statements) > before:
            body.close(inner)

    def _line(
        self, line: Line, body: Body, waiting: dict[Far, list[Address]],
        known: dict[Address, Address],
    ) -> None:  # fmt: skip
        body.source = line.source
        adjoint = self._adjoint(line, body)
        if adjoint is None:
            return
        wanted = [(k, a) for k, a in slots(line) if self.activity.depends(a, line.axes)]
        if line.row is None:
            partials: list[Address | float] = [1.0]
        else:
            environment = [
                known.get(a) or self.copies.value(a, line.axes, len(line.axes))
                for a in (line.target, *line.reads)
            ]
            numbers = [k for k, _ in wanted]
            partials = local(line.row, environment, numbers, body.constant, body.apply)
        for (slot, address), partial in zip(wanted, partials, strict=True):
            term = product(adjoint, partial, body.constant, body.apply)
            self._deliver(term, Use(line, slot, address), body, waiting)

    def _adjoint(self, line: Line, body: Body) -> Address | None:
        """Where the adjoint of a statement's result is; None if nothing reads it."""
        target = self.here(line.target, line.axes, len(line.axes))
        if line.target.memory == OUTPUT:
            return self._in_rows(self.cotangents, target)
        if line.kind is Accumulate:
            return self.beside(target)
        terms = [self.beside(target)] if id(line) in self.uses.kept else []
        terms += self.pending.pop(id(line), [])
        if not terms:
            return None
        adjoint = total(terms, body.apply)
        if line.label:
            body.name(adjoint, f"{line.label}_bar")
        return adjoint

    def _deliver(
        self, term: Address, use: Use, body: Body, waiting: dict[Far, list[Address]]
    ) -> None:
        """Add a contribution to the adjoint of what a statement has read."""
        writer = self.uses.local(use)
        if writer is not None:
            self.pending.setdefault(id(writer), []).append(term)
        elif self.uses.is_private_input(use):
            self.inputs.setdefault(use.address.base, []).append(term)
        else:
            far = self.uses.far[use.key]
            waiting.setdefault(far, []).append(term)
            if far.at_once:
                self._flush(waiting, body, far)

    def _flush(
        self, waiting: dict[Far, list[Address]], body: Body, only: Far | None = None
    ) -> None:
        """Deliver contributions at a distance."""
        for far in [only] if only else list(waiting):
            terms = waiting.pop(far)
            target = self.adjoint(far.address, far.axes)
            if far.is_single:
                settle(body, target, terms)
            else:
                body.add_to(target, total(terms, body.apply))

    # --- results ----------------------------------------------------------------------------------

    def _results(self) -> None:
        """Move the inputs' adjoints to where results are expected."""
        body, count = self.body, int(self.wanted.sum())
        for first, length in stretches(self.wanted & ~self.uses.private_inputs):
            inner = body.inside(length)
            at = self.results + int(self.wanted[:first].sum())
            out = Beside(VALUE, at - first, count)
            source = self.within(Address(INPUT, first, (1,)))
            inner.assign(self._in_rows(out, source), None, (self.beside(source),))
            body.close(inner)
        for first, length in stretches(self.wanted & self.uses.private_inputs):
            sources = [self._total(first + k) for k in range(length)]
            at = self.results + int(self.wanted[:first].sum())
            if self.rows or any(source.lookup for source in sources):
                self._one_by_one(sources, first, Beside(VALUE, at - first, count))
            else:
                body.statements += moves(at, np.array([coded_of(s) for s in sources], np.int64))

    def _total(self, place: int) -> Address:
        """The adjoint of an input that is read outside of loops only."""
        terms = self.inputs.get(place, [])
        return total(terms, self.body.apply) if terms else self.body.constant(0.0)

    def _one_by_one(self, sources: Sequence[Address], first: int, out: Beside) -> None:
        for place, source in enumerate(sources, first):
            target = self._in_rows(out, self.within(Address(INPUT, place)))
            self.body.assign(target, None, (source,))

    # --- while loops ------------------------------------------------------------------------------

    def _while(self, frame: Frame, axes: Axes, body: Body) -> None:
        """Run it again with tangents of all that it reads, which its results' adjoints multiply."""
        entries = entries_of(frame, len(axes), self.uses)
        if not entries:
            return
        rerun = Rerun(self.uses, self.copies.value, frame, axes, entries, body)
        for line, tangent in rerun.exits:
            adjoint = self._left(line, axes)
            if adjoint is not None:
                counts = counts_of(line.axes[len(axes) + 1 :])
                with body.nested((1, *counts)) as inner:  # 1: nothing depends on the loop's counter
                    for entry in entries:
                        self._through(entry, adjoint, tangent, inner, axes)

    def _left(self, line: Line, axes: Axes) -> Address | None:
        """The adjoint of what a statement moves out of a while loop."""
        target = self.here(line.target, axes, len(axes))
        if target.memory == OUTPUT:
            return self._in_rows(self.cotangents, target)
        return self.beside(target) if id(line) in self.uses.kept else None

    def _through(
        self, entry: Entry, adjoint: Address, tangent: Address, body: Body, axes: Axes
    ) -> None:
        """Add to the adjoint of what a while loop has read."""
        width = len(body.counts)
        here = self.here(entry.address, axes, len(axes))
        start = here.strides[: len(self.body.counts) + len(axes) + 1]
        gap = (0,) * (width - len(start))
        lookup = here.lookup
        if lookup:
            steps = lookup.strides
            known, moved = steps[: len(start)], entry.lookup_moves
            lookup = Lookup(lookup.start, (*known, *gap, *moved))
        target = replace(here, strides=(*start, *gap, *entry.moves), lookup=lookup)
        for _ in entry.counts:
            adjoint = deepened(adjoint, 0)
        if entry.several:
            step = tangent.strides[-1]
            strides = tuple(step * stride for stride in dense(entry.counts))
            tangent = replace(
                tangent, base=tangent.base + step * entry.offset,
                strides=(*tangent.strides[:-1], *strides),
            )  # fmt: skip
        with body.nested(entry.counts) as inner:
            term = product(adjoint, tangent, inner.constant, inner.apply)
            inner.add_to(self.beside(target), term)


def stretches(mask: Mask) -> Iterator[tuple[int, int]]:
    """Where the true ones begin that follow each other, and how many they are."""
    edges = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0))
    for first, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        yield first, stop - first
