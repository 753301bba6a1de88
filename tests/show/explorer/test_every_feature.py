"""Every feature of the page on every kind of graph: a table of features by graphs.

A page is opened once for each graph. A feature is a function of the page, named for what it shows;
each begins with the page as it was opened, but for what is folded.
"""

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from opened import AXE, Opened

import wengert as wg
from lesson_graphs import expression
from wengert import Value
from wengert.graph import topological_order

FEW = 3000  # values up to which every one is looked at
SHORT = "x => String(Number(x.toPrecision(6)))"
SOME = """every => [explorer.engine.data, explorer.engine.grad].map(
  (column) => [...column].filter((_, k) => k % every === 0))"""
FIND = "Find a value by label, operation or number"


def lesson() -> Value:
    return expression()["L"]


def neuron() -> Value:
    """The lesson's neuron."""
    x1, x2, w1, w2 = (
        Value(x, label=n) for n, x in zip(("x1", "x2", "w1", "w2"), (2, 0, -3, 1), strict=True)
    )
    n = x1 * w1 + x2 * w2 + Value(6.8813735870195432, label="b")
    n.label = "n"
    o = n.tanh()
    o.label = "o"
    return o


def perceptron(examples: int = 1) -> Value:
    """The loss of a perceptron 2-16-16-8-1, a scope for each layer and each example."""
    numbers = np.random.default_rng(0)
    layers = [
        [[Value(w) for w in numbers.uniform(-1, 1, inputs)] for _ in range(many)]
        for many, inputs in ((16, 2), (16, 16), (8, 16), (1, 8))
    ]
    layers[0][0][0].label = "w"
    losses = []
    for example in range(examples):
        with wg.scope(f"example{example}"):
            signals: list[Any] = [Value(numbers.uniform(-1, 1), label="x")]
            signals.append(Value(numbers.uniform(-1, 1), label="y"))
            for depth, layer in enumerate(layers):
                with wg.scope(f"layer{depth + 1}"):
                    signals = [wg.tanh(wg.dot(row, signals)) for row in layer]
            losses.append((signals[0] - 1.0) ** 2)
    loss = sum(losses[1:], losses[0])
    loss.label = "loss"
    return loss


GRAPHS: dict[str, tuple[Callable[[], Value], str]] = {  # with a leaf to move
    "lesson": (lesson, "c"),
    "neuron": (neuron, "w1"),
    "perceptron": (perceptron, "w"),
    "100,000": (lambda: perceptron(110), "w"),
}


@dataclass
class Shown:
    """A graph and its page."""

    root: Value
    leaf: str
    page: Opened
    url: str
    order: list[Value] = field(init=False)

    def __post_init__(self) -> None:
        self.order = topological_order(self.root)

    @cached_property
    def at(self) -> int:
        """Where the leaf that is moved stands."""
        return next(k for k, v in enumerate(self.order) if v.label == self.leaf and not v.operands)

    @property
    def is_small(self) -> bool:
        return len(self.order) <= FEW

    def moved(self, *leaves: tuple[int, float]) -> tuple[list[float], list[float]]:
        """Data and gradients in Python where leaves have other numbers."""
        before = [self.order[k].data for k, _ in leaves]
        grads = [v.grad for v in self.order]
        for k, x in leaves:
            self.order[k].data = x
        self.root.forward()
        self.root.zero_grad()
        self.root.backward()
        found = [v.data for v in self.order], [v.grad for v in self.order]
        for (k, _), x in zip(leaves, before, strict=True):
            self.order[k].data = x
        self.root.forward()
        for v, grad in zip(self.order, grads, strict=True):
            v.grad = grad
        return found

    def is_at(self, leaves: list[tuple[int, float]], within: float = 1e-11) -> None:
        """See that the page has computed what Python computes with these leaves."""
        every = 1 if self.is_small else 97
        given = self.page.tell(SOME, every)
        for theirs, own in zip(given, self.moved(*leaves), strict=True):
            np.testing.assert_allclose(theirs, own[::every], within, 1e-12)

    def select(self, k: int) -> None:
        """Select a value, whatever has to be opened."""
        self.page.tell("k => explorer.lookAt(k)", k)
        self.page.wait("explorer.canvas.cells.get(explorer.view.partOf[explorer.selected])"
                       "?.part.value === explorer.selected")  # fmt: skip


