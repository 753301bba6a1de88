"""Pages of a perceptron of 1,300 Values and of a graph of 100,000: folding, finding, stepping."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from opened import Opened
from show_graphs import chain

import wengert as wg
from wengert import Value
from wengert.graph import topological_order

MOST = 2000  # cells at once


def perceptron() -> Value:
    """The loss of a perceptron 2-16-16-1 on one example and a half, with a scope for each layer."""
    numbers = np.random.default_rng(0)
    signals = [Value(x, label=f"x{k}") for k, x in enumerate((0.5, -1.0))]
    for depth, (many, inputs) in enumerate([(16, 2), (16, 16), (8, 16), (1, 8)]):
        with wg.scope(f"layer{depth + 1}"):
            weights = [[Value(w) for w in numbers.uniform(-1, 1, inputs)] for _ in range(many)]
            signals = [wg.tanh(wg.dot(row, signals)) for row in weights]
    loss = (signals[0] - 1.0) ** 2
    loss.label = "loss"
    return loss


@pytest.fixture(scope="module")
def large(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Any]]:
    """The page of a graph, opened once for all tests of this file."""
    pages: dict[str, Opened] = {}

    def show(name: str) -> Opened:
        if name not in pages:
            root = perceptron() if name == "perceptron" else chain(50_000)
            path = Path(tmp_path_factory.mktemp("large")) / f"{name}.html"
            wg.explore(root).save(path)
            pages[name] = Opened(browser, path.as_uri())
        return pages[name]

    yield show
    for page in pages.values():
        page.close()


NAMES = ["perceptron", "chain"]


@pytest.mark.parametrize("name", NAMES)
def test_a_folded_picture_is_small(name: str, large: Any) -> None:
    page = large(name)
    page.tell("explorer.setOpen(new Set(explorer.home))")
    assert 5 < page.count("[data-cell]") <= 120
    assert page.count(".item.group") > 0


@pytest.mark.parametrize("name", NAMES)
def test_all_is_computed_as_in_python(name: str, large: Any) -> None:
    page = large(name)
    root = perceptron() if name == "perceptron" else chain(50_000)
    root.backward()
    order = topological_order(root)
    data = page.tell("[...explorer.engine.data]")
    grad = page.tell("[...explorer.engine.grad]")
    assert data == [node.data for node in order]
    np.testing.assert_allclose(grad, [node.grad for node in order], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", NAMES)
def test_groups_open_and_fold(name: str, large: Any) -> None:
    page = large(name)
    page.tell("explorer.setOpen(new Set())")
    before = page.count("[data-cell]")
    page.page.locator(".item.group").first.press("Enter")
    page.wait(f"explorer.canvas.cells.size > {before}")
    assert page.count(".item.frame") >= 1
    page.page.locator(".item.frame").first.press("Enter")
    page.wait(f"explorer.canvas.cells.size === {before}")


@pytest.mark.parametrize("name", NAMES)
def test_no_more_cells_are_drawn_than_can_be_moved_smoothly(name: str, large: Any) -> None:
    page = large(name)
    page.tell("explorer.setOpen(new Set(explorer.tape.group))")
    for _ in range(6):
        page.tell("explorer.openMore()")
    assert page.tell("explorer.canvas.cells.size") <= MOST
    if name == "chain":
        assert "is the most" in page.text(".canvas .message")
    page.tell("explorer.setOpen(new Set(explorer.home))")


def test_every_part_of_a_folded_picture_holds_values_and_no_two_make_a_circle(large: Any) -> None:
    """For many choices of open groups: operands come first, and each value is in one part."""
    page = large("perceptron")
    bad = page.tell("""async () => {
      let seed = 1;
      const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
      const groups = explorer.tape.groups.parent.length;
      for (let round = 0; round < 60; round += 1) {
        const open = new Set();
        for (let g = 0; g < groups; g += 1) if (random() < round / 60) open.add(g);
        if (explorer.forest.count(open) > 2000) continue;
        await explorer.setOpen(open);
        const {parts, operands, partOf} = explorer.view;
        if (operands.some((own, k) => own.some((u) => u >= k))) return `circle in ${round}`;
        if (parts.reduce((n, part) => n + part.values, 0) !== explorer.tape.size) return "lost";
        if ([...partOf].some((k) => k < 0)) return "nowhere";
      }
      await explorer.setOpen(new Set(explorer.home));
      return "";
    }""")
    assert bad == ""


@pytest.mark.parametrize("name", NAMES)
def test_a_found_value_is_brought_into_view(name: str, large: Any) -> None:
    page = large(name)
    page.tell("explorer.setOpen(new Set(explorer.home))")
    wanted = page.tell("explorer.tape.name(Math.floor(explorer.tape.size / 3))")
    page.page.get_by_label("Find a value by label, operation or number").fill(wanted)
    page.page.locator(".results button").first.click()
    page.wait("explorer.canvas.cells.get(explorer.view.partOf[explorer.selected])?.part.value"
              " === explorer.selected")  # fmt: skip
    page.click("Value", "tab")
    assert page.text(".details h2").startswith(wanted)
    page.click("What if", "tab")
    inside = page.tell("""() => {
      const box = document.querySelector(".graph").getBoundingClientRect();
      const cell = document.querySelector(".selected").getBoundingClientRect();
      return cell.left >= box.left - 1 && cell.right <= box.right + 1;
    }""")
    assert inside


@pytest.mark.parametrize("name", NAMES)
def test_steps_go_anywhere_on_the_tape(name: str, large: Any) -> None:
    page = large(name)
    last = page.tell("explorer.engine.steps")
    for position in (0, 1, last // 4, last // 2, last - 1, last // 2 + 1, last, last + 1):
        page.tell("position => explorer.go(position)", position)
        assert page.text(".formula .symbols")
    for position in (last // 2, last):
        step = page.tell("position => explorer.engine.step(position)", position)
        assert step["direction"] in ("forward", "backward")
    assert page.tell("""() => {
      const {grad} = explorer.engine.gradientsAt(explorer.engine.last);
      return explorer.engine.grad.every((x, k) => x === grad[k]);
    }""")


def test_a_moved_leaf_moves_a_large_graph(large: Any) -> None:
    page = large("perceptron")
    leaf = page.tell("explorer.leaves[0]")
    page.tell("k => explorer.move([[k, 0.25]])", leaf)
    moved = perceptron()
    order = topological_order(moved)
    order[leaf].data = 0.25
    moved.forward()
    assert page.tell("explorer.engine.data[explorer.engine.root]") == pytest.approx(
        moved.data, rel=1e-12
    )
    page.tell("explorer.reset()")


def test_the_map_moves_the_picture(large: Any) -> None:
    page = large("chain")
    page.tell("explorer.unfold(explorer.view.parts.find((part) => part.group >= 0).group)")
    page.tell("explorer.canvas.zoom(3)")
    before = page.page.locator(".graph").get_attribute("viewBox")
    page.page.locator(".map").click(position={"x": 5, "y": 40})
    assert page.page.locator(".graph").get_attribute("viewBox") != before
    page.click("Fit: show all")


def test_the_largest_gradient_is_found(large: Any) -> None:
    page = large("perceptron")
    page.click("Largest gradient")
    best = page.tell("Math.abs(explorer.engine.grad[explorer.selected])")
    most = page.tell("Math.max(...explorer.engine.grad.slice(0, -1).map(Math.abs))")
    assert best == most


def test_what_was_left_out_is_said(opened: Callable[..., Opened]) -> None:
    page = opened(wg.explore(chain(3000), most=500))
    assert "earlier values were left out of this page" in page.text(".remark")
    assert page.tell("explorer.tape.size") <= 500


def test_a_program_is_folded_by_its_loops(opened: Callable[..., Opened]) -> None:
    page = opened(
        wg.explore(lambda w, x: np.sum(np.tanh(w @ x)), np.ones((100, 200)), np.ones(200))
    )
    assert page.tell("explorer.tape.size") > 40_000
    labels = page.page.locator(".item.group, .item.frame").evaluate_all(
        "items => items.map(item => item.getAttribute('aria-label'))"
    )
    assert any("for i in 100" in label for label in labels)
    assert page.text("h1") == "program = 100"
