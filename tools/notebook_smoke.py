"""Smoke tests of the explorer in JupyterLab and marimo: the frame and the live widget.

    make smoke

Each notebook shows the lesson's graph both ways. Chromium then looks at the frame, moves a leaf in
the widget, and sees that Python was told, and that Python's own moves and steps arrive.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

GRAPH = """\
import wengert as wg
from wengert import Value
a, b = Value(2.0, label="a"), Value(-3.0, label="b")
c, f = Value(10.0, label="c"), Value(-2.0, label="f")
e = a * b; e.label = "e"
d = e + c; d.label = "d"
L = d * f; L.label = "L"
L.backward()
"""
LIVE = """\
widget = wg.explore(L, live=True)
def answer(*_):
    with open("told.txt", "w") as file:
        file.write(f"{c.data} {L.data} {f.grad}")
    widget.move(a, 4.0)
    widget.step = 1
widget.on_msg(answer)
"""
TIMEOUT = 90_000  # milliseconds


@contextmanager
def serving(words: list[str], folder: Path) -> Iterator[str]:
    """A server in a folder, until the block is left."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [word.format(port=port) for word in words]
    log = (folder / "server.log").open("w")
    server = subprocess.Popen(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(address, timeout=2).read()
                break
            except OSError:
                time.sleep(0.5)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=20)
        log.close()


def jupyter(folder: Path, page: Page) -> None:
    """Open the notebook in JupyterLab and run it."""
    sources = [GRAPH, "wg.explore(L)", LIVE + "widget"]
    cells = [
        {"cell_type": "code", "id": f"cell{k}", "source": source, "metadata": {},
         "outputs": [], "execution_count": None}
        for k, source in enumerate(sources)
    ]  # fmt: skip
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    (folder / "page.ipynb").write_text(json.dumps(notebook))
    words = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--port={port}"]
    words += ["--IdentityProvider.token=", "--LabApp.news_url=None"]
    with serving(words, folder) as address:
        page.goto(f"{address}/lab/tree/page.ipynb")
        page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=TIMEOUT)
        for k in range(len(sources)):
            cell = page.locator(".jp-Notebook .jp-CodeCell").nth(k)
            for _ in range(20):  # until there is a kernel that hears it
                cell.locator(".cm-content").click()
                page.keyboard.press("Shift+Enter")
                page.wait_for_timeout(1500)
                if cell.locator(".jp-InputPrompt").inner_text().strip("[]: *"):
                    break
        looked_at(folder, page)


def marimo(folder: Path, page: Page) -> None:
    """Open the same as a marimo app."""
    indented = "\n".join(f"    {line}" for line in (GRAPH + LIVE).splitlines())
    (folder / "page.py").write_text(
        "import marimo\n\napp = marimo.App()\n\n\n@app.cell\ndef _():\n    import marimo as mo\n"
        f"{indented}\n    return L, mo, wg, widget\n\n\n"
        "@app.cell\ndef _(L, wg):\n    wg.explore(L)\n    return\n\n\n"
        "@app.cell\ndef _(mo, widget):\n    mo.ui.anywidget(widget)\n    return\n\n\n"
        'if __name__ == "__main__":\n    app.run()\n'
    )
    words = [sys.executable, "-m", "marimo", "run", "page.py", "--headless", "--port={port}"]
    with serving([*words, "--no-token"], folder) as address:
        page.goto(address)
        looked_at(folder, page)


def looked_at(folder: Path, page: Page) -> None:
    """The frame steps, and the widget and Python hear each other."""
    frame = page.frame_locator("iframe[title='Wengert explorer']")
    frame.locator("#explorer[data-ready]").wait_for(timeout=TIMEOUT)
    frame.get_by_label("To the start").click()
    frame.get_by_label("One step on").click()
    expect(lambda: frame.locator(".formula .symbols").inner_text(), "e = a·b")
    widget = page.locator(".within[data-ready]")
    widget.wait_for(timeout=TIMEOUT)
    expect(lambda: widget.locator("h1").inner_text(), "L = -8")
    entry = widget.get_by_label("c, number")
    entry.fill("5")
    told = folder / "told.txt"
    expect(lambda: told.read_text() if told.exists() else "", "5.0 2.0 -1.0")
    expect(lambda: widget.get_by_label("a, number").input_value(), "4")
    expect(lambda: widget.locator(".formula .symbols").inner_text(), "e = a·b")


def expect(give: Callable[[], str], wanted: str) -> None:
    """Wait until something is given."""
    given = ""
    for _ in range(150):
        given = give()
        if given == wanted:
            return
        time.sleep(0.1)
    raise AssertionError(f"{wanted!r} was expected, not {given!r}")


def main() -> int:
    """Run both."""
    program = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    failed = 0
    tests: dict[str, Callable[[Path, Any], None]] = {"JupyterLab": jupyter, "marimo": marimo}
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=program, args=options)
        for name, test in tests.items():
            with tempfile.TemporaryDirectory() as folder:
                os.environ["JUPYTER_CONFIG_DIR"] = folder
                page = browser.new_page(viewport={"width": 1300, "height": 1000})
                try:
                    test(Path(folder), page)
                    print(f"{name}: frame and widget show, step and follow")
                except Exception as error:
                    failed = 1
                    page.screenshot(path=f"{name.lower()}.png")
                    print(f"{name}: {error}\n{(Path(folder) / 'server.log').read_text()[-2000:]}")
                page.close()
        browser.close()
    return failed


if __name__ == "__main__":
    sys.exit(main())
