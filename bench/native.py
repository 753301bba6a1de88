"""Compiled functions beside hand-written C and peers: value, and value and gradient.

    python bench/native.py [--rounds 9] [--only w1] [--quick]

w1 is a perceptron 2-16-16-1 with its squared error over 100,000 examples, w2 the Black-Scholes
price and its five derivatives for 1,000,000 options, w3 100 Runge-Kutta steps of Lotka-Volterra
with six derivatives for 10,000 sets. It is the same scalar code for Wengert and JAX, which gets its
own loop for the steps since it takes minutes to compile them written out; torch gets arrays, and C
is bench/hand.c. Contestants run in turn within one process on one thread, and their
numbers are compared.
"""

import argparse
import ctypes
import importlib
import itertools
import math
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from timing import Outcome, described, in_turn, table

import wengert as wg
from wengert.errors import MissingExtraError
from wengert.run import llvm

FLAGS = ["-O3", "-march=native", "-ffast-math", "-mprefer-vector-width=512", "-fopenmp-simd"]
CLOSE = 1e-12
PEERS = ("jax", "torch")
SIZES = 2, 16, 16, 1
STEPS = 100


# --- the scalar code ------------------------------------------------------------------------------


def perceptron(p: Any, x1: Any, x2: Any, target: Any, tanh: Any = wg.tanh) -> Any:
    values, at = [x1, x2], 0
    for layer, (inputs, outputs) in enumerate(itertools.pairwise(SIZES)):
        sums = []
        for _ in range(outputs):
            total = p[at + inputs]
            for k in range(inputs):
                total = total + p[at + k] * values[k]
            at += inputs + 1
            sums.append(total)
        values = [tanh(s) for s in sums] if layer < len(SIZES) - 2 else sums
    return (values[0] - target) ** 2


def call_price(
    price: Any, strike: Any, time: Any, rate: Any, volatility: Any, functions: Any = wg
) -> Any:
    spread = volatility * functions.sqrt(time)
    drift = rate + 0.5 * volatility * volatility
    d1 = (functions.log(price / strike) + drift * time) / spread

    def normal(x: Any) -> Any:
        return 0.5 + 0.5 * functions.erf(x * math.sqrt(0.5))

    return price * normal(d1) - strike * functions.exp(-rate * time) * normal(d1 - spread)


def slope(a: Any, b: Any, d: Any, c: Any, x: Any, y: Any) -> tuple[Any, Any]:
    return x * (a - b * y), y * (d * x - c)


def runge_kutta(rates: tuple[Any, ...], x: Any, y: Any) -> tuple[Any, Any]:
    h = 0.01
    k1x, k1y = slope(*rates, x, y)
    k2x, k2y = slope(*rates, x + 0.5 * h * k1x, y + 0.5 * h * k1y)
    k3x, k3y = slope(*rates, x + 0.5 * h * k2x, y + 0.5 * h * k2y)
    k4x, k4y = slope(*rates, x + h * k3x, y + h * k3y)
    x = x + h / 6 * (k1x + 2.0 * (k2x + k3x) + k4x)
    return x, y + h / 6 * (k1y + 2.0 * (k2y + k3y) + k4y)


def squared_end(a: Any, b: Any, d: Any, c: Any, x: Any, y: Any) -> Any:
    for _ in range(STEPS):
        x, y = runge_kutta((a, b, d, c), x, y)
    return x * x + y * y


# --- the workloads --------------------------------------------------------------------------------


@dataclass
class Workload:
    """One row of the issue's table.

    Args:
        about: what it is.
        data: the numbers of all examples, a row for each argument.
        parameters: what all examples share.
        ours: from whether the gradient is wanted and the threads to a function without arguments.
        hand: the same in C.
    """

    about: str
    data: Any
    parameters: Any
    ours: Callable[[bool, int], Callable[[], Any]]
    hand: Callable[[bool], Callable[[], Any]]
    peers: dict[str, Callable[[bool], Callable[[], Any]]]


