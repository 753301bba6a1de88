"""The vector math beside NumPy and the C library's vectors: worst error and time per number.

    python bench/vector_math.py [--rounds 9] [--points 5000] [NAME ...]

Errors are in ulp against mpmath, at points of any bit pattern, any size and the row's domain, and
close to where functions are hard. Times are nanoseconds per number at 8 lanes, in turn within one
process: our function written into a loop (`inlined`) and called from it, NumPy's, and a loop in C
for which gcc -O3 -march=native -ffast-math calls libmvec.
"""

import argparse
import ctypes
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from timing import described, in_turn, table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "run"))

from on_llvm import compiled, loop, vector_function
from points import worst

from wengert.primitives import TABLE
from wengert.run.lanes import Block
from wengert.run.vector_math import BOUNDS, FUNCTIONS, definitions, needed, operands, symbol

LANES, SIZE, REPEATED = 8, 8192, 20
Loop = Callable[..., Any]


def called(name: str) -> int:
    """The address of a loop that calls the function."""
    count = len(operands(name))
    return compiled(definitions([name], LANES) + loop(symbol(name, LANES), LANES, count), "loop", 3)


def inlined(name: str) -> int:
    """The address of a loop into which the formula is written."""
    count = len(operands(name))
    block = Block(LANES)
    block.begin("again")
    result = FUNCTIONS[name](*[block.named(f"%x{k}") for k in range(count)])
    call = f"%y = call {block.doubles} @formula("
    lines = []
    for line in loop("formula", LANES, count).splitlines():
        if line.startswith(call):
            lines += block.lines[1:]
        else:
            line = line.replace("%next, %again", f"%next, %{block.label}")
            lines.append(line.replace(f"{block.doubles} %y", f"{block.doubles} {result.name}"))
    return compiled(needed(block.declarations) + "\n".join(lines) + "\n", "loop", 3)


def library(names: list[str], folder: Path) -> Any:
    """Loops in C over the same functions; None where there is no gcc."""
    if not shutil.which("gcc"):
        return None
    source = ["#include <math.h>\n#include <stdint.h>\n"]
    for name in names:
        inputs = [f"x{k}" for k in range(len(operands(name)))]
        pointers = "".join(f", const double *restrict {x}" for x in inputs)
        value = f"{name}({', '.join(f'{x}[i]' for x in inputs)})"
        source.append(
            f"void loop_{name}(int64_t n, double *restrict out{pointers})\n"
            f"{{ for (int64_t i = 0; i < n; ++i) out[i] = {value}; }}\n"
        )
    (folder / "loops.c").write_text("".join(source))
    compiler = ["gcc", "-O3", "-march=native", "-ffast-math", "-mprefer-vector-width=512"]
    # Linked without -ffast-math, which would have subnormal numbers flushed to 0 in all that runs.
    steps = [
        [*compiler, "-fPIC", "-c", "loops.c"],
        ["gcc", "-shared", "-o", "loops.so", "loops.o", "-lmvec", "-lm"],
    ]
    for step in steps:
        if subprocess.run(step, cwd=folder, capture_output=True).returncode:
            return None
    return ctypes.CDLL(str(folder / "loops.so"))


def repeated(address: int, columns: list[Any]) -> Callable[[], None]:
    """Call a loop some times over the columns."""
    arrays = [np.empty(SIZE), *columns]
    call = ctypes.CFUNCTYPE(None, ctypes.c_int64, *[ctypes.c_void_p] * len(arrays))(address)

    def run() -> None:
        places = [array.ctypes.data for array in arrays]
        for _ in range(REPEATED):
            call(SIZE, *places)

    return run


def timed(name: str, loops: Any, rounds: int) -> dict[str, float]:
    """Nanoseconds per number, of each contestant that has the function."""
    row = TABLE[name]
    rng = np.random.default_rng(1)
    columns = [rng.uniform(*interval, SIZE) for interval in row.domain]  # type: ignore[union-attr]
    calls = {
        "inlined": repeated(inlined(name), columns),
        "called": repeated(called(name), columns),
    }
    if name not in ("erf", "erfc", "sigmoid"):  # those NumPy does not have
        calls["NumPy"] = lambda: [row.array(*columns) for _ in range(REPEATED)]  # type: ignore
    address = getattr(loops, f"loop_{name}", None)
    if address is not None:
        calls["libmvec"] = repeated(ctypes.cast(address, ctypes.c_void_p).value or 0, columns)
    outcomes = in_turn(calls, rounds)
    return {
        each: outcome.median / (SIZE * REPEATED) * 1e9
        for each, outcome in outcomes.items()
        if outcome.times
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--points", type=int, default=5000, help="of each of three kinds")
    parser.add_argument("names", nargs="*", metavar="NAME", default=list(FUNCTIONS))
    options = parser.parse_args()
    names = options.names or list(FUNCTIONS)
    with tempfile.TemporaryDirectory() as folder:
        loops = library([name for name in names if name != "sigmoid"], Path(folder))
        lines = []
        for name in names:
            error, _ = worst(name, vector_function(name, LANES), options.points)
            times = timed(name, loops, options.rounds)
            shown = [
                f"{times[each]:.2f}" if each in times else "-"
                for each in ("inlined", "called", "NumPy", "libmvec")
            ]
            lines.append([name, f"{error:.2f}", f"{BOUNDS[name]:.1f}", *shown])
    headers = ["row", "worst ulp", "bound", "ns inlined", "ns called", "ns NumPy", "ns libmvec"]
    print(
        described([f"NumPy {version('numpy')}", f"llvmlite {version('llvmlite')}"], options.rounds)
    )
    print(table(lines, headers))


if __name__ == "__main__":
    main()
