"""Tape and Tracer, from the engine in use: the native one, or the plain one it is the twin of."""

from typing import TYPE_CHECKING

from wengert.program.recorded import RECORDING as RECORDING
from wengert.program.recorded import Body as Body
from wengert.program.recorded import refuse_leaks as refuse_leaks
from wengert.program.recorded import result_code as result_code
from wengert.program.recorded import result_codes as result_codes
from wengert.value import engine

if TYPE_CHECKING:
    from wengert.program.tape import Tape as Tape
    from wengert.program.tape import Tracer as Tracer
elif engine == "native":
    from wengert import _native
    from wengert.program import address, recorded, statements

    Tape, Tracer = _native.recorder(recorded, address, statements)
else:
    from wengert.program import tape

    Tape, Tracer = tape.Tape, tape.Tracer