def w1(count: int, c: Any) -> Workload:
    rng = np.random.default_rng(0)
    data, p = rng.normal(size=(3, count)), 0.5 * rng.normal(size=337)

    def ours(gradient: bool, threads: int) -> Callable[[], Any]:
        total = wg.sum_over(perceptron, *data, tier="native", threads=threads)
        function = wg.value_and_grad(total) if gradient else total
        return lambda: function(p)

    def hand(gradient: bool) -> Callable[[], Any]:
        found = np.empty(337)
        if gradient:
            return lambda: (c.w1(count, data, p, found), found.copy())
        return lambda: c.w1_value(count, data, p)

    def jax(gradient: bool) -> Callable[[], Any]:
        jax = jax_64()
        each = jax.vmap(partial(perceptron, tanh=jax.numpy.tanh), (None, 0, 0, 0))

        def total(p: Any) -> Any:
            return each(p, *data).sum()

        function = jax.jit(jax.value_and_grad(total) if gradient else total)
        return lambda: jax.block_until_ready(function(p))

    def torch(gradient: bool) -> Callable[[], Any]:
        torch = torch_64()
        x, target = torch.tensor(data[:2].T.copy()), torch.tensor(data[2])
        given = torch.tensor(p, requires_grad=gradient)

        def run() -> Any:
            values, at = x, 0
            for layer, (inputs, outputs) in enumerate(itertools.pairwise(SIZES)):
                size = (inputs + 1) * outputs
                w = given[at : at + size].view(outputs, inputs + 1)
                values = values @ w[:, :-1].T + w[:, -1]
                values = values.tanh() if layer < len(SIZES) - 2 else values
                at += size
            loss = ((values[:, 0] - target) ** 2).sum()
            return (loss, torch.autograd.grad(loss, given)[0]) if gradient else loss

        return run

    return Workload(
        "MLP 2-16-16-1, 100,000 examples", data, p, ours, hand, {"jax": jax, "torch": torch}
    )


def elementwise(about: str, data: Any, scalar: Any, hand: Any, value: Any, own: Any) -> Workload:
    """One result for each example, and its derivatives by all arguments."""
    arguments, count = data.shape
    every = tuple(range(arguments))

    def ours(gradient: bool, threads: int) -> Callable[[], Any]:
        function = wg.value_and_grad(scalar, argnums=every) if gradient else scalar
        fast = wg.vectorize(function, tier="native", threads=threads)
        return lambda: fast(*data)

    def by_hand(gradient: bool) -> Callable[[], Any]:
        found = np.empty((arguments + 1, count))

        def run() -> Any:
            (hand if gradient else value)(count, data, found)
            return (found[0], tuple(found[1:])) if gradient else found[0]

        return run

    def jax(gradient: bool) -> Callable[[], Any]:
        jax = jax_64()
        function = own(SimpleJax(jax), jax)
        mapped = jax.vmap(jax.value_and_grad(function, every) if gradient else function)
        fast = jax.jit(mapped)
        return lambda: jax.block_until_ready(fast(*data))

    def torch(gradient: bool) -> Callable[[], Any]:
        torch = torch_64()
        columns = [torch.tensor(row, requires_grad=gradient) for row in data]
        function = own(torch, None)

        def run() -> Any:
            found = function(*columns)
            return (found, torch.autograd.grad(found.sum(), columns)) if gradient else found

        return run

    return Workload(about, data, None, ours, by_hand, {"jax": jax, "torch": torch})


class SimpleJax:
    """The functions of the workloads, as JAX has them."""

    def __init__(self, jax: Any) -> None:
        self.sqrt, self.log, self.exp = jax.numpy.sqrt, jax.numpy.log, jax.numpy.exp
        self.erf = jax.scipy.special.erf


def w2(count: int, c: Any) -> Workload:
    rng = np.random.default_rng(1)
    low, high = np.array([[80, 80, 0.2, 0.01, 0.1], [120, 120, 2.0, 0.1, 0.5]])
    data = np.ascontiguousarray(rng.uniform(low, high, (count, 5)).T)
    return elementwise(
        "Black-Scholes and 5 derivatives, 1,000,000", data, call_price, c.w2, c.w2_value,
        lambda functions, jax: partial(call_price, functions=functions),
    )  # fmt: skip


def scanned(jax: Any, a: Any, b: Any, d: Any, c: Any, x: Any, y: Any) -> Any:
    """`squared_end` with JAX's own loop."""

    def step(state: Any, _: Any) -> Any:
        return runge_kutta((a, b, d, c), *state), None

    (x, y), _ = jax.lax.scan(step, (x, y), None, length=STEPS)
    return x * x + y * y


def w3(count: int, c: Any) -> Workload:
    rng = np.random.default_rng(2)
    low, high = np.array([[1.0, 0.3, 0.05, 0.3, 0.8, 0.8], [1.2, 0.5, 0.15, 0.5, 1.2, 1.2]])
    data = np.ascontiguousarray(rng.uniform(low, high, (count, 6)).T)
    return elementwise(
        "Lotka-Volterra, 100 steps, 10,000 sets", data, squared_end, c.w3, c.w3_value,
        lambda functions, jax: partial(scanned, jax) if jax else squared_end,
    )  # fmt: skip


WORKLOADS = {"w1": (w1, 100_000), "w2": (w2, 1_000_000), "w3": (w3, 10_000)}


# --- peers ----------------------------------------------------------------------------------------


def jax_64() -> Any:
    jax = importlib.import_module("jax")
    jax.config.update("jax_enable_x64", True)
    return jax


