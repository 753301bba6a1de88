"""What derivatives cost to make and to run, beside peers.

    python bench/derivatives.py [--rounds 5] [--quick] [--only NUMBER]

Contestants run in turn within one process, and each gives numbers that are compared with ours. The
tables give medians and ratios of medians; "-" is what a peer cannot do, and says why below.
"""

import argparse
import importlib
import inspect
import operator
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

import numpy as np
from peers import calling, models, scenarios
from sparse import Bundle, Contestants, here, hessians, jacobians
from timing import Outcome, described, in_turn, table
from workloads import START, rod, runge_kutta, trajectory

import wengert as wg
from wengert.derive.calling import made
from wengert.derive.programs import gradient
from wengert.derive.reverse import reverse
from wengert.run.interpret import Interpreter

PEERS = ("casadi", "jax", "autograd", "ddx-ad", "torch")
CLOSE = 1e-10  # how far results may be apart, relative to the largest
CALLS = 200  # of a small function


def report(title: str, what: str, outcomes: dict[str, Outcome], scale: float, unit: str) -> None:
    """Print times and how they compare to the first."""
    first = next(iter(outcomes.values())).median
    rows = [
        [name, *(["–"] * 2 if each.failure else
                 [f"{each.median * scale:.3g}", f"{each.median / first:.2f}"])]
        for name, each in outcomes.items()
    ]  # fmt: skip
    print(f"## {title}\n\n{table(rows, [what, unit, '÷ ours'])}\n")
    tell(outcomes)


def tell(outcomes: dict[str, Outcome]) -> None:
    for name, each in outcomes.items():
        if each.failure:
            print(f"{name}: {each.failure}\n")


def agree(where: str, outcomes: dict[str, Outcome], number: Callable[[Any], Any]) -> None:
    """Compare what was found with what the first found."""
    found = [(name, each.result) for name, each in outcomes.items() if not each.failure]
    ours = number(found[0][1])
    for name, result in found[1:]:
        apart = abs(number(result) - ours).max() / max(abs(ours).max(), 1.0)
        if not apart <= CLOSE:
            raise SystemExit(f"{where}: {name} differs by {apart:.1e} of the largest number.")


# --- reverse mode of a flat program ---------------------------------------------------------------


def flat(options: argparse.Namespace) -> None:
    steps = 200 if options.quick else 20_833  # about a million operations
    function, arguments = scenarios.runge_kutta_at(steps)
    program = wg.record(function, *arguments, passes=())
    every = tuple(range(len(arguments)))
    wanted, seeds = np.ones(len(arguments), bool), np.ones((1, 1))
    calls: dict[str, Callable[[], Any]] = {
        "reverse": lambda: reverse(program, wanted, 1, seeds),
        "reverse and simplify": lambda: gradient(program, every),
    }
    if casadi := here("casadi"):
        symbols = casadi.SX.sym("x", len(arguments))
        expression = function(*casadi.vertsplit(symbols))
        calls["casadi SX"] = lambda: casadi.gradient(expression, symbols)
    outcomes = in_turn(calls, options.rounds)
    report(f"Gradient of a flat program of {len(program):,} operations", "", outcomes,
           1e6 / len(program), "µs per operation")  # fmt: skip
    print("From the program, or the expression, to that of its gradient; neither is run.\n")


# --- reverse mode of loops ------------------------------------------------------------------------


SMALL = 1e-5  # a step in time: a million of them are ten units


def lotka_volterra(steps: int, loop: Callable[..., Any], *start: Any) -> Any:
    return trajectory(steps, loop, *start, h=SMALL)


def looped(quick: bool) -> Iterator[tuple[str, Callable[..., Any], tuple[Any, ...]]]:
    """Programs with loops of different lengths."""
    for steps in (100, 10_000) if quick else (100, 10_000, 1_000_000):
        yield (
            f"Runge-Kutta, {steps:,} steps",
            partial(lotka_volterra, steps, wg.fori),
            START,
        )
    for n, steps in ((20, 100),) if quick else ((20, 100), (200, 500), (200, 100_000)):
        state = 0.1, scenarios.numbers(n, 1), scenarios.numbers(n, 2)
        yield f"heat equation, {n} x {steps:,}", partial(rod, steps), state
    for sizes in ((12, 5, 3), (784, 32, 10))[: 2 - quick]:
        name = "-".join(map(str, sizes))
        yield f"perceptron, {name}", scenarios.perceptron, scenarios.perceptron_example(*sizes)


