"""Tape and Tracer, from the engine in use: the native one, or the plain one it is the twin of."""

from typing import TYPE_CHECKING

from wengert.value import engine

if TYPE_CHECKING:
    from wengert.program.tape import Tape as Tape
    from wengert.program.tape import Tracer as Tracer
elif engine == "native":
    from wengert import _native
    from wengert.program import address, recorded, recording, statements

    Tape, Tracer = _native.recorder(recorded, recording, address, statements)
else:
    from wengert.program import tape

    Tape, Tracer = tape.Tape, tape.Tracer
