"""Wengert, with the same program written another way."""

from functools import partial
from typing import Any

import workloads
from peers import scenarios

from entrants.ours import Call, compiled, started

__all__ = ["heat", "mlp", "rk4", "rosenbrock", "started"]
CANNOT = dict.fromkeys(("w1", "w2", "w3"), "-")


def mlp(data: Any, gradient: bool, threads: int) -> Call:
    return compiled(
        scenarios.perceptron_batch, (data.layers, data.xs, data.ys), 0, gradient, threads
    )


def heat(data: Any, gradient: bool, threads: int) -> Call:
    function = partial(workloads.rod, data.steps)
    return compiled(function, (data.alpha, data.u, data.target), (0, 1), gradient, threads)


def rosenbrock(data: Any, gradient: bool, threads: int) -> Call:
    return compiled(workloads.rosenbrock_of_arrays, (data.x,), 0, gradient, threads)


def rk4(data: Any, gradient: bool, threads: int) -> Call:
    function = partial(workloads.trajectory, data.steps, workloads.python_loop)
    return compiled(function, data.start, tuple(range(6)), gradient, threads)
