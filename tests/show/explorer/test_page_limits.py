"""What a page holds and draws at most, what it says of the rest, and folding as such."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from opened import Opened
from show_graphs import chain, network

import wengert as wg
from wengert import Value
from wengert.show.explorer import explorer as made
from wengert.show.explorer.payload import FEWEST

MOST = 2000  # cells at once
Show = Callable[..., Opened]


def running(x: Any) -> Any:
    """A chain that no loop is found in, for the numbers do not repeat."""
    total = x[0]
    for k in range(1, len(x)):
        total = np.sin(total) * x[k] + 1.0
    return total


def test_no_more_cells_are_drawn_than_can_be_moved_smoothly(opened: Show) -> None:
    page = opened(wg.explore(chain(5000)))
    page.tell("explorer.setOpen(new Set(explorer.tape.group))")
    assert "is the most. Fold something first" in page.text(".canvas .message")
    for _ in range(6):
        page.tell("explorer.openMore()")
    assert 500 < page.tell("explorer.canvas.cells.size") <= MOST


def test_every_part_of_a_folded_picture_holds_values_and_no_two_make_a_circle(opened: Show) -> None:
    """For many choices of open groups: operands come first, and each value is in one part."""
    page = opened(wg.explore(network(3, 8, 8, 8)))
    bad = page.tell("""async () => {
      explorer.canvas.draw = async () => {}; // folding alone is looked at
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
      return "";
    }""")
    assert bad == ""


def test_only_the_last_of_several_pictures_is_drawn(opened: Show) -> None:
    page = opened(wg.explore(network(6, 16, 16)))
    page.tell("""async () => {
      const all = new Set(explorer.tape.groups.parent.keys());
      await Promise.all([explorer.setOpen(all), explorer.setOpen(new Set()), explorer.setOpen(all),
        explorer.setOpen(new Set(explorer.home))]);
      explorer.go(5);
      explorer.go(explorer.engine.last);
    }""")
    assert page.count("[data-cell]") == page.tell("explorer.view.parts.length")


# --- what is left out -----------------------------------------------------------------------------


def test_what_was_left_out_is_said(opened: Show) -> None:
    page = opened(wg.explore(chain(3000), most=500))
    said = page.text(".remark")
    assert "5,503 earlier values were left out of this page" in said
    assert "at most 500 values and 24 MB" in said
    assert page.tell("explorer.tape.size") <= 500
    cut = page.tell("explorer.tape.cut.values().next().value")
    page.tell("k => explorer.lookAt(k)", cut)
    page.click("Value", "tab")
    assert "computed by what was left out" in page.text(".details .note")
    assert page.count("button:text-is('Bring more')") == 0  # for there is nobody to bring it


def test_what_was_left_out_is_also_a_matter_of_bytes(
    opened: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = np.random.default_rng(0).uniform(size=3000)  # which do not pack
    root = Value(0.0)
    for number in numbers:
        root = root + Value(float(number))
    monkeypatch.setattr(made, "BYTES", 40_000)
    page = opened(wg.explore(root))
    assert page.tell("document.getElementById('tape').textContent.length") < 40_000
    assert "at most 1,000,000 values and 0.04 MB" in page.text(".remark")
    assert 1000 < page.tell("explorer.tape.size") < 6000
    monkeypatch.setattr(made, "BYTES", 10)
    assert opened(wg.explore(chain(3000))).tell("explorer.tape.size") <= FEWEST


def test_a_value_is_called_the_same_whatever_was_left_out(opened: Show) -> None:
    names = [
        opened(wg.explore(chain(300), most=most)).tell("explorer.tape.name(explorer.tape.size - 7)")
        for most in (1000, 400, 100)
    ]
    assert names[0] == names[1] == names[2]


@pytest.mark.parametrize("evaluated", [10, 10**6], ids=["by the page", "by Python"])
def test_the_last_part_of_a_program_starts_from_its_numbers(
    evaluated: int, opened: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wengert.show.explorer import of_programs

    monkeypatch.setattr(of_programs, "EVALUATED", evaluated)
    x = np.linspace(0.5, 0.9, 200)
    page = opened(wg.explore(running, x, most=150))
    assert page.tell("explorer.tape.leftOut") > 300
    assert page.tell("explorer.engine.data[explorer.engine.root]") == pytest.approx(running(x))
    assert page.count(".alert") == 0
    whole = opened(wg.explore(running, x))
    gradients = [
        one.tell("Object.fromEntries([...explorer.engine.grad].map((g, k) =>"
                 " [explorer.tape.name(k), g]))") for one in (page, whole)
    ]  # fmt: skip
    assert gradients[0] == {name: gradients[1][name] for name in gradients[0]}


def test_a_program_is_folded_by_its_loops(opened: Show) -> None:
    page = opened(wg.explore(lambda w, x: np.sum(np.tanh(w @ x)), np.ones((40, 100)), np.ones(100)))
    labels = page.page.locator(".item.group, .item.frame").evaluate_all(
        "items => items.map(item => item.getAttribute('aria-label'))"
    )
    assert any("for i in 40" in label for label in labels)
    assert page.text("h1") == "program = 40"
