"""The lesson's graph as a page: stepping, moving leaves, checking, the quiz, and taking it away."""

from collections.abc import Callable
from pathlib import Path

import pytest
from opened import Opened

import wengert as wg
from lesson_graphs import expression
from wengert import Value

Show = Callable[..., Opened]


@pytest.fixture
def page(opened: Show) -> Opened:
    """The page of L = (a*b + c)*f, with gradients."""
    graph = expression()
    graph["L"].backward()
    return opened(wg.explore(graph["L"]))


# --- showing --------------------------------------------------------------------------------------


def test_every_value_is_shown_with_its_number_and_gradient(page: Opened) -> None:
    assert page.text("h1") == "L = -8"
    labels = [page.page.locator(f'[data-cell="{k}"]').get_attribute("aria-label") for k in range(7)]
    assert "a data 2.0000 grad 6.0000: a leaf" in labels
    assert "L data -8.0000 grad 1.0000 *: made by mul" in labels
    assert page.count(".graph .edge") == 6


def test_the_page_is_small(tmp_path: Path) -> None:
    wg.explore(expression()["L"]).save(tmp_path / "page.html")
    assert (tmp_path / "page.html").stat().st_size < 150_000


# --- steps ----------------------------------------------------------------------------------------


def test_each_step_is_told_in_symbols_and_numbers(page: Opened) -> None:
    page.press("Home")
    assert page.formula[0] == "Only the leaves are known."
    page.press("ArrowRight")
    assert page.formula[:2] == ["e = a·b", "= 2·(-3) = -6"]
    for _ in range(7):
        page.press("ArrowRight")
    assert page.formula[:2] == ["∂L/∂a = ∂e/∂a · ∂L/∂e", "= -3 × -2 = 6"]
    assert "∂e/∂a = b = -3" in page.formula[2]
    page.press("ArrowLeft")
    assert page.formula[0] == "∂L/∂c = ∂d/∂c · ∂L/∂d"
    page.press("End")
    assert "∂L/∂a = 6" in page.formula[1]


def test_a_step_marks_its_value_its_operands_and_the_edge_between(page: Opened) -> None:
    page.press("Home", "ArrowRight")
    about = page.page.locator(".current").get_attribute("aria-label")
    assert about is not None
    assert about.startswith("e data -6.0000 grad · *: made by mul")
    assert page.count(".operand") == 2
    assert page.count(".travelled") == 2
    assert page.count(".waiting") == 2  # d and L are not computed yet
    for _ in range(7):
        page.press("ArrowRight")
    assert page.count(".travelled.back") == 1
    assert page.count(".operand") == 1


def test_what_is_not_reached_yet_has_no_number(page: Opened) -> None:
    page.press("Home")
    assert page.text("h1") == "L = …"
    about = page.page.locator(".item.root").get_attribute("aria-label")
    assert about == "L data · grad · *: made by mul, not computed yet, gradient not reached yet"


def test_a_value_used_twice_adds_up(opened: Show) -> None:
    a = Value(3.0, label="a")
    b = a + a
    b.label = "b"
    page = opened(wg.explore(b))
    page.press("Home", "ArrowRight", "ArrowRight")
    assert page.formula[0] == "∂b/∂a = (1) · ∂b/∂b"
    page.press("ArrowRight")
    assert page.formula[:2] == ["∂b/∂a += (1) · ∂b/∂b", "= 1 × 1 = 1"]
    assert "2 so far" in page.formula[2]
    assert page.grads()["a"] == 2.0


def test_it_plays_and_pauses(page: Opened) -> None:
    page.press("Home")
    page.page.get_by_label("Speed").select_option("20")
    page.page.locator("h1").click()
    page.press("Space")
    page.wait("explorer.position === explorer.engine.last")
    page.press("Home", "Space", "Space")
    assert page.tell("explorer.transport.timer") == 0
    page.page.get_by_label("Step", exact=True).fill("3")
    assert page.text(".where") == "3 of 9"


