"""Labels, scopes and symbols of any kind appear as text, and run nothing."""

from collections.abc import Callable
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


def graph(label: str, scope: str, symbol: str) -> Value:
    """A graph that has the text wherever a user can put one."""
    with wg.scope(scope):
        a, b = Value(2.0, label=label), Value(-3.0, label=label)
        own = Value(5.0, (a, b), symbol, label=label)
    return own * a + b


def shown(page: Opened) -> None:
    """Go through all of the page."""
    page.press("Home", "ArrowRight", "ArrowRight", "End", "ArrowLeft")
    for tab in ("Gradients", "Value", "Export", "What if"):
        page.click(tab, "tab")
    page.tell("explorer.select(0)")
    page.click("Export", "tab")
    with page.page.expect_download():
        page.click("Picture (SVG)")
    with page.page.expect_download():
        page.click("Python")
    page.tell("explorer.setOpen(new Set())")
    assert page.tell("globalThis.ran") is None
    assert page.count("script") == 2
    assert page.count("img") == 0
    assert page.count("style") == 1


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_text(text: str, opened: Callable[..., Opened]) -> None:
    page = opened(wg.explore(graph(text, text.replace("/", "") or "s", text)))
    shown(page)
    assert page.tell("explorer.tape.labels.get(0)") == clean(text[:200])
    source = page.page.get_by_label("Python that rebuilds the expression")
    namespace: dict[str, Any] = {}
    page.click("Export", "tab")
    with page.page.expect_download():
        page.click("Python")
    exec(source.input_value(), namespace)
    assert namespace["wg"] is wg


@settings(
    max_examples=25, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(
    label=st.text(max_size=30), scope=st.text(min_size=1, max_size=20),
    symbol=st.text(min_size=1, max_size=12),
)  # fmt: skip
def test_any_text_is_text(
    label: str, scope: str, symbol: str, opened: Callable[..., Opened]
) -> None:
    scope = scope.replace("/", "-").strip() or "s"
    try:
        root = graph(label, scope, symbol)
    except wg.WengertError:
        return  # no name for a scope
    page = opened(wg.explore(root))
    assert page.tell("explorer.tape.labels.get(0) ?? ''") == clean(label)
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
