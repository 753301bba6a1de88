"""bench/hand.c, with adjoints written by hand."""

import ctypes
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

FLAGS = ["-O3", "-march=native", "-ffast-math", "-mprefer-vector-width=512", "-fopenmp-simd"]
CANNOT = dict.fromkeys(("mlp", "heat", "rosenbrock", "rk4"), "not written")

Call = Callable[[], Any]


@cache
def library() -> Any:
    """bench/hand.c compiled, its functions taking NumPy arrays."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "hand.so"
        source = Path(__file__).parent.parent / "hand.c"
        command = ["gcc", *FLAGS, "-shared", "-fPIC", str(source), "-o", str(made), "-lmvec", "-lm"]
        subprocess.run(command, check=True)
        c = ctypes.CDLL(str(made))
    array = np.ctypeslib.ndpointer(np.float64, flags="C")
    for name in ("w1", "w1_value"):
        getattr(c, name).restype = ctypes.c_double
    for name in ("w1", "w1_value", "w2", "w2_value", "w3", "w3_value"):
        arrays = {"w1": 3}.get(name, 2)
        getattr(c, name).argtypes = [ctypes.c_long, *[array] * arrays]
    return c


def w1(data: Any, gradient: bool, threads: int) -> Call:
    c, count, found = library(), data.columns.shape[1], np.empty(337)
    if gradient:
        return lambda: (c.w1(count, data.columns, data.p, found), found.copy())
    return lambda: c.w1_value(count, data.columns, data.p)


def each(name: str, data: Any, gradient: bool, threads: int) -> Call:
    arguments, count = data.columns.shape
    function = getattr(library(), name if gradient else name + "_value")
    found = np.empty((arguments + 1, count))

    def run() -> Any:
        function(count, data.columns, found)
        return (found[0], tuple(found[1:])) if gradient else found[0]

    return run


w2, w3 = partial(each, "w2"), partial(each, "w3")
