"""A browser for the tests of the page, and pages that notice every error and every request."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from opened import Opened

from wengert.value import engine

sys.path.insert(0, str(Path(__file__).parents[1]))  # for `show_graphs`

WANTED = os.environ.get("WENGERT_BROWSER", "0") not in ("", "0")
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


def missing(what: str) -> None:
    """Without a browser these tests say nothing; where one is promised, that is an error."""
    if WANTED:
        pytest.fail(f"{what}. `make browser` installs what the tests of the page need.")
    pytest.skip(what)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        missing("There is no Chromium")
    if os.environ.get("LD_PRELOAD"):
        pytest.skip("A browser does not run under the sanitizers")
    if engine == "plain" and not WANTED:
        pytest.skip("Pages are the same on both engines; WENGERT_BROWSER=1 tries them on this one")
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=OPTIONS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def pages(browser: Any) -> Iterator[dict[str, list[Opened]]]:
    """Pages that were opened and are not in use, by their options: opening one takes a while."""
    free: dict[str, list[Opened]] = {}
    yield free
    for page in chain.from_iterable(free.values()):
        page.close()


@pytest.fixture
def opened(
    browser: Any, pages: dict[str, list[Opened]], tmp_path: Path
) -> Iterator[Callable[..., Opened]]:
    """A function that opens an explorer as a page; whatever goes wrong on it fails the test."""
    used: list[tuple[str, Opened]] = []

    def show(explorer: Any, hash_: str = "", **options: Any) -> Opened:
        path = tmp_path / f"page{len(used)}.html"
        explorer.save(path)
        key = repr(sorted(options.items()))
        free = pages.setdefault(key, [])
        page = free.pop() if free else Opened(browser, **options)
        used.append((key, page))
        page.go(path.as_uri() + hash_)
        return page

    yield show
    for key, page in used:
        pages[key].append(page)
    for _, page in used:
        page.done()


@pytest.fixture
def blank(browser: Any) -> Iterator[Any]:
    """An empty page, to run a module of the explorer in."""
    context = browser.new_context()
    yield context.new_page()
    context.close()