def torch_64() -> Any:
    torch = importlib.import_module("torch")
    torch.set_num_threads(1)
    return torch


def compiled(folder: Path) -> Any:
    """bench/hand.c as a library, its functions taking NumPy arrays."""
    library = folder / "hand.so"
    source = Path(__file__).with_name("hand.c")
    command = ["gcc", *FLAGS, "-shared", "-fPIC", str(source), "-o", str(library), "-lmvec", "-lm"]
    subprocess.run(command, check=True)
    c = ctypes.CDLL(str(library))
    array = np.ctypeslib.ndpointer(np.float64, flags="C")
    for name in ("w1", "w1_value"):
        getattr(c, name).restype = ctypes.c_double
    for name in ("w1", "w1_value", "w2", "w2_value", "w3", "w3_value"):
        arrays = {"w1": 3}.get(name, 2)
        getattr(c, name).argtypes = [ctypes.c_long, *[array] * arrays]
    return c


def flat(result: Any) -> Any:
    """All numbers of a result."""
    if isinstance(result, tuple | list):
        return np.concatenate([flat(each) for each in result])
    return np.ravel(result.detach().numpy() if hasattr(result, "detach") else np.asarray(result))


# --- tables ---------------------------------------------------------------------------------------


def prepared(make: Callable[[], Callable[[], Any]]) -> tuple[float, Callable[[], Any] | None, str]:
    """Seconds until the first result, and the function; or why there is none."""
    begin = time.perf_counter()
    try:
        call = make()
        call()
    except (ImportError, MissingExtraError) as error:
        return math.nan, None, str(error)
    return time.perf_counter() - begin, call, ""


def run(name: str, rounds: int, scale: float, c: Any) -> dict[str, dict[bool, Outcome]]:
    make, count = WORKLOADS[name]
    workload = make(int(count * scale) // 64 * 64, c)
    contestants: dict[str, Callable[[bool], Callable[[], Any]]] = {
        "wengert": partial(workload.ours, threads=1),
        "wengert, 2 threads": partial(workload.ours, threads=2),
        "C by hand": workload.hand,
        **workload.peers,
    }
    first: dict[str, float] = {}
    found: dict[str, dict[bool, Outcome]] = {each: {} for each in contestants}
    for gradient in (False, True):
        calls = {}
        for each, contestant in contestants.items():
            spent, call, failure = prepared(partial(contestant, gradient))
            if call is None:
                found[each][gradient] = Outcome(failure=failure)
                continue
            first[each] = spent
            calls[each] = call
        for each, outcome in in_turn(calls, rounds).items():
            found[each][gradient] = outcome
        agree(name, {each: found[each][gradient] for each in calls})
    show(name, workload.about, found, first)
    return found


def agree(name: str, outcomes: dict[str, Outcome]) -> None:
    """Compare what was found with what C by hand finds."""
    wanted = flat(outcomes["C by hand"].result)
    for each, outcome in outcomes.items():
        apart = np.abs(flat(outcome.result) - wanted).max() / np.abs(wanted).max()
        if not apart <= CLOSE:
            raise SystemExit(f"{name}: {each} differs by {apart:.1e} of the largest number.")


def show(
    name: str, about: str, found: dict[str, dict[bool, Outcome]], first: dict[str, float]
) -> None:
    hand = found["C by hand"][True].median
    rows = []
    for each, outcomes in found.items():
        value, both = outcomes[False].median, outcomes[True].median
        rows.append([
            each, f"{value * 1e3:.2f}", f"{both * 1e3:.2f}", f"{both / hand:.2f}",
            f"{both / value:.2f}", f"{first.get(each, math.nan):.2f}",
        ])  # fmt: skip
    headers = [f"{name}: {about}", "value, ms", "and gradient, ms", "÷ C by hand", "÷ value",
               "first call, s"]  # fmt: skip
    print(table(rows, headers), "\n", flush=True)
    for each, outcomes in found.items():
        if outcomes[True].failure:
            print(f"{each}: {outcomes[True].failure}\n")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", choices=WORKLOADS)
    parser.add_argument("--quick", action="store_true", help="a tenth of the examples")
    given = parser.parse_args()
    versions = []
    for peer in ("llvmlite", *PEERS):
        try:
            versions.append(f"{peer} {version(peer)}")
        except ImportError:
            print(f"{peer} is not installed.")
    print(f"{described(versions, given.rounds)}; {llvm.cpu()[0]}, {llvm.lanes()} lanes\n")
    with tempfile.TemporaryDirectory() as folder:
        c = compiled(Path(folder))
        for name in [given.only] if given.only else WORKLOADS:
            run(name, given.rounds, 0.1 if given.quick else 1.0, c)


if __name__ == "__main__":
    main()