RESET = """async () => {
  explorer.transport.pause();
  if (explorer.engine.moved.size || explorer.whatif.past.length > 1) explorer.whatif.reset();
  if (explorer.quiz) explorer.gradients.toggle();
  explorer.canvas.say("");
  explorer.selected = -1;
  explorer.show("whatif");
  explorer.setTheme("auto");
  explorer.go(explorer.engine.last);
  const {open, home} = explorer;
  if (explorer.focus || open.size !== home.size || [...open].some((g) => !home.has(g))) {
    await explorer.setOpen(new Set(home));
  }
  if (explorer.host.querySelector("dialog[open]")) explorer.host.querySelector("dialog").close();
}"""


@pytest.fixture(scope="module")
def graphs(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Shown]]:
    found: dict[str, Shown] = {}
    for name, (make, leaf) in GRAPHS.items():
        root = make()
        root.backward()
        path = Path(tmp_path_factory.mktemp("pages")) / "page.html"
        wg.explore(root).save(path)
        page = Opened(browser)
        page.go(path.as_uri())
        found[name] = Shown(root, leaf, page, path.as_uri())
    yield found
    for shown in found.values():
        shown.page.close()


@pytest.fixture
def shown(graphs: dict[str, Shown], graph: str) -> Iterator[Shown]:
    one = graphs[graph]
    one.page.tell(RESET)
    yield one
    one.page.done()


# --- the features ---------------------------------------------------------------------------------


def data_and_gradients_are_those_of_python(shown: Shown) -> None:
    assert shown.page.tell("[...explorer.engine.data]") == [v.data for v in shown.order]
    np.testing.assert_allclose(
        shown.page.tell("[...explorer.engine.grad]"), [v.grad for v in shown.order], 1e-11, 1e-12
    )
    name = shown.root.label
    assert shown.page.text("h1") == f"{name} = {shown.page.tell('explorer.engine.data.at(-1)'):.6g}"


def values_are_drawn_with_their_numbers(shown: Shown) -> None:
    page = shown.page
    for k in {shown.at, len(shown.order) - 1}:
        shown.select(k)
        v = shown.order[k]
        about = page.page.locator(".selected").get_attribute("aria-label") or ""
        kind = f"data {v.data:.4f} grad {v.grad:.4f}"
        assert about.startswith(f"{v.label} {kind}")
        assert page.count(".selected rect") >= 1
    if shown.is_small:
        cells = page.tell("explorer.canvas.cells.size")
        assert page.count("[data-cell]") == cells


def steps_backward_are_those_of_python(shown: Shown) -> None:
    page = shown.page
    place = {v: k for k, v in enumerate(shown.order)}
    forwards = page.tell("explorer.engine.forwardNodes.length")
    assert forwards == sum(bool(v.operands) for v in shown.order)
    for number, step in enumerate(islice(wg.steps(shown.root), 60), 1):
        given = page.tell("at => explorer.engine.step(at)", forwards + number)
        assert (given["node"], given["operand"]) == (place[step.node], place[step.operand])
        numbers = (step.upstream, step.partial, step.contribution, step.total)
        assert [given[name] for name in ("upstream", "partial", "added", "total")] == pytest.approx(
            numbers, rel=1e-13, abs=1e-300
        )
        assert given["first"] == step.first


