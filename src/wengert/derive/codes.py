"""Derivatives in coded addresses, place by place: what columns need of what stands around them."""

import numpy as np

from wengert.derive.activity import Activity, whole
from wengert.derive.space import Beside, counts_of
from wengert.program.address import (
    CODES,
    SHIFT,
    VALUE,
    Address,
    Integers,
    coded,
    distinct,
)
from wengert.program.statements import Accumulate, Operation, Run


def beside_codes(beside: Beside, places: Integers, row: int = 0) -> Integers:
    """The coded addresses of what belongs to some places of a memory."""
    return (CODES[beside.memory] << SHIFT) + beside.base + beside.size * row + places


def read_in_lines(activity: Activity, run: Run) -> Integers:
    """The places of a run that statements outside of columns read or add something to."""
    found = [np.empty(0, np.int64)]
    for line in activity.producers.lines:
        for address in (*line.reads, *[line.target] * (line.kind is Accumulate)):
            if address.memory == VALUE:
                places = address.all(counts_of(line.axes), activity.index).ravel()
                found.append(places[whole(run).holds(places)])
    return distinct(np.concatenate(found))


def moves(start: int, sources: Integers) -> list[Run]:
    """Moves to places of the value memory that follow each other."""
    if not len(sources):
        return []
    return [Run(start, (Operation(None),), np.zeros(len(sources), np.int32), sources)]


def coded_of(address: Address) -> int:
    """The coded address, outside of loops."""
    return coded(address.memory, address.base)