def test_a_selected_value_leads_to_its_step(page: Opened) -> None:
    page.page.locator('[aria-label^="d data"]').click()
    assert page.text(".details h2").startswith("d")
    assert "1 × -2" not in page.text(".uses")
    assert "-2 × 1 = -2" in page.text(".uses")
    page.click("Go to its step")
    assert page.formula[0] == "d = e + c"


# --- what if --------------------------------------------------------------------------------------


def test_a_typed_leaf_moves_everything(page: Opened) -> None:
    entry = page.page.get_by_label("c, number")
    entry.fill("-3*2")
    entry.press("Enter")
    assert page.data()["L"] == 24.0
    assert page.grads() == {"L": 1, "d": -2, "f": -12, "c": -2, "e": -2, "a": 6, "b": -4}
    assert page.text("h1") == "L = 24"
    entry.fill("ten")
    entry.press("Enter")
    assert "“ten” is not a number" in page.text(".whatif")
    assert page.data()["c"] == -6.0
    page.click("Reset")
    assert page.text("h1") == "L = -8"


def test_nudges_follow_the_gradient(page: Opened) -> None:
    page.click("Nudge")
    assert page.data()["L"] == pytest.approx(-7.286496, rel=1e-15)
    page.page.get_by_label("Direction").select_option("-1")
    page.click("Nudge")
    assert page.data()["L"] < -7.286496
    assert "after each nudge" in page.text(".whatif > div:last-child")
    page.page.get_by_label("Step size").fill("much")
    page.click("Nudge")
    assert "“much” is no step size" in page.text(".whatif")


def test_the_address_holds_the_state(page: Opened, opened: Show) -> None:
    entry = page.page.get_by_label("c, number")
    entry.fill("5.5")
    entry.press("Enter")
    page.page.locator("h1").click()
    page.press("ArrowLeft", "ArrowLeft")
    page.wait("location.hash.includes('s=8')")
    again = opened(wg.explore(expression()["L"]), page.tell("location.hash"))
    assert again.data() == page.data()
    assert again.formula == page.formula


@pytest.mark.parametrize("hash_", ["#x=99:1,0:zzz&s=-4&n=77&o=5,6&f=99,2&t=red&p=none&r=9", "#%%%"])
def test_an_address_that_means_nothing_does_no_harm(hash_: str, opened: Show) -> None:
    page = opened(wg.explore(expression()["L"]), hash_)
    assert page.text("h1").startswith("L = ")


# --- check and quiz -------------------------------------------------------------------------------


def test_every_gradient_is_checked(page: Opened) -> None:
    page.click("Gradients", "tab")
    assert page.count(".verdict.right") == 7
    assert "✓ right" in page.text(".verdict")


def test_a_wrong_gradient_from_python_is_shown_with_its_reason(opened: Show) -> None:
    graph = expression()
    graph["L"].backward()
    graph["a"].grad = -3.0
    page = opened(wg.explore(graph["L"]))
    assert "A gradient from Python is wrong" in page.text(".alert")
    assert "this is the local derivative alone" in page.text(".alert")
    assert page.count(".item.bad") == 1
    page.click("Show the check")
    assert page.count(".verdict.wrong") == 1
    assert page.count(".verdict.right") == 6


def test_gradients_that_are_not_filled_are_told(opened: Show) -> None:
    graph = expression()
    graph["L"].grad = 1.0
    page = opened(wg.explore(graph["L"]))
    page.click("Gradients", "tab")
    assert page.count(".verdict.not-filled") == 6


