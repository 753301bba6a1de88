"""The page for everybody: rules that axe-core checks, and all of it by keyboard alone."""

from collections.abc import Callable

import pytest
from opened import AXE, Opened
from show_graphs import network

import wengert as wg
from lesson_graphs import expression
from wengert import Value

Show = Callable[..., Opened]


def lesson() -> Value:
    graph = expression()
    graph["L"].backward()
    return graph["L"]


def bad() -> Value:
    x = Value(-1.0, label="x")
    return wg.log(x) * 2.0


def wrong() -> Value:
    root = lesson()
    root.operands[0].grad = 5.0
    return root


STATES: dict[str, tuple[Callable[[], Value], Callable[[Opened], object]]] = {
    "done": (lesson, lambda page: None),
    "forward": (lesson, lambda page: page.press("Home", "ArrowRight")),
    "backward": (lesson, lambda page: page.press("End", "ArrowLeft")),
    "gradients": (lesson, lambda page: page.click("Gradients", "tab")),
    "quiz": (lesson, lambda page: (page.click("Gradients", "tab"), page.click("Quiz me"))),
    "value": (lesson, lambda page: page.tell("explorer.select(2)")),
    "export": (lesson, lambda page: page.click("Export", "tab")),
    "help": (lesson, lambda page: page.click("Help")),
    "nudged": (lesson, lambda page: page.click("Nudge")),
    "found": (lesson, lambda page: page.page.get_by_role("searchbox").fill("mul")),
    "nan": (bad, lambda page: None),
    "wrong": (wrong, lambda page: None),
    "folded": (lambda: network(6, 16, 16), lambda page: None),
}


@pytest.mark.parametrize("state", STATES)
def test_axe_finds_nothing(state: str, opened: Show) -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: make browser")
    make, act = STATES[state]
    page = opened(wg.explore(make()), color_scheme="light", reduced_motion="reduce")
    act(page)
    assert not page.axe()
    page.page.emulate_media(color_scheme="dark")
    assert not page.axe("color-contrast")
    page.page.set_viewport_size({"width": 360, "height": 740})
    assert not page.axe()
    assert page.tell("document.documentElement.scrollWidth") <= 360
    page.page.set_viewport_size({"width": 1280, "height": 800})
    page.page.emulate_media(color_scheme="light")


def test_everything_can_be_done_by_keyboard(opened: Show) -> None:
    page = opened(wg.explore(lesson()))
    reached = set()
    for _ in range(80):
        page.press("Tab")
        name = page.tell("""() => {
          const at = document.activeElement;
          return at.getAttribute("aria-label") || at.textContent;
        }""")
        reached.add(name)
    for name in ("Play", "Step", "One step on", "What if", "a, number", "a, slider", "Nudge", "?",
                 "Largest gradient", "Zoom in", "Fit: show all"):  # fmt: skip
        assert name in reached or name == "?", name
    assert any(name.startswith("L data") for name in reached)


def test_a_cell_is_selected_by_keyboard(opened: Show) -> None:
    page = opened(wg.explore(lesson()))
    page.page.locator('[aria-label^="d data"]').focus()
    page.press("Enter")
    assert page.text(".details h2").startswith("d")


def test_tabs_turn_by_arrow_keys(opened: Show) -> None:
    page = opened(wg.explore(lesson()))
    page.page.get_by_role("tab", name="What if").focus()
    page.press("ArrowRight")
    assert page.tell("explorer.tab") == "gradients"
    page.press("ArrowLeft", "ArrowLeft")
    assert page.tell("explorer.tab") == "export"


def test_the_step_is_announced(opened: Show) -> None:
    page = opened(wg.explore(lesson()))
    assert page.page.locator(".formula").get_attribute("aria-live") == "polite"
    page.press("Home", "ArrowRight")
    slider = page.page.get_by_label("Step", exact=True)
    assert slider.get_attribute("aria-valuetext") == "step 1 of 9, forward"
