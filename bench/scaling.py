"""What programs of a thousand to ten million operations cost, beside peers: value and gradient.

    python bench/scaling.py [--rounds 3] [--only regular] [--sizes 1000 10000] [--quick]
                            [--limit 60] [--write-docs]

The regular program is a long Python loop of Runge-Kutta steps, the irregular one a random program
without any loop. The first answer is everything from the Python function to its value and gradient
at one point, imports aside; then follow one point at a time, and a batch. Times are per operation
of the function alone, however many the gradient has. Each contestant is a process of its own; one
that takes too long is stopped, and is not asked about larger programs.
"""

import argparse
import importlib
import math
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pages
import workloads
from apart import Contestant, Stopped, turn

import wengert as wg

SIZES = 1_000, 10_000, 100_000, 1_000_000, 10_000_000
EACH_STEP = 49  # operations of a Runge-Kutta step
WORK = 20_000_000  # operations of a batch, all examples together
LARGEST_BATCH = 4096
FEWEST = 16
CLOSE = 1e-9  # how far results may be apart, relative to the largest
ENOUGH = 5.0  # seconds after which a contestant is not asked again

Call = Callable[[], Any]


# --- programs -------------------------------------------------------------------------------------


def regular(size: int) -> Any:
    steps = max(1, size // EACH_STEP)

    def function(*x: Any, functions: Any, loop: Any = workloads.python_loop) -> Any:
        return workloads.trajectory(steps, loop, *x)

    return function, np.array(workloads.START)


def irregular(size: int) -> Any:
    """Operands are among the last thousand numbers; sines of the arguments keep these from zero."""
    rng = random.Random(0)
    plan, at, left = [], 8, size - 100
    while left > 0:
        product = rng.random() < 0.6
        one = at - 1 - rng.randrange(min(at, 1000))
        other = at - 1 - rng.randrange(min(at, 1000)) if product else rng.randrange(8)
        plan.append((product, one, other))
        at, left = at + 1, left - (1 if product else 2)

    def function(*x: Any, functions: Any, loop: Any = None) -> Any:
        values, sin = list(x), functions.sin
        for product, one, other in plan:
            a, b = values[one], values[other]
            values.append(a * b if product else sin(a - b))
        total = values[-1]
        for each in values[-100:-1]:
            total = total + each
        return total

    return function, np.linspace(-0.9, 0.8, 8)


PROGRAMS = {"regular": regular, "irregular": irregular}
ABOUT = {
    "regular": "a Python loop of Runge-Kutta steps",
    "irregular": "a random program without a loop",
}


# --- contestants: from a function, a point and a batch to what gives value and gradient -----------


def ours(tier: str, function: Any, x: Any, batch: Any) -> tuple[Call, Call]:
    importlib.import_module("entrants.ours").started(1)
    both = wg.value_and_grad(partial(function, functions=wg), argnums=tuple(range(len(x))))
    one = wg.jit(both, tier=tier)
    many = wg.vectorize(both, tier=tier, threads=1)
    return lambda: one(*x.tolist()), lambda: many(*batch)


def jax(loop: bool, function: Any, x: Any, batch: Any) -> tuple[Call, Call]:
    jax = importlib.import_module("jax")
    jax.config.update("jax_enable_x64", True)
    jax.devices()
    given = partial(function, functions=jax.numpy)
    if loop:
        given = partial(given, loop=partial(jax.lax.fori_loop, 0))
    both = jax.value_and_grad(given, tuple(range(len(x))))
    one, many = jax.jit(both), jax.jit(jax.vmap(both))
    return (
        lambda: jax.block_until_ready(one(*x.tolist())),
        lambda: jax.block_until_ready(many(*batch)),
    )


def casadi(loop: bool, function: Any, x: Any, batch: Any) -> tuple[Call, Call]:
    casadi = importlib.import_module("casadi")
    called = importlib.import_module("entrants.casadi_").called
    made: list[Any] = []

    def fold(steps: int, body: Any, state: Any) -> Any:
        *rates, _, _ = casadi.vertsplit(made[0])
        s = casadi.SX.sym("s", 6)
        *own, a, b = casadi.vertsplit(s)
        after = workloads.runge_kutta(tuple(own), a, b, workloads.SMALL_STEP)
        once = casadi.Function("once", [s], [casadi.vertcat(*own, *after)])
        return casadi.vertsplit(once.fold(steps)(casadi.vertcat(*rates, *state))[4:])

    def whole() -> Any:
        if not made:
            symbols = (casadi.MX if loop else casadi.SX).sym("x", len(x))
            made.append(symbols)
            own = {"loop": fold} if loop else {}
            value = function(*casadi.vertsplit(symbols), functions=casadi, **own)
            made.append(casadi.Function("f", [symbols], [value, casadi.gradient(value, symbols)]))
        return made[1]

    return lazily(lambda: called(whole(), [x], False)), lazily(
        lambda: called(whole().map(batch.shape[1]), [batch], False)
    )


def ddx(backend: str, function: Any, x: Any, batch: Any) -> tuple[Call, Call]:
    ddx = importlib.import_module("ddx")

    def traced(points: Any) -> Call:
        equation = ddx.equation(
            lambda: function(*(ddx.var(f"x{k}") for k in range(len(x))), functions=ddx)
        )
        if backend == "COMPILE":
            equation.compile(points=points.shape[1] if points.ndim > 1 else 1)
        else:
            equation.options = ddx.Options(backend=ddx.Backend.INTERPRET)
        call = equation.buffer(points)

        def run() -> Any:
            call()
            return call.value, list(call.jacobian)

        return run

    return lazily(lambda: traced(x)), lazily(lambda: traced(batch))


def lazily(make: Callable[[], Call]) -> Call:
    """Made when it is first called."""
    made: list[Call] = []

    def run() -> Any:
        if not made:
            made.append(make())
        return made[0]()

    return run


ENTRANTS: dict[str, tuple[Callable[..., tuple[Call, Call]], Any]] = {
    "wengert": (ours, "auto"),
    "wengert, interpreter": (ours, "interpreter"),
    "wengert, native": (ours, "native"),
    "jax": (jax, False),
    "jax, fori_loop": (jax, True),
    "casadi SX": (casadi, False),
    "casadi MX, fold": (casadi, True),
    "ddx-ad": (ddx, "COMPILE"),
    "ddx-ad, interpreter": (ddx, "INTERPRET"),
}
OWN_LOOPS = "jax, fori_loop", "casadi MX, fold"


# --- in a contestant's process --------------------------------------------------------------------


def started(label: str, kind: str, size: int) -> Callable[..., Any]:
    make, how = ENTRANTS[label]
    function, x = PROGRAMS[kind](size)
    count = batch_of(size)
    batch = x[:, None] * np.linspace(0.999, 1.001, max(count, 1))
    calls = make(how, function, x, batch)

    def answer(what: str, many: bool) -> Any:
        if what == "stages":
            entrant = importlib.import_module("entrants.ours")
            by = tuple(range(len(x)))
            return entrant.steps(partial(function, functions=wg), tuple(x.tolist()), by)
        if what == "turn":
            return turn(calls[many])
        begin = time.perf_counter()
        value, derivatives = calls[many]()
        spent = time.perf_counter() - begin
        numbers = [value, *derivatives] if isinstance(derivatives, tuple | list) else [
            value, *np.asarray(derivatives)]  # fmt: skip
        return spent, np.array([np.ravel(np.asarray(each))[0] for each in numbers])

    return answer


def batch_of(size: int) -> int:
    """Examples of a batch; 0 if they would be too few to tell."""
    count = min(WORK // size, LARGEST_BATCH) // 8 * 8
    return count if count >= FEWEST else 0


# --- in turn --------------------------------------------------------------------------------------


@dataclass
class Measured:
    """Seconds that a contestant took for programs of a size, or why it could not."""

    label: str
    size: int
    first: float = math.nan
    one: float = math.nan
    batch: float = math.nan  # for an example
    note: str = ""
    stages: dict[str, float] = field(default_factory=dict)


def run(
    kind: str, size: int, given: argparse.Namespace, stopped: dict[tuple[str, str], str]
) -> list[Measured]:
    """All contestants, on programs of a size."""
    measured, found = [], {}
    for label in ENTRANTS:
        if label in OWN_LOOPS and kind != "regular":
            continue
        each = Measured(label, size, note=stopped.get((kind, label), ""))
        measured.append(each)
        if each.note:
            continue
        try:
            process = Contestant(started, label, kind, size, limit=given.limit)
        except Stopped as why:
            each.note = "not installed" if "ModuleNotFoundError" in str(why) else str(why)
            continue
        try:
            each.first, found[label] = process.ask("first", False)
            each.one = median(process, False, given.rounds)
            if label == "wengert, native":
                each.stages = process.ask("stages", False)
            if batch_of(size):
                process.ask("first", True)
                each.batch = median(process, True, given.rounds) / batch_of(size)
        except Stopped as why:
            each.note = str(why)
            if math.isnan(each.first):
                stopped[kind, label] = f"not asked: {why} at {size:,}"
        process.stop()
    agree(f"{kind}, {size:,}", found)
    return measured


def median(process: Contestant, many: bool, rounds: int) -> float:
    """Without the first turn, in which an interpreter may still find out what pays."""
    times: list[float] = []
    for _ in range(rounds + 1):
        if sum(times) < ENOUGH:
            times.append(process.ask("turn", many))
    return statistics.median(times[1:] or times)


def agree(where: str, found: dict[str, Any]) -> None:
    """Compare values and gradients with ours."""
    ours = next(iter(found.values()))
    for label, numbers in found.items():
        apart = np.abs(numbers - ours).max() / np.abs(ours).max()
        if not apart <= CLOSE:
            raise SystemExit(f"{where}: {label} differs by {apart:.1e} of the largest number.")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=PROGRAMS)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="operations")
    parser.add_argument("--quick", action="store_true", help="small sizes, less patience")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds for an answer")
    parser.add_argument("--write-docs", action="store_true")
    given = parser.parse_args()
    if given.quick:
        given.sizes, given.limit = SIZES[:2], min(given.limit, 10.0)
    on = pages.machine()
    print(on["text"], f"{given.rounds} rounds\n", sep="; ")
    for kind in [given.only] if given.only else PROGRAMS:
        stopped: dict[tuple[str, str], str] = {}
        measured = []
        for size in given.sizes:
            measured += [asdict(each) for each in run(kind, size, given, stopped)]
        row = {"about": f"Value and gradient of {ABOUT[kind]}", "machine": on, "measured": measured}
        print(pages.scaling_section(kind, row), "\n", flush=True)
        if given.write_docs:
            pages.keep("scaling", kind, row)


if __name__ == "__main__":
    main()