def each_step_is_told_and_marked(shown: Shown) -> None:
    page = shown.page
    steps = page.tell("explorer.engine.steps")
    forwards = page.tell("explorer.engine.forwardNodes.length")
    page.press("Home")
    assert page.text(".where") == f"0 of {steps:,}"
    for at in (1, 2, forwards // 2, forwards, forwards + 1, (forwards + steps) // 2, steps):
        step = page.tell("at => explorer.engine.step(at)", at)
        shown.select(step["node"])
        page.tell("at => explorer.go(at)", at)
        symbols, numbers, _ = page.formula
        node = page.tell("k => explorer.tape.name(k)", step["node"])
        current = page.page.locator(".current").get_attribute("aria-label") or ""
        if step["direction"] == "forward":
            assert symbols.startswith(f"{node} = ")
            assert current.startswith((node, f"{node}: "))
            assert page.count(".waiting") == page.tell(
                "[...explorer.canvas.cells.values()].filter(({part}) =>"
                " part.value >= 0 && !explorer.isComputed(part.value)).length"
            )
            assert page.count(".travelled.back") == 0
        else:
            operand = page.tell("k => explorer.tape.name(k)", step["operand"])
            assert symbols.startswith(f"∂{shown.root.label}/∂{operand} ")
            assert symbols.endswith(f"· ∂{shown.root.label}/∂{node}")
            assert numbers.endswith(f" = {page.tell(SHORT, step['added'])}")
            assert page.count(".travelled.back") == 1
        assert page.count(".current") == 1
        assert 1 <= page.count(".travelled") <= 3
        assert 1 <= page.count(".operand") <= 3


def gradients_accumulate(shown: Shown) -> None:
    page = shown.page
    found = page.tell("""() => {
      const {engine} = explorer, first = engine.forwardNodes.length + 1;
      for (let at = first; at <= Math.min(engine.steps, first + 6000); at += 1) {
        const {operands, starts} = explorer.tape, j = at - first;
        const operand = operands[starts[engine.backwardNodes[j]] + engine.backwardSlots[j]];
        if (engine.gradientsAt(at - 1).seen[operand]) return at;
      }
      return -1;
    }""")
    if all(page.tell("[explorer.tape.users().starts].map((s) => s.every((x, k) => !k ||"
                     " x - s[k - 1] < 2))")):  # fmt: skip
        assert found == -1  # every value is used once
        return
    page.tell("at => explorer.go(at)", found)
    assert " += " in page.formula[0]
    assert "so far" in page.formula[2]
    total = page.tell("at => explorer.engine.step(at).total", found)
    before = page.tell("at => explorer.engine.gradientsAt(at - 1).grad["
                       "explorer.engine.step(at).operand]", found)  # fmt: skip
    assert total == before + page.tell("at => explorer.engine.step(at).added", found)


def keys_and_the_bar_go_through_the_tape(shown: Shown) -> None:
    page = shown.page
    last = page.tell("explorer.engine.last")
    page.page.locator("h1").click()
    page.press("Home", "ArrowRight", "ArrowRight")
    assert page.tell("explorer.position") == 2
    page.press("ArrowLeft", "End")
    assert page.tell("explorer.position") == last
    bar = page.page.get_by_label("Step", exact=True)
    bar.fill("3")
    assert page.text(".where").startswith("3 of ")
    page.page.get_by_label("Speed").select_option("20")
    page.page.locator("h1").click()
    page.press("Space")
    page.wait("explorer.position > 4")
    page.press("Space")
    assert page.tell("explorer.transport.timer") == 0
    for name, position in (("To the start", 0), ("One step on", 1), ("To the end", last)):
        page.click(name)
        assert page.tell("explorer.position") == position


def a_value_leads_to_its_step(shown: Shown) -> None:
    page = shown.page
    k = len(shown.order) // 2
    k = next(j for j in range(k, len(shown.order)) if shown.order[j].operands)
    shown.select(k)
    page.click("Value", "tab")
    name = page.tell("k => explorer.tape.name(k)", k)
    assert page.text(".details h2").startswith(name)
    uses = page.page.locator(".uses > li").all_text_contents()
    given = sum(float(each.split(" = ")[1].split("∂")[0]) for each in uses)
    assert uses == [] or given == pytest.approx(shown.order[k].grad, rel=1e-4, abs=1e-9)
    page.click("Go to its step")
    assert page.formula[0].startswith(f"{name} = ")


def a_typed_leaf_moves_everything(shown: Shown) -> None:
    page = shown.page
    shown.select(shown.at)
    page.click("What if", "tab")
    entry = page.page.get_by_label(f"{shown.leaf}, number").first
    entry.fill("1/4")
    entry.press("Enter")
    shown.is_at([(shown.at, 0.25)])
    assert page.count(".leaf-row.moved") == 1
    entry.fill("much")
    entry.press("Enter")
    assert "“much” is not a number" in page.text(".whatif")
    page.click("Reset")
    shown.is_at([])


def a_slider_moves_everything_and_the_chart_follows(shown: Shown) -> None:
    page = shown.page
    shown.select(shown.at)
    page.click("What if", "tab")
    slider = page.page.get_by_label(f"{shown.leaf}, slider").first
    slider.focus()
    slider.evaluate("(it) => { it.value = 0.5; it.dispatchEvent(new Event('input')); }")
    shown.is_at([(shown.at, float(slider.input_value()))])
    chart = page.page.locator(".chart .plot").first
    page.wait("document.querySelector('.chart .plot')?.ariaLabel.includes(': at 0.5 it is ')")
    label = chart.get_attribute("aria-label") or ""
    assert label.startswith(f"{shown.root.label} over {shown.leaf}: at 0.5 it is ")
    for part in (".curve", ".tangent", ".point"):
        assert page.count(f".chart {part}") == 1


def nudges_follow_the_gradient(shown: Shown) -> None:
    page = shown.page
    movable = page.tell("explorer.whatif.movable")
    leaves = [(k, shown.order[k].data + 0.01 * shown.order[k].grad) for k in movable]
    assert movable == [k for k, v in enumerate(shown.order) if not v.operands and v.label]
    page.click("Nudge")
    shown.is_at(leaves, 1e-9)
    page.page.get_by_label("Direction").select_option("-1")
    page.page.get_by_label("Step size").fill("0.02")
    page.click("Nudge")
    page.wait("document.querySelectorAll('.chart .dot').length === 3")
    past = page.tell("explorer.whatif.past")
    assert past[0] < past[1] > past[2]
    page.click("Reset")
    page.wait("document.querySelectorAll('.chart .dot').length === 0")
    page.page.get_by_label("Direction").select_option("1")
    page.page.get_by_label("Step size").fill("0.01")


def the_address_holds_the_state(shown: Shown) -> None:
    page = shown.page
    page.tell("k => explorer.move([[k, 0.75]])", shown.at)
    page.click("Gradients", "tab")
    page.tell("explorer.go(7)")
    page.wait("location.hash.includes('s=7') && location.hash.includes('p=gradients')")
    state = page.tell("location.hash")
    formula = page.formula
    page.go(shown.url + state)
    assert page.formula == formula
    assert page.tell("explorer.tab") == "gradients"
    shown.is_at([(shown.at, 0.75)])


def gradients_are_checked(shown: Shown) -> None:
    page = shown.page
    page.click("Gradients", "tab")
    shown.select(shown.at)
    page.click("Gradients", "tab")
    asking = page.page.locator(".gradients tr.chosen button:text-is('check')")
    if asking.count():  # where checking all takes too long
        asking.click()
    assert page.count(".verdict.right") >= 1 + 2 * shown.is_small
    assert page.count(".verdict.wrong, .verdict.not-filled") == 0
    row = page.page.locator(".gradients tr.chosen").text_content() or ""
    assert row.count(page.tell(SHORT, shown.order[shown.at].grad)) >= 2


def a_wrong_gradient_from_python_is_shown_with_its_reason(shown: Shown) -> None:
    page = shown.page
    page.tell("k => { explorer.tape.grad[k] *= -1; explorer.gradients.stale();"
              " explorer.changed(); }", shown.at)  # fmt: skip
    assert "A gradient from Python is wrong" in page.text(".alert")
    assert f"{shown.leaf}: the sign is wrong" in page.text(".alert")
    page.click("Show the check")
    assert page.count(".verdict.wrong") == 1
    assert "the sign is wrong" in page.text(".verdict.wrong")
    shown.select(shown.at)
    assert "✗ gradient in Python is wrong" in page.text(".selected .badge")
    page.tell("k => { explorer.tape.grad[k] *= -1; explorer.gradients.stale();"
              " explorer.changed(); }", shown.at)  # fmt: skip
    assert page.count(".alert") == 0


def the_quiz_asks_and_grades(shown: Shown) -> None:
    page = shown.page
    shown.select(shown.at)
    page.click("Gradients", "tab")
    page.click("Quiz me")
    grad = shown.order[shown.at].grad
    asked = page.page.locator(f'[data-quiz="{shown.at}"]')
    assert "grad ?" in (page.page.locator(".selected").get_attribute("aria-label") or "")
    page.click(f"Hint for {shown.leaf}")
    assert f"/∂{shown.leaf}" in (asked.locator(".reason").text_content() or "")
    entry = asked.locator("input")
    entry.fill(str(-grad))
    entry.press("Enter")
    assert "the sign is wrong" in (asked.text_content() or "")
    entry.fill("six")
    entry.press("Enter")
    assert "is not a number" in (asked.text_content() or "")
    entry.fill(str(grad))
    entry.press("Enter")
    assert "✓ right" in (asked.text_content() or "")
    assert page.text(".score").startswith("1 of ")
    assert f"grad {grad:.4f}" in (page.page.locator(".selected").get_attribute("aria-label") or "")
    shows = page.page.locator("[data-quiz] button:text-is('Show')")
    shows.first.click()
    assert "shown: " in page.text(".verdict.shown")
    page.click("End the quiz")
    assert page.count("[data-quiz]") == 0


def a_nan_has_a_story(shown: Shown) -> None:
    page = shown.page
    shown.select(shown.at)
    page.click("What if", "tab")
    entry = page.page.get_by_label(f"{shown.leaf}, number").first
    entry.fill("nan")
    entry.press("Enter")
    story = page.text(".alert")
    assert f"The leaf {shown.leaf} is nan" in story
    assert "Forward it spread to " in story
    assert "the root among them" in story
    assert "Backward, the first gradient that is not finite is " in story
    assert "nan begins here" in page.text(".selected .badge")
    assert page.text("h1").endswith("= nan")
    page.click("Reset")
    assert page.count(".alert") == 0


def values_are_found(shown: Shown) -> None:
    page = shown.page
    find = page.page.get_by_label(FIND)
    tanh = sum(v._op in ("tanh", "*") for v in shown.order)
    for query in (shown.leaf, "mul", "tanh", f"{shown.root.data:.6g}", ">100000", "zzz"):
        find.fill(query)
        values = shown.order
        expected = {
            "mul": sum(v._op == "*" for v in values),
            "tanh": sum(v._op == "tanh" for v in values),
            ">100000": 0, "zzz": 0,
        }.get(query)  # fmt: skip
        said = page.text(".search .said")
        if expected is not None:
            assert said == ("nothing found" if not expected else
                            f"{expected:,} match{'' if expected == 1 else 'es'}")  # fmt: skip
        else:
            assert "match" in said
        assert page.count(".results button") <= 30
    assert tanh
    find.fill(shown.leaf)
    page.page.locator(".results button").first.click()
    assert shown.order[page.tell("explorer.selected")].label == shown.leaf
    page.wait("document.querySelector('.selected')")
    assert page.tell("""() => {
      const box = document.querySelector(".graph").getBoundingClientRect();
      const cell = document.querySelector(".selected").getBoundingClientRect();
      return cell.right > box.left && cell.left < box.right;
    }""")


def the_largest_gradient_is_found(shown: Shown) -> None:
    page = shown.page
    page.click("Largest gradient")
    found = shown.order[page.tell("explorer.selected")]
    most = max(abs(v.grad) for v in shown.order if v is not shown.root)
    assert abs(found.grad) == pytest.approx(most, rel=1e-12)


def a_value_is_focused_on(shown: Shown) -> None:
    page = shown.page
    k = len(shown.order) - 2
    k = next(j for j in range(k, -1, -1) if shown.order[j].operands)
    place = {v: j for j, v in enumerate(shown.order)}
    pairs = [(j, place[u]) for j, v in enumerate(shown.order) for u in v.operands]
    near = {k}
    for _ in range(2):
        near |= {b for a, b in pairs if a in near} | {a for a, b in pairs if b in near}
    shown.select(k)
    page.click("Value", "tab")
    page.page.get_by_label("Hops").fill("2")
    page.click(f"Focus on {page.tell('k => explorer.tape.name(k)', k)}")
    if len(near) < 500:
        page.wait(f"explorer.canvas.cells.size === {len(near)}")
        assert set(page.tell("explorer.view.parts.map((part) => part.value)")) == near
    else:
        page.wait("explorer.canvas.cells.size === 500")
    before = page.tell("explorer.canvas.cells.size")
    namespace: dict[str, Any] = {}
    exec(page.downloaded("Python"), namespace)
    name = page.tell("explorer.tape.name(Math.max(...explorer.view.parts.map((p) => p.value)))")
    assert isinstance(namespace[name], Value)
    assert namespace[name].data == pytest.approx(
        page.tell("explorer.engine.data[Math.max(...explorer.view.parts.map((p) => p.value))]"),
        rel=1e-12,
    )
    page.click("Value", "tab")
    page.click("Show everything")
    page.wait(f"explorer.canvas.cells.size !== {before} || {before} === explorer.tape.size")


def groups_open_and_fold(shown: Shown) -> None:
    page = shown.page
    page.tell("explorer.setOpen(new Set())")
    if not page.tell("explorer.tape.groups.parent.length"):
        assert not page.page.get_by_role("button", name="Unfold").is_visible()
        return
    before = page.count("[data-cell]")
    assert before <= 150
    page.page.locator(".item.group").first.press("Enter")
    page.wait("explorer.canvas.element.querySelectorAll('.item.frame').length === 1")
    assert page.count("[data-cell]") >= before
    assert page.tell("document.activeElement.dataset.group") is not None
    page.press("Enter")
    page.wait("explorer.canvas.element.querySelectorAll('.item.frame').length === 0")
    assert page.tell("document.activeElement.classList.contains('group')")
    for _ in range(3):
        page.click("Unfold")
        page.wait("!explorer.canvas.redrawing")
        assert page.count("[data-cell]") <= 2000
    page.click("Fold", "button")
    page.wait(f"document.querySelectorAll('[data-cell]').length === {before}")
    page.tell("explorer.setOpen(new Set(explorer.home))")


def the_picture_moves_and_the_map_with_it(shown: Shown) -> None:
    page = shown.page

    def look() -> list[float]:
        return list(
            map(float, (page.page.locator(".graph").get_attribute("viewBox") or "").split())
        )

    whole = look()
    for name in ("Zoom in", "Zoom in", "Zoom in", "Zoom in"):
        page.click(name)
    close = look()
    assert close[2] < whole[2] / 2
    assert page.page.locator(".map").is_visible()
    page.page.locator(".map").click(position={"x": 12, "y": 40})
    assert look()[:2] != close[:2]
    box = page.page.locator(".graph").bounding_box()
    assert box
    page.page.mouse.move(box["x"] + 200, box["y"] + 150)
    page.page.mouse.wheel(40, 30)
    page.wait(f"explorer.canvas.look.x !== {look()[0] + 1e9}")
    dragged = look()
    page.page.mouse.move(box["x"] + 15, box["y"] + 15)
    page.page.mouse.down()
    page.page.mouse.move(box["x"] + 75, box["y"] + 45, steps=3)
    page.page.mouse.up()
    assert look()[0] < dragged[0]
    page.page.locator("h1").click()
    page.press("0")
    assert look()[2] == pytest.approx(whole[2])


def the_picture_can_be_taken_away(shown: Shown) -> None:
    svg = shown.page.downloaded("Picture (SVG)")
    assert svg.startswith(b"<svg")
    assert b"script" not in svg
    assert b"class=" not in svg
    assert shown.page.downloaded("Picture (PNG)").startswith(b"\x89PNG")


def python_builds_the_expression_again(shown: Shown) -> None:
    page = shown.page
    if not shown.is_small:
        page.click("Export", "tab")
        page.click("Python")
        assert "Focus on a part first" in page.text("#panel-export .hint:not(:first-child)")
        return
    namespace: dict[str, Value] = {}
    exec(page.downloaded("Python"), namespace)
    again = namespace[shown.root.label]
    assert again.data == pytest.approx(shown.root.data, rel=1e-12)
    assert namespace[shown.leaf].grad == pytest.approx(shown.order[shown.at].grad, rel=1e-12)


def the_tape_is_json(shown: Shown) -> None:
    tape = json.loads(shown.page.downloaded("Tape (JSON)"))
    assert tape["root"] == shown.root.label
    assert [node["data"] for node in tape["nodes"]] == [v.data for v in shown.order]
    assert sum(len(node["operands"]) for node in tape["nodes"]) == sum(
        len(v.operands) for v in shown.order
    )


def colours_words_and_help_are_there(shown: Shown) -> None:
    page = shown.page
    before = page.tell("getComputedStyle(explorer.host).backgroundColor")
    page.click("Colours: auto. Change.")
    page.click("Colours: light. Change.")
    assert page.tell("getComputedStyle(explorer.host).backgroundColor") != before
    for word in page.page.locator(".term:visible").all()[:4]:
        word.focus()
        assert len(page.text(".tip")) > 30
    page.press("Escape")
    assert not page.page.locator(".tip").is_visible()
    page.click("Help")
    assert page.page.get_by_role("dialog").is_visible()
    page.press("Escape")


def axe_finds_nothing(shown: Shown) -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: make browser")
    assert not shown.page.axe()


def it_fits_a_narrow_screen_and_paper(shown: Shown) -> None:
    page = shown.page
    page.page.set_viewport_size({"width": 360, "height": 740})
    for tab in ("Gradients", "Value", "Export", "What if"):
        page.click(tab, "tab")
        assert page.tell("document.documentElement.scrollWidth") <= 360
    page.page.set_viewport_size({"width": 1280, "height": 800})
    page.page.emulate_media(media="print", color_scheme="dark")
    assert page.tell("getComputedStyle(explorer.host).color") == "rgb(20, 24, 29)"
    assert not page.page.get_by_label("Play", exact=True).first.is_visible()
    page.page.emulate_media(media="screen", color_scheme="light")


def cells_are_reached_by_keyboard(shown: Shown) -> None:
    page = shown.page
    names = []
    page.page.get_by_label("Speed").focus()
    for _ in range(12):
        page.press("Tab")
        names.append(page.tell("document.activeElement.getAttribute('aria-label')"
                               " ?? document.activeElement.className"))  # fmt: skip
    cells = page.tell("[...document.querySelectorAll('.item[tabindex]')].map((item) =>"
                      " item.getAttribute('aria-label'))")  # fmt: skip
    assert "Step" in names
    reached = [name for name in names if name in cells]
    assert reached
    assert reached == cells[: len(reached)]
    shown.select(shown.at)
    page.page.locator(".item.selected").press("Enter")
    page.click("Gradients", "tab")
    name = page.page.locator(".gradients .chosen .name")
    name.focus()
    page.press("Enter")  # which writes the table anew
    assert page.tell("document.activeElement.textContent") == shown.leaf


FEATURES = [
    data_and_gradients_are_those_of_python, values_are_drawn_with_their_numbers,
    steps_backward_are_those_of_python, each_step_is_told_and_marked, gradients_accumulate,
    keys_and_the_bar_go_through_the_tape, a_value_leads_to_its_step, a_typed_leaf_moves_everything,
    a_slider_moves_everything_and_the_chart_follows, nudges_follow_the_gradient,
    the_address_holds_the_state, gradients_are_checked,
    a_wrong_gradient_from_python_is_shown_with_its_reason, the_quiz_asks_and_grades,
    a_nan_has_a_story, values_are_found, the_largest_gradient_is_found, a_value_is_focused_on,
    groups_open_and_fold, the_picture_moves_and_the_map_with_it, the_picture_can_be_taken_away,
    python_builds_the_expression_again, the_tape_is_json, colours_words_and_help_are_there,
    axe_finds_nothing, it_fits_a_narrow_screen_and_paper, cells_are_reached_by_keyboard,
]  # fmt: skip


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.__name__)
@pytest.mark.parametrize("graph", GRAPHS)
def test_on_every_graph(graph: str, feature: Callable[[Shown], None], shown: Shown) -> None:
    feature(shown)


def test_the_graphs_are_of_the_sizes_that_are_meant(graphs: dict[str, Shown]) -> None:
    sizes = [len(shown.order) for shown in graphs.values()]
    assert all(small < large for small, large in pairwise(sizes))
    assert 1200 <= sizes[2] <= 1500
    assert 90_000 <= sizes[3] <= 110_000
    assert math.isfinite(graphs["100,000"].root.data)