def rolled(options: argparse.Namespace) -> None:
    rows = []
    for name, function, arguments in looped(options.quick):
        every = tuple(range(len(arguments)))
        slope = wg.grad(function, argnums=every)
        primal = wg.record(function, *arguments)
        wanted, seeds = np.ones(primal.arguments.size, bool), np.ones((1, 1))

        def whole(slope: Any = slope, arguments: Any = arguments) -> Any:
            made.clear()
            return slope.program(*arguments)

        outcomes = in_turn(
            {
                "reverse": partial(reverse, primal, wanted, 1, seeds),
                "gradient": partial(gradient, primal, every),
                "all": whole,
            },
            options.rounds,
        )
        found = outcomes["all"].result
        times = (f"{1000 * each.median:.1f}" for each in outcomes.values())
        rows.append([name, f"{len(primal):,}", primal.size, found.size, *times])
    headers = ["program", "operations", "statements", "of the gradient", "reverse",
               "and simplify", "wg.grad in all"]  # fmt: skip
    print(f"## Gradients of programs with loops, in ms\n\n{table(rows, headers)}\n")
    print("In all: recording, rolling, simplifying, reverse mode, simplifying again.\n")
    for steps in (100, 10_000)[: 2 - options.quick]:
        loops_of_peers(steps, options)


def loops_of_peers(steps: int, options: argparse.Namespace) -> None:
    """The same loop's gradient made and run once, by everyone who keeps loops."""
    ours = wg.grad(partial(lotka_volterra, steps, wg.fori), argnums=tuple(range(6)))

    def anew() -> Any:
        made.clear()
        return np.array(ours(*START))

    calls: dict[str, Callable[[], Any]] = {"wengert": anew}
    if casadi := here("casadi"):

        def of_casadi() -> Any:
            state = casadi.SX.sym("s", 6)
            *rates, x, y = casadi.vertsplit(state)
            once = casadi.Function(
                "step", [state], [casadi.vertcat(*rates, *runge_kutta(tuple(rates), x, y, SMALL))]
            )
            start = casadi.MX.sym("x", 6)
            slope = casadi.gradient(casadi.sumsqr(once.fold(steps)(start)[4:]), start)
            return np.array(casadi.Function("slope", [start], [slope])(START)).ravel()

        calls["casadi MX, fold"] = of_casadi
    if jax := here("jax"):
        jax.config.update("jax_enable_x64", True)

        def of_jax() -> Any:
            loop = partial(jax.lax.fori_loop, 0)
            slope = jax.grad(partial(lotka_volterra, steps, loop), argnums=tuple(range(6)))
            return np.array(jax.jit(slope)(*START))

        calls["jax, fori_loop"] = of_jax
    outcomes = in_turn(calls, options.rounds)
    agree("Runge-Kutta", outcomes, np.asarray)
    report(f"Runge-Kutta of {steps:,} steps: gradient made and run once", "", outcomes, 1e3, "ms")


# --- sparse derivatives ---------------------------------------------------------------------------


def sparse(
    title: str, contestants: Contestants, x: Any, goal: str, options: argparse.Namespace
) -> None:
    """Everything from the function to the matrix, and the matrix at another point."""
    calls = dict(contestants)
    first = in_turn(calls, options.rounds)
    agree(title, first, operator.itemgetter(0))
    able = {name: each.result[1] for name, each in first.items() if not each.failure}
    again = in_turn({name: partial(matrix, x) for name, matrix in able.items()}, options.rounds)
    agree(title, again, lambda matrix: matrix)
    own, own_again = (next(iter(each.values())).median for each in (first, again))
    rows = []
    for name, each in first.items():
        times = ["–"] * 4
        if name in again:
            warm = again[name].median
            times = [f"{1000 * each.median:.1f}", f"{each.median / own:.2f}",
                     f"{1000 * warm:.2f}", f"{warm / own_again:.2f}"]  # fmt: skip
        rows.append([name, *times])
    headers = ["", "first, ms", "÷ ours", "another point, ms", "÷ ours"]
    print(f"## {title}\n\n{table(rows, headers)}\n\n{goal}\n")
    tell(first)


