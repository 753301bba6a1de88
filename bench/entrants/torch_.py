"""PyTorch on arrays, eagerly; `torch.compile` has no gradients of loops."""

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import workloads

Call = Callable[[], Any]


def started(threads: int) -> None:
    torch.set_num_threads(threads)


def differentiated(function: Callable[[], Any], by: Any, gradient: bool) -> Call:
    """The value, and its derivatives by some leaves."""

    def run() -> Any:
        if not gradient:
            with torch.no_grad():
                return function()
        value = function()
        return value.detach(), torch.autograd.grad(value.sum(), by)

    return run


def leaf(x: Any) -> Any:
    return torch.tensor(x, dtype=torch.float64, requires_grad=True)


def w1(data: Any, gradient: bool, threads: int) -> Call:
    x, target = torch.tensor(data.columns[:2].T.copy()), torch.tensor(data.columns[2])
    p = leaf(data.p)

    def function() -> Any:
        values, at = x, 0
        for layer, (inputs, outputs) in enumerate(itertools.pairwise(workloads.SIZES)):
            size = (inputs + 1) * outputs
            w = p[at : at + size].view(outputs, inputs + 1)
            values = torch.nn.functional.linear(values, w[:, :-1], w[:, -1])
            values = values.tanh() if layer < len(workloads.SIZES) - 2 else values
            at += size
        return ((values[:, 0] - target) ** 2).sum()

    return differentiated(function, p, gradient)


def elementwise(function: Any, data: Any, gradient: bool, threads: int) -> Call:
    columns = [leaf(column) for column in data.columns]
    return differentiated(lambda: function(*columns), columns, gradient)


w2 = partial(elementwise, partial(workloads.call_price, functions=torch))
w3 = partial(elementwise, workloads.squared_end)


def mlp(data: Any, gradient: bool, threads: int) -> Call:
    layers = [tuple(leaf(each) for each in layer) for layer in data.layers]
    x, labels = torch.tensor(data.xs), torch.tensor(data.ys.argmax(1))
    (w1, b1), (w2, b2) = layers
    functions = torch.nn.functional

    def function() -> Any:
        hidden = functions.relu(functions.linear(x, w1, b1))
        outputs = functions.linear(hidden, w2, b2)
        return functions.cross_entropy(outputs, labels, reduction="sum")

    return differentiated(function, [w1, b1, w2, b2], gradient)


def heat(data: Any, gradient: bool, threads: int) -> Call:
    alpha, start, target = leaf(data.alpha), leaf(data.u), torch.tensor(data.target)

    def function() -> Any:
        u = start
        for _ in range(data.steps):
            inner = u[1:-1] + alpha * (u[:-2] - 2.0 * u[1:-1] + u[2:])
            u = torch.cat([u[:1], inner, u[-1:]])
        return ((u - target) ** 2).sum()

    return differentiated(function, [alpha, start], gradient)


def rosenbrock(data: Any, gradient: bool, threads: int) -> Call:
    x = leaf(data.x)
    return differentiated(lambda: workloads.rosenbrock_of_arrays(x), [x], gradient)


def rk4(data: Any, gradient: bool, threads: int) -> Call:
    start = [leaf(x) for x in data.start]
    loop = workloads.python_loop
    return differentiated(lambda: workloads.trajectory(data.steps, loop, *start), start, gradient)
