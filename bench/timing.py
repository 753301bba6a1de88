"""How benchmarks measure: calls in turn, medians, tables, and what they ran on."""

import gc
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tabulate import tabulate

import wengert

SLOW = 5.0  # seconds after which a call is not asked again


def seconds(call: Callable[[], Any]) -> tuple[float, Any]:
    """How long a call takes, and what it gives."""
    gc.collect()
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


@dataclass
class Outcome:
    """What a contestant took in each round, what it gave last, or why it could not."""

    times: list[float] = field(default_factory=list)
    result: Any = None
    failure: str = ""

    @property
    def median(self) -> float:
        """Seconds, or NaN."""
        return statistics.median(self.times) if self.times else float("nan")


def in_turn(calls: dict[str, Callable[[], Any]], rounds: int) -> dict[str, Outcome]:
    """All calls in each round, so that a machine whose speed drifts drifts for all."""
    outcomes = {name: Outcome() for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            outcome = outcomes[name]
            if outcome.failure or max(outcome.times, default=0.0) > SLOW:
                continue
            try:
                spent, outcome.result = seconds(call)
            except Exception as error:  # a peer has no such loop, or no such function
                outcome.failure = f"{type(error).__name__}: {error}".splitlines()[0]
            else:
                outcome.times.append(spent)
    return outcomes


def peak_memory() -> int:
    """Of this process, in bytes. Linux's own figure: getrusage inherits the parent's peak."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def described(versions: Sequence[str], rounds: int) -> str:
    """What a run was made on, and with what."""
    return (
        f"{platform.machine()}, CPython {platform.python_version()}, "
        f"wengert {wengert.__version__} ({wengert.engine}); "
        f"{', '.join(versions) or 'no peers'}; {rounds} rounds"
    )


def table(rows: Sequence[Sequence[Any]], headers: Sequence[str], names: int = 1) -> str:
    """A Markdown table whose first columns are names, and the others numbers."""
    align = ("left",) * names + ("right",) * (len(headers) - names)
    return tabulate(rows, headers, tablefmt="github", disable_numparse=True, colalign=align)
