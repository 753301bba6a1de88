"""A stretch of a recording that is taken off again, to become the body of a loop."""

from collections.abc import Sequence

from wengert.program.recording import Body, Recording, refuse_leaks
from wengert.program.statements import Run, Statement


class Part:
    """What is recorded from now on.

    Args:
        tape: the recording.
        repeated: where what moves from round to round begins, if there are several.
    """

    def __init__(self, tape: Recording, repeated: int | None = None) -> None:
        tape.flush()
        self.tape, self.start, self.first = tape, tape.length, len(tape.statements)
        self.bodies = len(tape.bodies)
        self.around = len(tape.repeated)
        if repeated is not None:
            tape.repeated.append(repeated)

    def taken(self) -> tuple[Sequence[Statement], int]:
        """The statements since then, and how many places they take."""
        tape = self.tape
        tape.flush()
        statements = tape.statements[self.first :]
        for statement in statements:
            if isinstance(statement, Run):
                refuse_leaks(statement.operands, tape.bodies)
        tape.rewind(self.first)
        return statements, tape.length - self.start

    def close(self, results: frozenset[int], cells: int = 0) -> None:
        """From here on only these may be used of the places since then and of the cells before."""
        start = self.start - cells
        del self.tape.repeated[self.around :]
        self.tape.bodies[self.bodies :] = [Body(start, self.tape.length, results)]