def sparse_hessian(options: argparse.Namespace) -> None:
    n = 1000 if options.quick else 10_000
    x = np.array([-1.2, 1.0] * (n // 2))
    found = wg.hessian(scenarios.rosenbrock, sparse=True).compressed(x)
    title = f"Sparse Hessian of Rosenbrock's function, n = {n:,}, {found.coloring.number} colors"
    sparse(title, hessians(x), x + np.linspace(0.0, 1.0, n),
           "First: pattern, coloring and values; what is given our coloring has less to do. At "
           "another point\nwengert runs the Python code again, to see that it takes the same "
           "branches; the others do not.", options)  # fmt: skip


def sparse_jacobian(options: argparse.Namespace) -> None:
    count = 300 if options.quick else 10_000
    bundle = Bundle(count, 50, 1000)
    sparse(f"Sparse Jacobian of bundle adjustment, {count:,} observations", jacobians(bundle),
           bundle.at(1), "First: expression, pattern, coloring and values; jax is told which "
           "entries there are.", options)  # fmt: skip


# --- memory ---------------------------------------------------------------------------------------


def memory(options: argparse.Namespace) -> None:
    steps = 10_000 if options.quick else 1_000_000
    every = tuple(range(6))
    loops = {"wengert": wg.fori}
    if "checkpoint" in inspect.signature(wg.fori).parameters:
        loops['wengert, checkpoint="sqrt"'] = partial(wg.fori, checkpoint="sqrt")
    rows = []
    for name, loop in loops.items():
        slope = wg.grad(partial(lotka_volterra, steps, loop), argnums=every).program(*START)
        rows.append([name, f"{8e-6 * Interpreter(slope).buffer.size:,.1f}"])
    if jax := here("jax"):
        jax.config.update("jax_enable_x64", True)
        value = partial(lotka_volterra, steps, partial(jax.lax.fori_loop, 0))
        compiled = jax.jit(jax.grad(value, argnums=every)).lower(*START).compile()
        rows.append(["jax", f"{1e-6 * compiled.memory_analysis().temp_size_in_bytes:,.1f}"])
    print(f"## Memory of the gradient of Runge-Kutta, {steps:,} steps\n")
    print(table(rows, ["", "MB"]) + "\n")


# --- small functions ------------------------------------------------------------------------------


def small_gradients() -> Iterator[tuple[str, Callable[..., Any], Callable[[Any], Any]]]:
    """Each peer's functions, and its gradient of a function of one array."""
    yield "wengert", wg, lambda f: wg.grad(f)
    if jax := here("jax"):
        jax.config.update("jax_enable_x64", True)
        functions = SimpleNamespace(**vars(jax.numpy), norm_cdf=jax.scipy.stats.norm.cdf)
        yield "jax", functions, lambda f: jax.grad(f)
        yield "jax, compiled", functions, lambda f: jax.jit(jax.grad(f))
    if autograd := here("autograd"):
        cdf = importlib.import_module("autograd.scipy.stats").norm.cdf
        names = vars(importlib.import_module("autograd.numpy"))
        yield "autograd", SimpleNamespace(**names, norm_cdf=cdf), lambda f: autograd.grad(f)
    if torch := here("torch"):
        functions = SimpleNamespace(**vars(torch), norm_cdf=torch.special.ndtr)

        def slope(f: Any) -> Any:
            return lambda x: torch.func.grad(f)(torch.from_numpy(x))

        def backward(f: Any) -> Any:
            def gradient(x: Any) -> Any:
                leaf = torch.tensor(x, requires_grad=True)
                return torch.autograd.grad(f(leaf), leaf)[0]

            return gradient

        yield "torch.func", functions, slope
        yield "torch.autograd", functions, backward


def per_call(options: argparse.Namespace) -> None:
    for title, function, x in (
        ("Black-Scholes", models.black_scholes, np.array([42.0, 40.0, 0.1, 0.2, 0.5])),
        ("Rosenbrock, n = 2", scenarios.rosenbrock, np.array([-1.2, 1.0])),
    ):

        def many(functions: Any, slope: Any, x: Any = x) -> Any:
            with calling(functions):
                for _ in range(CALLS):
                    result = slope(x)
            return np.asarray(result)

        calls = {}
        for name, functions, transform in small_gradients():
            calls[name] = partial(many, functions, transform(function))
        in_turn(calls, 1)  # what is made at the first call
        outcomes = in_turn(calls, options.rounds)
        agree(title, outcomes, np.asarray)
        report(f"One call of the gradient: {title}", "", outcomes, 1e6 / CALLS, "µs")


# --- how many operations --------------------------------------------------------------------------


def operations(options: argparse.Namespace) -> None:
    rows = []
    for row in scenarios.ROWS:
        function, arguments = row.make(*(row.small if options.quick else row.full))

        def number(*given: Any, function: Any = function) -> Any:
            result = function(*given)
            return result.sum() if isinstance(result, np.ndarray) else result

        value = wg.record(number, *arguments).simplify()
        slope = wg.grad(number, argnums=tuple(range(len(arguments)))).program(*arguments)
        ratio = f"{len(slope) / len(value):.2f}"
        rows.append([row.name, f"{len(value):,}", value.size, f"{len(slope):,}", slope.size, ratio])
    headers = ["scenario", "operations", "statements", "of the gradient", "statements", "÷ value"]
    print(f"## Operations of gradients, and of what they need of the value, simplified\n\n"
          f"{table(rows, headers)}\n")  # fmt: skip


FIGURES = (flat, rolled, sparse_hessian, sparse_jacobian, memory, per_call, operations)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (5)")
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--only", type=int, help=f"one of the figures, 1 to {len(FIGURES)}")
    options = parser.parse_args()
    modules = {"ddx-ad": "ddx"}
    there = [name for name in PEERS if here(modules.get(name, name))]
    print(described([f"{name} {version(name)}" for name in there], options.rounds), end="\n\n")
    for figure in FIGURES if options.only is None else FIGURES[options.only - 1 :][:1]:
        figure(options)


if __name__ == "__main__":
    main()
