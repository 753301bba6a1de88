"""The live explorer: leaves, step and selection go both ways between the page and Python."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from show_graphs import chain

import wengert as wg
from lesson_graphs import expression
from wengert import DrawError, MissingExtraError, OperandError, Value

pytest.importorskip("anywidget")

MODEL = """async ([code, state]) => {
  const listeners = {}, sent = [];
  const told = (name) => { for (const f of [...listeners["change:" + name] ?? []]) f(); };
  globalThis.model = {
    state, sent,
    get: (name) => state[name],
    set: (name, value) => {
      if (state[name] === value) return;
      state[name] = value;
      told(name);
    },
    save_changes: () => sent.push({saved: {step: state.step, selected: state.selected}}),
    send: (content) => sent.push(content),
    on: (what, does) => (listeners[what] ??= []).push(does),
    off: (what, does) => { listeners[what] = (listeners[what] ?? []).filter((f) => f !== does); },
    tell: (content) => { for (const f of listeners["msg:custom"] ?? []) f(content); },
    listening: () => Object.values(listeners).flat().length,
  };
  const el = document.createElement("div");
  document.body.append(el);
  const url = URL.createObjectURL(new Blob([code], {type: "text/javascript"}));
  globalThis.close = await (await import(url)).default.render({model, el});
  globalThis.inside = (selector) => el.shadowRoot.querySelector(selector);
  globalThis.press = (text) => [...el.shadowRoot.querySelectorAll("button")]
    .find((each) => each.textContent === text && !each.closest("[hidden]")).click();
  globalThis.type = (label, text) => {
    const entry = inside(`[aria-label="${label}"]`);
    entry.value = text;
    entry.dispatchEvent(new Event("change"));
  };
}"""
NAMES = ("tape", "step", "selected", "height")


class Linked:
    """A widget and its page, with what each sends to the other."""

    def __init__(self, widget: Any, page: Any) -> None:
        self.widget, self.page = widget, page
        self.waiting: list[Any] = []
        widget.send = self.waiting.append
        state = {name: getattr(widget, name) for name in NAMES}
        page.evaluate(MODEL, [widget._esm, state])
        self.known = {**state, "step": None}
        self.settle()

    def settle(self) -> None:
        """Hand over what was sent, until nothing is."""
        for _ in range(100):
            given = self.page.evaluate("model.sent.splice(0)")
            for message in given:
                if "saved" in message:
                    self.known.update(message["saved"])
                    for name, value in message["saved"].items():
                        setattr(self.widget, name, value)
                else:
                    self.widget._handle_custom_msg(message, [])
            changed = [name for name in NAMES if getattr(self.widget, name) != self.known[name]]
            for name in changed:
                self.known[name] = getattr(self.widget, name)
                self.page.evaluate("([name, x]) => model.set(name, x)", [name, self.known[name]])
            messages, self.waiting[:] = list(self.waiting), []
            for message in messages:
                self.page.evaluate("content => model.tell(content)", message)
            if not (given or changed or messages):
                return
        raise AssertionError("the widget and its page never come to rest")

    def tell(self, expression: str) -> Any:
        """What JavaScript gives, once all is handed over."""
        given = self.page.evaluate(expression)
        self.settle()
        return given

    def text(self, selector: str) -> str:
        """The text of an element."""
        found: str = self.page.evaluate("s => inside(s)?.textContent ?? ''", selector)
        return found

    def wait(self, selector: str, wanted: str) -> None:
        """Until an element has a text."""
        for _ in range(300):
            self.settle()
            if wanted in self.text(selector):
                self.settle()
                return
            self.page.wait_for_timeout(10)
        raise AssertionError(f"{wanted!r} was expected, not {self.text(selector)!r}")


@pytest.fixture(scope="module")
def blank_page(browser: Any) -> Iterator[Any]:
    context = browser.new_context()
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page
    context.close()
    assert not wrong


@pytest.fixture
def linked(blank_page: Any) -> Iterator[Callable[[Any], Linked]]:
    """A function that shows a widget on a page."""

    def show(widget: Any) -> Linked:
        return Linked(widget, blank_page)

    yield show
    blank_page.evaluate("document.body.replaceChildren()")


@pytest.fixture
def graph() -> dict[str, Value]:
    made = expression()
    made["L"].backward()
    return made


@pytest.fixture
def shown(graph: dict[str, Value], linked: Any) -> Linked:
    made: Linked = linked(wg.explore(graph["L"], live=True))
    return made


# --- graphs of Values -----------------------------------------------------------------------------


def test_it_shows_the_same_page(shown: Linked) -> None:
    assert shown.text("h1") == "L = -8"
    assert shown.tell("inside('.graph').querySelectorAll('[data-cell]').length") == 7
    assert shown.widget.step == 10


def test_a_leaf_moved_on_the_page_moves_in_python(shown: Linked, graph: Any) -> None:
    shown.tell("type('c, number', '5')")
    assert shown.text("h1") == "L = 2"
    assert graph["c"].data == 5.0
    assert graph["L"].data == 2.0
    assert graph["f"].grad == -1.0
    shown.tell("type('c, number', '-inf')")
    assert graph["c"].data == -np.inf
    shown.tell("press('Reset')")
    assert graph["L"].data == -8.0


def test_a_leaf_moved_in_python_moves_on_the_page(shown: Linked, graph: Any) -> None:
    shown.widget.move(graph["c"], 5.0)
    assert graph["L"].data == 2.0
    assert shown.widget.root is graph["L"]
    shown.settle()
    assert shown.text("h1") == "L = 2"
    shown.widget.move("c", 7)
    shown.settle()
    assert shown.text("h1") == "L = -2"
    for leaf in (graph["e"], "e", "z", Value(1.0)):
        with pytest.raises(OperandError, match="no leaf of the graph"):
            shown.widget.move(leaf, 5.0)


def test_step_and_selection_go_both_ways(shown: Linked, graph: Any) -> None:
    shown.widget.step = 1
    shown.settle()
    assert shown.text(".formula .symbols") == "e = a·b"
    shown.tell("inside('[aria-label=\"One step on\"]').click()")
    assert shown.widget.step == 2
    shown.widget.selected = 2
    shown.settle()
    assert shown.text(".details h2").startswith("e")
    assert shown.widget.chosen is graph["e"]
    shown.tell("inside('[aria-label^=\"d data\"]').dispatchEvent("
               "new MouseEvent('click', {bubbles: true}))")  # fmt: skip
    assert shown.widget.selected == 4
    assert shown.widget.chosen is graph["d"]
    shown.widget.step = -1
    shown.settle()
    assert shown.widget.step == 10


def test_numbers_that_were_changed_otherwise_are_shown_again(shown: Linked, graph: Any) -> None:
    shown.tell("press('Gradients')")
    shown.widget.step = 3
    graph["c"].data = 5.0
    graph["L"].forward()
    shown.widget.refresh()
    shown.wait("h1", "L = 2")
    assert shown.widget.step == 3
    assert shown.tell("inside('[aria-selected=true]').textContent") == "Gradients"


def test_closing_leaves_nothing_listening(shown: Linked) -> None:
    assert shown.tell("model.listening()") == 4
    assert shown.tell("(close(), model.listening())") == 0


def test_what_a_page_may_not_say_does_no_harm(shown: Linked, graph: Any) -> None:
    for message in ("nonsense", {"moved": 3}, {"moved": [[10**9, 1.0], [-5, 1.0], [2, 1.0]]}):
        shown.widget._handle_custom_msg(message, [])
    assert graph["e"].data == -6.0
    assert graph["L"].data == -8.0


# --- what was left out ----------------------------------------------------------------------------


def test_what_was_left_out_comes_when_asked_for(linked: Any) -> None:
    root = chain(3000)
    page = linked(wg.explore(root, most=500, live=True))
    assert "earlier values were left out" in page.text(".remark")
    assert "at most 500 values and 24 MB" in page.text(".remark")
    value = page.widget._behind.values[-100]
    page.widget.selected = len(page.widget._shown.ops) - 100
    page.widget.step = page.widget.step - 7
    page.settle()
    assert page.widget.chosen is value
    before = page.text(".formula .symbols"), page.text(".details h2")
    sizes = [len(page.widget._shown.ops)]
    while page.text(".remark"):
        page.tell("press('Bring more')")
        page.wait(".size", f"{len(page.widget._shown.ops):,} values")
        sizes.append(len(page.widget._shown.ops))
        assert page.widget.chosen is value
        assert (page.text(".formula .symbols"), page.text(".details h2")) == before
    assert len(sizes) > 3
    assert sizes[-1] == len(page.widget._behind.values)
    assert page.tell("Number(inside('h1').textContent.split('= ')[1])") == pytest.approx(
        root.data, rel=1e-5
    )


def test_leaves_that_stand_for_what_was_left_out_follow_and_cannot_be_moved(linked: Any) -> None:
    x = Value(0.5, label="x")
    root = x
    for _ in range(400):
        root = wg.sin(root) + x
    page = linked(wg.explore(root, most=60, live=True))
    assert page.text(".leaf-row .name") == "x"
    assert page.tell("inside('.leaves').children.length") == 1
    page.tell("type('x, number', '0.25')")
    assert x.data == 0.25
    assert page.tell("Number(inside('h1').textContent.split('= ')[1])") == pytest.approx(
        root.data, rel=1e-5
    )


# --- functions and programs -----------------------------------------------------------------------


def slope(w: Any, x: Any) -> Any:
    return np.sum(w * x) if w[0] > 0.0 else wg.exp(w[1])


def test_the_arguments_of_a_function_go_both_ways(linked: Any) -> None:
    page = linked(wg.explore(slope, np.array([1.0, 2.0]), [3.0, 4.0], live=True))
    assert page.text("h1") == "slope = 11"
    page.tell("type('w[1], number', '5')")
    assert page.text("h1") == "slope = 23"
    w, x = page.widget.arguments
    assert w.tolist() == [1.0, 5.0]
    assert x == [3.0, 4.0]
    page.widget.move("x.0", 2.0)
    page.settle()
    assert page.text("h1") == "slope = 22"
    with pytest.raises(OperandError, match=r"no number 'y'.*w\[0\], w\[1\], x\.0, x\.1"):
        page.widget.move("y", 2.0)
    for name in ("root", "chosen"):
        with pytest.raises(DrawError, match="is there for Values"):
            getattr(page.widget, name)


def test_a_function_shows_the_path_that_it_takes_when_asked_to(linked: Any) -> None:
    page = linked(wg.explore(slope, np.array([1.0, 2.0]), np.array([3.0, 4.0]), live=True))
    page.tell("type('w[0], number', '-1')")
    assert "would have gone another way" in page.text(".alert")
    page.tell("press('Show that path')")
    page.wait("h1", "slope = 7.38906")
    assert not page.text(".alert")
    page.tell("type('w[1], number', '0')")  # by a rule that the first path had no use for
    assert page.text("h1") == "slope = 1"
    assert page.widget.arguments[0].tolist() == [-1.0, 0.0]
    page.widget.refresh()
    page.settle()
    page.wait("h1", "slope = 1")


def test_a_program_follows_too_and_keeps_its_path(linked: Any) -> None:
    program = wg.record(slope, np.ones(2), np.ones(2))
    page = linked(wg.explore(program, np.array([1.0, 2.0]), np.array([3.0, 4.0]), live=True))
    page.widget.move("w[0]", -1.0)
    page.settle()
    assert "would have gone another way" in page.text(".alert")
    assert "Show that path" not in page.text(".alert")
    with pytest.raises(DrawError, match="arguments are there for a function"):
        wg.explore(Value(1.0) * 2.0, live=True).arguments  # noqa: B018


def test_what_was_left_out_of_a_program_comes_with_the_present_numbers(linked: Any) -> None:
    def running(x: Any) -> Any:
        total = x[0]
        for k in range(300):
            total = total + wg.sin(x[k])
        return total

    x = np.linspace(0.0, 1.0, 300)
    page = linked(wg.explore(running, x, most=200, live=True))
    first, last = x.copy(), x.copy()
    first[0] = first[299] = last[299] = 0.5
    page.widget.move("x[0]", 0.5)  # which stands in what was left out
    page.widget.move("x[299]", 0.5)
    page.settle()
    assert page.text("h1") == f"running = {running(first):.6g}"
    assert page.tell("inside('[aria-label=\"x[0], number\"]')") is None
    while page.text(".remark"):
        page.tell("press('Bring more')")
        page.wait(".size", f"{len(page.widget._shown.ops):,} values")
    assert page.text("h1") == f"running = {running(first):.6g}"
    assert page.tell("[...inside('.leaves').children].length") == 40


def test_without_anywidget_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from wengert.show.explorer import live

    live._widget_class.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "anywidget", None)
    with pytest.raises(MissingExtraError, match="widget"):
        wg.explore(Value(1.0) * 2.0, live=True)
    live._widget_class.cache_clear()
