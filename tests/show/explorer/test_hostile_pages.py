"""Labels, scopes and symbols of any kind appear as text, and run nothing."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opened import Opened

import wengert as wg
from wengert import Value
from wengert.show.text import clean

HOSTILE = [
    "</script><script>globalThis.ran = 1</script>",
    "<img src=x onerror='globalThis.ran=1'>",
    '"><svg onload="globalThis.ran=1">',
    "<!--<script>",
    "]]></style><style>*{display:none}",
    "{}{0}${globalThis.ran=1}`",
    "a&amp;b &lt; c",
    "\u202egnirts\u202c",
    "a\x00b\x07c\x1b[0m",
    "\u2028\u2029",
    "𝕏 é 日本語 العربية",
    "__proto__",
    "constructor",
    "'; drop",
    "x" * 500,
    "\ud800",
]


SCOPES = st.text(min_size=1, max_size=20).map(lambda name: name.replace("/", "-").strip() or "s")


def graph(texts: Sequence[tuple[str, str, str]]) -> Value:
    """A graph that has texts wherever a user can put them: labels, scopes and symbols."""
    total: Any = Value(0.0)
    for label, scope, symbol in texts:
        with wg.scope(scope):
            a, b = Value(2.0, label=label), Value(-3.0, label=label)
            own = Value(5.0, (a, b), symbol, label=label)
        total = total + own * a
    return total + 1.0


def seen(page: Opened) -> None:
    """Go through all of the page; its script alone has run."""
    page.press("Home", "ArrowRight", "ArrowRight", "End", "ArrowLeft")
    page.tell("explorer.openMore()")
    for tab in ("Gradients", "Value", "Export", "What if"):
        page.click(tab, "tab")
    page.tell("explorer.select(explorer.leaves[1])")
    page.downloaded("Picture (SVG)")
    page.tell("explorer.setOpen(new Set())")
    assert page.tell("globalThis.ran") is None
    assert page.count("script") == 2
    assert page.count("img") == 0
    assert page.count("style") == 1


def labels_of(page: Opened) -> list[str]:
    found: list[str] = page.tell("[...explorer.tape.labels.values()]")
    return found


def test_hostile_text_is_text(opened: Callable[..., Opened]) -> None:
    page = opened(wg.explore(graph([(text, text.replace("/", ""), text) for text in HOSTILE])))
    seen(page)
    assert set(labels_of(page)) == {clean(text[:200]) for text in HOSTILE}
    namespace: dict[str, Any] = {}
    exec(page.downloaded("Python"), namespace)
    assert namespace["wg"] is wg


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_root_is_text_in_title_and_heading(
    text: str, opened: Callable[..., Opened]
) -> None:
    page = opened(wg.explore(Value(5.0, (Value(2.0, label=text),), text, label=text)))
    assert page.tell("globalThis.ran") is None
    assert page.count("script") == 2
    assert page.text("h1").startswith(clean(text[:200]).strip()[:20])
    assert page.tell("document.title").endswith("– Wengert")


@settings(
    max_examples=8, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(
    texts=st.lists(
        st.tuples(
            st.text(min_size=1, max_size=30),
            SCOPES,
            st.text(min_size=1, max_size=12),
        ),
        min_size=4, max_size=12,
    )
)  # fmt: skip
def test_any_text_is_text(texts: list[tuple[str, str, str]], opened: Callable[..., Opened]) -> None:
    try:
        root = graph(texts)
    except wg.WengertError:
        return  # no name for a scope
    page = opened(wg.explore(root))
    assert set(labels_of(page)) == {clean(label) for label, _, _ in texts}
    assert page.tell("globalThis.ran") is None


def test_a_script_that_is_not_ours_does_not_run(browser: Any, tmp_path: Any) -> None:
    explorer = wg.explore(Value(1.0) * 2.0)
    hostile = explorer.html.replace("</body>", "<script>globalThis.ran = 1</script></body>")
    path = tmp_path / "hostile.html"
    path.write_text(hostile, encoding="utf-8")
    context = browser.new_context()
    page = context.new_page()
    page.goto(path.as_uri())
    page.wait_for_selector("#explorer[data-ready]")
    assert page.evaluate("globalThis.ran") is None
    context.close()
