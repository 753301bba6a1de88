"""heyoka: scalar expressions compiled without loops; gradients of examples are added by NumPy."""

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import heyoka
import numpy as np
import workloads

Call = Callable[[], Any]
CHUNK = 1000
FUNCTIONS = SimpleNamespace(
    sqrt=heyoka.sqrt, log=heyoka.log, exp=heyoka.exp, erf=heyoka.erf, tanh=heyoka.tanh
)
UNROLLED = "no loops: written out, {:,} operations are beyond it"
CANNOT = {
    "mlp": "no loops and no matrices: 100,000 operations written out are beyond it",
    "heat": "no loops: half a million operations written out are beyond it",
    "rosenbrock": "no loops: eight million operations written out are beyond it",
    "rk4": "no loops: its own integrators take Taylor's method, not this one",
}


def variables(letter: str, count: int) -> list[Any]:
    return list(heyoka.make_vars(*(f"{letter}{k}" for k in range(count))))


def compiled(value: Any, by: list[Any], every: list[Any], gradient: bool) -> Any:
    outputs = [value]
    if gradient:
        tensors = heyoka.diff_tensors([value], diff_args=by, diff_order=1)
        outputs += list(tensors.gradient)
    return heyoka.cfunc(outputs, vars=every, fast_math=True, compact_mode=len(by) > 100)


def w1(data: Any, gradient: bool, threads: int) -> Call:
    p, x = variables("p", 337), variables("x", 3)
    value = workloads.perceptron(p, *x, tanh=heyoka.tanh)
    # What all examples share are its parameters; derivatives are by variables.
    function = compiled(value, p, [*p, *x], gradient)
    count = data.columns.shape[1]
    chunk = next(size for size in range(min(CHUNK, count), 0, -1) if count % size == 0)
    inputs = np.empty((340, chunk))
    inputs[:337] = data.p[:, None]
    found = np.empty((338 if gradient else 1, chunk))

    def run() -> Any:
        total = np.zeros(len(found))
        for at in range(0, count, chunk):
            inputs[337:] = data.columns[:, at : at + chunk]
            function(inputs, outputs=found)
            total += found.sum(1)
        return (total[0], total[1:]) if gradient else total[0]

    return run


def mapped(function: Any, data: Any, gradient: bool, threads: int) -> Call:
    x = variables("x", len(data.columns))
    fast = compiled(function(*x), x, x, gradient)
    found = np.empty((1 + len(x) * gradient, data.columns.shape[1]))

    def run() -> Any:
        fast(data.columns, outputs=found)
        return (found[0], tuple(found[1:])) if gradient else found[0]

    return run


w2 = partial(mapped, partial(workloads.call_price, functions=FUNCTIONS))
w3 = partial(mapped, workloads.squared_end)
