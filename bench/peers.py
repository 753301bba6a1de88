"""The peers that trace the scenarios' own Python code, and what these call instead of `wg`."""

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
scenarios = importlib.import_module("scenarios")
models = importlib.import_module("problems.models")

FUNCTIONS = ("exp", "log", "sqrt", "tanh", "sin", "cos")


@contextmanager
def calling(functions: Any) -> Iterator[None]:
    """Scenarios and models call these functions meanwhile."""
    own = scenarios.wg, models.wg
    scenarios.wg = models.wg = functions
    try:
        yield
    finally:
        scenarios.wg, models.wg = own


def filled(arguments: Any, take: Callable[[float], Any]) -> Any:
    """The arguments with a peer's operand in place of each number, arrays as nested lists."""
    if isinstance(arguments, np.ndarray):
        return filled(arguments.tolist(), take)
    if isinstance(arguments, list | tuple):
        return type(arguments)(filled(each, take) for each in arguments)
    return take(arguments)


Trace = Callable[[Callable[..., Any], tuple[Any, ...]], Any]


def peer(functions: Any, largest: Callable[[Any, float], Any]) -> Any:
    """What the scenarios call, from a peer's own functions."""
    return SimpleNamespace(
        **{name: getattr(functions, name) for name in FUNCTIONS},
        relu=lambda x: largest(x, 0.0), sigmoid=lambda x: 1.0 / (1.0 + functions.exp(-x)),
    )  # fmt: skip


def jax_tracer() -> tuple[Any, Trace]:
    jax = importlib.import_module("jax")
    jax.config.update("jax_enable_x64", True)

    def trace(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        return jax.make_jaxpr(function)(*filled(arguments, float))

    return peer(jax.numpy, jax.numpy.maximum), trace


def casadi_tracer() -> tuple[Any, Trace]:
    casadi = importlib.import_module("casadi")

    def trace(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        symbols: list[Any] = []

        def take(_: float) -> Any:
            symbols.append(casadi.SX.sym("x"))
            return symbols[-1]

        result = function(*filled(arguments, take))
        return casadi.Function("f", [casadi.vertcat(*symbols)], [result])

    return peer(casadi, casadi.fmax), trace


def ddx_tracer() -> tuple[Any, Trace]:
    ddx = importlib.import_module("ddx")

    def trace(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        names = map("x{}".format, count())

        def traced() -> Any:
            return function(*filled(arguments, lambda _: ddx.var(next(names))))

        return ddx.equation(traced)

    return peer(ddx, ddx.max), trace


PEERS = {
    "casadi": ("casadi", "casadi", casadi_tracer),
    "jax": ("jax", "jax", jax_tracer),
    "ddx-ad": ("ddx-ad", "ddx", ddx_tracer),
}


def installed() -> Iterator[tuple[str, tuple[Any, Callable[..., Any]]]]:
    for name, (_, module, make) in PEERS.items():
        if importlib.util.find_spec(module):
            yield name, make()