def test_the_quiz_asks_and_grades(page: Opened) -> None:
    page.click("Gradients", "tab")
    page.click("Quiz me")
    hidden = page.page.locator(".item.root").get_attribute("aria-label")
    assert hidden == "L data -8.0000 grad ? *: made by mul, gradient hidden"
    first = page.page.get_by_label("Gradient of L", exact=True)
    first.fill("1")
    first.press("Enter")
    assert page.text(".score").startswith("1 of 7 right, 1 at the first try")
    page.page.get_by_label("Hint for d").click()
    assert "∂L/∂d = f = -2 and ∂L/∂L = 1" in page.text('[data-quiz="4"] .reason')
    wrong = page.page.get_by_label("Gradient of a", exact=True)
    wrong.fill("-6")
    wrong.press("Enter")
    assert "the sign is wrong" in page.text("tr:has([aria-label='Gradient of a'])")
    wrong.fill("-3*-2")
    wrong.press("Enter")
    assert page.text(".score").startswith(
        "2 of 7 right, 1 at the first try, 1 wrong answer, 1 hint"
    )
    page.page.get_by_label("Show the answer for b").click()
    assert "= 2 × -2 = -4" in page.text("tr:has(button:text-is('b'))")
    page.click("End the quiz")
    assert page.count("input[aria-label^='Gradient of']") == 0


# --- NaN and infinity -----------------------------------------------------------------------------


def test_the_first_nan_is_marked_and_its_story_told(opened: Show) -> None:
    x, y = Value(-1.0, label="x"), Value(2.0, label="y")
    bad = wg.log(x)
    bad.label = "l"
    z = bad * y + x
    z.label = "z"
    page = opened(wg.explore(z))
    story = page.text(".alert")
    assert "nan begins here: l = log(x) = log(-1) = nan" in story
    assert "Forward it spread to v1 and z, the root among them" in story
    assert "the first gradient that is not finite is ∂z/∂y = nan" in story
    assert "nan begins here" in page.text(".badge:not(:empty)")
    page.click("Show l")
    assert page.text(".details h2").startswith("l")


def test_an_infinite_gradient_alone_has_a_story_too(opened: Show) -> None:
    x = Value(0.0, label="x")
    page = opened(wg.explore(wg.sqrt(x)))
    assert "the first gradient that is not finite is ∂v1/∂x = inf" in page.text(".alert")


def test_a_path_that_was_not_recorded_is_said(opened: Show) -> None:
    page = opened(wg.explore(lambda x: x * x if x > 1.0 else x + 5.0, 2.0))
    assert page.count(".alert") == 0
    entry = page.page.get_by_label("x, number")
    entry.fill("0.5")
    assert "would have gone another way" in page.text(".alert")
    entry.fill("3")
    assert page.count(".alert") == 0


# --- finding and taking away ----------------------------------------------------------------------


def test_values_are_found_by_label_operation_and_number(page: Opened) -> None:
    find = page.page.get_by_label("Find a value by label, operation or number")
    for query, found in [("e", 1), ("mul", 2), ("-8", 1), (">3", 2), ("nothing", 0)]:
        find.fill(query)
        assert page.count(".results button") == found, query
    find.fill("e")
    page.page.locator(".results button").click()
    assert page.text(".details h2").startswith("e")
    page.click("Largest gradient")
    assert page.text(".details h2").startswith("a")


def test_a_value_can_be_focused_on(page: Opened) -> None:
    page.page.locator('[aria-label^="e data"]').click()
    page.page.get_by_label("Hops").fill("1")
    page.click("Focus on e")
    page.wait("explorer.canvas.cells.size === 4")
    page.click("Show everything")
    page.wait("explorer.canvas.cells.size === 7")


def test_python_that_was_taken_away_builds_the_expression_again(page: Opened) -> None:
    source = page.downloaded("Python").decode()
    namespace: dict[str, Value] = {}
    exec(source, namespace)
    assert namespace["L"].data == -8.0
    assert namespace["a"].grad == 6.0
    assert namespace["e"].label == "e"


# --- for everybody --------------------------------------------------------------------------------


def test_terms_explain_themselves(page: Opened) -> None:
    page.page.locator(".term", has_text="leaf").first.focus()
    assert "A leaf is a number you put in" in page.text(".tip")
    page.press("Escape")
    assert not page.page.locator(".tip").is_visible()


def test_nothing_moves_by_itself_where_motion_is_reduced(opened: Show) -> None:
    page = opened(wg.explore(expression()["L"]), reduced_motion="reduce")
    page.press("Home", "ArrowRight")
    name = page.tell("getComputedStyle(document.querySelector('.travelled path')).animationName")
    assert name == "none"
