"""Values that are far apart moved together.

What a recording computes in a round stands between all else that it computes there, so a hidden
layer's numbers, say, are a thousand places apart, and each in a page of its own. Counted in as few
digits as there are (`run/digits.py`), the same places are one dense array.
"""

from dataclasses import replace

from wengert.program.program import Program
from wengert.program.storage import Storing
from wengert.run.digits import GAP, Moved, Numbered, groups, with_moved

LOOSE = 2  # times as many places as numbers, from which on they are moved


def dense(program: Program) -> Program:
    """The same program; itself if no values are far apart."""
    storing = Storing(program)
    moved: Moved = {}
    end = program.values
    for addresses in groups(storing).values():
        found = Numbered.of(addresses, storing.table)
        if found and LOOSE * found.size <= found.last - found.first + 1:
            for address, counts in addresses:
                moved[address.base, address.strides, counts] = found.moved(address, end)
            end += found.size + GAP
    if not moved:
        return program
    statements = with_moved(program.statements, moved)
    return replace(program, statements=tuple(statements), values=end)
