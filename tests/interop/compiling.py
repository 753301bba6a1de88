"""Compiles exported C with whatever compilers there are, and calls it."""

import ctypes
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from wengert.program.program import Program

COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]
# The compiler is not to compute functions of constants itself: it does that more exactly.
FLAGS = ["-std=c99", "-O1", "-fno-builtin", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-lm"]


class Compiled:
    """The functions of a C file."""

    def __init__(self, text: str, folder: Path, compiler: str, *flags: str) -> None:
        source, library = folder / "program.c", folder / f"{compiler}.so"
        source.write_text(text, encoding="utf-8")
        command = [compiler, "-shared", "-fPIC", str(source), "-o", str(library), *FLAGS, *flags]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[:5000]
        self.library = ctypes.CDLL(str(library))
        self.defined = dict(
            line.split()[1:] for line in text.splitlines() if line.startswith("#define")
        )

    def run(self, name: str, inputs: Sequence[float]) -> tuple[int, list[float]]:
        """What a function returns, and the outputs; the workspace is full of NaN before."""
        ins, outs, work = (
            int(self.defined[f"{name.upper()}_{what}"])
            for what in ("INPUTS", "OUTPUTS", "WORKSPACE")
        )
        assert len(inputs) == ins
        x = np.array(inputs, dtype=float)
        y, w = np.full(outs + 1, np.nan), np.full(work + 1, np.nan)
        y[outs] = w[work] = 12345.0  # who writes behind the end changes it
        pointers = [a.ctypes.data_as(ctypes.POINTER(ctypes.c_double)) for a in (x, y, w)]
        failed = int(getattr(self.library, name)(*pointers))
        assert y[outs] == w[work] == 12345.0
        assert x.tobytes() == np.array(inputs, dtype=float).tobytes()
        return failed, y[:outs].tolist()

    def outputs(self, name: str, inputs: Sequence[float]) -> list[float]:
        """The outputs, where no guard fails."""
        failed, outputs = self.run(name, inputs)
        assert failed == 0
        return outputs


def together(programs: Sequence[Program]) -> str:
    """Many programs in one file: p_1, p_2, ... and p_0 under the name p."""
    first, *more = programs
    return first.to_c("p", derivatives={str(k): each for k, each in enumerate(more, 1)})


def name_of(k: int) -> str:
    """What the k-th of them is called."""
    return f"p_{k}" if k else "p"
