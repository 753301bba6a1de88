"""Reverse mode through columns, among statements that are not in columns.

A straight stretch is gone through as a whole (`columns.py`). Here adjoints find their way between
what it reads and writes and all that stands around it, place by place.
"""

import numpy as np

from wengert.derive.activity import whole
from wengert.derive.codes import beside_codes
from wengert.derive.columns import reversed_run
from wengert.derive.space import Beside, Body
from wengert.derive.uses import Uses
from wengert.program.address import (
    CODES,
    INPUT,
    PLACE,
    SHIFT,
    VALUE,
    Address,
    Integers,
    decoded,
)
from wengert.program.statements import Run


class ColumnsBack:
    """The way back through the straight stretches of a program.

    Args:
        uses: the uses in the program.
        cotangents: where those of the outputs are.
        adjoints: where those that are summed up are, by memory.
        inputs: contributions to the adjoints of inputs that are read outside of loops only, by
            place; it grows.
    """

    def __init__(
        self, uses: Uses, cotangents: Beside, adjoints: dict[str, Beside],
        inputs: dict[int, list[Address]],
    ) -> None:  # fmt: skip
        self.uses, self.activity = uses, uses.activity
        self.cotangents, self.adjoints, self.inputs = cotangents, adjoints, inputs
        self.arrived: list[tuple[Integers, Integers]] = []  # places in columns, and adjoints, coded

    def back(self, run: Run, body: Body) -> None:
        """Write down the way back through one stretch, where it leads anywhere."""
        body.source = ""
        if run.outputs:
            places = np.flatnonzero(self.uses.chosen[run.start : run.start + len(run)])
            adjoints = beside_codes(self.cotangents, places + run.start)
            self._arrive(run.operands[places], adjoints, body)
        elif id(run) in self.uses.useful:
            space = body.space
            depending = self.activity.places.copy()
            depending[run.start : run.start + len(run)] = False
            wanted = (self.activity.wanted, depending)
            found = reversed_run(run, space.values, space.length, self._seeds(run), wanted)
            space.block(found.constants)
            if found.run:
                space.take(len(found.run))
                body.statements.append(found.run)
            self._arrive(found.operands, found.adjoints, body)

    def _seeds(self, run: Run) -> tuple[Integers, Integers]:
        """The adjoints that have come for a stretch: of statements first, then of columns."""
        read = np.array(self.uses.read_of(run), np.int64)
        places, adjoints = [read], [beside_codes(self.adjoints[VALUE], read)]
        for operands, codes in self.arrived:
            here = whole(run).holds(operands)
            places.append(operands[here])
            adjoints.append(codes[here])
        return np.concatenate(places) - run.start, np.concatenate(adjoints)

    def _arrive(self, operands: Integers, adjoints: Integers, body: Body) -> None:
        """Take what columns add to the adjoints of coded operands to where these are."""
        memory, place = operands >> SHIFT, operands & PLACE
        inside = np.zeros(len(operands), bool)
        for run in self.activity.runs:
            inside |= (memory == CODES[VALUE]) & whole(run).holds(place)
        self.arrived.append((operands[inside], adjoints[inside]))
        lines = ~inside & (memory == CODES[VALUE]) & self.uses.is_kept(place)
        targets = beside_codes(self.adjoints[VALUE], place[lines])
        body.scatter(targets, adjoints[lines], add=True)
        given = memory == CODES[INPUT]
        given[given] = self.activity.wanted[place[given]]
        private = given.copy()
        private[given] = self.uses.private_inputs[place[given]]
        for k, code in zip(place[private].tolist(), adjoints[private].tolist(), strict=True):
            self.inputs.setdefault(k, []).append(decoded(code))
        summed = given & ~private
        targets = beside_codes(self.adjoints[INPUT], place[summed])
        body.scatter(targets, adjoints[summed], add=True)
