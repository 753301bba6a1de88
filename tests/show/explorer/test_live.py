"""The live explorer: leaves, step and selection go both ways between the page and Python."""

from typing import Any

import pytest
from show_graphs import chain

import wengert as wg
from lesson_graphs import expression
from wengert import DrawError, MissingExtraError, Value

pytest.importorskip("anywidget")

MODEL = """async ([code, state]) => {
  const listeners = {}, sent = [];
  globalThis.model = {
    state, sent,
    get: (name) => state[name],
    set: (name, value) => { state[name] = value; for (const f of listeners["change:" + name] ?? []) f(); },
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
}"""  # noqa: E501


@pytest.fixture
def widget() -> Any:
    graph = expression()
    graph["L"].backward()
    made = wg.explore(graph["L"], live=True)
    made.graph = graph
    return made


@pytest.fixture
def shown(widget: Any, blank: Any) -> Any:
    state = {name: getattr(widget, name) for name in ("tape", "step", "selected", "height")}
    blank.evaluate(MODEL, [widget._esm, state])
    return blank


def title(page: Any) -> str:
    text: str = page.evaluate("inside('h1').textContent")
    return text


def test_it_shows_the_same_page(shown: Any) -> None:
    assert title(shown) == "L = -8"
    assert shown.evaluate("inside('.graph').querySelectorAll('[data-cell]').length") == 7


def test_a_leaf_moved_on_the_page_moves_in_python(shown: Any, widget: Any) -> None:
    shown.evaluate("""() => {
      const entry = inside('[aria-label="c, number"]');
      entry.value = "5";
      entry.dispatchEvent(new Event("change"));
    }""")
    assert title(shown) == "L = 2"
    (message,) = [each for each in shown.evaluate("model.sent") if "moved" in each]
    widget._handle_custom_msg(message, [])
    assert widget.graph["c"].data == 5.0
    assert widget.graph["L"].data == 2.0
    assert widget.graph["f"].grad == -1.0


def test_a_leaf_moved_in_python_moves_on_the_page(shown: Any, widget: Any) -> None:
    sent: list[Any] = []
    widget.send = sent.append
    widget.move(widget.graph["c"], 5.0)
    assert widget.graph["L"].data == 2.0
    shown.evaluate("content => model.tell(content)", sent[0])
    assert title(shown) == "L = 2"
    assert not [each for each in shown.evaluate("model.sent") if "moved" in each]


def test_step_and_selection_go_both_ways(shown: Any, widget: Any) -> None:
    shown.evaluate("model.set('step', 1)")
    assert shown.evaluate("inside('.formula .symbols').textContent") == "e = a·b"
    shown.evaluate("inside('[aria-label=\"One step on\"]').click()")
    assert shown.evaluate("model.state.step") == 2
    shown.evaluate("model.set('selected', 2)")
    assert shown.evaluate("inside('.details h2').textContent").startswith("e")
    shown.evaluate("inside('[aria-label^=\"d data\"]').dispatchEvent("
                   "new MouseEvent('click', {bubbles: true}))")  # fmt: skip
    assert shown.evaluate("model.state.selected") == 4


def test_numbers_that_were_changed_otherwise_are_shown_again(shown: Any, widget: Any) -> None:
    widget.graph["c"].data = 5.0
    widget.graph["L"].forward()
    widget.refresh()
    shown.evaluate("tape => model.set('tape', tape)", widget.tape)
    for _ in range(200):
        if title(shown) == "L = 2":
            break
        shown.wait_for_timeout(20)
    assert title(shown) == "L = 2"


def test_closing_leaves_nothing_listening(shown: Any) -> None:
    assert shown.evaluate("model.listening()") == 4
    assert shown.evaluate("(close(), model.listening())") == 0


def test_what_was_left_out_comes_when_asked_for() -> None:
    widget = wg.explore(chain(3000), most=500, live=True)
    before = len(widget.tape)
    widget._handle_custom_msg({"more": True}, [])
    assert len(widget.tape) > before
    widget._handle_custom_msg("nonsense", [])
    widget._handle_custom_msg({"moved": [[10**9, 1.0]]}, [])


def test_functions_have_no_values_to_follow() -> None:
    with pytest.raises(DrawError, match="live=True follows a graph of Values"):
        wg.explore(lambda x: x * x, 2.0, live=True)


def test_without_anywidget_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from wengert.show.explorer import live

    live._widget_class.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "anywidget", None)
    with pytest.raises(MissingExtraError, match="widget"):
        wg.explore(Value(1.0) * 2.0, live=True)
    live._widget_class.cache_clear()
