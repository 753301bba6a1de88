"""Pictures of the explorer's page for the docs, taken by Chromium.

    python tools/explorer_pictures.py

They show main states: light, dark, narrow, folded, in the quiz, and with a NaN. A browser draws
them, not bit for bit the same on every machine, so nothing compares them; look at them instead.
"""

import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

import wengert as wg
from wengert import Value

sys.path.insert(0, str(Path(__file__).parent.parent / "bench"))
from layout import perceptron

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"


def lesson() -> Value:
    """L = (a*b + c)*f, its gradients filled."""
    a, b, c, f = (Value(x, label=n) for n, x in zip("abcf", (2, -3, 10, -2), strict=True))
    e = a * b
    e.label = "e"
    d = e + c
    d.label = "d"
    loss = d * f
    loss.label = "L"
    loss.backward()
    return loss


def not_a_number() -> Value:
    """A logarithm of a negative number, and what follows."""
    x, y = Value(-1.0, label="x"), Value(2.0, label="y")
    bad = wg.log(x)
    bad.label = "l"
    z = bad * y + x
    z.label = "z"
    return z


def network() -> Value:
    """A perceptron with three layers."""
    loss = perceptron((2, 8, 8, 1), 1)
    loss.label = "loss"
    return loss


def go_back(page: Any) -> None:
    page.keyboard.press("Home")
    for _ in range(8):
        page.keyboard.press("ArrowRight")


def ask(page: Any) -> None:
    page.get_by_role("tab", name="Gradients").click()
    page.get_by_role("button", name="Quiz me").click()
    for name, answer in (("L", "1"), ("f", "4"), ("d", "-2"), ("c", "2")):
        entry = page.get_by_label(f"Gradient of {name}", exact=True)
        entry.fill(answer)
        entry.press("Enter")
    page.get_by_label("Hint for e", exact=True).click()


def nothing(page: Any) -> None:
    pass


STATES: list[tuple[str, Callable[[], Value], tuple[int, int], str, Callable[[Any], None]]] = [
    ("light", lesson, (1280, 800), "light", go_back),
    ("dark", lesson, (1280, 800), "dark", nothing),
    ("narrow", lesson, (360, 740), "light", go_back),
    ("folded", network, (1280, 800), "light", nothing),
    ("quiz", lesson, (1280, 900), "light", ask),
    ("nan", not_a_number, (1280, 800), "light", nothing),
]


def main() -> None:
    """Take all pictures."""
    program = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=program, args=options)
        for name, make, (width, height), scheme, act in STATES:
            path = Path(folder) / f"{name}.html"
            wg.explore(make()).save(path)
            page = browser.new_page(
                viewport={"width": width, "height": height},
                color_scheme="dark" if scheme == "dark" else "light",
                reduced_motion="reduce",
            )
            page.goto(path.as_uri())
            page.wait_for_selector("#explorer[data-ready]")
            act(page)
            page.wait_for_timeout(300)
            page.screenshot(path=PICTURES / f"explorer-{name}.png")
            page.close()
            print(PICTURES / f"explorer-{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
