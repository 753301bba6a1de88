"""How large the explorer's pages are, and how long they take in headless Chromium.

    python bench/explorer.py [--rounds 3]

Load is from asking for the page to its first picture; a step is one position further in the middle
of the way back; a move is a leaf moved, with everything computed and shown again. Medians; the last
row is a Program of a million operations, written out. No frame is waited for: times are those of
the page's own work.
"""

import argparse
import platform
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from layout import perceptron
from playwright.sync_api import sync_playwright

import wengert as wg
from wengert import Value

OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
TIMED = """(does) => { const start = performance.now(); %s; return performance.now() - start; }"""
STEP = "explorer.go(Math.round(0.75 * explorer.engine.steps) + does)"
MOVE = "explorer.move([[explorer.leaves[0], 0.5 + does / 100]])"


def lesson() -> Value:
    """The lesson's expression, seven Values."""
    a, b, c, f = (Value(x, label=n) for n, x in zip("abcf", (2, -3, 10, -2), strict=True))
    return (a * b + c) * f


def springs(x: Any) -> Any:
    """A sum over a chain, 9 operations for each place of it."""
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


PAGES: dict[str, Callable[[], Any]] = {
    "10": lambda: wg.explore(lesson()),
    "1,300": lambda: wg.explore(perceptron((2, 16, 20, 1), 1)),
    "10k": lambda: wg.explore(perceptron((2, 16, 16, 1), 15)),
    "100k": lambda: wg.explore(perceptron((2, 16, 16, 1), 150)),
    "1M": lambda: wg.explore(springs, np.linspace(0.0, 1.0, 90_000)),
}


def main() -> None:
    """Time all pages."""
    parser = argparse.ArgumentParser(description="Time the explorer's pages.")
    parser.add_argument("--rounds", type=int, default=3, help="loads of each page (3)")
    rounds = parser.parse_args().rounds
    program = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=OPTIONS)
        print(f"{platform.machine()}, Chromium {browser.version}, wengert {wg.__version__}")
        print(f"{'':8}{'values':>10}{'page':>12}{'made':>9}{'load':>9}{'step':>9}{'move':>9}")
        for name, make in PAGES.items():
            path = Path(folder) / "page.html"
            start = time.perf_counter()
            make().save(path)
            made = time.perf_counter() - start
            loads, steps, moves = [], [], []
            for _ in range(rounds):
                context = browser.new_context(viewport={"width": 1280, "height": 800})
                page = context.new_page()
                start = time.perf_counter()
                page.goto(path.as_uri())
                page.wait_for_selector("#explorer[data-ready]", timeout=120_000)
                loads.append(time.perf_counter() - start)
                page.evaluate(TIMED % STEP, 0)
                steps += [page.evaluate(TIMED % STEP, k) for k in range(1, 8)]
                moves += [page.evaluate(TIMED % MOVE, k) for k in range(5)]
                values = page.evaluate("explorer.tape.size")
                context.close()
            size, load = path.stat().st_size, statistics.median(loads)
            step, move = statistics.median(steps), statistics.median(moves)
            print(f"{name:8}{values:>10,}{size / 1e3:>9,.0f} kB{made:>7.2f} s{load:>7.2f} s"
                  f"{step:>6.1f} ms{move:>6.1f} ms", flush=True)  # fmt: skip
        browser.close()


if __name__ == "__main__":
    main()
